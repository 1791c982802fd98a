"""Planted faults of the accumulator of head importance: magnitudes, and what it shares with that of the tokens."""

from tokensieve.rtl.flow.mutants import importance_accumulator
from tokensieve.rtl.flow.mutants.base import Mutant

_SHARED = (
    "reads-too-early", "ids-skipped", "clear-keeps-sums", "impatient", "row-without-reset", "clears-anyway",
    "grows-anyway", "unknown-waits",
)  # fmt: skip
"""Faults of the memory of sums that are planted here, too."""

MUTANTS = (
    Mutant(
        name="sign-kept",
        module="tokensieve.rtl.accumulators",
        old="abs(beats.p.items[lane])",
        new="beats.p.items[lane]",
        why="outputs are added, not their magnitudes",
    ),
    Mutant(
        name="least-lost",
        module="tokensieve.rtl.accumulators",
        old="beats.p.items[lane].shape().width, name",
        new="beats.p.items[lane].shape().width - 1, name",
        why="the magnitude of the most negative output does not fit and becomes 0",
    ),
    Mutant(
        name="one-lane",
        module="tokensieve.rtl.accumulators",
        old="addition.addends[0].eq(_tree(sizes))",
        new="addition.addends[0].eq(sizes[0])",
        why="only the first lane counts",
    ),
    Mutant(
        name="first-head",
        module="tokensieve.rtl.accumulators",
        old="[addition.line.eq(n), addition.count.eq(1)]",
        new="[addition.line.eq(0), addition.count.eq(1)]",
        why="all outputs are added to the first head",
    ),
    Mutant(
        name="adds-to-the-dead",
        module="tokensieve.rtl.accumulators",
        old="((n >= self._alive, Status.TOO_MANY), (n > self._begun, Status.TOO_MANY))",
        new="((n > self._begun, Status.TOO_MANY),)",
        why="what is added to a head that is not alive is the sum of one that joins later",
    ),
    Mutant(
        name="head-left-out",
        module="tokensieve.rtl.accumulators",
        old="((n >= self._alive, Status.TOO_MANY), (n > self._begun, Status.TOO_MANY))",
        new="((n >= self._alive, Status.TOO_MANY),)",
        why="a head that was left out gets the sum of one that there was before",
    ),
    Mutant(
        name="no-bypass",
        module="tokensieve.rtl.sums",
        old="with m.If(again):",
        new="with m.If(again & (len(held) == 0)):",
        why="a beat that follows one to the same head adds to what was there before both",
    ),
    Mutant(
        name="valid-waits",
        module="tokensieve.rtl.sums",
        old="wiring.connect(m, scores.o, wiring.flipped(self.o))",
        new="wiring.connect(m, scores.o, wiring.flipped(self.o));"
        " m.d.comb += self.o.valid.eq(scores.o.valid & self.o.ready)",
        why="a beat is offered only after its sink is ready, though it leaves in the cycle in which it should",
    ),
    *(one for one in importance_accumulator.MUTANTS if one.name in _SHARED),
)
