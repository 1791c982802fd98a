"""The critical path (numba): walks back from the last output and books every cycle under one cause."""

import numba
import numpy as np

from tokensieve.sim.kernels.pipeline import I64
from tokensieve.sim.kernels.tables import *  # noqa: F403  (the column names are this room's vocabulary)

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
    compute, through softmax and decision a softmax stall, through a searching top-k engine a top-k stall, waiting for data
    since its fetch (or the busy period of DRAM that it queued in) began a DRAM stall; pipeline registers are fill and drain.
    Returns whether the walk ended; it visits nothing twice.
    """
    q = st[S_QUERIES] - 1
    now, far = st[S_TOTAL], np.int64(1) << 60
    layer = row[query[q, Q_ROW], R_LAYER]
    now = _book(causes, layer, DRAM_STALL, now, query[q, Q_OUT] + 1, far)
    at, k, stream, r = AT_OUT, np.int64(0), np.int64(0), np.int64(0)
    hops = 20 * (st[S_PASSES] + st[S_QUERIES] + st[S_ROWS])
    while at != AT_END:
        hops -= 1
        if hops < 0:
            return False
        if at == AT_OUT:
            layer = row[query[q, Q_ROW], R_LAYER]
            then = query[q, Q_PV_AT]
            now = _book(causes, layer, COMPUTE, now, then, query[q, Q_VALUE_LINES])
            now = _book(causes, layer, FILL_DRAIN, now, then, far)
            at = AT_PV
        elif at == AT_PV:
            layer = row[query[q, Q_ROW], R_LAYER]
            why = query[q, Q_PV_WHY]
            if why == W_BUSY:
                q -= 1
                now = _book(causes, layer, COMPUTE, now, query[q, Q_PV_AT], far)
            elif why == W_DATA:
                at, stream, r = AT_JOB, STREAM_VALUE, row[query[q, Q_ROW], R_VALUE_OWNER]
            else:
                at = AT_DRAIN
        elif at == AT_DRAIN:
            layer = row[query[q, Q_ROW], R_LAYER]
            cause = TOPK_STALL if query[q, Q_SEARCH] > 0 else FILL_DRAIN
            now = _book(causes, layer, cause, now, query[q, Q_DRAIN_AT], far)
            if query[q, Q_DRAIN_WHO] >= 0:
                q, at = query[q, Q_DRAIN_WHO], AT_PV
            else:
                at = AT_LOAD
                if query[q, Q_SKIP] == 0:
                    now = _book(causes, layer, cause, now, query[q, Q_LOAD_AT], far)
        elif at == AT_LOAD:
            k = query[q, Q_PASS]
            if query[q, Q_LOAD_WHY] == W_BUSY or ps[k, P_DIV_WHY] == W_QUEUE:
                q, at = q - 1, AT_DRAIN
            else:
                at = AT_DIV
                now = _leave_softmax(row, query, ps, causes, st, k, now)
        elif at == AT_DIV:
            q = ps[k, P_QUERY]
            layer = row[query[q, Q_ROW], R_LAYER]
            why, before = ps[k, P_DIV_WHY], ps[k, P_DIV_WHO]
            if why == W_BUSY:
                k = before
                now = _book(causes, layer, SOFTMAX_STALL, now, ps[k, P_DIV_AT], far)
            elif why == W_QUEUE:
                q, at = before, AT_DRAIN
            else:
                now = _book(causes, layer, SOFTMAX_STALL, now, ps[k, P_EXP_AT], ps[k, P_LINES])
                now = _book(causes, layer, FILL_DRAIN, now, ps[k, P_EXP_AT], far)
                at = AT_EXP
        elif at == AT_EXP:
            layer = row[query[ps[k, P_QUERY], Q_ROW], R_LAYER]
            why, before = ps[k, P_EXP_WHY], ps[k, P_EXP_WHO]
            if why == W_BUSY:
                k = before
                now = _book(causes, layer, SOFTMAX_STALL, now, ps[k, P_EXP_AT], far)
            elif why == W_BUFFER:
                k, at = before, AT_DIV
            else:
                now = _book(causes, layer, COMPUTE, now, ps[k, P_QK_AT], ps[k, P_QK_LINES])
                now = _book(causes, layer, FILL_DRAIN, now, ps[k, P_QK_AT], far)
                at = AT_QK
        elif at == AT_QK:
            layer = row[query[ps[k, P_QUERY], Q_ROW], R_LAYER]
            why, before = ps[k, P_QK_WHY], ps[k, P_QK_WHO]
            if why == W_BUSY:
                if before < 0:
                    at = AT_END
                else:
                    k = before
                    now = _book(causes, layer, COMPUTE, now, ps[k, P_QK_AT], far)
            elif why == W_DATA:
                at, stream, r = AT_JOB, STREAM_KEY, before
            elif why == W_LSB:
                at, stream, r = AT_JOB, STREAM_LSB, before
            elif why == W_BARRIER:
                q, at = group[before, G_LAST_QUERY], AT_OUT
            elif why == W_BUFFER:
                k, at = before, AT_EXP
            elif why == W_QUEUE:
                q, at = before, AT_LOAD
            else:  # its own decision
                k, at = before, AT_DIV
                now = _leave_softmax(row, query, ps, causes, st, k, now)
        else:
            layer = row[r, R_LAYER]
            columns = R_KEY_FROM if stream == STREAM_KEY else (R_LSB_FROM if stream == STREAM_LSB else R_VALUE_FROM)
            origin = row[r, columns + 3]
            stream, r = origin // st[S_ROWS], origin % st[S_ROWS]
            columns = R_KEY_FROM if stream == STREAM_KEY else (R_LSB_FROM if stream == STREAM_LSB else R_VALUE_FROM)
            now = _book(causes, layer, DRAM_STALL, now, row[r, columns], far)
            why, before = row[r, columns + 1], row[r, columns + 2]
            layer = row[r, R_LAYER]
            if why == W_START:
                at = AT_END
            elif why == W_BARRIER:
                q, at = group[before, G_LAST_QUERY], AT_OUT
            elif why == W_RANKED:
                k, at = group[before, G_PROB_PASS], AT_DIV
                now = _book(causes, layer, TOPK_STALL, now, group[before, G_PROB_END] + 1, far)
                now = _leave_softmax(row, query, ps, causes, st, k, now)
            elif stream == STREAM_LSB:
                k, at = before, AT_DIV
                now = _leave_softmax(row, query, ps, causes, st, k, now)
            elif stream == STREAM_VALUE and why == W_FLOW:
                q, at = before, AT_DRAIN
            elif stream == STREAM_VALUE:
                q, at = row[before, R_VALUE_FREER], AT_PV
                now = _book(causes, layer, COMPUTE, now, query[q, Q_PV_AT], far)
            else:
                k = row[before, R_KEY_FREER]
                if row[before, R_DECIDE]:
                    at = AT_DIV
                    now = _leave_softmax(row, query, ps, causes, st, k, now)
                else:
                    at = AT_QK
                    now = _book(causes, layer, COMPUTE, now, ps[k, P_QK_AT], far)
    causes[layer, FILL_DRAIN] += now
    return True


@numba.njit(cache=True)
def _leave_softmax(row, query, ps, causes, st, k, now):
    """Book the way from a pass's division to its decision, or to its last probability."""
    layer = row[query[ps[k, P_QUERY], Q_ROW], R_LAYER]
    lines = ps[k, P_DIV_CYCLES] if row[query[ps[k, P_QUERY], Q_ROW], R_DECIDE] or now > ps[k, P_DIV_AT] + st[S_DIV_LATENCY] else 0
    now = _book(causes, layer, SOFTMAX_STALL, now, ps[k, P_DIV_AT], lines)
    return _book(causes, layer, FILL_DRAIN, now, ps[k, P_DIV_AT], np.int64(1) << 60)
