"""Vectors of the hardware units, made from the golden functions: corners first, then seeded random ones.

Each module is one unit's and has ``make(arch, count, seed, scores)``. Lists of unequal length are flat arrays with a
``NAME_ptr`` beside them.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

__all__ = ["ragged"]


def ragged(name: str, lists: Iterable[npt.ArrayLike]) -> dict[str, npt.NDArray[np.int64]]:
    """Return lists of unequal length as a flat array and where each of them begins in it.

    >>> {key: array.tolist() for key, array in ragged("kept", [[4, 5], [], [6]]).items()}
    {'kept': [4, 5, 6], 'kept_ptr': [0, 2, 2, 3]}
    """
    arrays = [np.asarray(one, dtype=np.int64).reshape(-1) for one in lists]
    ends = np.cumsum([0, *(len(array) for array in arrays)], dtype=np.int64)
    return {name: np.concatenate([np.zeros(0, np.int64), *arrays]), f"{name}_ptr": ends}
