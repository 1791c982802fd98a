"""DRAM at command granularity: banks, open rows, JEDEC constraints, refresh and a controller for each channel (numba).

This is what the simulator calls. Which controller a state has is one of its fields: `frfcfs` goes from event to
event (`dram_window`), the others are stepped by the clock (`dram_clock`). Every kernel that drives DRAM hands on what
`clocked` says of the state, so that it is compiled with the controllers that it meets alone. Times are DRAM clocks.

A kernel that goes cycle by cycle drives it so (as `exchange` in `tokensieve.sim.kernels.stream` does), with a slot of
its own for every access that is outstanding (a number below SLOTS), clock `t` being the present one:

1. ``accepts(m, address, write, clocked)``: has the controller room? If so, set LEFT of the slot to 1 and END to 0,
   and call ``push(m, address, t, slot, write, clocked)``. Nothing then waits in front of the controller.
2. ``advance(m, ch, t + 1, clocked)`` for every channel, or ``advance_all(m, t + 1, clocked)``: clock `t` is done.
3. The DONE slots from O_DONE on are those whose last command went, in order; END tells the clock at which the data is
   there, which lies ahead. Set DONE to 0 once they are read.
"""

from tokensieve.sim.kernels import dram_clock as clock
from tokensieve.sim.kernels import dram_state as s
from tokensieve.sim.kernels import dram_window as window
from tokensieve.sim.kernels.columns import I64
from tokensieve.sim.kernels.step import kernel, part


def clocked(m: I64) -> bool | None:
    """Return True where the controller of a state is stepped by the clock, else None.

    The type counts: a kernel that is given None is compiled without what it would do for True.
    """
    return None if m[s.CONTROLLER] == s.FRFCFS else True


@part
def advance(m: I64, ch: int, until: int, clocked: bool | None) -> None:
    """Issue every command of channel `ch` that is due before clock `until`."""
    if clocked is None:
        window.advance(m, ch, until)
    else:
        clock.advance(m, ch, until)


@kernel
def advance_all(m: I64, until: int, clocked: bool | None) -> int:
    """Issue every command due before `until`; return the clock before which no channel issues its next one."""
    nearest = s.FAR
    for ch in range(m[s.CH]):
        kc = m[s.O_CHANNEL] + ch * s.N_CHANNEL
        if m[kc + s.NEXT] < until:
            advance(m, ch, until, clocked)
        nearest = min(nearest, m[kc + s.NEXT])
    return nearest


@kernel
def refresh_until(m: I64, until: int) -> None:
    """Count the refreshes that were due before `until` while a pseudo-channel had nothing to do."""
    for g in range(m[s.CH] * m[s.PC]):
        kp = m[s.O_PSEUDO] + g * s.N_PSEUDO
        if m[s.REFRESH] and m[kp + s.P_NEXT_REF] < until:
            due = (until - 1 - m[kp + s.P_NEXT_REF]) // m[s.REFI] + 1
            m[s.REFS] += due
            m[kp + s.P_NEXT_REF] += due * m[s.REFI]


@kernel
def decoded(m: I64, address: int) -> tuple[int, int, int, int]:
    """Return channel, pseudo-channel, bank of it and row of the granule at byte `address`."""
    granule = address >> m[s.GRANULE_SHIFT]
    ch = (granule >> m[s.SHIFT + s.CH_]) & m[s.MASK + s.CH_]
    pc = (granule >> m[s.SHIFT + s.PC_]) & m[s.MASK + s.PC_]
    group = (granule >> m[s.SHIFT + s.BG_]) & m[s.MASK + s.BG_]
    b = group * m[s.BA] + ((granule >> m[s.SHIFT + s.BA_]) & m[s.MASK + s.BA_])
    row = (granule >> m[s.SHIFT + s.RO_]) & m[s.MASK + s.RO_]
    return ch, pc, b, row


@kernel
def push(m: I64, address: int, arrival: int, slot: int, write: int, clocked: bool | None) -> int:
    """Send the request at byte `address`, of one granule, to its channel; it gets there at clock `arrival`.

    Returns the clock at which the channel took it, later than `arrival` where its FIFO was full.
    """
    ch, pc, b, row = decoded(m, address)
    if clocked is None:
        return window.push(m, ch, pc, b, row, arrival, slot, write)
    return clock.push(m, ch, pc * m[s.BANKS] + b, row, address, arrival, slot, write)


@part
def accepts(m: I64, address: int, write: int, clocked: bool | None) -> bool:
    """Return whether the controller takes the granule at byte `address` now, without anything in front of it."""
    ch = decoded(m, address)[0]
    if clocked is None:
        return m[m[s.O_CHANNEL] + ch * s.N_CHANNEL + s.IN_WINDOW] < m[s.WINDOW]
    return clock.accepts(m, ch, write)
