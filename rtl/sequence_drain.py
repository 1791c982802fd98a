"""The way out of the search engines: the tokens of a sequence, read again and compacted at a fixed pace."""

from functools import partial
from typing import Any

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.rtl.beats import event, lane_count_bits, length_bits, packed_beat, sparse_beat, token
from tokensieve.rtl.compactor import Compactor
from tokensieve.rtl.drain import beat_bits, kept_lanes, ranks
from tokensieve.rtl.padded_search import verdict
from tokensieve.rtl.pipe import Step, chain
from tokensieve.rtl.primitives.block_ram import BlockRam
from tokensieve.rtl.sequence_front import sequence_beat, turn_bits
from tokensieve.rtl.zero_eliminator import BeatBuffer


def drain_command(pruner: FixedLengthPruner) -> StructLayout:
    """Return the layout of a drain's command: the engine whose sequence is read, and what is kept of it."""
    return StructLayout({"turn": unsigned(turn_bits(pruner)), **dict(verdict(pruner).members)})


class SequenceDrain(wiring.Component):
    """Holds the tokens of every engine's sequence, and lets those pass that are kept.

    Timing
    ------
    A command is taken every ``load_beats`` cycles at most, whatever its sequence's length. A beat is read every cycle
    from the cycle after it on. ``starts`` comes with the beat behind which as many beats are as may leave. Nothing
    waits: whoever takes ``o`` has room.

    Parameters
    ----------
    pruner : `FixedLengthPruner`
        Lanes, longest sequence and registers.

    Members
    -------
    row : ``In(event(sequence_beat(pruner)))``
        Beats to store. An engine's next sequence comes no faster than the one that it overwrites is read.
    command : ``In(stream.Signature(drain_command(pruner)))``
        What to read and keep.
    starts : ``Out(1)``
        So many beats of the longest sequence are left as may leave: from here on the burst's delay is constant.
    o : ``Out(event(packed_beat(pruner.lanes, token(pruner))))``
        Kept tokens in their order, full beats but the last.
    """

    def __init__(self, pruner: FixedLengthPruner) -> None:
        super().__init__(
            {
                "row": In(event(sequence_beat(pruner))),
                "command": In(stream.Signature(drain_command(pruner))),
                "starts": Out(1),
                "o": Out(event(packed_beat(pruner.lanes, token(pruner)))),
            }
        )
        self._pruner, self._topk = pruner, pruner.topk

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        pruner, topk = self._pruner, self._topk
        words, depth = ArrayLayout(token(pruner), pruner.lanes), pruner.engine_count << beat_bits(topk)
        m.submodules.side = side = BlockRam(words, depth)
        source = self._read(m, side)
        steps: list[tuple[StructLayout, Step]] = [
            (self._read_beat, _keep),  # meanwhile its tokens are in the memory's output register
            (self._compared, partial(self._compare, side.o)),
            (self._compared, self._rank_ties),
            (sparse_beat(pruner.lanes, token(pruner)), self._mark),
        ]
        marked = chain(m, "stage", source, steps)

        m.submodules.compactor = compactor = Compactor(pruner.lanes, token(pruner), topk.compactor_stages)
        m.submodules.rows = beats = BeatBuffer(pruner.lanes, token(pruner))
        m.d.comb += [compactor.i.valid.eq(marked.valid), compactor.i.payload.eq(marked.payload)]
        m.d.comb += marked.ready.eq(compactor.i.ready)
        wiring.connect(m, compactor.o, beats.i)
        m.d.comb += [self.o.valid.eq(beats.o.valid), self.o.payload.eq(beats.o.payload), beats.o.ready.eq(1)]
        return m

    @property
    def _read_beat(self) -> StructLayout:
        """A beat that is read, with what is kept of its sequence."""
        pruner = self._pruner
        flags = {name: unsigned(1) for name in ("first", "last")}
        kept = {name: dict(verdict(pruner).members)[name] for name in ("threshold", "ties")}
        return StructLayout({"mask": unsigned(pruner.lanes), **flags, **kept})

    @property
    def _compared(self) -> StructLayout:
        """A beat with its verdicts: above the threshold, equal to it, and how many are equal up to each lane."""
        lanes, fields = self._pruner.lanes, dict(self._read_beat.members)
        del fields["threshold"], fields["mask"]
        fields["items"] = ArrayLayout(token(self._pruner), lanes)
        told = {"above": unsigned(lanes), "equal": unsigned(lanes)}
        return StructLayout({**fields, **told, "ranks": ArrayLayout(unsigned(lane_count_bits(lanes)), lanes)})

    def _read(self, m: Module, side: BlockRam) -> stream.Interface:
        """Add the counter that reads the side buffer; return the stream of its beats, without their tokens.

        No beat is written in the cycle in which the one before it there is read.
        """
        pruner, places = self._pruner, beat_bits(self._topk)
        write, read = side.write, side.read
        stored = self.row.payload
        m.d.comb += [write.en.eq(self.row.valid & stored.load), write.data.eq(stored.items)]
        m.d.comb += write.addr.eq(stored.row | (stored.turn << places))

        now = Signal(drain_command(pruner), reset_less=True)
        reading = Signal()
        row = Signal(places)
        left = Signal(length_bits(self._topk), reset_less=True)
        some = Signal()
        ends = Signal()  # the longest sequence's last beat would be read; known a cycle before
        m.d.comb += self.command.ready.eq(~reading | ends)
        m.d.sync += ends.eq(row == pruner.load_beats - 2)
        m.d.comb += self.starts.eq(reading & (row == pruner.load_beats - pruner.keep_beats))
        beats = stream.Signature(self._read_beat).create(path=("side_row",))
        m.d.comb += [read.addr.eq(row | (now.turn << places)), read.en.eq(beats.ready)]
        p = beats.p
        m.d.sync += beats.valid.eq(reading & some)
        m.d.sync += [p.first.eq(row == 0), p.last.eq(left <= pruner.lanes)]
        m.d.sync += [p.mask[lane].eq(left > lane) for lane in range(pruner.lanes)]
        m.d.sync += [p.threshold.eq(now.threshold), p.ties.eq(now.ties)]
        m.d.sync += [row.eq(row + 1), left.eq(left - pruner.lanes)]
        with m.If(left <= pruner.lanes):
            m.d.sync += some.eq(0)
        with m.If(ends):
            m.d.sync += reading.eq(0)
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += [now.eq(self.command.payload), reading.eq(1), row.eq(0), ends.eq(pruner.load_beats == 1)]
            m.d.sync += [left.eq(self.command.p.n), some.eq(1)]
        return beats

    def _compare(self, items: Any, m: Module, before: Any, after: Any, moves: Signal) -> None:
        for name in ("first", "last", "ties"):
            m.d.comb += getattr(after, name).eq(getattr(before, name))
        m.d.comb += after.items.eq(items)
        for lane in range(self._pruner.lanes):
            score = items[lane].score
            m.d.comb += after.above[lane].eq(before.mask[lane] & (score > before.threshold))
            m.d.comb += after.equal[lane].eq(before.mask[lane] & (score == before.threshold))

    def _rank_ties(self, m: Module, before: Any, after: Any, moves: Signal) -> None:
        m.d.comb += after.eq(before)
        m.d.comb += [after.ranks[lane].eq(count) for lane, count in enumerate(ranks(m, self._topk, before.equal))]

    def _mark(self, m: Module, before: Any, after: Any, moves: Signal) -> None:
        m.d.comb += [after.items.eq(before.items), after.last.eq(before.last)]
        for lane, kept in enumerate(kept_lanes(m, self._topk, before, before.ties, moves)):
            m.d.comb += after.mask[lane].eq(kept)


def _keep(m: Module, before: Any, after: Any, moves: Signal) -> None:
    m.d.comb += after.eq(before)
