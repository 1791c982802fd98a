"""Vectors of 6 bits: two heads share what is fetched, as in the authors' release (contracts, section 3)."""

import numpy as np
import numpy.typing as npt

FUSED_BITS = 6
"""Width whose vectors are stored as fused pairs of heads."""


def stored_bits(bits: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the bits that an element takes in a stored vector, with those of the other head of a fused pair.

    >>> stored_bits([6, 8]).tolist()
    [12, 8]
    """
    width = np.asarray(bits, np.int64)
    return np.where(width == FUSED_BITS, 2 * width, width)


def second_of_pair(bits: npt.ArrayLike, group: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which rows are the second of a fused pair: consecutive 6-bit rows of a group, taken two by two.

    >>> second_of_pair([6, 6, 6, 8, 6], np.array([0, 0, 0, 0, 0])).tolist()
    [False, True, False, False, False]
    """
    fused = np.asarray(bits) == FUSED_BITS
    follows = np.zeros(len(fused), bool)
    follows[1:] = fused[1:] & fused[:-1] & (group[1:] == group[:-1])
    position = np.arange(len(fused))
    begin = np.maximum.accumulate(np.where(follows, 0, position))
    second: npt.NDArray[np.bool_] = fused & ((position - begin) % 2 == 1)
    return second
