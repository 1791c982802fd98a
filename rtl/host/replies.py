"""Replies as they leave the board: put together byte by byte.

Their format is in `tokensieve.arch.host_frames`.
"""

from typing import Any

from amaranth.hdl import Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.host_frames import ECHO_BYTES, REPLY_START, Command, PrunerFormat, ReplyStatus
from tokensieve.rtl.host.frames import CRC


def answer() -> StructLayout:
    """Return the layout of what a reply is about: the request's `command` and `crc` are meant where `status` is OK."""
    return StructLayout(
        {
            "status": unsigned(max(ReplyStatus).bit_length()),
            "command": unsigned(max(Command).bit_length()),
            "seq": unsigned(8),
            "crc": unsigned(16),
        }
    )


class FrameSender(wiring.Component):
    """Makes the bytes of a reply.

    Timing
    ------
    A byte every third cycle, out of a register; the first one is on ``o`` 2 cycles after the answer is on ``i``. An
    answer stays on ``i`` until its last byte has left. ``body`` is taken a cycle after its byte has left.

    Parameters
    ----------
    frames : `PrunerFormat`
        Bytes of the frames.

    Members
    -------
    i : ``In(stream.Signature(answer()))``
        Answers.
    body : ``In(stream.Signature(8))``
        Payload of answers with status OK, after the echo.
    prepares : ``Out(1)``
        High before the body begins: what it is made of may change up to here.
    o : ``Out(stream.Signature(8))``
        Replies.
    """

    def __init__(self, frames: PrunerFormat) -> None:
        byte = stream.Signature(8)
        super().__init__({"i": In(stream.Signature(answer())), "body": In(byte), "prepares": Out(1), "o": Out(byte)})
        self._frames = frames

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        i, o = self.i.p, self.o
        m.submodules.crc = crc = CRC.create()
        moves = Signal()  # a byte has left, in the cycle before
        there = Signal()  # `byte` is the next one
        byte = Signal(8)
        m.d.comb += crc.data.eq(o.payload)
        m.d.sync += moves.eq(o.valid & o.ready)
        with m.If(o.valid & o.ready):
            m.d.sync += o.valid.eq(0)
        with m.Elif(~o.valid & ~moves):
            m.d.sync += [o.valid.eq(there), o.payload.eq(byte)]
        good, length, body = self._measure(m)
        left = Signal.like(body)  # bytes of the body still to come
        ends = Signal()
        m.d.sync += ends.eq(left == 1)

        def give(value: Value | int, after: str) -> None:
            m.d.comb += [there.eq(1), byte.eq(value)]
            with m.If(moves):
                m.next = after

        with m.FSM():
            with m.State("REST"):
                m.d.comb += crc.start.eq(1)
                with m.If(self.i.valid):
                    m.next = "START"
            with m.State("START"):
                give(REPLY_START, "STATUS")
            for state, value, after in (
                ("STATUS", i.status, "SEQ"), ("SEQ", i.seq, "LOW"), ("LOW", length[:8], "HIGH"),
                ("ECHO_LOW", i.crc[:8], "ECHO_HIGH"),
            ):  # fmt: skip
                with m.State(state):
                    m.d.comb += crc.valid.eq(moves)
                    give(value, after)
            with m.State("HIGH"):
                m.d.comb += [crc.valid.eq(moves), self.prepares.eq(1)]
                give(length[8:], "CRC_LOW")
                with m.If(moves & good):
                    m.next = "ECHO_LOW"
            with m.State("ECHO_HIGH"):
                m.d.comb += crc.valid.eq(moves)
                m.d.sync += left.eq(body)
                give(i.crc[8:], "BODY")
                with m.If(moves & (body == 0)):
                    m.next = "CRC_LOW"
            with m.State("BODY"):
                m.d.comb += [there.eq(self.body.valid), byte.eq(self.body.payload), self.body.ready.eq(moves)]
                m.d.comb += crc.valid.eq(moves)
                with m.If(moves):
                    m.d.sync += left.eq(left - 1)
                    with m.If(ends):
                        m.next = "CRC_LOW"
            with m.State("CRC_LOW"):
                give(crc.crc[:8], "CRC_HIGH")
            with m.State("CRC_HIGH"):
                give(crc.crc[8:], "END")
            with m.State("END"):
                m.d.comb += self.i.ready.eq(1)
                m.next = "REST"
        return m

    def _measure(self, m: Module) -> tuple[Signal, Signal, Signal]:
        """Return whether the answer is OK, and the bytes of its payload and of its body, a cycle after it came."""
        i, frames = self.i.p, self._frames
        good = Signal()
        length = Signal(16)
        body = Signal(range(frames.longest_reply + 1))
        m.d.sync += [good.eq(i.status == ReplyStatus.OK), length.eq(0)]
        with m.If(i.status == ReplyStatus.OK), m.Switch(i.command):
            for command in Command:
                with m.Case(command):
                    whole = frames.reply_bytes(command)
                    m.d.sync += [length.eq(whole), body.eq(whole - ECHO_BYTES)]
        return good, length, body
