"""Channels that are stepped clock by clock: controllers `bank-queues` and `active-buffer` (numba).

Each clock, requests of the FIFO enter as far as there is room, a refresh that is due goes on, and the controller issues
a command, or a row and a column command where the bus allows. Clocks on which nothing can happen are left out.
"""

import numpy as np

from tokensieve.sim.kernels import dram_active as active
from tokensieve.sim.kernels import dram_bank as bank
from tokensieve.sim.kernels import dram_banked as banked
from tokensieve.sim.kernels import dram_join as join
from tokensieve.sim.kernels import dram_lists as lists
from tokensieve.sim.kernels import dram_rest as rest
from tokensieve.sim.kernels import dram_state as s
from tokensieve.sim.kernels.columns import NONE
from tokensieve.sim.kernels.dram_state import FAR
from tokensieve.sim.kernels.step import part


@part
def accepts(m, ch, write):
    """Return whether the controller of a channel has room for one more read or write."""
    return lists.count(m, ch, write) < m[s.WINDOW] and join.has_room(m)


@part
def offer(m, ch, b, row, address, slot, write):
    """Hand a request to the controller at the channel's next clock; it must have room. `b`: over pseudo-channels."""
    kc = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    t = m[kc + s.CLOCK]
    if not join.joins(m, ch, b, address, slot, write, t):
        lists.append(m, ch, write, t, b, row, address, slot, write)
        m[kc + s.IN_WINDOW] += 1
    m[kc + s.NEXT] = t


@part
def step(m, ch):
    """Do one clock of a channel; return the next clock at which something may happen if nobody offers a request."""
    kc = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    t = m[kc + s.CLOCK]
    moved = _from_fifo(m, ch, t)
    first, later = _refresh(m, ch, t)
    for _ in range(0 if first >= 0 and m[s.BUS] == s.SINGLE_BUS else 1 + (m[s.BUS] == s.CHANNEL_BUS and first < 0)):
        k, e, kind, other = _choose(m, ch, t)
        later = min(later, other)
        if k < 0 or (first >= 0 and (first == s.NEXT_COL) == (kind == s.NEXT_COL)):
            break
        _issue(m, ch, k, e, kind, t)
        first = kind
    if m[s.CONTROLLER] == s.BANK_QUEUES:
        moved |= banked.deal(m, ch)
    m[kc + s.CLOCK] = t + 1
    return t + 1 if moved or first >= 0 else max(t + 1, later)


@part
def _choose(m, ch, t):
    """Return list, request and kind of the command to issue at `t` (list -1: none), and when to look again."""
    if m[s.CONTROLLER] == s.BANK_QUEUES:
        return banked.choose(m, ch, t)
    return active.choose(m, ch, t)


@part
def _issue(m, ch, k, e, kind, t):
    """Issue the command that request `e` of list `k` needs."""
    kc = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    g, b = lists.where(m, ch, e)
    row, write = m[e + s.E_ROW], m[e + s.WRITE]
    if m[s.CONTROLLER] == s.ACTIVE_BUFFER and not m[e + s.CLASSED]:
        m[e + s.CLASSED] = 1
        m[s.HITS + kind] += 1  # hit, miss and conflict stand as column, activate and precharge do
    if kind == s.NEXT_COL:
        last = m[s.CLOSED] and _wanted(m, ch, k, m[e + s.BANK], row) == 1
        bank.record(m, t, g, (s.C_RDA if last else s.C_RD) + write, b, row)
        join.complete(m, e, bank.move_data(m, g, b, m[e + s.SLOT], write, t))
        if last:
            bank.close_after(m, g, b)
        lists.remove(m, ch, k, e)
        m[kc + s.IN_WINDOW] -= 1
    elif kind == s.NEXT_ACT:
        bank.record(m, t, g, s.C_ACT, b, row)
        bank.open_row(m, g, b, row, t)
        if m[s.ACT_CLOCKS] > 1:  # one row command a clock is seen to by `step`, which notices what it passes over
            m[kc + s.ROW_BUS] = t + m[s.ACT_CLOCKS]
        if m[s.CONTROLLER] == s.ACTIVE_BUFFER and lists.count(m, ch, s.L_ACTIVE) < m[s.WINDOW] and k != s.L_ACTIVE:
            lists.move(m, ch, k, e, s.L_ACTIVE)
    else:
        _close(m, ch, g, b, t)


@part
def _wanted(m, ch, k, b, row):
    """Return how many requests want a row: of the bank's queue, or of all buffers."""
    if m[s.CONTROLLER] == s.BANK_QUEUES:
        return lists.wanted_by(m, ch, k, b, row)
    n = lists.wanted_by(m, ch, s.L_READ, b, row) + lists.wanted_by(m, ch, s.L_WRITE, b, row)
    return n + lists.wanted_by(m, ch, s.L_ACTIVE, b, row)


@part
def _close(m, ch, g, b, t):
    bank.record(m, t, g, s.C_PRE, b, NONE)
    bank.close_row(m, g, b, t)


@part
def _refresh(m, ch, t):
    """Go on with refreshes that are due; return the kind of the command issued (-1: none), and when to look again."""
    later = FAR
    for g in range(ch * m[s.PC], (ch + 1) * m[s.PC] if m[s.REFRESH] else 0):
        kp = m[s.O_PSEUDO] + g * s.N_PSEUDO
        if not m[kp + s.P_WAIT] and t >= m[kp + s.P_NEXT_REF]:
            m[kp + s.P_WAIT] = 1
            m[kp + s.P_NEXT_REF] += m[s.REFI]
            m[s.REFS] += 1
        later = min(later, m[kp + s.P_NEXT_REF])
    for g in range(ch * m[s.PC], (ch + 1) * m[s.PC]):
        if m[m[s.O_PSEUDO] + g * s.N_PSEUDO + s.P_WAIT]:
            kind, at = _toward_refresh(m, ch, g, t)
            if kind >= 0:
                return kind, t
            later = min(later, at)
    return np.int64(-1), later


@part
def _toward_refresh(m, ch, g, t):
    """Close rows of a pseudo-channel, or refresh it once all are closed."""
    kc = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    at, is_open = m[kc + s.ROW_BUS], False
    for b in range(m[s.BANKS]):
        kb = m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
        at, is_open = max(at, m[kb + s.ACT_OK]), is_open or m[kb + s.ROW] >= 0
    if is_open:
        return _toward_closed(m, ch, g, t)
    if at > t:
        return np.int64(-1), at
    bank.record(m, t, g, s.C_REF, NONE, NONE)
    bank.refresh_rows(m, g, t)
    m[m[s.O_PSEUDO] + g * s.N_PSEUDO + s.P_WAIT] = 0
    return np.int64(s.NEXT_REF), t


@part
def _toward_closed(m, ch, g, t):
    """Close one row (bank queues) or all at once."""
    if m[s.CONTROLLER] == s.BANK_QUEUES:
        b, at = banked.refresh_row(m, ch, g, t)
        if b < 0:
            return np.int64(-1), at
        _close(m, ch, g, b, t)
        return np.int64(s.NEXT_PRE), t
    at = active.refresh_from(m, ch, g)
    if at > t:
        return np.int64(-1), at
    bank.record(m, t, g, s.C_PREA, NONE, NONE)
    for b in range(m[s.BANKS]):
        if m[m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK + s.ROW] >= 0:
            bank.close_row(m, g, b, t)
    return np.int64(s.NEXT_PRE), t


@part
def advance(m, ch, until):
    """Do every clock of a channel before `until`; one that is idle is left where it is if there is no end."""
    kc = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    while m[kc + s.CLOCK] < until:
        if m[kc + s.IN_WINDOW] + m[kc + s.IN_FIFO] == 0:
            m[kc + s.NEXT] = FAR
            if until == FAR:
                return
            for g in range(ch * m[s.PC], (ch + 1) * m[s.PC]):
                rest.pass_over(m, g, until)
        upto = step(m, ch)
        m[kc + s.NEXT] = upto
        m[kc + s.CLOCK] = min(upto, until)
    if m[kc + s.IN_WINDOW] + m[kc + s.IN_FIFO] == 0:
        m[kc + s.NEXT] = FAR


@part
def push(m, ch, b, row, address, arrival, slot, write):
    """Send a request to a channel through the FIFO in front of it; return the clock at which that took it."""
    kc = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    advance(m, ch, arrival)
    if m[kc + s.IN_FIFO] == 0 and accepts(m, ch, write):
        offer(m, ch, b, row, address, slot, write)
        return m[kc + s.CLOCK]
    while m[kc + s.IN_FIFO] == m[s.FIFO]:
        advance(m, ch, m[kc + s.CLOCK] + 1)
    q = m[s.O_FIFO] + (ch * m[s.FIFO] + (m[kc + s.FIFO_HEAD] + m[kc + s.IN_FIFO]) % m[s.FIFO]) * s.N_FIFO
    m[q + s.F_ADDRESS], m[q + s.F_BANK], m[q + s.F_ROW] = address, b, row
    m[q + s.F_SLOT], m[q + s.F_WRITE] = slot, write
    m[kc + s.IN_FIFO] += 1
    m[kc + s.NEXT] = m[kc + s.CLOCK]
    return m[kc + s.CLOCK]


@part
def _from_fifo(m, ch, t):
    """Let the requests of the FIFO go to the controller as far as it has room; return whether any went."""
    kc = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    any_went = False
    while m[kc + s.IN_FIFO] > 0:
        q = m[s.O_FIFO] + (ch * m[s.FIFO] + m[kc + s.FIFO_HEAD]) * s.N_FIFO
        if not accepts(m, ch, m[q + s.F_WRITE]):
            break
        offer(m, ch, m[q + s.F_BANK], m[q + s.F_ROW], m[q + s.F_ADDRESS], m[q + s.F_SLOT], m[q + s.F_WRITE])
        m[kc + s.FIFO_HEAD] = (m[kc + s.FIFO_HEAD] + 1) % m[s.FIFO]
        m[kc + s.IN_FIFO] -= 1
        any_went = True
    return any_went
