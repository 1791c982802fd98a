"""State of `short` (numba): rows cut into blocks, first events, barriers between groups."""

import numba
import numpy as np

from tokensieve.sim.kernels import short_tables as t
from tokensieve.sim.kernels.short_fetch import after, last, shared
from tokensieve.sim.kernels.step import step

_EVENTS_OF_PASS, _EVENTS_OF_ROW, _EVENTS_OF_GROUP = 32, 12, 8
"""Events that each makes at most."""


@numba.njit(cache=True)
def first_state(work, asks, machine, group, search, lines):
    """Return the run before its first cycle; event 0 is its begin."""
    queries, passes = len(asks), len(asks) + asks[:, t.Q_REDO].sum()
    events = 1 + passes * _EVENTS_OF_PASS + queries * _EVENTS_OF_ROW + len(group) * _EVENTS_OF_GROUP
    w = t.Run(
        np.zeros(events), np.zeros(events, np.int64), np.zeros(events, np.int64), work, asks, search, lines, machine,
        group, np.zeros((queries, t.N_ROW), np.int64), np.zeros((queries, t.N_ROW)),
        np.zeros((passes, t.N_PASS), np.int64), np.full((queries, t.N_QUERY), -1), np.full((len(group), t.N_GROUP), -1),
        np.zeros(passes - queries + 1, np.int64), np.zeros(t.N_SCALAR, np.int64), np.zeros(t.N_REAL),
    )  # fmt: skip
    w.st[t.S_EVENTS], w.st[t.S_BEHIND] = 1, -1
    w.opened[:, t.E_PROB] = 0
    for r in range(len(work)):
        _cut(w, r)
    _open(w)
    return w


@step
def _cut(w, r):
    """Put row `r` into the table: whole, or where it is cut, block by block as many queries as the softmax holds."""
    g, low, high = w.work[r, t.R_GROUP], w.work[r, t.R_Q0], w.work[r, t.R_Q1]
    cut = w.group[g, t.G_BLOCKS] > 1
    size = max(np.int64(w.machine[t.M_BUFFER] // max(w.group[g, t.G_SOFT], 1.0)), 1) if cut else high - low
    while low < high:
        b, end = w.st[t.S_ROWS], min(low + size, high)
        w.row[b, t.B_ROW], w.row[b, t.B_Q0], w.row[b, t.B_Q1], w.row[b, t.B_GROUP] = r, low, end, g
        w.row[b, t.B_LSB] = -1
        w.query[low:end, t.K_ROW] = b
        _hold(w, b, end - low, t.B_KEY, w.work[r, t.R_KEY_SECOND] and not cut, t.M_KEY_CAP,
              w.group[g, t.G_KEY_LINES] * w.group[g, t.G_KEY_MEMBERS])  # fmt: skip
        _hold(w, b, end - low, t.B_VALUE, w.work[r, t.R_VALUE_SHARED] and not cut, t.M_VALUE_CAP,
              w.group[g, t.G_VALUE_LINES] * w.group[g, t.G_VALUE_MEMBERS])  # fmt: skip
        w.st[t.S_ROWS], low = b + 1, end


@step
def _hold(w, b, queries, ring, second, cap, lines):
    """Let a block hold `lines` of an SRAM, or use those of the block before."""
    own = b - 1 if second else b
    w.row[b, ring + t.H_OWNER] = own
    w.row[own, ring + t.H_USERS] += queries
    w.row[b, ring + t.H_FLOW] = -1
    w.real[b, ring + t.H_SPACE] = min(lines, w.machine[cap])


@step
def ranks(w, g):
    """Return whether group `g` ends with a selection."""
    return w.group[g, t.G_TOKEN_RANK] >= 0 or w.group[g, t.G_HEAD_RANK] >= 0


@step
def _open(w):
    """Open the groups that need not wait for the one before, by the rules of `groups.open_groups`."""
    output, ranking = w.machine[t.M_OUTPUT] > 0, w.machine[t.M_RANKING] > 0
    prefill = w.work[0, t.R_PREFILL] > 0
    for g in range(len(w.group)):
        before = g > 0 and ranks(w, g - 1)
        held = not ranking and g > 1 and ranks(w, g - 2)
        if g == 0 or (not output and not held):
            w.opened[g, t.E_QUERY_FROM] = 0
        if g == 0 or not ranking or (not before and not (output and prefill)):
            w.opened[g, t.E_KEY_FROM] = 0


@numba.njit(cache=True)
def finish(w, q, r, out):
    """Write the outputs of row `r` after its last query, and after a group's last one select and open the next."""
    g = w.row[r, t.B_GROUP]
    if q + 1 < w.row[r, t.B_Q1]:
        return
    work = w.group[g, t.G_OUTPUT]
    if work > 0:
        cycles = max(shared(w, w.time[out], work, False), work)
        w.st[t.S_WRITTEN] = last(w, w.st[t.S_WRITTEN], after(w, out, w.machine[t.M_WRITE] + cycles, t.DRAM))
    w.st[t.S_DRAM] = after(w, w.st[t.S_DRAM], w.group[g, t.G_DRAM], t.DRAM)
    if q + 1 < len(w.asks) and w.row[r + 1, t.B_GROUP] == g:
        return
    ranked = _rank(w, g, out)
    if g + 1 < len(w.group):
        _open_next(w, g + 1, out, ranked)


@step
def _rank(w, g, out):
    """Return the event at which the selections at the end of group `g` are done, 0 where there are none."""
    done = 0
    if w.group[g, t.G_TOKEN_RANK] >= 0:
        begin = last(w, after(w, w.opened[g, t.E_PROB], w.machine[t.M_RANK], t.TOPK), w.st[t.S_RANK_FREE])
        done = after(w, begin, w.group[g, t.G_TOKEN_RANK], t.TOPK)
    if w.group[g, t.G_HEAD_RANK] >= 0:
        begin = last(w, last(w, after(w, out, w.machine[t.M_HEAD], t.TOPK), w.st[t.S_RANK_FREE]), done)
        done = after(w, begin, w.group[g, t.G_HEAD_RANK], t.TOPK)
    w.st[t.S_RANK_FREE] = last(w, w.st[t.S_RANK_FREE], done)
    return done


@step
def _open_next(w, g, out, ranked):
    """Open group `g`, unless it never had to wait, as `groups._open_next` does."""
    if w.machine[t.M_RANKING] <= 0:
        if g + 1 < len(w.group) and w.opened[g + 1, t.E_QUERY_FROM] < 0:
            w.opened[g + 1, t.E_QUERY_FROM] = ranked
        return
    if w.opened[g, t.E_QUERY_FROM] < 0:
        w.opened[g, t.E_QUERY_FROM] = out
    if w.opened[g, t.E_KEY_FROM] < 0:
        prefill = w.work[0, t.R_PREFILL] > 0
        w.opened[g, t.E_KEY_FROM] = last(w, ranked, out) if w.machine[t.M_OUTPUT] > 0 and prefill else ranked
