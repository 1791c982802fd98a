"""A guided search: which designs no other one beats, of a space that is too large to price whole.

A sampler of Optuna asks for the first designs; the rest are steps from the front (`tokensieve.explore.steps`). What was
priced before, in this run or in the store, is not priced again; and as the same seed asks for the same designs, a
search that was stopped goes on where it was.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product

import numpy as np

from tokensieve.arch.errors import SweepError, nearest
from tokensieve.explore.archive import Archive, scaled
from tokensieve.explore.axes import Axis
from tokensieve.explore.evaluate import Evaluator
from tokensieve.explore.price import Pricer
from tokensieve.explore.sampler import F64, I64
from tokensieve.explore.spec import MOST_POINTS, Sampler, SweepFile
from tokensieve.explore.steps import Design, Steps
from tokensieve.explore.store import Store
from tokensieve.explore.study import POPULATION, SAMPLERS, Study
from tokensieve.explore.sweep import Progress, Run
from tokensieve.explore.tally import Outcome, Row
from tokensieve.explore.tasks import InProcess

STEPS = "+steps"
"""What follows the name of a sampler that asks for the first designs alone."""

METHODS = (*(f"{name}{STEPS}" for name in SAMPLERS), *SAMPLERS)

DEFAULT = "nsga2+steps"
"""Chosen by benchmarks/search.py."""

FIRST = 0.25
"""Share of the designs that the sampler asks for before steps are taken."""


@dataclass(frozen=True)
class Options:
    """How a search goes about it."""

    evaluations: int = 400
    """Designs that are tried, each once; refused ones count."""

    seed: int = 0
    """Seed of the sampler."""

    method: str = DEFAULT
    """One of `METHODS`."""

    batch: int = 10
    """Designs that are asked for, and priced, at a time."""

    population: int = POPULATION
    """Designs of a generation of NSGA; designs drawn at random before TPE and GP begin."""

    def __post_init__(self) -> None:
        """Raise `SweepError` for a value out of range."""
        if self.method not in METHODS:
            raise SweepError(
                f"--sampler must be one of {', '.join(METHODS)}, got {self.method!r}{nearest(self.method, METHODS)}"
            )
        for name, value, most in (("evaluations", self.evaluations, MOST_POINTS), ("batch", self.batch, 1 << 16)):
            if not 1 <= value <= most:
                raise SweepError(f"--{name} must be in 1..{most}, got {value}")


class Tried:
    """Designs in the order in which they were tried; the draws of a space."""

    def __init__(self) -> None:
        self.designs: list[Design] = []
        self.places_of: dict[Design, int] = {}

    def __len__(self) -> int:
        return len(self.designs)

    def add(self, designs: Sequence[Design], most: int) -> int:
        """Take in those that are new, up to `most` in all, and return how many these are."""
        before = len(self)
        for one in designs:
            if one not in self.places_of and len(self) < most:
                self.places_of[one] = len(self)
                self.designs.append(one)
        return len(self) - before

    def places(self, low: int, high: int) -> list[I64 | F64]:
        """Return the number of the value on each dimension, of the designs from `low` to before `high`."""
        return list(np.array(self.designs[low:high], np.int64).T)


@dataclass(frozen=True)
class Found:
    """What a search came to."""

    outcome: Outcome
    """Counts, and the front in all objectives as its rows."""

    best: tuple[Row, ...]
    """The best design by each objective; nothing where none is valid."""

    size: int
    """Designs of the space."""

    asked: int
    """Designs that were asked for, those that had been tried before included."""

    tried: Tried
    archive: Archive
    options: Options

    @property
    def wanted(self) -> F64:
        """Objectives of all designs that were tried, NaN where one is not valid; shape (objectives, designs)."""
        return self.archive.wanted(len(self.tried))


def run_search(
    spec: SweepFile,
    evaluator: Evaluator,
    options: Options | None = None,
    *,
    store: Store | None = None,
    progress: Progress | None = None,
) -> Found:
    """Return what a search through the axes of `spec` finds, priced by `evaluator`; its sampler is left aside.

    A space of no more designs than may be tried is tried whole. What `store` holds is not priced again, and what it
    lacks is stored batch by batch. Raises `TokensieveError` where no search can be made of `spec`; designs that are
    refused or fail are counted, stored with the reason, and reported to the sampler as invalid.
    """
    return _Search(spec, evaluator, options or Options(), store, progress).found()


class _Search:
    """One run of a search."""

    def __init__(
        self, spec: SweepFile, evaluator: Evaluator, options: Options, store: Store | None, progress: Progress | None
    ) -> None:
        self._options, self._tried = options, Tried()
        pricer = Pricer(spec.model_copy(update={"sampler": Sampler()}), evaluator, self._tried)
        dimensions = pricer.space.dimensions
        self._sizes = [len(one[0].values) for one in dimensions]
        self._ordered = [is_ordered(one) for one in dimensions]
        self._archive = Archive(pricer.space)
        self._run = Run(pricer, store, self._archive)
        self._executor, self._together = InProcess(pricer), evaluator.batch
        self._most = min(options.evaluations, math.prod(self._sizes))
        self._tell = progress or (lambda done, total: None)

    def found(self) -> Found:
        """Try designs until there are enough."""
        whole = self._most == math.prod(self._sizes)
        asked = self._all() if whole else self._guided()
        outcome = self._archive.outcome_of(self._archive.wanted(len(self._tried)), np.arange(len(self._tried)))
        best = self._archive.best_of(outcome) if outcome.rows else ()
        return Found(
            outcome=self._run.with_points(outcome, best),
            best=best,
            size=math.prod(self._sizes),
            asked=asked,
            tried=self._tried,
            archive=self._archive,
            options=self._options,
        )

    def _all(self) -> int:
        """Try the whole space."""
        every = product(*map(range, self._sizes))
        while some := list(islice(every, self._together)):
            self._price(some)
        return self._most

    def _guided(self) -> int:
        """Try what the sampler and the steps propose, and return how many proposals there were."""
        name, objectives = self._options.method.removesuffix(STEPS), len(self._archive.objectives)
        study = Study(name, self._options.seed, self._sizes, self._ordered, objectives, self._options.population)
        random = np.random.default_rng(self._options.seed)
        new = 1
        while len(self._tried) < self._most:
            count = min(self._options.batch, self._most - len(self._tried))
            first = self._steps(count) if new else self._drawn(random, count)
            designs = study.ask(count, first)
            new = self._price(designs)
            self._answer(study, designs)
        return study.asked

    def _steps(self, count: int) -> list[Design]:
        """Return steps from the front, once it is their turn."""
        own = FIRST * self._options.evaluations
        if not self._options.method.endswith(STEPS) or len(self._tried) < own:
            return []
        points = self._archive.small(self._archive.wanted(len(self._tried)))
        return Steps(self._sizes, self._ordered).next(self._tried.designs, scaled(points), count)

    def _drawn(self, random: np.random.Generator, count: int) -> list[Design]:
        """Return designs drawn at random that were not tried, for a sampler that only repeats itself."""
        drawn: dict[Design, None] = {}
        while not drawn:
            some = random.integers(0, self._sizes, (4 * count, len(self._sizes))).tolist()
            drawn |= {tuple(one): None for one in some if tuple(one) not in self._tried.places_of}
        return list(drawn)[:count]

    def _price(self, designs: Sequence[Design]) -> int:
        """Have those that are new priced, and return how many these are."""
        low = len(self._tried)
        new = self._tried.add(designs, self._most)
        self._run.price(self._executor, low, low + new)
        self._tell(len(self._tried), self._most)
        return new

    def _answer(self, study: Study, designs: Sequence[Design]) -> None:
        """Tell the sampler what came of what it asked for; of a design that is not valid the worst figures so far."""
        points = as_told(self._archive.small(self._archive.wanted(len(self._tried))))
        places = [self._tried.places_of[one] for one in designs]
        study.tell([points[:, i].tolist() for i in places], [self._archive.broken(i) for i in places])


def as_told(points: F64) -> F64:
    """Return objectives as a sampler receives them, shape (objectives, designs): NaN becomes the worst of its row.

    `points` are all wanted small, and NaN where a design is not valid. Where none is valid, all are 1.
    """
    good = np.isfinite(points).all(axis=0)
    worst = points[:, good].max(axis=1) if good.any() else np.ones(len(points))
    return np.where(good, points, worst[:, None])


def is_ordered(dimension: Sequence[Axis]) -> bool:
    """Return whether the values of all axes of a dimension are numbers that rise, or fall, all along."""
    for axis in dimension:
        if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in axis.values):
            return False
        steps = np.diff(np.array(axis.values, np.float64))
        if not ((steps > 0).all() or (steps < 0).all()):
            return False
    return True
