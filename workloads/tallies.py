"""Long packets of scores as tallies: which values there are, in order, and how often each one stands in a row.

Of scores that are drawn with replacement from a few values, the work records follow from how often each was drawn, so
that a packet of a million scores is no more work than one of a thousand. Each function gives the very records that
`tokensieve.workloads.records` gives of the packet written out.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokensieve.arch.datapath import Topk
from tokensieve.workloads.ragged import Int64, Ragged
from tokensieve.workloads.records import command_seed, first_shift, xorshift16

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tallies:
    """Packets, one a row: value j of the packet stands `counts[j]` times in a row, then value j + 1 follows."""

    values: Int64
    """Scores, shape (packets, V)."""

    counts: Int64
    """How often each one follows itself, from 0, shape (packets, V); every packet has n scores."""

    def written_out(self) -> Int64:
        """Return the scores, shape (packets, n)."""
        rows = len(self.values)
        return np.repeat(self.values.reshape(-1), self.counts.reshape(-1)).reshape(rows, -1)


def quick_records(tallies: Tallies, k: npt.ArrayLike, running_query: npt.ArrayLike) -> Ragged:
    """Return the quick-select record of each packet, which keeps `k` scores, 0 < k < n; one number for all, or each.

    >>> quick_records(Tallies(np.array([[5, 9, 1, 7]]), np.ones((1, 4), int)), 2, 0)[0].tolist()
    [4, 3, 2]
    """
    values, counts = tallies.values, tallies.counts
    rows = len(values)
    state = np.broadcast_to(command_seed(running_query), (rows,))
    target, which, columns = np.full(rows, k, np.int64), np.arange(rows), list[tuple[Int64, Int64]]()
    while len(which):
        ends = np.cumsum(counts, axis=1)
        sizes = ends[:, -1]
        columns.append((which, sizes))
        state = xorshift16(state)
        place = state * sizes >> 16
        pivot = np.take_along_axis(values, (ends > place[:, None]).argmax(axis=1)[:, None], axis=1)
        bigger = np.sum(counts * (values > pivot), axis=1)
        smaller = np.sum(counts * (values < pivot), axis=1)
        upper, lower = bigger > target, sizes - smaller < target
        target = np.where(lower, target - (sizes - smaller), target)
        stays = (values > pivot) & upper[:, None] | (values < pivot) & lower[:, None]
        on = upper | lower
        which, state, target, values, counts = which[on], state[on], target[on], values[on], (counts * stays)[on]
    return _record(rows, columns)


def radix_records(tallies: Tallies, k: npt.ArrayLike, topk: Topk) -> Ragged:
    """Return the radix record of each packet, which keeps `k` scores, 0 < k < n, with the digits of `topk`.

    `k` is one number for all packets, or one for each.

    >>> one = Tallies(np.array([[0x35, 0x31, 0x20, 0x3F]]), np.ones((1, 4), int))
    >>> radix_records(one, 2, Topk(score_bits=8, first_digit="linear", digit_bits=4))[0].tolist()
    [3, 1]
    """
    values, counts = tallies.values, tallies.counts
    rows = len(values)
    left = np.full(rows, k, np.int64)
    order = np.argsort(-values, axis=1, kind="stable")
    reached = np.cumsum(np.take_along_axis(counts, order, axis=1), axis=1) >= left[:, None]
    kth = np.take_along_axis(values, np.take_along_axis(order, reached.argmax(axis=1)[:, None], axis=1), axis=1)[:, 0]
    shift = first_shift(kth, topk.score_bits, topk.digit_bits, topk.first_digit)
    which, columns = np.arange(rows), list[tuple[Int64, Int64]]()
    while len(which):
        above = np.sum(counts * (values > (kth | (np.int64(1) << shift) - 1)[:, None]), axis=1)
        sizes = np.sum(counts * (values >= (kth >> shift << shift)[:, None]), axis=1) - above
        columns.append((which, sizes))
        on = (shift > 0) & (sizes != left - above)
        which, values, counts, kth, left = which[on], values[on], counts[on], kth[on], left[on]
        shift = np.maximum(shift[on] - topk.digit_bits, 0)
    return _record(rows, columns)


def _record(rows: int, columns: list[tuple[Int64, Int64]]) -> Ragged:
    """Return the record of each packet: `columns` holds which packets have a next size, and that."""
    padded = np.zeros((rows, len(columns)), np.int32)
    for column, (which, sizes) in enumerate(columns):
        padded[which, column] = sizes
    return Ragged.unpad(padded)


RECORDERS: dict[str, Callable[[Tallies, npt.ArrayLike, npt.ArrayLike, Topk], Ragged]] = {
    "radix": lambda tallies, k, number, topk: radix_records(tallies, k, topk),
    "quick": lambda tallies, k, number, topk: quick_records(tallies, k, number),
}
"""As `records.RECORDERS`, of tallies."""
