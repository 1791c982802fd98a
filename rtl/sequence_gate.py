"""How long a sequence, or a row of one, waits for the one before."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal


def rested(m: Module, most: int, starts: Any, wait: Any, counts: Any) -> Signal:
    """Return a register that says whether another one may start: one that `starts` says how long, in `wait`.

    1..`most` cycles, of which those are counted in which `counts` is high. It starts in such a cycle.
    """
    rest = Signal(range(most + 1))
    over = Signal(init=1)  # rest == 0, known a cycle before
    with m.If(counts):
        m.d.sync += [rest.eq(Mux(over, 0, rest - 1)), over.eq(rest <= 1)]
    with m.If(starts):
        m.d.sync += [rest.eq(wait - 1), over.eq(wait == 1)]
    return over
