"""One machine beside others on the same work: un-pruned references, A3, MNNFast, rooflines, and measured processors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

import numpy as np

from tokensieve import __version__
from tokensieve.arch.device import Device
from tokensieve.arch.errors import ArchError, nearest
from tokensieve.arch.machine import Arch
from tokensieve.sim.comparators.a3 import Search, a3_cost
from tokensieve.sim.comparators.base import Cost, DenseRows, dense_rows
from tokensieve.sim.comparators.mnnfast import mnnfast_cost
from tokensieve.sim.comparators.roofline import roofline_cost
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.reference.price import reference_result
from tokensieve.sim.reference.store import Store
from tokensieve.sim.result import Result, ratio
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fit import check_fit
from tokensieve.workloads.pairs import Pairs, shipped_pairs, taken
from tokensieve.workloads.reference import BITS, Kind

SCHEMA_VERSION = 1

DENSE_KINDS = get_args(Kind)
A3_STEPS = {"a3": 2, "a3-aggressive": 8}
"""Keys for one step of A3's greedy search: M = n / 2 and n / 8."""

COMPARATORS = (*A3_STEPS, "mnnfast", *DENSE_KINDS)
"""Names of the accelerators that a machine can be compared with."""

DEFAULT = ("a3", "mnnfast", "dense", "dense-int8", "fp32")

DENSE_NOTE = "un-pruned, the same datapath: what has {} bits are Q, K and V in DRAM, not the multipliers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A machine and those that it is compared with."""

    arch: Arch
    decisions: Decisions
    ours: Cost
    others: tuple[Cost, ...]

    def speedup(self, other: Cost) -> float:
        """Return how many times as fast as `other` the machine is."""
        return other.seconds / self.ours.seconds

    def energy_saving(self, other: Cost) -> float | None:
        """Return how many times the machine's energy `other` takes, or None where that is not known."""
        return ratio(other.energy_j, self.ours.energy_j or 0.0) if other.energy_j else None

    def to_dict(self) -> dict[str, Any]:
        """Return what --json prints."""
        return {
            "schema_version": SCHEMA_VERSION,
            "tokensieve": __version__,
            "arch": self.arch.name,
            "arch_digest": self.arch.digest,
            "workload": self.decisions.meta["model"],
            "workload_digest": self.decisions.digest,
            "operations": self.ours.operations,
            "assumed": list(self.decisions.meta["assumed"]),
            "rows": [self._row(one) for one in (self.ours, *self.others)],
        }

    def _row(self, one: Cost) -> dict[str, Any]:
        return {
            "name": one.name,
            "cycles": one.cycles,
            "seconds": one.seconds,
            "dram_bytes": one.dram_bytes,
            "energy_j": one.energy_j,
            "energy_j_interval": None if one.energy_j_interval is None else list(one.energy_j_interval),
            "area_mm2": one.area_mm2,
            "gop_per_s": one.gops,
            "gop_per_j": one.gops_per_watt,
            "gop_per_s_mm2": one.gops_per_mm2,
            "speedup": self.speedup(one),
            "energy_saving": self.energy_saving(one),
            "busy_cycles": None if one.busy_cycles is None else dict(one.busy_cycles),
            "label": one.label,
            "notes": list(one.notes),
        }


def compare(
    arch: Arch,
    decisions: Decisions,
    against: Sequence[str] = DEFAULT,
    devices: Iterable[Device] = (),
    pairs: Pairs | None = None,
    measured: Iterable[Cost] = (),
    store: Store | None = None,
) -> Comparison:
    """Return `decisions` on `arch` beside the same work, un-pruned, on the accelerators named in `against`.

    `pairs` are counts of what A3 and MNNFast look at (default: the shipped ones); `devices` are compared by their
    rooflines, and `measured` costs are taken as they are. `store` keeps un-pruned references. Raises `ArchError` for an
    unknown name and `WorkloadError` where decisions and machine do not fit.
    """
    for name in against:
        if name not in COMPARATORS:
            raise ArchError(f"against must be of {', '.join(COMPARATORS)}, got {name!r}{nearest(name, COMPARATORS)}")
    check_fit(decisions, arch, str(decisions.meta["model"]))
    rows, counted = dense_rows(decisions), pairs or shipped_pairs()
    others = [_other(name, arch, decisions, rows, counted, store) for name in dict.fromkeys(against)]
    others += [roofline_cost(device, rows) for device in devices]
    ours = _of_result(arch.name, cycle_result(arch, decisions), rows.operations, ())
    return Comparison(arch=arch, decisions=decisions, ours=ours, others=(*others, *measured))


def _other(name: str, arch: Arch, decisions: Decisions, rows: DenseRows, pairs: Pairs, store: Store | None) -> Cost:
    if name in DENSE_KINDS:
        return dense_on(arch, decisions, cast(Kind, name), rows.operations, store)
    if name == "mnnfast":
        return mnnfast_on(arch, decisions, rows, pairs)
    return a3_on(arch, decisions, rows, pairs, name)


def dense_on(arch: Arch, decisions: Decisions, kind: Kind, operations: int, store: Store | None = None) -> Cost:
    """Return the cost of the un-pruned reference of `decisions` on `arch` itself."""
    result = reference_result(arch, decisions, kind, store=store)
    return _of_result(kind, result, operations, (DENSE_NOTE.format(BITS[kind]),))


def a3_on(arch: Arch, decisions: Decisions, rows: DenseRows, pairs: Pairs, name: str = "a3") -> Cost:
    """Return the cost of the un-pruned work on A3 units; in decode on their base design."""
    if not rows.prefill:
        return a3_cost(arch, rows, None, name)
    keys, prefix = rows.keys_of_queries, name.replace("-", "_")
    candidates = taken(pairs, f"{prefix}_candidates", decisions, keys)
    used = taken(pairs, f"{prefix}_used", decisions, keys)
    steps = np.maximum(keys // A3_STEPS[name], 1)
    found = Search(steps=steps, candidates=candidates.counts, used=np.minimum(used.counts, candidates.counts))
    return _labelled(a3_cost(arch, rows, found, name), candidates.assumed, used.assumed)


def mnnfast_on(arch: Arch, decisions: Decisions, rows: DenseRows, pairs: Pairs) -> Cost:
    """Return the cost of the un-pruned work on MNNFast's dataflow."""
    used = taken(pairs, "mnnfast_used", decisions, rows.keys_of_queries)
    return _labelled(mnnfast_cost(arch, rows, used.counts), used.assumed)


def _labelled(cost: Cost, *assumed: str | None) -> Cost:
    """Return `cost` with what was assumed of its decisions."""
    told = tuple(f"assumed: {one}" for one in assumed if one)
    return replace(cost, label="assumed" if told else cost.label, notes=cost.notes + told)


def _of_result(name: str, result: Result, operations: int, notes: tuple[str, ...]) -> Cost:
    return Cost(
        name=name,
        seconds=result.seconds,
        operations=operations,
        dram_bytes=result.traffic.dram_bytes["total"],
        cycles=result.cycles["total"],
        energy_j=result.energy_j["total"],
        energy_j_interval=result.energy_j_interval,
        area_mm2=result.area_mm2["total"],
        busy_cycles=result.busy_cycles,
        notes=notes,
    )
