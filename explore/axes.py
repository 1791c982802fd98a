"""Axes of a sweep: which names may be swept, and the values that an axis takes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import numpy as np
from pydantic import Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from tokensieve.arch.base import ArchModel, build
from tokensieve.arch.errors import SweepError, nearest
from tokensieve.arch.machine import ALONE
from tokensieve.arch.presets import all_fields, priced_fields
from tokensieve.workloads.schedule import Schedule
from tokensieve.workloads.workload import Workload

MACHINES = ("arch", "dram.extend")
"""Axes that name a whole machine or its whole memory: the fields of other axes are laid on top."""

WORKS = ("workload", "trace")
"""Axes that name what is asked of the machine."""

OF_WORK, OF_POLICY = "workload.", "policy."
"""What begins a field of the workload, and of its pruning schedule."""

MOST_VALUES = 100_000
"""Values that one axis may have."""

MOST_WHOLE = 1 << 53
"""Largest bound of a span of whole numbers: up to here those of double precision are exact."""


_READABLE = 1e15
"""Count below which all digits are written."""


def is_double(value: float) -> bool:
    """Return whether a number is a finite one in double precision."""
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


class Span(ArchModel):
    """Values from `low` to `high`; of `step`, `times` and `count` at most one is given.

    With none of them every number in between may be drawn, which needs a sampler other than the grid.
    """

    low: int | float
    """First value. If both ends are whole numbers, so are all values."""

    high: int | float
    """Largest value; the last one of a row of steps may be below it."""

    step: Annotated[int | float | None, Field(gt=0)] = None
    """Difference between two values."""

    times: Annotated[int | float | None, Field(gt=1)] = None
    """Ratio of two values, 2 for example."""

    count: Annotated[int | None, Field(ge=2, le=MOST_VALUES)] = None
    """Number of values, evenly spaced."""

    log: bool = False
    """Whether `count` values, or those drawn, are evenly spaced on a logarithmic axis."""

    @model_validator(mode="after")
    def _consistent(self) -> "Span":
        self._check_bounds()
        if self.high < self.low:
            raise ValueError(f"high must be at least low = {self.low:g}, got {self.high:g}")
        if sum(one is not None for one in (self.step, self.times, self.count)) > 1:
            raise ValueError("step, times and count exclude each other")
        if (self.log or self.times is not None) and self.low <= 0:
            raise ValueError(f"low must be above 0 on a logarithmic axis, got {self.low:g}")
        if (self.log or self.times is not None) and not is_double(float(self.high) / float(self.low)):
            raise ValueError(f"high must be below 1.8e308 times low = {self.low:g}, got {self.high:g}")
        if self._steps > MOST_VALUES:
            name = "times" if self.step is None else "step"
            count = f"{self._steps:,.0f}" if self._steps < _READABLE else f"{self._steps:.3g}"
            raise ValueError(
                f"{name} must give at most {MOST_VALUES:,} values from low = {self.low:g} to high = {self.high:g}, "
                f"got {count}"
            )
        return self

    def _check_bounds(self) -> None:
        """Raise `ValueError` for numbers that double precision does not hold, or not exactly."""
        for name in ("low", "high", "step", "times"):
            value = getattr(self, name)
            if value is not None and not is_double(value):
                raise ValueError(f"{name} must be below 1.8e308, got a number of {len(str(abs(value)))} digits")
            if self.whole and value is not None and abs(value) > MOST_WHOLE:
                raise ValueError(f"{name} must be within 2^53 where all values are whole, got {value:g}")
        if not is_double(float(self.high) - float(self.low)):
            raise ValueError(f"high must be less than 1.8e308 above low = {self.low:g}, got {self.high:g}")

    @property
    def whole(self) -> bool:
        """Whether all values are whole numbers."""
        parts = (self.low, self.high, *(one for one in (self.step, self.times) if one is not None))
        return all(isinstance(one, int) for one in parts)

    @property
    def _steps(self) -> float:
        if self.step is not None:
            return (self.high - self.low) / self.step + 1
        if self.times is not None:
            return float(np.log(self.high / self.low) / np.log(self.times)) + 1
        return 0

    def values(self) -> tuple[int | float, ...] | None:
        """Return the values, or None where every number in between may be drawn.

        >>> Span(low=8, high=64, times=2).values(), Span(low=0, high=1, count=3).values()
        ((8, 16, 32, 64), (0, 1))
        """
        if self.count is not None:
            space = np.geomspace if self.log else np.linspace
            return self._cast(space(self.low, self.high, self.count))
        if self.step is not None:
            return self._cast(self.low + self.step * np.arange(int(self._steps + 1e-9)))
        if self.times is not None:
            return self._cast(self.low * float(self.times) ** np.arange(int(self._steps + 1e-9)))
        return None

    def at(self, share: np.ndarray) -> np.ndarray:
        """Return the values a `share` in [0, 1) of the way from `low` to `high`; whole numbers are as likely each."""
        low, high = float(self.low), float(self.high) + self.whole
        drawn = low * (high / low) ** share if self.log else low + (high - low) * share
        return np.minimum(np.floor(drawn), self.high).astype(np.int64) if self.whole else drawn

    def _cast(self, values: np.ndarray) -> tuple[int | float, ...]:
        kind = int if self.whole else float
        return tuple(dict.fromkeys(kind(value) for value in (np.rint(values) if self.whole else values).tolist()))


def _axis(value: object) -> "tuple[Any, ...] | Span":
    if isinstance(value, Mapping):
        try:
            return build(Span, value, SweepError)
        except SweepError as problem:
            raise ValueError(f".{problem}") from None
    if isinstance(value, Span):
        return value
    if isinstance(value, list | tuple) and value and all(_is_value(one) for one in value):
        if len(value) > MOST_VALUES:
            raise PydanticCustomError("axis", "an axis has at most 100,000 values")
        kinds = [tuple(one) if isinstance(one, list) else one for one in value]
        if len(set(kinds)) < len(value):  # 8 and 8.0, and 1 and true, are the same
            raise PydanticCustomError("axis", "a value is given twice")
        return tuple(value)
    raise PydanticCustomError(
        "axis", "a list of values (finite numbers, text, true or false), or low and high, is expected"
    )


def _is_value(one: object) -> bool:
    return _is_scalar(one) or (isinstance(one, list) and bool(one) and all(_is_scalar(x) for x in one))


def _is_scalar(one: object) -> bool:
    return isinstance(one, str | bool) or (isinstance(one, int | float) and is_double(one))


def _list_schema() -> dict[str, Any]:
    value = {"type": ["boolean", "integer", "number", "string", "array"]}
    return {"anyOf": [{"type": "array", "items": value, "minItems": 1}, Span.model_json_schema()]}


Values = Annotated[Any, PlainValidator(_axis), WithJsonSchema(_list_schema())]


@cache
def swept_names() -> tuple[str, ...]:
    """Return every name that an axis may have."""
    machine = [name for name, _, _ in priced_fields() if name != "name"]
    work = [name for name, _, _ in all_fields(Workload, OF_WORK) if name != f"{OF_WORK}name"]
    policy = [name for name, _, _ in all_fields(Schedule, OF_POLICY)]
    return (*MACHINES, *machine, *WORKS, *work, *policy)


def known_axis(name: str) -> str:
    """Return `name`, or raise `ValueError` where it is nothing that can be swept."""
    if name.partition(".")[0] in ALONE:
        raise ValueError(f"{name} cannot be swept: only hardware reads it, and no level prices it")
    if name not in swept_names():
        last = name.rpartition(".")[2]
        same = [one for one in swept_names() if one.rpartition(".")[2] == last]
        hint = f"; did you mean {' or '.join(repr(one) for one in same)}?" if same else nearest(name, swept_names())
        raise ValueError(f"{name} is not a known field of machine, workload or policy{hint}")
    return name


def is_of_work(name: str) -> bool:
    """Return whether an axis changes what is asked of the machine, and not the machine."""
    return name in WORKS or name.startswith((OF_WORK, OF_POLICY))


@dataclass(frozen=True)
class Axis:
    """One axis."""

    name: str
    values: tuple[Any, ...]
    """Values in order; none where all numbers of `span` may be drawn."""

    span: Span | None = None

    @classmethod
    def of(cls, name: str, given: "tuple[Any, ...] | Span") -> "Axis":
        """Return the axis that a sweep file gives."""
        if not isinstance(given, Span):
            return cls(name, given)
        values = given.values()
        return cls(name, values) if values is not None else cls(name, (), given)
