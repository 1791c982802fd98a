"""The key side of the released design: test bench, admission, Q x K, decision on a second pass, order of heads (numba).

In a cycle each function takes from the registers in front of it what there is room for; they are called from the last
one to the first, so that a register that is emptied in a cycle can be filled in it.
"""

import numba
import numpy as np

from tokensieve.sim.kernels import released_buffer as buffer
from tokensieve.sim.kernels import released_fetch as fetch
from tokensieve.sim.kernels import released_fifo as fifo
from tokensieve.sim.kernels import released_state as s

SHIFT = 40
"""In the FIFO of heads that wait, bits of a line below the number of second passes that come before it."""


@numba.njit(cache=True)
def row_of(m, head):
    """Return where the row of a head of the key side begins."""
    return m[s.O_ROW] + (head >> 1) * s.N_ROW


@numba.njit(cache=True)
def lines_of(m, vectors):
    """Return the buffer lines of so many vectors, an even number."""
    lines = (vectors + m[s.LANES] - 1) // m[s.LANES]
    return (lines + s.FUSED - 1) // s.FUSED * s.FUSED


@numba.njit(cache=True)
def fused(bits):
    """Return how many heads share a fetch: those of 6 bits are stored in pairs."""
    return s.FUSED if bits == 6 else 1


@numba.njit(cache=True)
def reload(m):
    """Move lines on from the order of heads to top-k; on the way batches are formed anew, as the values are fused."""
    if m[s.RELOAD_2] < 0:
        m[s.RELOAD_2], m[s.RELOAD_1] = m[s.RELOAD_1], -1
    if m[s.RELOAD_1] < 0:
        m[s.RELOAD_1], m[s.REBATCHED] = m[s.REBATCHED], -1
    line = m[s.BUFFERED]
    if m[s.REBATCHED] >= 0 or line < 0:
        return
    row = row_of(m, line >> 2)
    heads = fused(m[row + s.VALUE_BITS])
    if heads == 1 and fused(m[row + s.KEY_BITS]) == 1:
        m[row + s.V_PART], m[row + s.V_LAST] = m[row + s.PART], m[row + s.LAST]
    else:
        m[row + s.V_PART], m[row + s.V_LAST] = m[s.PART_NEXT], m[s.PART_NEXT] == heads - 1
    if line & s.FINAL:
        m[s.PART_NEXT] = 0 if m[s.PART_NEXT] >= heads - 1 else m[s.PART_NEXT] + 1
    m[s.REBATCHED], m[s.BUFFERED] = line >> 3 << 2 | line & 3, -1


@numba.njit(cache=True)
def keep_order(m):
    """Let a head pass once the second passes of heads before it have; drop the first pass of those that need one."""
    line, waiting = m[s.DECIDED], fifo.head(m, m[s.F_HELD])
    if line >= 0 and m[s.PASSED_ON]:
        line = -1
    held = -1 if waiting < 0 or waiting >> SHIFT > m[s.SECONDS_DONE] else waiting & ((1 << SHIFT) - 1)
    second = line if line >= 0 and line >> 2 & 1 else -1
    chosen = m[s.HELD_LOCK]
    if chosen < 0:
        chosen = 0 if held >= 0 else 1
    passing, took = second if chosen else held, False
    if passing >= 0:
        m[s.HELD_LOCK], took = chosen, m[s.BUFFERED] < 0
        if took:
            m[s.BUFFERED] = passing
            if passing & s.FINAL:
                m[s.HELD_LOCK] = -1
                m[s.SECONDS_DONE] = m[s.SECONDS_DONE] + 1 if passing >> 2 & 1 else 0
    fifo.step(m, m[s.F_HELD], took and chosen == 0)
    if line >= 0:
        m[s.PASSED_ON] = took and chosen == 1 if second >= 0 else _put_aside(m, line)


@numba.njit(cache=True)
def _put_aside(m, line):
    """Drop a line of a first pass, or let it wait for the second passes before it; returns whether it went."""
    due = m[s.SECONDS_DUE]
    if m[row_of(m, line >> 2) + s.SECOND_PASS]:
        m[s.SECONDS_DUE] += line & s.FINAL
        return True
    if fifo.room(m, m[s.F_HELD]) == 0:
        return False
    fifo.push(m, m[s.F_HELD], due << SHIFT | line)
    if line & s.FINAL:
        m[s.SECONDS_DUE] = 0
    return True


@numba.njit(cache=True)
def report(m, now):
    """At the first decided line of a head, give its keys back or send it round again."""
    line, took = m[s.DECIDED], np.int64(0)
    if line >= 0 and not m[s.REPORTED]:
        head = fifo.head(m, m[s.F_HEADS])
        if line & s.FIRST == 0:
            m[s.REPORTED] = 1
        elif head >= 0:
            again = m[row_of(m, line >> 2) + s.SECOND_PASS] and line >> 2 & 1 == 0
            took = np.int64(not again or m[s.SECOND_SKID] < 0)
            m[s.REPORTED] = took
            if again and took:
                m[s.SECOND_NEW] = head | 1
            elif took and m[row_of(m, head) + s.LAST]:
                buffer.release(m, m[s.O_KEY_LINES], m[row_of(m, head) + s.HANDLE], now + 1)
    fifo.step(m, m[s.F_HEADS], took)
    if m[s.REPORTED] and m[s.PASSED_ON]:
        m[s.DECIDED] = -1
        m[s.REPORTED] = m[s.PASSED_ON] = 0


@numba.njit(cache=True)
def decide(m):
    """Hold the scores of a head back until their maximum is known."""
    line, took = fifo.head(m, m[s.F_SCORES]), 0
    if line >= 0 and m[s.MAXIMUM] and m[s.DECIDED] < 0:
        m[s.DECIDED], took = line, 1
        if line & s.FINAL:
            m[s.MAXIMUM] = 0
    fifo.step(m, m[s.F_SCORES], took)


@numba.njit(cache=True)
def multiply_keys(m):
    """Q x K: broadcast, multiplier and adder tree, then the tree of maxima; a tree stalls as a whole."""
    if m[s.IN_TREES] > 0:
        free = _into_scores(m)
        free = _shift(m, m[s.O_MAXIMUM], m[s.MAXIMUM_TREE], m[s.O_PRODUCT] + m[s.PRODUCT_TREE] - 1, free)
        _shift(m, m[s.O_PRODUCT], m[s.PRODUCT_TREE], s.PRODUCT, free)
    b, head = m[s.O_KEYS], m[s.DISPATCHED]
    if m[s.PRODUCT] >= 0 or m[b + s.READ] < 0 or head < 0 or m[s.LINK + s.LINK_MULTIPLIER]:
        return
    final = m[b + s.READ]
    m[s.PRODUCT], m[b + s.READ] = head << 2 | (0 if m[s.MID_HEAD] else s.FIRST) | final, -1
    m[s.IN_TREES] += 1
    m[s.MID_HEAD], m[s.LINK + s.LINK_MULTIPLIER] = 1 - final, final


@numba.njit(cache=True)
def _into_scores(m):
    """Put what leaves the last tree into the score FIFO; returns whether the tree may move."""
    end = m[s.O_MAXIMUM] + m[s.MAXIMUM_TREE] if m[s.MAXIMUM_TREE] else m[s.O_PRODUCT] + m[s.PRODUCT_TREE]
    line = m[end - 1]
    if line < 0:
        return True
    if fifo.room(m, m[s.F_SCORES]) == 0 or (line & s.FINAL and m[s.MAXIMUM]):
        return False
    fifo.push(m, m[s.F_SCORES], line)
    m[end - 1] = -1
    m[s.IN_TREES] -= 1
    if line & s.FINAL:
        m[s.MAXIMUM] = 1
    return True


@numba.njit(cache=True)
def _shift(m, tree, depth, source, free):
    """Move a tree of `depth` registers on by one if its end is free; returns whether the register in front may move."""
    if depth == 0:
        return free
    if free or m[tree + depth - 1] < 0:
        for i in range(depth - 1, 0, -1):
            m[tree + i] = m[tree + i - 1]
        m[tree], m[source] = m[source], -1
    return m[source] < 0


@numba.njit(cache=True)
def fetch_keys(m):
    """Read a line of row indices a cycle and ask the fetcher for the rows."""
    if m[s.KEY_FETCH] < 0:
        m[s.KEY_FETCH], m[s.KEY_REQUEST] = m[s.KEY_REQUEST], -1
    head = m[s.DISPATCHED]
    row, again = row_of(m, head), head & 1
    if head < 0 or m[s.LINK + s.LINK_FETCHER] or m[s.KEY_REQUEST] >= 0 or (m[row + s.PART] and not again):
        return
    bits, base = (m[s.LSB_BITS], m[row + s.LSB_BASE]) if again else (m[row + s.KEY_BITS], m[row + s.KEY_BASE])
    t = fetch.new_request(m, 0, bits, 1 if again else fused(bits), base)
    line, ports = m[s.KEY_LINE], m[s.PORTS]
    for g in range(m[s.GROUPS]):
        m[t + s.T_INDEX + g] = line * ports + g * m[s.LANES]
    final = (line + 1) * ports >= m[row + s.KEYS]
    m[t + s.T_FINAL], m[t + s.T_ROWS] = final, min(ports, m[row + s.KEYS] - line * ports)
    m[s.KEY_REQUEST] = t
    m[s.KEY_LINE] = 0 if final else line + 1
    m[s.LINK + s.LINK_FETCHER] = final


@numba.njit(cache=True)
def dispatch(m):
    """Tell writer and reader of the key buffer about a head, which leaves once fetcher and multiplier are done."""
    head = m[s.DISPATCHED]
    if head < 0:
        return
    again, row, b = head & 1, row_of(m, head), m[s.O_KEYS]
    lines, tag, heads = lines_of(m, m[row + s.KEYS]), 2 * m[row + s.BATCH] + again, fused(m[row + s.KEY_BITS])
    start = m[row + s.START] + (lines * m[row + s.PART] if heads > 1 else 0)
    if m[row + s.PART] and not again:  # fetched and written with the first head of the batch
        m[s.LINK + s.LINK_WRITER] = m[s.LINK + s.LINK_FETCHER] = 1
    elif m[s.LINK + s.LINK_WRITER] == 0:
        m[s.LINK + s.LINK_WRITER] = buffer.prepare_write(m, b, s.WRITER_LINK, start, lines, tag, 1 if again else heads)
    if m[s.LINK + s.LINK_READER] == 0:
        m[s.LINK + s.LINK_READER] = buffer.prepare_read(m, b, start, lines, tag)
    if all_have(m, s.LINK):
        m[s.DISPATCHED] = -1


@numba.njit(cache=True)
def all_have(m, link):
    """Return whether writer, fetcher, reader and multiplier have taken what they are offered, and if so, forget it."""
    for k in range(link, link + s.N_LINK):
        if m[k] == 0:
            return False
    m[link : link + s.N_LINK] = 0
    return True


@numba.njit(cache=True)
def admit(m):
    """Let heads in: those that go round again first, new ones while less than half the places are taken."""
    places = fifo.room(m, m[s.F_HEADS])
    new = m[s.ACCEPTED] if 2 * places >= m[m[s.F_HEADS] + s.F_DEPTH] else -1
    chosen = m[s.ADMIT_LOCK]
    if chosen < 0:
        chosen = 0 if m[s.SECOND] >= 0 else 1
    head = new if chosen else m[s.SECOND]
    if head >= 0:
        m[s.ADMIT_LOCK] = chosen
        if m[s.TO_HEADS] == 0 and places > 0:
            fifo.push(m, m[s.F_HEADS], head)
            m[s.TO_HEADS] = 1
        if m[s.TO_DISPATCH] == 0 and m[s.DISPATCHED] < 0:
            m[s.DISPATCHED], m[s.TO_DISPATCH] = head, 1
        if m[s.TO_HEADS] and m[s.TO_DISPATCH]:
            m[s.TO_HEADS] = m[s.TO_DISPATCH] = 0
            m[s.ADMIT_LOCK] = m[s.ACCEPTED if chosen else s.SECOND] = -1
    _go_round(m)


@numba.njit(cache=True)
def _go_round(m):
    """Move heads that need a second pass back to the entrance: a register, and a place beside it."""
    if m[s.SECOND] < 0 and m[s.SECOND_SKID] >= 0:
        m[s.SECOND], m[s.SECOND_SKID] = m[s.SECOND_SKID], -1
    elif m[s.SECOND_NEW] >= 0:
        m[s.SECOND if m[s.SECOND] < 0 else s.SECOND_SKID] = m[s.SECOND_NEW]
    m[s.SECOND_NEW] = -1


@numba.njit(cache=True)
def accept(m, now):
    """Take the next row of the request list, once the key buffer has room for its batch."""
    row, o = m[s.O_ROW] + m[s.NEXT_ROW] * s.N_ROW, m[s.O_KEY_LINES]
    if m[s.NEXT_ROW] == m[s.ROWS] or m[s.ACCEPTED] >= 0 or now < m[s.MANAGER_READY]:
        return
    first = m[s.NEXT_ROW] == 0 or m[row - s.N_ROW + s.LAST] == 1
    lines = lines_of(m, m[row + s.KEYS]) * fused(m[row + s.KEY_BITS]) if first else 0
    start, handle = m[o + s.L_LINE], m[o + s.L_NEXT]
    if not buffer.allocate(m, o, lines):
        return
    if first:
        m[s.KEY_START], m[s.KEY_HANDLE] = start, handle
    m[row + s.START], m[row + s.HANDLE], m[row + s.BATCH] = m[s.KEY_START], m[s.KEY_HANDLE], m[s.KEY_BATCH]
    m[row + s.PART], m[row + s.ACCEPT], m[s.PROGRESS] = not first, now, now
    m[s.KEY_BATCH] += m[row + s.LAST]
    m[s.ACCEPTED] = 2 * m[s.NEXT_ROW]
    m[s.NEXT_ROW] += 1
