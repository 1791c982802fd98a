"""Scenes of the host link: what its parts gave back, beside what they should have. A planted fault shows in one.

A scene yields pairs of both. It imports the hardware that it plays, so that a planted fault is in it.
"""

import random
from itertools import pairwise
from unittest.mock import patch

from amaranth.sim import Simulator
from bench.hostlinks import SILENCE, TIMEOUT, LinkModel, board
from bench.hostports import SimulatedPort
from bench.hostportscenes import parallel_bytes, uart_bytes, uart_lines_that_are_no_bytes

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_frames import COUNTER_FIELDS, Command, PrunerFormat, ReplyStatus, reply, request, take_reply
from tokensieve.arch.host_link import HostLink
from tokensieve.rtl.flow.mutants.base import planted

TINY = FixedLengthPruner(max_tokens=5, keep=3, lanes=2, score_bits=4, id_bits=9, count_stages=1, engines=1)
WIDE = TINY.model_copy(update={"max_tokens": 31, "keep": 1, "id_bits": 3})
LONG = PrunerFormat(TINY.model_copy(update={"max_tokens": 140}))
MOST = 4000  # bytes that no scene's board sends; a faulty one may send for ever

SEQUENCE, COUNTERS, VERSION, RESET = Command.SEQUENCE, Command.COUNTERS, Command.VERSION, Command.RESET


def sequence(seq, tokens, salt=0):
    """Return a request with so many tokens of 2 bytes; the bits above their scores are not 0."""
    return request(SEQUENCE, seq, random.Random(seq + 1000 * salt).randbytes(2 * tokens))


def spoiled(frame, place, bit):
    """Return a frame with a bit flipped."""
    return [byte ^ (at == place % len(frame)) << bit for at, byte in enumerate(frame)]


def heard(port, cycles=8 * SILENCE):
    """Return the bytes that come until the line is silent."""
    came = b""
    while len(came) < MOST and (more := port.read(cycles)):
        came += more
    return came


def told(came):
    """Return the replies in bytes, and the bytes that are left; the count of cycles is made 0."""
    left, found = bytearray(came), []
    while left and (reply := take_reply(left, LONG.longest_reply)) is not None:
        counters = len(reply.payload) == 2 + sum(COUNTER_FIELDS.values())
        payload = reply.payload[: -COUNTER_FIELDS["cycles"]] + bytes(COUNTER_FIELDS["cycles"])
        found.append((reply.status, reply.seq, payload if counters else reply.payload))
    return found, bytes(left)


def wanted(model, items):
    """Return the replies that `items` should get, as `told` returns them."""
    return [(one.status, one.seq, one.payload) for one in model.replies(items)], b""


def answers(items):
    """Return the bytes of the replies of a board that has just begun."""
    return b"".join(reply(one.status, one.seq, one.payload) for one in LinkModel(TINY).replies(items))


class Steady(SimulatedPort):
    """Counts the cycles in which a byte that waits is no longer offered."""

    moved = 0

    async def _clock(self, ctx):
        byte, waits, before = self.pins.o, False, 0
        async for _, _, valid, ready, payload in ctx.tick().sample(byte.valid, byte.ready, byte.payload):
            self.moved += waits and (not valid or payload != before)
            waits, before = valid and not ready, payload


class Receiver:
    """Drives a `FrameReceiver` alone, cycle by cycle."""

    def __init__(self, ctx, receiver):
        self.ctx, self.receiver, self.now, self.restarts = ctx, receiver, 0, []

    async def tick(self):
        """Let a cycle pass."""
        self.restarts += [self.now] * self.ctx.get(self.receiver.restart)
        await self.ctx.tick()
        self.now += 1

    async def give(self, data, nth=1, most=400):
        """Give each byte in the `nth` cycle in which one is taken; return the cycles, fewer if none is for `most`."""
        cycles, i = [], self.receiver.i
        for byte in data:
            left, patience = nth, most
            while left and patience:
                left, patience = left - self.ctx.get(i.ready), patience - 1
                self.ctx.set(i.valid, left == 0)
                self.ctx.set(i.payload, byte if left == 0 else 0)
                cycles += [self.now] * (left == 0)
                await self.tick()
            self.ctx.set(i.valid, 0)
            if left:
                break
        return cycles

    async def ask(self, most=100):
        """Return the cycle in which a request is offered, its status and its seq; take it. None if there is none."""
        o = self.receiver.o
        for _ in range(most):
            if self.ctx.get(o.valid):
                answer = self.now, self.ctx.get(o.p.status), self.ctx.get(o.p.seq)
                self.ctx.set(o.ready, 1)
                await self.tick()
                self.ctx.set(o.ready, 0)
                return answer
            await self.tick()
        return None

    async def kept(self, count):
        """Return so many bytes of the payload."""
        came = []
        for place in range(count):
            self.ctx.set(self.receiver.reads, 1)
            self.ctx.set(self.receiver.at, place)
            await self.tick()
            came.append(self.ctx.get(self.receiver.data))
        return bytes(came)


def receiver_alone():
    """A byte in each cycle that one may come in: paces, timeouts at each place, a long frame, room in the memory."""
    from tokensieve.rtl.host.frames import FrameReceiver

    receiver, pairs = FrameReceiver(LONG, TIMEOUT), []

    async def bench(ctx):
        host, frame = Receiver(ctx, receiver), sequence(7, 1)
        taken = await host.give(frame)
        pairs.append(([after - before for before, after in pairwise(taken[:5])], [4] * 4))
        pairs.append((await host.ask(), (taken[-1] + 7, ReplyStatus.OK, 7)))
        await host.give(frame, TIMEOUT)
        pairs.append(((await host.ask() or [0])[1:], (ReplyStatus.OK, 7)))
        for place in range(1, len(frame)):
            await host.give(frame[:place])
            await host.give([0xEE], TIMEOUT + 1, TIMEOUT + 8)
            pairs.append(((await host.ask() or [0])[1:], (ReplyStatus.TIMEOUT, 7 if place > 2 else 0)))
        whole = sequence(8, 140)
        await host.give(whole)
        pairs.append(((await host.ask() or [0])[1:], (ReplyStatus.OK, 8)))
        pairs.append((await host.kept(280), whole[5:-2]))
        for seq, flip in ((9, 1), (10, 0)):
            reset = request(RESET, seq)
            last = (await host.give([*reset[:-1], reset[-1] ^ flip]))[-1]
            pairs.append((await host.ask(), (last + 7, ReplyStatus.BAD_CRC if flip else ReplyStatus.OK, seq)))
            pairs.append(([*host.restarts], [] if flip else [last + 5]))
        ctx.set(receiver.wanted, 1)
        for at, room in ((7, 5 + 7), (9, 2), (280, 271 + 2)):
            ctx.set(receiver.at, at)
            pairs.append((len(await host.give(whole[: 5 + 280], most=3 * TIMEOUT)), room))

    simulator = Simulator(receiver)
    simulator.add_clock(1e-9)
    simulator.add_testbench(bench)
    simulator.run()
    yield from pairs


def mix():
    """Yield bytes before a silence each: right and broken frames, alone and one behind another."""
    frame = sequence(77, 1)
    yield [0x5A, *(0xA5 ^ 1 << bit for bit in range(8)), *request(VERSION, 1), *request(COUNTERS, 2)]
    yield [byte for tokens in (0, 1, 5, 2, 4, 3, 5) for byte in sequence(10 + tokens, tokens, salt=1)]
    for seq, broken in enumerate(
        [
            request(SEQUENCE, 30, bytes(3)), request(COUNTERS, 31, bytes(2)), request(RESET, 32, bytes(2)),
            request(0, 33), request(5, 34), request(0x82, 35, bytes(2)), request(0x43, 36), request(0x84, 37),
            spoiled(request(RESET, 38), -2, 0), spoiled(request(RESET, 39), -1, 7), spoiled(sequence(40, 5), 9, 4),
            request(SEQUENCE, 41, bytes(12)), request(SEQUENCE, 42, bytes(11))[:5], request(VERSION, 43)[:2],
            request(COUNTERS, 44, bytes(258))[:7],
        ],
        start=50,
    ):  # fmt: skip
        yield broken
        yield sequence(seq, 1 + seq % 5)
    for place in range(1, len(frame)):
        yield spoiled(frame, place, place % 8)
        yield frame[:place]
    yield [*spoiled(sequence(90, 2), 6, 1), *sequence(91, 3), *spoiled(frame, 1, 2), *request(VERSION, 92)]
    yield request(COUNTERS, 93)


def frames_mixed():
    """Requests of all kinds, right and broken."""
    port, model, parts = board(pruner=TINY), LinkModel(TINY), list(mix())
    for first in range(0, len(parts), 12):
        items = [one for part in parts[first : first + 12] for one in (*part, 2 * SILENCE)]
        port.write(items)
        yield told(heard(port)), wanted(model, items)


def frames_behind_waiting_replies():
    """Replies are not taken for long: payloads longer than them have no room, broken frames wait."""
    port, model, broken = board(pruner=WIDE, kind=Steady, timed=True), LinkModel(WIDE), [*sequence(50, 1)[:3], 64.0]
    items = [*sequence(1, 15), *sequence(2, 1), *broken]
    items += [one for seq, tokens in enumerate((15, 14, 0, 15, 15)) for one in sequence(seq, tokens, salt=2)]
    items += request(COUNTERS, 12)
    port.write(items)
    for stalled in (True, False, True):
        port.stalled = stalled
        port.run(400.0)
    port.stalled = False
    yield told(heard(port)), wanted(model, items)
    yield port.moved, 0


def reset_at_any_time():
    """While nothing is under way, while a sequence is, while a reply leaves, while replies wait."""
    port, reset = board(pruner=TINY, timed=True, step=2.0), request(RESET, 200)
    answer, dropped = answers(reset), answers([*sequence(1, 5), *sequence(2, 4)])
    port.write(reset)
    yield heard(port), answer
    for before, stalled in ((8, 0.0), (30, 0.0), (55, 0.0), (90, 0.0), (100, 160.0)):
        port.write([*sequence(1, 5), *sequence(2, 4)])
        port.stalled = bool(stalled)
        port.run(float(before))
        port.write(reset)
        port.run(stalled)
        port.stalled = False
        came = heard(port)
        yield (came[-len(answer) :], dropped.startswith(came[: -len(answer)])), (answer, True)
    given = [*spoiled(request(VERSION, 3), 2, 1), 3 * SILENCE, *sequence(4, 5), *request(COUNTERS, 5)]
    port.write(given)
    yield told(heard(port)), wanted(LinkModel(TINY), given)
    ends, cycles = [], []
    for _ in range(2):
        port.write([*request(COUNTERS, 6)])
        came = heard(port)
        ends.append(port.times[-1])
        cycles.append(int.from_bytes(came[-8:-2], "little"))
    yield cycles[1] - cycles[0], ends[1] - ends[0]
    port.write([*reset, 3 * SILENCE, *request(COUNTERS, 7)])
    came = heard(port)
    yield int.from_bytes(came[-8:-2], "little") < 10 * SILENCE, True


def events_of_the_port():
    """Counted one by one, and no more once the counter is full; it is a byte here."""
    with patch.dict(COUNTER_FIELDS, framing_errors=1):
        port, model = board(pruner=TINY), LinkModel(TINY)

        async def happen(ctx):
            await ctx.tick()
            for name, cycles in (("overrun", 3), ("framing_error", 300)):
                ctx.set(getattr(port.pins, name), 1)
                await ctx.tick().repeat(cycles)
                ctx.set(getattr(port.pins, name), 0)

        port.simulator.add_testbench(happen, background=True)
        port.run(310.0)
        model.counts |= {"overruns": 3, "framing_errors": 255}
        port.write(request(COUNTERS, 1))
        yield told(heard(port)), wanted(model, request(COUNTERS, 1))


def uart_errors_are_counted():
    """By the pruner behind a port."""
    port, model, frame = board(HostLink(divisor=4, timeout_cycles=100), TINY, bit=4.0), LinkModel(TINY), sequence(1, 1)
    for byte in frame[:3]:
        port.write([byte | 0x100, 4.0])
    port.write([*frame[3:], *request(COUNTERS, 2)])
    model.counts["framing_errors"] = 3
    yield told(heard(port, 700.0)), wanted(model, [*frame, *request(COUNTERS, 2)])
    for seq in range(8):
        port.write(request(VERSION, seq))
    heard(port, 700.0)
    port.write(request(COUNTERS, 3))
    [(_, _, counts)], _ = told(heard(port, 700.0))
    yield (counts[10], counts[12] > 0), (3, True)


_CORE = (frames_behind_waiting_replies, frames_mixed, reset_at_any_time)
SCENES = {
    "frames": (receiver_alone, *_CORE),
    "core": (events_of_the_port, *_CORE),
    "records": _CORE,
    "replies": _CORE,
    "uart": (uart_bytes, uart_lines_that_are_no_bytes),
    "parallel": (parallel_bytes,),
    "top": (uart_errors_are_counted,),
}
"""Scenes in which a fault of a module of the link may show."""


def first_difference(mutant):
    """Return the first scene in which a planted fault shows, with what was seen and what should be; else None."""
    with planted(mutant):
        for scene in SCENES[mutant.module.rpartition(".")[2]]:
            for seen, right in scene():
                if seen != right:
                    return f"{scene.__name__}: {seen} in place of {right}"
    return None
