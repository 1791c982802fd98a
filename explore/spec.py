"""A sweep file: what is swept, on which work, under which constraints, and for what."""

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from tokensieve.arch.base import ArchModel, Name, build
from tokensieve.arch.errors import SweepError, nearest
from tokensieve.arch.library import check_kind, check_no_trace
from tokensieve.arch.yamlio import load_yaml
from tokensieve.explore.axes import MACHINES, WORKS, Span, Values, is_of_work, known_axis, swept_names
from tokensieve.explore.columns import BOTTLENECK, FIGURES
from tokensieve.explore.expression import Formula
from tokensieve.workloads.reference import Kind as ReferenceKind

_SHIPPED = resources.files("tokensieve.workloads") / "sweeps"

MOST_POINTS = 10_000_000
"""Designs of one sweep: some hours of level `analytic`, ten gigabytes of a store."""

Level = Literal["analytic", "cycle"]

_FILES = (".yaml", ".yml", ".npz", ".csv")


class Sampler(ArchModel):
    """Which designs of the space are tried."""

    kind: Literal["grid", "random", "lhs", "sobol"] = "grid"
    """`grid`: every combination. `random`: each axis drawn on its own. `lhs`: a Latin hypercube, which draws every part
    of each axis equally often. `sobol`: a scrambled Sobol sequence, which fills the whole space evenly; a power of two
    of points fills it best. The last two need scipy (the extra `explore`)."""

    points: Annotated[int | None, Field(ge=1, le=MOST_POINTS)] = None
    """Designs that are drawn; not for the grid, which has as many as it has."""

    seed: Annotated[int, Field(ge=0, lt=1 << 32)] = 0
    """Seed of what is drawn: the same one draws the same designs."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.points is None) != (self.kind == "grid"):
            word = "has no meaning" if self.kind == "grid" else "is required"
            raise ValueError(f".points {word} with kind {self.kind}")
        return self


def _weights(value: object) -> dict[str, float]:
    if (
        isinstance(value, list)
        and value
        and all(isinstance(one, str) for one in value)
        and len(set(value)) == len(value)
    ):
        return dict.fromkeys(value, 1.0)
    if isinstance(value, Mapping) and value and all(_is_weight(one) for one in value.values()):
        return {str(name): float(weight) for name, weight in value.items()}
    raise PydanticCustomError("suite", "a list of names, or names with weights above 0, is expected")


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9


def _formula(value: object) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise PydanticCustomError("formula", "a formula is expected, for example topk.max_tokens / softmax.lanes")
    try:
        return Formula(str(value)).text
    except SweepError as problem:
        raise ValueError(f": {problem}") from None


def _condition(value: object) -> str:
    text = _formula(value)
    if not Formula(text).is_condition:
        raise PydanticCustomError("constraint", "a comparison is expected, for example area_mm2.total < 5")
    return text


def _objective(value: object) -> str:
    if isinstance(value, str):
        sign, _, rest = value.strip().partition(" ")
        return f"max {_formula(rest)}" if sign == "max" else _formula(rest if sign == "min" else value.strip())
    raise PydanticCustomError("objective", "a figure is expected, for example seconds or max tokens_per_second")


_TEXT = WithJsonSchema({"type": "string"})
Text = Annotated[str, PlainValidator(_formula), _TEXT]
Field_ = Annotated[str, AfterValidator(known_axis)]


class SweepFile(ArchModel):
    """What `tokensieve sweep` reads. Names of files are relative to the sweep file."""

    name: Name = "sweep"
    """Name printed in reports."""

    arch: Annotated[str, Field(min_length=1)] = "spatten"
    """Machine that the sweep starts from: a preset or a YAML file."""

    set: dict[Field_, Any] = Field(default_factory=dict)
    """Fields of the machine that are the same in all designs, by dotted path."""

    workload: Annotated[str, Field(min_length=1)] | None = None
    """Named workload, or a YAML file of one. Without it, `workloads` and `trace`: the trace that ships."""

    workloads: Annotated[
        dict[str, float] | None,
        PlainValidator(lambda value: None if value is None else _weights(value)),
        WithJsonSchema({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "object"}]}),
    ] = None
    """Several workloads, each design on all of them: a list, or names with weights. Figures of a design are weighted
    geometric means over them."""

    trace: Annotated[str, Field(min_length=1)] | None = None
    """Pruning decisions: an .npz of `tokensieve capture`, or a .csv of SpAtten's authors."""

    level: Level = "analytic"
    """Level of fidelity."""

    allow_rough: bool = False
    """Whether level analytic also prices designs of which it takes something for something else (docs: levels.md);
    otherwise they are refused."""

    reference: Literal["none", "dense", "dense-int8", "fp32"] = "none"
    """Un-pruned run that each design is compared with, as `tokensieve run --reference`; machines that it is the same on
    share one. Without it there is no `speedup`, `dram_reduction` and `energy_saving`, and no figure of `reference`."""

    scores: str | None = None
    """Where only counts are known: distribution of the scores that the top-k searches."""

    seed: Annotated[int, Field(ge=0, lt=1 << 32)] = 0
    """Seed of what is completed where only counts are known."""

    axes: dict[Field_, Values] = Field(default_factory=dict)
    """What is swept: any field of the machine by dotted path, `arch` and `dram.extend` (whole machines and memories),
    `workload`, `trace`, and fields below `workload.` and `policy.` (the pruning schedule)."""

    parameters: dict[str, Values] = Field(default_factory=dict)
    """Axes that are no field: numbers for `derived` to use."""

    zip: list[list[str]] = Field(default_factory=list)
    """Axes that move together, value by value, and so count as one."""

    derived: dict[Field_, Text] = Field(default_factory=dict)
    """Fields that follow from others by a formula. A name without a dot is a parameter, a field of the same group, or
    the one field of the machine that is called so."""

    sampler: Annotated[
        Sampler,
        BeforeValidator(lambda value: {"kind": value} if isinstance(value, str) else value),
        WithJsonSchema({"anyOf": [{"enum": ["grid"]}, Sampler.model_json_schema()]}),
    ] = Sampler()
    """Which designs are tried; `grid` for all combinations."""

    constraints: list[Annotated[str, PlainValidator(_condition), _TEXT]] = Field(default_factory=list)
    """Comparisons that a design has to satisfy, of figures of the result and fields of the machine."""

    objectives: list[Annotated[str, PlainValidator(_objective), _TEXT]] = Field(
        default_factory=lambda: ["seconds", "area_mm2.total"], min_length=1
    )
    """What is wanted, most wanted first: figures or formulas, as small as can be, or with `max` before as large. The
    best design has the best first one. The second is its price, by which the knee is found."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = [name for name in ("workload", "workloads", "trace") if getattr(self, name) is not None]
        given += [f"axes.{name}" for name in WORKS if name in self.axes]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other")
        self._check_names()
        self._check_values()
        for other, names in (("set", self.set), ("derived", self.derived)):
            if both := next((name for name in names if name in self.axes), None):
                raise ValueError(f"axes.{both} and {other}.{both} exclude each other")
        return self._zipped()

    @property
    def un_pruned(self) -> ReferenceKind | None:
        """Kind of the reference, or None."""
        return None if self.reference == "none" else self.reference

    def _check_names(self) -> None:
        """Raise `ValueError` for a parameter or a derived field of a name that it cannot have."""
        for name in self.parameters:
            if not name.isidentifier():
                raise ValueError(f"parameters.{name} must be a name without dots")
            if name in swept_names() or name in FIGURES or name == BOTTLENECK:
                raise ValueError(f"parameters.{name} must not be called as an axis or a figure is, got {name!r}")
        for name in self.derived:
            if name in MACHINES or name == "technology" or is_of_work(name):
                raise ValueError(
                    f"derived.{name} must be a field of the machine that has a value of its own, got {name!r}"
                )

    def _check_values(self) -> None:
        """Raise `ValueError` for a list as a value; fields of the pruning schedule alone may have some."""
        for place, axes in (("axes", self.axes), ("parameters", self.parameters)):
            for name, values in axes.items():
                if isinstance(values, Span) or is_of_work(name):
                    continue
                if listed := next((one for one in values if isinstance(one, list)), None):
                    raise ValueError(f"{place}.{name} must have numbers, text, true or false as values, got {listed}")

    def _zipped(self) -> Self:
        every = {**self.axes, **self.parameters}
        seen: list[str] = []
        for group in self.zip:
            for name in group:
                if name not in every:
                    raise ValueError(f"zip must name axes, got {name!r}")
                if name in seen:
                    raise ValueError(f"zip must name an axis once, got {name!r} twice")
                seen.append(name)
        return self


def sweep_names() -> list[str]:
    """Return the names of the sweeps that ship with the package."""
    return sorted(p.name.removesuffix(".yaml") for p in _SHIPPED.iterdir() if p.name.endswith(".yaml"))


def read_sweep(name: Path | str) -> SweepFile:
    """Return the sweep that ships as `name`, or that in the YAML file at `name`."""
    shipped = str(name) in sweep_names()
    path = Path(str(_SHIPPED / f"{name}.yaml")) if shipped else Path(name)
    if not shipped and not path.suffix and not path.exists():
        raise SweepError(
            f"a sweep is a YAML file or one that ships ({', '.join(sweep_names())}), "
            f"got {str(name)!r}{nearest(str(name), sweep_names())}"
        )
    check_no_trace(path, "a sweep", SweepError)
    data, lines = load_yaml(path, SweepError)
    check_kind(path, data, "a sweep", SweepError)
    data = {"name": path.stem, **data}
    return build(SweepFile, _beside(path.parent, data), SweepError, lines, str(path))


def sweep_from(data: Mapping[str, Any]) -> SweepFile:
    """Return the sweep that `data` describes, or raise `SweepError`."""
    return build(SweepFile, data, SweepError)


def sweep_schema() -> dict[str, Any]:
    """Return the JSON Schema of a sweep file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **SweepFile.model_json_schema()}


def _beside(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Return `data` with names of files as seen from the working folder."""

    def placed(value: Any) -> Any:
        if isinstance(value, str) and value.endswith(_FILES) and not os.path.isabs(value):
            return os.path.join(folder, value)
        if isinstance(value, list):
            return [placed(one) for one in value]
        if isinstance(value, dict):
            return {placed(name): weight for name, weight in value.items()}
        return value

    own: dict[str, Any] = {
        name: placed(data[name]) for name in ("arch", "workload", "workloads", "trace") if name in data
    }
    axes = data.get("axes")
    if isinstance(axes, dict):
        own["axes"] = {name: placed(one) if name in ("arch", *WORKS) else one for name, one in axes.items()}
    return {**data, **own}
