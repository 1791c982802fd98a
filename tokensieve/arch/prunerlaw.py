"""Timing laws of the pruners: blocks around a top-k engine."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tokensieve.arch.accumulators import SumsLaw
from tokensieve.arch.timing import Count, ceil_div
from tokensieve.arch.topklaw import TopkLaw, TopkWork


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalValueLaw:
    """Cycle law of the local value pruner: that of its top-k engine, and the queue of kept probabilities.

    >>> from tokensieve.arch import Arch
    >>> law, work = Arch().local_value_law, TopkWork(items=64, kept=64, sizes=())
    >>> law.cycles(work) - law.requests(work)
    2
    """

    topk: TopkLaw

    queue_latency: int
    """Cycles from a beat of kept items to the same beat at the head of the empty queue."""

    def select(self, work: TopkWork) -> Count:
        """Return the cycles from the first probability in to the threshold known."""
        return self.topk.select(work)

    def requests(self, work: TopkWork) -> Count:
        """Return the cycles from the first probability in to the last request out."""
        return self.topk.cycles(work)

    def cycles(self, work: TopkWork) -> Count:
        """Return the cycles from the first probability in to the last kept one out."""
        return self.topk.cycles(work) + self.queue_latency


_NOTHING = TopkWork(items=0, kept=0, sizes=())

CascadeOp = Literal["clear", "grow", "add", "prune"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeStep:
    """One command to the cascade pruner, and the work it is."""

    op: CascadeOp

    heads: bool
    """It is about heads, not tokens."""

    lines: int = 0
    """ADD: beats that come in."""

    search: TopkWork = _NOTHING
    """PRUNE: what the top-k engine does."""

    last: int = 0
    """PRUNE: position of the last one that is kept; 0 where none is."""

    illegal: bool = False
    """It is not obeyed: it takes its turn, and a PRUNE one cycle more, for an empty beat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeLaw:
    """Cycle law of the cascade pruner: the laws of its accumulators and of its top-k engine, one after the other.

    >>> from tokensieve.arch import Arch
    >>> law, work = Arch().cascade_law, TopkWork(items=64, kept=64, sizes=())
    >>> step = CascadeStep(op="prune", heads=False, search=work, last=63)
    >>> law.prune(step) - law.topk.cycles(work) - law.sums.read_stages - law.sums.keep_stages
    7
    """

    topk: TopkLaw

    sums: SumsLaw

    def prune(self, step: CascadeStep) -> int:
        """Return the cycles of a PRUNE, from the sums' first line addressed (not counted) to the last numbers out.

        The sums are read and selected from. Then each beat of kept positions meets one line of sums a cycle, until both
        have come to the last one that is kept.
        """
        kept = min(int(step.search.kept), int(step.search.items))
        visits = max(1, int(ceil_div(kept, self.sums.read_lanes))) + step.last // self.sums.read_lanes
        return self.sums.read_stages + int(self.topk.cycles(step.search)) + visits + self.sums.keep_stages

    def cycles(self, steps: Iterable[CascadeStep]) -> int:
        """Return the cycles of commands that are all there, from the first one in to the last beat of numbers out.

        Nothing waits: neither for elements nor for room on the outputs. The last command is a PRUNE. Tokens and heads
        add at the same time; a command waits until its accumulator is free, and what is not an ADD until all sums are
        stored.
        """
        now, free, stored = 1, [0, 0], [0, 0]  # a register first
        for step in steps:
            told = max(now, free[step.heads])
            if step.illegal:
                now += 2 if step.op == "prune" else 1
                continue
            if step.op == "add":
                free[step.heads] = told + step.lines
                stored[step.heads] = free[step.heads] + 1 + self.sums.stages
            else:
                begins = max(told + 1, stored[step.heads])
                free[step.heads] = begins + (self.prune(step) if step.op == "prune" else 0)
            now = (free[step.heads] if step.op == "prune" else told) + 1
        return now
