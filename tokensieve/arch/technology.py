"""Energy and area constants of a technology, each with its source and how sure we are of it.

Two rules turn them into figures that no table holds, and both are code: widths and capacities between two points follow
a power law (`Curve.at`), and the intervals of a sum add up (`Quantity`).
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tokensieve.arch.base import ArchModel, build
from tokensieve.arch.errors import ArchError, nearest
from tokensieve.arch.yamlio import load_yaml

EXTRAPOLATED = 2.0
"""Factor on the uncertainty of a figure beyond the first or last point of its curve (at most 0.9 results)."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A positive figure and the half width of its interval, in the same unit.

    Intervals of a sum add, as if all errors had one sign: constants of one technology are wrong together. That is
    conservative where sources differ.

    >>> (Quantity(1.0, 0.25) + 2 * Quantity(3.0, 0.5)).interval
    (5.75, 8.25)
    """

    value: float
    half_width: float

    def __add__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.value + other.value, self.half_width + other.half_width)

    def __sub__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.value - other.value, self.half_width + other.half_width)

    def __mul__(self, factor: float) -> "Quantity":
        return Quantity(self.value * factor, self.half_width * factor)

    __rmul__ = __mul__

    @property
    def uncertainty(self) -> float:
        """Half width relative to the value."""
        return self.half_width / self.value if self.value else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lowest and highest figure; nothing is below zero."""
        return max(0.0, self.value - self.half_width), self.value + self.half_width


ZERO = Quantity(0.0, 0.0)
"""Nothing: where a sum starts."""


class Constant(ArchModel):
    """One published figure."""

    value: Annotated[float, Field(gt=0)]
    """The figure as its source prints it."""

    unit: Literal["pJ", "pJ/bit", "pJ/bit/mm", "um2", "um2/bit", "nW/bit", "mA", "V"]
    """Unit of `quantity`, and of `value` where `per` is 1."""

    per: Annotated[int, Field(ge=1)] = 1
    """Bits, bit layers or bit millimetres that the printed figure covers."""

    uncertainty: Annotated[float, Field(ge=0, lt=1)]
    """Half width of the interval relative to the value, our judgement: 0.3 stands for 30 % less to 30 % more."""

    source: Annotated[str, Field(min_length=1)]
    """Where the figure stands."""

    confidence: Literal["confirmed", "restated", "recalled", "paper", "derived"]
    """`confirmed`: read in the source named. `restated`: found alike in at least two independent public texts that cite
    the source. `recalled`: widely quoted, not checked. `paper`: SpAtten's own text. `derived`: computed from others."""

    @property
    def quantity(self) -> Quantity:
        """The figure for one bit, layer or millimetre, with its interval."""
        return Quantity(self.value / self.per, self.value / self.per * self.uncertainty)


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
        """
        assert place > 0
        if known := next((p for p in self.points if p.at == place), None):
            return known.quantity
        a, b = self._neighbours(place)
        low, high = a.quantity.value, b.quantity.value
        value = low * (place / a.at) ** (log(high / low) / log(b.at / a.at))
        uncertainty = max(a.uncertainty, b.uncertainty)
        if not self.points[0].at <= place <= self.points[-1].at:
            uncertainty = min(0.9, EXTRAPOLATED * uncertainty)
        return Quantity(value, value * uncertainty)

    def _neighbours(self, place: float) -> tuple[Point, Point]:
        """Return the points that enclose `place`, or the two nearest to it."""
        pairs = list(pairwise(self.points))
        return next(((a, b) for a, b in pairs if place <= b.at), pairs[-1])


class DramConstants(ArchModel):
    """Constants of the DRAM stack. Currents are those of one 128-bit channel."""

    activate: Constant
    """Activation and precharge of one row of `activate_row_bytes`."""

    activate_row_bytes: Annotated[int, Field(ge=1)]
    """Row that `activate` stands for; other rows scale with their size."""

    before_sense: Constant
    """Movement on the die up to the global sense amplifiers."""

    after_sense: Constant
    """Movement on the die from the global sense amplifiers to the pins, half of the bits toggling."""

    pins: Constant
    """Input and output, half of the bits toggling."""

    supply: Constant
    """Supply voltage of the currents below."""

    standby: Constant
    """Current with rows open and no command (IDD3N): the background of every channel, all the time."""

    refresh: Constant
    """Current while all banks are refreshed (IDD5AB)."""

    @property
    def move_bit(self) -> Quantity:
        """Energy of one bit read or written, in pJ."""
        return self.before_sense.quantity + self.after_sense.quantity + self.pins.quantity


class LogicConstants(ArchModel):
    """Constants of arithmetic and registers."""

    add_energy: Curve
    """Integer addition, by width in bits."""

    add_area: Curve
    """Integer adder, by width in bits."""

    multiply_energy: Curve
    """Integer multiplication, by width in bits."""

    multiply_area: Curve
    """Integer multiplier, by width in bits."""

    fp_add_energy: Curve
    """Floating-point addition, by width in bits."""

    fp_add_area: Curve
    """Floating-point adder, by width in bits."""

    fp_multiply_energy: Curve
    """Floating-point multiplication, by width in bits."""

    fp_multiply_area: Curve
    """Floating-point multiplier, by width in bits."""

    compare_energy: Constant
    """Comparison, per bit."""

    compare_area: Constant
    """Comparator, per bit."""

    select_energy: Constant
    """One bit through one layer of two-way selectors: a shifter's layer, or a level of a crossbar's tree."""

    select_area: Constant
    """One bit of one layer of two-way selectors."""

    register_energy: Constant
    """One bit clocked into a register."""

    register_area: Constant
    """One bit of register."""

    register_leakage: Constant
    """Leakage of one bit of register."""

    wire: Constant
    """One bit over one millimetre of wire, half of the bits toggling."""

    @property
    def leakage_nw_per_um2(self) -> Quantity:
        """Leakage of logic by its area, in nW per um2: that of a register, which is the logic's densest leak."""
        return self.register_leakage.quantity * (1 / self.register_area.quantity.value)


class SramConstants(ArchModel):
    """Constants of on-chip memories."""

    access_energy: Curve
    """One bit read or written, by the capacity of the bank in bytes; words of any width are as good as their bits."""

    area: Constant
    """Macro area per bit, decoders and sense amplifiers included."""

    leakage: Constant
    """Macro leakage per bit."""


class Technology(ArchModel):
    """Energy and area constants of one technology."""

    name: Annotated[str, Field(min_length=1)]
    """Name, as in `arch.technology`."""

    note: Annotated[str, Field(min_length=1)]
    """What the constants stand for, and what was not scaled."""

    dram: DramConstants
    """DRAM stack."""

    logic: LogicConstants
    """Arithmetic, registers and wires."""

    sram: SramConstants
    """On-chip memories."""

    def constants(self) -> list[tuple[str, Constant]]:
        """Return the dotted name of every constant and the constant, in order of the file."""
        return [row for group in ("dram", "logic", "sram") for row in _constants(getattr(self, group), group)]


def _constants(group: ArchModel, prefix: str) -> list[tuple[str, Constant]]:
    rows: list[tuple[str, Constant]] = []
    for name in type(group).model_fields:
        value = getattr(group, name)
        if isinstance(value, Constant):
            rows.append((f"{prefix}.{name}", value))
        elif isinstance(value, Curve):
            rows += [(f"{prefix}.{name}[{p.at}]", p) for p in value.points]
    return rows


def technology_names() -> list[str]:
    """Return the names of the technologies that ship with the package."""
    return sorted(p.name.removesuffix(".yaml") for p in _folder().iterdir() if p.name.endswith(".yaml"))


@lru_cache
def load_technology(name: str = "tsmc40") -> Technology:
    """Return the technology called `name`, or raise `ArchError` with the names there are.

    >>> round(load_technology().logic.multiply_energy.at(12).value, 3)
    0.446
    """
    known = technology_names()
    if name not in known:
        raise ArchError(f"technology must be one of {', '.join(known)}, got {name!r}{nearest(name, known)}")
    path = _folder() / f"{name}.yaml"
    data, lines = load_yaml(path, ArchError)
    return build(Technology, data, ArchError, lines, str(path))


def _folder() -> Path:
    return Path(str(resources.files("tokensieve.arch"))) / "technology"
