"""Lists that are made out of order, put in order."""

import numpy as np

from tokensieve.workloads.ragged import Int32, Int64, Ragged, spans


class Scatter:
    """Collects records in any order and puts them in order."""

    def __init__(self, count: int) -> None:
        self._lengths, self._parts = np.zeros(count, np.int64), list[tuple[Int64, Int32]]()

    def put(self, which: Int64, lists: Ragged) -> None:
        """Set the records of the commands `which`."""
        self._lengths[which] = lists.lengths
        self._parts.append((which, lists.flat))

    def gather(self) -> Ragged:
        """Return the records of all commands."""
        ptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(self._lengths)])
        flat = np.empty(int(ptr[-1]), np.int32)
        for which, items in self._parts:
            flat[spans(ptr[which], self._lengths[which])] = items
        return Ragged(flat, ptr)


def places_of(drawn: Int64, source: Int64) -> Int64:
    """Return where each of `source` stands among the ascending `drawn`; -1 for -1."""
    return np.where(source < 0, -1, np.searchsorted(drawn, source))
