"""Timing laws of the pruners: blocks around a top-k engine."""

from dataclasses import dataclass

from tokensieve.arch.timing import Count
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
    """Cycles from a row of kept items to the same row at the head of the empty queue."""

    @property
    def latency(self) -> int:
        """Cycles from a row read out of the engine's side buffer to its probabilities out."""
        return self.topk.latency + self.queue_latency

    @property
    def interval(self) -> int:
        """Cycles between two transfers in."""
        return self.topk.interval

    def select(self, work: TopkWork) -> Count:
        """Return the cycles from the first probability in to the threshold known."""
        return self.topk.select(work)

    def requests(self, work: TopkWork) -> Count:
        """Return the cycles from the first probability in to the last request out."""
        return self.topk.cycles(work)

    def cycles(self, work: TopkWork) -> Count:
        """Return the cycles from the first probability in to the last kept one out."""
        return self.topk.cycles(work) + self.queue_latency
