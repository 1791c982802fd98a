"""Timing laws: how long each unit takes, said once.

The simulator charges these laws and adds nothing; the RTL is measured against them. A law has no figures of its own:
a unit's model makes it. Every law also accepts numpy arrays in place of integers, for sweeps.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Count = int | npt.NDArray[np.int64]
"""A whole number, or an array of them."""


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

    A pass reads one line a cycle and the next one begins one cycle after its last line has come through, so three
    packets can be in the unit at once, one per pass.

    >>> SoftmaxLaw(lanes=8, scan_latency=7, exp_latency=44, divide_latency=36).cycles(StreamWork(items=64))
    111
    """

    lanes: int
    scan_latency: int
    """Dequantize a score and compare it with the running maximum."""

    exp_latency: int
    """Exponential and accumulation."""

    divide_latency: int
    """Division, and rounding to `softmax.probability_bits`."""

    streamed: bool = False
    """Whether exponentials follow the scores as these come, with no pass for the maximum."""

    @property
    def latency(self) -> int:
        """Latencies of the three passes together; a packet of n lines adds 3 n, or 2 n where scores are streamed."""
        return self.scan_latency + self.exp_latency + self.divide_latency

    def lines(self, work: StreamWork) -> Count:
        """Return the lines that a packet takes."""
        return ceil_div(work.items, self.lanes)

    def cycles(self, work: StreamWork) -> Count:
        """Return the cycles from the first line of scores in to the last line of probabilities out."""
        return (2 if self.streamed else 3) * self.lines(work) + self.latency
