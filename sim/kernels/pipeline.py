"""The attention pipeline as a recurrence over queries (numba): when each stage takes each query, and what held it back.

Stages, in order: Q x K streams the lines of K into the softmax, which scans for the maximum meanwhile; a second pass over
the line buffer takes exponentials, a third divides; the probabilities are decided upon (progressive quantization) and load
the top-k engine; the kept ones meet their values in Prob x V. A query that asks for LSBs goes through Q x K and softmax
once more. Each `_advance_...` moves one stage by one query and returns whether it could: it cannot where it needs a time
that is not known yet, because it depends on data still in DRAM.
"""

import numba
import numpy as np
import numpy.typing as npt

from tokensieve.sim.kernels.tables import *  # noqa: F403  (the column names are this room's vocabulary)

I64 = npt.NDArray[np.int64]


@numba.njit(cache=True)
def note(st, events, unit, start, end, row, query):
    """Record an event where the buffer has room."""
    n = st[S_EVENTS]
    if n < events.shape[0]:
        events[n, 0], events[n, 1], events[n, 2], events[n, 3], events[n, 4] = unit, start, end, row, query
        st[S_EVENTS] = n + 1


@numba.njit(cache=True)
def admit(row, st, ring, space, users, freed, owner, r, capacity):
    """Return when the lines of row `r` find room in an SRAM, or -1 while that is unknown. Rows leave in order."""
    need = row[r, space]
    while st[ring + RING_USED] + need > capacity and st[ring + RING_USED] > 0:
        o = st[ring + RING_OLDEST]
        if row[o, owner] == o:
            if row[o, users] > 0:
                return -1
            if row[o, freed] > st[ring + RING_TIME]:
                st[ring + RING_TIME], st[ring + RING_WHO] = row[o, freed], o
            st[ring + RING_USED] -= row[o, space]
        st[ring + RING_OLDEST] = o + 1
    st[ring + RING_USED] += need
    return st[ring + RING_TIME]


@numba.njit(cache=True)
def _buffer(ps, st, k, n, known, at):
    """Return the pass whose start in column `at` frees the line buffer for pass `k` of `n` lines: -1 none, -2 unknown."""
    j = k - 1
    if j >= 0 and ps[j, P_LINES] + n <= st[S_FIFO_LINES]:
        j -= 1
    if j >= known:
        return -2
    return max(j, -1)


@numba.njit(cache=True)
def _first_pass(row, query, ps, group, st, k):
    """Return (start, why, who) of the next query in order at Q x K; start is -1 while unknown."""
    q = st[S_FIRST]
    if q >= st[S_QUERIES]:
        return -1, W_START, -1
    r = query[q, Q_ROW]
    own = row[r, R_KEY_OWNER]
    g = row[r, R_GROUP]
    waits = q - st[S_QUEUE_ROWS] if row[r, R_DECIDE] else -1
    j = _buffer(ps, st, k, row[r, R_SOFT_LINES], st[S_EXPS], P_EXP_AT)
    if not row[own, R_KEY_DONE] or group[g, G_QUERY_FROM] < 0 or waits >= st[S_PICK] or j == -2:
        return -1, W_START, -1
    start, why, who = st[S_QK_FREE], W_BUSY, k - 1
    if row[own, R_KEY_FLOW] > start:
        start, why, who = row[own, R_KEY_FLOW], W_DATA, own
    if group[g, G_QUERY_FROM] > start:
        start, why, who = group[g, G_QUERY_FROM], W_BARRIER, g - 1
    if j >= 0 and ps[j, P_EXP_AT] > start:
        start, why, who = ps[j, P_EXP_AT], W_BUFFER, j
    if waits >= 0 and query[waits, Q_LOAD_AT] > start:
        start, why, who = query[waits, Q_LOAD_AT], W_QUEUE, waits
    return start, why, who


@numba.njit(cache=True)
def _second_pass(row, query, ps, redo, st, k):
    """Return (start, why, who) of the oldest query that waits for its LSBs; start is -1 while unknown."""
    if st[S_REDO_HEAD] == st[S_REDO_TAIL]:
        return -1, W_START, -1
    first = redo[st[S_REDO_HEAD]]
    r = query[ps[first, P_QUERY], Q_ROW]
    j = _buffer(ps, st, k, row[r, R_SOFT_LINES], st[S_EXPS], P_EXP_AT)
    if row[r, R_LSB_STATE] < 2 or j == -2:
        return -1, W_START, -1
    start, why, who = st[S_QK_FREE], W_BUSY, k - 1
    if row[r, R_LSB_FLOW] > start:
        start, why, who = row[r, R_LSB_FLOW], W_LSB, r
    if ps[first, P_DECIDED] > start:
        start, why, who = ps[first, P_DECIDED], W_FLOW, first
    if j >= 0 and ps[j, P_EXP_AT] > start:
        start, why, who = ps[j, P_EXP_AT], W_BUFFER, j
    return start, why, who


@numba.njit(cache=True)
def _advance_qk(row, query, ps, group, redo, st, events):
    k = st[S_PASSES]
    start, why, who = _first_pass(row, query, ps, group, st, k)
    again, why2, who2 = _second_pass(row, query, ps, redo, st, k)
    if start < 0 and again < 0:
        return False
    number = 0
    if start < 0 or (again >= 0 and again <= start):
        start, why, who, number = again, why2, who2, 1
        q = ps[redo[st[S_REDO_HEAD]], P_QUERY]
        st[S_REDO_HEAD] += 1
    else:
        q = st[S_FIRST]
        st[S_FIRST] += 1
    r = query[q, Q_ROW]
    n, passes = row[r, R_LINES], row[r, R_PASSES] if number == 0 else 1
    lines = (passes - 1) * n + max(n, row[r, R_SOFT_LINES])
    ps[k, P_QUERY], ps[k, P_NUMBER], ps[k, P_LINES], ps[k, P_QK_LINES] = q, number, row[r, R_SOFT_LINES], lines
    ps[k, P_QK_AT], ps[k, P_QK_WHY], ps[k, P_QK_WHO] = start, why, who
    st[S_PASSES] = k + 1
    st[S_QK_FREE] = start + lines
    st[S_BUSY_QK] += n * passes
    if not row[r, R_DECIDE]:
        _release_keys(row, row[r, R_KEY_OWNER], start + lines, k)
    note(st, events, E_QK, start, start + lines, r, q)
    return True


@numba.njit(cache=True)
def _release_keys(row, own, at, k):
    row[own, R_KEY_USERS] -= 1
    if at > row[own, R_KEY_FREED]:
        row[own, R_KEY_FREED], row[own, R_KEY_FREER] = at, k


@numba.njit(cache=True)
def _advance_exp(query, ps, st):
    k = st[S_EXPS]
    if k >= st[S_PASSES]:
        return False
    n = ps[k, P_LINES]
    j = _buffer(ps, st, k, n, st[S_DIVS], P_DIV_AT)
    if j == -2:
        return False
    start, why, who = ps[k, P_QK_AT] + ps[k, P_QK_LINES] + st[S_QK_LATENCY] + st[S_SCAN_LATENCY], W_FLOW, k
    if k > 0 and ps[k - 1, P_EXP_AT] + ps[k - 1, P_LINES] > start:
        start, why, who = ps[k - 1, P_EXP_AT] + ps[k - 1, P_LINES], W_BUSY, k - 1
    if j >= 0 and ps[j, P_DIV_AT] > start:
        start, why, who = ps[j, P_DIV_AT], W_BUFFER, j
    ps[k, P_EXP_AT], ps[k, P_EXP_WHY], ps[k, P_EXP_WHO] = start, why, who
    st[S_EXPS] = k + 1
    st[S_BUSY_SOFTMAX] += n
    return True


@numba.njit(cache=True)
def _advance_div(row, query, ps, group, redo, st, events):
    k = st[S_DIVS]
    if k >= st[S_EXPS]:
        return False
    q, n = ps[k, P_QUERY], ps[k, P_LINES]
    r = query[q, Q_ROW]
    streams = not row[r, R_DECIDE] and not query[q, Q_SKIP]
    if streams and st[S_PICK] != q:
        return False
    start, why, who = ps[k, P_EXP_AT] + n + st[S_EXP_LATENCY], W_FLOW, k
    if k > 0 and ps[k - 1, P_DIV_AT] + ps[k - 1, P_DIV_CYCLES] > start:
        start, why, who = ps[k - 1, P_DIV_AT] + ps[k - 1, P_DIV_CYCLES], W_BUSY, k - 1
    if streams and st[S_TOPK_FREE] - st[S_DIV_LATENCY] > start:
        start, why, who = st[S_TOPK_FREE] - st[S_DIV_LATENCY], W_QUEUE, q - 1
    cycles = max(n, query[q, Q_LOAD]) if streams else n
    ps[k, P_DIV_AT], ps[k, P_DIV_WHY], ps[k, P_DIV_WHO], ps[k, P_DIV_CYCLES] = start, why, who, cycles
    st[S_DIVS] = k + 1
    last = start + cycles - 1 + st[S_DIV_LATENCY]
    note(st, events, E_SOFTMAX, ps[k, P_QK_AT] + st[S_QK_LATENCY], last + 1, r, q)
    if row[r, R_DECIDE]:
        st[S_BUSY_REQUANT] += n
        ps[k, P_DECIDED] = last + 1 + st[S_TREE]
        if query[q, Q_REDO] and ps[k, P_NUMBER] == 0:
            redo[st[S_REDO_TAIL]] = k
            st[S_REDO_TAIL] += 1
            _ask_for_lsbs(row, st, r, k, ps[k, P_DECIDED])
            return True
        _release_keys(row, row[r, R_KEY_OWNER], ps[k, P_DECIDED], k)
    query[q, Q_PASS] = k
    st[S_BUSY_IMPORTANCE] += n
    g = row[r, R_GROUP]
    if last > group[g, G_PROB_END]:
        group[g, G_PROB_END], group[g, G_PROB_PASS] = last, k
    return True


@numba.njit(cache=True)
def _ask_for_lsbs(row, st, r, k, at):
    """Queue the fetch of a row's LSB plane, once per row."""
    if row[r, R_LSB_STATE] > 0:
        return
    row[r, R_LSB_STATE], row[r, R_LSB_FROM], row[r, R_LSB_WHY], row[r, R_LSB_WHO] = 1, at, W_FLOW, k
    row[r, R_LSB_LEFT] = row[r, R_LINES]
    if st[S_LSB_HEAD] < 0:
        st[S_LSB_HEAD] = r
    else:
        row[st[S_LSB_TAIL], R_LSB_NEXT] = r
    st[S_LSB_TAIL] = r


@numba.njit(cache=True)
def _prob_room(query, st, need):
    """Return when the queue before Prob x V has room for `need` lines, or -1 while that is unknown."""
    ring = S_PROB_RING
    while st[ring + RING_USED] + need > st[S_PROB_CAP] and st[ring + RING_USED] > 0:
        o = st[ring + RING_OLDEST]
        if o >= st[S_PV]:
            return -1
        if query[o, Q_PV_AT] > st[ring + RING_TIME]:
            st[ring + RING_TIME], st[ring + RING_WHO] = query[o, Q_PV_AT], o
        st[ring + RING_USED] -= query[o, Q_VALUE_LINES]
        st[ring + RING_OLDEST] = o + 1
    return st[ring + RING_TIME]


@numba.njit(cache=True)
def _advance_topk(row, query, ps, st, events):
    q = st[S_PICK]
    if q >= st[S_QUERIES] or query[q, Q_PASS] < 0:
        return False
    k, r = query[q, Q_PASS], query[q, Q_ROW]
    n = ps[k, P_LINES]
    room = _prob_room(query, st, query[q, Q_VALUE_LINES])
    if room < 0:
        return False
    at, why, load = ps[k, P_DIV_AT] + st[S_DIV_LATENCY], W_FLOW, ps[k, P_DIV_CYCLES]
    if row[r, R_DECIDE]:
        at, load = ps[k, P_DECIDED], max(n, query[q, Q_LOAD])
        if st[S_TOPK_FREE] > at and not query[q, Q_SKIP]:
            at, why = st[S_TOPK_FREE], W_BUSY
    drain = at + load + query[q, Q_SEARCH]
    query[q, Q_DRAIN_WHO] = -1
    if room > drain:
        drain, query[q, Q_DRAIN_WHO] = room, st[S_PROB_RING + RING_WHO]
    query[q, Q_LOAD_AT], query[q, Q_LOAD_WHY], query[q, Q_DRAIN_AT] = at, why, drain
    query[q, Q_PICKED] = drain - 1 + query[q, Q_DRAIN]
    if not query[q, Q_SKIP]:
        st[S_TOPK_FREE] = drain
        st[S_BUSY_TOPK] += load + query[q, Q_SEARCH]
        note(st, events, E_TOPK, at, query[q, Q_PICKED] + 1, r, q)
    st[S_PROB_RING + RING_USED] += query[q, Q_VALUE_LINES]
    st[S_PICK] = q + 1
    if not row[r, R_EARLY] and row[r, R_VALUE_OWNER] == r:
        pace = query[q, Q_DRAIN] - st[S_DRAIN_LATENCY]
        row[r, R_VALUE_FROM], row[r, R_VALUE_WHY], row[r, R_VALUE_WHO] = query[q, Q_PICKED] + 1 - pace, W_FLOW, q
        row[r, R_VALUE_PACE] = pace
    return True


@numba.njit(cache=True)
def _advance_pv(row, query, group, st, events):
    q = st[S_PV]
    if q >= st[S_PICK]:
        return False
    r = query[q, Q_ROW]
    own, n = row[r, R_VALUE_OWNER], query[q, Q_VALUE_LINES]
    if not row[own, R_VALUE_DONE]:
        return False
    first = query[q, Q_LOAD_AT] if query[q, Q_SKIP] else query[q, Q_DRAIN_AT] + st[S_DRAIN_LATENCY]
    start, why = max(first, query[q, Q_PICKED] + 1 - n), W_FLOW
    if st[S_PV_FREE] > start:
        start, why = st[S_PV_FREE], W_BUSY
    if n > 0 and row[own, R_VALUE_FLOW] > start:
        start, why = row[own, R_VALUE_FLOW], W_DATA
    query[q, Q_PV_AT], query[q, Q_PV_WHY] = start, why
    query[q, Q_OUT] = start + max(n, 1) - 1 + st[S_PV_LATENCY]
    st[S_PV_FREE] = start + n
    st[S_BUSY_PV] += n
    row[own, R_VALUE_USERS] -= 1
    if start + n >= row[own, R_VALUE_FREED]:
        row[own, R_VALUE_FREED], row[own, R_VALUE_FREER] = start + n, q
    st[S_PV] = q + 1
    note(st, events, E_PV, start, query[q, Q_OUT] + 1, r, q)
    g = row[r, R_GROUP]
    if q == group[g, G_LAST_QUERY]:
        _finish(group, st, events, g, r, query[q, Q_OUT] + 1)
    return True


@numba.njit(cache=True)
def _finish(group, st, events, g, r, out):
    """Rank tokens and heads after the last output of a group and let the next group go."""
    group[g, G_OUT] = out
    done = np.int64(0)
    if group[g, G_TOKEN_RANK] >= 0:
        start = max(group[g, G_PROB_END] + st[S_RANK_LATENCY] + 1, st[S_RANK_FREE])
        done = start + group[g, G_TOKEN_RANK]
        st[S_BUSY_RANK] += group[g, G_TOKEN_RANK]
        note(st, events, E_RANK, start, done, r, -1)
    if group[g, G_HEAD_RANK] >= 0:
        start = max(out + st[S_HEAD_LATENCY], st[S_RANK_FREE], done)
        done = start + group[g, G_HEAD_RANK]
        st[S_BUSY_RANK] += group[g, G_HEAD_RANK]
        note(st, events, E_RANK, start, done, r, -1)
    st[S_RANK_FREE] = max(st[S_RANK_FREE], done)
    group[g, G_RANKED] = done
    if g + 1 < st[S_GROUPS]:
        if group[g + 1, G_QUERY_FROM] < 0:
            group[g + 1, G_QUERY_FROM] = out
        if group[g + 1, G_KEY_FROM] < 0:
            waits_for_output = st[S_BARRIER] == BARRIER_OUTPUT and st[S_PHASE_PREFILL]
            group[g + 1, G_KEY_FROM] = max(done, out) if waits_for_output else done


@numba.njit(cache=True)
def open_groups(group, st):
    """Set to 0 from when keys may be fetched and queries enter, for the groups that need not wait for the one before.

    In prefill the keys of a layer are computed from the output of the layer before; in decode the history is in DRAM, and
    only a selection decides what to fetch of it.
    """
    mode = st[S_BARRIER]
    for g in range(st[S_GROUPS]):
        ranks = g > 0 and (group[g - 1, G_TOKEN_RANK] >= 0 or group[g - 1, G_HEAD_RANK] >= 0)
        if g == 0 or mode != BARRIER_OUTPUT:
            group[g, G_QUERY_FROM] = 0
        if g == 0 or mode == BARRIER_NONE or (not ranks and not (mode == BARRIER_OUTPUT and st[S_PHASE_PREFILL])):
            group[g, G_KEY_FROM] = 0


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
