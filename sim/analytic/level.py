"""From decisions to a `Result` at level `analytic`, for one machine."""

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.sim.analytic.batch import F64, Designs
from tokensieve.sim.analytic.costs import fetches
from tokensieve.sim.analytic.estimate import Detail, detail
from tokensieve.sim.analytic.stages import Stages
from tokensieve.sim.analytic.stretch import alike
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.assemble import assemble, bytes_by_tensor
from tokensieve.sim.result import CAUSES, Result, Traffic
from tokensieve.workloads.decisions import Decisions


def analytic_result(arch: Arch, decisions: Decisions, un_pruned: bool = False) -> Result:
    """Return an estimate of what `decisions` cost on `arch`, without reference and provenance.

    With `un_pruned`, the decisions are a dense reference. Raises `WorkloadError` where they do not fit the machine.
    """
    summary = Summary(decisions, un_pruned)
    one = detail(summary, Designs([arch]), causes=True)
    total = int(one.end[0, 0])
    granules = _granules(summary, one.stages)
    return assemble(
        "analytic",
        arch,
        summary.work,
        causes=whole(one.end[1:, 0], total).reshape(-1, len(CAUSES)),
        granules=granules,
        busy_cycles=_busy_cycles(arch, summary, one, total),
        traffic=Traffic(
            vectors=_vectors(summary, one.stages),
            lsb_rows=int(summary.lsb_rows.sum()),
            dram_bytes=bytes_by_tensor(arch, granules.sum(axis=0)),
        ),
        actions=_actions(one),
    )


def taken_for(arch: Arch) -> list[str]:
    """Return a sentence for each field of `arch` that the closed form takes for less than it is (docs: levels.md)."""
    if arch.dram.channels == 1 or alike(arch.dram):
        return []
    return [
        f"level analytic plays few rows of each layer on dram.mapping {arch.dram.mapping}, where consecutive granules "
        "share a channel: others may fall on other channels, and its cycles be far off"
    ]


def whole(parts: F64, total: int) -> np.ndarray:
    """Return `parts` as whole numbers that add up to `total`; what is below zero counts as nothing.

    >>> whole(np.array([1.4, 0.0, 2.4]), 4).tolist()
    [1, 0, 3]
    """
    sums = np.cumsum(np.maximum(parts, 0))
    edges = np.rint(sums * (total / max(sums[-1], 1e-9))).astype(np.int64)
    return np.diff(edges, prepend=0)


def _actions(one: Detail) -> dict[str, dict[str, int]]:
    """Return how often each unit did what."""
    return {unit: {name: round(float(n[0])) for name, n in counts.items()} for unit, counts in one.actions.items()}


def _granules(summary: Summary, s: Stages) -> np.ndarray:
    """Return granules by layer and tensor, as level `cycle` counts them."""
    moved = np.stack([s.memory.granules[i][:, 0] * rows[:, 0] for i, rows in enumerate(fetches(summary, s))], axis=1)
    table = np.zeros((summary.work.layers, moved.shape[1]))
    np.add.at(table, summary.layer, moved)
    return np.rint(table).astype(np.int64)


def _vectors(summary: Summary, s: Stages) -> dict[str, int]:
    """Return the vectors of K and V fetched, both heads of a pair counted."""
    work, blocks = summary.work, s.blocks[:, 0]
    keys = summary.by_row(work.keys)
    values = summary.by_row(np.where(work.values_early, work.keys, work.values[work.query_ptr[:-1]]))
    return {"key": round(float((keys * blocks).sum())), "value": round(float((values * blocks).sum()))}


def _busy_cycles(arch: Arch, summary: Summary, one: Detail, total: int) -> dict[str, int]:
    """Return the cycles in which each unit works; of DRAM, the mean over the data buses."""
    s, dram, dims = one.stages, one.actions["dram"], arch.dram
    bursts = (dram["read_granule"] + dram["write_granule"])[0]
    clocks = bursts * dims.nBL / (dims.channels * dims.pseudo_channels)
    passes = s.soft * s.queries
    engine = s.queries * (s.engaged * (s.load_cycles + s.pipe.turnaround) + s.search)
    decided = summary.by_row(summary.work.queries * summary.work.decide)[:, None]
    cycles = {
        "dram": min(clocks * dims.tCK_ps * arch.clock.mhz * 1e-6, total),
        "fetcher": one.actions["fetcher"]["request"][0] / arch.fetcher.ports,
        "qk": one.actions["key_sram"]["read_line"][0],
        "softmax": (passes * (1 + s.again)).sum(),
        "requant": (s.soft * (decided + s.again * s.queries)).sum(),
        "topk": engine.sum(),
        "pv": one.actions["value_sram"]["read_line"][0],
        "ranking": np.maximum(s.token_rank, 0).sum() + np.maximum(s.head_rank, 0).sum(),
        "importance": passes.sum(),
    }
    return {unit: round(float(n)) for unit, n in cycles.items()}
