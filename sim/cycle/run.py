"""Level `cycle`: a recurrence over every query of every head, with DRAM at command granularity behind it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.sim.cycle.plan import Plan, plan
from tokensieve.sim.kernels import dram_idle, tables
from tokensieve.sim.kernels.critical import walk_back
from tokensieve.sim.kernels.fetch import STUCK, simulate
from tokensieve.sim.result import CAUSES, TENSORS
from tokensieve.sim.work import RowWork

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CycleRun:
    """Raw outcome of a run: every figure of the result is counted from this."""

    total: int
    causes: I64
    """Critical-path cycles, shape (layers, causes)."""

    granules: I64
    """DRAM granules, shape (layers, tensors)."""

    plan: Plan
    dram: I64
    """Final state of DRAM; its counters are read with the names of `tokensieve.sim.kernels.dram_state`."""

    events: I64
    """Recorded events, shape (n, 5): unit, start, end, row, query."""

    def scalar(self, name: int) -> int:
        """Return a scalar of the run by its column."""
        return int(self.plan.scalars[name])


def run_cycles(arch: Arch, work: RowWork, max_events: int = 0) -> CycleRun:
    """Return what `work` costs on `arch`, recording at most `max_events` events."""
    p = plan(arch, work)
    state = dram_idle.new_state(arch.paced_dram, arch.clock.mhz, arch.fetcher.fifo_depth)
    granules = np.zeros((work.layers, len(TENSORS)), np.int64)
    events = np.zeros((max_events, tables.N_EVENT), np.int64)
    total = simulate(state, p.row, p.query, p.passes, p.group, p.redo, p.ids, p.scalars, granules, events)
    assert total != STUCK, "the pipeline came to a stop"
    causes = np.zeros((work.layers, len(CAUSES)), np.int64)
    ended = walk_back(p.row, p.query, p.passes, p.group, p.scalars, causes)
    assert ended, "the critical path does not reach the beginning"
    assert causes.sum() == total, "the critical path misses cycles"
    return CycleRun(
        total=int(total),
        causes=causes,
        granules=granules,
        plan=p,
        dram=state,
        events=events[: p.scalars[tables.S_EVENTS]],
    )
