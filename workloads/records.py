"""Work records of the top-k engines: how many items each round of a selection really handles.

A record depends on the scores and on k, never on the number of lanes; a timing law turns it into cycles. Where
k = 0 or k >= n nothing is searched, and the record is empty. Each function has a batched form for many rows of equal
length.

Quick-select (paper IV-B, Alg. 3): a round streams a set, drops the pivot and everything on one side of it, and goes on
with the other side. The pivot of round r is survivor number ``(h * m) >> 16`` of the m survivors in their original
order, h being output r (from 1) of a 16-bit xorshift whose state begins as the command's seed.

Radix select: a digit splits the surviving set into bins from the top bits down and goes on with the bin that the k-th
largest score lies in. It ends early where that bin is kept whole.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tokensieve.arch.datapath import Topk
from tokensieve.arch.errors import WorkloadError
from tokensieve.workloads.ragged import Int32, Int64, Ragged

Scores = npt.NDArray[Any]
FirstDigit = Literal["linear", "log"]

SEEDS = 65535
"""States that the 16-bit generator runs through."""


def command_seed(running_query: npt.ArrayLike) -> Int64:
    """Return the state that the pivot generator starts from; `running_query` counts queries (or groups) from 0."""
    return 1 + np.asarray(running_query, np.int64) % SEEDS


def xorshift16(state: Int64) -> Int64:
    """Return the output that follows `state`.

    >>> int(xorshift16(np.int64(1)))
    33153
    """
    state = state ^ (state << 7) & 0xFFFF
    state = state ^ state >> 9
    return state ^ (state << 8) & 0xFFFF


def quick_record(scores: npt.ArrayLike, k: int, running_query: int) -> Int32:
    """Return the sizes of the set that each quick-select round streams; the first is the number of scores.

    >>> quick_record([5, 9, 1, 7], 2, running_query=0).tolist()
    [4, 3, 2]
    """
    return quick_records(np.asarray(scores)[None], k, running_query)[0]


def radix_record(
    scores: npt.ArrayLike, k: int, score_bits: int, digit_bits: int, first_digit: FirstDigit = "linear"
) -> Int32:
    """Return the sizes of the surviving set after each decided digit.

    >>> radix_record([0x35, 0x31, 0x20, 0x3F], 2, score_bits=8, digit_bits=4).tolist()
    [3, 1]
    """
    return radix_records(np.asarray(scores)[None], k, score_bits, digit_bits, first_digit)[0]


def quick_records(scores: Scores, k: npt.ArrayLike, running_query: npt.ArrayLike) -> Ragged:
    """Return the quick-select record of each row of `scores`; `k` and `running_query` are one, or one per row."""
    rows, n = _rows(scores)
    kept = np.broadcast_to(np.asarray(k, np.int64), (rows,))
    state = np.broadcast_to(command_seed(running_query), (rows,))
    active = np.flatnonzero((kept > 0) & (kept < n))
    search = _Search(rows, active, n, kept[active], state[active])
    values = _compact(scores if len(active) == rows else scores[active]).reshape(-1)
    while len(search.rows):
        pivots = np.repeat(values[search.pick()], search.sizes)
        above, below = values > pivots, values < pivots
        bigger = np.add.reduceat(above, search.starts, dtype=np.int64)
        equal = search.sizes - bigger - np.add.reduceat(below, search.starts, dtype=np.int64)
        upper, lower = search.decide(bigger, equal)
        keep = above & np.repeat(upper, search.sizes) | below & np.repeat(lower, search.sizes)
        values = values[keep]
        search.enter(upper | lower, np.where(upper, bigger, search.sizes - bigger - equal))
    return search.record()


def quick_records_of_ranks(ranks: Scores, k: int, running_query: npt.ArrayLike) -> Ragged:
    """Return the quick-select records of rows whose scores are all distinct, given as permutations of 0..n-1.

    The same records as `quick_records`, faster: the survivors are those with a rank in an interval, so that the size of
    either side follows from the pivot's rank.
    """
    rows, n = _rows(ranks)
    if not 0 < k < n:
        return Ragged.empty(rows)
    state = np.broadcast_to(command_seed(running_query), (rows,))
    search = _Search(rows, np.arange(rows), n, np.full(rows, k), state)
    small, unsigned = (np.int16, np.uint16) if n < 1 << 15 else (np.int32, np.uint32)
    values = np.ascontiguousarray(ranks, dtype=small).reshape(-1)
    low, high = np.zeros(rows, np.int64), np.full(rows, n)
    while len(search.rows):
        pivot = values[search.pick()].astype(np.int64)
        upper, lower = search.decide(high - 1 - pivot, np.ones(1, np.int64))
        low, high = np.where(upper, pivot + 1, low), np.where(lower, pivot, high)
        width = np.where(upper | lower, high - low, 0)
        offset = values - np.repeat(low.astype(small), search.sizes)
        values = values[offset.view(unsigned) < np.repeat(width.astype(unsigned), search.sizes)]
        on = upper | lower
        low, high = low[on], high[on]
        search.enter(on, width)
    return search.record()


class _Search:
    """The rounds of many quick-selects side by side: which rows go on, with how many survivors, seeking what."""

    def __init__(self, total: int, rows: Int64, n: int, target: Int64, state: Int64) -> None:
        self.rows, self.target, self.state = rows, target, state
        self.sizes = np.full(len(rows), n, np.int64)
        self.starts = np.arange(len(rows), dtype=np.int64) * n
        self._total, self._columns = total, [(rows, self.sizes)] if len(rows) else []

    def pick(self) -> Int64:
        """Return the place of each row's next pivot among the survivors of all rows."""
        self.state = xorshift16(self.state)
        return self.starts + (self.state * self.sizes >> 16)

    def decide(self, bigger: Int64, equal: Int64) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return which rows go on with the items above the pivot, and which with those below; the others are done."""
        upper = bigger > self.target
        lower = bigger + equal < self.target
        self.target = np.where(lower, self.target - bigger - equal, self.target)
        return upper, lower

    def enter(self, on: npt.NDArray[np.bool_], sizes: Int64) -> None:
        """Begin the next round with the rows that go on."""
        self.rows, self.target, self.state, self.sizes = self.rows[on], self.target[on], self.state[on], sizes[on]
        self.starts = np.cumsum(self.sizes) - self.sizes
        if len(self.rows):
            self._columns.append((self.rows, self.sizes))

    def record(self) -> Ragged:
        """Return the sizes of all rounds, per row."""
        padded = np.zeros((self._total, len(self._columns)), np.int32)
        for column, (rows, sizes) in enumerate(self._columns):
            padded[rows, column] = sizes
        return Ragged.unpad(padded)


def radix_records(
    scores: Scores, k: npt.ArrayLike, score_bits: int, digit_bits: int, first_digit: FirstDigit = "linear"
) -> Ragged:
    """Return the radix record of each row of `scores`; `k` is one for all rows or one per row.

    The linear first digit is the top `digit_bits`; the log one takes the position of the highest set bit and the bit
    below it. Later digits are `digit_bits` wide, the last one what is left.
    """
    rows, n = _rows(scores)
    if scores.size and not (scores.min() >= 0 and int(scores.max()) >> score_bits == 0):
        raise WorkloadError(f"scores must lie in 0..2^{score_bits}-1, got {scores.min()}..{scores.max()}")
    kept = np.broadcast_to(np.asarray(k, np.int64), (rows,))
    active = np.flatnonzero((kept > 0) & (kept < n))
    columns: list[tuple[Int64, Int64]] = []
    values = scores if len(active) == rows else scores[active]
    kth = _kth_largest(values, kept[active])
    shift = first_shift(kth, score_bits, digit_bits, first_digit)
    while len(active):
        top = kth | (np.int64(1) << shift) - 1
        above = (values > top[:, None]).sum(axis=1)
        size = (values >= (kth >> shift << shift)[:, None]).sum(axis=1) - above
        columns.append((active, size))
        on = (shift > 0) & (size != kept[active] - above)
        active, values, kth, shift = active[on], values[on], kth[on], np.maximum(shift[on] - digit_bits, 0)
    padded = np.zeros((rows, len(columns)), np.int32)
    for column, (which, sizes) in enumerate(columns):
        padded[which, column] = sizes
    return Ragged.unpad(padded)


def first_shift(kth: Int64, score_bits: int, digit_bits: int, first_digit: FirstDigit) -> Int64:
    """Return how many low bits the first digit leaves undecided, for each row's k-th largest score."""
    if first_digit == "linear":
        return np.full(len(kth), max(score_bits - digit_bits, 0), np.int64)
    length = np.frexp(kth.astype(np.float64))[1].astype(np.int64)  # exact: a score has at most 32 bits
    return np.maximum(length - 2, 0)


def _kth_largest(values: Scores, k: Int64) -> Int64:
    places = values.shape[1] - k
    if len(k) and (k == k[0]).all():
        return np.partition(values, places[0], axis=1)[:, places[0]].astype(np.int64)
    kth: Int64 = np.sort(values, axis=1)[np.arange(len(k)), places].astype(np.int64)
    return kth


def _rows(scores: Scores) -> tuple[int, int]:
    if scores.ndim != 2 or scores.dtype.kind not in "iu":
        raise WorkloadError(f"scores must be rows of whole numbers, got {scores.dtype} of shape {scores.shape}")
    return scores.shape[0], scores.shape[1]


def _compact(values: Scores) -> Scores:
    """Return `values` in the narrowest type that holds them, which is what the search's speed depends on."""
    if not values.size:
        return values
    return np.ascontiguousarray(
        values, np.promote_types(np.min_scalar_type(values.min()), np.min_scalar_type(values.max()))
    )


RECORDERS: dict[str, Callable[[Scores, npt.ArrayLike, npt.ArrayLike, Topk], Ragged]] = {
    "radix": lambda rows, k, number, topk: radix_records(rows, k, topk.score_bits, topk.digit_bits, topk.first_digit),
    "quick": lambda rows, k, number, topk: quick_records(rows, k, number),
}
"""By kind (`tokensieve.arch.records`): records of each row of an array of scores, with its k and its running number."""
