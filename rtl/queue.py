"""A queue in block memory."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import Layout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out


class BlockQueue(wiring.Component):
    """Holds beats until they are wanted.

    Timing
    ------
    Two cycles from a transfer on ``i`` to ``valid`` on ``o``: the memory is written, then read. A transfer every cycle.
    ``i`` is not ready while `depth` beats are in the memory; one more can stand on ``o``.

    Parameters
    ----------
    layout : `Layout`
        Payload.
    depth : int
        Beats of the memory, at least 2.

    Members
    -------
    i, o : ``stream.Signature(layout)``
        Beats, in order.
    """

    def __init__(self, layout: Layout, depth: int) -> None:
        super().__init__({"i": In(stream.Signature(layout)), "o": Out(stream.Signature(layout))})
        self._layout, self._depth = layout, depth

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        places = (self._depth - 1).bit_length()
        attributes = {"ram_style": "block"}
        m.submodules.beats = memory = Memory(shape=self._layout, depth=self._depth, init=[], attrs=attributes)
        write = memory.write_port()
        read = memory.read_port()
        head = Signal(places)
        tail = Signal(places)
        level = Signal(range(self._depth + 1))
        enters = Signal()
        leaves = Signal()

        m.d.comb += self.i.ready.eq(level != self._depth)
        m.d.comb += enters.eq(self.i.valid & self.i.ready)
        m.d.comb += [write.en.eq(enters), write.addr.eq(tail), write.data.eq(self.i.payload)]
        m.d.comb += [read.en.eq(~self.o.valid | self.o.ready), read.addr.eq(head), self.o.payload.eq(read.data)]
        m.d.comb += leaves.eq(read.en & (level != 0))

        m.d.sync += [tail.eq(tail + enters), head.eq(head + leaves), level.eq(level + enters - leaves)]
        if self._depth & (self._depth - 1):  # else the places wrap by themselves
            for place, moves in ((tail, enters), (head, leaves)):
                with m.If(moves & (place == self._depth - 1)):
                    m.d.sync += place.eq(0)
        with m.If(read.en):
            m.d.sync += self.o.valid.eq(level != 0)
        return m
