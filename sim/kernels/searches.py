"""Queries of one group, one after another, through pipelines whose searches differ (numba).

The stages and buffers are those of `pipeline`; what is taken to be alike for all queries is all but the search.
"""

import numba
import numpy as np

from tokensieve.sim.kernels.columns import Columns

FIGURES = (
    "enter", "search", "turnaround", "qk", "pass_qk", "to_exp", "exp", "to_div", "div", "to_topk", "decides", "held",
    "waiting", "pv", "to_pv", "queued",
)  # fmt: skip
"""What `play` takes of every machine: cycles of loading, of a mean search and of the hand-over; between queries at
Q x K, exponential, division and Prob x V, and from one stage to the next; whether a decision follows, and how many
queries a line buffer, the wait for a decision and the queue before Prob x V hold."""
_columns = Columns()
(
    ENTER, SEARCH, TURN, QK, PASS, TO_EXP, EXP, TO_DIV, DIV, TO_TOPK, DECIDES, HELD, WAITING, PV, TO_PV, QUEUED,
) = _columns.block(len(FIGURES))  # fmt: skip


@numba.njit(cache=True, error_model="numpy")
def play(searches, kind, figures, out):
    """Write into `out` (2, M) the cycles between queries at the top-k, and those of them that others make it wait.

    `searches` (kinds, N) are those of the queries over their mean, `kind` (M,) which of these are a machine's,
    `figures` (FIGURES, M). Where one unit is the slower one in every query, nothing is played: `out` stays. Machines
    that lie beside each other and agree are played once.
    """
    n = searches.shape[1]
    start, exp, div, at, pv = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    least, most = np.empty(len(searches)), np.empty(len(searches))
    for i in range(len(searches)):
        least[i], most[i] = searches[i].min(), searches[i].max()
    waits = 0.0
    for i in range(len(kind)):
        f, own = figures[:, i], searches[kind[i]]
        engine, others = f[ENTER] + f[TURN], max(max(f[QK], f[EXP]), max(f[PV], f[DIV] * f[DECIDES]))
        if engine + f[SEARCH] * least[kind[i]] < others < engine + f[SEARCH] * most[kind[i]]:
            if i == 0 or kind[i] != kind[i - 1] or (f != figures[:, i - 1]).any():
                waits = _one(own, f, start, exp, div, at, pv)
            out[0, i], out[1, i] = (at[n - 1] - at[0]) / (n - 1), waits


@numba.njit(cache=True, error_model="numpy")
def _one(searches, f, start, exp, div, at, pv):
    """Note when every query starts in each stage of a machine; return how long the top-k waits for others, a mean."""
    n, decides = len(searches), f[DECIDES] > 0
    held, waiting, queued = int(min(f[HELD], n)), int(min(f[WAITING], n)), int(min(f[QUEUED], n))
    enter, search, turn, to_topk = f[ENTER], f[SEARCH], f[TURN], f[TO_TOPK]
    pass_end, to_div = f[PASS] + f[TO_EXP], f[TO_DIV]
    qk_next = exp_next = div_next = free = pv_next = others = before = 0.0
    for q in range(n):
        begin = qk_next
        if q >= held:
            begin = max(begin, exp[q - held])
        if decides and q >= waiting:
            begin = max(begin, at[q - waiting])
        start[q], qk_next = begin, begin + f[QK]
        begin = max(begin + pass_end, exp_next)
        if q >= held:
            begin = max(begin, div[q - held])
        exp[q], exp_next = begin, begin + f[EXP]
        begin = max(begin + to_div, div_next)
        now = max(begin + to_topk, free)
        div[q] = begin if decides else now - to_topk
        div_next = div[q] + f[DIV]
        at[q] = now
        if q and now > free:
            others += now - before
        before = now
        drain = now + enter + search * searches[q]
        if q >= queued:
            drain = max(drain, pv[q - queued])
        free = drain + turn
        pv[q] = max(drain + f[TO_PV], pv_next)
        pv_next = pv[q] + f[PV]
    return others / (n - 1)
