"""Planted faults of the AXI4-Stream wrapper that the zero eliminator shows: TKEEP with holes in, without out."""

from tokensieve.rtl.flow.mutants.base import Mutant
from tokensieve.rtl.flow.mutants.parts import TVALID_WAITS

_AXI = "tokensieve.rtl.axi"

MUTANTS = (
    Mutant(
        name="keep-not-read",
        module=_AXI,
        old='kept = [wires["tkeep"][lane * bus.lane_bytes] for lane in range(bus.lanes)]',
        new="kept = [Value.cast(1) for lane in range(bus.lanes)]",
        why="Lanes that TKEEP leaves out count.",
    ),
    Mutant(
        name="keep-of-bytes",
        module=_AXI,
        old='kept = [wires["tkeep"][lane * bus.lane_bytes] for lane in range(bus.lanes)]',
        new='kept = [wires["tkeep"][lane] for lane in range(bus.lanes)]',
        why="The first bytes of TKEEP are taken for its lanes.",
    ),
    Mutant(
        name="first-byte-kept",
        module=_AXI,
        old="keep.replicate(bus.lane_bytes) for keep in kept",
        new="Cat(keep, Value.cast(0).replicate(bus.lane_bytes - 1)) for keep in kept",
        why="Only the first byte of a lane is kept.",
    ),
    Mutant(
        name="last-not-read",
        module=_AXI,
        old='m.d.comb += bits[bus.last].eq(wires["tlast"])',
        new="m.d.comb += bits[bus.last].eq(1)",
        why="Every beat ends its packet.",
    ),
    Mutant(
        name="reset-active-high",
        module=_AXI,
        old="domain.rst.eq(~self.aresetn)",
        new="domain.rst.eq(self.aresetn)",
        why="The unit is reset while it should run.",
    ),
    TVALID_WAITS,
)
