"""Planted faults of the zero eliminator: stages, compactor and beat buffer."""

from tokensieve.rtl.flow.mutants.base import Mutant
from tokensieve.rtl.flow.mutants.parts import BEAT_DROPPED, impatient_output

MUTANTS = (
    Mutant(
        name="level-without-reset",
        module="tokensieve.rtl.zero_eliminator",
        old="level = Signal(lane_count_bits(lanes))",
        new="level = Signal(lane_count_bits(lanes), reset_less=True)",
        why="items that were held when a reset came join those of the next packet",
    ),
    Mutant(
        name="rest-lost",
        module="tokensieve.rtl.zero_eliminator",
        old="self.o.valid.eq(wants)",
        new="self.o.valid.eq(wants & ~ending)",
        why="what is left at the end of a packet never leaves",
    ),
    Mutant(
        name="takes-only-if-free",
        module="tokensieve.rtl.zero_eliminator",
        old="self.i.ready.eq(free | ~(ending | self.i.p.completes))",
        new="self.i.ready.eq(free)",
        why="a beat that completes nothing waits for the sink all the same",
    ),
    Mutant(
        name="pipe-waits-for-sink",
        module="tokensieve.rtl.pipe",
        old="advance.eq(~end.valid | end.ready)",
        new="advance.eq(end.ready)",
        why="a pipeline with nothing at its end moves only while its consumer is ready",
    ),
    BEAT_DROPPED,
    Mutant(
        name="full-beat-early",
        module="tokensieve.rtl.compactor",
        old='beyond = before.offset + before["count"] > self._lanes',
        new='beyond = before.offset + before["count"] >= self._lanes',
        why="a beat that is just full leaves before it is known whether it is the last",
    ),
    Mutant(
        name="offset-stays",
        module="tokensieve.rtl.compactor",
        old="[offset.eq(0), begun.eq(0)]",
        new="[begun.eq(0)]",
        why="a packet begins where the one before ended",
    ),
    Mutant(
        name="high-bit-first",
        module="tokensieve.rtl.compactor",
        old="self._route(group, first=number == 0)) for number, group in enumerate(groups)]",
        new="self._route(group[::-1], first=number == 0)) for number, group in enumerate(groups[::-1])]",
        why="selectors in the wrong order: items meet and one is lost",
    ),
    Mutant(
        name="valid-waits",
        module="tokensieve.rtl.zero_eliminator",
        old="wiring.connect(m, beats.o, wiring.flipped(self.o))",
        new="wiring.connect(m, beats.o, wiring.flipped(self.o));"
        " m.d.comb += self.o.valid.eq(beats.o.valid & self.o.ready)",
        why="a beat is offered only after its sink is ready, though it leaves in the cycle in which it should",
    ),
    Mutant(
        name="empty-never-ends",
        module="tokensieve.rtl.zero_eliminator",
        old="wants.eq(ending |",
        new="wants.eq((ending & (level != 0)) |",
        why="a packet of which nothing is marked does not end",
    ),
    Mutant(
        name="full-rest-is-empty",
        module="tokensieve.rtl.zero_eliminator",
        old="[self.o.p.last.eq(ending), self.o.p.count.eq(level)]",
        new="[self.o.p.last.eq(ending), self.o.p.count.eq(level[:-1])]",
        why="the last beat of a packet is empty where it should be full",
    ),
    Mutant(
        name="rest-stays",
        module="tokensieve.rtl.zero_eliminator",
        old="[kept.eq(0), before.eq(0)]",
        new="[kept.eq(level), before.eq(filled)]",
        why="a packet is put behind the rest of the one before, if it comes as that leaves",
    ),
    Mutant(
        name="lanes-left-filled",
        module="tokensieve.rtl.zero_eliminator",
        old="filled.eq(before & self.i.p.mask)",
        new="filled.eq(self.i.p.mask)",
        why="lanes whose items have left with a full beat count as filled: older items leave in place of new ones",
    ),
    Mutant(
        name="full-beat-lost",
        module="tokensieve.rtl.zero_eliminator",
        old="level = Signal(lane_count_bits(lanes))",
        new="level = Signal(max(1, lane_count_bits(lanes) - 1))",
        why="the fill of a beat begins again at nothing when it is full",
    ),
    impatient_output("tokensieve.rtl.zero_eliminator", "26"),
)
