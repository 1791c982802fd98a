"""Short layers on one machine after another (numba): every query at every stage, with DRAM as a server.

The stages and what they wait for are those of `pipeline`, by the same rules; but all times are known at once, because
DRAM is no list of commands but so many cycles for each fetch (`short_fetch`). Queries that are computed again go
through Q x K when their low bits are there, so passes are not in order; every other stage takes them as they come.
"""

import numba
import numpy as np

from tokensieve.sim.kernels import short_tables as t
from tokensieve.sim.kernels.short_fetch import (
    admit_values,
    after,
    ask_for_low_bits,
    fetch_ahead,
    fetch_values,
    keys_flow,
    last,
    taken_turns,
    values_flow,
)
from tokensieve.sim.kernels.short_state import finish, first_state
from tokensieve.sim.kernels.step import step


@numba.njit(cache=True)
def short(work, asks, machines, groups, search, lines, kind, share, ends):
    """Walk through the work on every machine; `ends` gets cycles, and by layer and cause where it has room for these.

    `work` and `asks` are the tables of `Run`; `machines` (M, len(MACHINE)) and `groups` (M, G, len(GROUP)) what every
    machine makes of them; `search` and `lines` the cycles and lines of V of every query, as many lines as there are
    different ones, and `law` (2, M) says which are a machine's.
    """
    for i in range(len(machines)):
        w = first_state(work, asks, machines[i], groups[i], search[kind[0, i]] * share[0, i], lines[kind[1, i]] * share[1, i])
        while w.st[t.S_PV] < len(asks):
            fetch_ahead(w)
            _advance_pass(w)
            while _advance_topk(w):
                pass
        end = last(w, last(w, w.st[t.S_OUT], w.st[t.S_WRITTEN]), last(w, w.st[t.S_RANK_FREE], w.st[t.S_DRAM]))
        ends[0, i] = w.time[end]
        while len(ends) > 1 and end > 0:
            ends[1 + w.slot[end], i] += w.time[end] - w.time[w.before[end]]
            end = w.before[end]


@numba.njit(cache=True)
def _advance_pass(w):
    """Take the pass that can start first through Q x K, softmax and decision: a new query's, or a second one."""
    fresh, second = _first_pass(w), _second_pass(w)
    assert fresh >= 0 or second >= 0
    k, again = w.st[t.S_PASSES], fresh < 0 or (second >= 0 and w.time[second] <= w.time[fresh])
    if again:
        q = w.redo[w.st[t.S_REDO_HEAD]]
        w.st[t.S_REDO_HEAD] += 1
    else:
        q = w.st[t.S_FIRST]
        w.st[t.S_FIRST] += 1
    r = w.query[q, t.K_ROW]
    w.st[t.S_SLOT] = w.work[w.row[r, t.B_ROW], t.R_LAYER] * t.N_CAUSE
    w.st[t.S_PASSES] = k + 1
    w.passes[k, t.P_QUERY] = q
    _softmax(w, k, r, _enter_qk(w, k, r, second if again else fresh, again))
    _decide(w, k, q, r, again)


@numba.njit(cache=True)
def _first_pass(w):
    """Return the event at which the next query in order can start at Q x K, -1 while unknown."""
    q = w.st[t.S_FIRST]
    if q >= len(w.asks):
        return -1
    r = w.query[q, t.K_ROW]
    work, g = w.row[r, t.B_ROW], w.row[r, t.B_GROUP]
    gate = w.opened[g, t.E_QUERY_FROM]
    decides = w.work[work, t.R_DECIDE]
    waits = q - np.int64(w.machine[t.M_QUEUE_ROWS]) if decides else -1
    if gate < 0 or w.st[t.S_KEY_NEXT] <= r or waits >= w.st[t.S_PICK]:
        return -1
    w.st[t.S_SLOT] = w.work[work, t.R_LAYER] * t.N_CAUSE
    start = last(w, last(w, w.st[t.S_QK_FREE], keys_flow(w, r)), gate)
    start = last(w, start, _room_in_scan(w, w.group[g, t.G_SOFT]))
    return last(w, start, w.query[waits, t.K_LOAD]) if waits >= 0 else start


@numba.njit(cache=True)
def _second_pass(w):
    """Return the event at which the oldest query that waits for low bits can start at Q x K; -1 where none does."""
    if w.st[t.S_REDO_HEAD] == w.st[t.S_REDO_TAIL]:
        return -1
    q = w.redo[w.st[t.S_REDO_HEAD]]
    r = w.query[q, t.K_ROW]
    start = last(w, last(w, w.st[t.S_QK_FREE], w.row[r, t.B_LSB]), w.query[q, t.K_DECIDED])
    return last(w, start, _room_in_scan(w, w.group[w.row[r, t.B_GROUP], t.G_SOFT]))


@step
def _room_in_scan(w, soft):
    """Return the event at which the line buffer behind Q x K has room for a pass: 0, the begin, where it always had."""
    used, oldest = w.x[t.X_SCAN_USED], w.st[t.S_SCAN_OLDEST]
    while used + soft > w.machine[t.M_BUFFER] and oldest < w.st[t.S_PASSES]:
        used -= _soft_of(w, oldest)
        oldest += 1
    return w.passes[oldest - 1, t.P_EXP] if oldest > 0 else 0


@step
def _soft_of(w, k):
    """Return the softmax lines of a pass."""
    return w.group[w.row[w.query[w.passes[k, t.P_QUERY], t.K_ROW], t.B_GROUP], t.G_SOFT]


@step
def _enter_qk(w, k, r, start, again):
    """Let pass `k` of row `r` start at Q x K; return the event of its last score in the softmax."""
    g, work = w.row[r, t.B_GROUP], w.row[r, t.B_ROW]
    soft, keys = w.group[g, t.G_SOFT], w.group[g, t.G_KEY_LINES]
    lines = max(keys, soft) + (keys if w.work[work, t.R_FORCED] and not again else 0.0)
    if w.machine[t.M_KEY_SHARED] > 0:
        lines += taken_turns(w, start, w.st[t.S_QK_FREE], t.B_KEY, t.S_KEY_NEXT, t.S_KEY_PORT, t.X_KEY_WRITTEN,
                             t.X_KEY_READ, w.machine[t.M_LATENCY])  # fmt: skip
    scanned = soft / lines if soft > keys else 0.0
    w.passes[k, t.P_QK] = start
    while w.x[t.X_SCAN_USED] + soft > w.machine[t.M_BUFFER] and w.st[t.S_SCAN_OLDEST] < k:
        w.x[t.X_SCAN_USED] -= _soft_of(w, w.st[t.S_SCAN_OLDEST])
        w.st[t.S_SCAN_OLDEST] += 1
    w.x[t.X_SCAN_USED] += soft
    end = after(w, after(w, start, lines * (1 - scanned), t.COMPUTE), lines * scanned, t.SOFTMAX)
    w.st[t.S_QK_FREE] = end
    if not w.work[work, t.R_DECIDE]:
        let_go(w, t.B_KEY, r, end)
    scan = lines - soft * w.machine[t.M_STREAMED]
    there = after(w, after(w, start, scan * (1 - scanned), t.COMPUTE), scan * scanned, t.SOFTMAX)
    return after(w, there, w.machine[t.M_QK] + w.machine[t.M_SCAN], t.FILL)


@step
def let_go(w, ring, r, event):
    """Note that one more query has no use for row `r`'s lines in an SRAM from an event on."""
    own = w.row[r, ring + t.H_OWNER]
    w.row[own, ring + t.H_USERS] -= 1
    w.row[own, ring + t.H_FREED] = last(w, w.row[own, ring + t.H_FREED], event)


@step
def _softmax(w, k, r, scanned):
    """Take pass `k` through exponential and division, from its last score on."""
    g = w.row[r, t.B_GROUP]
    soft, q = w.group[g, t.G_SOFT], w.passes[k, t.P_QUERY]
    while w.x[t.X_EXP_USED] + soft > w.machine[t.M_BUFFER] and w.st[t.S_EXP_OLDEST] < k:
        w.x[t.X_EXP_USED] -= _soft_of(w, w.st[t.S_EXP_OLDEST])
        w.st[t.S_EXP_OLDEST] += 1
    w.x[t.X_EXP_USED] += soft
    exp = last(w, scanned, w.st[t.S_EXP_FREE])
    if w.st[t.S_EXP_OLDEST] > 0:
        exp = last(w, exp, w.passes[w.st[t.S_EXP_OLDEST] - 1, t.P_DIV])
    w.passes[k, t.P_EXP] = exp
    w.st[t.S_EXP_FREE] = after(w, exp, soft, t.SOFTMAX)
    follows = w.machine[t.M_STREAMED] > 0 and soft <= w.group[g, t.G_KEY_LINES]
    div = after(w, after(w, exp, soft, t.COMPUTE if follows else t.SOFTMAX), w.machine[t.M_EXP], t.FILL)
    div = last(w, div, w.st[t.S_DIV_FREE])
    decides, passes = w.work[w.row[r, t.B_ROW], t.R_DECIDE], w.asks[q, t.Q_PASSES]
    if not decides and not passes:
        div = last(w, div, after(w, w.st[t.S_TOPK_FREE], -w.machine[t.M_DIV], t.FILL))
    if not decides and passes and w.st[t.S_BEHIND] >= 0:
        div = last(w, div, after(w, w.st[t.S_BEHIND], 1 - w.machine[t.M_DIV], t.FILL))
    w.passes[k, t.P_DIV] = div
    cycles = soft if decides or passes else w.group[g, t.G_LOAD_CYCLES]
    w.st[t.S_DIV_FREE] = after(w, div, cycles, t.SOFTMAX)


@step
def _decide(w, k, q, r, again):
    """Decide on pass `k` of query `q`: once more, with low bits, or its probabilities count."""
    g, work = w.row[r, t.B_GROUP], w.row[r, t.B_ROW]
    if not w.work[work, t.R_DECIDE]:
        w.query[q, t.K_PASS] = k
        last_prob = after(w, w.st[t.S_DIV_FREE], w.machine[t.M_DIV] - 1, t.FILL)
        w.opened[g, t.E_PROB] = last(w, w.opened[g, t.E_PROB], last_prob)
        return
    there = after(w, w.st[t.S_DIV_FREE], w.machine[t.M_DIV], t.FILL)
    decided = after(w, there, w.machine[t.M_TREE], t.FILL)
    w.query[q, t.K_DECIDED] = decided
    if w.asks[q, t.Q_REDO] and not again:
        w.redo[w.st[t.S_REDO_TAIL]] = q
        w.st[t.S_REDO_TAIL] += 1
        ask_for_low_bits(w, r, decided)
        return
    let_go(w, t.B_KEY, r, decided)
    w.query[q, t.K_PASS] = k
    w.opened[g, t.E_PROB] = last(w, w.opened[g, t.E_PROB], after(w, there, -1.0, t.FILL))


@numba.njit(cache=True)
def _advance_topk(w):
    """Take the next query through the local top-k, or past it, and through Prob x V; return whether one could."""
    q = w.st[t.S_PICK]
    if q >= len(w.asks) or w.query[q, t.K_PASS] < 0:
        return False
    r = w.query[q, t.K_ROW]
    g, work, k = w.row[r, t.B_GROUP], w.row[r, t.B_ROW], w.query[q, t.K_PASS]
    passes = w.asks[q, t.Q_PASSES]
    cause = t.SOFTMAX if passes else t.TOPK
    w.st[t.S_SLOT] = w.work[work, t.R_LAYER] * t.N_CAUSE
    load = w.group[g, t.G_SOFT] if passes else w.group[g, t.G_LOAD_CYCLES]
    if w.work[work, t.R_DECIDE]:
        at = last(w, w.query[q, t.K_DECIDED], w.st[t.S_TOPK_FREE])
        if passes and w.st[t.S_BEHIND] >= 0:
            at = last(w, at, after(w, w.st[t.S_BEHIND], 1.0, t.TOPK))
    else:
        at = after(w, w.passes[k, t.P_DIV], w.machine[t.M_DIV], t.FILL)
    drain = after(w, at, load + w.search[q], cause)
    drain = last(w, drain, _room_before_pv(w, q))
    w.query[q, t.K_LOAD], w.query[q, t.K_DRAIN] = at, drain
    w.st[t.S_TOPK_FREE] = drain if passes else after(w, drain, w.machine[t.M_TURN], t.TOPK)
    drained = 0.0 if passes else w.group[g, t.G_LOAD] + w.machine[t.M_DRAIN]
    if not passes:
        w.st[t.S_BEHIND] = after(w, drain, drained - 1, t.TOPK)
    w.st[t.S_PICK] = q + 1
    pace = load if passes else w.group[g, t.G_LOAD]
    if not w.work[work, t.R_EARLY] and w.row[r, t.B_VALUE + t.H_OWNER] == r and q == w.row[r, t.B_Q0]:
        admit_values(w, r)
        fetch_values(w, r, after(w, drain, drained - pace, cause))
        w.st[t.S_VALUE_NEXT] = r + 1
    elif w.st[t.S_VALUE_NEXT] <= r:
        fetch_ahead(w)
    _enter_pv(w, q, r, drained, pace)
    return True


@step
def _room_before_pv(w, q):
    """Return the event at which the queue before Prob x V has room for query `q`, which enters."""
    need = w.lines[q]
    while w.x[t.X_PROB_USED] + need > w.machine[t.M_QUEUE] and w.st[t.S_PROB_OLDEST] < q:
        o = w.st[t.S_PROB_OLDEST]
        w.st[t.S_PROB_ROOM] = last(w, w.st[t.S_PROB_ROOM], w.query[o, t.K_PV])
        w.x[t.X_PROB_USED] -= w.lines[o]
        w.st[t.S_PROB_OLDEST] = o + 1
    w.x[t.X_PROB_USED] += need
    return w.st[t.S_PROB_ROOM]


@step
def _enter_pv(w, q, r, drained, pace):
    """Let query `q` start at Prob x V, which the engine hands its probabilities `drained` cycles after the drain."""
    passes, lines, g = w.asks[q, t.Q_PASSES], w.lines[q], w.row[r, t.B_GROUP]
    drain = w.query[q, t.K_DRAIN]
    first = w.time[w.query[q, t.K_LOAD]] - w.time[drain] if passes else w.machine[t.M_DRAIN]
    start = after(w, drain, max(first, drained - lines), t.SOFTMAX if passes else t.TOPK)
    start = last(w, start, w.st[t.S_PV_FREE])
    if lines > 0:
        early = w.work[w.row[r, t.B_ROW], t.R_EARLY]
        start = last(w, start, values_flow(w, r, 0.0 if early else pace))
    cycles = lines
    if w.machine[t.M_VALUE_SHARED] > 0:
        cycles += taken_turns(w, start, w.st[t.S_PV_FREE], t.B_VALUE, t.S_VALUE_NEXT, t.S_VALUE_PORT,
                              t.X_VALUE_WRITTEN, t.X_VALUE_READ, w.group[g, t.G_VALUE_LATENCY])  # fmt: skip
    w.query[q, t.K_PV] = start
    w.st[t.S_PV_FREE] = after(w, start, cycles, t.COMPUTE)
    let_go(w, t.B_VALUE, r, w.st[t.S_PV_FREE])
    out = after(w, after(w, start, max(cycles, 1.0), t.COMPUTE), w.machine[t.M_PV], t.FILL)
    w.st[t.S_OUT], w.st[t.S_PV] = out, q + 1
    finish(w, q, r, out)
