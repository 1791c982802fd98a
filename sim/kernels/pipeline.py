"""The attention pipeline as a recurrence over queries (numba): when each stage takes each query, and what held it back.

Stages, in order: Q x K streams the lines of K into the softmax, which scans for the maximum meanwhile; a second pass
over the line buffer takes exponentials, a third divides; the probabilities are decided upon (progressive quantization)
and load the top-k engine; the kept ones meet their values in Prob x V. A query that asks for LSBs goes through Q x K
and softmax once more. Each `_advance_...` moves one stage by one query and returns whether it could: it cannot where
it needs a time that is not known yet, because it depends on data still in DRAM.
"""

import numba
import numpy as np
import numpy.typing as npt

from tokensieve.sim.kernels import tables as t

I64 = npt.NDArray[np.int64]


@numba.njit(cache=True)
def note(st, events, unit, start, end, row, query):
    """Record an event where the buffer has room."""
    n = st[t.S_EVENTS]
    if n < events.shape[0]:
        events[n, 0], events[n, 1], events[n, 2], events[n, 3], events[n, 4] = unit, start, end, row, query
        st[t.S_EVENTS] = n + 1


@numba.njit(cache=True)
def admit(row, st, ring, space, users, freed, owner, r, capacity):
    """Return when the lines of row `r` find room in an SRAM, or -1 while that is unknown. Rows leave in order."""
    need = row[r, space]
    while st[ring + t.RING_USED] + need > capacity and st[ring + t.RING_USED] > 0:
        o = st[ring + t.RING_OLDEST]
        if row[o, owner] == o:
            if row[o, users] > 0:
                return -1
            if row[o, freed] > st[ring + t.RING_TIME]:
                st[ring + t.RING_TIME], st[ring + t.RING_WHO] = row[o, freed], o
            st[ring + t.RING_USED] -= row[o, space]
        st[ring + t.RING_OLDEST] = o + 1
    st[ring + t.RING_USED] += need
    return st[ring + t.RING_TIME]


@numba.njit(cache=True)
def _buffer(ps, st, buffer, k, n, known):
    """Return the last pass that must have left a line buffer before pass `k` of `n` lines enters: -1 none, -2 unknown.

    Passes leave in order, when the next stage begins to read them; `known` passes have done so at a known time.
    """
    used, oldest = st[buffer + t.BUFFER_USED], st[buffer + t.BUFFER_OLDEST]
    while used + n > st[t.S_FIFO_LINES] and oldest < k:
        used -= ps[oldest, t.P_LINES]
        oldest += 1
    if oldest > known:
        return -2
    return oldest - 1


@numba.njit(cache=True)
def _enter_buffer(ps, st, buffer, last, n):
    """Let `n` lines into a line buffer that every pass up to `last` has left."""
    while st[buffer + t.BUFFER_OLDEST] <= last:
        st[buffer + t.BUFFER_USED] -= ps[st[buffer + t.BUFFER_OLDEST], t.P_LINES]
        st[buffer + t.BUFFER_OLDEST] += 1
    st[buffer + t.BUFFER_USED] += n


@numba.njit(cache=True)
def _first_pass(row, query, ps, group, st, k):
    """Return (start, why, who) of the next query in order at Q x K; start is -1 while unknown."""
    q = st[t.S_FIRST]
    if q >= st[t.S_QUERIES]:
        return -1, t.W_START, -1
    r = query[q, t.Q_ROW]
    own = row[r, t.R_KEY_OWNER]
    g = row[r, t.R_GROUP]
    waits = q - st[t.S_QUEUE_ROWS] if row[r, t.R_DECIDE] else -1
    j = _buffer(ps, st, t.S_SCAN_BUFFER, k, row[r, t.R_SOFT_LINES], st[t.S_EXPS])
    if not row[own, t.R_KEY_DONE] or group[g, t.G_QUERY_FROM] < 0 or waits >= st[t.S_PICK] or j == -2:
        return -1, t.W_START, -1
    start, why, who = st[t.S_QK_FREE], t.W_BUSY, k - 1
    if row[own, t.R_KEY_FLOW] > start:
        start, why, who = row[own, t.R_KEY_FLOW], t.W_DATA, own
    if group[g, t.G_QUERY_FROM] > start:
        start, why, who = group[g, t.G_QUERY_FROM], t.W_BARRIER, g - 1
    if j >= 0 and ps[j, t.P_EXP_AT] > start:
        start, why, who = ps[j, t.P_EXP_AT], t.W_BUFFER, j
    if waits >= 0 and query[waits, t.Q_LOAD_AT] > start:
        start, why, who = query[waits, t.Q_LOAD_AT], t.W_QUEUE, waits
    return start, why, who


@numba.njit(cache=True)
def _second_pass(row, query, ps, redo, st, k):
    """Return (start, why, who) of the oldest query that waits for its LSBs; start is -1 while unknown."""
    if st[t.S_REDO_HEAD] == st[t.S_REDO_TAIL]:
        return -1, t.W_START, -1
    first = redo[st[t.S_REDO_HEAD]]
    r = query[ps[first, t.P_QUERY], t.Q_ROW]
    j = _buffer(ps, st, t.S_SCAN_BUFFER, k, row[r, t.R_SOFT_LINES], st[t.S_EXPS])
    if row[r, t.R_LSB_STATE] < 2 or j == -2:
        return -1, t.W_START, -1
    start, why, who = st[t.S_QK_FREE], t.W_BUSY, k - 1
    if row[r, t.R_LSB_FLOW] > start:
        start, why, who = row[r, t.R_LSB_FLOW], t.W_LSB, r
    if ps[first, t.P_DECIDED] > start:
        start, why, who = ps[first, t.P_DECIDED], t.W_FLOW, first
    if j >= 0 and ps[j, t.P_EXP_AT] > start:
        start, why, who = ps[j, t.P_EXP_AT], t.W_BUFFER, j
    return start, why, who


@numba.njit(cache=True)
def _advance_qk(row, query, ps, group, redo, st, events):
    k = st[t.S_PASSES]
    start, why, who = _first_pass(row, query, ps, group, st, k)
    again, why2, who2 = _second_pass(row, query, ps, redo, st, k)
    if start < 0 and again < 0:
        return False
    if again < 0 and start > st[t.S_NOW] and st[t.S_REDO_HEAD] < st[t.S_REDO_TAIL]:
        st[t.S_LOOK_AGAIN] = start  # the oldest recomputed query may have its LSBs before that
        return False
    number = 0
    if start < 0 or (again >= 0 and again <= start):
        start, why, who, number = again, why2, who2, 1
        q = ps[redo[st[t.S_REDO_HEAD]], t.P_QUERY]
        st[t.S_REDO_HEAD] += 1
    else:
        q = st[t.S_FIRST]
        st[t.S_FIRST] += 1
    r = query[q, t.Q_ROW]
    n, passes = row[r, t.R_LINES], row[r, t.R_PASSES] if number == 0 else 1
    lines = (passes - 1) * n + max(n, row[r, t.R_SOFT_LINES])
    ps[k, t.P_QUERY], ps[k, t.P_NUMBER], ps[k, t.P_LINES], ps[k, t.P_QK_LINES] = (
        q,
        number,
        row[r, t.R_SOFT_LINES],
        lines,
    )
    ps[k, t.P_QK_AT], ps[k, t.P_QK_WHY], ps[k, t.P_QK_WHO] = start, why, who
    j = _buffer(ps, st, t.S_SCAN_BUFFER, k, row[r, t.R_SOFT_LINES], st[t.S_EXPS])
    _enter_buffer(ps, st, t.S_SCAN_BUFFER, j, row[r, t.R_SOFT_LINES])
    st[t.S_PASSES] = k + 1
    st[t.S_QK_FREE] = start + lines
    st[t.S_BUSY_QK] += n * passes
    if not row[r, t.R_DECIDE]:
        _release_keys(row, row[r, t.R_KEY_OWNER], start + lines, k)
    note(st, events, t.E_QK, start, start + lines, r, q)
    return True


@numba.njit(cache=True)
def _release_keys(row, own, at, k):
    row[own, t.R_KEY_USERS] -= 1
    if at > row[own, t.R_KEY_FREED]:
        row[own, t.R_KEY_FREED], row[own, t.R_KEY_FREER] = at, k


@numba.njit(cache=True)
def _advance_exp(query, ps, st):
    k = st[t.S_EXPS]
    if k >= st[t.S_PASSES]:
        return False
    n = ps[k, t.P_LINES]
    j = _buffer(ps, st, t.S_EXP_BUFFER, k, n, st[t.S_DIVS])
    if j == -2:
        return False
    start, why, who = ps[k, t.P_QK_AT] + ps[k, t.P_QK_LINES] + st[t.S_QK_LATENCY] + st[t.S_SCAN_LATENCY], t.W_FLOW, k
    if k > 0 and ps[k - 1, t.P_EXP_AT] + ps[k - 1, t.P_LINES] > start:
        start, why, who = ps[k - 1, t.P_EXP_AT] + ps[k - 1, t.P_LINES], t.W_BUSY, k - 1
    if j >= 0 and ps[j, t.P_DIV_AT] > start:
        start, why, who = ps[j, t.P_DIV_AT], t.W_BUFFER, j
    ps[k, t.P_EXP_AT], ps[k, t.P_EXP_WHY], ps[k, t.P_EXP_WHO] = start, why, who
    _enter_buffer(ps, st, t.S_EXP_BUFFER, j, n)
    st[t.S_EXPS] = k + 1
    st[t.S_BUSY_SOFTMAX] += n
    return True


@numba.njit(cache=True)
def _advance_div(row, query, ps, group, redo, st, events):
    k = st[t.S_DIVS]
    if k >= st[t.S_EXPS]:
        return False
    q, n = ps[k, t.P_QUERY], ps[k, t.P_LINES]
    r = query[q, t.Q_ROW]
    streams = not row[r, t.R_DECIDE] and not query[q, t.Q_SKIP]
    if streams and st[t.S_PICK] != q:
        return False
    start, why, who = ps[k, t.P_EXP_AT] + n + st[t.S_EXP_LATENCY], t.W_FLOW, k
    if k > 0 and ps[k - 1, t.P_DIV_AT] + ps[k - 1, t.P_DIV_CYCLES] > start:
        start, why, who = ps[k - 1, t.P_DIV_AT] + ps[k - 1, t.P_DIV_CYCLES], t.W_BUSY, k - 1
    if streams and st[t.S_TOPK_FREE] - st[t.S_DIV_LATENCY] > start:
        start, why, who = st[t.S_TOPK_FREE] - st[t.S_DIV_LATENCY], t.W_QUEUE, q - 1
    cycles = max(n, query[q, t.Q_LOAD]) if streams else n
    ps[k, t.P_DIV_AT], ps[k, t.P_DIV_WHY], ps[k, t.P_DIV_WHO], ps[k, t.P_DIV_CYCLES] = start, why, who, cycles
    st[t.S_DIVS] = k + 1
    last = start + cycles - 1 + st[t.S_DIV_LATENCY]
    note(st, events, t.E_SOFTMAX, ps[k, t.P_QK_AT] + st[t.S_QK_LATENCY], last + 1, r, q)
    if row[r, t.R_DECIDE]:
        st[t.S_BUSY_REQUANT] += n
        ps[k, t.P_DECIDED] = last + 1 + st[t.S_TREE]
        if query[q, t.Q_REDO] and ps[k, t.P_NUMBER] == 0:
            redo[st[t.S_REDO_TAIL]] = k
            st[t.S_REDO_TAIL] += 1
            _ask_for_lsbs(row, st, r, k, ps[k, t.P_DECIDED])
            return True
        _release_keys(row, row[r, t.R_KEY_OWNER], ps[k, t.P_DECIDED], k)
    query[q, t.Q_PASS] = k
    st[t.S_BUSY_IMPORTANCE] += n
    g = row[r, t.R_GROUP]
    if last > group[g, t.G_PROB_END]:
        group[g, t.G_PROB_END], group[g, t.G_PROB_PASS] = last, k
    return True


@numba.njit(cache=True)
def _ask_for_lsbs(row, st, r, k, at):
    """Queue the fetch of a row's LSB plane, once per row."""
    if row[r, t.R_LSB_STATE] > 0:
        return
    row[r, t.R_LSB_STATE], row[r, t.R_LSB_FROM], row[r, t.R_LSB_WHY], row[r, t.R_LSB_WHO] = 1, at, t.W_FLOW, k
    row[r, t.R_LSB_LEFT] = row[r, t.R_LINES]
    if st[t.S_LSB_HEAD] < 0:
        st[t.S_LSB_HEAD] = r
    else:
        row[st[t.S_LSB_TAIL], t.R_LSB_NEXT] = r
    st[t.S_LSB_TAIL] = r


@numba.njit(cache=True)
def _prob_room(query, st, need):
    """Return when the queue before Prob x V has room for `need` lines, or -1 while that is unknown."""
    ring = t.S_PROB_RING
    while st[ring + t.RING_USED] + need > st[t.S_PROB_CAP] and st[ring + t.RING_USED] > 0:
        o = st[ring + t.RING_OLDEST]
        if o >= st[t.S_PV]:
            return -1
        if query[o, t.Q_PV_AT] > st[ring + t.RING_TIME]:
            st[ring + t.RING_TIME], st[ring + t.RING_WHO] = query[o, t.Q_PV_AT], o
        st[ring + t.RING_USED] -= query[o, t.Q_VALUE_LINES]
        st[ring + t.RING_OLDEST] = o + 1
    return st[ring + t.RING_TIME]


@numba.njit(cache=True)
def _advance_topk(row, query, ps, st, events):
    q = st[t.S_PICK]
    if q >= st[t.S_QUERIES] or query[q, t.Q_PASS] < 0:
        return False
    k, r = query[q, t.Q_PASS], query[q, t.Q_ROW]
    n = ps[k, t.P_LINES]
    room = _prob_room(query, st, query[q, t.Q_VALUE_LINES])
    if room < 0:
        return False
    at, why, load = ps[k, t.P_DIV_AT] + st[t.S_DIV_LATENCY], t.W_FLOW, ps[k, t.P_DIV_CYCLES]
    if row[r, t.R_DECIDE]:
        at, load = ps[k, t.P_DECIDED], max(n, query[q, t.Q_LOAD])
        if st[t.S_TOPK_FREE] > at and not query[q, t.Q_SKIP]:
            at, why = st[t.S_TOPK_FREE], t.W_BUSY
    drain = at + load + query[q, t.Q_SEARCH]
    query[q, t.Q_DRAIN_WHO] = -1
    if room > drain:
        drain, query[q, t.Q_DRAIN_WHO] = room, st[t.S_PROB_RING + t.RING_WHO]
    query[q, t.Q_LOAD_AT], query[q, t.Q_LOAD_WHY], query[q, t.Q_DRAIN_AT] = at, why, drain
    query[q, t.Q_PICKED] = drain - 1 + query[q, t.Q_DRAIN]
    if not query[q, t.Q_SKIP]:
        st[t.S_TOPK_FREE] = drain + st[t.S_TURNAROUND]
        st[t.S_BUSY_TOPK] += load + query[q, t.Q_SEARCH] + st[t.S_TURNAROUND]
        note(st, events, t.E_TOPK, at, query[q, t.Q_PICKED] + 1, r, q)
    st[t.S_PROB_RING + t.RING_USED] += query[q, t.Q_VALUE_LINES]
    st[t.S_PICK] = q + 1
    if not row[r, t.R_EARLY] and row[r, t.R_VALUE_OWNER] == r:
        pace = query[q, t.Q_DRAIN] - st[t.S_DRAIN_LATENCY]
        row[r, t.R_VALUE_FROM], row[r, t.R_VALUE_WHY], row[r, t.R_VALUE_WHO] = (
            query[q, t.Q_PICKED] + 1 - pace,
            t.W_FLOW,
            q,
        )
        row[r, t.R_VALUE_PACE] = pace
    return True


@numba.njit(cache=True)
def _advance_pv(row, query, group, st, events):
    q = st[t.S_PV]
    if q >= st[t.S_PICK]:
        return False
    r = query[q, t.Q_ROW]
    own, n = row[r, t.R_VALUE_OWNER], query[q, t.Q_VALUE_LINES]
    if not row[own, t.R_VALUE_DONE]:
        return False
    first = query[q, t.Q_LOAD_AT] if query[q, t.Q_SKIP] else query[q, t.Q_DRAIN_AT] + st[t.S_DRAIN_LATENCY]
    start, why = max(first, query[q, t.Q_PICKED] + 1 - n), t.W_FLOW
    if st[t.S_PV_FREE] > start:
        start, why = st[t.S_PV_FREE], t.W_BUSY
    if n > 0 and row[own, t.R_VALUE_FLOW] > start:
        start, why = row[own, t.R_VALUE_FLOW], t.W_DATA
    query[q, t.Q_PV_AT], query[q, t.Q_PV_WHY] = start, why
    query[q, t.Q_OUT] = start + max(n, 1) - 1 + st[t.S_PV_LATENCY]
    st[t.S_PV_FREE] = start + n
    st[t.S_BUSY_PV] += n
    row[own, t.R_VALUE_USERS] -= 1
    if start + n >= row[own, t.R_VALUE_FREED]:
        row[own, t.R_VALUE_FREED], row[own, t.R_VALUE_FREER] = start + n, q
    st[t.S_PV] = q + 1
    note(st, events, t.E_PV, start, query[q, t.Q_OUT] + 1, r, q)
    g = row[r, t.R_GROUP]
    if q == group[g, t.G_LAST_QUERY]:
        _finish(group, st, events, g, r, query[q, t.Q_OUT] + 1)
    return True


@numba.njit(cache=True)
def _finish(group, st, events, g, r, out):
    """Rank tokens and heads after the last output of a group and let the next group go."""
    group[g, t.G_OUT] = out
    done = np.int64(0)
    if group[g, t.G_TOKEN_RANK] >= 0:
        start = max(group[g, t.G_PROB_END] + st[t.S_RANK_LATENCY], st[t.S_RANK_FREE])
        done = start + group[g, t.G_TOKEN_RANK]
        st[t.S_BUSY_RANK] += group[g, t.G_TOKEN_RANK]
        note(st, events, t.E_RANK, start, done, r, -1)
    if group[g, t.G_HEAD_RANK] >= 0:
        start = max(out + st[t.S_HEAD_LATENCY], st[t.S_RANK_FREE], done)
        group[g, t.G_HEAD_LAST] = start == out + st[t.S_HEAD_LATENCY]
        done = start + group[g, t.G_HEAD_RANK]
        st[t.S_BUSY_RANK] += group[g, t.G_HEAD_RANK]
        note(st, events, t.E_RANK, start, done, r, -1)
    st[t.S_RANK_FREE] = max(st[t.S_RANK_FREE], done)
    group[g, t.G_RANKED] = done
    if g + 1 < st[t.S_GROUPS]:
        if group[g + 1, t.G_QUERY_FROM] < 0:
            group[g + 1, t.G_QUERY_FROM] = out
        if group[g + 1, t.G_KEY_FROM] < 0:
            waits_for_output = st[t.S_BARRIER] == t.BARRIER_OUTPUT and st[t.S_PHASE_PREFILL]
            group[g + 1, t.G_KEY_FROM] = max(done, out) if waits_for_output else done


@numba.njit(cache=True)
def open_groups(group, st):
    """Set to 0 from when keys may be fetched and queries enter, for the groups that need not wait for the one before.

    In prefill the keys of a layer are computed from the output of the layer before; in decode the history is in DRAM,
    and only a selection decides what to fetch of it.
    """
    mode = st[t.S_BARRIER]
    for g in range(st[t.S_GROUPS]):
        ranks = g > 0 and (group[g - 1, t.G_TOKEN_RANK] >= 0 or group[g - 1, t.G_HEAD_RANK] >= 0)
        if g == 0 or mode != t.BARRIER_OUTPUT:
            group[g, t.G_QUERY_FROM] = 0
        if g == 0 or mode == t.BARRIER_NONE or (not ranks and not (mode == t.BARRIER_OUTPUT and st[t.S_PHASE_PREFILL])):
            group[g, t.G_KEY_FROM] = 0


@numba.njit(cache=True)
def pump(row, query, ps, group, redo, st, events):
    """Move every stage as far as the known times allow."""
    moved = True
    while moved:
        moved = _advance_qk(row, query, ps, group, redo, st, events)
        moved |= _advance_exp(query, ps, st)
        moved |= _advance_div(row, query, ps, group, redo, st, events)
        moved |= _advance_topk(row, query, ps, st, events)
        moved |= _advance_pv(row, query, group, st, events)
