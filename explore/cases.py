"""What is asked of the machine in a sweep: the workloads of its suite, each with the swept fields of a workload."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tokensieve.arch.datapath import Topk
from tokensieve.arch.errors import SweepError, TokensieveError, WorkloadError
from tokensieve.arch.library import merge
from tokensieve.arch.reading import MOST_ARRAYS, read_bytes
from tokensieve.explore.axes import OF_POLICY, OF_WORK, WORKS, Axis
from tokensieve.explore.spec import SweepFile
from tokensieve.workloads.benchmarks import CAPTURED, find_workload
from tokensieve.workloads.complete import complete
from tokensieve.workloads.csvtrace import read_csv
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.size import NO_FORCE, check_size
from tokensieve.workloads.traces import default_trace
from tokensieve.workloads.workload import Workload, workload_from

SHIPPED = "the shipped trace"


@dataclass(frozen=True)
class Case:
    """One piece of work, not yet loaded."""

    name: str
    """Workload or trace, and swept fields with their values."""

    workload: Workload | None
    """What it is made of; None for a trace."""

    trace: Path | None
    scores: str | None
    seed: int

    @cached_property
    def data(self) -> dict[str, Any]:
        """What tells it from others, ready for JSON."""
        if self.workload is not None:
            return {"workload": self.workload.model_dump(mode="json"), "scores": self.scores, "seed": self.seed}
        assert self.trace is not None
        completed = {"scores": self.scores, "seed": self.seed} if self._counts else {}
        return {"trace": hashlib.sha256(read_bytes(self.trace, WorkloadError, MOST_ARRAYS)).hexdigest(), **completed}

    @cached_property
    def digest(self) -> str:
        """SHA-256 over `data`. Decisions completed from counts also depend on the machine's top-k."""
        return hashlib.sha256(json.dumps(self.data, sort_keys=True).encode()).hexdigest()

    @property
    def _counts(self) -> bool:
        return self.trace is not None and self.trace.suffix.lower() == ".csv"

    @cached_property
    def tokens(self) -> int:
        """Tokens of the text in prefill, tokens generated in decode."""
        if self.workload is not None:
            return (self.workload.context or 0) if self.workload.phase == "prefill" else (self.workload.steps or 0)
        assert self.trace is not None
        given = read_csv(self.trace) if self._counts else Decisions.load(self.trace)
        return int(given.context.max()) if given.phase == "prefill" else given.steps

    def decisions(self, topk: Topk) -> Decisions:
        """Return the decisions, completed for `topk` where only counts are known; raise `WorkloadError` if refused."""
        if self.workload is not None:
            check_size(self.workload.size, f"{self.name}: it asks for", otherwise=NO_FORCE)
            return complete(self.workload.counts(), topk, self.seed, self.scores)
        assert self.trace is not None
        if self._counts:
            return complete(read_csv(self.trace), topk, self.seed, self.scores)
        return Decisions.load(self.trace)


class Cases:
    """All work of a sweep: the members of its suite, times the combinations of axes that change the work."""

    def __init__(self, spec: SweepFile, axes: Sequence[Axis]) -> None:
        """Raise `TokensieveError` where a combination is no workload."""
        self._spec, self._axes = spec, axes
        self.suite, self.weights = _suite(spec)
        self._known: dict[tuple[int, int], Case] = {}
        self._base: dict[str, Case] = {}
        self.count = 1
        for axis in axes:
            self.count *= len(axis.values)
        for member in range(len(self.suite)):
            self.case(member, 0)

    def case(self, member: int, code: int) -> Case:
        """Return what `member` of the suite is with the combination of number `code`."""
        key = (member, code)
        if key not in self._known:
            self._known[key] = self._made(self.suite[member], self._values(code))
        return self._known[key]

    def sources(self) -> dict[str, str]:
        """Return the digest of every workload and trace by name, before fields of it are swept."""
        swept = [
            (str(value), axis.name == "trace") for axis in self._axes if axis.name in WORKS for value in axis.values
        ]
        named = swept or [(name, self._spec.trace is not None) for name in self.suite]
        return {
            name: self._base.setdefault(name, _source(name, is_trace, self._spec)).digest for name, is_trace in named
        }

    def _values(self, code: int) -> dict[str, Any]:
        values = {}
        for axis in reversed(self._axes):
            code, place = divmod(code, len(axis.values))
            values[axis.name] = axis.values[place]
        return dict(reversed(values.items()))

    def _made(self, member: str, values: Mapping[str, Any]) -> Case:
        source = next((str(values[name]) for name in WORKS if name in values), member)
        fields = {name: value for name, value in values.items() if name not in WORKS}
        is_trace = "trace" in values or (self._spec.trace is not None and "workload" not in values)
        one = self._base.setdefault(source, _source(source, is_trace, self._spec))
        if not fields:
            return one
        if one.workload is None:
            raise SweepError(f"axes.{next(iter(fields))} must not be swept on a captured trace: {one.name}")
        data: dict[str, Any] = one.workload.model_dump()
        for name, value in fields.items():
            data = merge(data, _nested(name, value))
        told = ", ".join(f"{name}={value}" for name, value in fields.items())
        try:
            changed = workload_from(data)
        except TokensieveError as problem:
            raise SweepError(f"{one.name} with {told}: {problem}") from None
        return Case(f"{one.name}, {told}", changed, None, one.scores, one.seed)


def _suite(spec: SweepFile) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return the names of the suite and their weights, which add up to 1."""
    if spec.workloads is not None:
        total = sum(spec.workloads.values())
        return tuple(spec.workloads), tuple(weight / total for weight in spec.workloads.values())
    return (spec.workload or spec.trace or SHIPPED,), (1.0,)


def _source(name: str, is_trace: bool, spec: SweepFile) -> Case:
    """Return the workload or trace called `name`."""
    if name == SHIPPED or (not is_trace and name in CAPTURED):
        path = default_trace() if name == SHIPPED else CAPTURED[name]()
        is_trace, label = True, name
    else:
        path, label = Path(name), name
    if not is_trace:
        return Case(name, find_workload(name), None, spec.scores, spec.seed)
    if path.suffix.lower() not in (".csv", ".npz"):
        raise WorkloadError(f"{path}: a trace must end in .csv or .npz")
    if not path.is_file():
        raise WorkloadError(f"{path}: no such file")
    if path.suffix.lower() == ".npz" and spec.scores is not None:
        raise WorkloadError(f"{path}: it holds its work records, so scores must not be given, got {spec.scores!r}")
    return Case(label, None, path, spec.scores, spec.seed)


def _nested(name: str, value: Any) -> dict[str, Any]:
    """Return the fields of a workload that an axis sets."""
    path = f"schedule.{name.removeprefix(OF_POLICY)}" if name.startswith(OF_POLICY) else name.removeprefix(OF_WORK)
    data: Any = value
    for part in reversed(path.split(".")):
        data = {part: data}
    return dict(data)
