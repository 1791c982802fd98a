"""Places where something waits for room (numba): the SRAMs, the buffers of the softmax, the queue before Prob x V.

Whoever holds lines gives them back in order. So the first one whose lines are not known to be free ends the search.
"""

from tokensieve.sim.kernels import tables as t
from tokensieve.sim.kernels.step import part, step


@part
def admit(row, st, ring, share, r):
    """Return when the lines of row `r` find room in an SRAM, and let them in, or -1 while that is unknown.

    `ring` is the SRAM's, `share` where the columns H_... of it begin.
    """
    need = row[r, share + t.H_SPACE]
    while st[ring + t.RING_USED] + need > st[ring + t.RING_CAP] and st[ring + t.RING_USED] > 0:
        o = st[ring + t.RING_OLDEST]
        if row[o, share + t.H_OWNER] == o:
            if row[o, share + t.H_USERS] > 0:
                return -1
            if row[o, share + t.H_FREED] > st[ring + t.RING_TIME]:
                st[ring + t.RING_TIME], st[ring + t.RING_WHO] = row[o, share + t.H_FREED], o
            st[ring + t.RING_USED] -= row[o, share + t.H_SPACE]
        st[ring + t.RING_OLDEST] = o + 1
    st[ring + t.RING_USED] += need
    return st[ring + t.RING_TIME]


@step
def let_go(row, share, r, at, who):
    """Note that one more query, or its pass, has no use for row `r`'s lines in an SRAM from cycle `at` on."""
    row[r, share + t.H_USERS] -= 1
    if at >= row[r, share + t.H_FREED]:
        row[r, share + t.H_FREED], row[r, share + t.H_FREER] = at, who


@step
def taken_turns(st, port, idle):
    """Return the cycles by which the lines written to an SRAM since the last pass make the next one longer.

    Where a bank has one port, writes and reads take turns. Writes took the `idle` cycles in front of the pass first.
    """
    written = st[port + t.PORT_WRITTEN]
    st[port + t.PORT_WRITTEN] = 0
    return max(written - idle, 0) if st[port + t.PORT_SHARED] else 0


@part
def last_out(ps, st, buffer, k, n, known):
    """Return the last pass that must have left a line buffer before pass `k` of `n` lines enters: -1 none, -2 unknown.

    A pass leaves when the next stage begins to read it; `known` passes have done so at a known time.
    """
    used, oldest = st[buffer + t.BUFFER_USED], st[buffer + t.BUFFER_OLDEST]
    while used + n > st[t.S_FIFO_LINES] and oldest < k:
        used -= ps[oldest, t.P_LINES]
        oldest += 1
    if oldest > known:
        return -2
    return oldest - 1


@part
def enter_buffer(ps, st, buffer, last, n):
    """Let `n` lines into a line buffer that every pass up to `last` has left."""
    while st[buffer + t.BUFFER_OLDEST] <= last:
        st[buffer + t.BUFFER_USED] -= ps[st[buffer + t.BUFFER_OLDEST], t.P_LINES]
        st[buffer + t.BUFFER_OLDEST] += 1
    st[buffer + t.BUFFER_USED] += n


@part
def room_for_probs(query, st, q):
    """Return when the queue before Prob x V has room for query `q`, the next one, or -1 while that is unknown."""
    ring, need = t.S_PROB_RING, query[q, t.Q_VALUE_LINES]
    while st[ring + t.RING_USED] + need > st[ring + t.RING_CAP] and st[ring + t.RING_USED] > 0:
        o = st[ring + t.RING_OLDEST]
        if o >= st[t.S_PV]:
            return -1
        if query[o, t.Q_PV_AT] > st[ring + t.RING_TIME]:
            st[ring + t.RING_TIME], st[ring + t.RING_WHO] = query[o, t.Q_PV_AT], o
        st[ring + t.RING_USED] -= query[o, t.Q_VALUE_LINES]
        st[ring + t.RING_OLDEST] = o + 1
    return st[ring + t.RING_TIME]
