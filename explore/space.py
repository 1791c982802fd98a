"""The space of a sweep: its axes, the machines it starts from, and its designs as columns, a range at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import SweepError, nearest
from tokensieve.arch.machine import Arch
from tokensieve.arch.presets import load_arch, priced_fields
from tokensieve.arch.technology import pin_technology
from tokensieve.arch.yamlio import yaml_scalar
from tokensieve.explore.axes import MACHINES, Axis, is_of_work
from tokensieve.explore.cases import Cases
from tokensieve.explore.expression import Formula
from tokensieve.explore.sampler import I64, Draws, draws
from tokensieve.explore.spec import SweepFile

Column = npt.NDArray[Any]

LANES, SUMS = "softmax.lanes", "importance.lanes"
"""Where a machine has as many of both, those of the second follow the first, as where a file does not give them."""


@dataclass(frozen=True)
class Designs:
    """Some designs of a sweep, in columns."""

    low: int
    """Number of the first one."""

    columns: Mapping[str, Column]
    """Values of each axis, parameter and derived field."""

    base: I64
    """Number of the machine that each design starts from."""

    case: I64
    """Number of what is asked of each, in `Cases`."""

    fields: tuple[str, ...]
    """Columns that are fields of the machine."""

    def __len__(self) -> int:
        return len(self.base)

    def part(self, low: int, high: int) -> "Designs":
        """Return the designs from place `low` to before `high`."""
        columns = {name: column[low:high] for name, column in self.columns.items()}
        return Designs(self.low + low, columns, self.base[low:high], self.case[low:high], self.fields)

    def own(self, chosen: I64) -> dict[str, Column]:
        """Return the columns of fields of the machine, of the `chosen` designs."""
        return {name: self.columns[name][chosen] for name in self.fields}


class Space:
    """All designs of a sweep; nothing is held for each of them."""

    def __init__(self, spec: SweepFile, tried: Draws | None = None) -> None:
        """Raise `SweepError`, `ArchError` or `WorkloadError` where no sweep can be made of `spec`.

        `tried` are designs in the place of those of its sampler, their places being those of `dimensions`.
        """
        self.spec = spec
        given = [Axis.of(name, values) for name, values in {**spec.axes, **spec.parameters}.items()]
        self.axes = tuple(_pinned(axis) for axis in given)
        self._dimensions = self._joined()
        sizes = [len(self.axes[d[0]].values) for d in self._dimensions]
        self._draws: Draws = draws(spec.sampler, sizes) if tried is None else tried
        self._derived = [(name, Formula(text, f"derived.{name}")) for name, text in spec.derived.items()]
        self._machine_axes = [axis for axis in self.axes if axis.name in MACHINES]
        self._work_axes = [axis for axis in self.axes if is_of_work(axis.name)]
        self.bases: tuple[Arch, ...] = tuple(self._bases())
        self.cases = Cases(spec, self._work_axes)
        given_fields = tuple(
            name for name in (*spec.axes, *spec.derived) if name not in MACHINES and not is_of_work(name)
        )
        self._follows = LANES in given_fields and not {SUMS} & {*given_fields, *spec.set}
        self.fields = (*given_fields, SUMS) if self._follows else given_fields
        self._resolved = self._resolve_all()
        self._limits = [limit for text in spec.constraints if self._is_of_design(limit := Formula(text, "constraints"))]

    def __len__(self) -> int:
        return len(self._draws)

    @property
    def points(self) -> int:
        """Designs times workloads of the suite."""
        return len(self) * len(self.cases.suite)

    @property
    def shown(self) -> tuple[str, ...]:
        """Names of what tells designs apart, in the order of the file."""
        return (*(axis.name for axis in self.axes), *self.spec.derived)

    @property
    def dimensions(self) -> tuple[tuple[Axis, ...], ...]:
        """Axes of each dimension: one, or those that move together."""
        return tuple(tuple(self.axes[i] for i in one) for one in self._dimensions)

    def draw(self, draws: Draws) -> None:
        """Try `draws` in the place of what the sampler says; their places are those of `dimensions`."""
        self._draws = draws

    def designs(self, low: int, high: int) -> Designs:
        """Return the designs from `low` to before `high`."""
        codes: dict[str, I64] = {}
        columns: dict[str, Column] = {}
        for dimension, place in zip(self._dimensions, self._draws.places(low, high), strict=True):
            for axis in (self.axes[i] for i in dimension):
                if axis.span is not None:
                    columns[axis.name] = axis.span.at(np.asarray(place))
                else:
                    codes[axis.name] = place.astype(np.int64)
                    columns[axis.name] = _column(axis.values)[place]
        count = high - low
        base = _mixed([(codes[axis.name], len(axis.values)) for axis in self._machine_axes], count)
        case = _mixed([(codes[axis.name], len(axis.values)) for axis in self._work_axes], count)
        columns = {axis.name: columns[axis.name] for axis in self.axes}
        for name, formula in self._derived:
            figures = {asked: self.figure(found, columns, base) for asked, found in self._resolved[name].items()}
            columns[name] = _whole(np.broadcast_to(formula.value(figures), count))
        if self._follows:
            alike = np.array([one.importance.lanes == one.softmax.lanes for one in self.bases])[base]
            columns[SUMS] = np.where(alike, columns[LANES], self.figure(SUMS, {}, base))
        return Designs(low, columns, base, case, self.fields)

    def admitted(self, designs: Designs) -> npt.NDArray[np.bool_]:
        """Return which designs satisfy the constraints that speak of the design alone, and so need no pricing."""
        held = np.ones(len(designs), bool)
        for limit in self._limits:
            names = {name: self.resolve(name, list(designs.columns), "", "constraints") for name in limit.names}
            figures = {name: self.figure(full, designs.columns, designs.base) for name, full in names.items()}
            held &= np.broadcast_to(limit.value(figures), len(designs)).astype(bool)
        return held

    def _is_of_design(self, limit: Formula) -> bool:
        """Return whether a constraint names axes, parameters and fields of the machine alone."""
        try:
            for name in limit.names:
                self.resolve(name, self.shown, "", "constraints")
        except SweepError:
            return False
        return True

    def figure(self, name: str, columns: Mapping[str, Column], base: I64) -> Column:
        """Return the column called `name`, or the field of that name of the machines that designs start from."""
        if name in columns:
            return columns[name]
        path = name.split(".")
        return np.array([reduce(getattr, path, machine) for machine in self.bases])[base]

    def _joined(self) -> list[tuple[int, ...]]:
        """Return the axes of each dimension: those that move together are one. Whole machines and works come first."""
        number = {axis.name: i for i, axis in enumerate(self.axes)}
        zipped = [tuple(number[name] for name in group) for group in self.spec.zip]
        for group in zipped:
            lengths = {self.axes[i].name: len(self.axes[i].values) for i in group}
            if len(set(lengths.values())) > 1 or 0 in lengths.values():
                told = ", ".join(f"{count or 'no list'} of {name}" for name, count in lengths.items())
                raise SweepError(f"zip: axes that move together must have equally many values, got {told}")
        first = {group[0]: group for group in zipped}
        later = {i for group in zipped for i in group[1:]}
        joined = [first.get(i, (i,)) for i in range(len(self.axes)) if i not in later]
        for i, axis in enumerate(self.axes):
            if axis.span is not None and (self.spec.sampler.kind == "grid" or _is_whole_thing(axis.name)):
                raise SweepError(
                    f"axes.{axis.name} must be a list, or have step, times or count, "
                    + ("on a grid" if self.spec.sampler.kind == "grid" else "as every value of it is loaded")
                )
            assert axis.span is None or all(i not in group for group in zipped)
        return sorted(joined, key=lambda group: not any(_is_whole_thing(self.axes[i].name) for i in group))

    def _bases(self) -> Iterator[Arch]:
        """Yield the machines that designs start from: each combination of the axes of whole machines, in order."""
        names = [axis.name for axis in self._machine_axes]
        fixed = [f"{name}={yaml_scalar(value)}" for name, value in self.spec.set.items() if name != "dram.extend"]
        memory = self.spec.set.get("dram.extend")
        for values in product(*(axis.values for axis in self._machine_axes)):
            chosen = dict(zip(names, values, strict=True))
            extend = chosen.get("dram.extend", memory)
            sets = ([f"dram.extend={extend}"] if extend is not None else []) + fixed
            yield load_arch(str(chosen.get("arch", self.spec.arch)), sets)

    def _resolve_all(self) -> dict[str, dict[str, str]]:
        """Return what each name in the formula of each derived field means."""
        known = [axis.name for axis in self.axes if not is_of_work(axis.name) and axis.name not in MACHINES]
        resolved = {}
        for name, formula in self._derived:
            resolved[name] = {asked: self.resolve(asked, known, name, f"derived.{name}") for asked in formula.names}
            known.append(name)
        return resolved

    def resolve(self, asked: str, known: Sequence[str], sibling: str, place: str) -> str:
        """Return the column or field that `asked` means; `sibling` is a field in whose group a bare name is looked for.

        Raises `SweepError`, beginning with `place`, for a name that means nothing, several things or itself.
        """
        every = [name for name, _, _ in priced_fields()]
        if asked in known:
            return asked
        group = sibling.rpartition(".")[0]
        beside = f"{group}.{asked}" if group else asked
        found = [asked] if asked in every else [beside] if beside in every else []
        found = found or [name for name in every if name.rpartition(".")[2] == asked]
        if len(found) > 1:
            raise SweepError(f"{place}: {asked} is ambiguous: {', '.join(found)}")
        if not found:
            hint = nearest(asked, [*known, *every])
            raise SweepError(f"{place}: {asked} is neither an axis, a parameter nor a field of the machine{hint}")
        if found[0] in self.spec.derived and found[0] not in known:
            raise SweepError(f"{place}: {asked} is derived itself, and not before this one")
        return found[0]


def _is_whole_thing(name: str) -> bool:
    return name in MACHINES or is_of_work(name)


def _pinned(axis: Axis) -> Axis:
    """Return the axis; technologies are named as a machine holds them."""
    if axis.name != "technology":
        return axis
    return Axis(axis.name, tuple(pin_technology(Path("axes"), str(one), "axes.technology") for one in axis.values))


def _column(values: Sequence[Any]) -> Column:
    """Return values as an array: of one type where they have one, else of objects."""
    kinds = {type(value) for value in values}
    if kinds in ({int}, {float}, {str}, {bool}):
        try:
            return np.array(values)
        except OverflowError:  # a whole number beyond 64 bit, which its field will refuse
            pass
    column = np.empty(len(values), object)
    column[:] = values
    return column


def _mixed(codes: Sequence[tuple[I64, int]], count: int) -> I64:
    """Return one number for a combination of codes, in the order of `itertools.product`."""
    total = np.zeros(count, np.int64)
    for code, size in codes:
        total = total * size + code
    return total


def _whole(column: Column) -> Column:
    """Return a column of whole numbers as such; a field that must be whole refuses the others."""
    if column.dtype.kind != "f":
        return column
    finite = np.isfinite(column) & (np.abs(column) < 2**53)
    whole = finite & (column == np.rint(np.where(finite, column, 0)))
    if whole.all():
        return column.astype(np.int64)
    mixed = column.astype(object)
    mixed[whole] = [int(value) for value in column[whole]]
    return mixed
