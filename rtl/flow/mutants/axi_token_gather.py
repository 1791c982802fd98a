"""Planted faults of the AXI4-Stream wrapper that the token gather shows: TKEEP that counts in, bytes out."""

from tokensieve.rtl.flow.mutants.base import Mutant
from tokensieve.rtl.flow.mutants.parts import TVALID_WAITS

_AXI = "tokensieve.rtl.axi"

MUTANTS = (
    Mutant(
        name="full-beat-short",
        module=_AXI,
        old="sum(kept, start=Value.cast(0))",
        new="sum(kept[:-1], start=Value.cast(0))",
        why="The last lane of a full beat does not count.",
    ),
    Mutant(
        name="all-bytes-kept",
        module=_AXI,
        old="told > lane if",
        new="told >= 0 if",
        why="TKEEP says that every byte of a beat counts, also behind the end of a short vector.",
    ),
    TVALID_WAITS,
)
