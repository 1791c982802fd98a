"""Which designs a search tries next: one step from the front, in the order of what the same steps gained elsewhere.

This is a Pareto local search (Paquete, Chiarandini and Stuetzle 2004): the neighbours of the designs that no other one
beats. Steps that were seen say which of them come first: a change of one field from the same value to the same
value, at other designs, the nearer the more (inverse distance weighting, Shepard 1968).
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tokensieve.explore.front import front

F64 = npt.NDArray[np.float64]
Design = tuple[int, ...]
"""Number of the value on each dimension."""

_Step = tuple[int, int, int]
"""Dimension, number of the value before, and after."""


class Steps:
    """Proposes neighbours of a front, on dimensions with `sizes` values each."""

    def __init__(self, sizes: Sequence[int], ordered: Sequence[bool]) -> None:
        """`ordered` says on which dimensions a step goes to the next value; on others it goes to any value.

        A step to the next value passes over designs that are known not to be valid.
        """
        self._sizes, self._ordered = tuple(sizes), tuple(ordered)
        self._invalid: set[Design] = set()

    def next(self, tried: Sequence[Design], points: F64, count: int) -> list[Design]:
        """Return at most `count` designs that were not tried, the most promising first.

        `points` holds the objectives of the designs `tried`, all wanted small, on a scale on which a step is worth
        about as much everywhere, shape (objectives, designs); NaN where a design is not valid.
        """
        best = front(points)
        if not len(best):
            return []
        low, high = points[:, best].min(axis=1), points[:, best].max(axis=1)
        scaled = (points - low[:, None]) / np.where(high > low, high - low, 1.0)[:, None]
        good = np.isfinite(scaled).all(axis=0)
        places = {design: i for i, design in enumerate(tried)}
        self._invalid = {tried[i] for i in np.flatnonzero(~good).tolist()}
        parents: dict[Design, list[tuple[int, _Step]]] = {}
        for i in best.tolist():
            for step, design in self._neighbours(tried[i]):
                if design not in places:
                    parents.setdefault(design, []).append((i, step))
        if not parents:
            return []
        seen = self._seen(tried, places, scaled)
        codes = np.array(tried, np.int64)
        guesses = np.stack([self._guess(one, seen, codes, scaled) for one in parents.values()], axis=1)
        return [list(parents)[i] for i in _picked(guesses, scaled[:, best], count)]

    def _neighbours(self, design: Design) -> Iterator[tuple[_Step, Design]]:
        for d, (size, ordered) in enumerate(zip(self._sizes, self._ordered, strict=True)):
            here = design[d]
            ways = [range(here - 1, -1, -1), range(here + 1, size)]
            for way in ways if ordered else ([value] for value in range(size) if value != here):
                every = ((value, (*design[:d], value, *design[d + 1 :])) for value in way)
                value, there = next((one for one in every if one[1] not in self._invalid), (here, design))
                if value != here:
                    yield (d, here, value), there

    def _seen(
        self, tried: Sequence[Design], places: dict[Design, int], scaled: F64
    ) -> dict[_Step, tuple[list[int], list[F64]]]:
        """Return the steps between designs that were tried: from which, and by how much the objectives changed."""
        seen: dict[_Step, tuple[list[int], list[F64]]] = {}
        for i in np.flatnonzero(np.isfinite(scaled).all(axis=0)).tolist():
            for step, design in self._neighbours(tried[i]):
                j = places.get(design)
                if j is not None:
                    starts, changes = seen.setdefault(step, ([], []))
                    starts.append(i)
                    changes.append(scaled[:, j] - scaled[:, i])
        return seen

    def _guess(
        self,
        parents: Sequence[tuple[int, _Step]],
        seen: dict[_Step, tuple[list[int], list[F64]]],
        codes: npt.NDArray[np.int64],
        scaled: F64,
    ) -> F64:
        """Return what a design may come to, the best of what each parent promises; shape (objectives,).

        A step that was never seen promises the best of the front in every objective, so that it is tried.
        """
        guesses = []
        for i, step in parents:
            if step not in seen:
                return np.zeros(len(scaled))
            starts, changes = seen[step]
            near = self._distances(codes[i], codes[starts]) ** -2.0
            guesses.append(scaled[:, i] + near @ np.array(changes) / near.sum())
        guess: F64 = np.min(guesses, axis=0)
        return guess

    def _distances(self, one: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> F64:
        """Return how far `others` are, each dimension having the length 1; never 0, as no step is seen twice."""
        spans = np.array([max(size - 1, 1) for size in self._sizes])
        apart = np.where(self._ordered, np.abs(others - one) / spans, others != one)
        distances: F64 = apart.sum(axis=1)
        return distances


def _picked(guesses: F64, best: F64, count: int) -> list[int]:
    """Return places of the `guesses` that most lie outside what `best`, and those picked before, dominate.

    How far a point lies outside is the additive epsilon indicator (Zitzler et al. 2003): the least, over all others, of
    the most that it is better by in some objective.
    """
    margin = (best[:, :, None] - guesses[:, None, :]).max(axis=0).min(axis=0)
    picked: list[int] = []
    for _ in range(min(count, guesses.shape[1])):
        place = int(np.argmax(margin))
        picked.append(place)
        margin = np.minimum(margin, (guesses[:, [place]] - guesses).max(axis=0))
        margin[picked] = -np.inf
    return picked
