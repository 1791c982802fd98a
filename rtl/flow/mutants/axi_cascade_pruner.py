"""Planted faults of the AXI4-Stream wrapper that the cascade pruner shows: many fields, narrow numbers out."""

from tokensieve.rtl.flow.mutants.base import Mutant
from tokensieve.rtl.flow.mutants.parts import TVALID_WAITS

_AXI = "tokensieve.rtl.axi"

MUTANTS = (
    Mutant(
        name="last-field-lost",
        module=_AXI,
        old="eq(wires[wire][one.to :][: one.width]) for one in pieces]",
        new="eq(wires[wire][one.to :][: one.width]) for one in pieces[: -1 if len(pieces) == 7 else None]]",
        why="The last field of a command, which asks for a fetch, is not connected.",
    ),
    Mutant(
        name="fields-side-by-side",
        module=_AXI,
        old="wires[wire][one.to :][: one.width].eq(bits[one.lsb :][: one.width])",
        new="wires[wire][one.lsb :][: one.width].eq(bits[one.lsb :][: one.width])",
        why="What leaves has its fields one behind the other, not each on bytes of its own.",
    ),
    TVALID_WAITS,
)
