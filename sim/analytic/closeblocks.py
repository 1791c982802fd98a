"""Blocks of queries that fill an SRAM, in a DRAM on which K and V meet: a few of them go through level `cycle`.

`blocks` takes K and V to be as fast beside each other in all their phases. Where that may be wrong and DRAM is waited
for, the cycles between blocks are those that level `cycle` finds for the kinds of groups of `Summary.kinds`; of the
other groups in which the same holds they are as many for a key.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.sim.analytic.batch import F64, Batch, Designs
from tokensieve.sim.analytic.blocks import alone
from tokensieve.sim.analytic.closeup import WAITED_FOR, apart, slowest
from tokensieve.sim.analytic.intervals import intervals
from tokensieve.sim.analytic.stages import Stages, stages
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.analytic.walk import of_group, walk
from tokensieve.sim.cycle.run import run_cycles
from tokensieve.sim.kernels import tables

WAITED_FOR_BY_CHANCE = 0.2
"""Share of the slowest unit's time from which DRAM counts where what meets is left to chance: with one block in an SRAM
its loads and its use take turns."""

APART = 0.2
"""K and V meet where they take longer, or less, beside each other than one after the other by more than this share."""

FEW = 32
"""Or where a window holds at most so many requests, or pages are closed: what meets is left to chance."""

ROWS, BLOCKS = 12, 12
"""Rows of which blocks are run, as each has other banks, and blocks of each."""

LEAST, MOST_BYTES = 16, 1 << 24
"""Fewer blocks tell nothing. K and V of all are at most what level `cycle` sends in a fifth of a second."""


def followed_blocks(
    summary: Summary, batch: Batch, s: Stages, layer: npt.NDArray[np.int64], layers: int, end: F64
) -> F64:
    """Return `end`, what `walk` gives, with the blocks of some designs as level `cycle` finds them."""
    if s.single is not None:
        return end
    meet = _meet(batch, s)
    which = np.flatnonzero(meet.any(axis=0))
    if not len(which):
        return end
    machines = [batch.arch(design) for design in which.tolist()]
    own = stages(summary, Designs(machines))
    found = np.stack([intervals(of_group(own, g)).key_row for g in range(len(summary.groups))])
    held_up = np.ones_like(found)
    for kind in np.unique(summary.kinds).tolist():
        some = summary.kinds == kind
        met, seen = meet[some][:, which], np.zeros(len(which))
        for i in np.flatnonzero(met.any(axis=0)).tolist():
            seen[i] = _between(summary, kind, machines[i], int(np.ceil(own.row_queries[kind, i])))
        of_key = seen / summary.keys[kind] * summary.keys[some, None]
        held_up[some] = np.where(met & (seen > 0), of_key / np.maximum(found[some], 1e-9), 1.0)
    end = end.copy()
    end[:, which] = walk(replace(own, held_up=held_up), layer, layers, causes=True)
    end[0, which] = np.ceil(end[0, which])
    return end


def _meet(batch: Batch, s: Stages) -> npt.NDArray[np.bool_]:
    """Return in which groups of which designs blocks fill an SRAM, wait for DRAM, and meet there."""
    chance = (batch.column("dram.window") <= FEW) | (batch.column("dram.page") == "closed")
    waits = s.dram / slowest(s)
    meet = (waits > WAITED_FOR) & (apart(s) > APART) | (waits > WAITED_FOR_BY_CHANCE) & chance
    return np.asarray(meet & alone(s) & (s.blocks > 1), np.bool_)


def _between(summary: Summary, group: int, arch: Arch, size: int) -> float:
    """Return the cycles between blocks of `size` queries of a group at level `cycle`, past those that fill the buffers.

    0 where too few blocks are run to tell.
    """
    work = summary.work
    rows = np.flatnonzero(work.group == summary.groups[group])[:ROWS]
    of_block = work.keys[rows[0]] * (work.key_bytes[rows[0]] + work.value_bytes[rows[0]])
    most = int(MOST_BYTES // max(of_block, 1))
    if most < LEAST:
        return 0.0
    part = summary.excerpt(int(rows[0]), int(rows[-1]) + 1, min(BLOCKS, max(most // len(rows), 1)) * size)
    out = run_cycles(arch, part.fitted(arch)).plan.query[:, tables.Q_OUT]
    row, place = part.work.query_row, np.arange(len(out)) - part.work.query_ptr[part.work.query_row]
    ends = out[np.flatnonzero(np.diff(row * len(out) + place // size, append=-1))]
    half = len(ends) // 2
    return float((ends[-1] - ends[half]) / (len(ends) - 1 - half)) if len(ends) > half + 2 else 0.0
