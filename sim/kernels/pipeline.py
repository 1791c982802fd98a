"""The attention pipeline as a recurrence over queries (numba): when each stage takes each query, and what held it back.

Stages, in order: Q x K streams the lines of K into the softmax, which scans for the maximum meanwhile; a second pass
over the line buffer takes exponentials (or they follow the scores at once), a third divides; the probabilities are
decided upon (progressive quantization) and load the top-k engine; the kept ones meet their values in Prob x V. A query
that asks for LSBs goes through Q x K and softmax once more. Each `_advance_...` moves one stage by one query and
returns whether it could: it cannot where it needs a time that is not known yet, because it depends on data still in
DRAM.

A start is the latest of all that it waits for, and why and who name that one; on a tie, the first that is looked at.
"""

from tokensieve.sim.kernels import tables as t
from tokensieve.sim.kernels.events import note
from tokensieve.sim.kernels.groups import finish
from tokensieve.sim.kernels.room import enter_buffer, last_out, let_go, room_for_probs, taken_turns
from tokensieve.sim.kernels.step import part, step


@part
def pump(row, query, ps, group, redo, st, events):
    """Move every stage as far as the known times allow."""
    moved = True
    while moved:
        moved = _advance_qk(row, query, ps, group, redo, st, events)
        moved |= _advance_exp(ps, st)
        moved |= _advance_div(row, query, ps, group, redo, st, events)
        moved |= _advance_topk(row, query, ps, st, events)
        moved |= _advance_pv(row, query, group, st, events)


@part
def _advance_qk(row, query, ps, group, redo, st, events):
    """Let the query that can start first into Q x K: the next one in order, or one that has its LSBs by now."""
    k = st[t.S_PASSES]
    start, why, who = _first_pass(row, query, ps, group, st, k)
    again, why_again, who_again = _second_pass(row, query, ps, redo, st, k)
    if start < 0 and again < 0:
        return False
    if again < 0 and start > st[t.S_NOW] and st[t.S_REDO_HEAD] < st[t.S_REDO_TAIL]:
        st[t.S_LOOK_AGAIN] = start  # the oldest recomputed query may have its LSBs before that
        return False
    if start < 0 or (again >= 0 and again <= start):
        q, number = ps[redo[st[t.S_REDO_HEAD]], t.P_QUERY], 1
        start, why, who = again, why_again, who_again
        st[t.S_REDO_HEAD] += 1
    else:
        q, number = st[t.S_FIRST], 0
        st[t.S_FIRST] += 1
    ps[k, t.P_QUERY], ps[k, t.P_NUMBER] = q, number
    ps[k, t.P_QK_AT], ps[k, t.P_QK_WHY], ps[k, t.P_QK_WHO] = start, why, who
    _enter_qk(row, query, ps, st, events, k)
    return True


@part
def _first_pass(row, query, ps, group, st, k):
    """Return (start, why, who) of the next query in order at Q x K; start is -1 while unknown."""
    q = st[t.S_FIRST]
    if q >= st[t.S_QUERIES]:
        return -1, t.W_START, -1
    r = query[q, t.Q_ROW]
    own = row[r, t.R_KEY_OWNER]
    g = row[r, t.R_GROUP]
    waits = q - st[t.S_QUEUE_ROWS] if row[r, t.R_DECIDE] else -1  # query that must have gone on to top-k before
    j = last_out(ps, st, t.S_SCAN_BUFFER, k, row[r, t.R_SOFT_LINES], st[t.S_EXPS])
    if not row[own, t.R_KEY_DONE] or group[g, t.G_QUERY_FROM] < 0 or waits >= st[t.S_PICK] or j == -2:
        return -1, t.W_START, -1
    start, why, who = st[t.S_QK_FREE], t.W_BUSY, k - 1
    if row[own, t.R_KEY_FLOW] > start:
        start, why, who = row[own, t.R_KEY_FLOW], t.W_DATA, own
    if group[g, t.G_QUERY_FROM] > start:
        start, why, who = group[g, t.G_QUERY_FROM], t.W_BARRIER, g - 1
        if st[t.S_BARRIER] == t.BARRIER_NONE:
            why, who = t.W_RANKED, g - 2
    if j >= 0 and ps[j, t.P_EXP_AT] > start:
        start, why, who = ps[j, t.P_EXP_AT], t.W_BUFFER, j
    if waits >= 0 and query[waits, t.Q_LOAD_AT] > start:
        start, why, who = query[waits, t.Q_LOAD_AT], t.W_QUEUE, waits
    return start, why, who


@part
def _second_pass(row, query, ps, redo, st, k):
    """Return (start, why, who) of the oldest query that waits for its LSBs; start is -1 while unknown."""
    if st[t.S_REDO_HEAD] == st[t.S_REDO_TAIL]:
        return -1, t.W_START, -1
    first = redo[st[t.S_REDO_HEAD]]
    r = query[ps[first, t.P_QUERY], t.Q_ROW]
    j = last_out(ps, st, t.S_SCAN_BUFFER, k, row[r, t.R_SOFT_LINES], st[t.S_EXPS])
    if not row[r, t.R_LSB_DONE] or j == -2:
        return -1, t.W_START, -1
    start, why, who = st[t.S_QK_FREE], t.W_BUSY, k - 1
    if row[r, t.R_LSB_FLOW] > start:
        start, why, who = row[r, t.R_LSB_FLOW], t.W_LSB, r
    if ps[first, t.P_DECIDED] > start:
        start, why, who = ps[first, t.P_DECIDED], t.W_FLOW, first
    if j >= 0 and ps[j, t.P_EXP_AT] > start:
        start, why, who = ps[j, t.P_EXP_AT], t.W_BUFFER, j
    return start, why, who


@step
def _enter_qk(row, query, ps, st, events, k):
    """Take pass `k` into Q x K at the time it is given, and its scores into the buffer behind it."""
    q, start = ps[k, t.P_QUERY], ps[k, t.P_QK_AT]
    r = query[q, t.Q_ROW]
    n, soft = row[r, t.R_LINES], row[r, t.R_SOFT_LINES]
    planes = row[r, t.R_PASSES] if ps[k, t.P_NUMBER] == 0 else 1
    lines = (planes - 1) * n + max(n, soft)  # the softmax takes a line of scores a cycle, which may be fewer than K's
    lines += taken_turns(st, t.S_KEY_PORT, start - st[t.S_QK_FREE])
    ps[k, t.P_LINES], ps[k, t.P_QK_LINES] = soft, lines
    ps[k, t.P_SCAN] = lines - soft * st[t.S_STREAMED]
    j = last_out(ps, st, t.S_SCAN_BUFFER, k, soft, st[t.S_EXPS])
    enter_buffer(ps, st, t.S_SCAN_BUFFER, j, soft)
    st[t.S_PASSES] = k + 1
    st[t.S_QK_FREE] = start + lines
    st[t.S_BUSY_QK] += n * planes
    if not row[r, t.R_DECIDE]:
        let_go(row, t.R_KEY_SHARE, row[r, t.R_KEY_OWNER], start + lines, k)
    note(st, events, t.E_QK, start, start + lines, r, q)


@part
def _advance_exp(ps, st):
    """Take the exponentials of the next pass: from the last score on, as they need the maximum, or the last with it."""
    k = st[t.S_EXPS]
    if k >= st[t.S_PASSES]:
        return False
    n = ps[k, t.P_LINES]
    j = last_out(ps, st, t.S_EXP_BUFFER, k, n, st[t.S_DIVS])
    if j == -2:
        return False
    start, why, who = ps[k, t.P_QK_AT] + ps[k, t.P_SCAN] + st[t.S_QK_LATENCY] + st[t.S_SCAN_LATENCY], t.W_FLOW, k
    if k > 0 and ps[k - 1, t.P_EXP_AT] + ps[k - 1, t.P_LINES] > start:
        start, why, who = ps[k - 1, t.P_EXP_AT] + ps[k - 1, t.P_LINES], t.W_BUSY, k - 1
    if j >= 0 and ps[j, t.P_DIV_AT] > start:
        start, why, who = ps[j, t.P_DIV_AT], t.W_BUFFER, j
    ps[k, t.P_EXP_AT], ps[k, t.P_EXP_WHY], ps[k, t.P_EXP_WHO] = start, why, who
    enter_buffer(ps, st, t.S_EXP_BUFFER, j, n)
    st[t.S_EXPS] = k + 1
    st[t.S_BUSY_SOFTMAX] += n
    return True


@part
def _advance_div(row, query, ps, group, redo, st, events):
    """Divide the next pass by its sum, then decide on a second one, or leave the probabilities to top-k."""
    k = st[t.S_DIVS]
    if k >= st[t.S_EXPS]:
        return False
    q, n = ps[k, t.P_QUERY], ps[k, t.P_LINES]
    r = query[q, t.Q_ROW]
    # Without a decision the probabilities stream into the engine, or past it once it is empty.
    streams = not row[r, t.R_DECIDE] and not query[q, t.Q_PASSES]
    by = not row[r, t.R_DECIDE] and query[q, t.Q_PASSES]
    behind, room = query[q, t.Q_BEHIND], 0
    if (streams or by) and st[t.S_PICK] != q:
        return False
    if by:
        room = room_for_probs(query, st, q)
        if room < 0:
            return False
    start, why, who = ps[k, t.P_EXP_AT] + n + st[t.S_EXP_LATENCY], t.W_FLOW, k
    if k > 0 and ps[k - 1, t.P_DIV_AT] + ps[k - 1, t.P_DIV_CYCLES] > start:
        start, why, who = ps[k - 1, t.P_DIV_AT] + ps[k - 1, t.P_DIV_CYCLES], t.W_BUSY, k - 1
    if streams and st[t.S_TOPK_FREE] - st[t.S_DIV_LATENCY] > start:
        start, why, who = st[t.S_TOPK_FREE] - st[t.S_DIV_LATENCY], t.W_QUEUE, st[t.S_TOPK_WHO]
    if room - st[t.S_DIV_LATENCY] > start:
        start, why, who = room - st[t.S_DIV_LATENCY], t.W_ROOM, st[t.S_PROB_RING + t.RING_WHO]
    if behind >= 0 and by:
        empty = query[behind, t.Q_PICKED] + 1 - st[t.S_DIV_LATENCY]
        if empty > start:
            start, why, who = empty, t.W_QUEUE, behind
    cycles = max(n, row[r, t.R_SUM_LINES])  # no faster than the accumulator of importance takes them
    if streams:
        cycles = max(cycles, query[q, t.Q_LOAD])
    ps[k, t.P_DIV_AT], ps[k, t.P_DIV_WHY], ps[k, t.P_DIV_WHO], ps[k, t.P_DIV_CYCLES] = start, why, who, cycles
    st[t.S_DIVS] = k + 1
    last = start + cycles - 1 + st[t.S_DIV_LATENCY]
    note(st, events, t.E_SOFTMAX, ps[k, t.P_QK_AT] + st[t.S_QK_LATENCY], last + 1, r, q)
    if not _decides_again(row, query, ps, redo, st, k, last):
        _keep(row, query, ps, group, st, k, last)
    return True


@step
def _decides_again(row, query, ps, redo, st, k, last):
    """Decide on pass `k`, whose last probability comes in cycle `last`; return whether its query is recomputed."""
    q = ps[k, t.P_QUERY]
    r = query[q, t.Q_ROW]
    if not row[r, t.R_DECIDE]:
        return False
    st[t.S_BUSY_REQUANT] += ps[k, t.P_LINES]
    ps[k, t.P_DECIDED] = last + 1 + st[t.S_TREE]
    if query[q, t.Q_REDO] and ps[k, t.P_NUMBER] == 0:
        redo[st[t.S_REDO_TAIL]] = k
        st[t.S_REDO_TAIL] += 1
        _ask_for_lsbs(row, st, r, k, ps[k, t.P_DECIDED])
        return True
    let_go(row, t.R_KEY_SHARE, row[r, t.R_KEY_OWNER], ps[k, t.P_DECIDED], k)
    return False


@step
def _ask_for_lsbs(row, st, r, k, at):
    """Queue the fetch of a row's LSB plane, once per row."""
    if row[r, t.R_LSB_ASKED]:
        return
    row[r, t.R_LSB_ASKED] = 1
    row[r, t.R_LSB_FROM], row[r, t.R_LSB_WHY], row[r, t.R_LSB_WHO] = at, t.W_FLOW, k
    row[r, t.R_LSB_LEFT] = row[r, t.R_LINES]
    if st[t.S_LSB_HEAD] < 0:
        st[t.S_LSB_HEAD] = r
    else:
        row[st[t.S_LSB_TAIL], t.R_LSB_NEXT] = r
    st[t.S_LSB_TAIL] = r


@step
def _keep(row, query, ps, group, st, k, last):
    """Let the probabilities of pass `k` count: for its query, and for the importance of the tokens."""
    q = ps[k, t.P_QUERY]
    r = query[q, t.Q_ROW]
    query[q, t.Q_PASS] = k
    st[t.S_BUSY_IMPORTANCE] += row[r, t.R_SUM_LINES]
    g = row[r, t.R_GROUP]
    if last > group[g, t.G_PROB_END]:
        group[g, t.G_PROB_END], group[g, t.G_PROB_PASS] = last, k


@part
def _advance_topk(row, query, ps, st, events):
    """Load the engine with the next query's probabilities, search, and drain what is kept once there is room for it."""
    q = st[t.S_PICK]
    if q >= st[t.S_QUERIES] or query[q, t.Q_PASS] < 0:
        return False
    room = room_for_probs(query, st, q)
    if room < 0:
        return False
    st[t.S_PROB_RING + t.RING_USED] += query[q, t.Q_VALUE_LINES]
    k, r = query[q, t.Q_PASS], query[q, t.Q_ROW]
    at, why, who, load = ps[k, t.P_DIV_AT] + st[t.S_DIV_LATENCY], t.W_FLOW, -1, ps[k, t.P_DIV_CYCLES]
    if row[r, t.R_DECIDE]:
        at, load = ps[k, t.P_DECIDED], max(ps[k, t.P_LINES], query[q, t.Q_LOAD])
        if st[t.S_TOPK_FREE] > at:
            at, why, who = st[t.S_TOPK_FREE], t.W_BUSY, st[t.S_TOPK_WHO]
        behind = query[q, t.Q_BEHIND]
        if query[q, t.Q_PASSES] and behind >= 0 and query[behind, t.Q_PICKED] + 1 > at:
            at, why, who = query[behind, t.Q_PICKED] + 1, t.W_BUSY, behind
        if query[q, t.Q_PASSES] and room > at:
            at, why, who = room, t.W_ROOM, st[t.S_PROB_RING + t.RING_WHO]
    drain = at + load + query[q, t.Q_SEARCH]
    query[q, t.Q_DRAIN_WHO] = -1
    if room > drain:
        drain, query[q, t.Q_DRAIN_WHO] = room, st[t.S_PROB_RING + t.RING_WHO]
    query[q, t.Q_LOAD_AT], query[q, t.Q_LOAD_WHY], query[q, t.Q_LOAD_WHO] = at, why, who
    query[q, t.Q_DRAIN_AT], query[q, t.Q_PICKED] = drain, drain - 1 + query[q, t.Q_DRAIN]
    st[t.S_PICK], st[t.S_TOPK_FREE], st[t.S_TOPK_WHO] = q + 1, drain, q
    if not query[q, t.Q_PASSES]:
        st[t.S_TOPK_FREE] += st[t.S_TURNAROUND]
        st[t.S_BUSY_TOPK] += load + query[q, t.Q_SEARCH] + st[t.S_TURNAROUND]
        note(st, events, t.E_TOPK, at, query[q, t.Q_PICKED] + 1, r, q)
    if not row[r, t.R_EARLY] and row[r, t.R_VALUE_OWNER] == r:
        _ask_for_values(row, query, st, r, q, load)
    return True


@step
def _ask_for_values(row, query, st, r, q, load):
    """Let the fetch of a row's V begin (decode): the ids leave the engine one after another, registers later."""
    pace = load if query[q, t.Q_PASSES] else query[q, t.Q_DRAIN] - st[t.S_DRAIN_LATENCY]
    row[r, t.R_VALUE_FROM] = query[q, t.Q_PICKED] + 1 - pace
    row[r, t.R_VALUE_WHY], row[r, t.R_VALUE_WHO] = t.W_FLOW, q
    row[r, t.R_VALUE_PACE] = pace


@part
def _advance_pv(row, query, group, st, events):
    """Let the next query's kept probabilities meet their values; the last query of a group ends it."""
    q = st[t.S_PV]
    if q >= st[t.S_PICK]:
        return False
    r = query[q, t.Q_ROW]
    own, n = row[r, t.R_VALUE_OWNER], query[q, t.Q_VALUE_LINES]
    if not row[own, t.R_VALUE_DONE]:
        return False
    # Neither the first line nor the last may be ahead of what the engine hands out.
    first = query[q, t.Q_LOAD_AT] if query[q, t.Q_PASSES] else query[q, t.Q_DRAIN_AT] + st[t.S_DRAIN_LATENCY]
    start, why = max(first, query[q, t.Q_PICKED] + 1 - n), t.W_FLOW
    if st[t.S_PV_FREE] > start:
        start, why = st[t.S_PV_FREE], t.W_BUSY
    if n > 0 and row[own, t.R_VALUE_FLOW] > start:
        start, why = row[own, t.R_VALUE_FLOW], t.W_DATA
    cycles = n + taken_turns(st, t.S_VALUE_PORT, start - st[t.S_PV_FREE])
    query[q, t.Q_PV_AT], query[q, t.Q_PV_WHY] = start, why
    query[q, t.Q_OUT] = start + max(cycles, 1) - 1 + st[t.S_PV_LATENCY]
    st[t.S_PV_FREE] = start + cycles
    st[t.S_BUSY_PV] += n
    let_go(row, t.R_VALUE_SHARE, own, start + cycles, q)
    st[t.S_PV] = q + 1
    note(st, events, t.E_PV, start, query[q, t.Q_OUT] + 1, r, q)
    g = row[r, t.R_GROUP]
    if q == group[g, t.G_LAST_QUERY]:
        finish(group, st, events, g, r, query[q, t.Q_OUT] + 1)
    return True
