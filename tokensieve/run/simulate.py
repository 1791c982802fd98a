"""One run: decisions priced on an arch, next to the same work un-pruned, and where it all came from."""

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import Any, cast, get_args

from tokensieve import __version__
from tokensieve.arch.errors import ArchError
from tokensieve.arch.machine import Arch
from tokensieve.run.advice import advise
from tokensieve.run.inert import inert_fields
from tokensieve.run.records import records_of
from tokensieve.run.rtl_level import play_selections
from tokensieve.sim.analytic.level import analytic_result, taken_for
from tokensieve.sim.analytic.longrows import seen_in_part
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.reference.price import reference_result
from tokensieve.sim.reference.shared import Shared
from tokensieve.sim.reference.store import Store
from tokensieve.sim.result import SCHEMA_VERSION, Label, Level, Reference, Result
from tokensieve.sim.result_part import figures
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fit import check_fit
from tokensieve.workloads.reference import Kind as ReferenceKind
from tokensieve.workloads.reference import dense_operations

LEVELS: tuple[Level, ...] = get_args(Level)


def run(
    arch: Arch,
    decisions: Decisions,
    *,
    level: str = "cycle",
    reference: str | None = "dense",
    confirm: bool = False,
    advice: bool = False,
    seed: int = 0,
    sets: Sequence[str] = (),
    store: Store | None = None,
    shared: Shared | None = None,
    progress: Callable[[float], None] | None = None,
) -> Result:
    """Return the result of `decisions` on `arch`.

    With `confirm`, the run is also done at another level (`cycle` for `analytic`, `analytic` for the others), and the
    result holds the cycles of both. With `advice`, it says what would make the run faster, for the closed form over
    some twenty machines and three runs at most. `seed` is the one the decisions were completed with, and `sets` are the
    overrides that `arch` was made with, both for the record; nothing is drawn here. References are kept in `store` for
    the next run of the same work, or in `shared` for other machines of this process. `progress` is called with the
    fraction done. Raises `ArchError` for an unknown level, `WorkloadError` where decisions and machine do not fit, and
    at level `rtl` `ToolError` without Verilator and `CheckError` where hardware and law differ.
    """
    if level not in LEVELS:
        raise ArchError(f"level must be one of {', '.join(LEVELS)}, got {level!r}")
    tell = progress or (lambda _: None)
    if reference not in (*get_args(ReferenceKind), None):
        raise ArchError(f"reference must be one of {', '.join(get_args(ReferenceKind))} or None, got {reference!r}")
    kind = cast(ReferenceKind | None, reference)
    check_fit(decisions, arch, str(decisions.meta["model"]))
    began = time.process_time()
    tell(0.0)
    summary, coarse = Summary(decisions), level == "analytic"
    result = analytic_result(arch, decisions, summary=summary) if coarse else cycle_result(arch, decisions)
    tell(0.3 if reference else 1.0)
    un_pruned_run = shared.result if shared else partial(reference_result, store=store)
    beside = un_pruned_run(arch, decisions, kind, level) if kind else None
    told = advise(arch, decisions, result, None if coarse else cycle_result, summary) if advice else None
    tell(1.0)
    un_pruned = beside.operations["effective"] if beside else dense_operations(decisions)
    played = play_selections(arch, decisions, seed) if level == "rtl" else None
    return replace(
        result,
        level=level,
        advice=told,
        level_cycles=_level_cycles(arch, decisions, level, result) if confirm else None,
        operations={"effective": result.operations["effective"], "dense_equivalent": un_pruned},
        reference=_reference(kind, beside) if kind and beside else None,
        inert=inert_fields(arch, decisions),
        labels=(played.labels if played else {}) | _labels(decisions),
        provenance=_provenance(arch, decisions, level, seed, sets, time.process_time() - began)
        | ({"rtl": played.as_object()} if played else {}),
    )


def _level_cycles(arch: Arch, decisions: Decisions, level: str, result: Result) -> dict[str, int]:
    """Return the cycles at two levels, the coarser one first."""
    own = result.cycles["total"]
    if level == "analytic":
        return {level: own, "cycle": cycle_result(arch, decisions).cycles["total"]}
    return {"analytic": analytic_result(arch, decisions).cycles["total"], level: own}


def _reference(kind: ReferenceKind, beside: Result) -> Reference:
    return Reference(
        kind=kind,
        cycles=beside.cycles["total"],
        dram_bytes=beside.traffic.dram_bytes["total"],
        energy_j=beside.energy_j["total"],
        layer_cycles=tuple(one.cycles["total"] for one in beside.layers),
        layer_dram_bytes=tuple(one.dram_bytes["total"] for one in beside.layers),
    )


def _labels(decisions: Decisions) -> dict[str, Label]:
    """Return how each group of numbers was obtained. Level `rtl` adds what its RTL verifies, except what is assumed."""
    labels: dict[str, Label] = dict.fromkeys(figures(Result), "modelled")
    if decisions.meta["source"] == "counts":
        labels |= {"busy_cycles.topk": "assumed", "busy_cycles.ranking": "assumed"}
    return labels


def run_digest(arch: Arch, decisions: Decisions, level: str) -> str:
    """Return SHA-256 over canonical JSON of resolved arch, workload digest, level and schema version."""
    content = {
        "arch": arch.identity,
        "workload": decisions.digest,
        "level": level,
        "schema_version": SCHEMA_VERSION,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _provenance(
    arch: Arch, decisions: Decisions, level: str, seed: int, sets: Sequence[str], cpu: float
) -> dict[str, Any]:
    meta = decisions.meta
    closed = level == "analytic"
    rough = taken_for(arch, decisions) if closed else []
    return {
        "tokensieve": __version__,
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "numba": version("numba"),
        "digest": run_digest(arch, decisions, level),
        "arch": arch.name,
        "arch_digest": arch.digest,
        "set": list(sets),
        "machine": arch.model_dump(mode="json") | {"technology": os.path.basename(arch.technology)},
        "technology": os.path.basename(arch.technology),
        "workload": meta["model"],
        "workload_digest": decisions.digest,
        "decisions": meta["source"],
        "records": records_of(decisions),
        "licence": meta["licence"],
        "text_sha256": meta["text_sha256"],
        "seed": seed,
        "assumed": [*meta["assumed"], *rough, *(seen_in_part(decisions) if closed else ())],
        **({"rough": rough} if rough else {}),
        "times": {
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "cpu_s": round(cpu, 3),
        },
    }
