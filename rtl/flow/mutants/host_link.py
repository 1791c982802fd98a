"""Planted faults of the host link: each must be found by one of its scenes (``tests/bench/hostscenes.py``)."""

from tokensieve.rtl.flow.mutants.base import Mutant


def _faults(module: str, *rows: tuple[str, str, str, str]) -> tuple[Mutant, ...]:
    """Return faults of a module of the link: name, text, what stands there instead, what fault it is."""
    place = f"tokensieve.rtl.host.{module}"
    return tuple(Mutant(name=name, module=place, old=old, new=new, why=why) for name, old, new, why in rows)


_RECEIVER = _faults(
    "frames",
    (
        "start-byte-loose", "byte == REQUEST_START", "byte[:7] == REQUEST_START & 0x7F",
        "a byte that differs from the start byte in its highest bit begins a frame",
    ),
    (
        "seq-of-before", "[o.seq.eq(0), place.eq(0), part.eq(0)]", "[place.eq(0), part.eq(0)]",
        "the reply to a timeout before the seq has the seq of the frame before",
    ),
    (
        "place-of-before", "o.seq.eq(0), place.eq(0), part.eq(0)", "o.seq.eq(0), part.eq(0)",
        "a payload is kept behind the one before",
    ),
    (
        "part-of-before", "o.seq.eq(0), place.eq(0), part.eq(0)", "o.seq.eq(0), place.eq(0)",
        "a payload that cuts a token spoils the next frame",
    ),
    (
        "length-of-a-byte", '("HIGH", length[8:], "MEASURE")', '("HIGH", Signal(8), "MEASURE")',
        "the length's high byte is not looked at",
    ),
    (
        "longest-refused", "length > frames.longest_request", "length >= frames.longest_request",
        "the longest sequence is refused",
    ),
    (
        "too-long-waits", "length > frames.longest_request", "length > frames.longest_request + frames.token_bytes",
        "a payload that is a token too long is waited for",
    ),
    ("crc-of-a-byte", "crc.crc == check", "crc.crc[:8] == check[:8]", "the CRC's high byte is not compared"),
    ("payload-without-crc", "wants.eq(room), crc.valid.eq(fresh)", "wants.eq(room)", "the CRC leaves the payload out"),
    (
        "crc-goes-on", "wants.eq(1), crc.start.eq(1)", "wants.eq(1)",
        "the CRC begins with what the frame before has left",
    ),
    (
        "command-cut", "(command == one for one", "(command[:7] == one for one",
        "a command's highest bit is not looked at",
    ),
    (
        "token-cut", "command == Command.SEQUENCE, part == 0,", "command == Command.SEQUENCE, 1,",
        "a payload may cut a token",
    ),
    ("payload-of-any", "part == 0, length == 0", "part == 0, 1", "a command that takes no payload may have one"),
    (
        "bad-crc-last", "Mux(same, Mux(known, status, ReplyStatus.UNKNOWN_COMMAND), ReplyStatus.BAD_CRC)",
        "Mux(known, Mux(same, status, ReplyStatus.BAD_CRC), ReplyStatus.UNKNOWN_COMMAND)",
        "a spoiled command is answered as unknown, not as a bad CRC",
    ),
    (
        "broken-reset", "(o.status == ReplyStatus.OK) & (command == Command.RESET)", "command == Command.RESET",
        "a request RESET that is not right resets",
    ),
    (
        "reset-drops-its-reply", 'm.next = "RESTART"', 'm.next = "OFFER"',
        "the request RESET is offered before the reset is over, which drops it",
    ),
    (
        "overwrites", "room.eq(~self.wanted | (place < self.at))", "room.eq(1)",
        "a payload that is still read is overwritten",
    ),
    ("overwrites-one", "place < self.at", "place <= self.at", "the byte that is read next is overwritten"),
    ("timeout-late", "self._timeout - 2", "self._timeout - 1", "a byte may come a cycle too late"),
    (
        "timeout-of-frame", "Mux(takes & ~hunts, timer - 1, most)", "Mux(hunts, most, timer - 1)",
        "the timeout is that of the whole frame",
    ),
    (
        "header-waits", "m.next = after\n            give_up()", "m.next = after",
        "within header and CRC a byte is waited for for ever",
    ),
    (
        "payload-waits", 'm.next = "CRC_LOW"\n                give_up()', 'm.next = "CRC_LOW"',
        "within a payload a byte is waited for for ever",
    ),
    (
        "three-cycles", "~fresh & ~settles & ~late", "~fresh & ~late",
        "a byte is taken before what follows from the one before is known",
    ),
)  # fmt: skip

_ANSWERER = _faults(
    "core",
    ("no-reset", "again.eq(receiver.restart)", "again.eq(0)", "a request RESET does nothing"),
    (
        "counters-stay", "name: Signal(8 * size, name=name)", "name: Signal(8 * size, name=name, reset_less=True)",
        "a reset leaves the counters",
    ),
    (
        "reads-twice", "~waiting.o.valid & ~reader.busy", "~waiting.o.valid",
        "a payload is begun while the one before is still read",
    ),
    ("answer-lost", "~waiting.o.valid & ~reader.busy", "~reader.busy", "a third answer overwrites the one that waits"),
    (
        "broken-sequence", "(told.status == ReplyStatus.OK) & (told.command == Command.SEQUENCE)",
        "told.command == Command.SEQUENCE", "the unit gets sequences whose frames are broken",
    ),
    (
        "unit-not-awaited", "sender.body.valid.eq(~of_unit | writer.o.valid)", "sender.body.valid.eq(1)",
        "a reply is sent before the unit has answered",
    ),
    (
        "version-backwards", 'from_bytes(frames.version, "little")', 'from_bytes(frames.version, "big")',
        "the version's bytes leave from the last on",
    ),
    (
        "counts-broken", "good = sent.p.status == ReplyStatus.OK", "good = Const(1)",
        "broken sequences are counted as sequences",
    ),
    (
        "counts-while-waiting", '"timeouts": taken & (self', '"timeouts": self.i.valid & (self',
        "a timeout that waits is counted in every cycle",
    ),
    ("counter-wraps", "with m.If(happens & ~full):", "with m.If(happens):", "a counter begins again at 0"),
)  # fmt: skip

_READER = _faults(
    "records",
    (
        "first-byte-early", "self.reads & ~fills", "self.reads",
        "what is taken for the first byte is one that was read before",
    ),
    (
        "reads-on", "[self.busy.eq(1), self.at.eq(0), left.eq", "[self.busy.eq(1), left.eq",
        "a payload is read from where the one before has ended",
    ),
    (
        "lanes-swapped", "bits[8 * size * number :]", "bits[8 * size * (lanes - 1 - number) :]",
        "the last token of a beat is its first one",
    ),
    (
        "count-goes-on", '[self.o.p["count"].eq(0), self.busy', "[self.busy",
        "a beat's count begins with that of the beat before",
    ),
    ("wanted-again", "left.eq(left - self.wanted)", "left.eq(left - 1)", "behind its end a payload is read on"),
)  # fmt: skip

_WRITER = _faults(
    "records",
    (
        "last-beat-whole", "Mux(self.i.p.last, rest - 1, full - 1)", "full - 1",
        "lanes of a last beat that hold no token go into the next reply",
    ),
    (
        "beat-overwritten", "self.i.ready.eq(~self.o.valid)", "self.i.ready.eq(~self.o.valid | self.o.ready)",
        "the next beat comes before all bytes have left",
    ),
)  # fmt: skip

_SENDER = _faults(
    "replies",
    (
        "echo-swapped", '("ECHO_LOW", i.crc[:8], "ECHO_HIGH")', '("ECHO_LOW", i.crc[8:], "ECHO_HIGH")',
        "the echo's low byte is its high one",
    ),
    (
        "length-of-broken", "with m.If(i.status == ReplyStatus.OK), m.Switch(i.command):", "with m.Switch(i.command):",
        "a reply that is not OK announces a payload",
    ),
    (
        "body-without-crc", "self.body.ready.eq(moves)]\n                m.d.comb += crc.valid.eq(moves)",
        "self.body.ready.eq(moves)]", "the CRC leaves the body out",
    ),
    ("gaps-filled", "there.eq(self.body.valid)", "there.eq(1)", "bytes are sent that the unit has not given yet"),
    ("byte-more", "ends.eq(left == 1)", "ends.eq(left == 0)", "a body has a byte too many"),
    (
        "byte-given-up", "with m.If(o.valid & o.ready):", "with m.If(o.valid):",
        "a byte that waits for the port is given up",
    ),
    ("empty-body", "with m.If(moves & (body == 0)):", "with m.If(0):", "the reply to RESET waits for a body"),
)  # fmt: skip

_UART = _faults(
    "uart",
    ("samples-early", "count.eq(self._divisor // 2 - 1)", "count.eq(0)", "bits are sampled where they begin"),
    (
        "samples-late", "count.eq(self._divisor // 2 - 1)", "count.eq(self._divisor - 1)",
        "bits are sampled where they end",
    ),
    (
        "one-flip-flop", "m.submodules.synchronizer = FFSynchronizer(self.rx, line, init=1)",
        "m.d.sync += line.eq(self.rx)", "the line goes through one flip-flop",
    ),
    (
        "spike-begins", "(left == _DATA_BITS + 2) & line", "(left == _DATA_BITS + 2) & 0",
        "a low line shorter than half a bit is a byte",
    ),
    (
        "framing-uncounted", "self.framing_error.eq(ends & ~line)", "self.framing_error.eq(0)",
        "a stop bit that is low is no error",
    ),
    (
        "break-repeats", "m.d.sync += broken.eq(1)", "m.d.sync += broken.eq(0)",
        "a line that stays low is byte after byte",
    ),
    (
        "overrun-overwrites", "with m.If(~self.o.valid | self.o.ready):", "with m.If(ends | self.o.ready):",
        "a byte that waits is overwritten",
    ),
    ("overrun-uncounted", "ends & self.o.valid & ~self.o.ready", "0", "a byte that is lost is not counted"),
    (
        "no-stop-bit", "left.eq(_DATA_BITS + 1), count", "left.eq(_DATA_BITS), count",
        "the next byte begins in the stop bit",
    ),
    (
        "start-bit-long", "left.eq(_DATA_BITS + 1), count.eq(self._divisor - 1)",
        "left.eq(_DATA_BITS + 1), count.eq(self._divisor)", "a start bit is a cycle too long",
    ),
)  # fmt: skip

_PARALLEL = _faults(
    "parallel",
    (
        "req-one-flip-flop", "m.submodules.synchronizer = FFSynchronizer(self.req, req)",
        "m.d.sync += req.eq(self.req)", "the host's req goes through one flip-flop",
    ),
    (
        "ack-one-flip-flop", "m.submodules.synchronizer = FFSynchronizer(self.ack, ack)",
        "m.d.sync += ack.eq(self.ack)", "the host's ack goes through one flip-flop",
    ),
    (
        "byte-not-kept", "m.d.sync += [self.o.payload.eq(self.data), self.o",
        "m.d.comb += self.o.payload.eq(self.data)\n            m.d.sync += [self.o",
        "a byte that waits is read off the wires",
    ),
    (
        "ack-early", "with m.Elif(~self.ack & (~self.o.valid | self.o.ready)):", "with m.Elif(~self.ack):",
        "ack does not wait until the byte before was taken",
    ),
    (
        "data-with-req", "[self.data.eq(self.i.payload), loaded.eq(1)]",
        "[self.data.eq(self.i.payload), self.req.eq(1)]", "data changes as req rises",
    ),
    ("two-phases", "~loaded & ~self.req & ~ack", "~loaded & ~self.req", "data changes before ack has fallen"),
    ("req-falls-early", "with m.If(ack):", "with m.Else():", "req falls before ack has risen"),
)  # fmt: skip

_TOP = _faults(
    "top",
    (
        "errors-swapped", "[core.framing_error.eq(receiver.framing_error), core.overrun.eq(receiver.overrun)]",
        "[core.framing_error.eq(receiver.overrun), core.overrun.eq(receiver.framing_error)]",
        "bytes lost are counted as framing errors",
    ),
    (
        "overruns-unwired", "core.framing_error.eq(receiver.framing_error), core.overrun.eq(receiver.overrun)",
        "core.framing_error.eq(receiver.framing_error)", "bytes that the port has lost are not counted",
    ),
)  # fmt: skip

MUTANTS = (*_RECEIVER, *_ANSWERER, *_READER, *_WRITER, *_SENDER, *_UART, *_PARALLEL, *_TOP)
