"""Designs of a store in columns: those that are asked for, each on all of its workloads at once."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import StoreError, SweepError, nearest
from tokensieve.arch.presets import priced_fields
from tokensieve.explore.columns import FIGURES, TOTALS
from tokensieve.explore.expression import Formula

if TYPE_CHECKING:
    from tokensieve.explore.store_reader import Reader, Where

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

NUMERIC = (*FIGURES, *(column.name for column in TOTALS if column.kind != "text"))
"""Figures that are numbers."""

TEXTS = ("arch", "workload", "bottleneck")
"""Columns of words that a formula may compare."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which points of a store a question is about, and by which formulas."""

    sweep: int | None = None
    """Number of a sweep; None for all."""

    workload: str | None = None
    """Name of a workload; None for all that the points have."""

    level: str | None = None
    """Level of fidelity; None for the one that there is."""

    model: str | None = None
    """Version of the cycle model, by its first digits; None for the one that there is."""

    where: Sequence[str] = ()
    """Conditions that a design has to satisfy, such as ``topk.lanes <= 16``."""


@dataclass(frozen=True)
class Selection:
    """Some designs of a store, n of them, in columns."""

    ids: Sequence[Sequence[int]]
    """Numbers of the points of each design, one for each workload."""

    values: Mapping[str, Sequence[Any]]
    """Fields that tell the designs apart, and `arch` where there are several machines; shape (n,)."""

    columns: Mapping[str, npt.NDArray[Any]]
    """Figures by name, geometric means over the workloads where there are several; shape (n,)."""

    workloads: tuple[str, ...]
    weights: tuple[float, ...]
    """Of the workloads, 1 in all: those of the sweep that is asked for, or of the only one; else all the same."""

    level: str
    points: int
    """Priced points that were looked at."""

    partial: int = 0
    """Designs left out because they are not there on every workload."""

    fields: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    """Fields of the machine that formulas name; shape (n,)."""

    def __len__(self) -> int:
        return len(self.ids)

    def value(self, formula: Formula) -> npt.NDArray[Any]:
        """Return a formula of every design, shape (n,)."""
        return np.broadcast_to(formula.value({**self.fields, **self.columns}), len(self))

    def number(self, formula: Formula) -> F64:
        """Return a formula of every design, shape (n,). Raises `SweepError` where it is text."""
        return np.broadcast_to(formula.number({**self.fields, **self.columns}), len(self))

    def chosen(self, places: I64) -> "Selection":
        """Return the designs at `places`, in that order."""
        listed = places.tolist()
        return replace(
            self,
            ids=[self.ids[i] for i in listed],
            values={name: [column[i] for i in listed] for name, column in self.values.items()},
            columns={name: column[places] for name, column in self.columns.items()},
            fields={name: column[places] for name, column in self.fields.items()},
        )


def checked(text: str, place: str) -> Formula:
    """Return the formula of `text`. Raises `SweepError`, beginning with `place`, for a name that means nothing."""
    formula = Formula(text, place)
    every = [name for name, _, _ in priced_fields()]
    for name in formula.names:
        if name not in NUMERIC and name not in TEXTS and name not in every:
            near = nearest(name, [*NUMERIC, *TEXTS, *every])
            raise SweepError(f"{place}: {name} is neither a figure of the result nor a field of the machine{near}")
    return formula


def condition(text: str, place: str) -> Formula:
    """Return the formula of a comparison. Raises `SweepError` where it is none."""
    formula = checked(text, place)
    if not formula.is_condition:
        raise SweepError(f"{place}: a comparison is expected, for example area_mm2.total < 5, got {text!r}")
    return formula


def select(store: "Reader", choice: Choice, formulas: Iterable[Formula]) -> Selection:
    """Return the priced designs that `choice` asks for, with the figures that `formulas` name.

    Raises `StoreError` where there is none, or where points of several levels would be mixed; `SweepError` for a
    condition that is none.
    """
    limits = [condition(text, "--where") for text in choice.where]
    names = {name for formula in (*formulas, *limits) for name in formula.names}
    fields = sorted((names | _apart(store)) - set(NUMERIC) - set(TEXTS))
    rows = _rows(store, _where(store, choice), fields)
    level = _only_level(store, rows, choice)
    _check_references(store, rows)
    found = _grouped(rows, fields, _weights(store, choice.sweep), level)
    for limit in limits:
        found = found.chosen(np.flatnonzero(found.value(limit).astype(bool)))
        if not len(found):
            raise StoreError(f"store {store.path}: no design satisfies {limit.text}")
    return found


def _where(store: "Reader", choice: Choice) -> "Where":
    """Return the points that are read, names checked."""
    from tokensieve.explore.store_reader import Where

    told = store.info()
    sweeps = [one["id"] for one in told["sweeps"]]
    if choice.sweep is not None and choice.sweep not in sweeps:
        raise StoreError(f"--sweep must be one of {', '.join(map(str, sweeps)) or 'none'}, got {choice.sweep}")
    if choice.level is not None and choice.level not in told["level"]:
        raise StoreError(f"--level must be one of {', '.join(told['level']) or 'none'}, got {choice.level!r}")
    works = {one["name"]: one["id"] for one in told["workloads"]}
    if choice.workload is not None and choice.workload not in works:
        raise StoreError(
            f"--workload must be one of {', '.join(works) or 'none'}, got {choice.workload!r}"
            f"{nearest(choice.workload, works)}"
        )
    work = None if choice.workload is None else works[choice.workload]
    return Where(sweep=choice.sweep, workload=work, level=choice.level, status="ok", model=choice.model)


def _rows(store: "Reader", where: "Where", fields: Sequence[str]) -> dict[str, list[Any]]:
    """Return the columns that are used."""
    frame = store.frame(where, fields)
    whole: dict[str, list[Any]] = {name: [] for name in frame.kinds if name not in ("key", "message", "status")}
    for chunk in frame.chunks():
        for name, column in whole.items():
            column += chunk[name]
    if not whole["id"]:
        raise StoreError(f"store {store.path}: has no priced point that is asked for")
    return whole


def _apart(store: "Reader") -> set[str]:
    """Return the fields in which the machines differ that points start from."""
    machines = store.machines()
    every = {name: None for one in machines for name in one if name != "name"}
    return {name for name in every if any(one.get(name) != machines[0].get(name) for one in machines)}


def _only_level(store: "Reader", rows: Mapping[str, list[Any]], choice: Choice) -> str:
    levels = list(dict.fromkeys(rows["level"]))
    if len(levels) > 1:
        raise StoreError(f"store {store.path}: holds points of levels {' and '.join(levels)}; name one with --level")
    return str(levels[0])


def _check_references(store: "Reader", rows: Mapping[str, list[Any]]) -> None:
    kinds = sorted({kind for kind in rows["reference.kind"] if kind is not None})
    if len(kinds) > 1:
        told = " and ".join(kinds)
        raise StoreError(f"store {store.path}: holds points with the references {told}; choose a sweep with --sweep")


def _weights(store: "Reader", sweep: int | None) -> dict[str, float]:
    """Return the weights of workloads in the sweep that is asked for, or in the only one that there is."""
    sweeps = store.sweep_texts()
    if sweep is None and len(sweeps) != 1:
        return {}
    told = json.loads(sweeps[sweep] if sweep is not None else next(iter(sweeps.values())))
    return dict(told.get("workloads") or {}) if isinstance(told, dict) else {}


def _grouped(rows: dict[str, list[Any]], fields: Sequence[str], given: Mapping[str, float], level: str) -> Selection:
    """Return the designs of the points in `rows`; a design is all points of one machine."""
    about = ("id", "sweep", "workload", "level", "model", "bottleneck", "arch", "reference.kind")
    parameters = [name for name in rows if name not in about and name not in NUMERIC]
    workloads = tuple(dict.fromkeys(rows["workload"]))
    groups: dict[tuple[Any, ...], dict[str, int]] = {}
    for i, key in enumerate(zip(rows["arch"], *(rows[name] for name in parameters), strict=True)):
        own, work = groups.setdefault(key, {}), rows["workload"][i]
        if work not in own or rows["reference.kind"][own[work]] is None:  # the same point, without a reference
            own[work] = i
    whole = [one for one in groups.values() if len(one) == len(workloads)]
    if not whole:
        raise StoreError(f"no design is priced on all of {', '.join(workloads)}; name one with --workload")
    places = np.array([[one[work] for work in workloads] for one in whole])
    weights = np.array([given.get(work, 1.0) for work in workloads])
    weights /= weights.sum()
    first = places[:, 0].tolist()
    shown = [name for name in ("arch", *parameters) if len({repr(rows[name][i]) for i in first}) > 1]
    columns: dict[str, npt.NDArray[Any]] = {
        name: geometric_mean(np.array(rows[name], float)[places], weights) for name in NUMERIC
    }
    columns["arch"] = np.array([rows["arch"][i] for i in first])
    columns["workload"] = np.array([", ".join(workloads)] * len(first))
    columns["bottleneck"] = np.array([", ".join(dict.fromkeys(rows["bottleneck"][i] for i in row)) for row in places])
    return Selection(
        ids=[[rows["id"][i] for i in row] for row in places.tolist()],
        values={name: [rows[name][i] for i in first] for name in shown},
        columns=columns,
        workloads=workloads,
        weights=tuple(weights.tolist()),
        level=level,
        points=len(rows["id"]),
        partial=len(groups) - len(whole),
        fields={name: np.array([rows[name][i] for i in first]) for name in fields},
    )


def geometric_mean(figures: F64, weights: F64) -> F64:
    """Return the weighted geometric mean over workloads; `figures` has the shape (designs, workloads)."""
    if figures.shape[1] == 1:
        return figures[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: F64 = np.exp((np.log(figures) * weights).sum(axis=1))
    alike = (figures == figures[:, :1]).all(axis=1)
    return np.where(alike, figures[:, 0], mean)  # a whole number, such as of block memories, stays one
