"""A UART: a byte as a start bit, 8 data bits from the lowest on, and a stop bit."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

_DATA_BITS = 8


class UartReceiver(wiring.Component):
    """Makes bytes of what comes on an asynchronous line.

    The line goes through two flip-flops. A falling edge begins a byte; each bit is sampled once, at its middle. An edge
    after which the line is high again at the middle of the start bit is no byte.

    A byte whose stop bit is low is delivered all the same, so that what counts bytes stays in step; the next one
    begins only after the line has been high.

    Timing
    ------
    A byte is on `o` in the cycle after the middle of its stop bit, and the next start bit may come then, half a bit
    early. The stop bit is sampled 9.5 bits after the edge, so the sender's bits may be off by half a bit in 9.5, less
    one cycle for the edge: 5 % at 32 cycles a bit, 2.6 % at 4. A byte waits on `o` until the next one is complete,
    which is lost if it still waits then.

    Parameters
    ----------
    divisor : int
        Clock cycles of a bit, at least 4.

    Members
    -------
    rx : ``In(1)``
        The line; asynchronous, high where nothing is sent.
    o : ``Out(stream.Signature(8))``
        Bytes.
    framing_error : ``Out(1)``
        High for one cycle when the stop bit of a byte was low.
    overrun : ``Out(1)``
        High for one cycle when a byte was lost, because the one before it was still on `o`.
    """

    def __init__(self, divisor: int) -> None:
        super().__init__(
            {"rx": In(1, init=1), "o": Out(stream.Signature(8)), "framing_error": Out(1), "overrun": Out(1)}
        )
        self._divisor = divisor

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        line = Signal(init=1)
        count = Signal(range(self._divisor))
        left = Signal(range(_DATA_BITS + 3))  # samples to come: start bit, data bits, stop bit; 0 between bytes
        bits = Signal(_DATA_BITS, reset_less=True)
        broken = Signal()
        m.submodules.synchronizer = FFSynchronizer(self.rx, line, init=1)

        ends = Signal()  # the stop bit is sampled
        with m.If(left == 0):
            m.d.sync += count.eq(self._divisor // 2 - 1)
            with m.If(line):
                m.d.sync += broken.eq(0)
            with m.Elif(~broken):
                m.d.sync += left.eq(_DATA_BITS + 2)
        with m.Elif(count != 0):
            m.d.sync += count.eq(count - 1)
        with m.Else():
            m.d.sync += [count.eq(self._divisor - 1), left.eq(left - 1), bits.eq(Cat(bits[1:], line))]
            with m.If((left == _DATA_BITS + 2) & line):
                m.d.sync += left.eq(0)
            with m.If(left == 1):
                m.d.comb += ends.eq(1)

        m.d.comb += [self.framing_error.eq(ends & ~line), self.overrun.eq(ends & self.o.valid & ~self.o.ready)]
        with m.If(self.framing_error):
            m.d.sync += broken.eq(1)
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += self.o.valid.eq(ends)
            with m.If(ends):
                m.d.sync += self.o.payload.eq(bits)
        return m


class UartTransmitter(wiring.Component):
    """Sends bytes on a line.

    Timing
    ------
    A byte takes ``10 * divisor`` cycles, and bytes follow one another without a gap. The start bit is on `tx` from the
    cycle after the transfer on `i` on.

    Parameters
    ----------
    divisor : int
        Clock cycles of a bit, at least 1.

    Members
    -------
    i : ``In(stream.Signature(8))``
        Bytes.
    tx : ``Out(1)``
        The line, out of a register; high where nothing is sent.
    """

    def __init__(self, divisor: int) -> None:
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, init=1)})
        self._divisor = divisor

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        count = Signal(range(self._divisor))  # bits behind the one on the line
        left = Signal(range(_DATA_BITS + 2))
        bits = Signal(_DATA_BITS + 1, init=-1)
        with m.If(count != 0):
            m.d.sync += count.eq(count - 1)
        with m.Elif(left != 0):
            m.d.sync += [Cat(self.tx, bits).eq(Cat(bits, 1)), left.eq(left - 1), count.eq(self._divisor - 1)]
        with m.Else():
            m.d.comb += self.i.ready.eq(1)
            with m.If(self.i.valid):
                m.d.sync += [self.tx.eq(0), bits.eq(Cat(self.i.payload, 1))]
                m.d.sync += [left.eq(_DATA_BITS + 1), count.eq(self._divisor - 1)]
        return m
