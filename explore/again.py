"""Whether a stored point can be computed anew, from what, and whether the same comes out."""

import hashlib
import json
from collections.abc import Mapping
from math import isclose
from pathlib import Path

from tokensieve.arch.base import build
from tokensieve.arch.errors import ArchError, CheckError, StoreError
from tokensieve.arch.machine import Arch
from tokensieve.arch.presets import apply_sets
from tokensieve.arch.reading import MOST_ARRAYS, read_bytes
from tokensieve.explore.columns import Value, totals_of
from tokensieve.explore.store_reader import Reader
from tokensieve.explore.stored import Base, Point, Work
from tokensieve.sim.reference.version import model_version
from tokensieve.sim.result import Result
from tokensieve.workloads.benchmarks import CAPTURED
from tokensieve.workloads.complete import complete
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.traces import load_trace
from tokensieve.workloads.workload import workload_from

EXACT = ("cycles.total", "area_mm2.", "operations.", "reference.")
"""Beginnings of the names that a batch computes as a run does."""

ADDED = 1e-9
"""Relative distance that sums have which were added in another order."""

ROUNDED = 5e-3
"""Distance of all other figures, as a share of the total of their group. A run rounds cycles, granules and actions
layer by layer, a batch for all layers at once: up to a cycle a layer, which takes 300 and more."""


def check_version(store: Reader, point: Point) -> None:
    """Raise `StoreError` where another version of the cycle model than the one that runs made `point`."""
    made, runs = store.origin_of(point)["model"], model_version()
    if made != runs:
        raise StoreError(
            f"point {point.id} was made by version {made[:12]} of the cycle model, and {str(runs)[:12]} runs: what it "
            "computes is another result; sweep again, or use the version that made it"
        )


def machine_of(base: Base, point: Point) -> tuple[Arch, list[str]]:
    """Return the machine of a point, and its overrides as `--set` takes them.

    Raises `StoreError` where there is no such machine any more.
    """
    own = point.overrides.items()
    sets = [f"{path}={value if isinstance(value, str) else json.dumps(value)}" for path, value in own]
    try:
        return build(Arch, apply_sets(base.arch, sets), ArchError), sets
    except ArchError as problem:
        raise StoreError(f"point {point.id}: is no machine of this version: {problem}") from None


def decisions_of(work: Work, machine: Arch, trace: Path | None = None) -> Decisions:
    """Return what a point was priced on; a trace that does not ship is read from `trace`, or from where it was.

    Raises `StoreError` where the file of a trace is not there, or is another one.
    """
    data = work.data
    seed, scores = data.get("seed", 0), data.get("scores")
    if "workload" in data:
        return complete(workload_from(data["workload"]).counts(), machine.topk, seed, scores)
    shipped = [made() for made in CAPTURED.values()]
    for path in (trace or Path(work.name), *shipped):
        if path.is_file() and _is_trace(path, work):
            return load_trace(path, machine, seed, scores)
    told = "is not there" if trace is None else f"is not {trace}"
    raise StoreError(f"{work.name}: the trace with SHA-256 {data['trace'][:12]}... {told}; name its file with --trace")


def check_trace(work: Work, trace: Path) -> None:
    """Raise `StoreError` where `trace` is not the file that points were priced on."""
    if "trace" not in work.data:
        raise StoreError(f"--trace must not be given, as the point was priced on the workload {work.name}, got {trace}")
    if not _is_trace(trace, work):
        told = f"its SHA-256 begins with {work.data['trace'][:12]}"
        raise StoreError(f"--trace must be the trace {work.name} that the point was priced on ({told}), got {trace}")


def _is_trace(path: Path, work: Work) -> bool:
    digest = hashlib.sha256(read_bytes(path, StoreError, MOST_ARRAYS)).hexdigest()
    return digest == str(work.data["trace"])


def check_same(point: Point, result: Result) -> None:
    """Raise `CheckError` where a total of `point` is another one in `result`, beyond how a batch rounds.

    `bottleneck` is not compared: of two causes that are as large, rounding may make either the larger one. Neither are
    columns that a result does not have, such as `fpga.lut`.
    """
    fresh = totals_of(result)
    for name, value in (point.totals or {}).items():
        if value is not None and name in fresh and name != "bottleneck" and not _same(name, value, fresh):
            raise CheckError(f"point {point.id}: {name} is {value} in the store, and {fresh[name]} computed anew")


def _same(name: str, value: Value, fresh: Mapping[str, Value]) -> bool:
    anew = fresh[name]
    if not isinstance(value, int | float) or not isinstance(anew, int | float):
        return value == anew
    if name.startswith(EXACT):
        return isclose(value, anew, rel_tol=ADDED)
    total = fresh.get(f"{name.rpartition('.')[0]}.total", anew)
    return abs(value - anew) <= ROUNDED * float(total or 0)
