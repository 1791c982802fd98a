"""Requests of a channel that is stepped clock by clock: lists in order of arrival, and what each request needs (numba).

`kl` and `kn` are where a list and its length begin; a request is the place of its line.
"""

from tokensieve.sim.kernels import dram_bank as bank
from tokensieve.sim.kernels import dram_state as s
from tokensieve.sim.kernels.step import part


@part
def place(m, ch, k):
    """Return where list `k` of a channel begins, and where its length is kept."""
    n = ch * m[s.LISTS] + k
    return m[s.O_LIST] + n * m[s.ROOM] * s.N_ENTRY, m[s.O_COUNT] + n


@part
def append(m, ch, k, arrival, b, row, address, slot, write):
    """Put a request at the end of a list."""
    kl, kn = place(m, ch, k)
    e = kl + m[kn] * s.N_ENTRY
    m[e + s.ARRIVAL], m[e + s.BANK], m[e + s.E_ROW], m[e + s.SLOT], m[e + s.WRITE] = arrival, b, row, slot, write
    m[e + s.ADDRESS], m[e + s.FIRST], m[e + s.CLASSED] = address, 0, 0
    m[kn] += 1


@part
def remove(m, ch, k, e):
    """Take request `e` out of a list; those behind it move up."""
    kl, kn = place(m, ch, k)
    m[kn] -= 1
    for i in range(e, kl + m[kn] * s.N_ENTRY):
        m[i] = m[i + s.N_ENTRY]


@part
def move(m, ch, k, e, to):
    """Take request `e` out of list `k` and put it at the end of list `to`."""
    kl, kn = place(m, ch, to)
    end = kl + m[kn] * s.N_ENTRY
    for i in range(s.N_ENTRY):
        m[end + i] = m[e + i]
    m[kn] += 1
    remove(m, ch, k, e)


@part
def count(m, ch, k):
    """Return the length of a list."""
    return m[m[s.O_COUNT] + ch * m[s.LISTS] + k]


@part
def where(m, ch, e):
    """Return the pseudo-channel (over all channels) and the bank of request `e`."""
    return ch * m[s.PC] + m[e + s.BANK] // m[s.BANKS], m[e + s.BANK] % m[s.BANKS]


@part
def needs(m, ch, e):
    """Return the kind of command that request `e` needs next, and the clock from which it may go."""
    g, b = where(m, ch, e)
    kb = m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
    if m[kb + s.ROW] == m[e + s.E_ROW]:
        return s.NEXT_COL, bank.column_from(m, g, b, m[e + s.WRITE])
    row_bus = m[m[s.O_CHANNEL] + ch * s.N_CHANNEL + s.ROW_BUS]
    if m[kb + s.ROW] < 0:
        return s.NEXT_ACT, max(row_bus, bank.activate_from(m, g, b))
    return s.NEXT_PRE, max(row_bus, m[kb + s.PRE_OK])


@part
def wanted_by(m, ch, k, b, row):
    """Return how many requests of a list want `row` of bank `b` (-1: any row)."""
    kl, kn = place(m, ch, k)
    n = 0
    for e in range(kl, kl + m[kn] * s.N_ENTRY, s.N_ENTRY):
        n += m[e + s.BANK] == b and (row < 0 or m[e + s.E_ROW] == row)
    return n
