"""Columns of the tables that the kernels of level `cycle` share.

A table is an int64 array of one line per row, query, pass or group (the words are those of
docs/explanation/pipeline.md). The first letter of a column names its table: ``row[r, t.R_LINES]`` is how many lines
row `r` has, ``query[q, t.Q_OUT]`` when query `q` is done. The scalars of a run are one line, ``st[t.S_NOW]``.

The plan (`tokensieve.sim.cycle.plan`) fills in what follows from the work; the kernels add what happens. Whatever
starts leaves three things: when (..._AT, for a job J_FROM), why not sooner (..._WHY, one of W_...) and who was waited
for (..._WHO: a pass, query, row or group, as W_... says; -1 nobody). `critical` walks back along these.

One query through the tables: its K is loaded by job R_KEY_... of row Q_ROW; it is a pass in Q x K, exponential and
division (P_QK_AT, P_EXP_AT, P_DIV_AT), two passes if it asks for LSBs (job R_LSB_...); it loads the top-k engine
(Q_LOAD_AT), which drains (Q_DRAIN_AT) and so tells job R_VALUE_... which V to load; it meets V (Q_PV_AT) and leaves
(Q_OUT).
"""

from tokensieve.sim.kernels.columns import Columns
from tokensieve.sim.result import TENSORS

T_QUERY = TENSORS.index("query")
T_KEY_MSB = TENSORS.index("key_msb")
T_KEY_LSB = TENSORS.index("key_lsb")
T_VALUE = TENSORS.index("value")
T_OUTPUT = TENSORS.index("output")

BARRIERS = ("none", "ranking", "output")
"""Values of the field `control.barrier`, by code."""

BARRIER_NONE = BARRIERS.index("none")
BARRIER_RANKING = BARRIERS.index("ranking")
BARRIER_OUTPUT = BARRIERS.index("output")

# Streams of the fetcher. Those that read come first: each has a job in every row.
_stream = Columns()
STREAM_KEY = _stream.take()
STREAM_LSB = _stream.take()
STREAM_VALUE = _stream.take()
STREAM_OUTPUT = _stream.take()
N_STREAM = _stream.count

# Why something started when it did, and who was waited for.
_why = Columns()
W_START = _why.take()  # it waited for nothing: the run began
W_FLOW = _why.take()  # it waited for the stage before alone. Who: the pass or query itself, or what asked for a job
W_BUSY = _why.take()  # for the stage, which was busy. Who: the pass or query before
W_DATA = _why.take()  # for K or V. Who: the row that loads them
W_BARRIER = _why.take()  # for the last output of the group before. Who: that group
W_RANKED = _why.take()  # for the selections at its end. Who: that group
W_BUFFER = _why.take()  # for room in the line buffer behind the stage. Who: the pass that left it
W_QUEUE = _why.take()  # for the top-k engine, or the queue in front of it. Who: the query that was in it
W_SPACE = _why.take()  # for room in the SRAM. Who: the row that left it
W_LSB = _why.take()  # for the low bits of K. Who: the row that loads them
W_ROOM = _why.take()  # for room in the queue before Prob x V. Who: the query that left it

# A job: what one stream loads for one row.
_job = Columns()
J_LEFT = _job.take()  # lines outstanding
J_FLOW = _job.take()  # cycle from which its lines can be streamed without a bubble
J_DONE = _job.take()  # whether all lines have arrived, so that J_FLOW is final
J_LAST = _job.take()  # when the last line had arrived
J_FROM = _job.take()  # when it could start; -1 unknown
J_WHY = _job.take()
J_WHO = _job.take()
J_ORIGIN = _job.take()  # job that began the busy period of DRAM that this one queued in: stream x S_ROWS + row
N_JOB = _job.count

# A row's share of an SRAM.
_share = Columns()
H_OWNER = _share.take()  # row that loads the data: the row itself, or the first of a pair
H_SPACE = _share.take()  # lines it takes
H_USERS = _share.take()  # queries, of all heads of a pair, that still need them
H_FREED, H_FREER = _share.block(2)  # when the last of them let go, and which pass (of K) or query (of V) that was
N_SHARE = _share.count

# Row: one live head of one layer and step (or a block of its queries), in order.
_row = Columns()
R_GROUP = _row.take()
R_LAYER = _row.take()
R_Q0, R_Q1 = _row.block(2)  # its queries are R_Q0 to R_Q1 - 1
R_LINES = _row.take()  # lines of K
R_SOFT_LINES = _row.take()  # lines of scores in the softmax
R_SUM_LINES = _row.take()  # beats of probabilities at the importance accumulator
R_PASSES = _row.take()  # planes of K that a first pass streams: 2 if the format forces the low bits
R_DECIDE = _row.take()  # whether its queries decide on a second pass
R_EARLY = _row.take()  # whether V is fetched with K and does not wait for top-k: in prefill, and where all is kept
# Rows of tensors to fetch: where their numbers begin in the array of ids, and how many there are.
R_KEY_IDS = _row.take()
R_KEYS = _row.take()
R_VALUE_IDS = _row.take()
R_VALUES = _row.take()
R_QUERY_IDS = _row.take()  # of Q and of the output
R_QUERIES = _row.take()
# Of each of TENSORS, the bytes of one row of it, and where its plane begins in DRAM.
R_BYTES = _row.count
R_QUERY_BYTES, R_KEY_BYTES, R_LSB_BYTES, R_VALUE_BYTES, R_OUTPUT_BYTES = _row.block(len(TENSORS))
R_BASE = _row.count
R_QUERY_BASE, R_KEY_BASE, R_LSB_BASE, R_VALUE_BASE, R_OUTPUT_BASE = _row.block(len(TENSORS))
R_QUERY_BASE_2 = _row.take()  # query plane of the second head of a pair; -1 none
# The job of each stream that reads, in the order of STREAM_..., each with the columns J_...
R_JOBS = _row.count
R_KEY_LEFT, R_KEY_FLOW, R_KEY_DONE, R_KEY_LAST, R_KEY_FROM, R_KEY_WHY, R_KEY_WHO, R_KEY_ORIGIN = _row.block(N_JOB)
R_LSB_LEFT, R_LSB_FLOW, R_LSB_DONE, R_LSB_LAST, R_LSB_FROM, R_LSB_WHY, R_LSB_WHO, R_LSB_ORIGIN = _row.block(N_JOB)
(R_VALUE_LEFT, R_VALUE_FLOW, R_VALUE_DONE, R_VALUE_LAST, R_VALUE_FROM, R_VALUE_WHY, R_VALUE_WHO, R_VALUE_ORIGIN) = (
    _row.block(N_JOB)
)
R_LSB_ASKED = _row.take()  # whether a query of the row has asked for the LSBs
R_LSB_NEXT = _row.take()  # next row in the queue of LSB jobs; -1 none
R_VALUE_PACE = _row.take()  # cycles over which the top-k engine hands out the ids of the row's values
# Its share of the K and of the V SRAM, each with the columns H_...
R_KEY_SHARE = _row.count
R_KEY_OWNER, R_KEY_SPACE, R_KEY_USERS, R_KEY_FREED, R_KEY_FREER = _row.block(N_SHARE)
R_VALUE_SHARE = _row.count
R_VALUE_OWNER, R_VALUE_SPACE, R_VALUE_USERS, R_VALUE_FREED, R_VALUE_FREER = _row.block(N_SHARE)
N_ROW = _row.count

_query = Columns()
Q_ROW = _query.take()
Q_VALUE_LINES = _query.take()  # lines of V that it meets
Q_REDO = _query.take()  # whether it asks for LSBs, and makes a second pass
Q_PASSES = _query.take()  # whether it keeps all values and passes the top-k engine by
Q_BEHIND = _query.take()  # the last query before it that goes through the engine; -1 none
Q_LOAD, Q_SEARCH, Q_DRAIN = _query.block(3)  # cycles of loading the engine, of its search, and of draining it
Q_PASS = _query.take()  # pass whose probabilities count; -1 until they are divided
Q_LOAD_AT = _query.take()
Q_LOAD_WHY = _query.take()
Q_LOAD_WHO = _query.take()  # query that it waited for at the engine
Q_DRAIN_AT = _query.take()
Q_DRAIN_WHO = _query.take()  # query whose leaving made room in front of Prob x V; -1: the drain did not wait
Q_PICKED = _query.take()  # last cycle of the drain
Q_PV_AT = _query.take()
Q_PV_WHY = _query.take()
Q_OUT = _query.take()  # cycle in which the output is complete
N_QUERY = _query.count

# Pass: a query on its way through Q x K and softmax; a recomputed query makes two.
_pass = Columns()
P_QUERY = _pass.take()
P_NUMBER = _pass.take()  # 0 first, 1 second
P_LINES = _pass.take()  # lines of scores
P_QK_LINES = _pass.take()  # cycles at Q x K
P_SCAN = _pass.take()  # those of them that the exponentials wait for, besides registers
P_QK_AT = _pass.take()
P_QK_WHY = _pass.take()
P_QK_WHO = _pass.take()
P_EXP_AT = _pass.take()
P_EXP_WHY = _pass.take()
P_EXP_WHO = _pass.take()
P_DIV_AT = _pass.take()
P_DIV_WHY = _pass.take()
P_DIV_WHO = _pass.take()
P_DIV_CYCLES = _pass.take()
P_DECIDED = _pass.take()  # when it is known whether the query asks for LSBs
N_PASS = _pass.count

# Group: one layer of one step.
_group = Columns()
G_LAST_QUERY = _group.take()
G_TOKEN_RANK = _group.take()  # cycles of the tokens' selection at its end; -1 none
G_HEAD_RANK = _group.take()  # and of the heads'
G_KEY_FROM = _group.take()  # when its K and V may be fetched; -1 unknown
G_QUERY_FROM = _group.take()  # when its queries may enter; -1 unknown
G_PROB_END, G_PROB_PASS = _group.block(2)  # last cycle of a division, and whose that was
G_OUT = _group.take()  # cycle after the last output
G_RANKED = _group.take()  # when its selections end
G_HEAD_LAST = _group.take()  # whether the heads' selection, which needs the last output, ended last
N_GROUP = _group.count

# A ring: rows or queries that hold lines, released in order. In front of K SRAM, V SRAM and Prob x V.
_ring = Columns()
RING_CAP = _ring.take()  # lines there are
RING_USED = _ring.take()
RING_OLDEST = _ring.take()  # row or query that holds its lines longest
RING_TIME, RING_WHO = _ring.block(2)  # when the last lines were given back that were needed, and who did
N_RING = _ring.count

# The ports of an SRAM.
_port = Columns()
PORT_SHARED = _port.take()  # whether a bank has one port, for writes and reads
PORT_WRITTEN = _port.take()  # lines written since the last pass that read the SRAM
N_PORT = _port.count

# A line buffer of the softmax.
_buffer = Columns()
BUFFER_USED = _buffer.take()
BUFFER_OLDEST = _buffer.take()  # oldest pass inside
N_BUFFER = _buffer.count

# Scalars of the run. First what stays fixed.
_scalar = Columns()
S_ROWS = _scalar.take()
S_QUERIES = _scalar.take()
S_GROUPS = _scalar.take()
S_PHASE_PREFILL = _scalar.take()
S_BARRIER = _scalar.take()
S_PER_LINE = _scalar.take()  # vectors of K in a line
S_PER_VALUE_LINE = _scalar.take()  # vectors of V, or of outputs, in a line
S_PORTS = _scalar.take()  # granules that the fetcher sends in a cycle
S_REQUEST = _scalar.take()  # cycles from the fetcher to the DRAM controllers
S_RETURN = _scalar.take()  # cycles from DRAM to the SRAM
S_FIFO_LINES = _scalar.take()  # lines of each buffer of the softmax
S_QUEUE_ROWS = _scalar.take()  # most queries between Q x K and top-k where a decision follows
S_QK_LATENCY = _scalar.take()
S_SCAN_LATENCY = _scalar.take()
S_STREAMED = _scalar.take()  # whether exponentials follow the scores as these come
S_EXP_LATENCY = _scalar.take()
S_DIV_LATENCY = _scalar.take()
S_TREE = _scalar.take()  # registers of the tree of maxima, which decides on a second pass
S_DRAIN_LATENCY = _scalar.take()
S_TURNAROUND = _scalar.take()  # cycles between a selection's threshold and the next one's first row
S_PV_LATENCY = _scalar.take()
S_RANK_LATENCY = _scalar.take()  # from a group's last probability to the tokens' selection
S_HEAD_LATENCY = _scalar.take()  # from its last output to the heads'
# Then what moves. The fetcher, which owns the clock:
S_NOW = _scalar.take()
S_PORTS_USED = _scalar.take()  # granules sent in this cycle
S_TURN = _scalar.take()  # stream that is asked first
S_SLOTS_FREE = _scalar.take()
S_KEY_ROW, S_KEY_LINE = _scalar.block(2)  # next request of each stream: row, and line of its job
S_LSB_HEAD, S_LSB_TAIL = _scalar.block(2)  # of LSBs the rows are a queue, linked by R_LSB_NEXT; -1 empty
S_LSB_LINE = _scalar.take()
S_VALUE_ROW = _scalar.take()
S_VALUE_LINE = _scalar.take()  # counted from 1; 0: the job has not started
S_OUT_ROW = _scalar.take()
S_OUT_LINE = _scalar.take()
S_ORIGIN = _scalar.take()  # job that began the busy period of DRAM, as J_ORIGIN; -1 none yet
S_PUSHED = _scalar.take()  # granules sent
S_PUSHED_WRITES = _scalar.take()  # those of outputs
S_LAST_WRITE = _scalar.take()  # when the last write ended
S_KEY_RING = _scalar.take(N_RING)
S_VALUE_RING = _scalar.take(N_RING)
S_KEY_PORT = _scalar.take(N_PORT)
S_VALUE_PORT = _scalar.take(N_PORT)
# The stages: next query or pass of each, and when it is free.
S_FIRST = _scalar.take()  # next query whose first pass enters Q x K
S_REDO_HEAD, S_REDO_TAIL = _scalar.block(2)  # queue of the passes whose queries are to be recomputed
S_LOOK_AGAIN = _scalar.take()  # when a first pass that lets a recomputed query go first is looked at again
S_PASSES, S_EXPS, S_DIVS = _scalar.block(3)  # passes so far in Q x K, exponential, division
S_PICK, S_PV = _scalar.block(2)  # next query at top-k and at Prob x V
S_QK_FREE = _scalar.take()
S_TOPK_FREE, S_TOPK_WHO = _scalar.block(2)  # when the engine may be loaded again, and the query before
S_PV_FREE = _scalar.take()
S_RANK_FREE = _scalar.take()
S_SCAN_BUFFER = _scalar.take(N_BUFFER)  # in front of the exponential
S_EXP_BUFFER = _scalar.take(N_BUFFER)  # in front of the division
S_PROB_RING = _scalar.take(N_RING)
# What is counted.
S_EVENTS = _scalar.take()
S_FETCH_BUSY = _scalar.take()
S_BUSY_QK = _scalar.take()
S_BUSY_SOFTMAX = _scalar.take()
S_BUSY_TOPK = _scalar.take()
S_BUSY_PV = _scalar.take()
S_BUSY_RANK = _scalar.take()
S_BUSY_IMPORTANCE = _scalar.take()
S_BUSY_REQUANT = _scalar.take()
S_TOTAL = _scalar.take()
N_SCALAR = _scalar.count

# Request on its way to DRAM, by slot.
_request = Columns()
I_STREAM = _request.take()
I_ROW = _request.take()
I_LINE = _request.take()  # line of K or V that it brings; -1 for queries
N_REQUEST = _request.count

# Event buffer. The first units are the streams that read, in the order of STREAM_...
EVENT_UNITS = ("key_fetch", "lsb_fetch", "value_fetch", "qk", "softmax", "topk", "pv", "ranking")
E_KEY, E_LSB, E_VALUE, E_QK, E_SOFTMAX, E_TOPK, E_PV, E_RANK = range(len(EVENT_UNITS))
_event = Columns()
EVENT_UNIT = _event.take()
EVENT_START = _event.take()
EVENT_END = _event.take()  # exclusive
EVENT_ROW = _event.take()
EVENT_QUERY = _event.take()
N_EVENT = _event.count
