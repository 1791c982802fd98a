"""The value side of the released design: dummy top-k and its bypass, fetch of the kept rows, Prob x V (numba).

As on the key side, the functions are called from the last one to the first.
"""

import numba
import numpy as np

from tokensieve.sim.kernels import released_buffer as buffer
from tokensieve.sim.kernels import released_fetch as fetch
from tokensieve.sim.kernels import released_fifo as fifo
from tokensieve.sim.kernels import released_state as s
from tokensieve.sim.kernels.released_score import all_have, fused, lines_of


@numba.njit(cache=True)
def multiply_values(m, now):
    """Prob x V: kept scores meet their values; the last line of a head brings its response some registers later."""
    b, line, met = m[s.O_VALUES], fifo.head(m, m[s.F_WEIGHTS]), 0
    if line >= 0 and m[b + s.READ] >= 0:
        m[b + s.READ], m[s.PROGRESS], met = -1, now, 1
        if line & s.FINAL:
            row = m[s.O_ROW] + (line >> 2) * s.N_ROW
            m[row + s.RESPONSE] = now + m[s.VALUE_STAGES]
            m[s.DONE] += 1
            if m[row + s.V_LAST]:
                buffer.release(m, m[s.O_VALUE_LINES], m[row + s.V_HANDLE], m[row + s.RESPONSE])
    fifo.step(m, m[s.F_WEIGHTS], met)


@numba.njit(cache=True)
def fetch_values(m):
    """Hand the fetcher the rows of a group of kept lines once it is full."""
    if m[s.GATHER_FULL] and m[s.VALUE_FETCH] < 0:
        m[s.VALUE_FETCH], m[s.GATHER_FULL] = m[s.GATHER_REQUEST], 0


@numba.njit(cache=True)
def distribute(m):
    """Hand a kept line to writer, fetcher, reader and multiplier, each as soon as it has room."""
    line = m[s.KEPT]
    if line < 0:
        return
    row, b, first = m[s.O_ROW] + (line >> 2) * s.N_ROW, m[s.O_VALUES], line & s.FIRST
    lines, tag, heads = lines_of(m, m[row + s.VALUES]), 2 * m[row + s.V_BATCH], fused(m[row + s.VALUE_BITS])
    start, shared = m[row + s.V_START], m[row + s.V_PART] > 0  # fetched and written with the first head of the batch
    if m[s.V_LINK + s.LINK_WRITER] == 0:
        known = shared or not first
        m[s.V_LINK + s.LINK_WRITER] = known or buffer.prepare_write(m, b, s.V_WRITER_LINK, start, lines, tag, heads)
    if m[s.V_LINK + s.LINK_FETCHER] == 0:
        m[s.V_LINK + s.LINK_FETCHER] = shared or _gather(m, line)
    if m[s.V_LINK + s.LINK_READER] == 0:
        start += lines * m[row + s.V_PART] if heads > 1 else 0
        m[s.V_LINK + s.LINK_READER] = not first or buffer.prepare_read(m, b, start, lines, tag)
    if m[s.V_LINK + s.LINK_MULTIPLIER] == 0 and fifo.room(m, m[s.F_WEIGHTS]) > 0:
        fifo.push(m, m[s.F_WEIGHTS], line)
        m[s.V_LINK + s.LINK_MULTIPLIER] = 1
    if all_have(m, s.V_LINK):
        m[s.KEPT] = -1


@numba.njit(cache=True)
def _gather(m, line):
    """Add a kept line to the group that is fetched next; returns whether it was taken.

    The release reads the indices of a group of lines in the cycle in which its counter already points at the next group
    of lanes: it fetches the rows of a full line of indices in another order, and not quite the first rows where a
    head's last line of indices is not full.
    """
    if m[s.GATHER_FULL]:
        return False
    row, groups, lanes = m[s.O_ROW] + (line >> 2) * s.N_ROW, m[s.GROUPS], m[s.LANES]
    n = 0 if line & s.FIRST else m[s.GATHER_LINE]
    if m[s.GATHERED] == 0:
        bits = m[row + s.VALUE_BITS]
        m[s.GATHER_REQUEST] = fetch.new_request(m, 1, bits, fused(bits), m[row + s.VALUE_BASE])
    t = m[s.GATHER_REQUEST]
    group = 0 if n == lines_of(m, m[row + s.KEYS]) - 1 else (n + 1) % groups
    m[t + s.T_INDEX + m[s.GATHERED]] = (n // groups * m[s.PORTS] + group * lanes) % m[s.INDEXES]
    m[s.GATHERED], m[s.GATHER_LINE] = m[s.GATHERED] + 1, n + 1
    if line & s.FINAL or m[s.GATHERED] == groups:
        kept = min(lanes, m[row + s.VALUES] - n * lanes)
        m[t + s.T_ROWS], m[t + s.T_FINAL] = (m[s.GATHERED] - 1) * lanes + kept, line & s.FINAL
        m[s.GATHER_FULL], m[s.GATHERED] = 1, 0
    return True


@numba.njit(cache=True)
def select(m, now):
    """Let through the kept lines of a head, from the dummy top-k or past it where all are kept."""
    kept, waits = _kept_line(m, now)
    line, trimmed = m[s.RELOAD_2], _trimmed(m)
    row = m[s.O_ROW] + (line >> 2) * s.N_ROW
    bypass = trimmed >= 0 and m[row + s.VALUES] >= m[row + s.KEYS]
    chosen = m[s.SELECT_LOCK]
    if chosen < 0:
        chosen = 0 if kept >= 0 else 1
    passing = kept
    if chosen:
        passing = trimmed if bypass and m[s.IN_SELECT] == 0 else np.int64(-1)
    went = False
    if passing >= 0:
        went = _allocate(m, passing)
        m[s.SELECT_LOCK] = -1 if went and passing & s.FINAL else chosen
    if went and chosen == 0:
        m[s.IN_SELECT] -= kept & s.FINAL
    _step_select(m, (went and chosen == 0) or (not waits and kept < 0))
    if line >= 0:
        _enter(m, line, trimmed, bypass, went and chosen == 1)


@numba.njit(cache=True)
def _kept_line(m, now):
    """Return the line that the dummy top-k puts out (-1: none), and whether it has none because it still counts.

    It lets a head wait for its latency, then puts out the first lines, and drops the rest one a cycle.
    """
    line = fifo.head(m, m[s.F_SELECT])
    row, seen = m[s.O_ROW] + (line >> 2) * s.N_ROW, m[s.SELECT_LINE] * m[s.LANES]
    if line < 0:
        return np.int64(-1), True
    if line & s.FIRST and m[s.WAITED] < m[row + s.LATENCY]:
        m[s.PROGRESS] = now
        return np.int64(-1), True
    if seen >= m[row + s.VALUES]:
        return np.int64(-1), False
    return line | (seen + m[s.LANES] >= m[row + s.VALUES]), False


@numba.njit(cache=True)
def _step_select(m, took):
    """Count the cycles for which a line waits, and the lines of its head."""
    line = fifo.head(m, m[s.F_SELECT])
    took = took and line >= 0
    m[s.WAITED] = 0 if took or line < 0 else m[s.WAITED] + 1
    if took:
        m[s.SELECT_LINE] = 0 if line & s.FINAL else m[s.SELECT_LINE] + 1
    fifo.step(m, m[s.F_SELECT], np.int64(took))


@numba.njit(cache=True)
def _trimmed(m):
    """Return the line in front of top-k, final where no key comes after it; -1 for padding or none."""
    line, seen = m[s.RELOAD_2], m[s.TRIMMED] * m[s.LANES]
    left = m[m[s.O_ROW] + (line >> 2) * s.N_ROW + s.KEYS] - seen
    if line < 0 or left <= 0:
        return np.int64(-1)
    return line | (left <= m[s.LANES])


@numba.njit(cache=True)
def _enter(m, line, trimmed, bypass, went):
    """Take a line out of the register in front of top-k: into it, past it, or away if it is padding."""
    if trimmed >= 0 and not went:
        if bypass or fifo.room(m, m[s.F_SELECT]) == 0:
            return
        fifo.push(m, m[s.F_SELECT], trimmed)
        m[s.IN_SELECT] += (line & s.FIRST) >> 1
    m[s.TRIMMED] = 0 if line & s.FINAL else m[s.TRIMMED] + 1
    m[s.RELOAD_2] = -1


@numba.njit(cache=True)
def _allocate(m, line):
    """Take a kept line, with its first one also lines for the values of its batch; returns whether there was room."""
    row, o = m[s.O_ROW] + (line >> 2) * s.N_ROW, m[s.O_VALUE_LINES]
    opens = line & s.FIRST and m[row + s.V_PART] == 0
    lines = lines_of(m, m[row + s.VALUES]) * fused(m[row + s.VALUE_BITS]) if opens else 0
    start, handle = m[o + s.L_LINE], m[o + s.L_NEXT]
    if m[s.KEPT] >= 0 or not buffer.allocate(m, o, lines):
        return False
    if opens:
        m[s.VALUE_START], m[s.VALUE_HANDLE] = start, handle
    if line & s.FIRST:
        m[row + s.V_START], m[row + s.V_HANDLE] = m[s.VALUE_START], m[s.VALUE_HANDLE]
        m[row + s.V_BATCH] = m[s.VALUE_BATCH]
    if line & s.FINAL:
        m[s.VALUE_BATCH] += m[row + s.V_LAST]
    m[s.KEPT] = line
    return True
