"""Controller `bank-queues`: a queue of commands for each bank, served in turn, as DRAMsim3 does it (numba).

On every clock one request moves from those that wait in front (reads, or writes while they drain) to the queue of its
bank, the oldest whose queue has room. Of the queues, beginning behind the one that issued last, the first that has a
command ready issues it: in a queue the oldest request first, but only its head may close a row, and only if none of the
queue wants the open one or `row_hit_limit` columns have used it.
"""

import numpy as np

from tokensieve.sim.kernels import dram_lists as lists
from tokensieve.sim.kernels import dram_state as s
from tokensieve.sim.kernels.dram_state import FAR
from tokensieve.sim.kernels.step import part


@part
def choose(m, ch, t):
    """Return list, request and kind of the command to issue at `t` (list -1: none), and when to look again.

    Queues whose pseudo-channel waits for a refresh are passed over.
    """
    kc, n = m[s.O_CHANNEL] + ch * s.N_CHANNEL, m[s.PC] * m[s.BANKS]
    later = FAR
    for _ in range(n):
        m[kc + s.TURN_OF] = (m[kc + s.TURN_OF] + 1) % n
        b = m[kc + s.TURN_OF]
        if lists.count(m, ch, s.L_BANK + b) > 0:
            kp = m[s.O_PSEUDO] + (ch * m[s.PC] + b // m[s.BANKS]) * s.N_PSEUDO
            if not m[kp + s.P_WAIT]:
                e, kind, at = _first_ready(m, ch, b, t)
                if e >= 0:
                    return s.L_BANK + b, e, kind, t
                later = min(later, at)
    return np.int64(-1), np.int64(-1), np.int64(-1), later


@part
def _first_ready(m, ch, b, t):
    """Return request and kind of the first command of a queue that is ready at `t`, or when one may be."""
    kl, kn = lists.place(m, ch, s.L_BANK + b)
    later = FAR
    for e in range(kl, kl + m[kn] * s.N_ENTRY, s.N_ENTRY):
        kind, at = lists.needs(m, ch, e)
        if kind == s.NEXT_PRE and (e != kl or not _may_close(m, ch, b)):
            continue
        if at <= t:
            return e, kind, t
        later = min(later, at)
    return np.int64(-1), np.int64(-1), later


@part
def _may_close(m, ch, b):
    kb = m[s.O_BANK] + (ch * m[s.PC] * m[s.BANKS] + b) * s.N_BANK
    return m[kb + s.USED] >= m[s.HIT_LIMIT] or lists.wanted_by(m, ch, s.L_BANK + b, b, m[kb + s.ROW]) == 0


@part
def deal(m, ch):
    """Move one request to the queue of its bank; return whether there was one."""
    kc, k = m[s.O_CHANNEL] + ch * s.N_CHANNEL, _draining(m, ch)
    kl, kn = lists.place(m, ch, k)
    for e in range(kl, kl + m[kn] * s.N_ENTRY, s.N_ENTRY):
        b = m[e + s.BANK]
        if lists.count(m, ch, s.L_BANK + b) < m[s.QUEUE]:
            lists.move(m, ch, k, e, s.L_BANK + b)
            m[kc + s.DRAIN] -= k == s.L_WRITE
            return True
    return False


@part
def _draining(m, ch):
    """Return the list that is dealt from: all writes found when their list is full or no read waits, else reads."""
    kc, writes = m[s.O_CHANNEL] + ch * s.N_CHANNEL, lists.count(m, ch, s.L_WRITE)
    if m[kc + s.DRAIN] == 0 and (writes == m[s.WINDOW] or lists.count(m, ch, s.L_READ) == 0):
        m[kc + s.DRAIN] = writes
    return s.L_WRITE if m[kc + s.DRAIN] > 0 else s.L_READ


@part
def refresh_row(m, ch, g, t):
    """Return the first open bank of pseudo-channel `g` that may be closed at `t`, else -1, and when to look again."""
    bus = m[m[s.O_CHANNEL] + ch * s.N_CHANNEL + s.ROW_BUS]
    later = FAR
    for b in range(m[s.BANKS]):
        kb = m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
        if m[kb + s.ROW] >= 0:
            at = max(bus, m[kb + s.PRE_OK])
            if at <= t:
                return np.int64(b), t
            later = min(later, at)
    return np.int64(-1), later
