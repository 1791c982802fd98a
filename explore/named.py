"""What names in constraints and objectives stand for: figures of priced designs, and fields of their machines."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import ArchError, SweepError, nearest
from tokensieve.arch.machine import Arch
from tokensieve.explore.columns import BOTTLENECK, FIGURES, FPGA, RATIOS, TOTALS, derived
from tokensieve.explore.evaluate import Column
from tokensieve.explore.expression import Formula
from tokensieve.explore.price import OK, Priced
from tokensieve.explore.space import Designs, Space

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

ON_FPGA = {column.name for column in FPGA}
"""Figures of an FPGA, which a machine has if there is RTL of its top-k engine."""

_NUMERIC = tuple(column.name for column in TOTALS if column.kind != "text")


class Named:
    """Finds figures and fields by name for the designs of a space."""

    def __init__(self, space: Space) -> None:
        self._space = space

    def formula(self, place: str, text: str) -> Formula:
        """Return a formula whose names are figures or fields in full.

        Raises `SweepError`, beginning with `place`, for a name that is neither, with the nearest one, and for a figure
        of the reference where there is none.
        """
        formula = Formula(text, place)
        known = [*_NUMERIC, BOTTLENECK, *FIGURES, *self._space.shown]
        for name in formula.names:
            if name == "reference.kind":
                raise SweepError(f"{place}: reference.kind is text that no formula reads; the key reference sets it")
            if (name in RATIOS or name.startswith("reference.")) and self._space.spec.un_pruned is None:
                raise SweepError(f"{place}: {name} needs an un-pruned run to compare with; give reference: dense")
            if name in ON_FPGA:
                self._require_rtl(place, name)
            if name not in known:
                try:
                    self._space.resolve(name, [], "", place)
                except SweepError:
                    raise SweepError(
                        f"{place}: {name} is neither a figure of the result nor a field of the machine"
                        f"{nearest(name, known)}"
                    ) from None
        return formula

    def _require_rtl(self, place: str, name: str) -> None:
        """Raise `SweepError` where no machine of the space has an engine that there is RTL of, whatever is swept."""
        if any(field.startswith("topk.") for field in self._space.fields):
            return
        problems = [problem for base in self._space.bases if (problem := _without_rtl(base)) is not None]
        if len(problems) == len(self._space.bases):
            raise SweepError(f"{place}: {name} is known of top-k engines that there is RTL of: {problems[0]}")

    def figures(self, designs: Designs, priced: Sequence[Priced]) -> tuple[I64, list["Names"]]:
        """Return the places of the designs that were priced on all members of the suite, and their figures on each."""
        good = np.flatnonzero((np.stack([one.status for one in priced]) == OK).all(axis=0))
        return good, [self._figures(designs, member, one, good) for member, one in enumerate(priced)]

    def mean_of(self, formula: Formula, figures: Sequence["Names"], count: int) -> F64:
        """Return the mean over the suite of a formula of figures on each member, of `count` designs.

        Raises `SweepError` where the formula is text.
        """
        return self.mean([formula.number(own) for own in figures], count)

    def mean(self, columns: Sequence[Column], count: int) -> F64:
        """Return the weighted geometric mean over the suite."""
        if len(columns) == 1:
            return np.broadcast_to(columns[0], count).astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            weights = self._space.cases.weights
            logs = [w * np.log(np.asarray(column, np.float64)) for w, column in zip(weights, columns, strict=True)]
            mean = np.broadcast_to(np.exp(np.sum(logs, axis=0)), count)
        alike = np.logical_and.reduce([np.asarray(column) == columns[0] for column in columns])
        return np.where(alike, columns[0], mean)

    def _figures(self, designs: Designs, member: int, one: Priced, good: I64) -> "Names":
        """Return what names stand for, of the designs that are `good`, on one member of the suite."""
        blank = np.full(len(good), np.nan)
        totals = {name: one.totals[name][good] if name in one.totals else blank for name in _NUMERIC}
        mhz = np.broadcast_to(self._space.figure("clock.mhz", designs.columns, designs.base), len(designs))[good]
        text = {BOTTLENECK: one.totals[BOTTLENECK][good]} if len(good) else {}
        numbers = {name: column.astype(np.float64) for name, column in totals.items()}
        followed = derived(numbers, mhz.astype(np.float64), self._tokens(member, designs.case[good]))
        return Names({**totals, **followed, **text}, self._space, designs, good)

    def _tokens(self, member: int, cases: I64) -> F64:
        """Return the tokens of each piece of work."""
        found = np.zeros(len(cases))
        for code in np.unique(cases).tolist():
            found[cases == code] = self._space.cases.case(member, code).tokens
        return found


def _without_rtl(machine: Arch) -> str | None:
    """Return why there is no RTL of a machine's top-k engine, or None where there is."""
    try:
        machine.topk.require_rtl()
    except ArchError as problem:
        return str(problem)
    return None


class Names(dict[str, Any]):
    """Figures by name, and fields of the machine where there is no figure."""

    def __init__(self, figures: Mapping[str, Any], space: Space, designs: Designs, good: I64) -> None:
        super().__init__(figures)
        self._space, self._designs, self._good = space, designs, good

    def __missing__(self, name: str) -> Any:
        known = list(self._designs.columns)
        found = self._space.resolve(name, known, "", "constraints")
        return self._space.figure(found, self._designs.columns, self._designs.base)[self._good]
