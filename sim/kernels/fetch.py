"""The fetcher and the main loop (numba): one request at a time, round robin over K, LSB, V and output.

The clock moves from request to request. All commands of DRAM up to now are issued first, lines that came back complete
their rows (`request`), and the pipeline moves as far as their arrival allows (`pipeline`); that tells which streams may
go on, and from when.
"""

import numpy as np

from tokensieve.sim.kernels import dram as d
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels import tables as t
from tokensieve.sim.kernels.columns import I32, I64
from tokensieve.sim.kernels.dram_state import FAR
from tokensieve.sim.kernels.groups import open_groups
from tokensieve.sim.kernels.pipeline import pump
from tokensieve.sim.kernels.request import collect, next_values, send
from tokensieve.sim.kernels.room import admit
from tokensieve.sim.kernels.step import kernel, part, step

SLICE = 100_000
"""Turns of the loop, and queries done, after which a call returns: well below a second, so that Ctrl-C is met."""

PAUSED, STUCK = 0, -1
"""What `run_on` returns where it is to be called again, and where nothing can move any more (a mistake of ours)."""


def simulate(
    m: I64, row: I64, query: I64, ps: I64, group: I64, redo: I64, ids: I32, st: I64, granules: I64, events: I64,
    most: int = SLICE,
) -> int:  # fmt: skip
    """Run to the end, `most` turns a call; return the total cycles, or STUCK."""
    slots = np.arange(m[ds.SLOTS])
    lines = np.zeros((len(slots), t.N_REQUEST), np.int64)
    st[t.S_SLOTS_FREE] = len(slots)
    open_groups(group, st)
    total, clocked = PAUSED, d.clocked(m)
    while total == PAUSED:
        total = run_on(m, row, query, ps, group, redo, ids, st, granules, events, slots, lines, most, clocked)
    return int(total)


@kernel
def run_on(
    m: I64, row: I64, query: I64, ps: I64, group: I64, redo: I64, ids: I32, st: I64, granules: I64, events: I64,
    slots: I64, lines: I64, most: int, clocked: bool | None,
) -> int:  # fmt: skip
    """Run on for `most` turns; return the total cycles once all is done, else PAUSED or STUCK."""
    going, turns, until = True, 0, st[t.S_PV] + most
    while going:
        if turns >= most or st[t.S_PV] >= until:
            return PAUSED
        turns += 1
        next_command = d.advance_all(m, ds.to_dram(m, st[t.S_NOW]) + 1, clocked)
        if collect(m, row, st, slots, lines, events) > 0 or st[t.S_NOW] >= st[t.S_LOOK_AGAIN]:
            st[t.S_LOOK_AGAIN] = FAR
            pump(row, query, ps, group, redo, st, events)
        while _skip_empty_values(row, group, st):
            pump(row, query, ps, group, redo, st, events)
        key = _key_from(row, group, st)
        lsb = row[st[t.S_LSB_HEAD], t.R_LSB_FROM] if st[t.S_LSB_HEAD] >= 0 else FAR
        value = _value_from(row, group, st)
        output = _output_from(row, query, st)
        stream = _in_turn(st, key, lsb, value, output)
        if stream >= 0:
            send(m, row, ids, st, slots, lines, granules, stream, clocked)
        else:
            going = _wait(m, st, min(key, lsb, value, output), next_command)
    if st[t.S_PV] < st[t.S_QUERIES]:
        return STUCK
    st[t.S_TOTAL] = max(query[st[t.S_QUERIES] - 1, t.Q_OUT] + 1, st[t.S_LAST_WRITE], st[t.S_RANK_FREE])
    d.refresh_until(m, ds.to_dram(m, st[t.S_TOTAL]))
    return int(st[t.S_TOTAL])


@step
def _in_turn(st, key, lsb, value, output):
    """Return the next stream in turn that may go on now, or -1; of each stream comes from when it may."""
    for i in range(t.N_STREAM):
        stream = (st[t.S_TURN] + i) % t.N_STREAM
        since = key
        if stream == t.STREAM_LSB:
            since = lsb
        elif stream == t.STREAM_VALUE:
            since = value
        elif stream == t.STREAM_OUTPUT:
            since = output
        if since <= st[t.S_NOW]:
            st[t.S_TURN] = (stream + 1) % t.N_STREAM
            return stream
    return -1


@step
def _wait(m, st, soonest, next_command):
    """Move the clock to when a stream may go on or a line may come back; return whether there is such a time.

    `next_command` is the clock before which DRAM issues nothing; no data comes sooner than a read's latency after it.
    """
    soonest = min(soonest, st[t.S_LOOK_AGAIN])
    if next_command < FAR:
        ahead = max(ds.to_core(m, m[ds.CL] + m[ds.BL]), 1)
        soonest = min(soonest, ds.to_core(m, next_command) + ahead)
    if soonest >= FAR:
        return False
    st[t.S_NOW], st[t.S_PORTS_USED] = max(st[t.S_NOW] + 1, soonest), 0
    return True


@part
def _key_from(row, group, st):
    """Return from when the K stream may go on with its row: FAR where there is none or the time is unknown."""
    r = st[t.S_KEY_ROW]
    if r >= st[t.S_ROWS]:
        return FAR
    if row[r, t.R_KEY_FROM] < 0:
        gate = group[row[r, t.R_GROUP], t.G_KEY_FROM]
        if gate < 0:
            return FAR
        room = admit(row, st, t.S_KEY_RING, t.R_KEY_SHARE, r)
        if room < 0:
            return FAR
        _wait_for_group(row, group, t.STREAM_KEY, r, gate)
        _wait_for_room(row, st, t.STREAM_KEY, r, t.S_KEY_RING, room)
    return row[r, t.R_KEY_FROM]


@part
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
        room = admit(row, st, t.S_VALUE_RING, t.R_VALUE_SHARE, r)
        if room < 0:
            return FAR
        st[t.S_VALUE_LINE] = 1
        if row[r, t.R_EARLY]:
            _wait_for_group(row, group, t.STREAM_VALUE, r, gate)
        _wait_for_room(row, st, t.STREAM_VALUE, r, t.S_VALUE_RING, room)
    lines = -(-row[r, t.R_VALUES] // st[t.S_PER_VALUE_LINE])
    return row[r, t.R_VALUE_FROM] + st[t.S_VALUE_LINE] * row[r, t.R_VALUE_PACE] // lines


@step
def _skip_empty_values(row, group, st):
    """Turn stream V past a job that has nothing to load, once it could begin; return whether there was one."""
    r = st[t.S_VALUE_ROW]
    if r >= st[t.S_ROWS] or row[r, t.R_VALUE_LEFT] > 0 or _value_from(row, group, st) >= FAR:
        return False
    row[r, t.R_VALUE_DONE] = 1
    next_values(row, st)
    return True


@part
def _output_from(row, query, st):
    """Return from when the next request of outputs may be written."""
    while st[t.S_OUT_ROW] < st[t.S_ROWS] and row[st[t.S_OUT_ROW], t.R_OUTPUT_BYTES] == 0:
        st[t.S_OUT_ROW] += 1
    r = st[t.S_OUT_ROW]
    if r >= st[t.S_ROWS]:
        return FAR
    last = min(row[r, t.R_Q0] + (st[t.S_OUT_LINE] + 1) * st[t.S_PER_VALUE_LINE], row[r, t.R_Q1]) - 1
    return query[last, t.Q_OUT] + 1 if last < st[t.S_PV] else FAR


@step
def _wait_for_group(row, group, stream, r, gate):
    """Let a job begin at cycle `gate`, when its group was opened, and note which event of the group before did that."""
    job, g = t.R_JOBS + stream * t.N_JOB, row[r, t.R_GROUP]
    row[r, job + t.J_FROM], row[r, job + t.J_WHY], row[r, job + t.J_WHO] = gate, t.W_START, -1
    if g > 0 and gate > 0:
        ranked = group[g - 1, t.G_RANKED] == gate
        row[r, job + t.J_WHY], row[r, job + t.J_WHO] = t.W_RANKED if ranked else t.W_BARRIER, g - 1


@step
def _wait_for_room(row, st, stream, r, ring, room):
    """Put a job off to cycle `room`, when the SRAM has room for its lines."""
    job = t.R_JOBS + stream * t.N_JOB
    if room > row[r, job + t.J_FROM]:
        row[r, job + t.J_FROM], row[r, job + t.J_WHY] = room, t.W_SPACE
        row[r, job + t.J_WHO] = st[ring + t.RING_WHO]
