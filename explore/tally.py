"""What a sweep comes to, kept while it runs: counts, its first designs, and the front of objective and price."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.explore.columns import RATIOS
from tokensieve.explore.front import knee_of
from tokensieve.explore.named import ON_FPGA, Named, Names
from tokensieve.explore.price import FAILED, REFUSED, Priced
from tokensieve.explore.space import Designs, Space

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

FIRST = 40
"""Designs of a sweep that are all shown; of a larger one the front is."""

KNEE = 0.01
"""Share of the best that the knee gives away at most."""

SHOWN = ("seconds", "energy_j.total", "area_mm2.total")
"""Figures that a table shows of every design, beside the objectives."""


@dataclass(frozen=True)
class Objective:
    """One figure that is wanted small, or large."""

    text: str
    """Formula of the figure."""

    largest: bool
    """Whether it is wanted as large as can be."""

    @classmethod
    def of(cls, text: str) -> "Objective":
        """Return the objective that a sweep file gives."""
        return cls(text.removeprefix("max "), text.startswith("max "))


@dataclass(frozen=True)
class Row:
    """One design that is shown."""

    number: int
    """Number in the sweep."""

    values: Mapping[str, Any]
    """Of each axis, parameter and derived field."""

    wanted: tuple[float, ...]
    """Of each objective."""

    figures: Mapping[str, float]
    """Of `SHOWN`, and with a reference of `RATIOS`; over several workloads their weighted geometric mean."""

    bottleneck: str
    """Unit that sets the pace, of each workload."""

    fits: bool
    """Whether it is valid: it satisfies the constraints, and all its objectives are numbers."""


@dataclass(frozen=True)
class Outcome:
    """What a sweep came to."""

    designs: int
    """Designs that were tried."""

    valid: int
    """Those that were priced on all workloads, satisfy the constraints, and have a number as every objective."""

    excluded: int
    """Those that were not priced: a constraint that speaks of the design alone keeps them out."""

    broken: int
    """Those that were priced and do not satisfy the constraints."""

    numberless: int
    """Those that satisfy the constraints and have an objective that is no number, a division by 0 for example."""

    held: Mapping[str, int]
    """Of those that were priced, how many satisfy each constraint."""

    refused: Mapping[str, int]
    """Designs refused, by rule."""

    failed: Mapping[str, int]
    """Designs that ended in an error, by message."""

    objectives: tuple[Objective, ...]
    """What was wanted; the second one, or area if there is but one, is the price."""

    rows: tuple[Row, ...]
    """All priced designs of a small sweep in order, else the front."""

    whole: bool
    """Whether `rows` has all priced designs."""

    best: Row | None
    """Design with the best first objective; of equal ones the cheapest, then the first."""

    knee: Row | None
    """Cheapest design whose first objective is within `KNEE` of the best."""

    from_store: int = 0
    """Design points that were taken from a store."""

    without_rtl: int = 0
    """Of those that were priced, how many have a top-k engine that there is no RTL of, and so no figure of `fpga`; not
    counted where no constraint and no objective names one."""

    points: Mapping[int, int] = field(default_factory=dict, compare=False)
    """Numbers in the store of the best designs and of the knee, on the first workload of a suite, by design; nothing
    without a store."""


class Tally:
    """Keeps an `Outcome` up to date. Only its front grows with the sweep."""

    def __init__(self, space: Space) -> None:
        """Raise `SweepError` where a constraint or an objective names no figure."""
        self._space, spec = space, space.spec
        self.objectives = tuple(Objective.of(text) for text in spec.objectives)
        if len(self.objectives) == 1:
            price = "area_mm2.total" if self.objectives[0].text != "area_mm2.total" else "seconds"
            self.objectives = (*self.objectives, Objective(price, False))
        self.named = Named(space)
        self._wanted = [self.named.formula("objectives", one.text) for one in self.objectives]
        self._limits = [self.named.formula("constraints", text) for text in spec.constraints]
        self._asks_fpga = any(name in ON_FPGA for one in (*self._wanted, *self._limits) for name in one.names)
        self._counts: Counter[str] = Counter()
        self._held: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self.shown = SHOWN if spec.un_pruned is None else (*SHOWN, *RATIOS)
        self._first: list[Row] = []
        self._front = _Front()
        self._priced = 0
        self.from_store = 0

    def take(self, designs: Designs, priced: Sequence[Priced], admitted: npt.NDArray[np.bool_]) -> None:
        """Count some designs, with what they cost on each member of the suite; not all were `admitted` to pricing."""
        status = np.stack([one.status for one in priced])
        self._counts["designs"] += len(designs)
        self._counts["excluded"] += int((~admitted).sum())
        self._count_refused(status, priced)
        good, figures = self.named.figures(designs, priced)
        if not len(good):
            return
        wanted = np.stack([self.named.mean_of(formula, figures, len(good)) for formula in self._wanted])
        fits = np.ones(len(good), bool)
        for limit in self._limits:
            held = np.logical_and.reduce([np.broadcast_to(limit.value(own), len(good)) for own in figures])
            self._held[limit.text] += int(held.sum())
            fits &= held
        self._counts["broken"] += int((~fits).sum())
        if self._asks_fpga:
            self._counts["without_rtl"] += int(np.isnan(figures[0]["fpga.lut"]).sum())
        fits &= np.isfinite(wanted).all(axis=0)
        self._counts["valid"] += int(fits.sum())
        self._priced += len(good)
        self.keep(Source(self._space, designs, good, figures, wanted, fits))

    def small(self, wanted: F64) -> F64:
        """Return figures of the objectives, shape (objectives, designs), so that all are wanted small."""
        signs = np.array([-1.0 if one.largest else 1.0 for one in self.objectives])
        return np.asarray(wanted * signs[:, None])

    def keep(self, source: "Source") -> None:
        """Keep what is shown of some priced designs, which are counted."""
        if self._priced <= FIRST:
            self._first += [source.row(i, self) for i in range(len(source.good))]
        some = np.flatnonzero(source.fits)
        numbers = source.designs.low + source.good[some]
        self._front.add(self.small(source.wanted)[:2, some], numbers, [int(i) for i in some], source, self)

    def outcome(self) -> Outcome:
        """Return what was counted."""
        valid, broken = self._counts["valid"], self._counts["broken"]
        whole = self._priced <= FIRST
        front = self._front.rows()
        return Outcome(
            designs=self._counts["designs"],
            valid=valid,
            excluded=self._counts["excluded"],
            broken=broken,
            numberless=self._priced - valid - broken,
            held={limit.text: self._held[limit.text] for limit in self._limits},
            refused=dict(self._refused.most_common()),
            failed=dict(self._failed.most_common()),
            objectives=self.objectives,
            rows=tuple(sorted(self._first, key=lambda row: row.number)) if whole else tuple(front),
            whole=whole,
            best=front[0] if front else None,
            knee=self._front.knee(),
            from_store=self.from_store,
            without_rtl=self._counts["without_rtl"],
        )

    def _count_refused(self, status: npt.NDArray[np.int8], priced: Sequence[Priced]) -> None:
        """Count designs that are refused or failed on some member of the suite, once each."""
        bad = (status == REFUSED) | (status == FAILED)
        for i in np.flatnonzero(bad.any(axis=0)).tolist():
            member = int(np.flatnonzero(bad[:, i])[0])
            message = priced[member].messages.get(i, "")
            if status[member, i] == REFUSED:
                self._refused[message.partition(", got ")[0]] += 1
            else:
                self._failed[message] += 1


@dataclass(frozen=True)
class Source:
    """Some designs that were priced on all workloads, from which rows are made."""

    space: Space
    designs: Designs
    good: I64
    figures: Sequence[Names]
    wanted: F64
    fits: npt.NDArray[np.bool_]

    def row(self, i: int, tally: Tally) -> Row:
        """Return the row of the `i`-th good design."""
        place = int(self.good[i])
        one = [{name: own[name][i : i + 1] for name in (*tally.shown, "bottleneck")} for own in self.figures]
        return Row(
            number=self.designs.low + place,
            values={name: self.designs.columns[name].item(place) for name in self.space.shown},
            wanted=tuple(self.wanted[:, i].tolist()),
            figures={name: float(tally.named.mean([own[name] for own in one], 1)[0]) for name in tally.shown},
            bottleneck=", ".join(dict.fromkeys(str(own["bottleneck"][0]) for own in one)),
            fits=bool(self.fits[i]),
        )


class _Front:
    """Designs that no other one beats in both what is wanted and its price; ties go to the first."""

    def __init__(self) -> None:
        self._points = np.zeros((2, 0))
        self._rows: list[Row] = []

    def add(self, points: F64, numbers: I64, places: Sequence[int], source: Source, tally: Tally) -> None:
        """Take designs in, whose figures are `points`, both wanted small; shape (2, designs)."""
        both = np.concatenate([self._points, points], axis=1)
        every = np.concatenate([[row.number for row in self._rows], numbers]).astype(np.int64)
        order = np.lexsort((every, both[1], both[0]))
        prices = both[1, order]
        before = np.minimum.accumulate(np.concatenate([[np.inf], prices[:-1]])) if len(order) else prices
        kept = order[prices < before]
        old = len(self._rows)
        self._rows = [self._rows[i] if i < old else source.row(places[i - old], tally) for i in kept.tolist()]
        self._points = both[:, kept]

    def rows(self) -> list[Row]:
        """Return the front, best first."""
        return self._rows

    def knee(self) -> Row | None:
        """Return the cheapest design that gives away at most `KNEE` of the best."""
        if not self._rows:
            return None
        return self._rows[knee_of(self._points, KNEE)]
