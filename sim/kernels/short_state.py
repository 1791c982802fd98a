"""State of `short` (numba): rows cut into blocks, first events, barriers between groups."""

import numba
import numpy as np

from tokensieve.sim.kernels import short_tables as t
from tokensieve.sim.kernels.short_fetch import after, last, shared
from tokensieve.sim.kernels.step import step

_EVENTS_OF_PASS, _EVENTS_OF_ROW, _EVENTS_OF_GROUP = 32, 12, 8
"""Events that each makes at most."""


@numba.njit(cache=True)
def room_for(work, asks, groups):
    """Return a run without content, with room for so much work."""
    queries, passes = len(asks), len(asks) + asks[:, 0].sum()
    events = 1 + passes * _EVENTS_OF_PASS + queries * _EVENTS_OF_ROW + groups * _EVENTS_OF_GROUP
    lines = max(passes, max(groups, len(work)))
    w = t.Run(np.zeros(events), np.zeros((events, 2), np.int64), np.zeros((lines, t.N_WHOLE), np.int64),
              np.zeros((lines, t.N_FIGURES)))  # fmt: skip
    return w


@numba.njit(cache=True)
def set_up(w, work, asks, machine, group, search, lines):
    """Set a run before its first cycle; event 0 is its begin."""
    w.n[:], w.x[:] = 0, 0
    w.n[: len(work), t.R_GROUP : t.R_GROUP + work.shape[1]] = work
    w.n[: len(asks), t.Q_REDO : t.Q_REDO + 2] = asks
    w.n[:, t.K_PASS], w.n[:, t.E_KEY_FROM], w.n[:, t.E_QUERY_FROM] = -1, -1, -1
    w.x[: len(asks), t.A_SEARCH], w.x[: len(asks), t.A_LINES] = search, lines
    w.x[0, t.M_FIRST : t.M_FIRST + len(machine)] = machine
    w.x[: len(group), t.G_FIRST : t.G_FIRST + group.shape[1]] = group
    w.n[0, t.S_QUERIES], w.n[0, t.S_GROUPS] = len(asks), len(group)
    w.n[0, t.S_EVENTS], w.n[0, t.S_BEHIND] = 1, -1
    for r in range(len(work)):
        _cut(w, r)
    _open(w)


@step
def _cut(w, r):
    """Put row `r` into the table: whole, or where it is cut, block by block as many queries as the softmax holds."""
    g, low, high = w.n[r, t.R_GROUP], w.n[r, t.R_Q0], w.n[r, t.R_Q1]
    cut = w.x[g, t.G_BLOCKS] > 1
    size = max(np.int64(w.x[0, t.M_BUFFER] // max(w.x[g, t.G_SOFT], 1.0)), 1) if cut else high - low
    while low < high:
        b, end = w.n[0, t.S_ROWS], min(low + size, high)
        w.n[b, t.B_ROW], w.n[b, t.B_Q0], w.n[b, t.B_Q1], w.n[b, t.B_GROUP] = r, low, end, g
        w.n[b, t.B_LSB] = -1
        w.n[low:end, t.K_OWN] = b
        _hold(w, b, end - low, t.B_KEY, w.n[r, t.R_KEY_SECOND] and not cut, t.M_KEY_CAP,
              w.x[g, t.G_KEY_LINES] * w.x[g, t.G_KEY_MEMBERS])  # fmt: skip
        _hold(w, b, end - low, t.B_VALUE, w.n[r, t.R_VALUE_SHARED] and not cut, t.M_VALUE_CAP,
              w.x[g, t.G_VALUE_LINES] * w.x[g, t.G_VALUE_MEMBERS])  # fmt: skip
        w.n[0, t.S_ROWS], low = b + 1, end


@step
def _hold(w, b, queries, ring, second, cap, lines):
    """Let a block hold `lines` of an SRAM, or use those of the block before."""
    own = b - 1 if second else b
    w.n[b, ring + t.H_OWNER] = own
    w.n[own, ring + t.H_USERS] += queries
    w.n[b, ring + t.H_FLOW] = -1
    w.x[b, ring + t.H_SPACE] = min(lines, w.x[0, cap])


@step
def ranks(w, g):
    """Return whether group `g` ends with a selection."""
    return w.x[g, t.G_TOKEN_RANK] >= 0 or w.x[g, t.G_HEAD_RANK] >= 0


@step
def _open(w):
    """Open the groups that need not wait for the one before, by the rules of `groups.open_groups`."""
    output, ranking = w.x[0, t.M_OUTPUT] > 0, w.x[0, t.M_RANKING] > 0
    prefill = w.n[0, t.R_PREFILL] > 0
    for g in range(w.n[0, t.S_GROUPS]):
        before = g > 0 and ranks(w, g - 1)
        held = not ranking and g > 1 and ranks(w, g - 2)
        if g == 0 or (not output and not held):
            w.n[g, t.E_QUERY_FROM] = 0
        if g == 0 or not ranking or (not before and not (output and prefill)):
            w.n[g, t.E_KEY_FROM] = 0


@numba.njit(cache=True, error_model="numpy")
def finish(w, q, r, out):
    """Write the outputs of row `r` after its last query, and after a group's last one select and open the next."""
    g = w.n[r, t.B_GROUP]
    if q + 1 < w.n[r, t.B_Q1]:
        return
    work = w.x[g, t.G_OUTPUT]
    if work > 0:
        cycles = max(shared(w, w.time[out], work, w.x[g, t.G_OUTPUT_TURN], False)[0], work)
        w.n[0, t.S_WRITTEN] = last(w, w.n[0, t.S_WRITTEN], after(w, out, w.x[0, t.M_WRITE] + cycles, t.DRAM))
    w.n[0, t.S_DRAM] = after(w, w.n[0, t.S_DRAM], w.x[g, t.G_DRAM], t.DRAM)
    if q + 1 < w.n[0, t.S_QUERIES] and w.n[r + 1, t.B_GROUP] == g:
        return
    ranked = _rank(w, g, out)
    if g + 1 < w.n[0, t.S_GROUPS]:
        _open_next(w, g + 1, out, ranked)


@step
def _rank(w, g, out):
    """Return the event at which the selections at the end of group `g` are done, 0 where there are none."""
    done = 0
    if w.x[g, t.G_TOKEN_RANK] >= 0:
        begin = last(w, after(w, w.n[g, t.E_PROB], w.x[0, t.M_RANK], t.TOPK), w.n[0, t.S_RANK_FREE])
        done = after(w, begin, w.x[g, t.G_TOKEN_RANK], t.TOPK)
    if w.x[g, t.G_HEAD_RANK] >= 0:
        begin = last(w, last(w, after(w, out, w.x[0, t.M_HEAD], t.TOPK), w.n[0, t.S_RANK_FREE]), done)
        done = after(w, begin, w.x[g, t.G_HEAD_RANK], t.TOPK)
    w.n[0, t.S_RANK_FREE] = last(w, w.n[0, t.S_RANK_FREE], done)
    return done


@step
def _open_next(w, g, out, ranked):
    """Open group `g`, unless it never had to wait, as `groups._open_next` does."""
    if w.x[0, t.M_RANKING] <= 0:
        if g + 1 < w.n[0, t.S_GROUPS] and w.n[g + 1, t.E_QUERY_FROM] < 0:
            w.n[g + 1, t.E_QUERY_FROM] = ranked
        return
    if w.n[g, t.E_QUERY_FROM] < 0:
        w.n[g, t.E_QUERY_FROM] = out
    if w.n[g, t.E_KEY_FROM] < 0:
        prefill = w.n[0, t.R_PREFILL] > 0
        w.n[g, t.E_KEY_FROM] = last(w, ranked, out) if w.x[0, t.M_OUTPUT] > 0 and prefill else ranked
