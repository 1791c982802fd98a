"""Timing law of an accumulator of importance: what each of its commands takes, and scripts of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tokensieve.arch.timing import Count, StreamWork, ceil_div

SumsOp = Literal["clear", "grow", "add", "keep", "read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SumsStep:
    """One command to an accumulator, and the work it is."""

    op: SumsOp

    lines: int = 0
    """ADD: beats that come in."""

    kept: int = 0
    """KEEP: sums that stay."""

    last: int = 0
    """KEEP: position of the last sum that stays, before; 0 where none stays."""

    items: int = 0
    """Sums that are alive."""

    illegal: bool = False
    """It is not obeyed. An ADD drops its beats; without beats it waits, as the others do, for what was added before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SumsLaw:
    """Cycle law of an accumulator of importance.

    >>> law = SumsLaw(lanes=8, read_lanes=16, stages=2, read_stages=2, keep_stages=5)
    >>> law.cycles(StreamWork(items=384)), law.latency
    (53, 5)
    >>> law.script([SumsStep(op="clear"), SumsStep(op="add", lines=2), SumsStep(op="read", items=16)])
    9
    """

    lanes: int
    """Elements that are added per cycle."""

    read_lanes: int
    """Sums that are read per cycle, for ranking and for compaction, and ids that come in per cycle."""

    stages: int
    """Registers from an element to the memory, the memory not counted."""

    read_stages: int
    """Cycles from a line's address to its scores on the output."""

    keep_stages: int
    """Cycles from the last line's address to the last compacted line written."""

    @property
    def latency(self) -> int:
        """Cycles from the last element in to the first beat of scores out, where they are read at once."""
        return self.stages + 1 + self.read_stages

    def lines(self, work: StreamWork) -> Count:
        """Return the transfers in that a packet takes."""
        return ceil_div(work.items, self.lanes)

    def cycles(self, work: StreamWork) -> Count:
        """Return the cycles from a packet's first element in to the first beat of scores out."""
        return self.lines(work) + self.latency

    def script(self, steps: Iterable[SumsStep]) -> int:
        """Return the cycles of commands that are all there, from the first one in to the last beat of scores out.

        Nothing waits, neither for elements nor for ids nor for room on the output. The last command is a READ of 1 sum
        or more.
        """
        cycles, end, unsettled = 1, 0, 0
        for step in steps:
            if step.op == "add" and step.lines:
                cycles += step.lines
                unsettled = max(0, unsettled - step.lines) if step.illegal else self.stages
                continue
            begin = cycles + unsettled
            cycles, unsettled = begin + self._busy(step), 0
            if step.op == "read" and step.items:
                end = begin + int(ceil_div(step.items, self.read_lanes)) + self.read_stages
        return end

    def _busy(self, step: SumsStep) -> int:
        """Return the cycles until the next command begins."""
        match step.op:
            case "keep":
                visits = max(1, int(ceil_div(step.kept, self.read_lanes))) + step.last // self.read_lanes
                return visits + self.keep_stages
            case "read" if step.items:
                return int(ceil_div(step.items, self.read_lanes)) + 1
        return 1
