"""The host's ports: bytes cross whatever the phase of the host's clock, and at the pace that is promised."""

import random

import pytest
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from bench.hostports import SimulatedPort

from tokensieve.rtl.host.parallel import ParallelReceiver, ParallelTransmitter
from tokensieve.rtl.host.top import PINS
from tokensieve.rtl.host.uart import UartReceiver, UartTransmitter

BYTES = bytes([0x00, 0xFF, 0x55, 0xAA, 0x01, 0x80]) + random.Random(1).randbytes(14)


class Loop(wiring.Component):
    """Hands each byte back, the first one after `delay` cycles; counts framing errors and bytes lost in `errors`."""

    def __init__(self, port, divisor=0, delay=0):
        super().__init__(PINS[port])
        self.port, self.divisor, self.delay, self.errors = port, divisor, delay, Signal(16)

    def elaborate(self, platform):
        m = Module()
        uart = self.port == "uart"
        receiver = UartReceiver(self.divisor) if uart else ParallelReceiver()
        transmitter = UartTransmitter(self.divisor) if uart else ParallelTransmitter()
        m.submodules.receiver, m.submodules.transmitter = receiver, transmitter
        left, opens = Signal(16, init=self.delay), Signal()
        m.d.comb += opens.eq(left == 0)
        m.d.sync += left.eq(left - ~opens)
        m.d.comb += [transmitter.i.payload.eq(receiver.o.payload), transmitter.i.valid.eq(receiver.o.valid & opens)]
        m.d.comb += receiver.o.ready.eq(transmitter.i.ready & opens)
        if uart:
            framing, lost = Signal(8), Signal(8)
            m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx), self.errors.eq(Cat(framing, lost))]
            m.d.sync += [framing.eq(framing + receiver.framing_error), lost.eq(lost + receiver.overrun)]
        else:
            m.d.comb += [receiver.data.eq(self.in_data), receiver.req.eq(self.in_req), self.in_ack.eq(receiver.ack)]
            m.d.comb += [self.out_data.eq(transmitter.data), self.out_req.eq(transmitter.req)]
            m.d.comb += transmitter.ack.eq(self.out_ack)
        return m


def looped(loop, data, **timing):
    """Return what came back of `data`, the host's port, and how many framing errors and lost bytes there were."""
    host = SimulatedPort(loop, loop, watched=loop.errors, **timing)
    host.write(data)
    came = host.read_all(3000.0)
    return came, host, (host.seen & 0xFF, host.seen >> 8)


@pytest.mark.parametrize(
    ("divisor", "off"), [(16, 0.0), (16, 0.02), (16, -0.02), (4, 0.02), (4, -0.02), (5, 0.02), (33, -0.02)]
)
def test_uart_carries_bytes_from_a_clock_that_is_off_by_2_percent(divisor, off):
    """Without a gap, unless the host is the faster one: what it sends without a gap cannot all be handed back."""
    bit = divisor * (1 + off)
    gap = [bit] if off < 0 else []
    data = [one for byte in BYTES for one in (byte, *gap)]

    came, _, errors = looped(Loop("uart", divisor), data, bit=bit, phase=0.37)

    assert came == BYTES
    assert errors == (0, 0)


def test_uart_receives_without_gaps_from_a_host_that_is_faster():
    """One byte waits on the transmitter at the end of 20, 2 % are less than half of one."""
    came, _, errors = looped(Loop("uart", 16), BYTES, bit=16 / 1.02)

    assert came == BYTES
    assert errors == (0, 0)


def test_uart_sends_a_byte_in_ten_bits():
    """So that the last one of 20 has come after 200 bits and what the loop takes."""
    loop = Loop("uart", 8)
    host = SimulatedPort(loop, loop, bit=8.0)
    host.write(BYTES)
    came = 0
    while came < len(BYTES):
        came += len(host.read(8.0))

    assert host.cycles < 10 * 8 * (len(BYTES) + 1) + 4 * 8


def test_uart_takes_no_byte_from_a_low_line_shorter_than_half_a_bit():
    class Spike(SimulatedPort):
        async def _send_bits(self, ctx):
            await ctx.delay(20e-9)
            ctx.set(self.pins.rx, 0)
            await ctx.delay(6e-9)
            ctx.set(self.pins.rx, 1)
            await super()._send_bits(ctx)

    loop = Loop("uart", 16)
    host = Spike(loop, loop, bit=16.0, watched=loop.errors)
    host.write([100.0, 0x35])

    assert host.read(3000.0) == b"\x35"
    assert host.seen == 0


def test_uart_delivers_and_counts_a_byte_whose_stop_bit_is_low():
    """The byte behind it has a high line before it."""
    came, _, errors = looped(Loop("uart", 8), [0x12, 0x134, 16.0, 0x56], bit=8.0)

    assert came == b"\x12\x34\x56"
    assert errors == (1, 0)


def test_uart_counts_the_bytes_that_nobody_took_in_time():
    """The first one waits, those after it are lost."""
    came, _, errors = looped(Loop("uart", 8, delay=330), BYTES[:6], bit=8.0)

    assert came == BYTES[:1] + BYTES[4:6]
    assert errors == (0, 3)


@pytest.mark.parametrize("seed", range(4))
def test_parallel_port_carries_bytes_whatever_the_phase_and_the_pauses(seed):
    rng = random.Random(seed)
    data = [one for byte in BYTES for one in (byte, rng.choice([0.0, rng.uniform(0, 40)]))]

    came, _, _ = looped(Loop("parallel", delay=200 * (seed % 2)), data, answer=rng.uniform(0.01, 9), phase=rng.random())

    assert came == BYTES


def test_parallel_port_takes_as_many_cycles_a_byte_as_promised():
    """The host answers at once, and its edges lie just before those of the board."""
    loop = Loop("parallel")
    host = SimulatedPort(loop, loop, answer=0.001, phase=0.9)
    host.write(BYTES * 5)
    came = 0
    while came < 5 * len(BYTES):
        came += len(host.read(8.0))

    assert 7 * 5 * len(BYTES) <= host.cycles <= 7 * 5 * len(BYTES) + 24
