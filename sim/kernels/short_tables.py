"""Columns of the tables of `short`: what a run of short layers takes on one machine, and what has happened in it.

Level `analytic` walks short layers query by query, with DRAM as a server. Times are cycles as floating point. An
*event* is a number: the events of a run lie in arrays of their cycle, of the event that they follow on, and of the
cause that the time between the two has. So a walk back from the end books every cycle. The words are those of
docs/explanation/pipeline.md.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tokensieve.sim.kernels.columns import Columns
from tokensieve.sim.result import CAUSES

COMPUTE, DRAM, TOPK, SOFTMAX, FILL = range(len(CAUSES))
N_CAUSE = len(CAUSES)

# Figures of the machine, as `sim.analytic.pipeline` and `sim.analytic.memory` name them.
MACHINE = (
    "qk_latency", "scan_latency", "streamed", "exp_latency", "div_latency", "verdict", "pv_latency", "drain_latency",
    "turnaround", "rank_latency", "head_latency", "key_lines", "value_lines", "key_shared", "value_shared",
    "queue_lines", "buffer_lines", "queue_rows", "waits_output", "waits_ranking", "latency", "write_end",
)  # fmt: skip
(
    M_QK, M_SCAN, M_STREAMED, M_EXP, M_DIV, M_TREE, M_PV, M_DRAIN, M_TURN, M_RANK, M_HEAD, M_KEY_CAP, M_VALUE_CAP,
    M_KEY_SHARED, M_VALUE_SHARED, M_QUEUE, M_BUFFER, M_QUEUE_ROWS, M_OUTPUT, M_RANKING, M_LATENCY, M_WRITE,
) = range(len(MACHINE))  # fmt: skip

# Figures of a group on the machine, as `sim.analytic.stages` names them.
GROUP = (
    "key_lines", "soft", "load", "load_cycles", "value_lines", "blocks", "fetch", "msb", "fetch_lines", "front_lines",
    "lsb", "value", "output", "lsb_latency", "value_latency", "key_members", "value_members", "dram", "token_rank",
    "head_rank", "backlog",
)  # fmt: skip
(
    G_KEY_LINES, G_SOFT, G_LOAD, G_LOAD_CYCLES, G_VALUE_LINES, G_BLOCKS, G_FETCH, G_MSB, G_FETCH_LINES, G_FRONT, G_LSB,
    G_VALUE, G_OUTPUT, G_LSB_LATENCY, G_VALUE_LATENCY, G_KEY_MEMBERS, G_VALUE_MEMBERS, G_DRAM, G_TOKEN_RANK, G_HEAD_RANK,
    G_BACKLOG,
) = range(len(GROUP))  # fmt: skip

# The work of a row, whatever the machine.
_work = Columns()
R_GROUP, R_LAYER, R_PREFILL, R_Q0, R_Q1, R_DECIDE, R_EARLY, R_FORCED, R_KEY_SECOND, R_VALUE_SHARED = _work.block(10)
N_WORK = _work.count

# The work of a query: it is computed again, it passes the local top-k by.
Q_REDO, Q_PASSES = 0, 1

# What has happened to a row, or to a block of one. A ring holds the lines of each in an SRAM.
_row = Columns()
B_ROW, B_Q0, B_Q1, B_GROUP = _row.block(4)
B_KEY, B_VALUE = _row.take(8), _row.take(8)
H_OWNER, H_USERS, H_FREED, H_BEGIN, H_END, H_FLOW, H_SPACE, H_TIME = range(8)
"""Of B_KEY or B_VALUE: the row that loads the lines, the queries that still need them, the events when the last one
let them go, when the fetch began and ended (-1 unknown) and from when they can be streamed; in `real`: lines held and
cycles of the fetch."""
B_LSB, N_ROW = _row.take(), _row.count

# What has happened to a pass: its query, events of its start in each stage.
P_QUERY, P_QK, P_EXP, P_DIV, N_PASS = range(5)

# What has happened to a query: its row, the pass whose probabilities count, events.
_query = Columns()
K_ROW, K_PASS, K_DECIDED, K_LOAD, K_DRAIN, K_PV = _query.block(6)
N_QUERY = _query.count

# What has happened to a group.
E_KEY_FROM, E_QUERY_FROM, E_PROB, N_GROUP = range(4)

# Scalars.
_st = Columns()
S_EVENTS, S_SLOT, S_ROWS, S_FIRST, S_PASSES, S_PICK, S_PV = _st.block(7)
S_QK_FREE, S_EXP_FREE, S_DIV_FREE, S_TOPK_FREE, S_PV_FREE, S_KEY_FREE, S_VALUE_FREE, S_LSB_FREE = _st.block(8)
S_RANK_FREE, S_WRITTEN, S_OUT, S_ASKED, S_BEHIND, S_DRAM = _st.block(6)
S_KEY_NEXT, S_VALUE_NEXT, S_KEY_USED, S_KEY_OLDEST, S_VALUE_OLDEST, S_PROB_OLDEST = _st.block(6)
S_KEY_ROOM, S_VALUE_ROOM, S_PROB_ROOM, S_REDO_HEAD, S_REDO_TAIL, S_SCAN_OLDEST, S_EXP_OLDEST = _st.block(7)
S_KEY_PORT, S_VALUE_PORT = _st.block(2)
N_SCALAR = _st.count

# Scalars that are no whole numbers: lines in the rings and buffers, from when to when DRAM fetches V or low bits, lines
# written to an SRAM and how many of them the reads have made room for.
X_KEY_USED, X_VALUE_USED, X_PROB_USED, X_SCAN_USED, X_EXP_USED, X_DEMAND_FROM, X_DEMAND = range(7)
X_KEY_WRITTEN, X_KEY_READ, X_VALUE_WRITTEN, X_VALUE_READ, N_REAL = range(7, 12)

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class Run(NamedTuple):
    """All arrays of a run on one machine."""

    time: F64
    before: I64
    slot: I64
    """Events: the cycle, the event before, and the layer times the number of causes plus the cause."""

    work: I64
    asks: I64
    search: F64
    lines: F64
    """Rows (R, N_WORK); queries: (Q, 2), cycles of their search (Q,), lines of V (Q,)."""

    machine: F64
    group: F64
    """Figures of the machine, and of each group on it (G, len(GROUP))."""

    row: I64
    real: F64
    passes: I64
    query: I64
    opened: I64
    redo: I64
    st: I64
    x: F64
