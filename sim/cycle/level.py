"""From decisions to a `Result` at level `cycle`."""

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import load_technology
from tokensieve.sim.cost.area import area
from tokensieve.sim.cost.energy import energy
from tokensieve.sim.cycle import count
from tokensieve.sim.cycle.run import CycleRun, run_cycles
from tokensieve.sim.result import CAUSES, LayerResult, Result
from tokensieve.sim.work import RowWork, row_work
from tokensieve.workloads.decisions import Decisions

_BOTTLENECK = {"dram_stall": "dram", "softmax_stall": "softmax", "fill_drain": "pipeline"}


def cycle_result(arch: Arch, decisions: Decisions, un_pruned: bool = False) -> Result:
    """Return what `decisions` cost on `arch`, without reference and provenance.

    With `un_pruned`, the decisions are a dense twin. Raises `WorkloadError` where they do not fit the machine.
    """
    work = row_work(arch, decisions, un_pruned)
    run = run_cycles(arch, work)
    seconds = run.total / (arch.clock.mhz * 1e6)
    technology = load_technology(arch.technology)
    actions = count.actions(arch, work, run)
    spent = energy(arch, technology, actions, seconds)
    silicon = area(arch, technology)
    busy = count.busy_cycles(arch, run)
    causes = dict(zip(CAUSES, run.causes.sum(axis=0).tolist(), strict=True))
    operations = count.operations(work)
    return Result(
        level="cycle",
        seconds=seconds,
        cycles=count.with_total(causes),
        busy_cycles=busy,
        layers=_layers(arch, work, run),
        vectors=count.vectors(run),
        lsb_rows=count.lsb_rows(run),
        dram_bytes=count.dram_bytes(arch, run.granules.sum(axis=0)),
        actions=actions,
        energy_j={**spent.joules, "total": spent.total},
        energy_j_interval=spent.interval,
        area_mm2={**silicon.mm2, "total": silicon.total},
        area_mm2_interval=silicon.interval,
        operations={"effective": operations, "dense_equivalent": operations},
        utilization={unit: cycles / run.total for unit, cycles in busy.items()},
        bottleneck=bottleneck(causes, busy),
    )


def _layers(arch: Arch, work: RowWork, run: CycleRun) -> tuple[LayerResult, ...]:
    """Return the share of each layer; tokens and heads are means over the steps that reach it."""
    steps = np.zeros(work.layers, np.int64)
    np.add.at(steps, np.unique(work.group) % work.layers, 1)
    heads = np.bincount(work.layer, minlength=work.layers)
    tokens = np.bincount(work.layer, work.keys, work.layers)
    return tuple(
        LayerResult(
            layer=layer,
            cycles=count.with_total(dict(zip(CAUSES, run.causes[layer].tolist(), strict=True))),
            tokens=float(tokens[layer] / max(heads[layer], 1)),
            heads=float(heads[layer] / max(steps[layer], 1)),
            dram_bytes=count.dram_bytes(arch, run.granules[layer]),
        )
        for layer in range(work.layers)
    )


def bottleneck(causes: dict[str, int], busy: dict[str, int]) -> str:
    """Return the unit behind the largest cause of critical-path cycles."""
    cause = max(CAUSES, key=lambda c: causes[c])
    if cause == "compute":
        return "qk" if busy["qk"] >= busy["pv"] else "pv"
    if cause == "topk_stall":
        return "topk" if busy["topk"] >= busy["ranking"] else "ranking"
    return _BOTTLENECK[cause]
