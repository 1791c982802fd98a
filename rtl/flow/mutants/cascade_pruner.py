"""Planted faults of the cascade pruner: its sequence, its numbers, and what lies between its parts."""

from tokensieve.rtl.flow.mutants.base import Mutant
from tokensieve.rtl.flow.mutants.parts import impatient_output

_PRUNER, _TABLE = "tokensieve.rtl.cascade_pruner", "tokensieve.rtl.id_table"

MUTANTS = (
    Mutant(
        name="grows-anyway",
        module=_PRUNER,
        old="self._command.o.ready & ~self._illegal)",
        new="self._command.o.ready)",
        why="an illegal CLEAR or GROW changes how many the engine is told of",
    ),
    Mutant(
        name="empty-waits",
        module=_PRUNER,
        old="with m.If(self._command.o.valid & self._illegal & prune):",
        new="with m.If(0):",
        why="a PRUNE of nothing never ends",
    ),
    Mutant(
        name="row-without-reset",
        module="tokensieve.rtl.id_table",
        old="row, spent, looks = Signal(range(self._lines + 1)),",
        new="row, spent, looks = Signal(range(self._lines + 1), reset_less=True),",
        why="a reset while numbers are looked at leaves the line as it is",
    ),
    Mutant(
        name="numbers-not-stored",
        module=_TABLE,
        old="write.en.eq(moves)",
        new="write.en.eq(0)",
        why="the numbers of the kept ones are sent out but not kept themselves",
    ),
    Mutant(
        name="numbers-given-again",
        module=_TABLE,
        old="self._ahead.eq(alive + self._ahead - kept)",
        new="self._ahead.eq(0)",
        why="a new token gets the number of one that has been pruned",
    ),
    Mutant(
        name="line-skipped",
        module=_TABLE,
        old="read.en.eq(advance), read.addr.eq(row)",
        new="read.en.eq(1), read.addr.eq(row)",
        why="while the output is stalled another line is read over the one that waits",
        only="spatten: four lines fit into the registers behind the table of numbers, so that none is left to be read",
    ),
    Mutant(
        name="alive-stays",
        module=_PRUNER,
        old="count.eq(Mux(now.k < count, now.k, count))",
        new="count.eq(count)",
        why="the engine is told of the pruned ones too",
    ),
    Mutant(
        name="heads-of-tokens",
        module=_PRUNER,
        old="engine.score.payload.eq(Mux(heads, others.o.payload.as_value(), tokens.o.payload.as_value()))",
        new="engine.score.payload.eq(tokens.o.payload)",
        why="heads are ranked by what stands in the tokens' register",
    ),
    Mutant(
        name="keeps-too-early",
        module=_PRUNER,
        old="kept.i.valid & kept.i.ready & kept.i.p.last",
        new="kept.i.valid & kept.i.ready",
        why="compaction begins with the first beat of kept positions, not with the last",
    ),
    Mutant(
        name="never-pinned",
        module=_PRUNER,
        old="sink.p.pin.eq(now.pin)",
        new="sink.p.pin.eq(0)",
        why="the newest token may be pruned",
    ),
    Mutant(
        name="fetches-heads",
        module=_PRUNER,
        old="now.fetch & ~now.heads",
        new="Const(1, 1)",
        why="all numbers go to the gather, wanted or not",
    ),
    Mutant(
        name="valid-waits",
        module=_PRUNER,
        old="m.d.comb += self.o.payload.eq(numbers.payload)",
        new="m.d.comb += self.o.payload.eq(numbers.payload)\n"
        "        with m.If(~self.o.ready):\n"
        "            m.d.comb += self.o.valid.eq(0)",
        why="a beat is offered only after its sink is ready, though it leaves in the cycle in which it should",
    ),
    Mutant(
        name="alive-is-k",
        module="tokensieve.rtl.cascade_pruner",
        old="count.eq(Mux(now.k < count, now.k, count))",
        new="count.eq(now.k)",
        why="after k of fewer, the engine is told of more than are alive",
    ),
    Mutant(
        name="empty-fetches",
        module="tokensieve.rtl.vector_requests",
        old="with m.If(~before.none):",
        new="with m.If(~before.none | 1):",
        why="a fetch of nothing asks for a vector",
    ),
    impatient_output("tokensieve.rtl.zero_eliminator", "64"),
    impatient_output("tokensieve.rtl.vector_packer", "self._gather.outstanding + 30", "impatient-row"),
)
