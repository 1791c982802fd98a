"""The fetcher and the main loop (numba): one request of a line at a time, round robin over K, LSB, V and output streams.

The clock moves from request to request. All commands of DRAM up to now are issued first, lines that came back complete
their rows, and the pipeline moves as far as their arrival allows; that tells which streams may go on, and from when.
"""

import numba
import numpy as np

from tokensieve.sim.kernels import dram as d
from tokensieve.sim.kernels.dram import FAR
from tokensieve.sim.kernels.pipeline import I64, admit, note, open_groups, pump
from tokensieve.sim.kernels.tables import *  # noqa: F403  (the column names are this room's vocabulary)

OPEN = 1 << 40
"""Added to a slot's outstanding granules while its line is still being sent."""


@numba.njit(cache=True)
def _send(m, ids, st, low, high, first, base, width, count, slot, write):
    """Send the granules of rows `low` to `high` - 1 of a plane as one request, move the clock on and return their number.

    The rows are ``ids[first + i]`` for i < `count`; beyond, the ids go on counting from the last one. A granule that two
    rows of the request share is sent once.
    """
    sent, last, now, used = 0, np.int64(-1), st[S_NOW], st[S_PORTS_USED]
    shift = m[d.GRANULE_SHIFT]
    for i in range(low, high):
        token = ids[first + i] if i < count else ids[first + count - 1] + i - count + 1
        address = base + token * width
        for granule in range(max(address >> shift, last + 1), ((address + width - 1) >> shift) + 1):
            arrival = d.to_dram(m, now + st[S_REQUEST])
            taken = d.push(m, granule << shift, arrival, slot, write)
            sent += 1
            used += 1
            if taken > arrival:
                now, used = max(now, d.to_core(m, taken) - st[S_REQUEST]), 1
            if used == st[S_PORTS]:
                now, used = now + 1, 0
            last = granule
    st[S_PUSHED] += sent
    st[S_NOW], st[S_PORTS_USED] = now, used
    return sent


@numba.njit(cache=True)
def _key_from(row, group, st):
    """Return from when the K stream may go on with its row: FAR where there is none or the time is unknown."""
    r = st[S_KEY_ROW]
    if r >= st[S_ROWS]:
        return FAR
    if row[r, R_KEY_FROM] < 0:
        gate = group[row[r, R_GROUP], G_KEY_FROM]
        if gate < 0:
            return FAR
        room = admit(row, st, S_KEY_RING, R_KEY_SPACE, R_KEY_USERS, R_KEY_FREED, R_KEY_OWNER, r, st[S_KEY_CAP])
        if room < 0:
            return FAR
        row[r, R_KEY_FROM] = max(gate, room)
        if room > gate:
            row[r, R_KEY_WHY], row[r, R_KEY_WHO] = W_SPACE, st[S_KEY_RING + RING_WHO]
        else:
            row[r, R_KEY_WHY], row[r, R_KEY_WHO] = _gate(group, st, row[r, R_GROUP], gate)
    return row[r, R_KEY_FROM]


@numba.njit(cache=True)
def _gate(group, st, g, gate):
    """Return which event of the group before opened group `g` at cycle `gate`."""
    if g == 0 or gate == 0:
        return W_START, -1
    return (W_RANKED if group[g - 1, G_RANKED] == gate else W_BARRIER), g - 1


@numba.njit(cache=True)
def _value_from(row, group, st):
    """Return from when the V stream may go on with its row, as `_key_from`.

    In decode the top-k engine hands out the ids while it drains; a request goes once its ids are there.
    """
    r = st[S_VALUE_ROW]
    if r >= st[S_ROWS]:
        return FAR
    if st[S_VALUE_LINE] == 0:
        gate = group[row[r, R_GROUP], G_KEY_FROM] if row[r, R_EARLY] else row[r, R_VALUE_FROM]
        if gate < 0:
            return FAR
        if row[r, R_VALUE_LEFT] == 0:
            return gate
        room = admit(row, st, S_VALUE_RING, R_VALUE_SPACE, R_VALUE_USERS, R_VALUE_FREED, R_VALUE_OWNER, r, st[S_VALUE_CAP])
        if room < 0:
            return FAR
        st[S_VALUE_LINE] = 1
        if row[r, R_EARLY]:
            row[r, R_VALUE_WHY], row[r, R_VALUE_WHO] = _gate(group, st, row[r, R_GROUP], gate)
        if room > gate:
            row[r, R_VALUE_WHY], row[r, R_VALUE_WHO] = W_SPACE, st[S_VALUE_RING + RING_WHO]
        row[r, R_VALUE_FROM] = max(gate, room)
    lines = -(-row[r, R_VALUES] // st[S_PER_VALUE_LINE])
    return row[r, R_VALUE_FROM] + st[S_VALUE_LINE] * row[r, R_VALUE_PACE] // lines


@numba.njit(cache=True)
def _output_from(row, query, st):
    """Return from when the next request of outputs may be written."""
    while st[S_OUT_ROW] < st[S_ROWS] and row[st[S_OUT_ROW], R_OUTPUT_BYTES] == 0:
        st[S_OUT_ROW] += 1
    r = st[S_OUT_ROW]
    if r >= st[S_ROWS]:
        return FAR
    last = min(row[r, R_Q0] + (st[S_OUT_LINE] + 1) * st[S_PER_VALUE_LINE], row[r, R_Q1]) - 1
    return query[last, Q_OUT] + 1 if last < st[S_PV] else FAR


@numba.njit(cache=True)
def _skip_shared(row, st, pointer, owner):
    """Move a stream's row pointer past rows whose data another row loads."""
    while st[pointer] < st[S_ROWS] and row[st[pointer], owner] != st[pointer]:
        st[pointer] += 1


@numba.njit(cache=True)
def _begin_job(row, m, st, stream, r, column, since):
    """Note which job began the busy period of DRAM that this job belongs to."""
    backlog = st[S_PUSHED] - m[d.READS] - m[d.WRITES]
    if st[S_ORIGIN] < 0 or (st[S_NOW] <= since and backlog <= m[d.CH] * m[d.PC]):
        st[S_ORIGIN] = stream * st[S_ROWS] + r
    row[r, column] = st[S_ORIGIN]


@numba.njit(cache=True)
def _key_line(row, st):
    """Return what the next request of the K stream reads: (row, line, tensor, low, high, base, width); move the stream on.

    A job reads its queries first (those of both heads of a pair), then K, then the LSB plane of a forced second pass. Query
    lines count below zero.
    """
    r, j, per = st[S_KEY_ROW], st[S_KEY_LINE], st[S_PER_LINE]
    n, rows = row[r, R_LINES], row[r, R_QUERIES]
    each = -(-rows // per) if row[r, R_QUERY_BYTES] > 0 else 0
    front = 2 * each if row[r, R_QUERY_BASE_2] >= 0 else each
    st[S_KEY_LINE] = j + 1
    if j + 1 == front + n * row[r, R_PASSES]:
        st[S_KEY_LINE] = 0
        st[S_KEY_ROW] += 1
        _skip_shared(row, st, S_KEY_ROW, R_KEY_OWNER)
    if j < front:
        i, base = j % each, row[r, R_QUERY_BASE] if j < each else row[r, R_QUERY_BASE_2]
        return r, -1, 0, i * per, min((i + 1) * per, rows), base, row[r, R_QUERY_BYTES]
    j -= front
    if j < n:
        return r, j, 1, j * per, (j + 1) * per, row[r, R_KEY_BASE], row[r, R_KEY_BYTES]
    return r, j, 2, (j - n) * per, (j - n + 1) * per, row[r, R_LSB_BASE], row[r, R_LSB_BYTES]


@numba.njit(cache=True)
def _lsb_line(row, st):
    r, j, per = st[S_LSB_HEAD], st[S_LSB_LINE], st[S_PER_LINE]
    st[S_LSB_LINE] = j + 1
    if j + 1 == row[r, R_LINES]:
        st[S_LSB_LINE] = 0
        st[S_LSB_HEAD] = row[r, R_LSB_NEXT]
    return r, j, 2, j * per, (j + 1) * per, row[r, R_LSB_BASE], row[r, R_LSB_BYTES]


@numba.njit(cache=True)
def _value_line(row, st):
    r, j, per = st[S_VALUE_ROW], st[S_VALUE_LINE] - 1, st[S_PER_VALUE_LINE]
    st[S_VALUE_LINE] += 1
    if j + 1 == -(-row[r, R_VALUES] // per):
        _next_values(row, st)
    return r, j, 3, j * per, (j + 1) * per, row[r, R_VALUE_BASE], row[r, R_VALUE_BYTES]


@numba.njit(cache=True)
def _output_line(row, st):
    r, j, per = st[S_OUT_ROW], st[S_OUT_LINE], st[S_PER_VALUE_LINE]
    high = min((j + 1) * per, row[r, R_QUERIES])
    st[S_OUT_LINE] = j + 1
    if high == row[r, R_QUERIES]:
        st[S_OUT_LINE] = 0
        st[S_OUT_ROW] += 1
    return r, j, 4, j * per, high, row[r, R_OUTPUT_BASE], row[r, R_OUTPUT_BYTES]


@numba.njit(cache=True)
def _request(m, row, ids, st, slots, lines, granules, stream):
    """Send the next request of a stream."""
    began, write = st[S_NOW], 0
    if stream == STREAM_KEY:
        if st[S_KEY_LINE] == 0:
            r = st[S_KEY_ROW]
            _begin_job(row, m, st, stream, r, R_KEY_ORIGIN, row[r, R_KEY_FROM])
        r, j, tensor, low, high, base, width = _key_line(row, st)
        first, count = row[r, R_KEY_IDS], row[r, R_KEYS]
        if tensor == 0:
            first, count = row[r, R_QUERY_IDS], row[r, R_QUERIES]
    elif stream == STREAM_LSB:
        if st[S_LSB_LINE] == 0:
            r = st[S_LSB_HEAD]
            _begin_job(row, m, st, stream, r, R_LSB_ORIGIN, row[r, R_LSB_FROM])
        r, j, tensor, low, high, base, width = _lsb_line(row, st)
        first, count = row[r, R_KEY_IDS], row[r, R_KEYS]
    elif stream == STREAM_VALUE:
        if st[S_VALUE_LINE] == 1:
            r = st[S_VALUE_ROW]
            _begin_job(row, m, st, stream, r, R_VALUE_ORIGIN, row[r, R_VALUE_FROM])
        r, j, tensor, low, high, base, width = _value_line(row, st)
        first, count = row[r, R_VALUE_IDS], row[r, R_VALUES]
    else:
        r, j, tensor, low, high, base, width = _output_line(row, st)
        first, count, write = row[r, R_QUERY_IDS], row[r, R_QUERIES], 1
    st[S_SLOTS_FREE] -= 1
    slot = slots[st[S_SLOTS_FREE]]
    lines[slot, 0], lines[slot, 1], lines[slot, 2] = stream, r, j
    k = m[d.O_SLOT] + slot * d.N_SLOT
    m[k + d.LEFT], m[k + d.END] = OPEN, 0
    sent = _send(m, ids, st, low, high, first, base, width, count, slot, write)
    granules[row[r, R_LAYER], tensor] += sent
    st[S_FETCH_BUSY] += st[S_NOW] - began
    m[k + d.LEFT] -= OPEN - sent
    if m[k + d.LEFT] == 0:
        m[m[d.O_DONE] + m[d.DONE]] = slot
        m[d.DONE] += 1


@numba.njit(cache=True)
def _next_values(row, st):
    st[S_VALUE_LINE] = 0
    st[S_VALUE_ROW] += 1
    _skip_shared(row, st, S_VALUE_ROW, R_VALUE_OWNER)


@numba.njit(cache=True)
def _collect(m, row, st, slots, lines, events):
    """Take the lines that came back: lower their rows' counts and note from when a row may be streamed without a bubble."""
    n = m[d.DONE]
    for i in range(n):
        slot = m[m[d.O_DONE] + i]
        stream, r, j = lines[slot, 0], lines[slot, 1], lines[slot, 2]
        at = d.to_core(m, m[m[d.O_SLOT] + slot * d.N_SLOT + d.END]) + st[S_RETURN]
        slots[st[S_SLOTS_FREE]] = slot
        st[S_SLOTS_FREE] += 1
        if stream == STREAM_KEY:
            row[r, R_KEY_FLOW] = max(row[r, R_KEY_FLOW], at - max(j, 0))
            row[r, R_KEY_LEFT] -= 1
            if row[r, R_KEY_LEFT] == 0:
                row[r, R_KEY_DONE] = 1
                note(st, events, E_KEY, row[r, R_KEY_FROM], at, r, -1)
        elif stream == STREAM_LSB:
            row[r, R_LSB_FLOW] = max(row[r, R_LSB_FLOW], at - j)
            row[r, R_LSB_LEFT] -= 1
            if row[r, R_LSB_LEFT] == 0:
                row[r, R_LSB_STATE] = 2
                note(st, events, E_LSB, row[r, R_LSB_FROM], at, r, -1)
        elif stream == STREAM_VALUE:
            flow = at if row[r, R_QUERIES] > 1 else at - j
            row[r, R_VALUE_FLOW] = max(row[r, R_VALUE_FLOW], flow)
            row[r, R_VALUE_LEFT] -= 1
            if row[r, R_VALUE_LEFT] == 0:
                row[r, R_VALUE_DONE] = 1
                note(st, events, E_VALUE, row[r, R_VALUE_FROM], at, r, -1)
        else:
            st[S_LAST_WRITE] = max(st[S_LAST_WRITE], at - st[S_RETURN])
    m[d.DONE] = 0
    return n


@numba.njit(cache=True)
def simulate(m: I64, row: I64, query: I64, ps: I64, group: I64, redo: I64, ids: I64, st: I64, granules: I64, events: I64) -> int:
    """Run to the end; return the total cycles, or -1 if nothing can move any more (a mistake of ours)."""
    slots = np.arange(m[d.SLOTS])
    lines = np.zeros((m[d.SLOTS], 3), np.int64)
    st[S_SLOTS_FREE] = m[d.SLOTS]
    ahead = max(d.to_core(m, m[d.CL] + m[d.BL]), 1)
    since = np.full(4, FAR)
    open_groups(group, st)
    while True:
        next_command = d.advance_all(m, d.to_dram(m, st[S_NOW]) + 1)
        if _collect(m, row, st, slots, lines, events) > 0 or st[S_NOW] == 0:
            pump(row, query, ps, group, redo, st, events)
        while st[S_VALUE_ROW] < st[S_ROWS] and _value_from(row, group, st) < FAR and row[st[S_VALUE_ROW], R_VALUE_LEFT] == 0:
            row[st[S_VALUE_ROW], R_VALUE_DONE] = 1
            _next_values(row, st)
            pump(row, query, ps, group, redo, st, events)
        since[STREAM_KEY] = _key_from(row, group, st)
        since[STREAM_LSB] = row[st[S_LSB_HEAD], R_LSB_FROM] if st[S_LSB_HEAD] >= 0 else FAR
        since[STREAM_VALUE] = _value_from(row, group, st)
        since[STREAM_OUTPUT] = _output_from(row, query, st)
        chosen, soonest = -1, FAR
        for i in range(4):
            stream = (st[S_TURN] + i) % 4
            soonest = min(soonest, since[stream])
            if since[stream] <= st[S_NOW]:
                chosen = stream
                break
        if chosen >= 0:
            st[S_TURN] = (chosen + 1) % 4
            _request(m, row, ids, st, slots, lines, granules, chosen)
            continue
        if next_command < FAR:
            soonest = min(soonest, d.to_core(m, next_command) + ahead)
        if soonest >= FAR:
            break
        st[S_NOW], st[S_PORTS_USED] = max(st[S_NOW] + 1, soonest), 0
    if st[S_PV] < st[S_QUERIES]:
        return -1
    st[S_TOTAL] = max(query[st[S_QUERIES] - 1, Q_OUT] + 1, st[S_LAST_WRITE])
    return st[S_TOTAL]
