"""Level `analytic` on whole batches: cycles by cause, DRAM bytes, energy and area by unit of every design."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokensieve.sim.analytic.batch import F64, Batch
from tokensieve.sim.analytic.closeblocks import followed_blocks
from tokensieve.sim.analytic.closeup import followed
from tokensieve.sim.analytic.costs import Actions, Counts, actions, areas, counts, energies
from tokensieve.sim.analytic.rough import refuse_rough
from tokensieve.sim.analytic.stages import Stages, stages
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.analytic.walk import walk
from tokensieve.sim.assemble import bottleneck
from tokensieve.sim.result import CAUSES

_TOGETHER, _DESIGNS = 1 << 17, 1 << 13
"""Designs times groups that are worked on at a time, and the most designs: the fastest of some that were tried."""

Named = dict[str, F64]


@dataclass(frozen=True)
class Estimate:
    """Figures of every design of a batch, shape (designs,), under the names that they have in `result.json`."""

    seconds: F64
    cycles: Named
    """By cause, and their `total`."""

    dram_bytes: F64
    energy_j: Named
    area_mm2: Named
    """By unit, and their `total`."""

    bottleneck: npt.NDArray[np.str_]


@dataclass(frozen=True)
class Detail:
    """All that is known of some designs."""

    stages: Stages
    end: F64
    """The end of the run, an event of `paths`: its cycle, and cycles by cause, or by layer and cause."""

    seconds: F64
    actions: Actions
    energy_j: Named
    area_mm2: Named


def estimate(summary: Summary, batch: Batch, allow_rough: bool = False) -> Estimate:
    """Return the figures of `summary` on every design of `batch`.

    Raises `WorkloadError` where the work does not fit a machine, naming the first, and an error of `refuse_rough` where
    the closed form takes something for something else, unless `allow_rough`.
    """
    refuse_rough(summary, batch, allow_rough)
    step, known = max(1, min(_DESIGNS, _TOGETHER // max(len(summary.groups), 1))), counts(summary)
    some = (batch.part(low, low + step) for low in range(0, len(batch), step))
    parts = [_estimate(summary, part, detail(summary, part, known=known)) for part in some]
    return Estimate(
        seconds=np.concatenate([one.seconds for one in parts]),
        cycles=_joined([one.cycles for one in parts]),
        dram_bytes=np.concatenate([one.dram_bytes for one in parts]),
        energy_j=_joined([one.energy_j for one in parts]),
        area_mm2=_joined([one.area_mm2 for one in parts]),
        bottleneck=np.concatenate([one.bottleneck for one in parts]),
    )


def _joined(parts: list[Named]) -> Named:
    return {name: np.concatenate([one[name] for one in parts]) for name in parts[0]}


def _estimate(summary: Summary, batch: Batch, one: Detail) -> Estimate:
    dram = one.actions["dram"]
    cycles = dict(zip(CAUSES, whole(one.end[1:], one.end[0]), strict=True))
    addressed = one.actions["fetcher"]["request"] / batch.column("fetcher.ports")
    return Estimate(
        seconds=one.seconds,
        cycles={**cycles, "total": one.end[0]},
        dram_bytes=(dram["read_granule"] + dram["write_granule"]) * batch.column("dram.granule_bytes"),
        energy_j=_with_total(one.energy_j),
        area_mm2=_with_total(one.area_mm2),
        bottleneck=bottleneck(cycles, busy_cycles(summary, batch, one), addressed),
    )


def _with_total(parts: Mapping[str, F64]) -> Named:
    return {**parts, "total": np.sum(list(parts.values()), axis=0)}


def detail(summary: Summary, batch: Batch, layers: bool = False, known: Counts | None = None) -> Detail:
    """Return all figures of every design of a small batch, its cycles by cause, or by layer and cause if `layers`.

    `known` are the `counts` of `summary`, if they have been made before.
    """
    s = stages(summary, batch)
    layer, count = (summary.layer, summary.work.layers) if layers else (0 * summary.layer, 1)
    end = walk(s, layer, count, causes=True)
    end[0] = np.ceil(end[0])
    end = followed(summary, batch, s, followed_blocks(summary, batch, s, layer, count, end))
    seconds = end[0] / (batch.column("clock.mhz") * 1e6)
    done = actions(summary, batch, s, end[0] / s.memory.cycles_per_clock, known or counts(summary))
    return Detail(s, end, seconds, done, energies(batch, done, seconds), areas(batch))


def whole(parts: F64, total: F64) -> F64:
    """Return `parts`, shape (parts, designs), as whole numbers that add up to `total`; below zero counts as nothing.

    >>> whole(np.array([[1.4], [0.0], [2.4]]), np.array([4]))[:, 0].tolist()
    [1.0, 0.0, 3.0]
    """
    sums = np.cumsum(np.maximum(parts, 0), axis=0)
    edges = np.rint(sums * (total / np.maximum(sums[-1], 1e-9)))
    return np.diff(edges, axis=0, prepend=0)


def busy_cycles(summary: Summary, batch: Batch, one: Detail) -> Named:
    """Return the cycles in which each unit of every design works; of DRAM, the mean over the data buses."""
    s, dram = one.stages, one.actions["dram"]
    column = {name: batch.column(f"dram.{name}") for name in ("nBL", "channels", "pseudo_channels", "tCK_ps")}
    bursts = dram["read_granule"] + dram["write_granule"]
    clocks = bursts * column["nBL"] / (column["channels"] * column["pseudo_channels"])
    passes = s.soft * s.queries
    engine = s.queries * (s.engaged * (s.load_cycles + s.pipe.turnaround) + s.search)
    decided = summary.by_row(summary.work.queries * summary.work.decide)[:, None]
    cycles = {
        "dram": np.minimum(clocks * column["tCK_ps"] * batch.column("clock.mhz") * 1e-6, one.end[0]),
        "fetcher": one.actions["fetcher"]["request"] / batch.column("fetcher.ports"),
        "qk": one.actions["key_sram"]["read_line"],
        "softmax": (passes * (1 + s.again)).sum(axis=0),
        "requant": (s.soft * (decided + s.again * s.queries)).sum(axis=0),
        "topk": engine.sum(axis=0),
        "pv": one.actions["value_sram"]["read_line"],
        "ranking": np.maximum(s.token_rank, 0).sum(axis=0) + np.maximum(s.head_rank, 0).sum(axis=0),
        "importance": (s.sums * s.queries).sum(axis=0),
    }
    return {unit: np.rint(n) for unit, n in cycles.items()}
