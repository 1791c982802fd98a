"""The fixed-length pruner between two streams of bytes: requests in, replies out."""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, DomainRenamer, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_frames import COUNTER_FIELDS, Command, PrunerFormat, ReplyStatus
from tokensieve.rtl.fixed_length_pruner import FixedLengthPruner as Unit
from tokensieve.rtl.host.frames import FrameReceiver, checked_request
from tokensieve.rtl.host.records import TokenReader, TokenWriter
from tokensieve.rtl.host.replies import FrameSender, answer
from tokensieve.rtl.pipe import Stage


class HostCore(wiring.Component):
    """Answers the requests of a host, one reply for each, in their order.

    A sequence reaches the unit only when its frame's CRC was found right. Two sequences may be under way: while one's
    reply leaves, the next one's bytes come in. A request RESET that is right acts at once: what is under way is
    dropped, a reply that is being sent is cut off, and the unit and all counters are reset.

    Timing
    ------
    A payload is read at a byte a cycle, and a cycle more for each beat, once its frame is checked. So the unit's first
    beat out comes after the payload's bytes and beats, ``law.latency`` and 8 cycles or fewer.

    Parameters
    ----------
    pruner : `FixedLengthPruner`
        Section ``pruner`` of the machine.
    timeout_cycles : int
        Cycles without a byte after which a frame is given up.

    Members
    -------
    i : ``In(stream.Signature(8))``
        The host's bytes.
    framing_error, overrun : ``In(1)``
        Events of the port, which are counted.
    o : ``Out(stream.Signature(8))``
        Bytes for the host.
    """

    def __init__(self, pruner: FixedLengthPruner, timeout_cycles: int) -> None:
        byte = stream.Signature(8)
        super().__init__({"i": In(byte), "framing_error": In(1), "overrun": In(1), "o": Out(byte)})
        self._frames, self._timeout = PrunerFormat(pruner), timeout_cycles

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.receiver = receiver = FrameReceiver(self._frames, self._timeout)
        answerer = Answerer(self._frames)
        # One register resets all of it, in power-on too: with a gate before them, so many loads are a long way.
        m.domains.answers = answers = ClockDomain(local=True)
        again = Signal(init=1)
        m.d.sync += again.eq(receiver.restart)
        m.d.comb += [answers.clk.eq(ClockSignal()), answers.rst.eq(again)]
        m.submodules.answerer = DomainRenamer("answers")(answerer)
        wiring.connect(m, wiring.flipped(self.i), receiver.i)
        wiring.connect(m, receiver.o, answerer.i)
        wiring.connect(m, answerer.o, wiring.flipped(self.o))
        m.d.comb += [receiver.reads.eq(answerer.reads), receiver.at.eq(answerer.at)]
        m.d.comb += [receiver.wanted.eq(answerer.wanted), answerer.data.eq(receiver.data)]
        m.d.comb += [answerer.framing_error.eq(self.framing_error), answerer.overrun.eq(self.overrun)]
        return m


class Answerer(wiring.Component):
    """Does what requests ask for and makes the replies: all of the link that a soft reset resets.

    Parameters
    ----------
    frames : `PrunerFormat`
        Bytes of the frames.

    Members
    -------
    i : ``In(stream.Signature(checked_request(frames)))``
        Requests.
    reads, at, wanted, data :
        The latest payload: see `FrameReceiver`.
    framing_error, overrun : ``In(1)``
        Events of the port.
    o : ``Out(stream.Signature(8))``
        Replies.
    """

    def __init__(self, frames: PrunerFormat) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(checked_request(frames))),
                "reads": Out(1),
                "at": Out(range(frames.longest_request + 1)),
                "wanted": Out(1),
                "data": In(8),
                "framing_error": In(1),
                "overrun": In(1),
                "o": Out(stream.Signature(8)),
            }
        )
        self._frames = frames

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        frames = self._frames
        m.submodules.reader = reader = TokenReader(frames)
        m.submodules.unit = unit = Unit(frames.pruner)
        m.submodules.writer = writer = TokenWriter(frames)
        m.submodules.sender = sender = FrameSender(frames)
        m.submodules.waiting = waiting = Stage(answer())  # behind the one that is being sent
        m.submodules.sent = sent = Stage(answer())
        wiring.connect(m, reader.o, unit.i)
        wiring.connect(m, unit.o, writer.i)
        wiring.connect(m, waiting.o, sent.i)
        wiring.connect(m, sent.o, sender.i)
        wiring.connect(m, sender.o, wiring.flipped(self.o))

        told = self.i.p
        taken = Signal()
        is_sequence = Signal()
        m.d.comb += self.i.ready.eq(~waiting.o.valid & ~reader.busy)  # not as it empties: ready comes out of registers
        m.d.comb += [taken.eq(self.i.valid & self.i.ready), waiting.i.valid.eq(taken)]
        m.d.comb += [getattr(waiting.i.p, name).eq(getattr(told, name)) for name, _ in answer()]
        m.d.comb += is_sequence.eq((told.status == ReplyStatus.OK) & (told.command == Command.SEQUENCE))
        # A cycle later; until then the answer that waits keeps other requests away.
        m.d.sync += [reader.starts.eq(taken & is_sequence), reader.length.eq(told.length)]
        m.d.comb += [self.reads.eq(reader.reads), self.at.eq(reader.at)]
        m.d.comb += [self.wanted.eq(reader.wanted), reader.data.eq(self.data)]

        counted = self._count(m, taken, sender.i)
        fixed = Signal(8 * max(len(frames.version), sum(COUNTER_FIELDS.values())))  # a reply that is not the unit's
        of_unit = Signal()
        m.d.comb += of_unit.eq(sender.i.p.command == Command.SEQUENCE)
        m.d.comb += [sender.body.valid.eq(~of_unit | writer.o.valid), writer.o.ready.eq(of_unit & sender.body.ready)]
        m.d.comb += sender.body.payload.eq(Mux(of_unit, writer.o.payload, fixed[:8]))
        with m.If(sender.prepares):
            version = Const(int.from_bytes(frames.version, "little"), 8 * len(frames.version))
            m.d.sync += fixed.eq(Mux(sender.i.p.command == Command.VERSION, version, counted))
        with m.Elif(sender.body.valid & sender.body.ready):
            m.d.sync += fixed.eq(fixed[8:])
        return m

    def _count(self, m: Module, taken: Signal, sent: Any) -> Value:
        """Return the counters, in the order of their reply. They follow what they count by 2 cycles."""
        good = sent.p.status == ReplyStatus.OK
        events: Mapping[str, Value] = {
            "sequences": sent.valid & sent.ready & good & (sent.p.command == Command.SEQUENCE),
            "bad_crcs": taken & (self.i.p.status == ReplyStatus.BAD_CRC),
            "timeouts": taken & (self.i.p.status == ReplyStatus.TIMEOUT),
            "framing_errors": self.framing_error,
            "overruns": self.overrun,
            "cycles": Const(1),
        }
        counters = {name: Signal(8 * size, name=name) for name, size in COUNTER_FIELDS.items()}
        for name, counter in counters.items():
            happens, full = Signal(name=f"{name}_happens"), Signal(name=f"{name}_full")
            m.d.sync += [happens.eq(events[name]), full.eq(counter[1:].all() & (counter[0] | happens))]
            with m.If(happens & ~full):
                m.d.sync += counter.eq(counter + 1)
        return Cat(*counters.values())
