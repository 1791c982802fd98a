"""A parallel port: a byte at a time on 8 wires, with a four-phase handshake of two strobes each way.

The sender puts a byte on the wires, then raises `req`. The receiver takes the byte and raises `ack`. The sender lowers
`req`, the receiver lowers `ack`, and the wires are free for the next byte. Neither side's clock matters to the other.
"""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out


class ParallelReceiver(wiring.Component):
    """Takes bytes from a host that has a clock of its own.

    `req` goes through two flip-flops; `data` does not, since it holds still from before `req` rises until `ack` does:
    the host's wires may differ in delay by less than a clock cycle. `ack` waits while the byte before is still on `o`,
    so no byte is lost.

    Timing
    ------
    6 cycles a byte with a host that answers at once and a sink that is always ready; the host's two answers add to
    them. `ack` follows `req` by 3 cycles, rising and falling.

    Members
    -------
    data : ``In(8)``
        The byte; asynchronous.
    req : ``In(1)``
        The host's strobe; asynchronous.
    ack : ``Out(1)``
        The answer, out of a register.
    o : ``Out(stream.Signature(8))``
        Bytes.
    """

    def __init__(self) -> None:
        super().__init__({"data": In(8), "req": In(1), "ack": Out(1), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        req = Signal()
        m.submodules.synchronizer = FFSynchronizer(self.req, req)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(~req):
            m.d.sync += self.ack.eq(0)
        with m.Elif(~self.ack & (~self.o.valid | self.o.ready)):
            m.d.sync += [self.o.payload.eq(self.data), self.o.valid.eq(1), self.ack.eq(1)]
        return m


class ParallelTransmitter(wiring.Component):
    """Hands bytes to a host that has a clock of its own.

    `data` changes one cycle before `req` rises and holds still until `ack` has fallen. `ack` goes through two
    flip-flops.

    Timing
    ------
    7 cycles a byte with a host that answers at once; the host's two answers add to them.

    Members
    -------
    i : ``In(stream.Signature(8))``
        Bytes.
    data : ``Out(8)``
        The byte, out of registers.
    req : ``Out(1)``
        The strobe, out of a register.
    ack : ``In(1)``
        The host's answer; asynchronous.
    """

    def __init__(self) -> None:
        super().__init__({"i": In(stream.Signature(8)), "data": Out(8), "req": Out(1), "ack": In(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        ack = Signal()
        loaded = Signal()
        m.submodules.synchronizer = FFSynchronizer(self.ack, ack)
        m.d.comb += self.i.ready.eq(~loaded & ~self.req & ~ack)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [self.data.eq(self.i.payload), loaded.eq(1)]
        with m.If(loaded):
            m.d.sync += [loaded.eq(0), self.req.eq(1)]
        with m.If(ack):
            m.d.sync += self.req.eq(0)
        return m
