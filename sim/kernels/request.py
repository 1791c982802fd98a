"""One request of the fetcher (numba): a line of a job, as granules to DRAM, and back into the columns of its row.

A request has a slot of its own while it is on its way. Of each slot, `lines` (columns I_...) says what it brings, and
the state of DRAM how many of its granules are outstanding; `slots` holds the free ones, the first S_SLOTS_FREE of it.
"""

import numpy as np

from tokensieve.sim.kernels import dram as d
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels import tables as t
from tokensieve.sim.kernels.columns import NONE
from tokensieve.sim.kernels.events import note
from tokensieve.sim.kernels.step import part, step

OPEN = 1 << 40
"""Added to a slot's outstanding granules while its line is still being sent."""


@part
def send(m, row, ids, st, slots, lines, granules, stream, clocked):
    """Send the next request of a stream, and count its granules by layer and tensor."""
    began = st[t.S_NOW]
    r, j, tensor, low, high, base = _next_line(m, row, st, stream)
    st[t.S_SLOTS_FREE] -= 1
    slot = slots[st[t.S_SLOTS_FREE]]
    lines[slot, t.I_STREAM], lines[slot, t.I_ROW], lines[slot, t.I_LINE] = stream, r, j
    k = m[ds.O_SLOT] + slot * ds.N_SLOT
    m[k + ds.LEFT], m[k + ds.END] = OPEN, 0
    sent = _send_rows(m, row, ids, st, slot, r, tensor, low, high, base, clocked)
    granules[row[r, t.R_LAYER], tensor] += sent
    st[t.S_FETCH_BUSY] += st[t.S_NOW] - began
    m[k + ds.LEFT] -= OPEN - sent
    if m[k + ds.LEFT] == 0:
        m[m[ds.O_DONE] + m[ds.DONE]] = slot
        m[ds.DONE] += 1


@step
def _next_line(m, row, st, stream):
    """Return what a stream's next request moves, and turn the stream to the one after it.

    That is (row, line, tensor, low, high, base): rows `low` to `high` - 1 of a tensor, whose plane begins at `base`.
    """
    if stream == t.STREAM_KEY:
        return _key_line(m, row, st)
    if stream == t.STREAM_LSB:
        return _lsb_line(m, row, st)
    if stream == t.STREAM_VALUE:
        return _value_line(m, row, st)
    return _output_line(row, st)


@step
def _key_line(m, row, st):
    """Return the next request of stream K: the job's queries first (those of both heads of a pair), then K.

    Behind K come its low bits where the format forces them. Lines of queries have number -1: Q x K does not take them
    one by one.
    """
    r, j, per = st[t.S_KEY_ROW], st[t.S_KEY_LINE], st[t.S_PER_LINE]
    if j == 0:
        _begin_job(m, row, st, t.STREAM_KEY, r)
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
        return r, -1, t.T_QUERY, i * per, min((i + 1) * per, rows), base
    j -= front
    if j < n:
        return r, j, t.T_KEY_MSB, j * per, (j + 1) * per, row[r, t.R_KEY_BASE]
    return r, j, t.T_KEY_LSB, (j - n) * per, (j - n + 1) * per, row[r, t.R_LSB_BASE]


@step
def _lsb_line(m, row, st):
    """Return the next request of stream LSB: the low bits of K, of the row that asked for them first."""
    r, j, per = st[t.S_LSB_HEAD], st[t.S_LSB_LINE], st[t.S_PER_LINE]
    if j == 0:
        _begin_job(m, row, st, t.STREAM_LSB, r)
    st[t.S_LSB_LINE] = j + 1
    if j + 1 == row[r, t.R_LINES]:
        st[t.S_LSB_LINE] = 0
        st[t.S_LSB_HEAD] = row[r, t.R_LSB_NEXT]
    return r, j, t.T_KEY_LSB, j * per, (j + 1) * per, row[r, t.R_LSB_BASE]


@step
def _value_line(m, row, st):
    """Return the next request of stream V."""
    r, j, per = st[t.S_VALUE_ROW], st[t.S_VALUE_LINE] - 1, st[t.S_PER_VALUE_LINE]
    if j == 0:
        _begin_job(m, row, st, t.STREAM_VALUE, r)
    st[t.S_VALUE_LINE] += 1
    if j + 1 == -(-row[r, t.R_VALUES] // per):
        next_values(row, st)
    return r, j, t.T_VALUE, j * per, (j + 1) * per, row[r, t.R_VALUE_BASE]


@part
def next_values(row, st):
    """Turn stream V to its next job."""
    st[t.S_VALUE_LINE] = 0
    st[t.S_VALUE_ROW] += 1
    _skip_shared(row, st, t.S_VALUE_ROW, t.R_VALUE_OWNER)


@step
def _output_line(row, st):
    """Return the next request of the outputs."""
    r, j, per = st[t.S_OUT_ROW], st[t.S_OUT_LINE], st[t.S_PER_VALUE_LINE]
    high = min((j + 1) * per, row[r, t.R_QUERIES])
    st[t.S_OUT_LINE] = j + 1
    if high == row[r, t.R_QUERIES]:
        st[t.S_OUT_LINE] = 0
        st[t.S_OUT_ROW] += 1
    return r, j, t.T_OUTPUT, j * per, high, row[r, t.R_OUTPUT_BASE]


@part
def _skip_shared(row, st, pointer, owner):
    """Move a stream's row pointer past rows whose data another row loads."""
    while st[pointer] < st[t.S_ROWS] and row[st[pointer], owner] != st[pointer]:
        st[pointer] += 1


@step
def _begin_job(m, row, st, stream, r):
    """Note which job began the busy period of DRAM that this job belongs to: itself where hardly any read is queued."""
    backlog = st[t.S_PUSHED] - st[t.S_PUSHED_WRITES] - m[ds.READS] - m[ds.JOINED_READS]
    if st[t.S_ORIGIN] < 0 or backlog <= m[ds.CH] * m[ds.PC]:
        st[t.S_ORIGIN] = stream * st[t.S_ROWS] + r
    row[r, t.R_JOBS + stream * t.N_JOB + t.J_ORIGIN] = st[t.S_ORIGIN]


@part
def _send_rows(m, row, ids, st, slot, r, tensor, low, high, base, clocked):
    """Send the granules of rows `low` to `high` - 1 of a tensor, move the clock on and return how many there were.

    The i-th row of the tensor is ``ids[first + i]`` for i < `count`; beyond, the ids go on counting from the last one.
    A granule that two rows of the request share is sent once.
    """
    first, count = _ids_of(row, r, tensor)
    width, write = row[r, t.R_BYTES + tensor], np.int64(tensor == t.T_OUTPUT)
    sent, last, now, used = 0, -1, st[t.S_NOW], st[t.S_PORTS_USED]
    shift = m[ds.GRANULE_SHIFT]
    for i in range(low, high):
        token = ids[first + i] if i < count else ids[first + count - 1] + i - count + 1
        address = base + token * width
        for granule in range(max(address >> shift, last + 1), ((address + width - 1) >> shift) + 1):
            arrival = ds.to_dram(m, now + st[t.S_REQUEST])
            taken = d.push(m, granule << shift, arrival, slot, write, clocked)
            sent += 1
            used += 1
            if taken > arrival:  # the channel was full: the fetcher stood still
                now, used = max(now, ds.to_core(m, taken) - st[t.S_REQUEST]), 1
            if used == st[t.S_PORTS]:
                now, used = now + 1, 0
            last = granule
    st[t.S_PUSHED] += sent
    st[t.S_PUSHED_WRITES] += sent * write
    st[t.S_NOW], st[t.S_PORTS_USED] = now, used
    return sent


@step
def _ids_of(row, r, tensor):
    """Return where the ids of a row's part of a tensor begin, and how many there are."""
    if tensor == t.T_VALUE:
        return row[r, t.R_VALUE_IDS], row[r, t.R_VALUES]
    if tensor == t.T_KEY_MSB or tensor == t.T_KEY_LSB:
        return row[r, t.R_KEY_IDS], row[r, t.R_KEYS]
    return row[r, t.R_QUERY_IDS], row[r, t.R_QUERIES]


@part
def collect(m, row, st, slots, lines, events):
    """Take the lines that came back, give their slots back, and return how many there were."""
    n = m[ds.DONE]
    for i in range(n):
        slot = m[m[ds.O_DONE] + i]
        stream, r, j = lines[slot, t.I_STREAM], lines[slot, t.I_ROW], lines[slot, t.I_LINE]
        at = ds.to_core(m, m[m[ds.O_SLOT] + slot * ds.N_SLOT + ds.END]) + st[t.S_RETURN]
        slots[st[t.S_SLOTS_FREE]] = slot
        st[t.S_SLOTS_FREE] += 1
        if stream == t.STREAM_OUTPUT:
            st[t.S_LAST_WRITE] = max(st[t.S_LAST_WRITE], at - st[t.S_RETURN])
        else:
            _arrive(row, st, events, stream, r, j, at)
    m[ds.DONE] = 0
    return n


@step
def _lines_written(row, st, stream, r):
    """Return the lines of an SRAM that one request of row `r` fills: one for each head of a pair."""
    if stream == t.STREAM_LSB:
        return 1
    if stream == t.STREAM_KEY:
        return max(row[r, t.R_KEY_SPACE] // row[r, t.R_LINES], 1)
    return max(row[r, t.R_VALUE_SPACE] // -(-row[r, t.R_VALUES] // st[t.S_PER_VALUE_LINE]), 1)


@step
def _arrive(row, st, events, stream, r, j, at):
    """Note that line `j` of a job is in SRAM from cycle `at` on, and so from when its lines can be streamed.

    Line `j` is read `j` cycles after the first one. But V of many queries has to be there as a whole.
    """
    job = t.R_JOBS + stream * t.N_JOB
    ahead = 0 if stream == t.STREAM_VALUE and row[r, t.R_QUERIES] > 1 else max(j, 0)
    row[r, job + t.J_FLOW] = max(row[r, job + t.J_FLOW], at - ahead)
    row[r, job + t.J_LAST] = max(row[r, job + t.J_LAST], at)
    row[r, job + t.J_LEFT] -= 1
    if j >= 0:  # queries do not lie in the SRAM
        port = t.S_VALUE_PORT if stream == t.STREAM_VALUE else t.S_KEY_PORT
        st[port + t.PORT_WRITTEN] += _lines_written(row, st, stream, r)
    if row[r, job + t.J_LEFT] == 0:
        row[r, job + t.J_DONE] = 1
        note(st, events, t.E_KEY + stream, row[r, job + t.J_FROM], row[r, job + t.J_LAST], r, NONE)
