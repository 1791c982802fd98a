"""Cycles in which each unit works, of every design of a batch."""

import numpy as np

from tokensieve.sim.analytic.batch import F64, Batch
from tokensieve.sim.analytic.estimate import Detail
from tokensieve.sim.analytic.summary import Summary


def busy_cycles(summary: Summary, batch: Batch, one: Detail) -> dict[str, F64]:
    """Return the cycles in which each unit works, shape (designs,); of DRAM, the mean over the data buses."""
    s, dram = one.stages, one.actions["dram"]
    dims = {name: batch.column(f"dram.{name}") for name in ("nBL", "channels", "pseudo_channels", "tCK_ps")}
    bursts = dram["read_granule"] + dram["write_granule"]
    clocks = bursts * dims["nBL"] / (dims["channels"] * dims["pseudo_channels"])
    passes = s.soft * s.queries
    engine = s.queries * (s.engaged * (s.load_cycles + s.pipe.turnaround) + s.search)
    decided = summary.by_row(summary.work.queries * summary.work.decide)[:, None]
    return {
        "dram": np.minimum(clocks * dims["tCK_ps"] * batch.column("clock.mhz") * 1e-6, one.end[0]),
        "fetcher": one.actions["fetcher"]["request"] / batch.column("fetcher.ports"),
        "qk": one.actions["key_sram"]["read_line"],
        "softmax": (passes * (1 + s.again)).sum(axis=0),
        "requant": (s.soft * (decided + s.again * s.queries)).sum(axis=0),
        "topk": engine.sum(axis=0),
        "pv": one.actions["value_sram"]["read_line"],
        "ranking": (np.maximum(s.token_rank, 0) + np.maximum(s.head_rank, 0)).sum(axis=0),
        "importance": passes.sum(axis=0),
    }
