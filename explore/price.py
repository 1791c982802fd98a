"""Prices ranges of designs: finds those that are no machine or that the work does not fit, and asks for the rest."""

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tokensieve.arch.datapath import Topk
from tokensieve.arch.errors import ArchError, TokensieveError, WorkloadError
from tokensieve.arch.machine import Arch
from tokensieve.explore.cases import Case
from tokensieve.explore.evaluate import Column, Evaluator, Figures, on_fpga
from tokensieve.explore.refused import VALID, Refusals, combinations
from tokensieve.explore.sampler import Draws
from tokensieve.explore.space import Designs, Space
from tokensieve.explore.spec import SweepFile
from tokensieve.sim.analytic.batch import Sweep, each
from tokensieve.sim.analytic.reads import Answers
from tokensieve.sim.analytic.rough import reasons
from tokensieve.sim.analytic.summary import Summary
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fit import check_fit

I64 = npt.NDArray[np.int64]

MOST_WORKS = 8
"""Pieces of work that are kept loaded at a time."""


@dataclass(frozen=True)
class Priced:
    """What some designs cost on one member of the suite."""

    status: npt.NDArray[np.int8]
    """`OK`, `REFUSED`, `FAILED` or `SKIPPED`, of each design."""

    messages: Mapping[int, str]
    """Why, of each design refused or failed, by place."""

    totals: Mapping[str, Column]
    """Columns over all designs; anything where a design is not `OK`."""

    full: Mapping[int, bytes]
    """Whole results, by place."""

    seconds: float = 0.0
    """How long it took."""


OK, REFUSED, FAILED, SKIPPED = range(4)
STATUS = ("ok", "refused", "failed")
"""Words of a store for the first three."""


@dataclass
class _Loaded:
    """One piece of work for one kind of machine."""

    decisions: Decisions
    summary: Summary


class Pricer:
    """One sweep and what prices it; made once in each process."""

    def __init__(self, spec: SweepFile, evaluator: Evaluator, tried: Draws | None = None) -> None:
        """Raise `TokensieveError` where no sweep can be made of `spec`; `tried` as in `Space`."""
        self.space, self.evaluator = Space(spec, tried), evaluator
        self._careful = evaluator.level == "analytic" and not spec.allow_rough
        self._reference = spec.un_pruned
        self._refusals = Refusals()
        self._works: dict[tuple[int, int], _Work] = {}

    def price(self, low: int, high: int, wanted: Sequence[npt.NDArray[np.bool_]] | None = None) -> list[Priced]:
        """Return what the designs from `low` to before `high` cost on each member of the suite.

        `wanted` says which are priced, for each member; None means all.
        """
        designs = self.space.designs(low, high)
        refused = self.refused(designs)
        members = range(len(self.space.cases.suite))
        return [self._member(designs, refused, i, None if wanted is None else wanted[i]) for i in members]

    def refused(self, designs: Designs) -> I64:
        """Return the number of the message that refuses each design; `VALID` of a machine."""
        refused = np.full(len(designs), VALID, np.int64)
        for some in combinations([designs.base], len(designs)):
            base = self.space.bases[designs.base[some[0]]]
            refused[some] = self._refusals.of(base, designs.own(some), len(some))
        return refused

    @property
    def messages(self) -> Sequence[str]:
        """What the numbers of `refused` say."""
        return self._refusals.messages

    def _member(self, designs: Designs, refused: I64, member: int, wanted: npt.NDArray[np.bool_] | None) -> Priced:
        """Return what one member of the suite costs."""
        began = time.perf_counter()
        part = _Part(len(designs))
        asked = np.ones(len(designs), bool) if wanted is None else wanted
        for i in np.flatnonzero(asked & (refused != VALID)).tolist():
            part.refuse(i, self._refusals.messages[refused[i]])
        left = np.flatnonzero(asked & (refused == VALID))
        for some in combinations([designs.base[left], designs.case[left]], len(left)):
            chosen = left[some]
            sweep = Sweep.unchecked(self.space.bases[designs.base[chosen[0]]], designs.own(chosen), len(chosen))
            self._priced(sweep, chosen, self._work(member, int(designs.case[chosen[0]])), part)
        return part.priced(time.perf_counter() - began)

    def _work(self, member: int, code: int) -> "_Work":
        """Return a piece of work, loaded before or not."""
        key = (member, code)
        if key not in self._works:
            while len(self._works) >= MOST_WORKS:
                self._works.pop(next(iter(self._works)))
            self._works[key] = _Work(self.space.cases.case(member, code), self._careful)
        return self._works[key]

    def _priced(self, sweep: Sweep, chosen: I64, work: "_Work", part: "_Part") -> None:
        """Price the designs of `sweep`, which are numbered `chosen`, on one piece of work."""
        fits = each(sweep, work.fits)
        for some in combinations([fits], len(fits)):
            number, places = int(fits[some[0]]), chosen[some]
            if number < 0:
                for i in places.tolist():
                    part.refuse(i, work.messages[-1 - number])
                continue
            self._take(work.loaded[number], sweep.chosen(some), places, part)

    def _figures(self, work: _Loaded, sweep: Sweep) -> Figures:
        if self._reference is None:  # an evaluator that knows no references serves sweeps without
            priced = self.evaluator.price(work.decisions, work.summary, sweep)
        else:
            priced = self.evaluator.price(work.decisions, work.summary, sweep, self._reference)
        return replace(priced, totals={**priced.totals, **on_fpga(sweep)})

    def _take(self, work: _Loaded, sweep: Sweep, places: I64, part: "_Part") -> None:
        """Price designs; where the evaluator breaks down, each half of them, down to the culprit."""
        try:
            part.take(places, self._figures(work, sweep))
        except Exception as problem:  # a fault of the model too: it is stored with its design, and the sweep goes on
            if len(sweep) == 1:
                if isinstance(problem, ArchError | WorkloadError):
                    part.refuse(int(places[0]), str(problem))
                else:
                    part.fail(int(places[0]), problem)
                return
            middle = len(sweep) // 2
            for some in (np.arange(middle), np.arange(middle, len(sweep))):
                self._take(work, sweep.chosen(some), places[some], part)


class _Work:
    """One case: decisions for each kind of machine, and which machines they fit; none that is rough if `careful`."""

    def __init__(self, case: Case, careful: bool) -> None:
        self.case, self._careful = case, careful
        self.loaded: list[_Loaded] = []
        self.messages: list[str] = []
        self._numbers: Answers[Topk, int] = Answers()

    def fits(self, arch: Arch) -> int:
        """Return the place in `loaded` of the decisions for `arch`; below 0, -1 less a place in `messages`.

        `arch` may be a stand-in that notes what is read.
        """
        number = self._numbers.of(self._load, arch.topk)
        if number < 0:
            return number
        one = self.loaded[number]
        try:
            check_fit(one.decisions, arch, self.case.name)
            one.summary.check_fit(arch)
        except WorkloadError as problem:
            return self._refused(str(problem))
        rough = next(reasons(arch, one.summary), None) if self._careful else None
        return number if rough is None else self._refused(rough.refusal())

    def _load(self, topk: Topk) -> int:
        try:
            decisions = self.case.decisions(topk)
        except WorkloadError as problem:
            return self._refused(f"{self.case.name}: {problem}")
        self.loaded.append(_Loaded(decisions, Summary(decisions)))
        return len(self.loaded) - 1

    def _refused(self, message: str) -> int:
        if message not in self.messages:
            self.messages.append(message)
        return -1 - self.messages.index(message)


class _Part:
    """`Priced` in the making."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._status = np.full(count, SKIPPED, np.int8)
        self._messages: dict[int, str] = {}
        self._totals: dict[str, Column] = {}
        self._full: dict[int, bytes] = {}

    def refuse(self, i: int, message: str) -> None:
        """Note that a design is refused."""
        self._status[i], self._messages[i] = REFUSED, message

    def fail(self, i: int, problem: Exception) -> None:
        """Note that a design could not be priced, and where it broke."""
        last = traceback.extract_tb(problem.__traceback__)[-1]
        where = "" if isinstance(problem, TokensieveError) else f" ({last.name}, line {last.lineno})"
        self._status[i], self._messages[i] = FAILED, f"{type(problem).__name__}: {problem}{where}"

    def take(self, places: I64, figures: Figures) -> None:
        """Note the figures of the designs at `places`."""
        self._status[places] = OK
        for name, column in figures.totals.items():
            if name not in self._totals:
                self._totals[name] = _blank(np.asarray(column), self._count)
            self._totals[name][places] = column
        for i, message in figures.failed.items():
            self._status[places[i]], self._messages[int(places[i])] = FAILED, message
        for i, content in enumerate(figures.full or ()):
            self._full[int(places[i])] = content

    def priced(self, seconds: float) -> Priced:
        """Return what was noted, in so many `seconds`."""
        return Priced(self._status, self._messages, self._totals, self._full, seconds)


def _blank(like: Column, count: int) -> Column:
    """Return a column that holds values such as those of `like`."""
    return np.full(count, "", object) if like.dtype.kind in "UO" else np.zeros(count, like.dtype)
