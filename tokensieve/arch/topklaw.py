"""Timing laws of the top-k engines: one class an engine, all with the same questions.

Cycles are counted by contracts, section 4: `select` ends with the threshold known, `total` with the last kept item out.
Every law also accepts arrays of commands, with one row of sizes per command, padded with zeros at the end.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

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
    """Scores kept, k. k = 0 and k >= n bypass the search."""

    sizes: npt.ArrayLike
    """Work record: quickselect, the sizes of the set that each round streams; radix, those of the survivors of
    each digit; empty for the engines whose time does not depend on data. With arrays of commands, one row per command,
    padded with zeros at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopkLaw(ABC):
    """Cycle law of a top-k engine around its search: load, bypass and drain are alike in all of them."""

    lanes: int

    bypass_cycles: int
    """Cycles from the last score in to the threshold known where there is nothing to search."""

    drain_latency: int
    """Cycles of the drain beyond reading its rows: side buffer, comparison, ties, zero eliminator and its last row."""

    turnaround: int
    """Cycles between the threshold known and the first row of the next command, neither counted."""

    def load(self, work: TopkWork) -> Count:
        """Return the cycles in which the scores enter, `lanes` a cycle."""
        return ceil_div(work.items, self.lanes)

    def search(self, work: TopkWork) -> Count:
        """Return the cycles from the last score in, not counted, to the threshold known."""
        n, kept = np.asarray(work.items), np.asarray(work.kept)
        searched = self._search(n, np.asarray(work.sizes, dtype=np.int64))
        cycles = np.where((kept == 0) | (kept >= n), self.bypass_cycles, searched)
        return int(cycles) if cycles.ndim == 0 else cycles

    def streamed(self, work: TopkWork) -> Count:
        """Return the items that the search moves past its comparators; none when bypassed."""
        n, kept = np.asarray(work.items), np.asarray(work.kept)
        items = np.where((kept == 0) | (kept >= n), 0, self._streamed(n, np.asarray(work.sizes, dtype=np.int64)))
        return int(items) if items.ndim == 0 else items

    def drain(self, work: TopkWork) -> Count:
        """Return the cycles from the threshold known, not counted, to the last kept item out."""
        return ceil_div(work.items, self.lanes) + self.drain_latency

    def select(self, work: TopkWork) -> Count:
        """Return the cycles from the first score in to the threshold known."""
        return self.load(work) + self.search(work)

    def cycles(self, work: TopkWork) -> Count:
        """Return the cycles from the first score in to the last kept item out (`total`)."""
        return self.select(work) + self.drain(work)

    @abstractmethod
    def _search(self, n: Sizes, sizes: Sizes) -> Sizes:
        """Return the cycles of a search that is not bypassed."""

    @abstractmethod
    def _streamed(self, n: Sizes, sizes: Sizes) -> Sizes:
        """Return the items of a search that is not bypassed."""

    def _rounds(self, sizes: Sizes, overhead: int) -> Sizes:
        """Return the cycles of streaming sets of these sizes one after another, with `overhead` cycles for each."""
        rounds: Sizes = np.where(sizes > 0, -(-sizes // self.lanes) + overhead, 0).sum(axis=-1, dtype=np.int64)
        return rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickselectLaw(TopkLaw):
    """Cycle law of quick-select: each round streams the set in which the threshold must lie past a pivot.

    >>> law = QuickselectLaw(lanes=16, bypass_cycles=1, start_cycles=2, round_cycles=3, drain_latency=6, turnaround=2)
    >>> law.select(TopkWork(items=64, kept=20, sizes=(64, 30, 7)))
    22
    >>> law.cycles(TopkWork(items=64, kept=64, sizes=()))
    15
    """

    start_cycles: int
    """Cycles from the last score in to the first round."""

    round_cycles: int
    """Cycles of a round beyond streaming its set: drawing the pivot, comparing, compacting, counting, deciding."""

    def _search(self, n: Sizes, sizes: Sizes) -> Sizes:
        return self.start_cycles + self._rounds(sizes, self.round_cycles)

    def _streamed(self, n: Sizes, sizes: Sizes) -> Sizes:
        items: Sizes = sizes.sum(axis=-1)
        return items


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

    def _search(self, n: Sizes, sizes: Sizes) -> Sizes:
        return self.first_cycles + self._rounds(_radix_scans(n, sizes), self.round_cycles)

    def _streamed(self, n: Sizes, sizes: Sizes) -> Sizes:
        items: Sizes = _radix_scans(n, sizes).sum(axis=-1)
        return items


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

    def _search(self, n: Sizes, sizes: Sizes) -> Sizes:
        return np.full_like(n, self.bits * self.step_cycles + self.verdict_cycles)

    def _streamed(self, n: Sizes, sizes: Sizes) -> Sizes:
        return np.full_like(n, self.places * self.bits)


@dataclass(frozen=True, slots=True, kw_only=True)
class BitonicLaw(TopkLaw):
    """Cycle law of a bitonic sorter that holds the whole row: one layer of comparators a cycle, whatever the data.

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

    def _search(self, n: Sizes, sizes: Sizes) -> Sizes:
        return np.full_like(n, self.sort_layers + self.route_layers + self.verdict_cycles)

    def _streamed(self, n: Sizes, sizes: Sizes) -> Sizes:
        return np.full_like(n, self.places * (self.sort_layers + self.route_layers))


def _radix_scans(n: Sizes, sizes: Sizes) -> Sizes:
    """Return what each pass streams: that of digit 2 all n items, that of digit j the survivors of digit j - 2."""
    before = np.concatenate([np.broadcast_to(n[..., None], (*sizes.shape[:-1], 1)), sizes[..., :-2]], axis=-1)
    return np.where(sizes[..., 1:] > 0, before[..., : max(sizes.shape[-1] - 1, 0)], 0)
