"""The fetcher of the released design: from rows to beats of addresses, and from data to lines of a buffer (numba).

A beat has one address for each port. All ports take their address of a beat together and give their data back together,
so that the slowest one holds the others up.
"""

import numba
import numpy as np

from tokensieve.sim.kernels import dram
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels import released_fifo as fifo
from tokensieve.sim.kernels import released_state as s
from tokensieve.sim.kernels.released_buffer import deliver


@numba.njit(cache=True)
def new_request(m, value, bits, fused, base):
    """Return the place of a new request for rows of `bits` bits, of `fused` heads each, from `base` on."""
    n = value * s.REQUEST_RING + m[s.REQUESTS_MADE + value] % s.REQUEST_RING
    m[s.REQUESTS_MADE + value] += 1
    t = m[s.O_REQUEST] + n * (s.T_INDEX + m[s.GROUPS])
    m[t + s.T_BYTES] = 8 * bits * fused  # of a row: 64 elements
    m[t + s.T_PIECES] = bits * fused // 4  # of 32 bytes
    m[t + s.T_ELEMENTS] = bits * m[s.LANES] * s.FUSED // (4 * m[s.ELEMENT_PORTS])  # of two lines
    m[t + s.T_BASE], m[t + s.T_VALUE] = base, value
    return t


@numba.njit(cache=True)
def lines_out(m):
    """Hand converted lines to the buffers, and move on what the realigner put out."""
    line = m[s.CONVERTED]
    if line >= 0 and deliver(m, m[s.O_VALUES] if line >> 1 else m[s.O_KEYS], line & 1):
        m[s.CONVERTED] = -1
    if m[s.CONVERTED] < 0:
        m[s.CONVERTED], m[s.REALIGNED] = m[s.REALIGNED], -1


@numba.njit(cache=True)
def realign(m):
    """Take two lines out of the realigner, and a beat of data in. An element is final + 2 x padding."""
    held, done = m[s.IN_REALIGN], np.int64(0)
    context = fifo.head(m, m[s.F_CONTEXT])
    if held > 0 and context >= 0 and held >= context >> 1:
        n, e = context >> 1, m[s.O_ELEMENT]
        padding = m[e + m[s.REALIGN_HEAD]] & 2 != 0
        if padding or m[s.REALIGNED] < 0:
            if not padding:
                done = np.int64(m[e + (m[s.REALIGN_HEAD] + n - 1) % m[s.ELEMENTS]] != 0)
                m[s.REALIGNED] = (context & 1) << 1 | done
            m[s.IN_REALIGN] -= n
            m[s.REALIGN_HEAD] = (m[s.REALIGN_HEAD] + n) % m[s.ELEMENTS]
    fifo.step(m, m[s.F_CONTEXT], done)
    if m[s.RESULT] >= 0 and held + m[s.PUSHED_ELEMENTS] <= m[s.ELEMENTS]:
        _push_elements(m, m[s.O_BEAT] + m[s.RESULT] * s.N_BEAT)
        m[s.RESULT] = -1


@numba.njit(cache=True)
def _push_elements(m, beat):
    """Cut a beat of data into elements.

    The last of a fetch is the one before the first padding. Where the padding is a beat of its own, none is, and the
    release waits for ever.
    """
    for i in range(m[s.PUSHED_ELEMENTS]):
        padding = i * m[s.ELEMENT_PORTS] >= m[beat + s.E_COUNT]
        beyond = (i + 1) * m[s.ELEMENT_PORTS] >= m[beat + s.E_COUNT]
        final = not padding and (m[beat + s.E_FINAL] if i == m[s.PUSHED_ELEMENTS] - 1 else beyond)
        m[m[s.O_ELEMENT] + m[s.REALIGN_TAIL]] = 2 * padding + final
        m[s.REALIGN_TAIL] = (m[s.REALIGN_TAIL] + 1) % m[s.ELEMENTS]
    m[s.IN_REALIGN] += m[s.PUSHED_ELEMENTS]


@numba.njit(cache=True)
def split(m, d):
    """Cut requests into beats, and let keys and values take turns, a whole head each."""
    if m[s.SPLIT_2] >= 0 and _all_have_room(m):
        _push_beat(m, d, m[s.SPLIT_2], m[s.SPLIT_2_PIECE])
        m[s.SPLIT_2] = -1
    if m[s.SPLIT_2] < 0:
        m[s.SPLIT_2], m[s.SPLIT_2_PIECE], m[s.SPLIT_1] = m[s.SPLIT_1], m[s.SPLIT_1_PIECE], -1
    chosen = m[s.FETCH_LOCK]
    if chosen < 0:
        chosen = 1 - m[s.FETCH_LAST]
        if _waiting(m, chosen) < 0:
            chosen = 1 - chosen
    t = _waiting(m, chosen)
    if t < 0:
        return
    m[s.FETCH_LAST] = m[s.FETCH_LOCK] = chosen
    if m[s.SPLIT_1] >= 0:
        return
    m[s.SPLIT_1], m[s.SPLIT_1_PIECE] = t, m[s.PIECE]
    m[s.PIECE] += 1
    if m[s.PIECE] == m[t + s.T_PIECES]:
        m[s.PIECE] = 0
        m[s.VALUE_FETCH if chosen else s.KEY_FETCH] = -1
        if m[t + s.T_FINAL]:
            m[s.FETCH_LOCK] = -1


@numba.njit(cache=True)
def _waiting(m, value):
    return m[s.VALUE_FETCH] if value else m[s.KEY_FETCH]


@numba.njit(cache=True)
def _all_have_room(m):
    if fifo.room(m, m[s.F_CONTEXT]) == 0:
        return False
    for o in range(m[s.O_PORT], m[s.O_PORT] + m[s.PORTS] * s.N_PORT, s.N_PORT):
        if m[s.PUSHED] - m[o + s.A_R] + m[o + s.A_TAKEN] >= m[s.ADDRESSES]:
            return False
    return True


@numba.njit(cache=True)
def _push_beat(m, d, t, piece):
    """Give each port its address of beat `piece` of request `t`; ports beyond its last row get none."""
    ports, pieces, lanes = m[s.PORTS], m[t + s.T_PIECES], m[s.LANES]
    n = m[s.PUSHED] & m[s.BEAT_MASK]
    beat, a = m[s.O_BEAT] + n * s.N_BEAT, m[s.O_ADDRESS] + n * ports * s.N_ADDRESS
    first = piece * ports
    m[beat + s.E_COUNT] = min(max(m[t + s.T_ROWS] * pieces - first, 0), ports)
    m[beat + s.E_FINAL] = m[t + s.T_FINAL] and piece == pieces - 1
    for k in range(first, first + m[beat + s.E_COUNT]):
        row = k // pieces
        index = m[m[s.O_INDEX] + m[t + s.T_INDEX + row // lanes] + row % lanes]
        address = (m[t + s.T_BASE] + index * m[t + s.T_BYTES] + 32 * (k % pieces)) & 0xFFFFFFFF
        ch, pc, bank, dram_row = dram.decoded(d, address)
        m[a + s.X_CHANNEL], m[a + s.X_BANK], m[a + s.X_ROW] = ch, pc * d[ds.BANKS] + bank, dram_row
        m[a + s.X_BYTE] = address
        a += s.N_ADDRESS
    m[s.READS] += m[beat + s.E_COUNT]
    m[s.PUSHED] += 1
    if m[s.FIRST_BEAT]:
        fifo.push(m, m[s.F_CONTEXT], m[t + s.T_ELEMENTS] << 1 | m[t + s.T_VALUE])
    m[s.FIRST_BEAT] = m[beat + s.E_FINAL]
