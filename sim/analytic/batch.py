"""A batch of design points, read field by field as arrays.

What a machine's fields imply (latencies, laws, capacities, energies) stays in `arch` and in `sim.energy`. `Batch.each`
asks them once for every combination of the fields that matter, and hands the answers out to all designs.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tokensieve.arch.base import build, field_names, shown, submodel
from tokensieve.arch.errors import ArchError, nearest
from tokensieve.arch.machine import Arch

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

_TOGETHER = (
    ("key_sram", "value_sram", "qk", "pv", "number"),
    ("softmax", "topk", "number"),
)
"""Groups of `Arch` that one rule ties together; a sweep is checked for every combination of their swept fields."""


class Batch(Protocol):
    """Design points, numbered from 0."""

    def __len__(self) -> int: ...

    def column(self, path: str) -> npt.NDArray[Any]:
        """Return the field at a dotted path, such as ``topk.lanes``, of every design."""

    def arch(self, index: int) -> Arch:
        """Return one design."""

    def part(self, low: int, high: int) -> "Batch":
        """Return the designs from `low` to before `high`."""


class Designs:
    """A batch made of machines."""

    def __init__(self, machines: Sequence[Arch]) -> None:
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


class Sweep:
    """A batch made of one machine and arrays of field values, without an object for each design.

    >>> len(Sweep(Arch(), {"topk.lanes": [1, 2, 4], "dram.channels": [8, 16, 32]}))
    3
    """

    def __init__(self, base: Arch, fields: Mapping[str, npt.ArrayLike]) -> None:
        """Raise `ArchError` where a field is unknown, the arrays are of no use or a combination is no valid machine."""
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

    def _check(self, groups: set[str]) -> None:
        """Build every combination of the swept fields of some groups, in the words of `Arch` where it is refused."""
        paths = [path for path in self._fields if path.partition(".")[0] in groups]
        for index in combinations(self, paths)[0].tolist():
            build(Arch, self.arch(index).model_dump(), ArchError)

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
            (changed.setdefault(group, {}) if group else own)[field] = values[index].item()
        parts = {group: getattr(self._base, group).model_copy(update=some) for group, some in changed.items()}
        return self._base.model_copy(update=own | parts)

    def part(self, low: int, high: int) -> "Sweep":
        """Return the designs from `low` to before `high`, which have been checked."""
        some = object.__new__(Sweep)
        some._base, some._count = self._base, min(high, self._count) - low
        some._fields = {path: values[low:high] for path, values in self._fields.items()}
        return some


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


def each(batch: Batch, paths: Sequence[str], call: Callable[[Arch], npt.ArrayLike]) -> npt.NDArray[Any]:
    """Return ``call(arch)`` of every design, shape (..., designs), for a `call` that reads no field but `paths`.

    It is called once for each combination of their values.
    """
    first, which = combinations(batch, paths)
    return np.stack([np.asarray(call(batch.arch(int(index)))) for index in first], axis=-1)[..., which]


def combinations(batch: Batch, paths: Sequence[str]) -> tuple[I64, I64]:
    """Return the first design of each combination of the values at `paths`, and the combination of each design."""
    code = np.zeros(len(batch), np.int64)
    for path in paths:
        values, inverse = np.unique(batch.column(path), return_inverse=True)
        _, code = np.unique(code * len(values) + inverse, return_inverse=True)
    _, first = np.unique(code, return_index=True)
    return first, code
