"""The critical path (numba): walks back from the last output and books every cycle under one cause."""

import numba

from tokensieve.sim.kernels import tables as t
from tokensieve.sim.kernels.pipeline import I64

(COMPUTE, DRAM_STALL, TOPK_STALL, SOFTMAX_STALL, FILL_DRAIN) = range(5)
(AT_OUT, AT_PV, AT_DRAIN, AT_LOAD, AT_DIV, AT_EXP, AT_QK, AT_JOB, AT_END) = range(9)


@numba.njit(cache=True)
def _book(causes, layer, cause, now, then, most):
    """Book at most `most` of the cycles between `then` and `now`; return how far back that reaches."""
    taken = max(min(now - then, most), 0)
    causes[layer, cause] += taken
    return now - taken


@numba.njit(cache=True)
def walk_back(row: I64, query: I64, ps: I64, group: I64, st: I64, causes: I64) -> bool:
    """Fill `causes`, shape (layers, 5), so that it sums to the total.

    Each stop is the start of something; what held it back leads to the stop before. Streaming through the arrays is
    compute, through softmax and decision a softmax stall, through a searching top-k engine a top-k stall, waiting for
    data since its fetch (or the busy period of DRAM that it queued in) began a DRAM stall; pipeline registers are fill
    and drain. Returns whether the walk ended; it visits nothing twice.
    """
    q = st[t.S_QUERIES] - 1
    now, far = st[t.S_TOTAL], 1 << 60
    layer = row[query[q, t.Q_ROW], t.R_LAYER]
    now = _book(causes, layer, DRAM_STALL, now, query[q, t.Q_OUT] + 1, far)
    at, k, stream, r = AT_OUT, 0, 0, 0
    hops = 20 * (st[t.S_PASSES] + st[t.S_QUERIES] + st[t.S_ROWS])
    while at != AT_END:
        hops -= 1
        if hops < 0:
            return False
        if at == AT_OUT:
            layer = row[query[q, t.Q_ROW], t.R_LAYER]
            then = query[q, t.Q_PV_AT]
            now = _book(causes, layer, COMPUTE, now, then, query[q, t.Q_VALUE_LINES])
            now = _book(causes, layer, FILL_DRAIN, now, then, far)
            at = AT_PV
        elif at == AT_PV:
            layer = row[query[q, t.Q_ROW], t.R_LAYER]
            why = query[q, t.Q_PV_WHY]
            if why == t.W_BUSY:
                q -= 1
                now = _book(causes, layer, COMPUTE, now, query[q, t.Q_PV_AT], far)
            elif why == t.W_DATA:
                at, stream, r = AT_JOB, t.STREAM_VALUE, row[query[q, t.Q_ROW], t.R_VALUE_OWNER]
            else:
                at = AT_DRAIN
        elif at == AT_DRAIN:
            layer = row[query[q, t.Q_ROW], t.R_LAYER]
            cause = TOPK_STALL if query[q, t.Q_SEARCHES] > 0 else FILL_DRAIN
            now = _book(causes, layer, cause, now, query[q, t.Q_DRAIN_AT], far)
            if query[q, t.Q_DRAIN_WHO] >= 0:
                q, at = query[q, t.Q_DRAIN_WHO], AT_PV
            else:
                at = AT_LOAD
                if query[q, t.Q_SKIP] == 0:
                    now = _book(causes, layer, cause, now, query[q, t.Q_LOAD_AT], far)
        elif at == AT_LOAD:
            k = query[q, t.Q_PASS]
            if query[q, t.Q_LOAD_WHY] == t.W_BUSY or ps[k, t.P_DIV_WHY] == t.W_QUEUE:
                q, at = q - 1, AT_DRAIN
            else:
                at = AT_DIV
                now = _leave_softmax(row, query, ps, causes, st, k, now)
        elif at == AT_DIV:
            q = ps[k, t.P_QUERY]
            layer = row[query[q, t.Q_ROW], t.R_LAYER]
            why, before = ps[k, t.P_DIV_WHY], ps[k, t.P_DIV_WHO]
            if why == t.W_BUSY:
                k = before
                now = _book(causes, layer, SOFTMAX_STALL, now, ps[k, t.P_DIV_AT], far)
            elif why == t.W_QUEUE:
                q, at = before, AT_DRAIN
            else:
                now = _book(causes, layer, SOFTMAX_STALL, now, ps[k, t.P_EXP_AT], ps[k, t.P_LINES])
                now = _book(causes, layer, FILL_DRAIN, now, ps[k, t.P_EXP_AT], far)
                at = AT_EXP
        elif at == AT_EXP:
            layer = row[query[ps[k, t.P_QUERY], t.Q_ROW], t.R_LAYER]
            why, before = ps[k, t.P_EXP_WHY], ps[k, t.P_EXP_WHO]
            if why == t.W_BUSY:
                k = before
                now = _book(causes, layer, SOFTMAX_STALL, now, ps[k, t.P_EXP_AT], far)
            elif why == t.W_BUFFER:
                k, at = before, AT_DIV
            else:
                now = _book(causes, layer, COMPUTE, now, ps[k, t.P_QK_AT], ps[k, t.P_QK_LINES])
                now = _book(causes, layer, FILL_DRAIN, now, ps[k, t.P_QK_AT], far)
                at = AT_QK
        elif at == AT_QK:
            layer = row[query[ps[k, t.P_QUERY], t.Q_ROW], t.R_LAYER]
            why, before = ps[k, t.P_QK_WHY], ps[k, t.P_QK_WHO]
            if why == t.W_BUSY:
                if before < 0:
                    at = AT_END
                else:
                    k = before
                    now = _book(causes, layer, COMPUTE, now, ps[k, t.P_QK_AT], far)
            elif why == t.W_DATA:
                at, stream, r = AT_JOB, t.STREAM_KEY, before
            elif why == t.W_LSB:
                at, stream, r = AT_JOB, t.STREAM_LSB, before
            elif why == t.W_BARRIER:
                q, at = group[before, t.G_LAST_QUERY], AT_OUT
            elif why == t.W_BUFFER:
                k, at = before, AT_EXP
            elif why == t.W_QUEUE:
                q, at = before, AT_LOAD
            else:  # its own decision
                k, at = before, AT_DIV
                now = _leave_softmax(row, query, ps, causes, st, k, now)
        else:
            layer = row[r, t.R_LAYER]
            columns = (
                t.R_KEY_FROM if stream == t.STREAM_KEY else (t.R_LSB_FROM if stream == t.STREAM_LSB else t.R_VALUE_FROM)
            )
            origin = row[r, columns + 3]
            stream, r = origin // st[t.S_ROWS], origin % st[t.S_ROWS]
            columns = (
                t.R_KEY_FROM if stream == t.STREAM_KEY else (t.R_LSB_FROM if stream == t.STREAM_LSB else t.R_VALUE_FROM)
            )
            now = _book(causes, layer, DRAM_STALL, now, row[r, columns], far)
            why, before = row[r, columns + 1], row[r, columns + 2]
            layer = row[r, t.R_LAYER]
            if why == t.W_START:
                at = AT_END
            elif why == t.W_BARRIER:
                q, at = group[before, t.G_LAST_QUERY], AT_OUT
            elif why == t.W_RANKED and group[before, t.G_HEAD_LAST] == 1:
                q, at = group[before, t.G_LAST_QUERY], AT_OUT
                now = _book(causes, layer, TOPK_STALL, now, group[before, t.G_OUT], far)
            elif why == t.W_RANKED:
                k, at = group[before, t.G_PROB_PASS], AT_DIV
                now = _book(causes, layer, TOPK_STALL, now, group[before, t.G_PROB_END] + 1, far)
                now = _leave_softmax(row, query, ps, causes, st, k, now)
            elif stream == t.STREAM_LSB:
                k, at = before, AT_DIV
                now = _leave_softmax(row, query, ps, causes, st, k, now)
            elif stream == t.STREAM_VALUE and why == t.W_FLOW:
                q, at = before, AT_DRAIN
            elif stream == t.STREAM_VALUE:
                q, at = row[before, t.R_VALUE_FREER], AT_PV
                now = _book(causes, layer, COMPUTE, now, query[q, t.Q_PV_AT], far)
            else:
                k = row[before, t.R_KEY_FREER]
                if row[before, t.R_DECIDE]:
                    at = AT_DIV
                    now = _leave_softmax(row, query, ps, causes, st, k, now)
                else:
                    at = AT_QK
                    now = _book(causes, layer, COMPUTE, now, ps[k, t.P_QK_AT], far)
    causes[layer, FILL_DRAIN] += now
    return True


@numba.njit(cache=True)
def _leave_softmax(row, query, ps, causes, st, k, now):
    """Book the way from a pass's division to its decision, or to its last probability."""
    layer = row[query[ps[k, t.P_QUERY], t.Q_ROW], t.R_LAYER]
    lines = (
        ps[k, t.P_DIV_CYCLES]
        if row[query[ps[k, t.P_QUERY], t.Q_ROW], t.R_DECIDE] or now > ps[k, t.P_DIV_AT] + st[t.S_DIV_LATENCY]
        else 0
    )
    now = _book(causes, layer, SOFTMAX_STALL, now, ps[k, t.P_DIV_AT], lines)
    return _book(causes, layer, FILL_DRAIN, now, ps[k, t.P_DIV_AT], 1 << 60)
