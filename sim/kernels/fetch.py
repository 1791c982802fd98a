"""The fetcher and the main loop (numba): one request at a time, round robin over K, LSB, V and output.

The clock moves from request to request. All commands of DRAM up to now are issued first, lines that came back complete
their rows, and the pipeline moves as far as their arrival allows; that tells which streams may go on, and from when.
"""

import numba
import numpy as np

from tokensieve.sim.kernels import dram as d
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels import tables as t
from tokensieve.sim.kernels.dram_state import FAR
from tokensieve.sim.kernels.pipeline import I64, admit, note, open_groups, pump

OPEN = 1 << 40
"""Added to a slot's outstanding granules while its line is still being sent."""


@numba.njit(cache=True)
def _send(m, ids, st, low, high, first, base, width, count, slot, write):
    """Send the granules of rows `low` to `high` - 1 of a plane, move the clock on and return how many there were.

    The rows are ``ids[first + i]`` for i < `count`; beyond, the ids go on counting from the last one. A granule that
    two rows of the request share is sent once.
    """
    sent, last, now, used = 0, -1, st[t.S_NOW], st[t.S_PORTS_USED]
    shift = m[ds.GRANULE_SHIFT]
    for i in range(low, high):
        token = ids[first + i] if i < count else ids[first + count - 1] + i - count + 1
        address = base + token * width
        for granule in range(max(address >> shift, last + 1), ((address + width - 1) >> shift) + 1):
            arrival = ds.to_dram(m, now + st[t.S_REQUEST])
            taken = d.push(m, granule << shift, arrival, slot, write)
            sent += 1
            used += 1
            if taken > arrival:
                now, used = max(now, ds.to_core(m, taken) - st[t.S_REQUEST]), 1
            if used == st[t.S_PORTS]:
                now, used = now + 1, 0
            last = granule
    st[t.S_PUSHED] += sent
    st[t.S_PUSHED_WRITES] += sent * write
    st[t.S_NOW], st[t.S_PORTS_USED] = now, used
    return sent


@numba.njit(cache=True)
def _key_from(row, group, st):
    """Return from when the K stream may go on with its row: FAR where there is none or the time is unknown."""
    r = st[t.S_KEY_ROW]
    if r >= st[t.S_ROWS]:
        return FAR
    if row[r, t.R_KEY_FROM] < 0:
        gate = group[row[r, t.R_GROUP], t.G_KEY_FROM]
        if gate < 0:
            return FAR
        room = admit(
            row, st, t.S_KEY_RING, t.R_KEY_SPACE, t.R_KEY_USERS, t.R_KEY_FREED, t.R_KEY_OWNER, r, st[t.S_KEY_CAP]
        )
        if room < 0:
            return FAR
        row[r, t.R_KEY_FROM] = max(gate, room)
        if room > gate:
            row[r, t.R_KEY_WHY], row[r, t.R_KEY_WHO] = t.W_SPACE, st[t.S_KEY_RING + t.RING_WHO]
        else:
            row[r, t.R_KEY_WHY], row[r, t.R_KEY_WHO] = _gate(group, st, row[r, t.R_GROUP], gate)
    return row[r, t.R_KEY_FROM]


@numba.njit(cache=True)
def _gate(group, st, g, gate):
    """Return which event of the group before opened group `g` at cycle `gate`."""
    if g == 0 or gate == 0:
        return t.W_START, -1
    return (t.W_RANKED if group[g - 1, t.G_RANKED] == gate else t.W_BARRIER), g - 1


@numba.njit(cache=True)
def _value_from(row, group, st):
    """Return from when the V stream may go on with its row, as `_key_from`.

    In decode the top-k engine hands out the ids while it drains; a request goes once its ids are there.
    """
    r = st[t.S_VALUE_ROW]
    if r >= st[t.S_ROWS]:
        return FAR
    if st[t.S_VALUE_LINE] == 0:
        gate = group[row[r, t.R_GROUP], t.G_KEY_FROM] if row[r, t.R_EARLY] else row[r, t.R_VALUE_FROM]
        if gate < 0:
            return FAR
        if row[r, t.R_VALUE_LEFT] == 0:
            return gate
        room = admit(
            row,
            st,
            t.S_VALUE_RING,
            t.R_VALUE_SPACE,
            t.R_VALUE_USERS,
            t.R_VALUE_FREED,
            t.R_VALUE_OWNER,
            r,
            st[t.S_VALUE_CAP],
        )
        if room < 0:
            return FAR
        st[t.S_VALUE_LINE] = 1
        if row[r, t.R_EARLY]:
            row[r, t.R_VALUE_WHY], row[r, t.R_VALUE_WHO] = _gate(group, st, row[r, t.R_GROUP], gate)
        if room > gate:
            row[r, t.R_VALUE_WHY], row[r, t.R_VALUE_WHO] = t.W_SPACE, st[t.S_VALUE_RING + t.RING_WHO]
        row[r, t.R_VALUE_FROM] = max(gate, room)
    lines = -(-row[r, t.R_VALUES] // st[t.S_PER_VALUE_LINE])
    return row[r, t.R_VALUE_FROM] + st[t.S_VALUE_LINE] * row[r, t.R_VALUE_PACE] // lines


@numba.njit(cache=True)
def _output_from(row, query, st):
    """Return from when the next request of outputs may be written."""
    while st[t.S_OUT_ROW] < st[t.S_ROWS] and row[st[t.S_OUT_ROW], t.R_OUTPUT_BYTES] == 0:
        st[t.S_OUT_ROW] += 1
    r = st[t.S_OUT_ROW]
    if r >= st[t.S_ROWS]:
        return FAR
    last = min(row[r, t.R_Q0] + (st[t.S_OUT_LINE] + 1) * st[t.S_PER_VALUE_LINE], row[r, t.R_Q1]) - 1
    return query[last, t.Q_OUT] + 1 if last < st[t.S_PV] else FAR


@numba.njit(cache=True)
def _skip_shared(row, st, pointer, owner):
    """Move a stream's row pointer past rows whose data another row loads."""
    while st[pointer] < st[t.S_ROWS] and row[st[pointer], owner] != st[pointer]:
        st[pointer] += 1


@numba.njit(cache=True)
def _begin_job(row, m, st, stream, r, column):
    """Note which job began the busy period of DRAM that this job belongs to: itself where hardly any read is queued."""
    backlog = st[t.S_PUSHED] - st[t.S_PUSHED_WRITES] - m[ds.READS] - m[ds.JOINED_READS]
    if st[t.S_ORIGIN] < 0 or backlog <= m[ds.CH] * m[ds.PC]:
        st[t.S_ORIGIN] = stream * st[t.S_ROWS] + r
    row[r, column] = st[t.S_ORIGIN]


@numba.njit(cache=True)
def _key_line(row, st):
    """Return what the next K request reads, (row, line, tensor, low, high, base, width), and move the stream on.

    A job reads its queries first (those of both heads of a pair), then K, then the LSB plane of a forced second pass.
    Query lines count below zero.
    """
    r, j, per = st[t.S_KEY_ROW], st[t.S_KEY_LINE], st[t.S_PER_LINE]
    n, rows = row[r, t.R_LINES], row[r, t.R_QUERIES]
    each = -(-rows // per) if row[r, t.R_QUERY_BYTES] > 0 else 0
    front = 2 * each if row[r, t.R_QUERY_BASE_2] >= 0 else each
    st[t.S_KEY_LINE] = j + 1
    if j + 1 == front + n * row[r, t.R_PASSES]:
        st[t.S_KEY_LINE] = 0
        st[t.S_KEY_ROW] += 1
        _skip_shared(row, st, t.S_KEY_ROW, t.R_KEY_OWNER)
    if j < front:
        i, base = j % each, row[r, t.R_QUERY_BASE] if j < each else row[r, t.R_QUERY_BASE_2]
        return r, -1, 0, i * per, min((i + 1) * per, rows), base, row[r, t.R_QUERY_BYTES]
    j -= front
    if j < n:
        return r, j, 1, j * per, (j + 1) * per, row[r, t.R_KEY_BASE], row[r, t.R_KEY_BYTES]
    return r, j, 2, (j - n) * per, (j - n + 1) * per, row[r, t.R_LSB_BASE], row[r, t.R_LSB_BYTES]


@numba.njit(cache=True)
def _lsb_line(row, st):
    r, j, per = st[t.S_LSB_HEAD], st[t.S_LSB_LINE], st[t.S_PER_LINE]
    st[t.S_LSB_LINE] = j + 1
    if j + 1 == row[r, t.R_LINES]:
        st[t.S_LSB_LINE] = 0
        st[t.S_LSB_HEAD] = row[r, t.R_LSB_NEXT]
    return r, j, 2, j * per, (j + 1) * per, row[r, t.R_LSB_BASE], row[r, t.R_LSB_BYTES]


@numba.njit(cache=True)
def _value_line(row, st):
    r, j, per = st[t.S_VALUE_ROW], st[t.S_VALUE_LINE] - 1, st[t.S_PER_VALUE_LINE]
    st[t.S_VALUE_LINE] += 1
    if j + 1 == -(-row[r, t.R_VALUES] // per):
        _next_values(row, st)
    return r, j, 3, j * per, (j + 1) * per, row[r, t.R_VALUE_BASE], row[r, t.R_VALUE_BYTES]


@numba.njit(cache=True)
def _output_line(row, st):
    r, j, per = st[t.S_OUT_ROW], st[t.S_OUT_LINE], st[t.S_PER_VALUE_LINE]
    high = min((j + 1) * per, row[r, t.R_QUERIES])
    st[t.S_OUT_LINE] = j + 1
    if high == row[r, t.R_QUERIES]:
        st[t.S_OUT_LINE] = 0
        st[t.S_OUT_ROW] += 1
    return r, j, 4, j * per, high, row[r, t.R_OUTPUT_BASE], row[r, t.R_OUTPUT_BYTES]


@numba.njit(cache=True)
def _request(m, row, ids, st, slots, lines, granules, stream):
    """Send the next request of a stream."""
    began, write = st[t.S_NOW], 0
    if stream == t.STREAM_KEY:
        if st[t.S_KEY_LINE] == 0:
            r = st[t.S_KEY_ROW]
            _begin_job(row, m, st, stream, r, t.R_KEY_ORIGIN)
        r, j, tensor, low, high, base, width = _key_line(row, st)
        first, count = row[r, t.R_KEY_IDS], row[r, t.R_KEYS]
        if tensor == 0:
            first, count = row[r, t.R_QUERY_IDS], row[r, t.R_QUERIES]
    elif stream == t.STREAM_LSB:
        if st[t.S_LSB_LINE] == 0:
            r = st[t.S_LSB_HEAD]
            _begin_job(row, m, st, stream, r, t.R_LSB_ORIGIN)
        r, j, tensor, low, high, base, width = _lsb_line(row, st)
        first, count = row[r, t.R_KEY_IDS], row[r, t.R_KEYS]
    elif stream == t.STREAM_VALUE:
        if st[t.S_VALUE_LINE] == 1:
            r = st[t.S_VALUE_ROW]
            _begin_job(row, m, st, stream, r, t.R_VALUE_ORIGIN)
        r, j, tensor, low, high, base, width = _value_line(row, st)
        first, count = row[r, t.R_VALUE_IDS], row[r, t.R_VALUES]
    else:
        r, j, tensor, low, high, base, width = _output_line(row, st)
        first, count, write = row[r, t.R_QUERY_IDS], row[r, t.R_QUERIES], 1
    st[t.S_SLOTS_FREE] -= 1
    slot = slots[st[t.S_SLOTS_FREE]]
    lines[slot, 0], lines[slot, 1], lines[slot, 2] = stream, r, j
    k = m[ds.O_SLOT] + slot * ds.N_SLOT
    m[k + ds.LEFT], m[k + ds.END] = OPEN, 0
    sent = _send(m, ids, st, low, high, first, base, width, count, slot, write)
    granules[row[r, t.R_LAYER], tensor] += sent
    st[t.S_FETCH_BUSY] += st[t.S_NOW] - began
    m[k + ds.LEFT] -= OPEN - sent
    if m[k + ds.LEFT] == 0:
        m[m[ds.O_DONE] + m[ds.DONE]] = slot
        m[ds.DONE] += 1


@numba.njit(cache=True)
def _next_values(row, st):
    st[t.S_VALUE_LINE] = 0
    st[t.S_VALUE_ROW] += 1
    _skip_shared(row, st, t.S_VALUE_ROW, t.R_VALUE_OWNER)


@numba.njit(cache=True)
def _collect(m, row, st, slots, lines, events):
    """Take the lines that came back and note from when their rows may be streamed without a bubble."""
    n = m[ds.DONE]
    for i in range(n):
        slot = m[m[ds.O_DONE] + i]
        stream, r, j = lines[slot, 0], lines[slot, 1], lines[slot, 2]
        at = ds.to_core(m, m[m[ds.O_SLOT] + slot * ds.N_SLOT + ds.END]) + st[t.S_RETURN]
        slots[st[t.S_SLOTS_FREE]] = slot
        st[t.S_SLOTS_FREE] += 1
        if stream == t.STREAM_KEY:
            row[r, t.R_KEY_FLOW] = max(row[r, t.R_KEY_FLOW], at - max(j, 0))
            row[r, t.R_KEY_LAST] = max(row[r, t.R_KEY_LAST], at)
            row[r, t.R_KEY_LEFT] -= 1
            if row[r, t.R_KEY_LEFT] == 0:
                row[r, t.R_KEY_DONE] = 1
                note(st, events, t.E_KEY, row[r, t.R_KEY_FROM], row[r, t.R_KEY_LAST], r, -1)
        elif stream == t.STREAM_LSB:
            row[r, t.R_LSB_FLOW] = max(row[r, t.R_LSB_FLOW], at - j)
            row[r, t.R_LSB_LAST] = max(row[r, t.R_LSB_LAST], at)
            row[r, t.R_LSB_LEFT] -= 1
            if row[r, t.R_LSB_LEFT] == 0:
                row[r, t.R_LSB_STATE] = 2
                note(st, events, t.E_LSB, row[r, t.R_LSB_FROM], row[r, t.R_LSB_LAST], r, -1)
        elif stream == t.STREAM_VALUE:
            flow = at if row[r, t.R_QUERIES] > 1 else at - j
            row[r, t.R_VALUE_FLOW] = max(row[r, t.R_VALUE_FLOW], flow)
            row[r, t.R_VALUE_LAST] = max(row[r, t.R_VALUE_LAST], at)
            row[r, t.R_VALUE_LEFT] -= 1
            if row[r, t.R_VALUE_LEFT] == 0:
                row[r, t.R_VALUE_DONE] = 1
                note(st, events, t.E_VALUE, row[r, t.R_VALUE_FROM], row[r, t.R_VALUE_LAST], r, -1)
        else:
            st[t.S_LAST_WRITE] = max(st[t.S_LAST_WRITE], at - st[t.S_RETURN])
    m[ds.DONE] = 0
    return n


@numba.njit(cache=True)
def simulate(
    m: I64, row: I64, query: I64, ps: I64, group: I64, redo: I64, ids: I64, st: I64, granules: I64, events: I64
) -> int:
    """Run to the end; return the total cycles, or -1 if nothing can move any more (a mistake of ours)."""
    slots = np.arange(m[ds.SLOTS])
    lines = np.zeros((m[ds.SLOTS], 3), np.int64)
    st[t.S_SLOTS_FREE] = m[ds.SLOTS]
    ahead = max(ds.to_core(m, m[ds.CL] + m[ds.BL]), 1)
    since = np.full(4, FAR)
    open_groups(group, st)
    while True:
        next_command = d.advance_all(m, ds.to_dram(m, st[t.S_NOW]) + 1)
        if _collect(m, row, st, slots, lines, events) > 0 or st[t.S_NOW] >= st[t.S_LOOK_AGAIN]:
            st[t.S_LOOK_AGAIN] = FAR
            pump(row, query, ps, group, redo, st, events)
        while (
            st[t.S_VALUE_ROW] < st[t.S_ROWS]
            and _value_from(row, group, st) < FAR
            and row[st[t.S_VALUE_ROW], t.R_VALUE_LEFT] == 0
        ):
            row[st[t.S_VALUE_ROW], t.R_VALUE_DONE] = 1
            _next_values(row, st)
            pump(row, query, ps, group, redo, st, events)
        since[t.STREAM_KEY] = _key_from(row, group, st)
        since[t.STREAM_LSB] = row[st[t.S_LSB_HEAD], t.R_LSB_FROM] if st[t.S_LSB_HEAD] >= 0 else FAR
        since[t.STREAM_VALUE] = _value_from(row, group, st)
        since[t.STREAM_OUTPUT] = _output_from(row, query, st)
        chosen, soonest = -1, FAR
        for i in range(4):
            stream = (st[t.S_TURN] + i) % 4
            soonest = min(soonest, since[stream])
            if since[stream] <= st[t.S_NOW]:
                chosen = stream
                break
        if chosen >= 0:
            st[t.S_TURN] = (chosen + 1) % 4
            _request(m, row, ids, st, slots, lines, granules, chosen)
            continue
        soonest = min(soonest, st[t.S_LOOK_AGAIN])
        if next_command < FAR:
            soonest = min(soonest, ds.to_core(m, next_command) + ahead)
        if soonest >= FAR:
            break
        st[t.S_NOW], st[t.S_PORTS_USED] = max(st[t.S_NOW] + 1, soonest), 0
    if st[t.S_PV] < st[t.S_QUERIES]:
        return -1
    st[t.S_TOTAL] = max(query[st[t.S_QUERIES] - 1, t.Q_OUT] + 1, st[t.S_LAST_WRITE])
    d.refresh_until(m, ds.to_dram(m, st[t.S_TOTAL]))
    return int(st[t.S_TOTAL])
