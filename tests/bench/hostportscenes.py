"""Scenes of the host's ports alone, which hand back each byte: see `bench.hostscenes`."""

import random

from bench.hostports import Loop, SimulatedPort, looped

BYTES = bytes([0x00, 0xFF, 0x55, 0xAA, 0x01, 0x80]) + random.Random(1).randbytes(14)


class Spike(SimulatedPort):
    """Pulls the line low for less than half a bit, before all others."""

    async def _send_bits(self, ctx):
        await ctx.delay(20e-9)
        ctx.set(self.pins.rx, 0)
        await ctx.delay(6e-9)
        ctx.set(self.pins.rx, 1)
        await super()._send_bits(ctx)


def uart_bytes():
    """Bytes at the edges of the host's clock, without gaps; each takes ten bits, and the first one its time."""
    for divisor, off in ((32, 0.045), (32, -0.045), (4, 0.02), (4, -0.02), (5, 0.0)):
        data = [one for byte in BYTES[:8] for one in (byte, *[1.2 * divisor] * (off < 0))]
        came, _, errors = looped(Loop("uart", divisor), data, bit=divisor * (1 + off), phase=0.37)
        yield (came, errors), (BYTES[:8], (0, 0))
    _, port, _ = looped(Loop("uart", 8), BYTES[:4], bit=8.0, phase=0.5, timed=True)
    edge = 2 + 1 + (8 // 2 + 9 * 8) + 1 + 1  # flip-flops, edge seen, middle of the stop bit, byte, start bit
    yield port.times, [edge + (1 + 2 * 9) * 4 + 10 * 8 * number for number in range(4)]


def uart_lines_that_are_no_bytes():
    """A spike, a stop bit that is low, a line that stays low, bytes that nobody takes."""
    yield looped(Loop("uart", 16), [100.0, 0x35], Spike, bit=16.0)[::2], (b"\x35", (0, 0))
    yield looped(Loop("uart", 8), [0x12, 0x134, 16.0, 0x56], bit=8.0)[::2], (b"\x12\x34\x56", (1, 0))
    yield looped(Loop("uart", 8), [0x100, 0x100, 16.0, 0x56], bit=8.0)[::2], (b"\x00\x56", (1, 0))
    yield looped(Loop("uart", 8, delay=330), BYTES[:6], bit=8.0)[::2], (BYTES[:1] + BYTES[4:6], (0, 3))


class Watched(SimulatedPort):
    """Counts the cycles in which the board's wires move although the host may look at them."""

    moved = 0

    async def _clock(self, ctx):
        before, held = None, 0
        async for _, _, data, req, ack in ctx.tick().sample(self.pins.out_data, self.pins.out_req, self.pins.out_ack):
            self.now += 1
            self.moved += (req or held) and data != before
            before, held = data, ack


def parallel_bytes():
    """Hosts at once and slow, in any phase, a board that does not take bytes at once."""
    for seed in range(4):
        rng = random.Random(seed)
        data = [one for byte in BYTES for one in (byte, rng.choice([0.0, rng.uniform(0, 40)]))]
        loop = Loop("parallel", delay=200 * (seed % 2))
        came, port, _ = looped(loop, data, Watched, timed=True, answer=rng.choice([0.01, 9.0]), phase=rng.random())
        yield (came, port.moved), (BYTES, 0)
    _, port, _ = looped(Loop("parallel"), BYTES[:4], answer=0.001, phase=0.9, timed=True)
    yield port.times, [port.times[0] + 7 * number for number in range(4)]
    yield port.times[0], 2 + 1 + 1 + 1 + 1  # flip-flops, byte, wires, strobe, seen
