"""The released design, cycle by cycle (numba). docs/explanation/released-rtl.md names the blocks."""

import numba

from tokensieve.sim.kernels import released_buffer as buffer
from tokensieve.sim.kernels import released_fetch as fetch
from tokensieve.sim.kernels import released_ports as ports
from tokensieve.sim.kernels import released_score as score
from tokensieve.sim.kernels import released_state as s
from tokensieve.sim.kernels import released_value as value
from tokensieve.sim.kernels.columns import I64

SLICE = 100_000
"""Cycles after which a call returns: well below a second, so that Ctrl-C is met."""


def simulate(m: I64, d: I64, patience: int, most: int = SLICE) -> None:
    """Run until all rows have their response, or nothing has moved for `patience` cycles; `most` cycles a call."""
    while m[s.DONE] < m[s.ROWS] and m[s.NOW] - m[s.PROGRESS] < patience:
        run_on(m, d, patience, m[s.NOW] + most)


@numba.njit(cache=True)
def run_on(m: I64, d: I64, patience: int, until: int) -> None:
    """Run until all rows have their response, nothing has moved for `patience` cycles, or the cycle is `until`.

    `d` is the state of the DRAM. A block is done before those that it takes from; what they then put into its registers
    it sees in the next cycle, and what leaves a register makes room at once, as in the RTL.
    """
    while m[s.DONE] < m[s.ROWS] and m[s.NOW] - m[s.PROGRESS] < patience and m[s.NOW] < until:
        now = m[s.NOW]
        ready = now >= m[s.RAM_READY]
        value.multiply_values(m, now)
        buffer.read(m, m[s.O_VALUES], ready)
        buffer.write(m, m[s.O_VALUES], ready)
        buffer.write(m, m[s.O_KEYS], ready)
        fetch.lines_out(m)
        fetch.realign(m)
        ports.exchange(m, d, now)
        fetch.split(m, d)
        value.fetch_values(m)
        value.distribute(m)
        value.select(m, now)
        score.reload(m)
        score.keep_order(m)
        score.report(m, now)
        score.decide(m)
        score.multiply_keys(m)
        buffer.read(m, m[s.O_KEYS], ready)
        score.fetch_keys(m)
        score.dispatch(m)
        score.admit(m)
        score.accept(m, now)
        for b, o in ((m[s.O_KEYS], m[s.O_KEY_LINES]), (m[s.O_VALUES], m[s.O_VALUE_LINES])):
            buffer.store(m, b)
            buffer.recycle(m, o, now)
        m[s.NOW] = now + 1
