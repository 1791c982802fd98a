"""Columns of the tables that the kernels share. A table is int64, one line per row, query, pass or group."""

# Row: one live head of one layer and step (or a block of its queries), in order.
(R_GROUP, R_LAYER, R_Q0, R_Q1, R_LINES, R_PASSES, R_DECIDE, R_EARLY, R_KEY_OWNER, R_VALUE_OWNER) = range(10)
(R_KEY_SPACE, R_VALUE_SPACE, R_KEY_IDS, R_KEYS, R_VALUE_IDS, R_VALUES, R_QUERY_IDS, R_QUERIES) = range(10, 18)
(R_KEY_BYTES, R_LSB_BYTES, R_VALUE_BYTES, R_QUERY_BYTES, R_OUTPUT_BYTES) = range(18, 23)
(R_KEY_BASE, R_LSB_BASE, R_VALUE_BASE, R_QUERY_BASE, R_OUTPUT_BASE) = range(23, 28)
# What the run adds: lines outstanding, when the stream may be consumed without a bubble, completion.
(R_KEY_LEFT, R_KEY_FLOW, R_KEY_DONE, R_LSB_LEFT, R_LSB_FLOW, R_LSB_STATE, R_VALUE_LEFT, R_VALUE_FLOW, R_VALUE_DONE) = (
    range(28, 37)
)
# Queries that still need the row's lines, when the last of them let go, and which pass or query that was.
(R_KEY_USERS, R_KEY_FREED, R_KEY_FREER, R_VALUE_USERS, R_VALUE_FREED, R_VALUE_FREER) = range(37, 43)
# For each stream: when its job could start, why then (W_...), who caused it, and the job that began its busy period.
(R_KEY_FROM, R_KEY_WHY, R_KEY_WHO, R_KEY_ORIGIN) = range(43, 47)
(R_LSB_FROM, R_LSB_WHY, R_LSB_WHO, R_LSB_ORIGIN) = range(47, 51)
(R_VALUE_FROM, R_VALUE_WHY, R_VALUE_WHO, R_VALUE_ORIGIN) = range(51, 55)
# Softmax lines of a query, and the query plane of the second head of a pair (-1 none).
# R_VALUE_PACE: cycles over which the top-k engine hands out the ids of the row's values.
(R_LSB_NEXT, R_SOFT_LINES, R_QUERY_BASE_2, R_VALUE_PACE) = range(55, 59)
# When the last line of each fetch had arrived.
(R_KEY_LAST, R_LSB_LAST, R_VALUE_LAST, N_ROW) = range(59, 63)

# Query. Q_SEARCHES: whether its top-k has something to choose; a bypass takes time as well, but waits for nothing.
(Q_ROW, Q_VALUE_LINES, Q_REDO, Q_LOAD, Q_SEARCH, Q_DRAIN, Q_SKIP, Q_SEARCHES) = range(8)
(Q_LOAD_AT, Q_LOAD_WHY, Q_DRAIN_AT, Q_DRAIN_WHO, Q_PICKED, Q_PV_AT, Q_PV_WHY, Q_OUT, Q_PASS) = range(8, 17)
N_QUERY = 17

# Pass: a query on its way through Q x K and softmax; a recomputed query makes two.
(P_QUERY, P_NUMBER, P_LINES, P_QK_LINES, P_QK_AT, P_QK_WHY, P_QK_WHO, P_EXP_AT, P_EXP_WHY, P_EXP_WHO) = range(10)
(P_DIV_AT, P_DIV_WHY, P_DIV_WHO, P_DIV_CYCLES, P_DECIDED, N_PASS) = range(10, 16)

# Group: one layer of one step. G_HEAD_LAST: whether the heads' selection, which needs the last output, ended last.
(G_LAST_QUERY, G_TOKEN_RANK, G_HEAD_RANK, G_KEY_FROM, G_QUERY_FROM, G_PROB_END, G_PROB_PASS) = range(7)
(G_RANKED, G_HEAD_LAST, G_OUT, N_GROUP) = range(7, 11)

# Why something started when it did.
(W_START, W_FLOW, W_BUSY, W_DATA, W_BARRIER, W_RANKED, W_BUFFER, W_QUEUE, W_SPACE, W_LSB) = range(10)

# Scalars of the run. First what stays fixed.
(
    S_ROWS,
    S_QUERIES,
    S_GROUPS,
    S_PHASE_PREFILL,
    S_BARRIER,
    S_PER_LINE,
    S_PER_VALUE_LINE,
    S_PORTS,
    S_REQUEST,
    S_RETURN,
) = range(10)
(S_KEY_CAP, S_VALUE_CAP, S_PROB_CAP, S_FIFO_LINES, S_QUEUE_ROWS) = range(10, 15)
(S_QK_LATENCY, S_SCAN_LATENCY, S_EXP_LATENCY, S_DIV_LATENCY, S_TREE, S_PV_LATENCY, S_RANK_LATENCY, S_HEAD_LATENCY) = (
    range(15, 23)
)
# Then what moves: pointers, free times, the three rings (used, oldest, time, who), streams, round robin, counters.
(S_NOW, S_PASSES, S_EXPS, S_DIVS, S_FIRST, S_PICK, S_PV, S_REDO_HEAD, S_REDO_TAIL) = range(23, 32)
(S_QK_FREE, S_TOPK_FREE, S_PV_FREE, S_RANK_FREE) = range(32, 36)
(S_KEY_RING, S_VALUE_RING, S_PROB_RING) = (36, 40, 44)
(S_KEY_ROW, S_KEY_LINE, S_VALUE_ROW, S_VALUE_LINE, S_OUT_ROW, S_OUT_LINE, S_LSB_HEAD, S_LSB_TAIL, S_LSB_LINE) = range(
    48, 57
)
(S_TURN, S_ORIGIN, S_PUSHED, S_SLOTS_FREE, S_EVENTS, S_FETCH_BUSY, S_LAST_WRITE) = range(57, 64)
(S_BUSY_QK, S_BUSY_SOFTMAX, S_BUSY_TOPK, S_BUSY_PV, S_BUSY_RANK, S_BUSY_IMPORTANCE, S_BUSY_REQUANT, S_TOTAL) = range(
    64, 72
)
(S_DRAIN_LATENCY, S_PORTS_USED) = range(72, 74)
# Line buffers before the exponential and the division: lines used, oldest pass inside.
(S_SCAN_BUFFER, S_EXP_BUFFER) = (74, 76)
# Granules of outputs sent; cycle at which a first pass that lets a recomputed query go first is looked at again.
(S_PUSHED_WRITES, S_LOOK_AGAIN) = range(78, 80)
# Cycles between a selection's threshold and the next one's first row.
(S_TURNAROUND, N_SCALAR) = range(80, 82)
BUFFER_USED, BUFFER_OLDEST = range(2)
RING_USED, RING_OLDEST, RING_TIME, RING_WHO = range(4)

BARRIER_NONE, BARRIER_RANKING, BARRIER_OUTPUT = range(3)
STREAM_KEY, STREAM_LSB, STREAM_VALUE, STREAM_OUTPUT = range(4)

# Units of the event buffer: unit, start, end (exclusive), row, query.
EVENT_UNITS = ("key_fetch", "lsb_fetch", "value_fetch", "qk", "softmax", "topk", "pv", "ranking")
(E_KEY, E_LSB, E_VALUE, E_QK, E_SOFTMAX, E_TOPK, E_PV, E_RANK) = range(8)
N_EVENT = 5
