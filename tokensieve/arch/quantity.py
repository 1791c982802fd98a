"""Figures with intervals, and published constants with their sources: what a technology is made of."""

from dataclasses import dataclass
from itertools import pairwise
from math import hypot, log
from typing import Annotated, Literal, Self, TypeVar, cast

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field, model_validator

from tokensieve.arch.base import ArchModel

EXTRAPOLATED = 2.0
"""Factor on the uncertainty of a figure beyond the first or last point of its curve (at most `WIDEST` results)."""

WIDEST = 0.9
"""Largest uncertainty that extrapolation alone leads to."""

N = TypeVar("N", int, float)
R = TypeVar("R", float, npt.NDArray[np.float64])


@dataclass(frozen=True, slots=True)
class Quantity:
    """A positive figure and the half width of its interval, in the same unit.

    Intervals of a sum add, as if all errors had one sign: constants of one technology are wrong together. That is
    conservative where sources differ. Both may be arrays of one shape.

    >>> (Quantity(1.0, 0.25) + 2 * Quantity(3.0, 0.5)).interval
    (5.75, 8.25)
    """

    value: float
    half_width: float

    __array_ufunc__ = None  # an array times a quantity is the quantity's to answer

    def __add__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.value + other.value, self.half_width + other.half_width)

    def __sub__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.value - other.value, self.half_width + other.half_width)

    def __mul__(self, factor: float) -> "Quantity":
        return Quantity(self.value * factor, self.half_width * factor)

    __rmul__ = __mul__

    def __truediv__(self, share: "Quantity") -> "Quantity":
        value = self.value / share.value
        return Quantity(value, value * (self.uncertainty + share.uncertainty))

    @property
    def uncertainty(self) -> float:
        """Half width relative to the value."""
        return self.half_width / self.value if np.any(self.value) else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lowest and highest figure; nothing is below zero."""
        return max(0.0, self.value - self.half_width), self.value + self.half_width


def lesser(a: Quantity, b: Quantity) -> Quantity:
    """Return the smaller of two figures, the first of which may hold arrays; if they are equal, `b`."""
    if not isinstance(a.value, np.ndarray):
        return a if a.value < b.value else b
    first = a.value < b.value
    return Quantity(np.where(first, a.value, b.value), np.where(first, a.half_width, b.half_width))


def greater(a: Quantity, b: Quantity) -> Quantity:
    """Return the larger of two figures, the first of which may hold arrays; if they are equal, `b`."""
    if not isinstance(a.value, np.ndarray):
        return a if a.value > b.value else b
    first = a.value > b.value
    return Quantity(np.where(first, a.value, b.value), np.where(first, a.half_width, b.half_width))


def at_least(least: N, figure: N) -> N:
    """Return the larger of two numbers, of which the second may be an array."""
    larger: N = np.maximum(least, figure) if isinstance(figure, np.ndarray) else max(least, figure)
    return larger


def at_most(most: N, figure: N) -> N:
    """Return the smaller of two numbers, of which the second may be an array."""
    smaller: N = np.minimum(most, figure) if isinstance(figure, np.ndarray) else min(most, figure)
    return smaller


ZERO = Quantity(0.0, 0.0)
"""Nothing: where a sum starts."""


class Constant(ArchModel):
    """One published figure."""

    value: Annotated[float, Field(gt=0)]
    """The figure as its source prints it."""

    unit: Literal["pJ", "pJ/bit", "pJ/bit/mm", "um", "um2", "um2/bit", "nW/bit", "mA", "V", "1"]
    """Unit of `quantity`, and of `value` where `per` is 1."""

    per: Annotated[int, Field(ge=1)] = 1
    """Bits, bit layers or bit millimetres that the printed figure covers."""

    uncertainty: Annotated[float, Field(ge=0, lt=2)]
    """Half width of the interval relative to the value, our judgement: 0.3 stands for 30 % less to 30 % more. From 1 on
    the interval begins at zero."""

    source: Annotated[str, Field(min_length=1)]
    """Where the figure stands."""

    confidence: Literal["confirmed", "restated", "recalled", "paper", "derived"]
    """`confirmed`: read in the source named. `restated`: found alike in at least two independent public texts that cite
    the source. `recalled`: widely quoted, not checked. `paper`: SpAtten's own text. `derived`: computed from others."""

    @property
    def quantity(self) -> Quantity:
        """The figure for one bit, layer or millimetre, with its interval."""
        return Quantity(self.value / self.per, self.value / self.per * self.uncertainty)

    def scaled(self, factor: "Constant") -> Self:
        """Return the constant times `factor`. The errors of both are independent, and so add as the root of squares."""
        return self.model_copy(
            update={
                "value": self.value * factor.quantity.value,
                "uncertainty": hypot(self.uncertainty, factor.uncertainty),
                "confidence": "derived",
                "source": f"{self.source}, times {factor.quantity.value:g}",
            }
        )


class Point(Constant):
    """One published figure of a curve."""

    at: Annotated[int, Field(ge=1)]
    """Where on the curve: a width in bits, or a capacity in bytes."""


class Curve(ArchModel):
    """A figure that depends on a width or a capacity, known at two or more points."""

    points: Annotated[tuple[Point, ...], Field(min_length=2, strict=False)]
    """Known points, ascending, all in one unit."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if any(a.at >= b.at for a, b in pairwise(self.points)):
            raise ValueError(f".points must be in ascending order of at, got {[p.at for p in self.points]}")
        if len({p.unit for p in self.points}) > 1:
            raise ValueError(f".points must share one unit, got {sorted({p.unit for p in self.points})}")
        return self

    def at(self, place: float) -> Quantity:
        """Return the figure at `place`: a straight line between the neighbouring points on logarithmic axes.

        Array multipliers grow with about the square of their width, and so does the line from 8 to 32 bit. The
        uncertainty between two points is the larger one of theirs, times `EXTRAPOLATED` outside of all points.
        `place` may be an array.
        """
        if isinstance(place, np.ndarray):
            return self._at_each(place)
        assert place > 0
        if known := next((p for p in self.points if p.at == place), None):
            return known.quantity
        value = _line(*self._neighbours(place), place)
        return Quantity(value, value * self._uncertainty(place))

    def _at_each(self, places: npt.NDArray[np.float64]) -> Quantity:
        """Return the figures at many places: those of a pair of neighbours that have the same uncertainty together."""
        value, half_width = np.empty(len(places)), np.empty(len(places))
        beyond = np.searchsorted([p.at for p in self.points], places)
        for number in np.unique(beyond):
            own = np.flatnonzero(beyond == number)
            place = float(places[own[0]])
            value[own] = _line(*self._neighbours(place), places[own])
            half_width[own] = value[own] * self._uncertainty(place)
        for point in self.points:
            known = places == point.at
            value[known], half_width[known] = point.quantity.value, point.quantity.half_width
        return Quantity(cast(float, value), cast(float, half_width))

    def _uncertainty(self, place: float) -> float:
        uncertainty = max(point.uncertainty for point in self._neighbours(place))
        if not self.points[0].at <= place <= self.points[-1].at:
            uncertainty = max(uncertainty, min(WIDEST, EXTRAPOLATED * uncertainty))
        return uncertainty

    def scaled(self, factor: Constant) -> Self:
        """Return the curve with every point times `factor`."""
        return self.model_copy(update={"points": tuple(point.scaled(factor) for point in self.points)})

    def _neighbours(self, place: float) -> tuple[Point, Point]:
        """Return the points that enclose `place`, or the two nearest to it."""
        pairs = list(pairwise(self.points))
        return next(((a, b) for a, b in pairs if place <= b.at), pairs[-1])


def _line(a: Point, b: Point, place: R) -> R:
    """Return the figure at `place`, which may be an array, on the line through two points on logarithmic axes."""
    low, high = a.quantity.value, b.quantity.value
    figure: R = low * (place / a.at) ** (log(high / low) / log(b.at / a.at))
    return figure


C = TypeVar("C", Constant, Curve)


def unit(name: str) -> AfterValidator:
    """Return a validator of a constant or curve that has to be in the unit called `name`.

    Figures are scaled by their unit and summed with others in it, so each field has just one.
    """

    def checked(one: C) -> C:
        place, found = (".points.0", one.points[0]) if isinstance(one, Curve) else ("", one)
        if found.unit != name:
            raise ValueError(f"{place}.unit must be {name}, got {found.unit!r}")
        return one

    return AfterValidator(checked)
