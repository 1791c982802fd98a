"""A host on the pins of a simulated board: it has a clock of its own, so its edges lie anywhere in the board's cycles.

Times are in cycles of the board. Hardware is imported where it is built, so that a planted fault is in it.
"""

from collections import deque

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.sim import Simulator

_CYCLE = 1e-9


class SimulatedPort:
    """Bytes to and from a board, whose clock runs while the host reads.

    `pins` has the ports of `HostTop`, or is a `HostCore`, whose streams then move a byte a cycle. `bit` is the host's
    bit of a UART, `answer` how long the host waits before each edge of a parallel port, and `phase` by how much its
    first edge is off the board's. The host looks for bytes every `step` cycles.

    `times` has the cycle in which each byte came, if the port is `timed`, and `seen` the latest value of the signal
    `watched`. Nothing is taken of a stream while `stalled`.
    """

    def __init__(self, component, pins, *, bit=32.0, answer=0.01, phase=0.25, step=8.0, watched=None, timed=False):
        self.pins, self.bit, self.answer, self.phase, self.step = pins, bit, answer, phase, step
        self.watched, self.seen, self.times, self.now, self.stalled = watched, 0, [], 0, False
        self.to_board, self.from_board, self.cycles = deque(), deque(), 0.0
        self.simulator = Simulator(component)
        self.simulator.add_clock(_CYCLE)
        sides = {"rx": [self._send_bits, self._sample_bits], "in_req": [self._offer, self._take]}
        ends = next((ends for pin, ends in sides.items() if hasattr(pins, pin)), [self._push, self._pull])
        for side in [*[self._clock] * timed, *ends, *[self._watch] * (watched is not None)]:
            self.simulator.add_testbench(side, background=True)

    def write(self, data):
        """Have `data` sent: bytes, or a list of bytes and pauses (floats). Bit 8 of a byte spoils its stop bit."""
        self.to_board.extend(data)

    def read(self, cycles):
        """Return the bytes that have come, at the latest after `cycles` without one."""
        until = self.cycles + cycles
        while not self.from_board and self.cycles < until:
            self.run(min(self.step, until - self.cycles))
        came = bytes(self.from_board)
        self.from_board.clear()
        return came

    def read_all(self, cycles):
        """Return all bytes that come until there is none for `cycles`."""
        came = b""
        while more := self.read(cycles):
            came += more
        return came

    def run(self, cycles):
        """Let the board run."""
        self.cycles += cycles
        self.simulator.run_until(_CYCLE * self.cycles)

    def _arrived(self, byte):
        self.from_board.append(byte)
        self.times.append(self.now)

    async def _clock(self, ctx):
        async for _ in ctx.tick():
            self.now += 1

    async def _watch(self, ctx):
        async for (value,) in ctx.changed(self.watched):
            self.seen = value

    async def _next(self, ctx):
        """Return the next byte to be sent, after the pause before it."""
        while not self.to_board or isinstance(self.to_board[0], float):
            await ctx.delay(_CYCLE * (self.to_board.popleft() if self.to_board else 16.0))
        return self.to_board.popleft()

    async def _send_bits(self, ctx):
        await ctx.delay(_CYCLE * self.phase)
        while True:
            byte = await self._next(ctx)
            for bit in (0, *(byte >> n & 1 for n in range(8)), 1 - (byte >> 8)):
                ctx.set(self.pins.rx, bit)
                await ctx.delay(_CYCLE * self.bit)
            ctx.set(self.pins.rx, 1)

    async def _sample_bits(self, ctx):
        while True:
            await ctx.negedge(self.pins.tx)
            await ctx.delay(_CYCLE * 1.5 * self.bit)
            byte = 0
            for n in range(8):
                byte |= ctx.get(self.pins.tx) << n
                await ctx.delay(_CYCLE * self.bit)
            if ctx.get(self.pins.tx):  # a byte without a stop bit is none
                self._arrived(byte)

    async def _offer(self, ctx):
        await ctx.delay(_CYCLE * self.phase)
        while True:
            ctx.set(self.pins.in_data, await self._next(ctx))
            for level in (1, 0):
                await ctx.delay(_CYCLE * self.answer)
                ctx.set(self.pins.in_req, level)
                await _until(ctx, self.pins.in_ack, level)
                ctx.set(self.pins.in_data, 0xFF)  # free from the rising `ack` on

    async def _take(self, ctx):
        await ctx.delay(_CYCLE * self.phase)
        while True:
            for level in (1, 0):
                await _until(ctx, self.pins.out_req, level)
                if level:
                    self._arrived(ctx.get(self.pins.out_data))
                await ctx.delay(_CYCLE * self.answer)
                ctx.set(self.pins.out_ack, level)

    async def _push(self, ctx):
        byte, ready = self.pins.i, False
        while True:
            ctx.set(byte.payload, await self._next(ctx))
            ctx.set(byte.valid, 1)
            while not ready:
                _, _, ready = await ctx.tick().sample(byte.ready)
            ctx.set(byte.valid, ready := False)

    async def _pull(self, ctx):
        byte = self.pins.o
        while True:
            ctx.set(byte.ready, not self.stalled)
            _, _, moves, payload = await ctx.tick().sample(byte.valid & byte.ready, byte.payload)
            if moves:
                self._arrived(payload)


async def _until(ctx, strobe, level):
    """Wait until `strobe` has a level."""
    if ctx.get(strobe) != level:
        await (ctx.posedge(strobe) if level else ctx.negedge(strobe))


class Loop(wiring.Component):
    """Hands each byte back, the first one after `delay` cycles; counts framing errors and bytes lost in `errors`."""

    def __init__(self, port, divisor=0, delay=0):
        from tokensieve.rtl.host.top import PINS

        super().__init__(PINS[port])
        self.port, self.divisor, self.delay, self.errors = port, divisor, delay, Signal(16)

    def elaborate(self, platform):
        from tokensieve.rtl.host.parallel import ParallelReceiver, ParallelTransmitter
        from tokensieve.rtl.host.uart import UartReceiver, UartTransmitter

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


def looped(loop, data, kind=SimulatedPort, **timing):
    """Return what came back of `data`, the host's port, and how many framing errors and lost bytes there were."""
    host = kind(loop, loop, watched=loop.errors, **timing)
    host.write(data)
    came = host.read_all(3000.0)
    return came, host, (host.seen & 0xFF, host.seen >> 8)
