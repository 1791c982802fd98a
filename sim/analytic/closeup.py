"""Where K and V meet in DRAM: a few rows are sent through level `cycle`, and the estimate follows what they took.

A stretch tells what K and V take beside each other in one phase. Where that is not what they take one after the other,
all depends on which rows are under way at the same time, and so on every stage and every buffer. There a few rows are
run on both levels, and their quotient is taken for that of all rows of the kind.
"""

import numpy as np
import numpy.typing as npt

from tokensieve.sim.analytic.batch import F64, Batch, Designs
from tokensieve.sim.analytic.paths import DRAM
from tokensieve.sim.analytic.stages import Stages, stages
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.analytic.walk import walk
from tokensieve.sim.cycle.run import run_cycles
from tokensieve.sim.result import CAUSES

APART = {True: 0.05, False: 0.3}
"""K and V meet where they take longer, or less, beside each other than one after the other by more than this share: if
V comes with K, and if it is fetched on demand, beside the K of later rows."""

WAITED_FOR = 0.7
"""And where DRAM takes at least this share of what the slowest unit takes for a row."""

ROWS = (4, 12)
"""Least and most rows of a closeup."""

MOST_BYTES = 1 << 21
"""K and V of a closeup at most: what level `cycle` sends in a tenth of a second."""

I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def followed(summary: Summary, batch: Batch, s: Stages, end: F64) -> F64:
    """Return `end`, an event of every design with cycles by cause, as closeups correct it; the cause is DRAM."""
    quotient = np.ones(len(batch))
    for early in APART:
        part = _part(summary, early)
        if part is None:
            continue
        which = np.flatnonzero(_meet(summary, s, early))
        if len(which):
            quotient[which] += _share(summary, s, early)[which] * (_quotients(part, batch, which) - 1)
    changed = np.flatnonzero(quotient != 1)
    if not len(changed):
        return end
    end = end.copy()
    total = np.maximum(end[0] * quotient, _least(s, batch))[changed]
    end[:, changed] = _booked(end[:, changed], np.ceil(total))
    return end


def _part(summary: Summary, early: bool) -> Summary | None:
    """Return the first rows of the largest group whose V comes with K, or does not, as a run of their own.

    None where there is no such group in decode, or where few of its rows are more than `MOST_BYTES`.
    """
    work, kind = summary.work, (summary.early > 0) == early
    if work.prefill or not kind.any():
        return None
    rows = np.flatnonzero(work.group == summary.groups[np.argmax(np.where(kind, summary.keys, -1))])
    of_row = work.keys[rows[0]] * (work.key_bytes[rows[0]] + work.value_bytes[rows[0]])
    count = min(len(rows), ROWS[1], int(MOST_BYTES // max(of_row, 1)))
    return summary.excerpt(int(rows[0]), int(rows[0]) + count) if count >= ROWS[0] else None


def _quotients(part: Summary, batch: Batch, which: I64) -> F64:
    """Return by how much longer level `cycle` takes for a part of the work on some designs."""
    machines = [batch.arch(design) for design in which.tolist()]
    some = Designs(machines)
    coarse = walk(stages(part, some), part.layer, part.work.layers, causes=False)[0]
    fine = np.array([run_cycles(machine, part.fitted(machine)).total for machine in machines])
    quotients: F64 = fine / coarse
    return quotients


def _meet(summary: Summary, s: Stages, early: bool) -> Flags:
    """Return on which designs K and V of rows of a kind meet in DRAM, and DRAM is waited for."""
    meet = _kind(summary, early) & (apart(s) > APART[early]) & (s.dram > WAITED_FOR * slowest(s))
    return np.asarray(meet.any(axis=0), np.bool_)


def apart(s: Stages) -> F64:
    """Return by which share K and V take longer, or less, beside each other than one after the other."""
    return np.abs(s.both / np.maximum(s.fetch + s.value_alone, 1e-9) - 1)


def slowest(s: Stages) -> F64:
    """Return the cycles that the slowest unit takes for a row."""
    units: F64 = np.maximum.reduce(np.broadcast_arrays(s.qk, s.divide, s.enter + s.search, s.pv)) * s.row_queries
    return units


def _kind(summary: Summary, early: bool) -> Flags:
    """Return which groups are of a kind, shape (G, 1)."""
    return np.asarray((summary.early[:, None] > 0) == early)


def _share(summary: Summary, s: Stages, early: bool) -> F64:
    """Return the share of the time that is taken by rows of a kind."""
    each = s.rows * np.maximum(s.dram, slowest(s))
    share: F64 = (each * _kind(summary, early)).sum(axis=0) / np.maximum(each.sum(axis=0), 1e-9)
    return share


def _least(s: Stages, batch: Batch) -> F64:
    """Return the cycles below which no run ends: those of the arrays' lines, and of all granules at peak bandwidth."""
    buses = batch.column("dram.channels") * batch.column("dram.pseudo_channels")
    granules = ((s.key_granules + s.value_granules) * s.rows).sum(axis=0)
    peak = granules * batch.column("dram.nBL") / buses * s.memory.cycles_per_clock
    least: F64 = np.maximum.reduce([peak, (s.queries * s.key_lines).sum(axis=0), (s.queries * s.pv).sum(axis=0)])
    return least


def _booked(end: F64, total: F64) -> F64:
    """Return `end` with another total: what is more or less is the wait for DRAM, as far as there is any."""
    causes = end[1:].reshape(-1, len(CAUSES), end.shape[1]).copy()
    waits = causes[:, DRAM].sum(axis=0)
    left = waits + total - end[0]
    scale = np.where((waits > 0) & (left >= 0), left / np.maximum(waits, 1e-9), 1.0)
    causes[:, DRAM] *= scale
    causes *= total / np.maximum(causes.sum(axis=(0, 1)), 1e-9)
    return np.concatenate([total[None], causes.reshape(-1, end.shape[1])])
