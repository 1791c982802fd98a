"""Planted faults of the bitwidth converter."""

from tokensieve.rtl.flow.mutants.base import Mutant
from tokensieve.rtl.flow.mutants.parts import impatient_output

_OUT = """m.d.comb += free.eq(~self.o.valid | self.o.ready)
        m.d.comb += pop.eq(now.valid & planes[0].full & planes[1].full & free)
        m.d.comb += now.ready.eq(pop & last)
        with m.If(pop):
            m.d.sync += done.eq(Mux(last, 0, done + self._lanes))
        with m.If(free):
            m.d.sync += [self.o.valid.eq(pop)"""
_WAITS = """there = Signal()
        m.d.comb += self.o.valid.eq(there & self.o.ready)
        """

MUTANTS = (
    Mutant(
        name="empty-steals",
        module="tokensieve.rtl.bitwidth_converter",
        old=" & (after.o.p.elements != 0)",
        new="",
        why="a vector without elements takes the first beat of the next",
    ),
    Mutant(
        name="unknown-converted",
        module="tokensieve.rtl.bitwidth_converter",
        old='drops.eq(~self._known(m, now.o.p, "now"))',
        new="drops.eq(0)",
        why="words are made of elements of a width that there is not, and their beats stay",
    ),
    Mutant(
        name="words-without-reset",
        module="tokensieve.rtl.bitwidth_converter",
        old="done = Signal.like(now.p.elements)",
        new="done = Signal.like(now.p.elements, reset_less=True)",
        why="a reset within a vector leaves the number of its words as it is",
    ),
    Mutant(
        name="lsb-dropped",
        module="tokensieve.rtl.bitwidth_converter",
        old="word.eq(high | low)",
        new="word.eq(high)",
        why="words are made of the MSB plane alone",
    ),
    Mutant(
        name="lsb-right-aligned",
        module="tokensieve.rtl.bitwidth_converter",
        old="low.eq(element << (open_bits - width))",
        new="low.eq(element)",
        why="where bits are missing below the LSB plane, it stands too low",
    ),
    Mutant(
        name="not-in-the-middle",
        module="tokensieve.rtl.bitwidth_converter",
        old="low.eq(Cat(Const(0, open_bits - 1), vector.middle))",
        new="low.eq(0)",
        why="V is taken at the lower end of what its plane leaves open",
    ),
    Mutant(
        name="middle-of-all",
        module="tokensieve.rtl.bitwidth_converter",
        old="low.eq(Cat(Const(0, open_bits - 1), vector.middle))",
        new="low.eq(Cat(Const(0, open_bits - 1), Const(1, 1)))",
        why="K without its LSBs is taken at the middle, too",
    ),
    Mutant(
        name="padding-stays",
        module="tokensieve.rtl.bitwidth_converter",
        old="m.d.comb += [kept.eq(0), shifted.eq(0)]",
        new="m.d.comb += kept.eq(Mux(level > need, level - need, 0))",
        why="what stands behind the last element of a vector goes before the first of the next",
    ),
    Mutant(
        name="rest-waits",
        module="tokensieve.rtl.bitwidth_converter",
        old="self.full.eq(ended | (~self.drops & (level >= need)))",
        new="self.full.eq((ended & self.drops) | (self.width == 0) | (~self.drops & (level >= need)))",
        why="the last elements of a vector wait for a full beat",
    ),
    Mutant(
        name="late-entry",
        module="tokensieve.rtl.bitwidth_converter",
        old="Mux(self.enter, self.first, ",
        new="Mux(self.enter, 0, ",
        why="the first beat of a vector waits until the vector before is gone",
    ),
    Mutant(
        name="small-buffer",
        module="tokensieve.rtl.bitwidth_converter",
        old="self._take(m, kept <= units - per_beat)",
        new="self._take(m, kept < units - per_beat)",
        why="a beat that just fits is not taken",
    ),
    Mutant(
        name="overrun",
        module="tokensieve.rtl.bitwidth_converter",
        old="free.eq(~self.o.valid | self.o.ready)",
        new="free.eq(1)",
        why="words that wait are overwritten",
    ),
    Mutant(
        name="valid-waits",
        module="tokensieve.rtl.bitwidth_converter",
        old=_OUT,
        new=_WAITS + _OUT.replace("self.o.valid", "there"),
        why="a beat is offered only after its sink is ready, though it leaves in the cycle in which it should",
    ),
    Mutant(
        name="words-go-on",
        module="tokensieve.rtl.bitwidth_converter",
        old="done.eq(Mux(last, 0, done + self._lanes))",
        new="done.eq(done + self._lanes)",
        why="a vector is begun at the element at which the one before ended",
    ),
    Mutant(
        name="full-beat-goes-on",
        module="tokensieve.rtl.bitwidth_converter",
        old="last.eq(left <= self._lanes)",
        new="last.eq(left < self._lanes)",
        why="a vector does not end with a full beat of words",
    ),
    Mutant(
        name="first-beat-stolen",
        module="tokensieve.rtl.bitwidth_converter",
        old="plane.first.eq(first)",
        new="plane.first.eq(after.o.p.elements != 0)",
        why="a vector without LSBs takes the first beat of those of the next",
    ),
    Mutant(
        name="no-room",
        module="tokensieve.rtl.bitwidth_converter",
        old="self._take(m, kept <= units - per_beat)",
        new="self._take(m, 1)",
        why="a beat is taken although it does not fit",
    ),
    Mutant(
        name="planes-apart",
        module="tokensieve.rtl.bitwidth_converter",
        old="pop.eq(now.valid & planes[0].full & planes[1].full & free)",
        new="pop.eq(now.valid & planes[0].full & free)",
        why="words are made before their LSBs have come",
    ),
    impatient_output("tokensieve.rtl.bitwidth_converter", "26"),
)
