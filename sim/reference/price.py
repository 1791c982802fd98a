"""What the reference of decisions costs, from the store where the same has been asked before."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import load_technology
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.reference.store import Store
from tokensieve.sim.reference.version import model_version
from tokensieve.sim.result import LayerResult, Result, Traffic
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.reference import Kind, dense

_TUPLES = ("energy_j_interval", "area_mm2_interval")


def reference_result(
    arch: Arch, decisions: Decisions, kind: Kind = "dense", level: str = "cycle", store: Store | None = None
) -> Result:
    """Return what the reference of `decisions` costs on `arch`, without provenance.

    `level` is `analytic`, or `cycle` for all others. With a `store`, the result of the same work on the same machine by
    the same version of the model is taken from there, and is the same to the last bit; else it is put there.
    """
    work = dense(decisions, kind)
    price = analytic_result if level == "analytic" else cycle_result
    key = _key(arch, work, "analytic" if level == "analytic" else "cycle") if store else None
    if store is None or key is None:
        return price(arch, work, un_pruned=True)
    kept = store.get(key)
    if kept is not None:
        return _restored(kept)
    result = price(arch, work, un_pruned=True)
    store.put(key, asdict(result))
    return result


def _key(arch: Arch, work: Decisions, level: str) -> str | None:
    """Return the digest of all that the figures come from, or None where the model's version cannot be told.

    Of the machine that is every field: energy and area rest on units that a reference never uses.
    """
    model = model_version()
    if model is None:
        return None
    content = {
        "model": model,
        "arch": arch.identity,
        "technology": load_technology(arch.technology).digest,
        "work": work.digest,
        "level": level,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _restored(kept: dict[str, Any]) -> Result:
    layers = tuple(LayerResult(**one) for one in kept["layers"])
    pairs = {name: tuple(kept[name]) for name in _TUPLES}
    return Result(**{**kept, "layers": layers, "traffic": Traffic(**kept["traffic"]), **pairs})
