"""A batch of design points, read field by field as arrays.

What a machine's fields imply (latencies, laws, capacities, energies) stays in `arch` and in `sim.cost`. `each` asks
them once for all designs that agree on the fields that the answer was read from.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from heapq import heappop, heappush
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.base import build, field_names, shown, submodel
from tokensieve.arch.errors import ArchError, nearest
from tokensieve.arch.machine import Arch
from tokensieve.sim.analytic.reads import noted

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

_TOGETHER = (
    ("key_sram", "value_sram", "qk", "pv", "number"),
    ("softmax", "topk", "number"),
)
"""Groups of `Arch` that one rule ties together; a sweep is checked for every combination of their swept fields."""


class Batch(ABC):
    """Design points, numbered from 0."""

    def __init__(self) -> None:
        self._kinds: dict[str, I64 | None] = {}

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def column(self, path: str) -> npt.NDArray[Any]:
        """Return the field at a dotted path, such as ``topk.lanes``, of every design."""

    @abstractmethod
    def arch(self, index: int) -> Arch:
        """Return one design."""

    @abstractmethod
    def part(self, low: int, high: int) -> "Batch":
        """Return the designs from `low` to before `high`."""

    def split(self, designs: I64, path: str) -> list[I64]:
        """Return `designs` in parts that agree on the field at `path`, in order of its values."""
        kinds = self._kinds_of(path) if len(designs) > 1 else None
        if kinds is None:
            return [designs]
        own = kinds[designs]
        order = np.argsort(own, kind="stable")
        return np.split(designs[order], np.flatnonzero(np.diff(own[order])) + 1)

    def _kinds_of(self, path: str) -> I64 | None:
        """Return a number for each design, equal where the field at `path` is; None where it is equal in all."""
        if path not in self._kinds:
            column = self.column(path)
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

    def part(self, low: int, high: int) -> "Designs":
        """Return the designs from `low` to before `high`."""
        return Designs(self._machines[low:high])


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
        for groups in ({path.partition(".")[0]} for path in self._fields):
            self._check(groups)
        for together in _TOGETHER:
            self._check(set(together))

    @classmethod
    def unchecked(cls, base: Arch, fields: Mapping[str, npt.NDArray[Any]], count: int) -> "Sweep":
        """Return `count` designs whose combinations the caller has found to be machines, with no field or some."""
        some = object.__new__(cls)
        Batch.__init__(some)
        some._base, some._fields, some._count = base, dict(fields), count
        return some

    def _check(self, groups: set[str]) -> None:
        """Build every combination of the swept fields of some groups, in the words of `Arch` where it is refused."""
        paths = [path for path in self._fields if path.partition(".")[0] in groups]
        parts = [np.arange(len(self))]
        for path in paths:
            parts = [part for whole in parts for part in self.split(whole, path)]
        for part in parts:
            build(Arch, self.arch(int(part[0])).model_dump(), ArchError)

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

    def part(self, low: int, high: int) -> "Sweep":
        """Return the designs from `low` to before `high`, which have been checked."""
        fields = {path: values[low:high] for path, values in self._fields.items()}
        return Sweep.unchecked(self._base, fields, min(high, self._count) - low)

    def chosen(self, designs: I64) -> "Sweep":
        """Return some designs, by number."""
        return Sweep.unchecked(self._base, {path: own[designs] for path, own in self._fields.items()}, len(designs))

    def _kinds_of(self, path: str) -> I64 | None:
        """Return what a batch does, without looking at a field that is not swept."""
        return super()._kinds_of(path) if path in self._fields else None


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
    return array


def each(batch: Batch, call: Callable[[Arch], npt.ArrayLike]) -> npt.NDArray[Any]:
    """Return ``call(arch)`` of every design, shape (..., designs), for a `call` that depends on nothing but `arch`.

    It is called for the first design, and the fields that it reads are noted: the answer is that of all designs that
    agree on these. Field by field, in the order in which they are read, the designs that differ are put aside, and
    `call` is called for the first of them. So there is one call for each combination of values that are read.
    """
    answers: list[npt.NDArray[Any]] = []
    which = np.empty(len(batch), np.int64)
    waiting = [(0, np.arange(len(batch)), frozenset[str]())]  # the first of some designs, all, fields they agree on
    while waiting:
        first, designs, agreed = heappop(waiting)
        answer, reads = noted(lambda arch: np.asarray(call(arch)), batch.arch(first))
        further = [path for path in reads if path not in agreed]
        for i, path in enumerate(further, 1):
            parts = batch.split(designs, path)
            designs = next(part for part in parts if part[0] == first)
            for other in (part for part in parts if part[0] != first):
                heappush(waiting, (int(other[0]), other, agreed.union(further[:i])))
        which[designs] = len(answers)
        answers.append(answer)
    return np.stack(answers, axis=-1)[..., which]
