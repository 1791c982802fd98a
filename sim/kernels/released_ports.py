"""Ports of the fetcher, the crossbars between them and the channels, and the channels (numba).

The answers of a channel go to the ports in the order in which these asked, whatever order the DRAM answers in, as the
release keeps the ids of its requests in a FIFO: only the number of answers counts.
"""

import numba
import numpy as np

from tokensieve.sim.kernels import dram_clock
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels import released_state as s


@numba.njit(cache=True)
def exchange(m, d, now):
    """Do one cycle of all ports and channels."""
    if m[s.PUSHED] != m[s.POPPED]:
        popped = _pop_results(m, now)
        _route_answers(m)
        for port in range(m[s.PORTS]):
            _receive(m, port, popped)
            _ask(m, d, port, now)
            _next_address(m, port)
        m[s.POPPED] += popped
    for ch in range(m[s.CHANNELS]):
        _channel(m, d, ch, now)


@numba.njit(cache=True)
def _pop_results(m, now):
    """Take the data of a beat once all ports have theirs; returns 1 where it was."""
    if m[s.RESULT] >= 0:
        return np.int64(0)
    for o in range(m[s.O_PORT], m[s.O_PORT] + m[s.PORTS] * s.N_PORT, s.N_PORT):
        if m[o + s.D_VALID] == 0:
            return np.int64(0)
    m[s.RESULT] = m[s.POPPED] & m[s.BEAT_MASK]
    m[s.PROGRESS] = now
    return np.int64(1)


@numba.njit(cache=True)
def _route_answers(m):
    """Find for each port the channel that answers it: the lowest one, unless one has been waiting."""
    for o in range(m[s.O_PORT], m[s.O_PORT] + m[s.PORTS] * s.N_PORT, s.N_PORT):
        m[o + s.D_FROM] = -1
    for ch in range(m[s.CHANNELS]):
        c = m[s.O_CHANNEL] + ch * s.N_CHANNEL
        if m[c + s.C_RESPONSE]:
            port = m[m[s.O_ID] + ch * (m[s.ID_MASK] + 1) + (m[c + s.C_ID_R] & m[s.ID_MASK])]
            o = m[s.O_PORT] + port * s.N_PORT
            if m[o + s.D_LOCK] == ch or (m[o + s.D_LOCK] < 0 and m[o + s.D_FROM] < 0):
                m[o + s.D_FROM] = ch


@numba.njit(cache=True)
def _receive(m, port, popped):
    """Let the data of the oldest request in flight, or its padding, into the response FIFO."""
    o = m[s.O_PORT] + port * s.N_PORT
    room = m[o + s.D_W] - m[s.POPPED] < m[s.RESPONSES]
    full = m[o + s.D_VALID]
    refill = m[o + s.D_W] != m[s.POPPED] + full and (full == 0 or popped == 1)
    m[o + s.D_VALID] = 1 if refill else full - popped
    came, ch = 0, m[o + s.D_FROM]
    if m[o + s.Q_VALID] and room:
        if port >= m[m[s.O_BEAT] + (m[o + s.Q_R] & m[s.BEAT_MASK]) * s.N_BEAT + s.E_COUNT]:
            came = 1
        elif ch >= 0:
            c = m[s.O_CHANNEL] + ch * s.N_CHANNEL
            m[c + s.C_TAKEN] = came = 1
            m[c + s.C_ID_R] += 1
            ch = -1
    m[o + s.D_LOCK] = ch
    m[o + s.D_W] += came
    _fly(m, o, came)


@numba.njit(cache=True)
def _fly(m, o, came):
    """Move the FIFO of requests in flight: `came` (0 or 1) left it, and the next request enters."""
    room = m[o + s.Q_W] - m[o + s.Q_R] < m[s.FLIGHT]
    full = m[o + s.Q_VALID]
    refill = m[o + s.Q_W] != m[o + s.Q_R] + full and (full == 0 or came == 1)
    m[o + s.Q_VALID] = 1 if refill else full - came
    m[o + s.Q_R] += came
    if m[o + s.A_NEXT] >= 0 and room:
        m[o + s.Q_W] += 1
        m[o + s.A_NEXT] = -1


@numba.njit(cache=True)
def _ask(m, d, port, now):
    """Offer a port's request to its channel, one of which it takes a cycle: the lowest, unless one has waited."""
    o = m[s.O_PORT] + port * s.N_PORT
    a = m[o + s.A_REQUEST]
    if a < 0:
        return
    ch = m[a + s.X_CHANNEL]
    c = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    if (m[c + s.C_LOCK] >= 0 and m[c + s.C_LOCK] != port) or m[c + s.C_LOCK] == s.FIRED:
        return
    if m[c + s.C_STALLED] >= 0:
        m[c + s.C_LOCK] = port
        return
    m[o + s.A_REQUEST], m[c + s.C_LOCK] = -1, s.FIRED
    m[m[s.O_ID] + ch * (m[s.ID_MASK] + 1) + (m[c + s.C_ID_W] & m[s.ID_MASK])] = port
    m[c + s.C_ID_W] += 1
    if not _sent(m, d, ch, a, now):
        m[c + s.C_STALLED] = a


@numba.njit(cache=True)
def _next_address(m, port):
    """Take an address out of the FIFO, once there is a place for the request and for its note among those in flight."""
    o = m[s.O_PORT] + port * s.N_PORT
    taken = 0
    if m[o + s.A_VALID] and m[o + s.A_NEXT] < 0:
        n = m[o + s.A_R] & m[s.BEAT_MASK]
        padding = port >= m[m[s.O_BEAT] + n * s.N_BEAT + s.E_COUNT]
        if padding or m[o + s.A_REQUEST] < 0:
            taken = 1
            m[o + s.A_NEXT] = n
            if not padding:
                m[o + s.A_REQUEST] = m[s.O_ADDRESS] + (n * m[s.PORTS] + port) * s.N_ADDRESS
    full = m[o + s.A_VALID]
    refill = m[s.PUSHED] != m[o + s.A_R] + full and (full == 0 or taken == 1)
    m[o + s.A_VALID] = 1 if refill else full - taken
    m[o + s.A_TAKEN] = taken
    m[o + s.A_R] += taken


@numba.njit(cache=True)
def _sent(m, d, ch, a, now):
    """Hand the request at address line `a` to the controller, if not too many are pending; returns whether it went."""
    c = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    if m[c + s.C_PENDING] == m[s.PENDING] or not dram_clock.accepts(d, ch, 0):
        return False
    m[c + s.C_PENDING] += 1
    d[d[ds.O_CHANNEL] + ch * ds.N_CHANNEL + ds.CLOCK] = now
    dram_clock.offer(d, ch, m[a + s.X_BANK], m[a + s.X_ROW], m[a + s.X_BYTE], ch, 0)
    return True


@numba.njit(cache=True)
def _channel(m, d, ch, now):
    """Do one clock of a channel: a request that was stalled goes, an answer comes, the DRAM steps."""
    c = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    if m[c + s.C_LOCK] == s.FIRED:
        m[c + s.C_LOCK] = -1
    elif m[c + s.C_STALLED] >= 0 and _sent(m, d, ch, m[c + s.C_STALLED], now):
        m[c + s.C_STALLED] = -1
    if m[c + s.C_RESPONSE] == 0 or m[c + s.C_TAKEN]:
        came = m[c + s.C_READY_R] < m[c + s.C_READY_W]
        came = came and m[m[s.O_READY] + ch * (m[s.ID_MASK] + 1) + (m[c + s.C_READY_R] & m[s.ID_MASK])] <= now
        m[c + s.C_RESPONSE] = came
        m[c + s.C_READY_R] += came
        m[c + s.C_PENDING] -= came
    m[c + s.C_TAKEN] = 0
    k = d[ds.O_CHANNEL] + ch * ds.N_CHANNEL
    if d[k + ds.NEXT] <= now:
        d[k + ds.CLOCK] = now
        reads = d[ds.READS] + d[ds.JOINED_READS]
        d[k + ds.NEXT] = dram_clock.step(d, ch)
        served = d[ds.READS] + d[ds.JOINED_READS] - reads
        for _ in range(served):  # slot `ch` is for ever incomplete: its end is that of the last read
            end = d[d[ds.O_SLOT] + ch * ds.N_SLOT + ds.END]
            m[m[s.O_READY] + ch * (m[s.ID_MASK] + 1) + (m[c + s.C_READY_W] & m[s.ID_MASK])] = end
            m[c + s.C_READY_W] += 1
