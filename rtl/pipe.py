"""The register of an elastic pipeline."""

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
"""Logic in front of a stage: ``step(m, before, after, moves)`` assigns the payload `after` that the stage takes in from
the payload `before`; `moves` is high in the cycle in which the beat enters the stage."""


def chain(m: Module, name: str, source: Any, steps: Sequence[tuple[Layout, Step]]) -> Any:
    """Add a stage of the given layout behind each step, the first step fed by the stream `source`; return the end."""
    for number, (layout, step) in enumerate(steps):
        stage = Stage(layout)
        m.submodules[f"{name}{number}"] = stage
        moves = Signal(name=f"{name}{number}_moves")
        m.d.comb += stage.i.valid.eq(source.valid)
        m.d.comb += source.ready.eq(stage.i.ready)
        m.d.comb += moves.eq(source.valid & stage.i.ready)
        step(m, source.payload, stage.i.payload, moves)
        source = stage.o
    return source
