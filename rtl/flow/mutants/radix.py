"""Planted faults of the radix core."""

from tokensieve.rtl.flow.mutants.base import Mutant

_SEARCH = "tokensieve.rtl.search"

MUTANTS = (
    Mutant(
        name="radix-offset-lost",
        module=f"{_SEARCH}.radix",
        old="put.offset.eq(compactor.o.p.offset)",
        new="put.offset.eq(0)",
        why="survivors that go on in the next beat are written over the first ones of this beat",
    ),
    Mutant(
        name="radix-packet-goes-on",
        module=f"{_SEARCH}.digits",
        old="m.d.sync += self.survivors.payload.last.eq(1)",
        new="m.d.sync += self.survivors.payload.last.eq(row.last)",
        why="the next command's survivors are written behind those of a pass that was begun in vain",
    ),
    Mutant(
        name="radix-late-pass",
        module=f"{_SEARCH}.radix",
        old="reader.start.eq(ended[begins])",
        new="reader.start.eq(ended[begins + 1])",
        why="a register too many before the next pass: right results, a cycle late",
    ),
    Mutant(
        name="radix-wrong-set",
        module=f"{_SEARCH}.radix",
        old="reader.size.eq(decision.size if begins <= _SPLIT else decision.before)",
        new="reader.size.eq(decision.before)",
        why="a pass reads as many scores as there were a digit earlier",
    ),
    Mutant(
        name="radix-lowest-bin-unreached",
        module=f"{_SEARCH}.decision",
        old="return self.reached[number - 1] if number <= self._bins else Const(0)",
        new="return self.reached[number - 1] if number < self._bins else Const(0)",
        why="the highest bin is never chosen",
    ),
    Mutant(
        name="radix-old-target",
        module=f"{_SEARCH}.decision",
        old="self.target.eq(self.target - above)",
        new="self.target.eq(self.target)",
        why="scores above the chosen bin are kept, and sought once more in it",
    ),
    Mutant(
        name="radix-no-early-end",
        module=f"{_SEARCH}.decision",
        old="self.verdict.valid.eq(now & (whole | ~more))",
        new="self.verdict.valid.eq(now & ~more)",
        why="the search goes on where all of the chosen bin is kept",
    ),
    Mutant(
        name="radix-ties-of-a-bin",
        module=f"{_SEARCH}.decision",
        old="self.verdict.payload.threshold.eq(self.decided.prefix - more)",
        new="self.verdict.payload.threshold.eq(self.decided.prefix)",
        why="of a bin that is kept whole, the smallest score is left out",
    ),
    Mutant(
        name="radix-counts-go-on",
        module=f"{_SEARCH}.counters",
        old="m.d.sync += total.eq(0)",
        new="m.d.sync += total.eq(total)",
        why="a set is counted on top of the one before",
    ),
    Mutant(
        name="radix-k-off-by-one",
        module=f"{_SEARCH}.counters",
        old="total >= self.target",
        new="total > self.target",
        why="the bin of the threshold is not found where it is reached by exactly k scores",
    ),
    Mutant(
        name="radix-second-bit",
        module=f"{_SEARCH}.digits",
        old="above[bit + 1] | (score[bit] & score[bit - 1])",
        new="above[bit + 1]",
        why="the logarithmic digit is counted by the position of the highest set bit alone",
    ),
    Mutant(
        name="radix-junk-survives",
        module=f"{_SEARCH}.digits",
        old="match.eq(mask & ~differs.any())",
        new="match.eq(~differs.any())",
        why="what stands behind the end of a set is read with it",
    ),
)
