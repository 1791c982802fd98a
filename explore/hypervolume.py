"""How much of the space of objectives a set of designs dominates."""

import numpy as np
import numpy.typing as npt

from tokensieve.explore.front import front

F64 = npt.NDArray[np.float64]


def hypervolume(points: F64, reference: F64) -> float:
    """Return the volume that some of `points` dominate and that dominates `reference`, by slices (Zitzler 1999).

    `points` are all wanted small, shape (objectives, points); `reference` has the shape (objectives,). Points that are
    no better than `reference` in every objective, or NaN, count nothing.

    >>> hypervolume(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([2.0, 2.0]))
    3.0
    """
    inside = points[:, (points < reference[:, None]).all(axis=0)]
    best = inside[:, front(inside)]
    if not best.shape[1]:
        return 0.0
    if len(best) == 1:
        return float(reference[0] - best[0, 0])
    ends = np.append(best[0, 1:], reference[0])
    slices = (hypervolume(best[1:, : i + 1], reference[1:]) for i in range(best.shape[1]))
    return float(np.dot(ends - best[0], list(slices)))
