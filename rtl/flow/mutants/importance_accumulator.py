"""Planted faults of the accumulator of token importance: adding, ranking, compaction."""

from tokensieve.rtl.flow.mutants.base import Mutant

MUTANTS = (
    Mutant(
        name="wraps",
        module="tokensieve.rtl.sums",
        old="after.eq(Mux(total > most, most, total))",
        new="after.eq(total)",
        why="a sum that overflows begins again at zero",
    ),
    Mutant(
        name="no-bypass",
        module="tokensieve.rtl.sums",
        old="with m.If(again):",
        new="with m.If(again & (len(held) == 0)):",
        why="a beat that follows one to the same sums adds to what was there before both",
    ),
    Mutant(
        name="reads-old",
        module="tokensieve.rtl.sums",
        old="memory.read_port(transparent_for=(self._write_port,))",
        new="memory.read_port()",
        why="sums that are read while they are written are those of before",
    ),
    Mutant(
        name="clear-keeps-sums",
        module="tokensieve.rtl.sums",
        old="[self._alive.eq(now.n), self._known.eq(0), self._peak.eq(0)]",
        new="[self._alive.eq(now.n), self._peak.eq(0)]",
        why="after a CLEAR the old sums are still there",
    ),
    Mutant(
        name="pruned-come-back",
        module="tokensieve.rtl.sums",
        old="self._alive.eq(kept + beats.o.p.count), self._known.eq(kept + beats.o.p.count)",
        new="self._alive.eq(kept + beats.o.p.count)",
        why="a token that joins after a KEEP gets the sum of one that was pruned",
    ),
    Mutant(
        name="scale-of-the-pruned",
        module="tokensieve.rtl.sums",
        old="[self._peak.eq(all_bits), kept.eq(0), peak.eq(0)]",
        new="[kept.eq(0), peak.eq(0)]",
        why="scores are shifted to fit a sum that was pruned",
    ),
    Mutant(
        name="ranks-too-early",
        module="tokensieve.rtl.sums",
        old="self._settled.eq(~Cat(read.valid, *valids).any())",
        new="self._settled.eq(1)",
        why="a READ does not wait for the sums on their way",
    ),
    Mutant(
        name="shift-short",
        module="tokensieve.rtl.sums",
        old="shift.eq(number - bits + 1)",
        new="shift.eq(number - bits)",
        why="the top bit of the largest sum is cut off",
    ),
    Mutant(
        name="tie-with-newest",
        module="tokensieve.rtl.sums",
        old="scores[lane].eq(top - 1)",
        new="scores[lane].eq(top)",
        why="another token ties with the pinned one, and comes first",
    ),
    Mutant(
        name="ids-skipped",
        module="tokensieve.rtl.sums",
        old="self.keep.ready.eq(~past)",
        new="self.keep.ready.eq(1)",
        why="a beat of ids is dropped although it points into beats to come",
    ),
    Mutant(
        name="surplus-lanes",
        module="tokensieve.rtl.accumulators",
        old="Mux(beats.p.count > lane, beats.p.items[lane], 0)",
        new="beats.p.items[lane]",
        why="lanes beyond the end of a beat are added",
    ),
    Mutant(
        name="read-overrun",
        module="tokensieve.rtl.sums",
        old="& ~self._spent & (rows != 0) & free):",
        new="& ~self._spent & (rows != 0)):",
        why="a beat is read although the one before has not left the memory's register",
    ),
    Mutant(
        name="valid-waits",
        module="tokensieve.rtl.sums",
        old="wiring.connect(m, scores.o, wiring.flipped(self.o))",
        new="wiring.connect(m, scores.o, wiring.flipped(self.o));"
        " m.d.comb += self.o.valid.eq(scores.o.valid & self.o.ready)",
        why="a beat is offered only after its sink is ready, though it leaves in the cycle in which it should",
    ),
)
