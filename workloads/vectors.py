"""Test vectors of one unit: what goes in, what must come out and the work that it takes, in one `.npz` file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.workloads.container import Arrays, read_arrays, write_arrays
from tokensieve.workloads.meta import decode_meta

VERSION = 1

Group = Literal["inputs", "expected", "work"]
"""What an array of vectors is for."""

_GROUPS: tuple[Group, ...] = get_args(Group)
_HEAD = {"version": int, "unit": str, "arch": dict, "seed": int}


@dataclass(frozen=True, eq=False, kw_only=True)
class Vectors:
    """Vectors of one unit. Arrays of whole numbers, by name."""

    unit: str
    """Unit that they are for, for example ``topk``."""

    arch: Mapping[str, Any]
    """Fields of the architecture (or of the unit's model) that they were made for."""

    seed: int
    """Seed that they were made from."""

    inputs: Arrays = field(default_factory=dict)
    """What the unit is given."""

    expected: Arrays = field(default_factory=dict)
    """What it must give back."""

    work: Arrays = field(default_factory=dict)
    """Work records: what its timing law takes."""

    def __len__(self) -> int:
        """Return how many vectors there are: the length of every array that is not ragged."""
        lengths = {
            len(array) - name.endswith("_ptr")
            for group in (self.inputs, self.expected, self.work)
            for name, array in group.items()
            if name.endswith("_ptr") or f"{name}_ptr" not in group
        }
        assert len(lengths) == 1, f"arrays of different numbers of vectors: {sorted(lengths)}"
        return lengths.pop()

    def item(self, group: Group, name: str, index: int) -> npt.NDArray[Any]:
        """Return what vector `index` has of `name`: a slice of a ragged array (there is a `NAME_ptr`), or row `index`.

        >>> ids = {"ids": np.array([4, 5, 6]), "ids_ptr": np.array([0, 1, 3]), "n": np.array([1, 2])}
        >>> made = Vectors(unit="topk", arch={}, seed=0, inputs=ids)
        >>> made.item("inputs", "ids", 1), int(made.item("inputs", "n", 1)), len(made)
        (array([5, 6]), 2, 2)
        """
        arrays: Arrays = getattr(self, group)
        ends = arrays.get(f"{name}_ptr")
        if ends is None:
            return np.asarray(arrays[name][index])
        return np.asarray(arrays[name][int(ends[index]) : int(ends[index + 1])])

    def save(self, path: Path | str) -> None:
        """Write these vectors to `path`; the same vectors give the same bytes."""
        head = {"version": VERSION, "unit": self.unit, "arch": dict(self.arch), "seed": self.seed}
        _check_head(head, "vectors")
        text = json.dumps(head, sort_keys=True, separators=(",", ":"), allow_nan=False)
        arrays: Arrays = {"head": np.frombuffer(text.encode(), np.uint8)}
        for group in _GROUPS:
            for name, array in getattr(self, group).items():
                if not name.isidentifier() or np.asarray(array).dtype.kind not in "biu":
                    raise WorkloadError(f"vectors: {group}.{name} must have a plain name and hold whole numbers")
                arrays[f"{group}.{name}"] = np.asarray(array)
        write_arrays(Path(path), arrays)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Return the vectors in the file at `path`."""
        arrays = read_arrays(Path(path), _is_known)
        if "head" not in arrays or arrays["head"].dtype != np.uint8:
            raise WorkloadError(f"{path}: is no vectors file: it has no array of bytes called 'head'")
        head = decode_meta(arrays.pop("head").tobytes(), str(path))
        _check_head(head, str(path))
        groups: dict[str, Arrays] = {group: {} for group in _GROUPS}
        for name, array in arrays.items():
            group, _, own = name.partition(".")
            groups[group][own] = array
        return cls(unit=head["unit"], arch=head["arch"], seed=head["seed"], **groups)


def _is_known(name: str) -> bool:
    group, _, own = name.partition(".")
    return name == "head" or (group in _GROUPS and own.isidentifier())


def _check_head(head: Mapping[str, Any], source: str) -> None:
    if set(head) != set(_HEAD):
        raise WorkloadError(f"{source}: the head must have {', '.join(_HEAD)}, got {', '.join(head)}")
    for name, kind in _HEAD.items():
        if type(head[name]) is not kind:
            raise WorkloadError(f"{source}: {name} must be of type {kind.__name__}, got {head[name]!r}")
    if head["version"] != VERSION:
        raise WorkloadError(f"{source}: vectors of version {VERSION} are read, got {head['version']}")
