"""Requests as they come to the board: found in a host's bytes, checked, and their payload kept.

Their format is in `tokensieve.arch.host_frames`.
"""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC16_IBM_3740
from amaranth.lib.data import StructLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tokensieve.arch.host_frames import REQUEST_START, Command, PrunerFormat, ReplyStatus

CRC = CRC16_IBM_3740(data_width=8)
"""Of all frames."""


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
    A byte every 4 cycles: a port takes longer, and what follows from a byte has time to go through registers.
    A request is on `o` 7 cycles after the transfer of a frame's last byte. `i` waits while a request waits on `o`, and
    while the next byte's place in the memory is `wanted`.

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
        High 2 cycles before a right request RESET is on `o`, for one cycle.
    reads : ``In(1)``
        `data` is to have the byte at place `at` of the latest payload from the next cycle on.
    at : ``In(range(frames.longest_request + 1))``
        See `reads`.
    wanted : ``In(1)``
        The latest payload is still read, from place `at` on: it is not overwritten from there on.
    data : ``Out(8)``
        The byte that was read last.
    """

    def __init__(self, frames: PrunerFormat, timeout_cycles: int) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(checked_request(frames))),
                "restart": Out(1),
                "reads": In(1),
                "at": In(range(frames.longest_request + 1)),
                "wanted": In(1),
                "data": Out(8),
            }
        )
        self._frames, self._timeout = frames, timeout_cycles

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        frames, o = self._frames, self.o.p
        m.submodules.crc = crc = CRC.create()
        byte = Signal(8)
        fresh = Signal()  # `byte` has come in the cycle before
        late = Signal()  # none has come in time
        wants = Signal()
        command = Signal(8)
        length = Signal(16)
        check = Signal(16)
        place = Signal(range(frames.longest_request + 1))
        part = Signal(range(frames.token_bytes))
        left = Signal(place.shape())  # bytes of the payload still to come
        ends = Signal()
        room = Signal()
        none = Signal()
        too_long = Signal()
        m.d.comb += [crc.data.eq(byte), o.command.eq(command), o.length.eq(length), o.crc.eq(check)]
        # What is compared is compared a cycle before it is asked for.
        m.d.sync += [ends.eq(left == 1), room.eq(~self.wanted | (place < self.at))]
        m.d.sync += [none.eq(length == 0), too_long.eq(length > frames.longest_request)]
        m.d.sync += self.restart.eq(0)
        status = self._judged(m, crc.crc == check, command, length, part)

        def collect(field: Value, after: str) -> None:
            """Take a byte into `field` and go on to the state `after`, or give up."""
            m.d.comb += wants.eq(1)
            with m.If(fresh):
                m.d.sync += field.eq(byte)
                m.next = after
            give_up()

        def give_up() -> None:
            with m.If(late):
                m.d.sync += o.status.eq(ReplyStatus.TIMEOUT)
                m.next = "OFFER"

        with m.FSM() as machine:
            with m.State("HUNT"):
                m.d.comb += [wants.eq(1), crc.start.eq(1)]
                m.d.sync += [o.seq.eq(0), place.eq(0), part.eq(0)]
                with m.If(fresh & (byte == REQUEST_START)):
                    m.next = "COMMAND"
            for state, field, after in (
                ("COMMAND", command, "SEQ"), ("SEQ", o.seq, "LOW"), ("LOW", length[:8], "HIGH"),
                ("HIGH", length[8:], "MEASURE"),
            ):  # fmt: skip
                with m.State(state):
                    m.d.comb += crc.valid.eq(fresh)
                    collect(field, after)
            with m.State("MEASURE"):  # the length is compared
                m.next = "LENGTH"
            with m.State("LENGTH"):
                m.d.sync += left.eq(length)
                m.next = "PAYLOAD"
                with m.If(none):
                    m.next = "CRC_LOW"
                with m.Elif(too_long):
                    m.d.sync += o.status.eq(ReplyStatus.BAD_LENGTH)
                    m.next = "OFFER"
            with m.State("PAYLOAD"):
                m.d.comb += [wants.eq(room), crc.valid.eq(fresh)]
                with m.If(fresh):
                    m.d.sync += [place.eq(place + 1), left.eq(left - 1)]
                    m.d.sync += part.eq(Mux(part == frames.token_bytes - 1, 0, part + 1))
                    with m.If(ends):
                        m.next = "CRC_LOW"
                give_up()
            for state, field, after in (("CRC_LOW", check[:8], "CRC_HIGH"), ("CRC_HIGH", check[8:], "CHECK")):
                with m.State(state):
                    collect(field, after)
            with m.State("CHECK"):  # the CRC is compared
                m.next = "JUDGE"
            with m.State("JUDGE"):
                m.d.sync += o.status.eq(status)
                m.next = "ACT"
            with m.State("ACT"):
                m.d.sync += self.restart.eq((o.status == ReplyStatus.OK) & (command == Command.RESET))
                m.next = "RESTART"
            with m.State("RESTART"):  # the reset has a register before it goes to all of the unit
                m.next = "OFFER"
            with m.State("OFFER"):
                m.d.sync += self.o.valid.eq(1)
                m.next = "TELL"
            with m.State("TELL"), m.If(self.o.ready):
                m.d.sync += self.o.valid.eq(0)
                m.next = "HUNT"

        self._take(m, wants, machine.ongoing("HUNT"), byte, fresh, late)
        self._keep(m, machine.ongoing("PAYLOAD") & fresh, place, byte)
        return m

    def _judged(self, m: Module, right: Value, command: Signal, length: Signal, part: Signal) -> Value:
        """Return the status of a frame that is whole since 2 cycles: tokens are not cut, others have no payload."""
        known = Signal()
        whole = Signal()
        same = Signal()
        m.d.sync += [known.eq(sum((command == one for one in Command), start=Value.cast(0)) != 0), same.eq(right)]
        m.d.sync += whole.eq(Mux(command == Command.SEQUENCE, part == 0, length == 0))
        status = Mux(whole, ReplyStatus.OK, ReplyStatus.BAD_LENGTH)
        return Mux(same, Mux(known, status, ReplyStatus.UNKNOWN_COMMAND), ReplyStatus.BAD_CRC)

    def _take(self, m: Module, wants: Signal, hunts: Value, byte: Signal, fresh: Signal, late: Signal) -> None:
        """Take a byte while one is wanted, and wait until what follows from it is known; within a frame no longer
        than `timeout_cycles`."""
        takes = Signal()
        settles = Signal()
        most = self._timeout - 2
        timer = Signal(most.bit_length() + 1, init=most)  # runs out below 0
        m.d.comb += self.i.ready.eq(takes)
        m.d.sync += [fresh.eq(0), settles.eq(fresh), late.eq(0), timer.eq(Mux(takes & ~hunts, timer - 1, most))]
        with m.If(takes):
            m.d.sync += byte.eq(self.i.payload)
            with m.If(self.i.valid):
                m.d.sync += [takes.eq(0), fresh.eq(1)]
            with m.Elif(timer[-1]):
                m.d.sync += [takes.eq(0), late.eq(1)]
        with m.Elif(~fresh & ~settles & ~late):
            m.d.sync += takes.eq(wants)

    def _keep(self, m: Module, writes: Value, place: Signal, byte: Signal) -> None:
        """Write the payload's bytes, read the one that is asked for: no byte in the cycle in which it is written."""
        depth, attrs = max(2, self._frames.longest_request), {"ram_style": "block", "no_rw_check": 1}
        m.submodules.payload = memory = Memory(shape=8, depth=depth, init=[], attrs=attrs)
        write = memory.write_port()
        read = memory.read_port()
        m.d.comb += [write.en.eq(writes), write.addr.eq(place), write.data.eq(byte)]
        m.d.comb += [read.en.eq(self.reads), read.addr.eq(self.at), self.data.eq(read.data)]
