"""Frames of the host link: taken apart and checked on the way in, put together on the way out.

Their format is in `tokensieve.arch.host_frames`.
"""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC16_IBM_3740
from amaranth.lib.data import StructLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tokensieve.arch.host_frames import (
    ECHO_BYTES,
    REPLY_START,
    REQUEST_START,
    Command,
    PrunerFormat,
    ReplyStatus,
)

_CRC = CRC16_IBM_3740(data_width=8)


def checked_request(frames: PrunerFormat) -> StructLayout:
    """Return the layout of a request that has come, right or not: `status` says which.

    `seq` is 0 where it had not come. `command`, `length` and `crc`, the frame's, are meant where `status` is OK.
    """
    return StructLayout(
        {
            "status": unsigned(max(ReplyStatus).bit_length()),
            "command": unsigned(max(Command).bit_length()),
            "seq": unsigned(8),
            "length": unsigned(frames.longest_request.bit_length()),
            "crc": unsigned(16),
        }
    )


class FrameReceiver(wiring.Component):
    """Finds requests in a host's bytes, checks them, and keeps the payload of one.

    A frame begins at the first start byte outside a frame. It ends with its CRC, or where its length is longer than
    any payload may be, or after `timeout_cycles` in which `i` was ready and no byte came. Whatever it was, the next
    frame begins at the next start byte behind it: bytes of a broken frame are not looked at again.

    Timing
    ------
    A byte a cycle, but for a cycle after a header and two or more after a frame. `i` waits while a request waits on
    `o`, and while a byte's place in the memory is `wanted`.

    Parameters
    ----------
    frames : `PrunerFormat`
        Bytes of the frames.
    timeout_cycles : int
        Cycles without a byte after which a frame is given up.

    Members
    -------
    i : ``In(stream.Signature(8))``
        The host's bytes.
    o : ``Out(stream.Signature(checked_request(frames)))``
        Requests, right and broken.
    restart : ``Out(1)``
        High in the cycle before a right request RESET is on `o`.
    at : ``In(range(frames.longest_request + 1))``
        Place of the byte of the latest payload that `data` has in the next cycle.
    data : ``Out(8)``
        The byte.
    wanted : ``In(1)``
        The latest payload is still read, from place `oldest` on: it is not overwritten from there on.
    oldest : ``In(range(frames.longest_request + 1))``
        See `wanted`.
    """

    def __init__(self, frames: PrunerFormat, timeout_cycles: int) -> None:
        places = range(frames.longest_request + 1)
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(checked_request(frames))),
                "restart": Out(1),
                "at": In(places),
                "data": Out(8),
                "wanted": In(1),
                "oldest": In(places),
            }
        )
        self._frames, self._timeout = frames, timeout_cycles

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        frames, byte, o = self._frames, self.i.payload, self.o.p
        m.submodules.crc = crc = _CRC.create()
        moves = Signal()
        late = Signal()
        status = Signal(o.status.shape())
        command = Signal(8)
        length = Signal(16)
        check = Signal(16)
        place = Signal(range(frames.longest_request + 1))
        part = Signal(range(frames.token_bytes))
        m.d.comb += [moves.eq(self.i.valid & self.i.ready), crc.data.eq(byte)]
        m.d.comb += [o.command.eq(command), o.length.eq(length), o.crc.eq(check)]

        def collect(field: Value, after: str) -> None:
            """Take a byte into `field` and go on to the state `after`, or give up."""
            m.d.comb += self.i.ready.eq(1)
            with m.If(moves):
                m.d.sync += field.eq(byte)
                m.next = after
            give_up()

        def give_up() -> None:
            with m.If(late):
                m.d.sync += o.status.eq(ReplyStatus.TIMEOUT)
                m.next = "TELL"

        with m.FSM() as machine:
            with m.State("HUNT"):
                m.d.comb += [self.i.ready.eq(1), crc.start.eq(1)]
                m.d.sync += [o.seq.eq(0), place.eq(0), part.eq(0)]
                with m.If(moves & (byte == REQUEST_START)):
                    m.next = "COMMAND"
            for state, field, after in (
                ("COMMAND", command, "SEQ"), ("SEQ", o.seq, "LOW"), ("LOW", length[:8], "HIGH"),
                ("HIGH", length[8:], "LENGTH"),
            ):  # fmt: skip
                with m.State(state):
                    m.d.comb += crc.valid.eq(moves)
                    collect(field, after)
            with m.State("LENGTH"):
                m.next = "PAYLOAD"
                with m.If(length == 0):
                    m.next = "CRC_LOW"
                with m.Elif(length > frames.longest_request):
                    m.d.sync += o.status.eq(ReplyStatus.BAD_LENGTH)
                    m.next = "TELL"
            with m.State("PAYLOAD"):
                m.d.comb += [self.i.ready.eq(~self.wanted | (place < self.oldest)), crc.valid.eq(moves)]
                with m.If(moves):
                    m.d.sync += [place.eq(place + 1), part.eq(Mux(part == frames.token_bytes - 1, 0, part + 1))]
                    with m.If(place + 1 == length):
                        m.next = "CRC_LOW"
                give_up()
            for state, field, after in (("CRC_LOW", check[:8], "CRC_HIGH"), ("CRC_HIGH", check[8:], "JUDGE")):
                with m.State(state):
                    collect(field, after)
            with m.State("JUDGE"):
                m.d.comb += status.eq(_judged(crc.crc == check, command, length, part))
                m.d.sync += [
                    o.status.eq(status),
                    self.restart.eq((status == ReplyStatus.OK) & (command == Command.RESET)),
                ]
                m.next = "ACT"
            with m.State("ACT"):  # out of a register: the reset goes to all of the unit
                m.d.sync += self.restart.eq(0)
                m.next = "TELL"
            with m.State("TELL"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.next = "HUNT"

        self._wait(m, machine.ongoing("HUNT"), late)
        self._keep(m, machine.ongoing("PAYLOAD") & moves, place)
        return m

    def _wait(self, m: Module, hunts: Value, late: Signal) -> None:
        """Count the cycles in which a byte of a frame could have come."""
        timer = Signal(range(self._timeout))
        waits = Signal()
        m.d.comb += [waits.eq(self.i.ready & ~self.i.valid & ~hunts), late.eq(waits & (timer == self._timeout - 1))]
        m.d.sync += timer.eq(Mux(waits, timer + 1, 0))

    def _keep(self, m: Module, writes: Value, place: Signal) -> None:
        """Write the payload's bytes, read the one that is asked for."""
        m.submodules.payload = memory = Memory(
            shape=8, depth=max(2, self._frames.longest_request), init=[], attrs={"ram_style": "block"}
        )
        write = memory.write_port()
        read = memory.read_port()
        m.d.comb += [write.en.eq(writes), write.addr.eq(place), write.data.eq(self.i.payload)]
        m.d.comb += [read.en.eq(1), read.addr.eq(self.at), self.data.eq(read.data)]


def _judged(right: Value, command: Signal, length: Signal, part: Signal) -> Value:
    """Return the status of a whole frame: tokens are not cut, and other commands have no payload."""
    known, whole = Value.cast(0), Mux(command == Command.SEQUENCE, part == 0, length == 0)
    for one in Command:
        known |= command == one
    status = Mux(whole, ReplyStatus.OK, ReplyStatus.BAD_LENGTH)
    return Mux(right, Mux(known, status, ReplyStatus.UNKNOWN_COMMAND), ReplyStatus.BAD_CRC)


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
    A byte a cycle; the first one is on ``o`` in the cycle after the answer is on ``i``. An answer stays on ``i`` until
    its last byte has left.

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
    begins : ``Out(1)``
        High for one cycle before an answer's first byte.
    o : ``Out(stream.Signature(8))``
        Replies.
    """

    def __init__(self, frames: PrunerFormat) -> None:
        byte = stream.Signature(8)
        super().__init__({"i": In(stream.Signature(answer())), "body": In(byte), "begins": Out(1), "o": Out(byte)})
        self._frames = frames

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        i, o, frames = self.i.p, self.o, self._frames
        m.submodules.crc = crc = _CRC.create()
        moves = Signal()
        good = Signal()
        length = Signal(16)
        left = Signal(range(frames.longest_reply + 1))  # bytes of the payload still to come
        m.d.comb += [moves.eq(o.valid & o.ready), good.eq(i.status == ReplyStatus.OK), crc.data.eq(o.payload)]
        with m.If(good), m.Switch(i.command):
            for command in Command:
                with m.Case(command):
                    m.d.comb += length.eq(frames.reply_bytes(command))

        def give(byte: Value | int, after: str) -> None:
            m.d.comb += [o.valid.eq(1), o.payload.eq(byte)]
            with m.If(moves):
                m.next = after

        with m.FSM():
            with m.State("REST"):
                m.d.comb += [crc.start.eq(1), self.begins.eq(self.i.valid)]
                with m.If(self.i.valid):
                    m.next = "START"
            with m.State("START"):
                give(REPLY_START, "STATUS")
            for state, byte, after in (("STATUS", i.status, "SEQ"), ("SEQ", i.seq, "LOW"), ("LOW", length[:8], "HIGH")):
                with m.State(state):
                    m.d.comb += crc.valid.eq(moves)
                    give(byte, after)
            with m.State("HIGH"):
                m.d.comb += crc.valid.eq(moves)
                give(length[8:], "CRC_LOW")
                with m.If(moves & good):
                    m.next = "ECHO_LOW"
            with m.State("ECHO_LOW"):
                m.d.comb += crc.valid.eq(moves)
                give(i.crc[:8], "ECHO_HIGH")
            with m.State("ECHO_HIGH"):
                m.d.comb += crc.valid.eq(moves)
                give(i.crc[8:], "BODY")
                m.d.sync += left.eq(length - ECHO_BYTES)
                with m.If(moves & (length == ECHO_BYTES)):
                    m.next = "CRC_LOW"
            with m.State("BODY"):
                m.d.comb += [o.valid.eq(self.body.valid), o.payload.eq(self.body.payload), self.body.ready.eq(o.ready)]
                m.d.comb += crc.valid.eq(moves)
                with m.If(moves):
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        m.next = "CRC_LOW"
            with m.State("CRC_LOW"):
                give(crc.crc[:8], "CRC_HIGH")
            with m.State("CRC_HIGH"):
                give(crc.crc[8:], "REST")
                m.d.comb += self.i.ready.eq(o.ready)
        return m
