"""Lists of unequal length in two flat arrays: the items, and where each list begins."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

_SLAB = 1 << 18
"""Items that are worked on at a time where there are many."""


@dataclass(frozen=True, eq=False)
class Ragged:
    """Lists of whole numbers; list i is ``flat[ptr[i]:ptr[i + 1]]``.

    >>> [r.tolist() for r in Ragged.of([[9, 4], [], [7]])]
    [[9, 4], [], [7]]
    """

    flat: Int32
    """Items of all lists, one after another."""

    ptr: Int64
    """Where each list begins in `flat`, and the end of the last."""

    @classmethod
    def of(cls, lists: Iterable[npt.ArrayLike]) -> Self:
        """Return the given lists."""
        arrays = [np.asarray(one, dtype=np.int32).reshape(-1) for one in lists]
        return cls.cut(np.concatenate(arrays) if arrays else np.zeros(0, np.int32), [len(a) for a in arrays])

    @classmethod
    def cut(cls, flat: Int32, lengths: npt.ArrayLike) -> Self:
        """Return `flat` cut into lists of the given lengths."""
        ends = np.cumsum(np.asarray(lengths, dtype=np.int64), dtype=np.int64)
        return cls(flat, np.concatenate([np.zeros(1, np.int64), ends]))

    @classmethod
    def unpad(cls, padded: npt.NDArray[Any]) -> Self:
        """Return the rows of `padded` without the zeros that fill them up."""
        kept = padded > 0
        return cls.cut(padded[kept].astype(np.int32), kept.sum(axis=1))

    @classmethod
    def empty(cls, count: int) -> Self:
        """Return `count` empty lists."""
        return cls(np.zeros(0, np.int32), np.zeros(count + 1, np.int64))

    @classmethod
    def join(cls, parts: Sequence["Ragged"]) -> Self:
        """Return the lists of all `parts`, in order."""
        flat = np.concatenate([p.flat for p in parts]) if parts else np.zeros(0, np.int32)
        return cls.cut(flat, np.concatenate([p.lengths for p in parts]) if parts else [])

    @property
    def lengths(self) -> Int64:
        """Number of items of each list."""
        return np.diff(self.ptr)

    def padded(self) -> Int32:
        """Return one row per list, of at least one item, filled up with zeros at the end: what a timing law takes."""
        lengths = self.lengths
        result = np.zeros((len(self), max(int(lengths.max(initial=0)), 1)), np.int32)
        result[np.arange(result.shape[1]) < lengths[:, None]] = self.flat
        return result

    def __len__(self) -> int:
        return len(self.ptr) - 1

    def take(self, which: Int64) -> Self:
        """Return the lists numbered `which`, an empty one for each -1.

        >>> [r.tolist() for r in Ragged.of([[9, 4], [7]]).take(np.array([1, -1, 0, 1]))]
        [[7], [], [9, 4], [7]]
        """
        lengths = np.where(which < 0, 0, np.append(self.lengths, 0)[which])
        return type(self).cut(self.flat[spans(self.ptr[which], lengths)], lengths)

    def first(self, count: int) -> Self:
        """Return the first `count` lists."""
        return type(self)(self.flat[: int(self.ptr[count])], self.ptr[: count + 1])

    def __getitem__(self, index: int) -> Int32:
        place = range(len(self))[index]
        return self.flat[self.ptr[place] : self.ptr[place + 1]]

    def __iter__(self) -> Iterator[Int32]:
        return (self[i] for i in range(len(self)))


def slabs(ptr: Int64) -> Iterator[tuple[int, int]]:
    """Yield ranges of lists, first and end, whose items are few enough for the cache, or one list of more.

    >>> list(slabs(np.array([0, 1 << 17, 1 << 18, 1 << 20])))
    [(0, 2), (2, 3)]
    """
    low = 0
    while low < len(ptr) - 1:
        high = max(int(np.searchsorted(ptr, ptr[low] + _SLAB, side="right")) - 1, low + 1)
        yield low, high
        low = high


def read_only(array: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return a view of `array` that cannot be written to."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def spans(starts: npt.ArrayLike, lengths: npt.ArrayLike) -> Int64:
    """Return ``starts[i], starts[i] + 1, ...`` for ``lengths[i]`` numbers, for every i, in one array.

    >>> spans([5, 0], [2, 3]).tolist()
    [5, 6, 0, 1, 2]
    """
    lengths = np.asarray(lengths, dtype=np.int64)
    offsets = np.asarray(starts, dtype=np.int64) - (np.cumsum(lengths) - lengths)
    return np.repeat(offsets, lengths) + np.arange(int(lengths.sum()))
