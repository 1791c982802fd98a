"""FIFOs of the released design: a memory with a register behind it (numba).

What is pushed in a cycle can leave two cycles later at the earliest, and what leaves makes room from the next cycle
on. A cycle has two halves: first `head` and `step` on the side of the reader, then `room` and `push` on the writer's.
"""

import numba
import numpy as np

from tokensieve.sim.kernels import released_state as s


@numba.njit(cache=True)
def step(m, f, taken):
    """End the reader's half of a cycle; `taken` (0 or 1) tells whether it took the entry that `head` shows."""
    full = m[f + s.F_VALID]
    if full == 0 and m[f + s.F_W] == m[f + s.F_R]:
        m[f + s.F_TAKEN] = 0
        return
    refill = m[f + s.F_W] != m[f + s.F_R] + full and (full == 0 or taken == 1)
    m[f + s.F_TAKEN] = taken
    m[f + s.F_R] += taken
    m[f + s.F_VALID] = 1 if refill else full - taken


@numba.njit(cache=True)
def head(m, f):
    """Return the entry that may be taken, or -1."""
    if m[f + s.F_VALID] == 0:
        return np.int64(-1)
    return m[m[f + s.F_DATA] + (m[f + s.F_R] & m[f + s.F_MASK])]


@numba.njit(cache=True)
def room(m, f):
    """Return how many entries fit, those taken this cycle not yet counted."""
    return m[f + s.F_DEPTH] - (m[f + s.F_W] - m[f + s.F_R] + m[f + s.F_TAKEN])


@numba.njit(cache=True)
def push(m, f, entry):
    """Put an entry in; there must be room."""
    m[m[f + s.F_DATA] + (m[f + s.F_W] & m[f + s.F_MASK])] = entry
    m[f + s.F_W] += 1
