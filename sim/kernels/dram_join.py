"""Requests that join one that waits for the same address, in the controller `bank-queues`, as in DRAMsim3 (numba).

A read whose very address (in bytes) a read waits for is served by that read's access, and a write by that write's. A
read for which a write waits is answered with what is to be written, in the next clock. None of them takes a place in a
queue. A request waits until its column command is issued.
"""

import numpy as np

from tokensieve.sim.kernels import dram_bank as bank
from tokensieve.sim.kernels import dram_lists as lists
from tokensieve.sim.kernels import dram_state as s
from tokensieve.sim.kernels.step import part


@part
def has_room(m):
    """Return whether one more request may join another."""
    return m[s.CONTROLLER] != s.BANK_QUEUES or m[s.JOIN_FREE] > 0 or m[s.JOIN_USED] < m[s.JOINED]


@part
def joins(m, ch, b, address, slot, write, t):
    """Let a request that comes at `t` join one that waits; return whether there is one."""
    if m[s.CONTROLLER] != s.BANK_QUEUES:
        return False
    e = _waiting(m, ch, b, address, 1)
    if e >= 0 and not write:
        m[s.JOINED_READS] += 1
        bank.complete(m, slot, t + 1 + m[s.BACK])
        return True
    if not write:
        e = _waiting(m, ch, b, address, 0)
    if e >= 0:
        j = _new(m)
        k = m[s.O_JOINED] + (j - 1) * s.N_JOINED
        m[k + s.J_SLOT], m[k + s.J_NEXT] = slot, m[e + s.FIRST]
        m[e + s.FIRST] = j
    return e >= 0


@part
def _waiting(m, ch, b, address, write):
    """Return the read or write that waits for an address, in front or in the queue of its bank; -1 if there is none."""
    for k in (write, s.L_BANK + b):
        kl, kn = lists.place(m, ch, k)
        for e in range(kl, kl + m[kn] * s.N_ENTRY, s.N_ENTRY):
            if m[e + s.ADDRESS] == address and m[e + s.WRITE] == write:
                return np.int64(e)
    return np.int64(-1)


@part
def _new(m):
    """Return the number of a line of O_JOINED that nobody uses, from 1 on."""
    j = m[s.JOIN_FREE]
    if j > 0:
        m[s.JOIN_FREE] = m[m[s.O_JOINED] + (j - 1) * s.N_JOINED + s.J_NEXT]
        return j
    m[s.JOIN_USED] += 1
    return m[s.JOIN_USED]


@part
def complete(m, e, end):
    """Serve all requests that joined request `e`, whose data is with the requester at `end`."""
    j = m[e + s.FIRST]
    while j > 0:
        k = m[s.O_JOINED] + (j - 1) * s.N_JOINED
        m[s.JOINED_READS + m[e + s.WRITE]] += 1
        bank.complete(m, m[k + s.J_SLOT], end)
        after = m[k + s.J_NEXT]
        m[k + s.J_NEXT] = m[s.JOIN_FREE]
        m[s.JOIN_FREE] = j
        j = after
