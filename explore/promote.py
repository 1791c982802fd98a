"""Promotion: the best designs of a search priced again at a closer level, and how far apart the two levels are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.explore.archive import Archive
from tokensieve.explore.evaluate import Evaluator
from tokensieve.explore.front import front
from tokensieve.explore.price import Pricer
from tokensieve.explore.sampler import F64, I64
from tokensieve.explore.search import Found, Tried
from tokensieve.explore.spec import Sampler, SweepFile
from tokensieve.explore.store import Store
from tokensieve.explore.sweep import Progress, Run
from tokensieve.explore.tally import Outcome, Row
from tokensieve.explore.tasks import InProcess

MOST = 24
"""Designs that are promoted unless told: as many as a table of the front shows."""


@dataclass(frozen=True)
class Apart:
    """How far apart two levels are in one objective, of the promoted designs that are valid at both."""

    objective: str
    median: float
    """Of the front that was searched: how far the screening level is from the closer one, as a share of the latter."""

    largest: float
    lost: float
    """How much worse the best design by screening is than the best promoted one, both at the closer level, as a share
    of the latter."""


@dataclass(frozen=True)
class Promotion:
    """What became of the promoted designs."""

    level: str
    """The closer level."""

    numbers: I64
    """Designs of the search that were promoted."""

    of_front: int
    """Those of them that are on the front of the search; they come first."""

    screened: F64
    closer: F64
    """Objectives at both levels, NaN where a design is not valid; shape (objectives, designs)."""

    outcome: Outcome
    """The front of the promoted designs at the closer level, numbers being those of the search."""

    best: tuple[Row, ...]
    """The best design by each objective at the closer level; nothing where none is valid."""

    archive: Archive

    @property
    def apart(self) -> tuple[Apart, ...]:
        """How far apart the levels are in each objective; nothing where no design of the front is valid at both."""
        wishes = self.outcome.objectives
        both: npt.NDArray[np.bool_] = np.asarray(np.isfinite(self.closer).all(axis=0))
        shown = both[: self.of_front]
        if not shown.any():
            return ()
        screened, closer = self.screened[:, both], self.closer[:, both]
        small, real = self.archive.small(screened), self.archive.small(closer)
        found = []
        for i, one in enumerate(wishes):
            error = np.abs(_over(self.screened[i, : self.of_front][shown], self.closer[i, : self.of_front][shown]))
            taken = int(np.lexsort(np.roll(small, -i, axis=0)[::-1])[0])
            lost = abs(float(_over(real[i, [taken]], real[i].min())[0]))
            found.append(Apart(one.text, float(np.median(error)), float(error.max()), lost))
        return tuple(found)


@dataclass(frozen=True)
class Confirmed:
    """What came of one top-k engine of a front on one piece of work, played on its Verilog."""

    engine: str
    lanes: int
    work: str
    designs: tuple[int, ...]
    """Numbers of the designs that have it."""

    played: Mapping[str, Any] | None
    """`provenance.rtl` of a run at level `rtl`; None where the hardware has no such engine, or none of this size."""

    why: str = ""
    """Why it was not played."""


def promote(
    found: Found,
    spec: SweepFile,
    evaluator: Evaluator,
    most: int = MOST,
    *,
    store: Store | None = None,
    progress: Progress | None = None,
) -> Promotion:
    """Return what the best designs of a search come to by `evaluator`, at most `most` of them.

    They are the front, then the front of the rest, and so on. What `store` holds at that level is not priced again.
    """
    small = found.archive.small(found.wanted)
    numbers, of_front = ranked(small, most)
    tried = Tried()
    tried.add([found.tried.designs[i] for i in numbers.tolist()], len(numbers))
    update = {"sampler": Sampler(), "level": evaluator.level}
    pricer = Pricer(spec.model_copy(update=update), evaluator, tried)
    archive = Archive(pricer.space)
    run, executor = Run(pricer, store, archive), InProcess(pricer)
    for low in range(0, len(tried), 1 if progress else evaluator.batch):
        high = min(low + (1 if progress else evaluator.batch), len(tried))
        run.price(executor, low, high)
        if progress:
            progress(high, len(tried))
    closer = archive.wanted(len(tried))
    outcome = archive.outcome_of(closer, numbers)
    best = archive.best_of(outcome) if outcome.rows else ()
    places = {number: place for place, number in enumerate(numbers.tolist())}
    return Promotion(
        level=evaluator.level,
        numbers=numbers,
        of_front=of_front,
        screened=found.wanted[:, numbers],
        closer=closer,
        outcome=run.with_points(outcome, best, places),
        best=best,
        archive=archive,
    )


def ranked(small: F64, most: int) -> tuple[I64, int]:
    """Return the places of the `most` best designs, front by front, and how many of them the first front gave.

    `small` holds objectives that are wanted small, shape (objectives, designs). Of a front that is too long the best in
    each objective are taken, then evenly spaced ones in the order of the first.
    """
    left, chosen = small.copy(), np.zeros(0, np.int64)
    of_front = None
    while len(chosen) < most and len(places := front(left)):
        chosen = np.concatenate([chosen, _spread(places, left, most - len(chosen))])
        of_front = len(chosen) if of_front is None else of_front
        left[:, places] = np.nan
    return chosen, of_front or 0


def _spread(places: I64, small: F64, room: int) -> I64:
    if len(places) <= room:
        return places
    ends = list(dict.fromkeys(small[:, places].argmin(axis=1).tolist()))[:room]
    rest = [i for i in range(len(places)) if i not in ends]
    even = [rest[i] for i in np.linspace(0, len(rest) - 1, room - len(ends)).round().astype(int).tolist()]
    return places[sorted({*ends, *even})]


def _over(values: F64, base: F64 | float) -> F64:
    """Return by what share values are above a base that is not 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(values / base - 1, np.float64)
