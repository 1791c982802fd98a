"""Counting a cycle-level run: actions by unit, busy cycles and what was fetched."""

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.arch.topklaw import TopkLaw, TopkWork
from tokensieve.sim.cycle.plan import local_selections
from tokensieve.sim.cycle.run import CycleRun
from tokensieve.sim.kernels import dram_state
from tokensieve.sim.kernels import tables as t
from tokensieve.sim.work import RowWork

Counts = dict[str, int]


def actions(arch: Arch, work: RowWork, run: CycleRun) -> dict[str, Counts]:
    """Return how often each unit did what, under the names that `tokensieve.sim.cost.energy` charges."""
    row, dim = run.plan.row, work.head_dim
    keys, values = work.keys[work.query_row], work.values
    passes = 1 + work.redo.astype(np.int64)
    forced = work.forced[work.query_row]
    decided = work.decide[work.query_row]
    scores = int((keys * passes).sum())
    key_lines, lsb_lines = _written_lines(row)
    chosen = int(keys[~work.topk_passes].sum())
    return {
        "dram": {
            "activate": int(run.dram[dram_state.ACTS]),
            "read_granule": int(run.dram[dram_state.READS]),
            "write_granule": int(run.dram[dram_state.WRITES]),
            "refresh": int(run.dram[dram_state.REFS]),
        },
        "fetcher": {
            "request": run.scalar(t.S_PUSHED),
            "return": int(run.dram[dram_state.READS] + run.dram[dram_state.JOINED_READS]),
        },
        "key_sram": {"write_line": key_lines + lsb_lines, "read_line": run.scalar(t.S_BUSY_QK)},
        "value_sram": {"write_line": _value_lines(run), "read_line": run.scalar(t.S_BUSY_PV)},
        "qk": {"multiply": int((keys * (passes + forced)).sum()) * dim},
        "softmax": dict.fromkeys(("dequantize", "exp", "accumulate", "divide"), scores),
        "requant": {"compare": int((keys * passes * decided).sum())},
        "topk": {
            "load": chosen,
            "compare": int(np.sum(arch.topk.law.streamed(local_selections(work)))),
            "drain": chosen,
        },
        "ranking": _ranking(arch.topk.law, work),
        "pv": {"multiply": int(values.sum()) * dim},
        "importance": {"add_token": int(keys.sum()), "add_head": len(values) * dim},
    }


def _written_lines(row: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Return the lines written to the K SRAM by MSB and by LSB loads; both heads of a pair have lines of their own."""
    members = np.bincount(row[:, t.R_KEY_OWNER], minlength=len(row))
    fetched = row[:, t.R_LSB_DONE] == 1
    first = int((row[:, t.R_LINES] * members).sum())
    second = int((row[:, t.R_LINES] * (row[:, t.R_PASSES] - 1) * members).sum() + row[fetched, t.R_LINES].sum())
    return first, second


def _value_lines(run: CycleRun) -> int:
    """Return the lines written to the V SRAM."""
    row = run.plan.row
    members = np.bincount(row[:, t.R_VALUE_OWNER], minlength=len(row))
    return int((-(-row[:, t.R_VALUES] // run.scalar(t.S_PER_VALUE_LINE)) * members).sum())


def _ranking(law: TopkLaw, work: RowWork) -> Counts:
    items = streamed = 0
    for selection in (work.token_selection, work.head_selection):
        if selection is not None:
            ran = selection[0] >= 0
            one = TopkWork(items=selection[0][ran], kept=selection[1][ran], sizes=selection[2][ran])
            items += int(selection[0][ran].sum())
            streamed += int(np.sum(law.streamed(one)))
    return {"load": items, "compare": streamed, "drain": items}


def busy_cycles(arch: Arch, run: CycleRun) -> Counts:
    """Return the cycles in which each unit works; of DRAM, the mean over the data buses."""
    bursts = int(run.dram[dram_state.READS] + run.dram[dram_state.WRITES])
    clocks = bursts * arch.dram.nBL / (arch.dram.channels * arch.dram.pseudo_channels)
    return {
        "dram": min(round(clocks * arch.dram.tCK_ps * arch.clock.mhz * 1e-6), run.total),
        "fetcher": run.scalar(t.S_FETCH_BUSY),
        "qk": run.scalar(t.S_BUSY_QK),
        "softmax": run.scalar(t.S_BUSY_SOFTMAX),
        "requant": run.scalar(t.S_BUSY_REQUANT),
        "topk": run.scalar(t.S_BUSY_TOPK),
        "pv": run.scalar(t.S_BUSY_PV),
        "ranking": run.scalar(t.S_BUSY_RANK),
        "importance": run.scalar(t.S_BUSY_IMPORTANCE),
    }


def vectors(run: CycleRun) -> Counts:
    """Return the vectors of K and V fetched, both heads of a pair counted."""
    row = run.plan.row
    return {"key": int(row[:, t.R_KEYS].sum()), "value": int(row[:, t.R_VALUES].sum())}


def lsb_rows(run: CycleRun) -> int:
    """Return the rows whose low bits a decision fetched, each counted once."""
    return len(np.unique(run.plan.source_row[run.plan.row[:, t.R_LSB_DONE] == 1]))
