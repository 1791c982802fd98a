"""Tokens between bytes and beats: a payload's bytes into the unit's beats, kept tokens into bytes."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.host_frames import PrunerFormat
from tokensieve.rtl.beats import kept_tokens, packed_beat, token


class TokenReader(wiring.Component):
    """Reads a payload, byte by byte, and makes beats of its tokens.

    Timing
    ------
    A byte a cycle, the first one 2 cycles after `starts`, the last beat filled up with zeros at the same pace; a beat
    takes two cycles more at least.

    Parameters
    ----------
    frames : `PrunerFormat`
        Bytes of a token, and the unit's lanes.

    Members
    -------
    starts : ``In(1)``
        A payload of `length` bytes, whole tokens, is to be read. Only while `busy` is low.
    length : ``In(range(frames.longest_request + 1))``
        See `starts`.
    busy : ``Out(1)``
        High from the cycle after `starts` until the last beat has left.
    reads : ``Out(1)``
        `data` is to have the byte at place `at` from the next cycle on.
    at : ``Out(range(frames.longest_request + 1))``
        See `reads`; out of a register.
    wanted : ``Out(1)``
        Bytes from place `at` on are still to be read.
    data : ``In(8)``
        The byte that was read last.
    o : ``Out(stream.Signature(packed_beat(lanes, token(pruner))))``
        The sequence.
    """

    def __init__(self, frames: PrunerFormat) -> None:
        places, pruner = range(frames.longest_request + 1), frames.pruner
        super().__init__(
            {
                "starts": In(1),
                "length": In(places),
                "busy": Out(1),
                "reads": Out(1),
                "at": Out(places),
                "wanted": Out(1),
                "data": In(8),
                "o": Out(stream.Signature(packed_beat(pruner.lanes, token(pruner)))),
            }
        )
        self._frames = frames

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        lanes, size = self._frames.pruner.lanes, self._frames.token_bytes
        left = Signal(self.length.shape())  # bytes that are still to enter
        part = Signal(range(size))
        lane = Signal(range(lanes))
        bits = Signal(8 * size * lanes, reset_less=True)
        fills = Signal()  # the first byte is read
        leaves = Signal()  # a beat has left, in the cycle before
        steps = Signal()  # a byte enters; it is the last one of a token's place
        ends = Signal()
        m.d.comb += self.reads.eq(self.busy & ~self.o.valid & ~leaves)
        m.d.comb += [steps.eq(self.reads & ~fills), ends.eq(steps & (part == size - 1))]

        m.d.sync += [fills.eq(self.starts), self.at.eq(self.at + self.reads), leaves.eq(self.o.valid & self.o.ready)]
        with m.If(steps):
            m.d.sync += [bits.eq(Cat(bits[8:], Mux(self.wanted, self.data, 0))), part.eq(part + 1)]
            m.d.sync += [left.eq(left - self.wanted), self.wanted.eq(left[1:].any()), self.o.p.last.eq(~left[1:].any())]
        with m.If(ends):
            m.d.sync += [part.eq(0), lane.eq(lane + 1), self.o.p["count"].eq(self.o.p["count"] + self.wanted)]
            with m.If(lane == lanes - 1):
                m.d.sync += [lane.eq(0), self.o.valid.eq(1)]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(leaves):
            m.d.sync += [self.o.p["count"].eq(0), self.busy.eq(~self.o.p.last)]
        with m.If(self.starts):
            m.d.sync += [self.busy.eq(1), self.at.eq(0), left.eq(self.length), self.wanted.eq(self.length.any())]

        for number in range(lanes):
            m.d.comb += Value.cast(self.o.p.items[number]).eq(bits[8 * size * number :])
        return m


class TokenWriter(wiring.Component):
    """Makes bytes of the tokens that are kept.

    Timing
    ------
    A byte a cycle, and a cycle for each beat to enter.

    Parameters
    ----------
    frames : `PrunerFormat`
        Bytes of a kept token, tokens of a sequence, and the unit's lanes.

    Members
    -------
    i : ``In(stream.Signature(kept_tokens(pruner)))``
        Kept tokens. Their mark `too_long` is not looked at: no payload holds a sequence that is too long.
    o : ``Out(stream.Signature(8))``
        ``pruner.keep`` tokens of each sequence.
    """

    def __init__(self, frames: PrunerFormat) -> None:
        super().__init__({"i": In(stream.Signature(kept_tokens(frames.pruner))), "o": Out(stream.Signature(8))})
        self._frames = frames

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        pruner, size = self._frames.pruner, self._frames.kept_bytes
        full, rest = pruner.lanes * size, (pruner.keep - (pruner.keep_beats - 1) * pruner.lanes) * size
        bits = Signal(8 * full, reset_less=True)
        left = Signal(range(full))  # bytes behind the one on `o`
        m.d.comb += [self.i.ready.eq(~self.o.valid), self.o.payload.eq(bits[:8])]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [self.o.valid.eq(1), left.eq(Mux(self.i.p.last, rest - 1, full - 1))]
            for lane in range(pruner.lanes):
                m.d.sync += bits[8 * size * lane :][: 8 * size].eq(Value.cast(self.i.p.items[lane]))
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [bits.eq(bits[8:]), left.eq(left - 1), self.o.valid.eq(left != 0)]
        return m
