"""Which designs no other one beats, and which of them is the knee."""

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


def front(points: F64) -> I64:
    """Return the places of the points that no other one equals or beats in all objectives, best in the first one first.

    `points` holds figures that are all wanted small, shape (objectives, points). Of equal points the first is kept;
    a point with a figure that is no number is never on the front.

    >>> front(np.array([[1.0, 2.0, 3.0, 2.0], [5.0, 4.0, 4.0, 3.0]])).tolist()
    [0, 3]
    """
    good = np.flatnonzero(np.isfinite(points).all(axis=0))
    order: I64 = good[np.lexsort(points[::-1, good])]  # stable; whatever beats a point comes before it
    ranked = points[:, order]
    if len(points) == 1:
        return order[:1]
    if len(points) == 2:
        prices = ranked[1]
        before = np.minimum.accumulate(np.concatenate([[np.inf], prices[:-1]])) if len(order) else prices
        cheaper: I64 = order[prices < before]
        return cheaper
    kept: list[int] = []
    best = np.zeros((0, len(points)))
    for i in range(len(order)):
        if not (best <= ranked[:, i]).all(axis=1).any():
            kept.append(i)
            best = np.vstack([best, ranked[:, i]])
    return order[kept]


def knee_of(points: F64, share: float) -> int:
    """Return the place of the cheapest point that gives away at most `share` of the best; of equal ones the best.

    `points` holds what is wanted and its price, both wanted small, shape (2, points), one point at least.

    >>> knee_of(np.array([[100.0, 101.0, 102.0], [9.0, 5.0, 1.0]]), 0.01)
    1
    """
    wanted, price = points
    best = wanted.min()
    near = np.flatnonzero(wanted <= best + share * abs(best))
    return int(near[np.lexsort((wanted[near], price[near]))[0]])
