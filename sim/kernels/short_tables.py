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

# One table of whole numbers holds all else, one of floating point the figures: each has the columns of all kinds beside
# each other, and a line is what the index says: row, query, pass, group, or for what there is one of, line 0. So few
# arrays are handed from function to function, which counts references to each.
_n, _x = Columns(), Columns()

# A row, or a block of one: a ring holds the lines of each in an SRAM. Both tables have these columns.
B_ROW, B_Q0, B_Q1, B_GROUP = _n.block(4)
B_KEY, B_VALUE = _n.take(8), _n.take(8)
H_OWNER, H_USERS, H_FREED, H_BEGIN, H_END, H_FLOW, H_SPACE, H_TIME = range(8)
"""Of B_KEY or B_VALUE: the row that loads the lines, the queries that still need them, the events when the last one
let them go, when the fetch began and ended and from when they can be streamed (-1 unknown); in the table of figures the
lines held, the cycles of the fetch and those from its begin to when lines come fast enough (H_FLOW)."""
B_LSB = _n.take()
_x.take(_n.count)

# A row of the work: blocks name theirs.
R_GROUP, R_LAYER, R_PREFILL, R_Q0, R_Q1, R_DECIDE, R_EARLY, R_FORCED, R_KEY_SECOND, R_VALUE_SHARED = _n.block(10)

# A pass: its query, and events of its start in each stage.
P_QUERY, P_EXP, P_DIV = _n.block(3)

# A query: what it asks for (once more, with low bits; to pass the local top-k by), its row, the pass whose
# probabilities count, events; its search and its lines of V.
Q_REDO, Q_PASSES = _n.block(2)
K_OWN, K_PASS, K_DECIDED, K_LOAD, K_DRAIN, K_PV = _n.block(6)
A_SEARCH, A_LINES = _x.block(2)

# A group: events from when its K may be fetched and its queries enter (-1 unknown), and of its last probability.
E_KEY_FROM, E_QUERY_FROM, E_PROB = _n.block(3)

# The queries that wait for low bits, one after another.
D_QUERY = _n.take()

# What there is one of: counts, what comes next, the events when something is free.
S_EVENTS, S_SLOT, S_ROWS, S_QUERIES, S_GROUPS, S_FIRST, S_PASSES, S_PICK, S_PV = _n.block(9)
S_QK_FREE, S_EXP_FREE, S_DIV_FREE, S_TOPK_FREE, S_PV_FREE, S_KEY_FREE, S_VALUE_FREE, S_LSB_FREE = _n.block(8)
S_RANK_FREE, S_WRITTEN, S_OUT, S_BEHIND, S_DRAM = _n.block(5)
S_KEY_NEXT, S_VALUE_NEXT, S_KEY_USED, S_KEY_OLDEST, S_VALUE_OLDEST, S_PROB_OLDEST = _n.block(6)
S_KEY_ROOM, S_VALUE_ROOM, S_PROB_ROOM, S_REDO_HEAD, S_REDO_TAIL, S_SCAN_OLDEST, S_EXP_OLDEST = _n.block(7)
S_KEY_PORT, S_VALUE_PORT = _n.block(2)

# Lines in the rings and buffers; from when to when DRAM fetches V or low bits; lines written to an SRAM, and how many
# of them the reads have made room for.
X_KEY_USED, X_VALUE_USED, X_PROB_USED, X_SCAN_USED, X_EXP_USED, X_DEMAND_FROM, X_DEMAND = _x.block(7)
X_KEY_WRITTEN, X_KEY_READ, X_VALUE_WRITTEN, X_VALUE_READ = _x.block(4)

# Figures of the machine, as `sim.analytic.pipeline` and `sim.analytic.memory` name them.
MACHINE = (
    "qk_latency", "scan_latency", "streamed", "exp_latency", "div_latency", "verdict", "pv_latency", "drain_latency",
    "turnaround", "rank_latency", "head_latency", "key_lines", "value_lines", "key_shared", "value_shared",
    "queue_lines", "buffer_lines", "queue_rows", "waits_output", "waits_ranking", "latency", "write_end",
)  # fmt: skip
M_FIRST = _x.count
(
    M_QK, M_SCAN, M_STREAMED, M_EXP, M_DIV, M_TREE, M_PV, M_DRAIN, M_TURN, M_RANK, M_HEAD, M_KEY_CAP, M_VALUE_CAP,
    M_KEY_SHARED, M_VALUE_SHARED, M_QUEUE, M_BUFFER, M_QUEUE_ROWS, M_OUTPUT, M_RANKING, M_LATENCY, M_WRITE,
) = _x.block(len(MACHINE))  # fmt: skip

# Figures of a group on the machine, as `sim.analytic.stages` names them.
GROUP = (
    "key_lines", "soft", "divide", "load", "load_cycles", "value_lines", "blocks", "fetch", "msb", "fetch_lines",
    "front_lines",
    "lsb", "value", "output", "lsb_latency", "value_latency", "key_members", "value_members", "dram", "token_rank",
    "head_rank", "backlog", "value_turn", "lsb_turn", "output_turn",
)  # fmt: skip
G_FIRST = _x.count
(
    G_KEY_LINES, G_SOFT, G_DIVIDE, G_LOAD, G_LOAD_CYCLES, G_VALUE_LINES, G_BLOCKS, G_FETCH, G_MSB, G_FETCH_LINES,
    G_FRONT, G_LSB,
    G_VALUE, G_OUTPUT, G_LSB_LATENCY, G_VALUE_LATENCY, G_KEY_MEMBERS, G_VALUE_MEMBERS, G_DRAM, G_TOKEN_RANK,
    G_HEAD_RANK, G_BACKLOG, G_VALUE_TURN, G_LSB_TURN, G_OUTPUT_TURN,
) = _x.block(len(GROUP))  # fmt: skip
N_WHOLE, N_FIGURES = _n.count, _x.count

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class Run(NamedTuple):
    """All arrays of a run on one machine."""

    time: F64
    back: I64
    """Events: the cycle; the event before, and the layer times the number of causes plus the cause."""

    n: I64
    x: F64
    """The tables of whole numbers and of figures."""
