"""Short layers on one machine after another (numba): every query at every stage, with DRAM as a server.

The stages and what they wait for are those of `pipeline`, by the same rules; but all times are known at once, because
DRAM is no list of commands but so many cycles for each fetch (`short_fetch`). Queries that are computed again go
through Q x K when their low bits are there, so passes are not in order; every other stage takes them as they come.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

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
from tokensieve.sim.kernels.short_state import finish, room_for, set_up
from tokensieve.sim.kernels.step import step

Array = npt.NDArray[Any]

SLICE = 100_000
"""Queries, over all machines, after which a call returns: well below a second, so that Ctrl-C is met."""


def short(
    work: Array, asks: Array, machines: Array, groups: Array, search: Array, lines: Array, kind: Array, share: Array,
    ends: Array, most: int = SLICE,
) -> None:  # fmt: skip
    """Do what `walk_some` does for all machines, about `most` queries a call."""
    each = max(most // max(len(asks), 1), 1)
    for low in range(0, len(machines), each):
        part = low, min(low + each, len(machines))
        walk_some(work, asks, machines, groups, search, lines, kind, share, ends, *part)


@numba.njit(cache=True, error_model="numpy")
def walk_some(work, asks, machines, groups, search, lines, kind, share, ends, begin, end_):
    """Walk through the work on machines `begin` to `end_` - 1.

    `ends` gets cycles, and by layer and cause where it has room for these.

    `work` and `asks` are the columns of `short_tables` from R_GROUP and Q_REDO on; `machines` (M, len(MACHINE)) and
    `groups` (M, G, len(GROUP)) what every machine makes of them; `search` and `lines` (kinds, Q) the cycles of every
    query's search and its lines of V, `kind` (2, M) which of these are a machine's, `share` (2, M) how much it takes.
    """
    w = room_for(work, asks, groups.shape[1])
    for i in range(begin, end_):
        set_up(w, work, asks, machines[i], groups[i], search[kind[0, i]] * share[0, i], lines[kind[1, i]] * share[1, i])
        while w.n[0, t.S_PV] < len(asks):
            fetch_ahead(w)
            if not _advance_topk(w):
                _advance_pass(w)
        end = last(w, last(w, w.n[0, t.S_OUT], w.n[0, t.S_WRITTEN]), last(w, w.n[0, t.S_RANK_FREE], w.n[0, t.S_DRAM]))
        ends[0, i] = w.time[end]
        while len(ends) > 1 and end > 0:
            ends[1 + w.back[end, 1], i] += w.time[end] - w.time[w.back[end, 0]]
            end = w.back[end, 0]


@numba.njit(cache=True, error_model="numpy")
def _advance_pass(w):
    """Take the pass that can start first through Q x K, softmax and decision: a new query's, or a second one."""
    fresh, second = _first_pass(w), _second_pass(w)
    assert fresh >= 0 or second >= 0
    k, again = w.n[0, t.S_PASSES], fresh < 0 or (second >= 0 and w.time[second] <= w.time[fresh])
    if again:
        q = w.n[w.n[0, t.S_REDO_HEAD], t.D_QUERY]
        w.n[0, t.S_REDO_HEAD] += 1
    else:
        q = w.n[0, t.S_FIRST]
        w.n[0, t.S_FIRST] += 1
    r = w.n[q, t.K_OWN]
    w.n[0, t.S_SLOT] = w.n[w.n[r, t.B_ROW], t.R_LAYER] * t.N_CAUSE
    w.n[0, t.S_PASSES] = k + 1
    w.n[k, t.P_QUERY] = q
    _softmax(w, k, r, _enter_qk(w, k, r, second if again else fresh, again))
    _decide(w, k, q, r, again)


@numba.njit(cache=True, error_model="numpy")
def _first_pass(w):
    """Return the event at which the next query in order can start at Q x K, -1 while unknown."""
    q = w.n[0, t.S_FIRST]
    if q >= w.n[0, t.S_QUERIES]:
        return -1
    r = w.n[q, t.K_OWN]
    work, g = w.n[r, t.B_ROW], w.n[r, t.B_GROUP]
    gate = w.n[g, t.E_QUERY_FROM]
    decides = w.n[work, t.R_DECIDE]
    waits = q - np.int64(w.x[0, t.M_QUEUE_ROWS]) if decides else -1
    if gate < 0 or w.n[0, t.S_KEY_NEXT] <= r or waits >= w.n[0, t.S_PICK]:
        return -1
    w.n[0, t.S_SLOT] = w.n[work, t.R_LAYER] * t.N_CAUSE
    start = last(w, last(w, w.n[0, t.S_QK_FREE], keys_flow(w, r)), gate)
    start = last(w, start, _room_in_scan(w, w.x[g, t.G_SOFT]))
    return last(w, start, w.n[waits, t.K_LOAD]) if waits >= 0 else start


@numba.njit(cache=True, error_model="numpy")
def _second_pass(w):
    """Return the event at which the oldest query that waits for low bits can start at Q x K; -1 where none does."""
    if w.n[0, t.S_REDO_HEAD] == w.n[0, t.S_REDO_TAIL]:
        return -1
    q = w.n[w.n[0, t.S_REDO_HEAD], t.D_QUERY]
    r = w.n[q, t.K_OWN]
    start = last(w, last(w, w.n[0, t.S_QK_FREE], w.n[r, t.B_LSB]), w.n[q, t.K_DECIDED])
    return last(w, start, _room_in_scan(w, w.x[w.n[r, t.B_GROUP], t.G_SOFT]))


@step
def _room_in_scan(w, soft):
    """Return the event at which the line buffer behind Q x K has room for a pass: 0, the begin, where it always had."""
    used, oldest = w.x[0, t.X_SCAN_USED], w.n[0, t.S_SCAN_OLDEST]
    while used + soft > w.x[0, t.M_BUFFER] and oldest < w.n[0, t.S_PASSES]:
        used -= _soft_of(w, oldest)
        oldest += 1
    return w.n[oldest - 1, t.P_EXP] if oldest > 0 else 0


@step
def _soft_of(w, k):
    """Return the softmax lines of a pass."""
    return w.x[w.n[w.n[w.n[k, t.P_QUERY], t.K_OWN], t.B_GROUP], t.G_SOFT]


@step
def _enter_qk(w, k, r, start, again):
    """Let pass `k` of row `r` start at Q x K; return the event of its last score in the softmax."""
    g, work = w.n[r, t.B_GROUP], w.n[r, t.B_ROW]
    soft, keys = w.x[g, t.G_SOFT], w.x[g, t.G_KEY_LINES]
    lines = max(keys, soft) + (keys if w.n[work, t.R_FORCED] and not again else 0.0)
    if w.x[0, t.M_KEY_SHARED] > 0:
        lines += taken_turns(w, start, w.n[0, t.S_QK_FREE], t.B_KEY, t.S_KEY_NEXT, t.S_KEY_PORT, t.X_KEY_WRITTEN,
                             t.X_KEY_READ, w.x[0, t.M_LATENCY])  # fmt: skip
    scanned = soft / lines if soft > keys else 0.0
    while w.x[0, t.X_SCAN_USED] + soft > w.x[0, t.M_BUFFER] and w.n[0, t.S_SCAN_OLDEST] < k:
        w.x[0, t.X_SCAN_USED] -= _soft_of(w, w.n[0, t.S_SCAN_OLDEST])
        w.n[0, t.S_SCAN_OLDEST] += 1
    w.x[0, t.X_SCAN_USED] += soft
    end = after(w, after(w, start, lines * (1 - scanned), t.COMPUTE), lines * scanned, t.SOFTMAX)
    w.n[0, t.S_QK_FREE] = end
    if not w.n[work, t.R_DECIDE]:
        let_go(w, t.B_KEY, r, end)
    scan = lines - soft * w.x[0, t.M_STREAMED]
    there = after(w, after(w, start, scan * (1 - scanned), t.COMPUTE), scan * scanned, t.SOFTMAX)
    return after(w, there, w.x[0, t.M_QK] + w.x[0, t.M_SCAN], t.FILL)


@step
def let_go(w, ring, r, event):
    """Note that one more query has no use for row `r`'s lines in an SRAM from an event on."""
    own = w.n[r, ring + t.H_OWNER]
    w.n[own, ring + t.H_USERS] -= 1
    w.n[own, ring + t.H_FREED] = last(w, w.n[own, ring + t.H_FREED], event)


@step
def _softmax(w, k, r, scanned):
    """Take pass `k` through exponential and division, from its last score on."""
    g = w.n[r, t.B_GROUP]
    soft, q = w.x[g, t.G_SOFT], w.n[k, t.P_QUERY]
    while w.x[0, t.X_EXP_USED] + soft > w.x[0, t.M_BUFFER] and w.n[0, t.S_EXP_OLDEST] < k:
        w.x[0, t.X_EXP_USED] -= _soft_of(w, w.n[0, t.S_EXP_OLDEST])
        w.n[0, t.S_EXP_OLDEST] += 1
    w.x[0, t.X_EXP_USED] += soft
    exp = last(w, scanned, w.n[0, t.S_EXP_FREE])
    if w.n[0, t.S_EXP_OLDEST] > 0:
        exp = last(w, exp, w.n[w.n[0, t.S_EXP_OLDEST] - 1, t.P_DIV])
    w.n[k, t.P_EXP] = exp
    w.n[0, t.S_EXP_FREE] = after(w, exp, soft, t.SOFTMAX)
    follows = w.x[0, t.M_STREAMED] > 0 and exp == scanned and soft <= w.x[g, t.G_KEY_LINES]
    div = after(w, after(w, exp, soft, t.COMPUTE if follows else t.SOFTMAX), w.x[0, t.M_EXP], t.FILL)
    div = last(w, div, w.n[0, t.S_DIV_FREE])
    decides, passes = w.n[w.n[r, t.B_ROW], t.R_DECIDE], w.n[q, t.Q_PASSES]
    if not decides and not passes:
        div = last(w, div, after(w, w.n[0, t.S_TOPK_FREE], -w.x[0, t.M_DIV], t.FILL))
    if not decides and passes and w.n[0, t.S_BEHIND] >= 0:
        div = last(w, div, after(w, w.n[0, t.S_BEHIND], 1 - w.x[0, t.M_DIV], t.FILL))
    w.n[k, t.P_DIV] = div
    cycles = w.x[g, t.G_DIVIDE if decides or passes else t.G_LOAD_CYCLES]
    w.n[0, t.S_DIV_FREE] = after(w, div, cycles, t.SOFTMAX)


@step
def _decide(w, k, q, r, again):
    """Decide on pass `k` of query `q`: once more, with low bits, or its probabilities count."""
    g, work = w.n[r, t.B_GROUP], w.n[r, t.B_ROW]
    if not w.n[work, t.R_DECIDE]:
        w.n[q, t.K_PASS] = k
        last_prob = after(w, w.n[0, t.S_DIV_FREE], w.x[0, t.M_DIV] - 1, t.FILL)
        w.n[g, t.E_PROB] = last(w, w.n[g, t.E_PROB], last_prob)
        return
    there = after(w, w.n[0, t.S_DIV_FREE], w.x[0, t.M_DIV], t.FILL)
    decided = after(w, there, w.x[0, t.M_TREE], t.FILL)
    w.n[q, t.K_DECIDED] = decided
    if w.n[q, t.Q_REDO] and not again:
        w.n[w.n[0, t.S_REDO_TAIL], t.D_QUERY] = q
        w.n[0, t.S_REDO_TAIL] += 1
        ask_for_low_bits(w, r, decided)
        return
    let_go(w, t.B_KEY, r, decided)
    w.n[q, t.K_PASS] = k
    w.n[g, t.E_PROB] = last(w, w.n[g, t.E_PROB], after(w, there, -1.0, t.FILL))


@numba.njit(cache=True, error_model="numpy")
def _advance_topk(w):
    """Take the next query through the local top-k, or past it, and through Prob x V; return whether one could."""
    q = w.n[0, t.S_PICK]
    if q >= w.n[0, t.S_QUERIES] or w.n[q, t.K_PASS] < 0:
        return False
    r = w.n[q, t.K_OWN]
    g, work, k = w.n[r, t.B_GROUP], w.n[r, t.B_ROW], w.n[q, t.K_PASS]
    passes, own = w.n[q, t.Q_PASSES], w.n[r, t.B_VALUE + t.H_OWNER] == r
    asks = own and not w.n[work, t.R_EARLY] and q == w.n[r, t.B_Q0]
    if not asks and w.n[0, t.S_VALUE_NEXT] <= r:
        return False
    cause = t.SOFTMAX if passes else t.TOPK
    w.n[0, t.S_SLOT] = w.n[work, t.R_LAYER] * t.N_CAUSE
    load = w.x[g, t.G_LOAD_CYCLES]
    if passes:
        load = w.x[g, t.G_SOFT if w.n[work, t.R_DECIDE] else t.G_DIVIDE]
    if w.n[work, t.R_DECIDE]:
        at = last(w, w.n[q, t.K_DECIDED], w.n[0, t.S_TOPK_FREE])
        if passes and w.n[0, t.S_BEHIND] >= 0:
            at = last(w, at, after(w, w.n[0, t.S_BEHIND], 1.0, t.TOPK))
    else:
        at = after(w, w.n[k, t.P_DIV], w.x[0, t.M_DIV], t.FILL)
    drain = after(w, at, load + w.x[q, t.A_SEARCH], cause)
    drain = last(w, drain, _room_before_pv(w, q))
    w.n[q, t.K_LOAD], w.n[q, t.K_DRAIN] = at, drain
    w.n[0, t.S_TOPK_FREE] = drain if passes else after(w, drain, w.x[0, t.M_TURN], t.TOPK)
    drained = 0.0 if passes else w.x[g, t.G_LOAD] + w.x[0, t.M_DRAIN]
    if not passes:
        w.n[0, t.S_BEHIND] = after(w, drain, drained - 1, t.TOPK)
    w.n[0, t.S_PICK] = q + 1
    pace = load if passes else w.x[g, t.G_LOAD]
    if asks:
        admit_values(w, r)
        fetch_values(w, r, after(w, drain, drained - pace, cause))
        w.n[0, t.S_VALUE_NEXT] = r + 1
    _enter_pv(w, q, r, drained, pace)
    return True


@step
def _room_before_pv(w, q):
    """Return the event at which the queue before Prob x V has room for query `q`, which enters."""
    need = w.x[q, t.A_LINES]
    while w.x[0, t.X_PROB_USED] + need > w.x[0, t.M_QUEUE] and w.n[0, t.S_PROB_OLDEST] < q:
        o = w.n[0, t.S_PROB_OLDEST]
        w.n[0, t.S_PROB_ROOM] = last(w, w.n[0, t.S_PROB_ROOM], w.n[o, t.K_PV])
        w.x[0, t.X_PROB_USED] -= w.x[o, t.A_LINES]
        w.n[0, t.S_PROB_OLDEST] = o + 1
    w.x[0, t.X_PROB_USED] += need
    return w.n[0, t.S_PROB_ROOM]


@step
def _enter_pv(w, q, r, drained, pace):
    """Let query `q` start at Prob x V, which the engine hands its probabilities `drained` cycles after the drain."""
    passes, lines, g = w.n[q, t.Q_PASSES], w.x[q, t.A_LINES], w.n[r, t.B_GROUP]
    drain = w.n[q, t.K_DRAIN]
    first = w.time[w.n[q, t.K_LOAD]] - w.time[drain] if passes else w.x[0, t.M_DRAIN]
    start = after(w, drain, max(first, drained - lines), t.SOFTMAX if passes else t.TOPK)
    start = last(w, start, w.n[0, t.S_PV_FREE])
    if lines > 0:
        early = w.n[w.n[r, t.B_ROW], t.R_EARLY]
        start = last(w, start, values_flow(w, r, 0.0 if early else pace))
    cycles = lines
    if w.x[0, t.M_VALUE_SHARED] > 0:
        cycles += taken_turns(w, start, w.n[0, t.S_PV_FREE], t.B_VALUE, t.S_VALUE_NEXT, t.S_VALUE_PORT,
                              t.X_VALUE_WRITTEN, t.X_VALUE_READ, w.x[g, t.G_VALUE_LATENCY])  # fmt: skip
    w.n[q, t.K_PV] = start
    w.n[0, t.S_PV_FREE] = after(w, start, cycles, t.COMPUTE)
    let_go(w, t.B_VALUE, r, w.n[0, t.S_PV_FREE])
    out = after(w, after(w, start, max(cycles, 1.0), t.COMPUTE), w.x[0, t.M_PV], t.FILL)
    w.n[0, t.S_OUT], w.n[0, t.S_PV] = out, q + 1
    finish(w, q, r, out)
