"""The named workloads: the paper's 30 benchmarks and the shipped traces."""

from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from tokensieve.arch.errors import WorkloadError, nearest
from tokensieve.arch.machine import Arch
from tokensieve.arch.yamlio import parse_yaml
from tokensieve.workloads.complete import check_context, complete
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.size import check_size
from tokensieve.workloads.traces import default_trace, load_trace, local_trace
from tokensieve.workloads.workload import Workload, placed_problem, read_workload, workload_from

CAPTURED = {"minilm": default_trace, "minilm-values": local_trace}
"""Workloads that are captured traces, and what returns the path of each."""

_SUFFIXES = (".yaml", ".yml")
_ABOUT_FAMILIES = {"models", "lengths", "tasks"}


@cache
def _benchmarks() -> dict[str, Workload]:
    source = "benchmarks.yaml"
    text = (resources.files("tokensieve.workloads") / "data" / source).read_text(encoding="utf-8")
    families, _ = parse_yaml(text, source, WorkloadError)
    return {w.name: w for family in families.values() for w in _members(family)}


def _members(family: dict[str, Any]) -> Iterator[Workload]:
    """Yield one workload per model and task of a family."""
    common = {key: value for key, value in family.items() if key not in _ABOUT_FAMILIES}
    for model in family["models"]:
        for task, own in family["tasks"].items():
            assumed = list(common["assumed"])
            if "context" in own:
                assumed.insert(0, f"{own['context']} tokens: {family['lengths']}")
            data = common | own | {"name": f"{model}-{task}", "model": model, "assumed": assumed}
            yield workload_from(data, source="benchmarks.yaml")


def benchmark_names() -> list[str]:
    """Return the names of the paper's benchmarks."""
    return list(_benchmarks())


def workload_names() -> list[str]:
    """Return the names of the workloads that ship with the package."""
    return [*_benchmarks(), *CAPTURED]


def find_workload(name: str) -> Workload:
    """Return the benchmark called `name`, or the workload in the YAML file `name`."""
    if name in _benchmarks():
        return _benchmarks()[name]
    if name.endswith(_SUFFIXES) or "/" in name or Path(name).is_file():
        return read_workload(name)
    known = workload_names()
    hint = nearest(name, known) or "; 'tokensieve workloads' lists them"
    raise WorkloadError(f"workload must be a named one or a YAML file, got {name!r}{hint}")


def load_workload(name: str, arch: Arch, seed: int = 0, scores: str | None = None, force: bool = False) -> Decisions:
    """Return the decisions of the workload called `name` (or in the YAML file `name`).

    A benchmark holds counts only; ids and work records are completed by rule, from `seed`. `scores` names the
    distribution that the records are drawn from, by default the nearest to captured traces; it is refused where records
    are captured. Work above the bounds of `tokensieve.workloads.size` is refused unless `force` asks for it.
    """
    if name in CAPTURED:
        return load_trace(CAPTURED[name](), arch, seed, scores, force)
    workload = find_workload(name)
    try:
        check_context(workload.longest, arch.topk)
        check_size(workload.size, "it asks for", force)
        return complete(workload.counts(), arch.topk, seed, scores)
    except WorkloadError as problem:
        raise placed_problem(name, problem) from None
