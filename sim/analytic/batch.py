"""A batch of design points, read field by field as arrays.

What a machine's fields imply (latencies, laws, capacities, energies, areas) stays in `arch` and in `sim.cost`. `each`
asks them once for all designs that agree on the fields that the answer was read from.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from tokensieve.arch.base import build, field_names, shown, submodel
from tokensieve.arch.errors import ArchError, nearest
from tokensieve.arch.machine import RULES, RUN_RULES, Arch
from tokensieve.sim.analytic.asked import Asked, Call, ask, identity
from tokensieve.sim.analytic.reads import DERIVED

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

CLOCKS = ("clock.mhz",)
"""Fields of which `DERIVED` properties take arrays."""


class Batch(ABC):
    """Design points, numbered from 0. They do not change, so what was asked of them once is known."""

    def __init__(self) -> None:
        self._kinds: dict[str, I64 | None] = {}
        self._known: dict[object, Asked] = {}

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def column(self, path: str) -> npt.NDArray[Any]:
        """Return the field at a dotted path, such as ``topk.lanes``, of every design."""

    @abstractmethod
    def arch(self, index: int) -> Arch:
        """Return one design."""

    @abstractmethod
    def laid_on(self, index: int) -> tuple[Arch, dict[str, Any]]:
        """Return a machine, and the fields by dotted path whose values of one design differ from it."""

    def part(self, low: int, high: int) -> "Batch":
        """Return the designs from `low` to before `high`."""
        return _Part(self, low, min(high, len(self)))

    def asked(self, call: Call, arrays: tuple[str, ...]) -> Asked:
        """Return the answers to `call`, as `each`."""
        name = identity(call), arrays
        if name not in self._known:
            self._known[name] = ask(self, call, arrays)
        return self._known[name]

    def split(self, designs: I64, path: str) -> list[I64]:
        """Return `designs` in parts that agree on the field at `path`, in order of its values."""
        kinds = self.kinds(path) if len(designs) > 1 else None
        if kinds is None:
            return [designs]
        own = kinds[designs]
        order = np.argsort(own, kind="stable")
        return np.split(designs[order], np.flatnonzero(np.diff(own[order])) + 1)

    def kinds(self, path: str) -> I64 | None:
        """Return a number for each design, equal where the field at `path` is; None where it is equal in all."""
        if path not in self._kinds:
            column = each(self, DERIVED[path], CLOCKS) if path in DERIVED else self.column(path)
            values, kinds = np.unique(column.astype(str) if column.dtype == object else column, return_inverse=True)
            self._kinds[path] = kinds if len(values) > 1 else None
        return self._kinds[path]


class Designs(Batch):
    """A batch made of machines."""

    def __init__(self, machines: Sequence[Arch]) -> None:
        super().__init__()
        self._machines = machines

    def __len__(self) -> int:
        return len(self._machines)

    def column(self, path: str) -> npt.NDArray[Any]:
        """Return the field at `path` of every design."""
        names = path.split(".")
        return np.array([reduce(getattr, names, machine) for machine in self._machines])

    def arch(self, index: int) -> Arch:
        """Return one design."""
        return self._machines[index]

    def laid_on(self, index: int) -> tuple[Arch, dict[str, Any]]:
        """Return one design, from which no field differs."""
        return self._machines[index], {}


class _Part(Batch):
    """Some designs in a row of a batch, of which everything is asked."""

    def __init__(self, whole: Batch, low: int, high: int) -> None:
        super().__init__()
        self._whole, self._low, self._high = whole, low, high

    def __len__(self) -> int:
        return self._high - self._low

    def column(self, path: str) -> npt.NDArray[Any]:
        """Return the field at `path` of every design."""
        return self._whole.column(path)[self._low : self._high]

    def arch(self, index: int) -> Arch:
        """Return one design."""
        return self._whole.arch(self._low + index)

    def laid_on(self, index: int) -> tuple[Arch, dict[str, Any]]:
        """Return what the whole batch does."""
        return self._whole.laid_on(self._low + index)

    def asked(self, call: Call, arrays: tuple[str, ...]) -> Asked:
        """Return the answers to `call`, which are asked for the whole batch at once."""
        found = self._whole.asked(call, arrays)
        return Asked(found.answers, found.which[self._low : self._high])


class Sweep(Batch):
    """A batch made of one machine and arrays of field values, without an object for each design.

    >>> len(Sweep(Arch(), {"topk.lanes": [1, 2, 4], "dram.channels": [8, 16, 32]}))
    3
    """

    def __init__(self, base: Arch, fields: Mapping[str, npt.ArrayLike]) -> None:
        """Raise `ArchError` where a field is unknown, the arrays are of no use or a combination is no valid machine."""
        super().__init__()
        self._base, self._fields = base, {path: _values(path, values) for path, values in fields.items()}
        lengths = {path: len(values) for path, values in self._fields.items()}
        if len(set(lengths.values())) != 1:
            told = ", ".join(f"{count} of {path}" for path, count in lengths.items()) or "no field"
            raise ArchError(f"a sweep's fields must have equally many values, got {told}")
        self._count = next(iter(lengths.values()))
        for group in dict.fromkeys(path.rpartition(".")[0] for path in self._fields):
            self._check_group(group)
        for rule in (*RULES, *RUN_RULES):
            wrong = np.flatnonzero(~each(self, rule.holds, tuple(self._fields)))
            if len(wrong):
                self._refuse(int(wrong[0]))

    @classmethod
    def unchecked(cls, base: Arch, fields: Mapping[str, npt.NDArray[Any]], count: int) -> "Sweep":
        """Return `count` designs whose combinations the caller has found to be machines, with no field or some."""
        some = object.__new__(cls)
        Batch.__init__(some)
        some._base, some._fields, some._count = base, dict(fields), count
        return some

    @property
    def fields(self) -> tuple[str, ...]:
        """Dotted paths of the fields that have arrays."""
        return tuple(self._fields)

    def chosen(self, designs: I64) -> "Sweep":
        """Return some designs, by number."""
        return Sweep.unchecked(self._base, {path: own[designs] for path, own in self._fields.items()}, len(designs))

    def _check_group(self, group: str) -> None:
        """Build every combination of the swept fields of one group, in the words of `Arch` where it is refused."""
        swept = {path: values for path, values in self._fields.items() if path.rpartition(".")[0] == group}
        parts = [np.arange(len(self))]
        for path in swept:
            parts = [part for whole in parts for part in self.split(whole, path)]
        model = submodel(Arch, [group])
        base = dict(getattr(self._base, group)) if model else {}
        for part in parts:
            index = int(part[0])
            if not model:
                self._refuse(index)
                continue
            own = {path.rpartition(".")[2]: values.item(index) for path, values in swept.items()}
            try:
                model.model_validate(base | own)
            except ValidationError:
                self._refuse(index)
                raise

    def _refuse(self, index: int) -> None:
        """Raise `ArchError` if a design is no valid machine, or none that runs."""
        build(Arch, self.arch(index).model_dump(), ArchError).require_run()

    def __len__(self) -> int:
        return self._count

    def column(self, path: str) -> npt.NDArray[Any]:
        """Return the field at `path` of every design."""
        if path in self._fields:
            return self._fields[path]
        return np.broadcast_to(np.asarray(reduce(getattr, path.split("."), self._base)), self._count)

    def arch(self, index: int) -> Arch:
        """Return one design."""
        own: dict[str, Any] = {}
        changed: dict[str, dict[str, Any]] = {}
        for path, values in self._fields.items():
            group, _, field = path.rpartition(".")
            (changed.setdefault(group, {}) if group else own)[field] = values.item(index)
        parts = {group: getattr(self._base, group).model_copy(update=some) for group, some in changed.items()}
        return self._base.model_copy(update=own | parts)

    def laid_on(self, index: int) -> tuple[Arch, dict[str, Any]]:
        """Return the machine of the sweep, and the swept fields of one design."""
        return self._base, {path: values.item(index) for path, values in self._fields.items()}

    def kinds(self, path: str) -> I64 | None:
        """Return what a batch does, without looking at a field that is not swept."""
        return super().kinds(path) if path in self._fields or path in DERIVED else None


def _values(path: str, values: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return the values of a swept field, or raise `ArchError` where there is no such field or no list of values."""
    *groups, field = path.split(".")
    for depth, name in enumerate([*groups, field]):
        known = field_names(Arch, groups[:depth])
        if name not in known:
            raise ArchError(f"{path} is not a known field{nearest(name, known)}")
    if submodel(Arch, [*groups, field]):
        raise ArchError(f"{path} must be a single field in a sweep, got a group of {len(field_names(Arch, [path]))}")
    array = np.asarray(values)
    if array.ndim != 1 or not len(array):
        raise ArchError(f"{path} must have a list of at least 1 value in a sweep, got {shown(values)}")
    return array.astype(np.int64) if array.dtype.kind in "iu" else array


def each(batch: Batch, call: Call, arrays: tuple[str, ...] = ()) -> npt.NDArray[Any]:
    """Return ``call(arch)`` of every design, shape (..., designs), for a `call` that depends on nothing but `arch`.

    It is asked for once for all designs that agree on the fields that it reads (`asked.ask`). Of the fields at
    `arrays`, `call` has to take arrays of values too, and to return arrays then, element by element; designs that
    differ in these alone are asked for together.
    """
    found = batch.asked(call, arrays)
    return np.take(found.answers, found.which, axis=-1)
