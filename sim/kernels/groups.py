"""Barriers between groups (numba): the selections at the end of a layer, and what the next layer waits for."""

import numpy as np

from tokensieve.sim.kernels import tables as t
from tokensieve.sim.kernels.columns import NONE
from tokensieve.sim.kernels.events import note
from tokensieve.sim.kernels.step import kernel, part, step


@kernel
def open_groups(group, st):
    """Set to 0 from when keys may be fetched and queries enter, for the groups that need not wait for the one before.

    In prefill the keys of a layer are computed from the output of the layer before; in decode the history is in DRAM,
    and only a selection decides what to fetch of it. Where nothing waits for a selection, its engine still is one, and
    the sums of a layer have to be kept until it takes them: the queries of a group wait for the selections of the group
    two before, so that no more than one set of sums waits for the engine.
    """
    mode = st[t.S_BARRIER]
    for g in range(st[t.S_GROUPS]):
        ranks = g > 0 and _ranks(group, g - 1)
        held = mode == t.BARRIER_NONE and g > 1 and _ranks(group, g - 2)
        if g == 0 or (mode != t.BARRIER_OUTPUT and not held):
            group[g, t.G_QUERY_FROM] = 0
        if g == 0 or mode == t.BARRIER_NONE or (not ranks and not (mode == t.BARRIER_OUTPUT and st[t.S_PHASE_PREFILL])):
            group[g, t.G_KEY_FROM] = 0


@step
def _ranks(group, g):
    """Return whether group `g` ends with a selection."""
    return group[g, t.G_TOKEN_RANK] >= 0 or group[g, t.G_HEAD_RANK] >= 0


@part
def finish(group, st, events, g, r, out):
    """End group `g`, whose last output of row `r` is complete before cycle `out`: rank, and let the next group go."""
    group[g, t.G_OUT] = out
    group[g, t.G_RANKED] = _rank(group, st, events, g, r, out)
    if g + 1 < st[t.S_GROUPS]:
        _open_next(group, st, g + 1, out, group[g, t.G_RANKED])


@step
def _rank(group, st, events, g, r, out):
    """Select tokens, then heads, on the one engine there is for it; return when both are done."""
    done = np.int64(0)
    if group[g, t.G_TOKEN_RANK] >= 0:
        start = max(group[g, t.G_PROB_END] + st[t.S_RANK_LATENCY], st[t.S_RANK_FREE])
        done = start + group[g, t.G_TOKEN_RANK]
        st[t.S_BUSY_RANK] += group[g, t.G_TOKEN_RANK]
        note(st, events, t.E_RANK, start, done, r, NONE)
    if group[g, t.G_HEAD_RANK] >= 0:
        start = max(out + st[t.S_HEAD_LATENCY], st[t.S_RANK_FREE], done)
        group[g, t.G_HEAD_LAST] = start == out + st[t.S_HEAD_LATENCY]
        done = start + group[g, t.G_HEAD_RANK]
        st[t.S_BUSY_RANK] += group[g, t.G_HEAD_RANK]
        note(st, events, t.E_RANK, start, done, r, NONE)
    st[t.S_RANK_FREE] = max(st[t.S_RANK_FREE], done)
    return done


@step
def _open_next(group, st, g, out, ranked):
    """Open group `g`, unless it never had to wait: its queries after the last output, its keys after the selections.

    Without a barrier, let go the queries of the group after it, which wait for the selections.
    """
    if st[t.S_BARRIER] == t.BARRIER_NONE:
        if g + 1 < st[t.S_GROUPS] and group[g + 1, t.G_QUERY_FROM] < 0:
            group[g + 1, t.G_QUERY_FROM] = ranked
        return
    if group[g, t.G_QUERY_FROM] < 0:
        group[g, t.G_QUERY_FROM] = out
    if group[g, t.G_KEY_FROM] < 0:
        waits_for_output = st[t.S_BARRIER] == t.BARRIER_OUTPUT and st[t.S_PHASE_PREFILL]
        group[g, t.G_KEY_FROM] = max(ranked, out) if waits_for_output else ranked
