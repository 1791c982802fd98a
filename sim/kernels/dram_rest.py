"""Refreshes of a pseudo-channel that rests for long, counted and not carried out one by one (numba)."""

from tokensieve.sim.kernels import dram_state as s
from tokensieve.sim.kernels.step import part

LONG = 1000
"""Refresh intervals from which on a rest is long; the command log misses the refreshes that are passed over."""


@part
def pass_over(m, g, until):
    """Count the refreshes of a pseudo-channel that does nothing else before `until`, and leave the last two to be done.

    Where its rows are closed and may be opened by the time the next refresh is due, each refresh is as the one before:
    what the last of them leaves behind is the same, however many there were.
    """
    kp, kc = m[s.O_PSEUDO] + g * s.N_PSEUDO, m[s.O_CHANNEL] + g // m[s.PC] * s.N_CHANNEL
    due = m[kp + s.P_NEXT_REF]
    if not m[s.REFRESH] or m[kp + s.P_WAIT] or until - due < LONG * m[s.REFI]:
        return
    free = max(m[kp + s.P_ROW_BUS], m[kp + s.P_NOW], m[kc + s.ROW_BUS])
    for b in range(m[s.BANKS]):
        kb = m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
        if m[kb + s.ROW] >= 0:
            return
        free = max(free, m[kb + s.ACT_OK])
    if free <= due:
        passed = (until - due) // m[s.REFI] - 1
        m[s.REFS] += passed
        m[kp + s.P_NEXT_REF] += passed * m[s.REFI]
