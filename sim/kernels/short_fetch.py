"""DRAM and the fetcher of `short` (numba): a server that streams share, and the rings of the two SRAMs.

K is fetched ahead, row by row, as far as its SRAM has room. What is fetched on demand (low bits, V whose ids a query
has picked) and what is written takes turns with it, request by request: while both go on, each moves at a share of the
pace, and all that was to come after is put off. So DRAM never does more than its work takes.
"""

import numba

from tokensieve.sim.kernels import short_tables as t
from tokensieve.sim.kernels.step import step


@step
def after(w, event, cycles, cause):
    """Return the event `cycles` after another; what the time between was for is `cause`."""
    n = w.n[0, t.S_EVENTS]
    w.n[0, t.S_EVENTS] = n + 1
    w.time[n] = w.time[event] + cycles
    w.back[n, 0], w.back[n, 1] = event, w.n[0, t.S_SLOT] + cause
    return n


@step
def last(w, a, b):
    """Return the later of two events, the first on a tie."""
    return b if w.time[b] > w.time[a] else a


@numba.njit(cache=True, error_model="numpy")
def fetch_ahead(w):
    """Let every fetch begin that may: K, and V that waits for no ids."""
    moved = True
    while moved:
        moved = _next_key(w)
        moved |= _next_value(w)


@numba.njit(cache=True, error_model="numpy")
def _next_key(w):
    """Let the K of the next row in turn be fetched; return whether that is known to begin."""
    r = w.n[0, t.S_KEY_NEXT]
    if r >= w.n[0, t.S_ROWS]:
        return False
    g = w.n[r, t.B_GROUP]
    if w.n[r, t.B_KEY + t.H_OWNER] == r:
        gate = w.n[g, t.E_KEY_FROM]
        if gate < 0 or not _admit(w, r, t.B_KEY, t.S_KEY_OLDEST, t.X_KEY_USED, t.S_KEY_ROOM, t.M_KEY_CAP):
            return False
        w.n[0, t.S_SLOT] = w.n[w.n[r, t.B_ROW], t.R_LAYER] * t.N_CAUSE
        begin = last(w, last(w, gate, w.n[0, t.S_KEY_ROOM]), w.n[0, t.S_KEY_FREE])
        cycles = w.x[g, t.G_FETCH] * w.x[g, t.G_KEY_MEMBERS]
        beside = max(w.time[begin], w.x[0, t.X_DEMAND_FROM])
        turn = w.x[g, t.G_VALUE_TURN]
        own = (cycles - (beside - w.time[begin])) * turn / (1 - turn)
        cycles += max(min(own, w.x[0, t.X_DEMAND] - beside), 0.0)
        w.n[r, t.B_KEY + t.H_BEGIN], w.x[r, t.B_KEY + t.H_TIME] = begin, cycles
        w.n[r, t.B_KEY + t.H_END] = w.n[0, t.S_KEY_FREE] = after(w, begin, cycles, t.DRAM)
    w.n[0, t.S_KEY_NEXT] = r + 1
    return True


@numba.njit(cache=True, error_model="numpy")
def _next_value(w):
    """Let the V of the next row in turn be fetched, if it waits for no ids; return whether that is known to begin."""
    r = w.n[0, t.S_VALUE_NEXT]
    if r >= w.n[0, t.S_ROWS]:
        return False
    if w.n[r, t.B_VALUE + t.H_OWNER] == r:
        if not w.n[w.n[r, t.B_ROW], t.R_EARLY] or w.n[w.n[r, t.B_GROUP], t.E_KEY_FROM] < 0:
            return False
        if w.n[0, t.S_KEY_NEXT] <= r or not admit_values(w, r):
            return False
        w.n[0, t.S_SLOT] = w.n[w.n[r, t.B_ROW], t.R_LAYER] * t.N_CAUSE
        fetch_values(w, r, w.n[w.n[r, t.B_GROUP], t.E_KEY_FROM])
    w.n[0, t.S_VALUE_NEXT] = r + 1
    return True


@step
def admit_values(w, r):
    """Let the V of row `r` into its SRAM; return False where it is not known when there is room."""
    return _admit(w, r, t.B_VALUE, t.S_VALUE_OLDEST, t.X_VALUE_USED, t.S_VALUE_ROOM, t.M_VALUE_CAP)


@numba.njit(cache=True, error_model="numpy")
def _admit(w, r, ring, oldest, used, room, cap):
    """Let the lines of row `r` into an SRAM, `room` being the event that made room; return False while unknown."""
    need = w.x[r, ring + t.H_SPACE]
    while w.x[0, used] + need > w.x[0, cap] and w.n[0, oldest] < r:
        o = w.n[0, oldest]
        if w.n[o, ring + t.H_OWNER] == o:
            if w.n[o, ring + t.H_USERS] > 0:
                return False
            w.n[0, room] = last(w, w.n[0, room], w.n[o, ring + t.H_FREED])
            w.x[0, used] -= w.x[o, ring + t.H_SPACE]
        w.n[0, oldest] = o + 1
    w.x[0, used] += need
    return True


@numba.njit(cache=True, error_model="numpy")
def fetch_values(w, r, asked):
    """Fetch the V of row `r`, for which there is room, from the event `asked` on."""
    g, ring = w.n[r, t.B_GROUP], t.B_VALUE
    begin = last(w, last(w, asked, w.n[0, t.S_VALUE_ROOM]), w.n[0, t.S_VALUE_FREE])
    work = w.x[g, t.G_VALUE] * w.x[g, t.G_VALUE_MEMBERS]
    cycles, slow, part = shared(w, w.time[begin], work, w.x[g, t.G_VALUE_TURN], True)
    w.x[r, ring + t.H_FLOW] = slow - part * max(w.x[g, t.G_VALUE_LINES] - 1, 0.0)
    w.n[r, ring + t.H_BEGIN], w.x[r, ring + t.H_TIME] = begin, cycles
    w.n[r, ring + t.H_END] = w.n[0, t.S_VALUE_FREE] = after(w, begin, cycles, t.DRAM)


@numba.njit(cache=True, error_model="numpy")
def shared(w, at, work, turn, read):
    """Return the cycles that `work` of DRAM takes from cycle `at` on, beside the K that is on its way.

    Also those until no K is beside it any more, and which part of it is done by then.

    While both go on it has the share `turn` of DRAM. The K that no query has waited for yet is put off by as much. If
    it is to `read`, later fetches share with it.
    """
    now, left, slow, part = at, work, 0.0, 0.0
    if read and w.x[0, t.X_DEMAND_FROM] <= at < w.x[0, t.X_DEMAND]:
        now += min(work, w.x[0, t.X_DEMAND] - at)
    behind = -1
    for r in range(w.n[0, t.S_KEY_USED], w.n[0, t.S_KEY_NEXT]):
        if w.n[r, t.B_KEY + t.H_OWNER] != r:
            continue
        end, begin = w.n[r, t.B_KEY + t.H_END], w.n[r, t.B_KEY + t.H_BEGIN]
        if behind >= 0:
            begin = last(w, begin, behind)
            w.n[r, t.B_KEY + t.H_BEGIN], w.back[end, 0] = begin, begin
            w.time[end] = w.time[begin] + w.x[r, t.B_KEY + t.H_TIME]
        behind = end
        if left > 0 and w.time[end] > now:
            alone = min(max(w.time[begin] - now, 0.0), left)
            now, left = now + alone, left - alone
            span = min(left / turn, max(w.time[end] - now, 0.0) / (1 - turn))
            both = span * turn
            now, left = now + span, left - both
            slow, part = now - at, 1 - left / max(work, 1e-9)
            w.x[r, t.B_KEY + t.H_TIME] += both
            w.time[end] += both
    now += left
    if read:
        if at > w.x[0, t.X_DEMAND]:
            w.x[0, t.X_DEMAND_FROM] = at
        w.x[0, t.X_DEMAND] = max(w.x[0, t.X_DEMAND], now)
    return now - at, slow, part


@numba.njit(cache=True, error_model="numpy")
def keys_flow(w, r):
    """Return the event from which the K of row `r` can be streamed without a bubble, once it is known to be fetched."""
    own = w.n[r, t.B_KEY + t.H_OWNER]
    if w.n[own, t.B_KEY + t.H_FLOW] < 0:
        g, begin, cycles = w.n[r, t.B_GROUP], w.n[own, t.B_KEY + t.H_BEGIN], w.x[own, t.B_KEY + t.H_TIME]
        front, lines = w.x[g, t.G_FRONT], w.x[g, t.G_FETCH_LINES]
        first = cycles * (front + 1) / (front + lines)
        plane = cycles * w.x[g, t.G_MSB] + 1 - w.x[g, t.G_KEY_LINES]
        flow = w.x[0, t.M_LATENCY] + max(first, max(plane, cycles + 1 - lines))
        w.n[own, t.B_KEY + t.H_FLOW] = after(w, begin, flow, t.DRAM)
        w.n[0, t.S_KEY_USED] = max(w.n[0, t.S_KEY_USED], own + 1)
    return w.n[own, t.B_KEY + t.H_FLOW]


@numba.njit(cache=True, error_model="numpy")
def values_flow(w, r, pace):
    """Return the event from which the V of row `r` can be streamed; ids come over `pace` cycles.

    V of many queries has to be there as a whole.
    """
    own, ring = w.n[r, t.B_VALUE + t.H_OWNER], t.B_VALUE
    if w.n[own, ring + t.H_FLOW] < 0:
        g, begin, cycles = w.n[own, t.B_GROUP], w.n[own, ring + t.H_BEGIN], w.x[own, ring + t.H_TIME]
        lines = max(w.x[g, t.G_VALUE_LINES], 1.0)
        first = max((pace + cycles) / lines, max(pace + cycles / lines, pace / lines + cycles) + 1 - lines)
        flow = cycles if w.n[own, t.B_Q1] - w.n[own, t.B_Q0] > 1 else max(first, w.x[own, ring + t.H_FLOW])
        ahead = max(w.time[w.n[0, t.S_KEY_FREE]] - w.time[begin], 0.0)
        queued = 0.0 if w.n[w.n[own, t.B_ROW], t.R_EARLY] else min(w.x[g, t.G_BACKLOG], ahead)
        flow += w.x[g, t.G_VALUE_LATENCY] + queued
        w.n[own, ring + t.H_FLOW] = after(w, begin, flow, t.DRAM)
    return w.n[own, ring + t.H_FLOW]


@numba.njit(cache=True, error_model="numpy")
def ask_for_low_bits(w, r, decided):
    """Fetch the low bits of row `r`, once, from the event `decided` on."""
    if w.n[r, t.B_LSB] >= 0:
        return
    g = w.n[r, t.B_GROUP]
    begin = last(w, decided, w.n[0, t.S_LSB_FREE])
    cycles, lines = (
        shared(w, w.time[begin], w.x[g, t.G_LSB], w.x[g, t.G_LSB_TURN], True)[0],
        max(w.x[g, t.G_KEY_LINES], 1.0),
    )
    w.n[0, t.S_LSB_FREE] = after(w, begin, cycles, t.DRAM)
    w.n[r, t.B_LSB] = after(w, begin, w.x[g, t.G_LSB_LATENCY] + max(cycles - lines + 1, cycles / lines), t.DRAM)
    w.x[0, t.X_KEY_WRITTEN] += lines


@numba.njit(cache=True, error_model="numpy")
def taken_turns(w, start, free, ring, following, oldest, written, read, latency):
    """Return the cycles by which the lines written to an SRAM since the last pass make the next one longer.

    Where a bank has one port, writes took the cycles in which the array idled, from the event `free` to `start`.
    """
    total, now = w.x[0, written], w.time[start] - latency
    for r in range(w.n[0, oldest], w.n[0, following]):
        if w.n[r, ring + t.H_OWNER] != r:
            continue
        begin, cycles = w.n[r, ring + t.H_BEGIN], max(w.x[r, ring + t.H_TIME], 1.0)
        part = min(max((now - w.time[begin]) / cycles, 0.0), 1.0)
        total += part * w.x[r, ring + t.H_SPACE]
        if part >= 1 and r == w.n[0, oldest]:
            w.x[0, written] += w.x[r, ring + t.H_SPACE]
            w.n[0, oldest] = r + 1
    fresh = total - w.x[0, read]
    w.x[0, read] = total
    return max(fresh - (w.time[start] - w.time[free]), 0.0)
