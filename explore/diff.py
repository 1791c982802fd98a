"""What makes two results, or two design points, differ: by cause, by unit, by tensor, and field by field."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokensieve.arch.errors import StoreError
from tokensieve.explore.again import machine_of
from tokensieve.explore.columns import FIGURES, TOTALS, flat
from tokensieve.explore.result_file import open_result
from tokensieve.explore.sqlite import is_store
from tokensieve.explore.store import open_store

GROUPS = {
    "cycles": "cycles.total",
    "energy_j": "energy_j.total",
    "traffic.dram_bytes": "traffic.dram_bytes.total",
    "area_mm2": "area_mm2.total",
}
"""Groups of figures that add up to a total: cycles by cause, energy and area by unit, bytes by tensor."""


@dataclass(frozen=True)
class Side:
    """One of the two."""

    name: str
    """As it was given."""

    machine: Mapping[str, Any]
    """Every field, by dotted path."""

    about: Mapping[str, Any]
    """The work by name and digest, `level` and, of a point, `model`, the version of the cycle model. A point and a
    result have no name of the work in common."""

    figures: Mapping[str, Any]
    """Columns of a store by name, without those that are null."""


@dataclass(frozen=True)
class Change:
    """One figure on both sides."""

    name: str
    a: float
    b: float

    @property
    def delta(self) -> float:
        """How much more b is."""
        return self.b - self.a

    @property
    def ratio(self) -> float | None:
        """b / a; None where a is 0."""
        return self.b / self.a if self.a else None


@dataclass(frozen=True)
class Difference:
    """Two sides and what is different."""

    a: Side
    b: Side
    fields: Mapping[str, tuple[Any, Any]]
    """Fields of the machine that differ, with both values."""

    about: Mapping[str, tuple[Any, Any]]
    """What else differs: work, level, version of the cycle model."""

    work_known: bool
    """Whether the work of both can be compared: a point's and a result's cannot."""

    figures: Mapping[str, Change]
    """Figures that both have, the same ones included."""

    def parts(self, group: str) -> list[Change]:
        """Return the members of a group of `GROUPS` that differ, the largest difference first."""
        found = [
            change
            for name, change in self.figures.items()
            if name.startswith(f"{group}.") and name != GROUPS[group] and change.delta
        ]
        return sorted(found, key=lambda change: -abs(change.delta))


def diff(a: str | Path, b: str | Path) -> Difference:
    """Return what makes `b` another one than `a`.

    Each is the folder of `tokensieve run --out`, a `result.json`, or ``STORE#ID``: a point of a store by its number or
    by digits of its key. Raises `StoreError` where there is none, or where it was not priced.
    """
    one, other = side(str(a)), side(str(b))
    fields = {
        name: (one.machine.get(name), other.machine.get(name))
        for name in {**one.machine, **other.machine}
        if name != "name" and one.machine.get(name) != other.machine.get(name)
    }
    both = [name for name in one.about if name in other.about]
    about = {name: (one.about[name], other.about[name]) for name in both if one.about[name] != other.about[name]}
    figures = {
        name: Change(name, value, other.figures[name])
        for name, value in one.figures.items()
        if _is_number(value) and _is_number(other.figures.get(name))
    }
    return Difference(one, other, fields, about, len(both) > 1, figures)


def side(text: str) -> Side:
    """Return the result or the point that `text` names."""
    store, mark, point = text.rpartition("#")
    if mark and not Path(text).exists():
        return _of_store(text, store, point)
    if Path(text).is_file() and is_store(Path(text)):
        raise StoreError(f"{text}: is a store; name one of its points, for example {text}#17")
    told = open_result(text).to_dict()
    made = told["provenance"]
    row = open_result(text).frame("totals").columns()
    figures = {name: row[name][0] for name in _NAMES if name in row and row[name][0] is not None}
    about = {
        "workload": made.get("workload"),
        "digest of the workload": made.get("workload_digest"),
        "level": told["level"],
    }
    return Side(text, flat(made["machine"]), about, figures)


def _of_store(text: str, store: str, name: str) -> Side:
    with open_store(store) as opened:
        point = opened.find(name)
        if point.totals is None:
            raise StoreError(f"{text}: has no figures: it was {point.status}: {point.message}")
        machine, _ = machine_of(opened.base_of(point), point)
        work = opened.work_of(point)
        about = {
            "point's work": work.name, "digest of the point's work": work.digest, "level": point.level,
            "model": opened.origin_of(point)["model"],
        }  # fmt: skip
        return Side(text, flat(machine.model_dump(mode="json")), about, opened.figures(point))


_NAMES = (*(column.name for column in TOTALS), *FIGURES)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
