"""Blocks of queries whose K and V fill an SRAM: nothing is loaded while a block is used, or its loads are late (numba).

A few blocks are sent through the stages of `pipeline`, query by query, all alike. DRAM is a fluid that K and V share:
each stream has a rate while it is alone and one while both are served.
"""

import numba
import numpy as np

from tokensieve.sim.kernels.columns import Columns

FIGURES = (
    "queries", "key_room", "value_room", "key", "value", "key_beside", "value_beside", "key_latency", "value_latency",
    "key_lines", "verdict", "enter", "search", "turnaround", "qk", "pass_qk", "to_exp", "exp", "to_div", "div",
    "to_topk", "decides", "held", "waiting", "pv", "to_pv", "queued", "rows", "engaged",
)  # fmt: skip
"""What `play` takes of every machine: queries of a block; blocks that the SRAMs hold; cycles of DRAM for K and V of a
block, alone and while both are served; cycles from the end of that to the last data; lines of K; cycles from Q x K to a
verdict; what `searches.FIGURES` names; how many blocks there are; and which share of the queries is not passed by."""
_columns = Columns()
(
    QUERIES, KEY_ROOM, VALUE_ROOM, KEY, VALUE, KEY_BESIDE, VALUE_BESIDE, KEY_LATENCY, VALUE_LATENCY, KEY_LINES, VERDICT,
    ENTER, SEARCH, TURN, QK, PASS, TO_EXP, EXP, TO_DIV, DIV, TO_TOPK, DECIDES, HELD, WAITING, PV, TO_PV, QUEUED, ROWS,
    ENGAGED,
) = _columns.block(len(FIGURES))  # fmt: skip

MOST = 48
"""Blocks that are sent: several times those that the SRAMs of a usual machine hold."""
FAR = 1e300

Q_QK, Q_EXP, Q_DIV, Q_AT, Q_DRAIN, Q_PV = range(6)
B_KEY, B_KEY_FREE, B_VALUE, B_VALUE_FREE, B_FIRST = range(5)
QK_DONE, EXP_DONE, TOPK_DONE, PV_DONE = range(4)


@numba.njit(cache=True, error_model="numpy")
def play(figures, which, out):
    """Write into `out` (M,) the cycles between blocks where `which` says so; `figures` has shape (FIGURES, M).

    Machines that lie beside each other and agree are played once.
    """
    before = -1
    for i in range(len(which)):
        if not which[i]:
            continue
        f = figures[:, i]
        if before < 0 or (f != figures[:, before]).any():
            out[i] = _one(f)
        else:
            out[i] = out[before]
        before = i


@numba.njit(cache=True, error_model="numpy")
def _one(f):
    """Return the cycles between blocks of one machine, past those with which the buffers fill up."""
    blocks = int(min(f[ROWS], MOST))
    block = np.zeros((blocks + 1, 5))
    for b in range(blocks + 1):
        block[b, B_FIRST] = np.floor(b * f[QUERIES])
    block[:, :B_FIRST] = FAR
    query = np.zeros((int(block[blocks, B_FIRST]), 6))
    at = np.zeros(4, np.int64)  # queries that are through each stage
    place = np.zeros(4, np.int64)  # the blocks these belong to
    now, left_key, left_value, began_key, began_value = 0.0, 1.0, 1.0, FAR, FAR
    k = v = 0
    while v < blocks or at[PV_DONE] < len(query):
        _pump(f, block, query, at, place)
        from_key = from_value = FAR
        if k < blocks:
            room = k - int(f[KEY_ROOM])
            from_key = max(now, block[room, B_KEY_FREE]) if room >= 0 else now
        if v < blocks:
            room = v - int(f[VALUE_ROOM])
            from_value = max(now, block[room, B_VALUE_FREE]) if room >= 0 else now
        if min(from_key, from_value) >= FAR:
            break
        now = max(now, min(from_key, from_value))
        both = from_key <= now and from_value <= now
        until = max(from_key, from_value) if max(from_key, from_value) > now else FAR
        pace_key = f[KEY_BESIDE] if both else f[KEY]
        pace_value = f[VALUE_BESIDE] if both else f[VALUE]
        if from_key <= now:
            began_key = min(began_key, now)
            until = min(until, now + left_key * pace_key)
        if from_value <= now:
            began_value = min(began_value, now)
            until = min(until, now + left_value * pace_value)
        if from_key <= now:
            left_key -= (until - now) / max(pace_key, 1e-9)
        if from_value <= now:
            left_value -= (until - now) / max(pace_value, 1e-9)
        now = until
        if left_key <= 1e-9:
            took, lines = now - began_key, max(f[KEY_LINES], 1.0)
            block[k, B_KEY] = max(now - (lines - 1), began_key + took / lines) + f[KEY_LATENCY]
            k, left_key, began_key = k + 1, 1.0, FAR
        if left_value <= 1e-9:
            block[v, B_VALUE] = now + f[VALUE_LATENCY]
            v, left_value, began_value = v + 1, 1.0, FAR
    first = blocks // 2
    return (block[blocks - 1, B_VALUE_FREE] - block[first - 1, B_VALUE_FREE]) / (blocks - first)


@numba.njit(cache=True, error_model="numpy")
def _pump(f, block, query, at, place):
    """Take queries through the stages as far as the arrival of their K and V is known."""
    held, queued = int(min(f[HELD], 1e6)), int(min(f[QUEUED], 1e6))
    waiting, decides = int(min(f[WAITING], 1e6)), f[DECIDES] > 0
    total, moved = len(query), True
    while moved:
        moved = False
        q = at[QK_DONE]
        if q < total:
            b = _block(block, place, QK_DONE, q)
            if block[b, B_KEY] < FAR and q - held < at[EXP_DONE] and not (decides and q - waiting >= at[TOPK_DONE]):
                begin = max(block[b, B_KEY], query[q - 1, Q_QK] + f[QK] if q else 0.0)
                if q >= held:
                    begin = max(begin, query[q - held, Q_EXP])
                if decides and q >= waiting:
                    begin = max(begin, query[q - waiting, Q_AT])
                query[q, Q_QK] = begin
                if q + 1 == block[b + 1, B_FIRST]:
                    block[b, B_KEY_FREE] = begin + f[QK] + f[VERDICT]
                at[QK_DONE], moved = q + 1, True
        q = at[EXP_DONE]
        if q < at[QK_DONE] and q - held < at[TOPK_DONE]:
            begin = max(query[q, Q_QK] + f[PASS] + f[TO_EXP], query[q - 1, Q_EXP] + f[EXP] if q else 0.0)
            if q >= held:
                begin = max(begin, query[q - held, Q_DIV])
            query[q, Q_EXP] = begin
            at[EXP_DONE], moved = q + 1, True
        q = at[TOPK_DONE]
        if q < at[EXP_DONE] and q - queued < at[PV_DONE]:
            begin = max(query[q, Q_EXP] + f[TO_DIV], query[q - 1, Q_DIV] + f[DIV] if q else 0.0)
            free = query[q - 1, Q_DRAIN] + f[TURN] if q else 0.0
            now = max(begin + f[TO_TOPK], free)
            if f[ENGAGED] == 0 and q >= queued:
                now = max(now, query[q - queued, Q_PV])
            query[q, Q_DIV] = begin if decides else now - f[TO_TOPK]
            query[q, Q_AT] = now
            drain = now + f[ENTER] + f[SEARCH]
            if q >= queued:
                drain = max(drain, query[q - queued, Q_PV])
            query[q, Q_DRAIN] = drain
            at[TOPK_DONE], moved = q + 1, True
        q = at[PV_DONE]
        if q < at[TOPK_DONE]:
            b = _block(block, place, PV_DONE, q)
            if block[b, B_VALUE] < FAR:
                begin = max(query[q, Q_DRAIN] + f[TO_PV], query[q - 1, Q_PV] + f[PV] if q else 0.0)
                query[q, Q_PV] = max(begin, block[b, B_VALUE])
                if q + 1 == block[b + 1, B_FIRST]:
                    block[b, B_VALUE_FREE] = query[q, Q_PV] + f[PV]
                at[PV_DONE], moved = q + 1, True


@numba.njit(cache=True, error_model="numpy")
def _block(block, place, stage, q):
    """Return the block that query `q` belongs to."""
    while q >= block[place[stage] + 1, B_FIRST]:
        place[stage] += 1
    return place[stage]
