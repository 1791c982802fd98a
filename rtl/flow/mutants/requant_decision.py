"""Planted faults of the decision of progressive quantization."""

from tokensieve.rtl.flow.mutants.base import Mutant
from tokensieve.rtl.flow.mutants.parts import impatient

_OUT = """m.d.comb += [free.eq(~self.o.valid | self.o.ready), beats.ready.eq(free | ~beats.p.last)]
        with m.If(beats.valid & beats.ready):
            m.d.sync += best.eq(Mux(beats.p.last, 0, largest))
        with m.If(free):
            below = (value < beats.p.threshold) & (best < beats.p.threshold)  # both at once, not one after the other
            m.d.sync += self.o.valid.eq(beats.valid"""
_WAITS = """there = Signal()
        m.d.comb += self.o.valid.eq(there & self.o.ready)
        """

MUTANTS = (
    Mutant(
        name="none-waits",
        module="tokensieve.rtl.requant_decision",
        old="none.eq(self.command.p.rows == 0)",
        new="none.eq(0)",
        why="a command for no row waits for rows, and takes those of the next command",
    ),
    Mutant(
        name="rows-without-reset",
        module="tokensieve.rtl.requant_decision",
        old="rows = Signal.like(command.p.rows)",
        new="rows = Signal.like(command.p.rows, reset_less=True)",
        why="a reset among the rows of a command leaves their number as it is",
    ),
    Mutant(
        name="at-the-threshold",
        module="tokensieve.rtl.requant_decision",
        old="(value < beats.p.threshold) & (best < beats.p.threshold)",
        new="(value <= beats.p.threshold) & (best <= beats.p.threshold)",
        why="a row whose largest probability is just the threshold asks for its LSBs",
    ),
    Mutant(
        name="last-beat-only",
        module="tokensieve.rtl.requant_decision",
        old="(value < beats.p.threshold) & (best < beats.p.threshold)",
        new="(value < beats.p.threshold)",
        why="the verdict forgets all beats of the row but the last",
    ),
    Mutant(
        name="row-before",
        module="tokensieve.rtl.requant_decision",
        old="best.eq(Mux(beats.p.last, 0, largest))",
        new="best.eq(largest)",
        why="the largest of the row before is still there",
    ),
    Mutant(
        name="surplus-lanes",
        module="tokensieve.rtl.requant_decision",
        old="Mux(self.probability.p.count > lane, value, 0)",
        new="value",
        why="lanes beyond the end of a row count",
    ),
    Mutant(
        name="half-a-tree",
        module="tokensieve.rtl.requant_decision",
        old="Mux(right > left, right, left)",
        new="Mux(right > left, left, left)",
        why="the right one of two neighbours is never looked at",
    ),
    Mutant(
        name="waits-for-sink",
        module="tokensieve.rtl.requant_decision",
        old="beats.ready.eq(free | ~beats.p.last)",
        new="beats.ready.eq(free)",
        why="beats that decide nothing wait for the sink all the same",
    ),
    Mutant(
        name="stage-missing",
        module="tokensieve.rtl.requant_decision",
        old="stages = (self._lanes - 1).bit_length(), self._arch.requant.tree_stages",
        new="stages = (self._lanes - 1).bit_length(), self._arch.requant.tree_stages - 1",
        why="the tree has a register less than its model",
    ),
    Mutant(
        name="valid-waits",
        module="tokensieve.rtl.requant_decision",
        old=_OUT,
        new=_WAITS + _OUT.replace("self.o.valid", "there"),
        why="a beat is offered only after its sink is ready, though it leaves in the cycle in which it should",
    ),
    Mutant(
        name="decision-lost",
        module="tokensieve.rtl.requant_decision",
        old="beats.ready.eq(free | ~beats.p.last)",
        new="beats.ready.eq(1)",
        why="a decision that waits behind another is dropped",
    ),
    Mutant(
        name="decision-late",
        module="tokensieve.rtl.requant_decision",
        old="free.eq(~self.o.valid | self.o.ready)",
        new="free.eq(self.o.ready)",
        why="a decision is offered only after its sink is ready",
    ),
    Mutant(
        name="no-command",
        module="tokensieve.rtl.requant_decision",
        old="beats.valid.eq(self.probability.valid & command.valid)",
        new="beats.valid.eq(self.probability.valid)",
        why="a row does not wait for the command with its threshold",
    ),
    Mutant(
        name="empty-row-lost",
        module="tokensieve.rtl.requant_decision",
        old="beats.p.last.eq(self.probability.p.last)",
        new='beats.p.last.eq(self.probability.p.last & (self.probability.p["count"] != 0))',
        why="a row without a probability does not end",
    ),
    Mutant(
        name="command-per-row",
        module="tokensieve.rtl.requant_decision",
        old="moves & beats.p.last & (rows + 1 == command.p.rows)",
        new="moves & beats.p.last",
        why="every row takes a command, not as many as it holds for",
    ),
    Mutant(
        name="rows-go-on",
        module="tokensieve.rtl.requant_decision",
        old="m.d.sync += rows.eq(0)",
        new="m.d.sync += rows.eq(rows)",
        why="rows are counted on from those of the command before",
    ),
    impatient(
        "impatient",
        "tokensieve.rtl.requant_decision",
        "m.d.comb += [free.eq(~self.o.valid | self.o.ready), beats",
        "m.d.comb += [free.eq(~self.o.valid | self.o.ready | late), beats",
        "self.o.valid & ~self.o.ready",
        "26",
    ),
)
