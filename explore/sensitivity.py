"""Which fields of a sweep matter: each moved alone from a base design, and prices of any designs of a space."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import SweepError, nearest
from tokensieve.arch.presets import load_arch
from tokensieve.arch.yamlio import parse_yaml, yaml_scalar
from tokensieve.explore.axes import Axis
from tokensieve.explore.columns import flat
from tokensieve.explore.evaluate import Analytic
from tokensieve.explore.named import Named
from tokensieve.explore.price import Pricer
from tokensieve.explore.sampler import I64
from tokensieve.explore.spec import Sampler, SweepFile, read_sweep, sweep_from
from tokensieve.explore.sqlite import is_store
from tokensieve.explore.store import open_store
from tokensieve.explore.tally import Objective

F64 = npt.NDArray[np.float64]

STEPS = 9
"""Values that a span without steps is moved through."""


@dataclass(frozen=True)
class Listed:
    """Designs that are given one by one."""

    columns: Sequence[I64 | F64]
    """Number of the value, or the share of a continuum, on each dimension; shape (designs,)."""

    count: int

    def __len__(self) -> int:
        return self.count

    def places(self, low: int, high: int) -> list[I64 | F64]:
        """Return where the designs from `low` to before `high` lie on each dimension."""
        return [column[low:high] for column in self.columns]


@dataclass(frozen=True)
class Effect:
    """One field, or fields that move together, moved alone."""

    name: str
    base: str
    """Value of the base design, as text."""

    values: tuple[str, ...]
    """Values tried, as text."""

    wanted: F64
    """Objectives; NaN where a design is refused; shape (objectives, values)."""


@dataclass(frozen=True)
class Sensitivity:
    """What each field does alone, the strongest on the first objective first."""

    objectives: tuple[Objective, ...]
    base: Mapping[str, Any]
    """Values of the base design."""

    wanted: F64
    """Objectives of the base design, shape (objectives,)."""

    effects: tuple[Effect, ...]

    def swing(self, effect: Effect, objective: int = 0) -> float:
        """Return how far apart an objective is at the worst and the best value, as a share of the base's."""
        row = effect.wanted[objective]
        return float((np.nanmax(row) - np.nanmin(row)) / abs(self.wanted[objective]))


class Sampled:
    """A sweep of which any designs can be priced, at level `analytic`."""

    def __init__(self, spec: SweepFile, objectives: Sequence[str] = ()) -> None:
        """Raise `TokensieveError` where no sweep can be made of `spec`, or an objective names no figure."""
        free = {"constraints": [], "sampler": Sampler(kind="random", points=1), "level": "analytic"}
        self.pricer = Pricer(spec.model_copy(update=free), Analytic())
        self.objectives = tuple(map(Objective.of, objectives or spec.objectives))
        self._named = Named(self.pricer.space)
        self._formulas = [self._named.formula("--objective", one.text) for one in self.objectives]

    @property
    def dimensions(self) -> tuple[tuple[Axis, ...], ...]:
        """Axes of each dimension."""
        return self.pricer.space.dimensions

    def prices(self, columns: Sequence[I64 | F64], count: int) -> tuple[F64, list[str]]:
        """Return the objectives of `count` designs, NaN where one is refused, and why; shape (objectives, count)."""
        space = self.pricer.space
        space.draw(Listed(columns, count))
        wanted = np.full((len(self.objectives), count), np.nan)
        why: dict[str, None] = {}
        for low in range(0, count, Analytic.batch):
            high = min(low + Analytic.batch, count)
            priced, designs = self.pricer.price(low, high), space.designs(low, high)
            good, figures = self._named.figures(designs, priced)
            for row, formula in zip(wanted, self._formulas, strict=True):
                row[low + good] = self._named.mean_of(formula, figures, len(good))
            why |= dict.fromkeys(message for one in priced for message in one.messages.values())
        return wanted, list(why)


def spec_of(source: str, sweep: int | None = None) -> SweepFile:
    """Return the sweep of a file, of one that ships, or of a store, which may hold several: then `sweep` is its number.

    Raises `SweepError` where there is none.
    """
    path = Path(source)
    if not path.is_file() or not is_store(path):
        if sweep is not None:
            raise SweepError("--sweep chooses a sweep of a store, and a file has but one")
        return read_sweep(source)
    with open_store(path) as store:
        texts = store.sweep_texts()
    if sweep is None and len(texts) == 1:
        sweep = next(iter(texts))
    if sweep not in texts:
        got = "" if sweep is None else f", got {sweep}"
        raise SweepError(f"store {path}: --sweep must be one of {', '.join(map(str, texts)) or 'none'}{got}")
    return sweep_from(json.loads(texts[sweep]))


def one_at_a_time(spec: SweepFile, objectives: Sequence[str] = (), at: Iterable[str] = ()) -> Sensitivity:
    """Return what each axis of `spec` does alone, all others at the base design, priced at level `analytic`.

    The base design is the machine that the sweep starts from; of axes that are no field of a machine it has the first
    value. `at` moves it: texts such as ``topk.lanes=8``. Raises `SweepError` for a name that is no axis, and where the
    base design is refused.
    """
    listed = {name: _values(Axis.of(name, values)) for name, values in {**spec.axes, **spec.parameters}.items()}
    if not listed:
        raise SweepError("a sweep without axes has no field to move")
    base = _base(spec, listed, at)
    groups = [*spec.zip, *([name] for name in listed if not any(name in group for group in spec.zip))]
    for group in groups:
        rows = list(zip(*(listed[name] for name in group), strict=False))
        own = tuple(base[name] for name in group)
        for i, name in enumerate(group) if own not in rows else ():
            listed[name] = (*listed[name], own[i])
    axes = {name: listed[name] for name in spec.axes}
    sampled = Sampled(
        spec.model_copy(update={"axes": axes, "parameters": {n: listed[n] for n in spec.parameters}}), objectives
    )
    return _moved(sampled, base)


def _moved(sampled: Sampled, base: Mapping[str, Any]) -> Sensitivity:
    """Return the effects of all dimensions, each through all its values."""
    rows = [list(zip(*(axis.values for axis in one), strict=True)) for one in sampled.dimensions]
    home = [row.index(tuple(base[a.name] for a in one)) for row, one in zip(rows, sampled.dimensions, strict=True)]
    tried = [(d, code) for d, row in enumerate(rows) for code in range(len(row))]
    columns = [np.full(len(tried) + 1, code, np.int64) for code in home]
    for i, (d, code) in enumerate(tried, 1):
        columns[d][i] = code
    wanted, why = sampled.prices(columns, len(tried) + 1)
    if not np.isfinite(wanted[:, 0]).all():
        told = ", ".join(f"{name}={value}" for name, value in base.items())
        raise SweepError(f"the base design ({told}) has no figures{': ' + why[0] if why else ''}; move it with --at")
    effects, first = [], 1
    for one, row, code in zip(sampled.dimensions, rows, home, strict=True):
        name = ", ".join(axis.name for axis in one)
        texts = tuple(", ".join(map(_text, values)) for values in row)
        effects.append(Effect(name, texts[code], texts, wanted[:, first : first + len(row)]))
        first += len(row)
    found = Sensitivity(sampled.objectives, base, wanted[:, 0], tuple(effects))
    ranked = sorted(effects, key=lambda effect: -found.swing(effect))
    return Sensitivity(found.objectives, base, found.wanted, tuple(ranked))


def _values(axis: Axis) -> tuple[Any, ...]:
    """Return the values that an axis is moved through."""
    if axis.span is None:
        return axis.values
    return tuple(dict.fromkeys(axis.span.at(np.linspace(0, 1, STEPS)).tolist()))


def _base(spec: SweepFile, listed: Mapping[str, Sequence[Any]], at: Iterable[str]) -> dict[str, Any]:
    """Return the value of each axis at the base design."""
    fixed = [f"{name}={yaml_scalar(value)}" for name, value in spec.set.items()]
    machine = {**flat(load_arch(spec.arch, fixed).model_dump()), "arch": spec.arch}
    base = {name: machine.get(name, values[0]) for name, values in listed.items()}
    for item in at:
        name, equals, text = item.partition("=")
        data = parse_yaml(f"value: {text}", "", SweepError)[0] if equals else {}
        if name not in listed or "value" not in data:
            near = nearest(name, listed) if name not in listed else ""
            raise SweepError(f"--at {item}: expected NAME=VALUE of one of {', '.join(listed)}{near}")
        base[name] = data["value"]
    return base


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
