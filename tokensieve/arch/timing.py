"""Timing laws: how long each unit takes, said once.

The simulator charges these laws and adds nothing; the RTL is measured against them. A law has no figures of its own:
a unit's model makes it. Every law also accepts numpy arrays in place of integers, for sweeps.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

Count = int | npt.NDArray[np.int64]
"""A whole number, or an array of them."""

W_contra = TypeVar("W_contra", contravariant=True)


class Law(Protocol[W_contra]):
    """What every timing law offers."""

    @property
    def latency(self) -> int:
        """Cycles from a transfer in to the transfer out that it causes."""

    @property
    def interval(self) -> int:
        """Cycles between two transfers in."""

    def cycles(self, work: W_contra) -> Count:
        """Return the cycles from first transfer in to last transfer out, both counted, output never stalled."""


def ceil_div(a: Count, b: int) -> Count:
    """Return a / b rounded up."""
    return -(-a // b)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamWork:
    """Work of a unit whose time follows from the number of items alone."""

    items: Count
    """Items streamed through: keys, values, scores or probabilities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLaw:
    """Cycle law of a fully pipelined unit that takes `lanes` items a transfer.

    >>> StreamLaw(lanes=8, latency=9, interval=1).cycles(StreamWork(items=384))
    57
    """

    lanes: int
    latency: int
    interval: int

    def lines(self, work: StreamWork) -> Count:
        """Return the transfers in that the work takes."""
        return ceil_div(work.items, self.lanes)

    def cycles(self, work: StreamWork) -> Count:
        """Return the cycles from first transfer in to last transfer out."""
        return self.interval * (self.lines(work) - 1) + self.latency + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftmaxLaw:
    """Cycle law of the softmax: three passes over the line buffer (maximum, exponential and sum, division).

    A pass reads one line a cycle and the next one begins one cycle after its last line has come through, so three rows
    can be in the unit at once, one per pass.

    >>> SoftmaxLaw(lanes=8, scan_latency=7, exp_latency=44, divide_latency=36).cycles(StreamWork(items=64))
    111
    """

    lanes: int
    scan_latency: int
    """Dequantize a score and compare it with the running maximum."""

    exp_latency: int
    """Exponential and accumulation."""

    divide_latency: int
    """Division and requantization."""

    @property
    def latency(self) -> int:
        """Latencies of the three passes together; a row of n lines adds 3 n."""
        return self.scan_latency + self.exp_latency + self.divide_latency

    @property
    def interval(self) -> int:
        """Cycles between two lines in."""
        return 1

    def lines(self, work: StreamWork) -> Count:
        """Return the lines that a row takes."""
        return ceil_div(work.items, self.lanes)

    def cycles(self, work: StreamWork) -> Count:
        """Return the cycles from the first line of scores in to the last line of probabilities out."""
        return 3 * self.lines(work) + self.latency


@dataclass(frozen=True, slots=True, kw_only=True)
class TopkWork:
    """Work that one selection really did; it does not depend on the number of lanes."""

    items: Count
    """Scores offered, n."""

    kept: Count
    """Scores kept, k. k = 0 and k >= n bypass the engine."""

    sizes: npt.ArrayLike
    """Work record: quickselect, the sizes of the set that each round streams; radix, those of the survivors of
    each digit. With arrays of commands, one row per command, padded with zeros at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopkLaw:
    """Cycle law of a top-k engine. `select` ends with the threshold, `total` with the last kept item.

    >>> law = TopkLaw(engine="quickselect", lanes=16, round_cycles=3, drain_latency=2)
    >>> law.select(TopkWork(items=64, kept=20, sizes=(64, 30, 7)))
    20
    >>> law.cycles(TopkWork(items=64, kept=64, sizes=()))
    10
    """

    engine: Literal["quickselect", "radix"]
    lanes: int
    round_cycles: int
    """Cycles that a round (or a digit's decision) takes beyond streaming its items."""

    drain_latency: int
    """Registers from the side FIFO through the threshold comparison and the zero eliminator to the output."""

    @property
    def latency(self) -> int:
        """Cycles from a transfer out of the side FIFO to the transfer out of the engine."""
        return self.drain_latency

    @property
    def interval(self) -> int:
        """Cycles between two transfers in."""
        return 1

    def load(self, work: TopkWork) -> Count:
        """Return the cycles in which the scores enter, `lanes` a cycle."""
        return ceil_div(work.items, self.lanes)

    def search(self, work: TopkWork) -> Count:
        """Return the cycles between the last score in and the threshold known; none when bypassed."""
        n, sizes = np.asarray(work.items), np.asarray(work.sizes, dtype=np.int64)
        if self.engine == "radix":
            sizes = _radix_scans(n, sizes)
        rounds = np.where(sizes > 0, -(-sizes // self.lanes) + self.round_cycles, 0).sum(axis=-1, dtype=np.int64)
        if self.engine == "radix":
            rounds = rounds + self.round_cycles
        kept = np.asarray(work.kept)
        cycles = np.where((kept == 0) | (kept >= n), 0, rounds)
        return int(cycles) if cycles.ndim == 0 else cycles

    def streamed(self, work: TopkWork) -> Count:
        """Return the items that the rounds of the search stream past the comparators; none when bypassed."""
        n, kept, sizes = np.asarray(work.items), np.asarray(work.kept), np.asarray(work.sizes, dtype=np.int64)
        if self.engine == "radix":
            sizes = _radix_scans(n, sizes)
        items = np.where((kept == 0) | (kept >= n), 0, sizes.sum(axis=-1))
        return int(items) if items.ndim == 0 else items

    def drain(self, work: TopkWork) -> Count:
        """Return the cycles from the threshold known to the last kept item out."""
        return ceil_div(work.items, self.lanes) + self.drain_latency

    def select(self, work: TopkWork) -> Count:
        """Return the cycles from the first score in to the threshold known."""
        return self.load(work) + self.search(work)

    def cycles(self, work: TopkWork) -> Count:
        """Return the cycles from the first score in to the last kept item out (`total`)."""
        return self.select(work) + self.drain(work)


def _radix_scans(n: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return what each pass streams: that of digit 2 all n items, that of digit j the survivors of digit j - 2."""
    before = np.concatenate([np.broadcast_to(n[..., None], (*sizes.shape[:-1], 1)), sizes[..., :-2]], axis=-1)
    return np.where(sizes[..., 1:] > 0, before[..., : max(sizes.shape[-1] - 1, 0)], 0)
