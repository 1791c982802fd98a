"""Planted faults of the AXI4-Stream wrapper that the top-k engine shows: several buses, events, packed beats out."""

from tokensieve.rtl.flow.mutants.base import Mutant
from tokensieve.rtl.flow.mutants.parts import TVALID_WAITS

_AXI = "tokensieve.rtl.axi"

MUTANTS = (
    Mutant(
        name="wrong-field-of-event",
        module=_AXI,
        old="Value.cast(inner.payload)[place.offset :][: place.width]",
        new="Value.cast(inner.payload)[: place.width]",
        why="The ports of an event all show its first field.",
    ),
    Mutant(
        name="ready-without-valid",
        module=_AXI,
        old='wires["tready"].eq(inner.ready)',
        new='wires["tready"].eq(1)',
        why="TREADY is high although the unit does not take the beat, which is lost.",
    ),
    Mutant(
        name="last-missing",
        module=_AXI,
        old='m.d.comb += wires["tlast"].eq(bits[bus.last])',
        new='m.d.comb += wires["tlast"].eq(0)',
        why="No packet ends.",
    ),
    Mutant(
        name="keeps-one-more",
        module=_AXI,
        old="told > lane if",
        new="told >= lane if",
        why="TKEEP has one lane more than the beat has items.",
    ),
    Mutant(
        name="field-across-bytes",
        module=_AXI,
        old="m.d.comb += [bits[one.lsb :][: one.width].eq(wires[wire][one.to :][: one.width]) for one in pieces]",
        new="m.d.comb += [bits[one.lsb :][: one.width].eq(wires[wire][one.lsb :][: one.width]) for one in pieces]",
        why="Fields are looked for one behind the other, not each on bytes of its own.",
    ),
    TVALID_WAITS,
)
