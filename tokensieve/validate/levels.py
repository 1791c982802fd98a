"""How far level `analytic` is from level `cycle`: over many machines, on beginnings of workloads."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.sim.analytic.batch import Designs
from tokensieve.sim.analytic.estimate import estimate
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.workloads.complete import complete
from tokensieve.workloads.decisions import Decisions, WorkRecords
from tokensieve.workloads.layout import ARRAYS
from tokensieve.workloads.workload import workload_from

F64 = npt.NDArray[np.float64]

BERT_LAYER: dict[str, Any] = {
    "model": "bert-base",
    "layers": 1,
    "phase": "prefill",
    "context": 384,
    "schedule": {
        "interpolation": "list", "token": 1, "value": 0.5,
        "bits": {"query": 12, "key": 8, "value": 8, "lsb": 0},
    },
}  # fmt: skip
"""One layer of BERT-Base at L = 384 that keeps every second value."""


@dataclass(frozen=True)
class Deviations:
    """Both levels on the same machines, shape (machines,)."""

    analytic_cycles: F64
    cycle_cycles: F64
    analytic_joules: F64
    cycle_joules: F64
    least_cycles: F64
    """Lower bound of the cycles: DRAM bytes at peak, lines of Q x K, lines of Prob x V, whichever takes longest."""

    @property
    def cycles(self) -> F64:
        """Error of the cycles, as a share of those of level `cycle`."""
        return self.analytic_cycles / self.cycle_cycles - 1

    @property
    def energy(self) -> F64:
        """Error of the energy."""
        return self.analytic_joules / self.cycle_joules - 1

    def some(self, which: npt.NDArray[np.bool_]) -> "Deviations":
        """Return those of the machines that `which`, of shape (machines,), marks."""
        return Deviations(**{one.name: getattr(self, one.name)[which] for one in fields(self)})


def deviations(machines: Sequence[Arch], decisions: Decisions) -> Deviations:
    """Return what both levels say of `decisions` on each machine."""
    coarse = estimate(Summary(decisions), Designs(machines), allow_rough=True)
    fine = [cycle_result(machine, decisions) for machine in machines]
    least = [
        max(
            one.traffic.dram_bytes["total"] / arch.dram.peak_gb_per_s * arch.clock.mhz * 1e-3,
            one.busy_cycles["qk"],
            one.busy_cycles["pv"],
        )
        for arch, one in zip(machines, fine, strict=True)
    ]
    return Deviations(
        analytic_cycles=coarse.cycles["total"],
        cycle_cycles=np.array([one.cycles["total"] for one in fine], np.float64),
        analytic_joules=coarse.energy_j["total"],
        cycle_joules=np.array([one.energy_j["total"] for one in fine]),
        least_cycles=np.array(least),
    )


def rank_correlation(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Return Spearman's rank correlation; equal values share the mean of their ranks.

    >>> round(rank_correlation([1, 2, 3, 4], [10, 30, 20, 40]), 3)
    0.8
    """
    return float(np.corrcoef(_ranks(np.asarray(a)), _ranks(np.asarray(b)))[0, 1])


def _ranks(values: npt.NDArray[Any]) -> F64:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    mean: F64 = np.cumsum(count) - (count - 1) / 2
    return mean[place]


def bert_layer(arch: Arch, seed: int = 0) -> Decisions:
    """Return the decisions of `BERT_LAYER`."""
    return complete(workload_from(BERT_LAYER, source="bert-layer").counts(), arch.topk, seed)


def beginning(decisions: Decisions, count: int) -> Decisions:
    """Return the first `count` steps of decode, or the first `count` layers of prefill, whose schedule is left out."""
    decode = decisions.phase == "decode"
    groups = count * decisions.layers if decode else count
    rows = int(np.searchsorted(decisions.row_group, groups))
    queries = int(decisions.query_ptr[rows])
    length = {"row_index": rows, "context": rows, "keys_kept": rows, "queries": rows, "query_ptr": rows + 1,
              "values_kept": queries, "lsb_refetch": queries, "topk_token_count": groups,
              "topk_head_count": groups}  # fmt: skip
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(decisions, name)[:size] for name, size in length.items()}
    shared = None if decisions.value_list is None else decisions.value_list[:queries]
    lists = queries if shared is None else int(shared.max(initial=-1)) + 1
    for name, ends, size in (("value_ids", "value_ptr", lists), ("token_ids", "token_ptr", groups)):
        part = decisions.ragged(name).first(size)
        arrays |= {name: part.flat, ends: part.ptr}
    records = {
        kind: WorkRecords(local=one.local.first(queries), token=one.token.first(groups), head=one.head.first(groups))
        for kind, one in decisions.records.items()
    }
    alive = decisions.heads_alive[:count] if decode else decisions.heads_alive[:, :count]
    bits = {
        tensor: value if np.ndim(value) == 0 else list(value)[:rows] for tensor, value in decisions.meta["bits"].items()
    }
    meta = {**decisions.meta, "bits": bits, "steps" if decode else "layers": count}
    if count < decisions.layers and not decode:
        meta["schedule"] = None
    assert set(arrays) | {"heads_alive"} == set(ARRAYS)
    parts: dict[str, Any] = {**arrays, "heads_alive": alive}
    return Decisions(meta=meta, records=records, value_list=shared, **parts)
