"""Registers of pipelines: one alone, and a chain that moves as one."""

from collections.abc import Callable, Sequence
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import Layout
from amaranth.lib.wiring import In, Out


class Stage(wiring.Component):
    """Holds one beat between two parts of a pipeline.

    The beat may be overwritten once it has left, or if there is none, so that bubbles collapse while the output is
    stalled.

    Timing
    ------
    One cycle from a transfer on ``i`` to ``valid`` on ``o``, a transfer every cycle. A stall of ``o`` reaches ``i`` in
    the same cycle if there is a beat.

    Parameters
    ----------
    layout : `Layout`
        Payload.

    Members
    -------
    i, o : ``stream.Signature(layout)``
        Beats, in order.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__({"i": In(stream.Signature(layout)), "o": Out(stream.Signature(layout))})
        self._layout = layout

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        payload = Signal(self._layout, reset_less=True)
        m.d.comb += self.o.payload.eq(payload)
        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
            m.d.sync += payload.eq(self.i.payload)
        return m


Step = Callable[[Module, Any, Any, Signal], None]
"""Logic in front of a register: ``step(m, before, after, moves)`` assigns the payload `after` that the register takes
in from the payload `before`; `moves` is high in the cycle in which the beat enters the register."""


def chain(m: Module, name: str, source: Any, steps: Sequence[tuple[Layout, Step]]) -> Any:
    """Add a register of the given layout behind each step, the first step fed by the stream `source`; return the end.

    The registers move together, whenever the last one may be overwritten: its beat leaves or it holds none. One gate
    says so to all of them, so that the clock does not depend on how many there are. A gap between two beats stays one.
    """
    end = stream.Signature(steps[-1][0]).create(path=(f"{name}_end",))
    advance, moves, valid, payload = (
        Signal(name=f"{name}_advance"),
        Signal(name=f"{name}_moves0"),
        source.valid,
        source.payload,
    )
    m.d.comb += [advance.eq(~end.valid | end.ready), source.ready.eq(advance), moves.eq(valid & advance)]
    for number, (layout, step) in enumerate(steps):
        before, after = payload, Signal(layout, name=f"{name}_next{number}")
        step(m, before, after, moves)
        payload, entered = Signal(layout, name=f"{name}{number}", reset_less=True), valid
        valid, moves = Signal(name=f"{name}_valid{number}"), Signal(name=f"{name}_moves{number + 1}")
        m.d.comb += moves.eq(valid & advance)
        with m.If(advance):
            m.d.sync += [payload.eq(after), valid.eq(entered)]
    m.d.comb += [end.valid.eq(valid), end.payload.eq(payload)]
    return end
