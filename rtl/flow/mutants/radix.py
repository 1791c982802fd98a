"""Planted faults of the radix core."""

from tokensieve.rtl.flow.mutants.base import Mutant

MUTANTS = (
    Mutant(
        name="radix-offset-lost",
        module="tokensieve.rtl.search.radix",
        old="put.offset.eq(compactor.o.p.offset)",
        new="put.offset.eq(0)",
        why="survivors that go on in the next row are written over the first ones of this row",
    ),
    Mutant(
        name="radix-packet-goes-on",
        module="tokensieve.rtl.search.radix",
        old="m.d.sync += [searching.eq(0), put.mask.eq(0), put.last.eq(1), valid.eq(1)]",
        new="m.d.sync += searching.eq(0)",
        why="the next command's rows are written behind the survivors of the last one",
    ),
    Mutant(
        name="radix-lowest-bin-unreached",
        module="tokensieve.rtl.search.decision",
        old="return self.reached[number - 1] if number <= self._bins else Const(0)",
        new="return self.reached[number - 1] if number < self._bins else Const(0)",
        why="the highest bin is never chosen",
    ),
)
