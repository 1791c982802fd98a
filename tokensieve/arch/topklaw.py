"""Timing laws of the top-k engines: one class an engine, all with the same questions.

Cycles are counted by contracts, section 4: `select` ends with the threshold known, `total` with the last kept item out.
Every law also accepts arrays of commands, with one row of an array of sizes per command, padded with zeros at the end.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.timing import Count, ceil_div

Sizes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopkWork:
    """Work that one selection really did; it does not depend on the number of lanes."""

    items: Count
    """Scores offered, n."""

    kept: Count
    """Scores kept, k. k = 0 bypasses the search, 0 < k >= n passes the engine by. An illegal command (n = 0, or above
    the maximum) keeps none: its cycles are those of k = 0, for n = 0 counted from the cycle after the command's."""

    sizes: npt.ArrayLike
    """Work record: quickselect, the sizes of the set that each round streams; radix, those of the survivors of
    each digit; empty for the engines whose time does not depend on data. With arrays of commands, one row of this array
    per command, padded with zeros at the end."""

    @property
    def searches(self) -> npt.NDArray[np.bool_]:
        """Whether there is something to search."""
        items, kept = np.asarray(self.items), np.asarray(self.kept)
        there: npt.NDArray[np.bool_] = (kept != 0) & (kept < items)
        return there

    @property
    def passes(self) -> npt.NDArray[np.bool_]:
        """Whether all scores stay, 0 < k >= n: the engine is a wire, which scores leave in the cycle they come."""
        items, kept = np.asarray(self.items), np.asarray(self.kept)
        whole: npt.NDArray[np.bool_] = (kept != 0) & (kept >= items)
        return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCycles:
    """Cycles of a search that no data change."""

    search: int
    """Of the search, beyond its rounds."""

    round: int = 0
    """Of each round, beyond the lines that it streams."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopkLaw(ABC):
    """Cycle law of a top-k engine around its search: load, bypass and drain are alike in all of them.

    A search takes ``fixed.search + rounds * fixed.round + lines`` cycles, a bypass (k = 0) `bypass_cycles`. So the law
    of an engine adds its fixed cycles and the sets that its rounds stream. One whose time does not depend on data has
    no rounds, and says how many items it moves instead. A wire (``work.passes``) takes the cycles of its load alone.

    >>> law = QuickselectLaw(lanes=16, bypass_cycles=1, start_cycles=2, round_cycles=3, drain_latency=6, turnaround=2)
    >>> work = TopkWork(items=64, kept=20, sizes=(64, 30, 7))
    >>> law.rounds(work), law.lines(work), law.streamed(work)
    (3, 7, 101)
    >>> law.search(work) == law.fixed.search + 3 * law.fixed.round + 7
    True
    """

    lanes: int

    bypass_cycles: int
    """Cycles from the last score in to the threshold known where nothing is kept."""

    drain_latency: int
    """Cycles of the drain beyond reading its lines: side buffer, comparison, ties, zero eliminator, its last beat."""

    turnaround: int
    """Cycles between the threshold known and the first beat of the next command, neither counted; 0 after a wire."""

    comparators: int | None = None
    """Scores that a round of the search streams per cycle; None: `lanes`."""

    def load(self, work: TopkWork) -> Count:
        """Return the cycles in which the scores enter, `lanes` a cycle."""
        return ceil_div(work.items, self.lanes)

    def search(self, work: TopkWork) -> Count:
        """Return the cycles from the last score in, not counted, to the threshold known."""
        paced = np.asarray(self.rounds(work)) * self.fixed.round + np.asarray(self.lines(work))
        idle = np.where(work.passes, 0, self.bypass_cycles)
        return _count(np.where(work.searches, self.fixed.search + paced, idle))

    def rounds(self, work: TopkWork) -> Count:
        """Return the rounds of the search; none where there is nothing to search."""
        return self._summed(work, self._sets(work) > 0)

    def lines(self, work: TopkWork) -> Count:
        """Return the lines of `comparators` scores that the rounds stream; none where there is nothing to search."""
        return self._summed(work, -(-self._sets(work) // (self.comparators or self.lanes)))

    def streamed(self, work: TopkWork) -> Count:
        """Return the items that the search moves past its comparators; none where there is nothing to search."""
        return self._summed(work, self._sets(work))

    def drain(self, work: TopkWork) -> Count:
        """Return the cycles from the threshold known, not counted, to the last kept item out."""
        drained = np.maximum(ceil_div(work.items, self.lanes), 1) + self.drain_latency
        return _count(np.where(work.passes, 0, drained))

    def select(self, work: TopkWork) -> Count:
        """Return the cycles from the first score in to the threshold known."""
        return self.load(work) + self.search(work)

    def cycles(self, work: TopkWork) -> Count:
        """Return the cycles from the first score in to the last kept item out (`total`)."""
        return self.select(work) + self.drain(work)

    @property
    @abstractmethod
    def fixed(self) -> FixedCycles:
        """Cycles of a search that no data change."""

    def _sets(self, work: TopkWork) -> Sizes:
        """Return the sizes of the sets that the rounds of a search stream, shape (..., rounds), padded with zeros."""
        return np.zeros((*np.shape(work.items), 0), np.int64)

    @staticmethod
    def _summed(work: TopkWork, of_rounds: npt.NDArray[Any]) -> Count:
        """Return the sum over the rounds of every search."""
        return _count(np.where(work.searches, of_rounds.sum(axis=-1, dtype=np.int64), 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickselectLaw(TopkLaw):
    """Cycle law of quick-select: each round streams the set in which the threshold must lie past a pivot.

    >>> law = QuickselectLaw(lanes=16, bypass_cycles=1, start_cycles=2, round_cycles=3, drain_latency=6, turnaround=2)
    >>> law.select(TopkWork(items=64, kept=20, sizes=(64, 30, 7)))
    22
    >>> law.cycles(TopkWork(items=64, kept=64, sizes=()))
    4
    """

    start_cycles: int
    """Cycles from the last score in to the first round."""

    round_cycles: int
    """Cycles of a round beyond streaming its set: drawing the pivot, comparing, compacting, counting, deciding."""

    @property
    def fixed(self) -> FixedCycles:
        """Cycles of a search that no data change."""
        return FixedCycles(search=self.start_cycles, round=self.round_cycles)

    def _sets(self, work: TopkWork) -> Sizes:
        return np.asarray(work.sizes, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class RadixLaw(TopkLaw):
    """Cycle law of radix select: digits from the top, the next one counted while this one is filtered.

    Digit 1 is counted during load. The pass of digit 2 streams all n items, that of digit j the survivors of j - 2.

    >>> law = RadixLaw(lanes=16, bypass_cycles=1, first_cycles=3, round_cycles=3, drain_latency=6, turnaround=2)
    >>> law.search(TopkWork(items=64, kept=20, sizes=(40, 12, 3)))
    16
    """

    first_cycles: int
    """Cycles from the last score in to the first digit decided."""

    round_cycles: int
    """Cycles of each later digit beyond streaming its set."""

    @property
    def fixed(self) -> FixedCycles:
        """Cycles of a search that no data change."""
        return FixedCycles(search=self.first_cycles, round=self.round_cycles)

    def _sets(self, work: TopkWork) -> Sizes:
        """Return what each pass streams: that of digit 2 all items, that of digit j the survivors of digit j - 2."""
        items, sizes = np.asarray(work.items), np.asarray(work.sizes, np.int64)
        every = np.broadcast_to(items[..., None], (*sizes.shape[:-1], 1))
        before = np.concatenate([every, sizes[..., :-2]], axis=-1)
        return np.where(sizes[..., 1:] > 0, before[..., : max(sizes.shape[-1] - 1, 0)], 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BitserialLaw(TopkLaw):
    """Cycle law of bit-serial selection: one step per bit of the score, whatever the data.

    >>> law = BitserialLaw(lanes=16, bypass_cycles=1, places=64, bits=12, step_cycles=4, verdict_cycles=1,
    ...                    drain_latency=6, turnaround=2)
    >>> law.search(TopkWork(items=64, kept=20, sizes=()))
    49
    """

    places: int
    """Scores that the core holds and moves in every step, present or not."""

    bits: int

    step_cycles: int
    """Cycles that one bit takes: the registers of the population count and the decision."""

    verdict_cycles: int
    """Cycles from the last step to the threshold known."""

    @property
    def fixed(self) -> FixedCycles:
        """Cycles of a search that no data change."""
        return FixedCycles(search=self.bits * self.step_cycles + self.verdict_cycles)

    def streamed(self, work: TopkWork) -> Count:
        """Return the items that the search moves: all places in every step; none without a search."""
        return _count(np.where(work.searches, self.places * self.bits, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class BitonicLaw(TopkLaw):
    """Cycle law of a bitonic sorter that holds the whole packet: one layer of comparators a cycle, whatever the data.

    >>> law = BitonicLaw(lanes=16, bypass_cycles=1, places=256, sort_layers=64, route_layers=24, verdict_cycles=1,
    ...                  drain_latency=6, turnaround=2)
    >>> law.search(TopkWork(items=64, kept=20, sizes=()))
    89
    """

    places: int
    """Scores that the sorter holds and moves in every layer, present or not."""

    sort_layers: int
    """Layers that a sort takes."""

    route_layers: int
    """Layers that bring the k-th score out and back and search for the scores equal to it."""

    verdict_cycles: int
    """Cycles from the last layer to the threshold known."""

    @property
    def fixed(self) -> FixedCycles:
        """Cycles of a search that no data change."""
        layers = self.sort_layers + self.route_layers
        return FixedCycles(search=layers + self.verdict_cycles)

    def streamed(self, work: TopkWork) -> Count:
        """Return the items that the search moves: all places in every layer; none without a search."""
        return _count(np.where(work.searches, self.places * (self.sort_layers + self.route_layers), 0))


def _count(values: Sizes) -> Count:
    """Return a whole number in place of an array that is one."""
    return int(values) if values.ndim == 0 else values
