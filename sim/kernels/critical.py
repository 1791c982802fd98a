"""The critical path (numba): walks back from the last output and books every cycle under one cause.

A stop is the start of something, and belongs to a query, a pass or a job. What held it back leads to the stop before:

    stop      of a     books the cycles of             and goes on to
    AT_OUT    query    its V through Prob x V          AT_PV
    AT_PV     query    -                               AT_DRAIN; AT_PV of the query before; AT_JOB of V
    AT_DRAIN  query    load, search and drain          AT_LOAD; AT_PV of the query that made room
    AT_LOAD   query    division and decision           AT_DIV; AT_DRAIN of the query before
    AT_DIV    pass     exponentials                    AT_EXP; AT_DIV of the pass before; AT_DRAIN of a query
    AT_EXP    pass     K through Q x K, and its scan   AT_QK; AT_EXP of the pass before; AT_DIV of a pass
    AT_QK     pass     -                               AT_JOB of K or LSBs; AT_QK of the pass before; AT_EXP or AT_DIV
                                                       of a pass; AT_LOAD of a query; AT_OUT of a group; AT_END
    AT_JOB    job      its data on their way           whatever let it begin; AT_END

Each stop is one function: it takes whose stop it is and `now`, the cycle that the walk has reached, and returns the
stop before, whose that is, and the cycle then. Streaming through the arrays is compute, unless the softmax scans fewer
scores a cycle; through softmax and decision it is a softmax stall, through the top-k engine a top-k stall, whether it
searches or not. Waiting for data since its fetch (or the busy period of DRAM that it queued in) began is a DRAM stall.
What is left is pipeline registers: fill and drain.
"""

from tokensieve.sim.kernels import tables as t
from tokensieve.sim.kernels.columns import I64, Columns
from tokensieve.sim.kernels.step import kernel
from tokensieve.sim.result import CAUSES

COMPUTE = CAUSES.index("compute")
DRAM_STALL = CAUSES.index("dram_stall")
TOPK_STALL = CAUSES.index("topk_stall")
SOFTMAX_STALL = CAUSES.index("softmax_stall")
FILL_DRAIN = CAUSES.index("fill_drain")

_stop = Columns()
AT_OUT = _stop.take()
AT_PV = _stop.take()
AT_DRAIN = _stop.take()
AT_LOAD = _stop.take()
AT_DIV = _stop.take()
AT_EXP = _stop.take()
AT_QK = _stop.take()
AT_JOB = _stop.take()
AT_END = _stop.take()

ALL = 1 << 60
"""More cycles than any booking."""


SLICE = 1_000_000
"""Hops after which a call returns: well below a second, so that Ctrl-C is met."""


def walk_back(row: I64, query: I64, ps: I64, group: I64, st: I64, causes: I64, most: int = SLICE) -> bool:
    """Fill `causes`, shape (layers, causes), so that it sums to the total; return whether the walk reached the begin.

    It visits nothing twice; the hops, `most` a call, are counted all the same, so that a mistake of ours does not hang.
    """
    who = int(st[t.S_QUERIES]) - 1
    at, now = AT_OUT, _begin(row, query, st, causes, who)
    hops = 20 * int(st[t.S_PASSES] + st[t.S_QUERIES] + st[t.S_ROWS])
    while at != AT_END and hops > 0:
        at, who, now = _walk(row, query, ps, group, st, causes, at, who, now, min(most, hops))
        hops -= most
    if at == AT_END:
        causes[who, FILL_DRAIN] += now
    return at == AT_END


@kernel
def _begin(row, query, st, causes, q):
    """Book what comes after the last output, that of query `q`; return the cycle that this reaches back to."""
    layer, out = _layer(row, query, q), query[q, t.Q_OUT] + 1
    now = _book(causes, layer, TOPK_STALL, st[t.S_TOTAL], max(out, st[t.S_LAST_WRITE]), ALL)
    return _book(causes, layer, DRAM_STALL, now, out, ALL)


@kernel
def _walk(
    row: I64, query: I64, ps: I64, group: I64, st: I64, causes: I64, at: int, who: int, now: int, hops: int
) -> tuple[int, int, int]:
    """Go back by so many hops; return the stop, whose it is (at the end: the layer) and the cycle."""
    while at != AT_END and hops > 0:
        hops -= 1
        if at == AT_OUT:
            at, who, now = _at_out(row, query, causes, who, now)
        elif at == AT_PV:
            at, who, now = _at_pv(row, query, st, causes, who, now)
        elif at == AT_DRAIN:
            at, who, now = _at_drain(row, query, causes, who, now)
        elif at == AT_LOAD:
            at, who, now = _at_load(row, query, ps, st, causes, who, now)
        elif at == AT_DIV:
            at, who, now = _at_div(row, query, ps, causes, who, now)
        elif at == AT_EXP:
            at, who, now = _at_exp(row, query, ps, causes, who, now)
        elif at == AT_QK:
            at, who, now = _at_qk(row, query, ps, group, st, causes, who, now)
        else:
            at, who, now = _at_job(row, query, ps, group, st, causes, who, now)
    return at, who, now


@kernel
def _book(causes, layer, cause, now, then, most):
    """Book at most `most` of the cycles between `then` and `now`; return how far back that reaches."""
    taken = max(min(now - then, most), 0)
    causes[layer, cause] += taken
    return now - taken


@kernel
def _layer(row, query, q):
    return row[query[q, t.Q_ROW], t.R_LAYER]


@kernel
def _at_out(row, query, causes, q, now):
    """Book the output of query `q` back to the start of its Prob x V."""
    layer, then = _layer(row, query, q), query[q, t.Q_PV_AT]
    now = _book(causes, layer, COMPUTE, now, then, query[q, t.Q_VALUE_LINES])
    return AT_PV, q, _book(causes, layer, FILL_DRAIN, now, then, ALL)


@kernel
def _at_pv(row, query, st, causes, q, now):
    """Go on from the start of Prob x V to the query in front of it, to its V, or to its top-k."""
    why = query[q, t.Q_PV_WHY]
    if why == t.W_BUSY:
        return AT_PV, q - 1, _book(causes, _layer(row, query, q), COMPUTE, now, query[q - 1, t.Q_PV_AT], ALL)
    if why == t.W_DATA:
        return AT_JOB, t.STREAM_VALUE * st[t.S_ROWS] + row[query[q, t.Q_ROW], t.R_VALUE_OWNER], now
    return AT_DRAIN, q, now


@kernel
def _at_drain(row, query, causes, q, now):
    """Book the drain of query `q`, and load and search if nothing delayed it; one that passes by has none of them."""
    layer = _layer(row, query, q)
    now = _book(causes, layer, TOPK_STALL, now, query[q, t.Q_DRAIN_AT], ALL)
    if query[q, t.Q_DRAIN_WHO] >= 0:
        return AT_PV, query[q, t.Q_DRAIN_WHO], now
    if query[q, t.Q_PASSES] == 0:
        now = _book(causes, layer, TOPK_STALL, now, query[q, t.Q_LOAD_AT], ALL)
    return AT_LOAD, q, now


@kernel
def _at_load(row, query, ps, st, causes, q, now):
    """Go on from the load of query `q` to the query that held the engine, or to the pass that it loads."""
    k = query[q, t.Q_PASS]
    room = -1
    if query[q, t.Q_LOAD_WHY] == t.W_ROOM:
        room = query[q, t.Q_LOAD_WHO]
    elif ps[k, t.P_DIV_WHY] == t.W_ROOM:
        room = ps[k, t.P_DIV_WHO]
    if room >= 0:
        return AT_PV, room, _book(causes, _layer(row, query, q), SOFTMAX_STALL, now, query[q, t.Q_LOAD_AT], ALL)
    if query[q, t.Q_LOAD_WHY] == t.W_BUSY or ps[k, t.P_DIV_WHY] == t.W_QUEUE:
        layer, held = _layer(row, query, q), ps[k, t.P_DIV_WHO]
        if query[q, t.Q_LOAD_WHY] == t.W_BUSY:
            held = query[q, t.Q_LOAD_WHO]
        return AT_DRAIN, held, _book(causes, layer, SOFTMAX_STALL, now, query[q, t.Q_LOAD_AT], ALL)
    return AT_DIV, k, _leave_softmax(row, query, ps, causes, st, k, now)


@kernel
def _leave_softmax(row, query, ps, causes, st, k, now):
    """Book the way from a pass's division to its decision, or to the probability that was waited for.

    Where the engine loads the probabilities as they come, that is the first: the others were booked with the load.
    """
    q, then = ps[k, t.P_QUERY], ps[k, t.P_DIV_AT]
    lines = now - then - st[t.S_DIV_LATENCY]
    if row[query[q, t.Q_ROW], t.R_DECIDE]:
        lines = ps[k, t.P_DIV_CYCLES] + max(now - ps[k, t.P_DECIDED], 0)
    now = _book(causes, _layer(row, query, q), SOFTMAX_STALL, now, then, lines)
    return _book(causes, _layer(row, query, q), FILL_DRAIN, now, then, ALL)


@kernel
def _at_div(row, query, ps, causes, k, now):
    """Book what lies between the division of pass `k` and the one in front of it, the engine, or its exponentials."""
    q, why, before = ps[k, t.P_QUERY], ps[k, t.P_DIV_WHY], ps[k, t.P_DIV_WHO]
    layer = _layer(row, query, q)
    if why == t.W_BUSY:
        return AT_DIV, before, _book(causes, layer, SOFTMAX_STALL, now, ps[before, t.P_DIV_AT], ALL)
    if why == t.W_QUEUE:
        return AT_DRAIN, before, now
    if why == t.W_ROOM:
        return AT_PV, before, now
    follows = ps[k, t.P_SCAN] < ps[k, t.P_QK_LINES] and ps[k, t.P_EXP_WHY] == t.W_FLOW
    at_pace_of_keys = follows and ps[k, t.P_LINES] <= row[query[q, t.Q_ROW], t.R_LINES]
    cause = COMPUTE if at_pace_of_keys else SOFTMAX_STALL
    now = _book(causes, layer, cause, now, ps[k, t.P_EXP_AT], ps[k, t.P_LINES])
    return AT_EXP, k, _book(causes, layer, FILL_DRAIN, now, ps[k, t.P_EXP_AT], ALL)


@kernel
def _at_exp(row, query, ps, causes, k, now):
    """Book what lies between the exponentials of pass `k` and those in front of them, a full buffer, or its Q x K."""
    layer = _layer(row, query, ps[k, t.P_QUERY])
    why, before = ps[k, t.P_EXP_WHY], ps[k, t.P_EXP_WHO]
    if why == t.W_BUSY:
        return AT_EXP, before, _book(causes, layer, SOFTMAX_STALL, now, ps[before, t.P_EXP_AT], ALL)
    if why == t.W_BUFFER:
        return AT_DIV, before, now
    registers = max(now - ps[k, t.P_QK_AT] - ps[k, t.P_SCAN], 0)
    now = _book(causes, layer, FILL_DRAIN, now, ps[k, t.P_QK_AT], registers)
    return AT_QK, k, _stream_keys(row, query, ps, causes, k, now)


@kernel
def _stream_keys(row, query, ps, causes, k, now):
    """Book the lines of pass `k` at Q x K: the softmax's where these are more, as the scan sets their pace."""
    r = query[ps[k, t.P_QUERY], t.Q_ROW]
    scanned = ps[k, t.P_LINES] if ps[k, t.P_LINES] > row[r, t.R_LINES] else 0
    now = _book(causes, row[r, t.R_LAYER], SOFTMAX_STALL, now, ps[k, t.P_QK_AT], scanned)
    return _book(causes, row[r, t.R_LAYER], COMPUTE, now, ps[k, t.P_QK_AT], ALL)


@kernel
def _at_qk(row, query, ps, group, st, causes, k, now):
    """Go on from Q x K of pass `k` to whatever it waited for."""
    layer = _layer(row, query, ps[k, t.P_QUERY])
    why, before = ps[k, t.P_QK_WHY], ps[k, t.P_QK_WHO]
    if why == t.W_BUSY:
        if before < 0:
            return AT_END, layer, now
        return AT_QK, before, _stream_keys(row, query, ps, causes, before, now)
    if why == t.W_DATA:
        return AT_JOB, t.STREAM_KEY * st[t.S_ROWS] + before, now
    if why == t.W_LSB:
        return AT_JOB, t.STREAM_LSB * st[t.S_ROWS] + before, now
    if why == t.W_BARRIER:
        return AT_OUT, group[before, t.G_LAST_QUERY], now
    if why == t.W_RANKED:
        return _before_ranking(row, query, ps, group, st, causes, layer, before, now)
    if why == t.W_BUFFER:
        return AT_EXP, before, now
    if why == t.W_QUEUE:
        return AT_LOAD, before, now
    return AT_DIV, before, _leave_softmax(row, query, ps, causes, st, before, now)  # its own decision


@kernel
def _at_job(row, query, ps, group, st, causes, job, now):
    """Book the wait for a job's data, back to the start of the job that began the busy period of DRAM."""
    stream, r = job // st[t.S_ROWS], job % st[t.S_ROWS]
    origin = row[r, t.R_JOBS + stream * t.N_JOB + t.J_ORIGIN]
    layer = row[r, t.R_LAYER]
    stream, r = origin // st[t.S_ROWS], origin % st[t.S_ROWS]
    columns = t.R_JOBS + stream * t.N_JOB
    now = _book(causes, layer, DRAM_STALL, now, row[r, columns + t.J_FROM], ALL)
    why, before, layer = row[r, columns + t.J_WHY], row[r, columns + t.J_WHO], row[r, t.R_LAYER]
    if why == t.W_START:
        return AT_END, layer, now
    if why == t.W_BARRIER:
        return AT_OUT, group[before, t.G_LAST_QUERY], now
    if why == t.W_RANKED:
        return _before_ranking(row, query, ps, group, st, causes, layer, before, now)
    if why == t.W_SPACE:
        return _before_space(row, query, ps, st, causes, layer, stream, before, now)
    if stream == t.STREAM_LSB:  # the pass that asked for them
        return AT_DIV, before, _leave_softmax(row, query, ps, causes, st, before, now)
    return AT_DRAIN, before, now  # the query that told which V to load


@kernel
def _before_ranking(row, query, ps, group, st, causes, layer, g, now):
    """Book the selections at the end of group `g`, back to the output or the probability that the last one needed."""
    if group[g, t.G_HEAD_LAST] == 1:
        return AT_OUT, group[g, t.G_LAST_QUERY], _book(causes, layer, TOPK_STALL, now, group[g, t.G_OUT], ALL)
    k = group[g, t.G_PROB_PASS]
    now = _book(causes, layer, TOPK_STALL, now, group[g, t.G_PROB_END] + 1, ALL)
    return AT_DIV, k, _leave_softmax(row, query, ps, causes, st, k, now)


@kernel
def _before_space(row, query, ps, st, causes, layer, stream, r, now):
    """Go on to the last use of row `r`'s lines, which made room in an SRAM."""
    if stream == t.STREAM_VALUE:
        q = row[r, t.R_VALUE_FREER]
        return AT_PV, q, _book(causes, layer, COMPUTE, now, query[q, t.Q_PV_AT], ALL)
    k = row[r, t.R_KEY_FREER]
    if row[r, t.R_DECIDE]:
        return AT_DIV, k, _leave_softmax(row, query, ps, causes, st, k, now)
    return AT_QK, k, _stream_keys(row, query, ps, causes, k, now)
