"""Controller `active-buffer`: first ready, first come, opened rows first, as Ramulator 2 does it (numba).

A request whose row was activated for it moves from the reads or writes to a buffer of its own, which is served before
all others; as long as it is there, nobody closes its row. Of a buffer the oldest request goes whose next command is
ready. Writes go from when they fill more than four fifths of their buffer, or no read waits, until they fill less than
one fifth while reads wait. The fifths are those of one request less than the buffer holds.
"""

import numpy as np

from tokensieve.sim.kernels import dram_lists as lists
from tokensieve.sim.kernels import dram_state as s
from tokensieve.sim.kernels.columns import NONE
from tokensieve.sim.kernels.dram_state import FAR
from tokensieve.sim.kernels.step import part


@part
def choose(m, ch, t):
    """Return list, request and kind of the command to issue at `t` (list -1: none), and when to look again.

    While a pseudo-channel waits for its refresh, only the requests whose row was opened go on.
    """
    k = np.int64(s.L_ACTIVE)
    e, kind, later = _oldest_ready(m, ch, k, t)
    if e < 0 and not _waiting(m, ch):
        k = np.int64(_direction(m, ch))
        e, kind, other = _oldest_ready(m, ch, k, t)
        later = min(later, other)
    if e < 0 or (kind == s.NEXT_PRE and lists.wanted_by(m, ch, s.L_ACTIVE, m[e + s.BANK], NONE) > 0):
        return np.int64(-1), e, kind, later
    return k, e, kind, t


@part
def _waiting(m, ch):
    waiting = 0
    for g in range(ch * m[s.PC], (ch + 1) * m[s.PC]):
        waiting += m[m[s.O_PSEUDO] + g * s.N_PSEUDO + s.P_WAIT]
    return waiting > 0


@part
def _oldest_ready(m, ch, k, t):
    """Return request and kind of the oldest of a list whose command is ready at `t`, and when the next gets ready."""
    kl, kn = lists.place(m, ch, k)
    best, best_kind, oldest, later = np.int64(-1), np.int64(-1), FAR, FAR
    for e in range(kl, kl + m[kn] * s.N_ENTRY, s.N_ENTRY):
        kind, at = lists.needs(m, ch, e)
        if at > t:
            later = min(later, at)
        elif m[e + s.ARRIVAL] < oldest:
            best, best_kind, oldest = np.int64(e), kind, m[e + s.ARRIVAL]
    return best, best_kind, later


@part
def _direction(m, ch):
    """Return the list that is served."""
    kc = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    reads, writes = lists.count(m, ch, s.L_READ), lists.count(m, ch, s.L_WRITE)
    size = max(m[s.WINDOW] - 1, 1)
    if m[kc + s.DRAIN] and reads > 0 and 5 * writes < size:
        m[kc + s.DRAIN] = 0
    elif not m[kc + s.DRAIN] and (reads == 0 or 5 * writes > 4 * size):
        m[kc + s.DRAIN] = 1
    return s.L_WRITE if m[kc + s.DRAIN] else s.L_READ


@part
def refresh_from(m, ch, g):
    """Return the clock from which all banks of pseudo-channel `g` may be closed; FAR while requests use them."""
    at = m[m[s.O_CHANNEL] + ch * s.N_CHANNEL + s.ROW_BUS]
    for b in range(m[s.BANKS]):
        kb = m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
        at = max(at, m[kb + s.PRE_OK])  # also of banks that are still closing by themselves
        if lists.wanted_by(m, ch, s.L_ACTIVE, (g - ch * m[s.PC]) * m[s.BANKS] + b, NONE) > 0:
            return FAR
    return at
