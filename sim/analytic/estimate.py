"""Level `analytic` on whole batches: cycles, DRAM bytes and energy of every design, in arrays."""

from dataclasses import dataclass

import numpy as np

from tokensieve.sim.analytic.batch import F64, Batch
from tokensieve.sim.analytic.costs import Actions, actions, energies
from tokensieve.sim.analytic.rough import refuse_rough
from tokensieve.sim.analytic.stages import Stages, stages
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.analytic.walk import walk

_TOGETHER = 1 << 16
"""Designs times groups that are worked on at a time: few enough for the cache."""


@dataclass(frozen=True)
class Estimate:
    """Figures of every design of a batch, shape (designs,)."""

    cycles: F64
    seconds: F64
    dram_bytes: F64
    energy_j: F64


@dataclass(frozen=True)
class Detail:
    """All that is known of some designs."""

    stages: Stages
    end: F64
    """The end of the run, an event of `paths`: its cycle, and cycles by layer and cause where these were asked for."""

    seconds: F64
    actions: Actions
    energy_j: dict[str, F64]


def estimate(summary: Summary, batch: Batch, allow_rough: bool = False) -> Estimate:
    """Return cycles, DRAM bytes and energy of `summary` on every design of `batch`.

    Raises `WorkloadError` where the work does not fit a machine, naming the first, and an error of `refuse_rough` where
    the closed form takes something for something else, unless `allow_rough`.
    """
    refuse_rough(summary, batch, allow_rough)
    step = max(1, _TOGETHER // max(len(summary.groups), 1))
    parts = [_estimate(summary, batch.part(low, low + step)) for low in range(0, len(batch), step)]
    return Estimate(*(np.concatenate(figures) for figures in zip(*parts, strict=True)))


def _estimate(summary: Summary, batch: Batch) -> tuple[F64, F64, F64, F64]:
    one = detail(summary, batch)
    dram = one.actions["dram"]
    moved = (dram["read_granule"] + dram["write_granule"]) * batch.column("dram.granule_bytes")
    return one.end[0], one.seconds, moved, np.sum(list(one.energy_j.values()), axis=0)


def detail(summary: Summary, batch: Batch, causes: bool = False) -> Detail:
    """Return all figures of every design of a small batch, by layer and cause if `causes`."""
    s = stages(summary, batch)
    end = walk(s, summary.layer, summary.work.layers, causes)
    end[0] = np.ceil(end[0])
    seconds = end[0] / (batch.column("clock.mhz") * 1e6)
    counts = actions(summary, batch, s, end[0] / s.memory.cycles_per_clock)
    return Detail(s, end, seconds, counts, energies(batch, counts, seconds))
