"""Planted faults of the local value pruner."""

from tokensieve.rtl.flow.mutants.base import Mutant
from tokensieve.rtl.flow.mutants.parts import PLACE_STICKS, impatient, impatient_output
from tokensieve.rtl.flow.mutants.topk import KEPT

MUTANTS = (
    Mutant(
        name="level-without-reset",
        module="tokensieve.rtl.queue",
        old="Signal(range(self._depth + 1))",
        new="Signal(range(self._depth + 1), reset_less=True)",
        why="a reset leaves beats in the queue",
    ),
    Mutant(
        name="asks-twice",
        module="tokensieve.rtl.fork",
        old="sink.valid.eq(source.valid & ~had[number])",
        new="sink.valid.eq(source.valid)",
        why="a beat that has been asked for is offered again while the queue is full",
    ),
    Mutant(
        name="forgets-who-had-it",
        module="tokensieve.rtl.fork",
        old="had.eq(gone)",
        new="had.eq(0)",
        why="a sink that has had its beat gets it again: no memory of who took it",
    ),
    Mutant(
        name="queue-too-short",
        module="tokensieve.rtl.local_value_pruner",
        old="BlockQueue(self._kept, self._arch.kept_beats)",
        new="BlockQueue(self._kept, max(2, self._arch.kept_beats // 2))",
        why="half of the beats that may wait by `topk.queue_lines`",
    ),
    Mutant(
        name="lanes-swapped",
        module="tokensieve.rtl.local_value_pruner",
        old="engine.score.p.scores[lane].eq(self.probability.p.probabilities[lane])",
        new="engine.score.p.scores[lane ^ 1].eq(self.probability.p.probabilities[lane])",
        why="lanes are swapped between the probabilities and the engine",
    ),
    Mutant(
        name="last-lost",
        module="tokensieve.rtl.local_value_pruner",
        old="kept.last.eq(engine.o.p.last)",
        new="kept.last.eq(0)",
        why="no beat of probabilities ends its query",
    ),
    Mutant(
        name="reads-empty",
        module="tokensieve.rtl.queue",
        old="leaves.eq(read.en & (level != 0))",
        new="leaves.eq(read.en)",
        why="an empty queue counts a beat that it has not given out",
    ),
    Mutant(
        name="valid-waits",
        module="tokensieve.rtl.local_value_pruner",
        old="wiring.connect(m, queue.o, wiring.flipped(self.o))",
        new="wiring.connect(m, queue.o, wiring.flipped(self.o));"
        " m.d.comb += self.o.valid.eq(queue.o.valid & self.o.ready)",
        why="a beat is offered only after its sink is ready, though it leaves in the cycle in which it should",
    ),
    Mutant(
        name="requests-again",
        module="tokensieve.rtl.fork",
        old="sink.valid.eq(source.valid & ~had[number])",
        new="sink.valid.eq(source.valid & (~had[number] if number else 1))",
        why="requests that are out are offered again while the queue is full",
    ),
    Mutant(
        name="kept-again",
        module="tokensieve.rtl.fork",
        old="sink.valid.eq(source.valid & ~had[number])",
        new="sink.valid.eq(source.valid & (1 if number else ~had[number]))",
        why="a beat enters the queue again while its requests wait",
    ),
    Mutant(
        name="queue-overrun",
        module="tokensieve.rtl.queue",
        old="self.i.ready.eq(level != self._depth)",
        new="self.i.ready.eq(1)",
        why="a full queue takes one more beat",
    ),
    PLACE_STICKS,
    impatient(
        "impatient-queue",
        "tokensieve.rtl.queue",
        "m.d.comb += [read.en.eq(~self.o.valid | self.o.ready)",
        "m.d.comb += [read.en.eq(~self.o.valid | self.o.ready | late)",
        "self.o.valid & ~self.o.ready",
        "128",
    ),
    impatient_output("tokensieve.rtl.zero_eliminator", "128"),
    *KEPT,
)
