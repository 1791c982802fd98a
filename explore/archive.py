"""What a search knows: what came of every design that it tried, and the front of them in all objectives."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.explore.cases import Case
from tokensieve.explore.front import front, knee_of
from tokensieve.explore.space import Space
from tokensieve.explore.tally import KNEE, Outcome, Row, Source, Tally
from tokensieve.sim.analytic.batch import Sweep

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class Archive(Tally):
    """A tally that keeps every design that was priced."""

    def __init__(self, space: Space) -> None:
        """Raise `SweepError` where a constraint or an objective names no figure."""
        super().__init__(space)
        self._space = space
        self._found: dict[int, tuple[Source, int]] = {}

    def keep(self, source: Source) -> None:
        """Keep some designs."""
        for i, place in enumerate(source.good.tolist()):
            self._found[source.designs.low + place] = (source, i)

    def wanted(self, count: int) -> F64:
        """Return the objectives of the first `count` designs, NaN where one is not valid; shape (objectives, count)."""
        found = np.full((len(self.objectives), count), np.nan)
        for number, (source, i) in self._found.items():
            if source.fits[i]:
                found[:, number] = source.wanted[:, i]
        return found

    def broken(self, number: int) -> int:
        """Return how invalid a design is: 0 if valid, 1 if it was priced and is not, 2 if it was not priced at all."""
        if number not in self._found:
            return 2
        source, i = self._found[number]
        return 0 if source.fits[i] else 1

    def row(self, number: int) -> Row:
        """Return a design that was priced."""
        source, i = self._found[number]
        return source.row(i, self)

    def machine(self, number: int) -> tuple[Arch, list[Case]]:
        """Return the machine of a design that was priced, and what is asked of it."""
        source, i = self._found[number]
        designs, place = source.designs, int(source.good[i])
        own = designs.own(np.array([place]))
        machine = Sweep.unchecked(self._space.bases[designs.base[place]], own, 1).arch(0)
        cases = self._space.cases
        return machine, [cases.case(member, int(designs.case[place])) for member in range(len(cases.suite))]

    def outcome_of(self, wanted: F64, numbers: I64) -> Outcome:
        """Return the outcome with the front in all objectives; designs are called by `numbers`.

        `wanted` are the objectives as `self.wanted` returns them, shape (objectives, designs).
        """
        small = self.small(wanted)
        places = front(small)
        rows = [replace(self.row(i), number=int(numbers[i])) for i in places.tolist()]
        best = rows[0] if rows else None
        knee = None
        if rows:
            knee = rows[knee_of(small[:2, places], KNEE)]
        return replace(self.outcome(), rows=tuple(rows), whole=False, best=best, knee=knee)

    def best_of(self, outcome: Outcome) -> tuple[Row, ...]:
        """Return the design of the front that is best in each objective; of equal ones the best in the first."""
        wanted = self.small(np.array([row.wanted for row in outcome.rows]).T)
        return tuple(outcome.rows[int(i)] for i in wanted.argmin(axis=1))


def scaled(points: F64) -> F64:
    """Return objectives that are wanted small on a logarithmic scale, as figures of hardware multiply.

    A row with figures on both sides of 0 stays as it is; NaN stays NaN.

    >>> scaled(np.array([[1.0, np.e], [-1.0, 1.0]])).tolist()
    [[0.0, 1.0], [-1.0, 1.0]]
    """
    rows = points.copy()
    for row in rows:
        good = row[np.isfinite(row)]
        if (good > 0).all():
            row[:] = np.log(row)
        elif (good < 0).all():
            row[:] = -np.log(-row)
    return rows
