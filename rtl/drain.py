"""The way out of a top-k engine: the beats that were loaded, compared with the threshold and compacted."""

from functools import partial
from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import (
    found,
    item,
    lane_count_bits,
    length_bits,
    packed_beat,
    score_beat,
    sparse_beat,
)
from tokensieve.rtl.pipe import Step, chain
from tokensieve.rtl.primitives.block_ram import BlockRam
from tokensieve.rtl.zero_eliminator import ZeroEliminator


def loaded_beat(topk: Topk) -> StructLayout:
    """Return the layout of a beat on its way to the side buffer: its place there and its scores."""
    return StructLayout({"slot": unsigned(1), "row": unsigned(beat_bits(topk)), **dict(score_beat(topk).members)})


def beat_bits(topk: Topk) -> int:
    """Return the width of a beat's number in its command."""
    return max(1, (topk.beats - 1).bit_length())


def drain_command(topk: Topk) -> StructLayout:
    """Return the layout of a drain's command: which slot, how many scores, and which of them to keep."""
    return StructLayout({"slot": unsigned(1), "n": unsigned(length_bits(topk)), **dict(found(topk).members)})


class Drain(wiring.Component):
    """Reads a command's beats out of the side buffer and lets those items pass that are to be kept.

    The side buffer has two slots, so that one command loads while another one drains.

    Timing
    ------
    A beat is read every cycle, from the cycle after the command's transfer on. The last beat stands on ``o``
    ``topk.drain_latency`` cycles after it was read. The next command is taken when the last beat has passed the
    comparison.

    Parameters
    ----------
    topk : `Topk`
        Lanes, beats and registers.

    Members
    -------
    load : ``In(1)``
        `row` is stored.
    row : ``In(loaded_beat(topk))``
        A beat and its place.
    command : ``In(stream.Signature(drain_command(topk)))``
        What to read and keep.
    o : ``Out(stream.Signature(packed_beat(topk.lanes, item(topk))))``
        Kept items in their order, full beats but the last.
    """

    def __init__(self, topk: Topk) -> None:
        super().__init__(
            {
                "load": In(1),
                "row": In(loaded_beat(topk)),
                "command": In(stream.Signature(drain_command(topk))),
                "o": Out(stream.Signature(packed_beat(topk.lanes, item(topk)))),
            }
        )
        self._topk = topk

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        topk = self._topk
        self._command = Signal(drain_command(topk), reset_less=True)
        self._reading = Signal()  # beats are left to read
        self._comparing = Signal()  # beats are before the zero eliminator
        m.submodules.side = side = BlockRam(ArrayLayout(unsigned(topk.score_bits), topk.lanes), 2 << beat_bits(topk))
        source = self._read(m, side)
        steps: list[tuple[StructLayout, Step]] = [
            (self._read_beat, _keep),  # meanwhile its scores are in the memory's output register
            (self._compared, partial(self._compare, side.o)),
            (self._compared, self._rank_ties),
            (sparse_beat(topk.lanes, item(topk)), self._mark),
        ]
        marked = chain(m, "stage", source, steps)

        m.submodules.zeros = zeros = ZeroEliminator(topk)
        m.d.comb += [zeros.i.valid.eq(marked.valid), zeros.i.payload.eq(marked.payload), marked.ready.eq(zeros.i.ready)]
        wiring.connect(m, zeros.o, wiring.flipped(self.o))

        m.d.comb += self.command.ready.eq(~self._reading & ~self._comparing)
        with m.If(marked.valid & marked.ready & marked.p.last):
            m.d.sync += self._comparing.eq(0)
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += [self._command.eq(self.command.payload), self._comparing.eq(1)]
        return m

    @property
    def _read_beat(self) -> StructLayout:
        """A beat that is read: its number, which of its lanes hold scores."""
        topk = self._topk
        return StructLayout(
            {
                "row": unsigned(beat_bits(topk)),
                "mask": unsigned(topk.lanes),
                "first": unsigned(1),
                "last": unsigned(1),
            }
        )

    @property
    def _compared(self) -> StructLayout:
        """A beat with its verdicts: above the threshold, equal to it, and how many are equal up to each lane."""
        lanes = self._topk.lanes
        ranks = ArrayLayout(unsigned(lane_count_bits(lanes)), lanes)
        fields = {**dict(self._read_beat.members), **dict(score_beat(self._topk).members)}
        return StructLayout({**fields, "above": unsigned(lanes), "equal": unsigned(lanes), "ranks": ranks})

    def _read(self, m: Module, side: BlockRam) -> stream.Interface:
        """Add the counter that reads the side buffer; return the stream of its beats, without their scores.

        A slot is never loaded and read at the same time.
        """
        topk, places = self._topk, beat_bits(self._topk)
        write, read = side.write, side.read
        m.d.comb += [write.en.eq(self.load), write.data.eq(self.row.scores)]
        m.d.comb += write.addr.eq(self.row.row | (self.row.slot << places))

        row = Signal(places)
        left = Signal(length_bits(topk))
        first = Signal()
        beats = stream.Signature(self._read_beat).create(path=("side_row",))
        held = Signal.like(left)
        m.d.comb += [read.addr.eq(row | (self._command.slot << places)), read.en.eq(beats.ready)]
        starts = self.command.valid & self.command.ready
        with m.If(beats.ready):
            m.d.sync += [beats.valid.eq(self._reading), beats.p.row.eq(row), beats.p.first.eq(first), held.eq(left)]
        # `ready` comes late: it says when, and never what.
        with m.If(starts | (beats.ready & self._reading)):
            m.d.sync += [row.eq(Mux(starts, 0, row + 1)), first.eq(starts)]
            m.d.sync += left.eq(Mux(starts, self.command.p.n, left - topk.lanes))
            m.d.sync += self._reading.eq(starts | (left > topk.lanes))
        m.d.comb += beats.p.last.eq(held <= topk.lanes)
        m.d.comb += [beats.p.mask[lane].eq(held > lane) for lane in range(topk.lanes)]
        return beats

    def _compare(self, scores: Any, m: Module, before: Any, after: Any, moves: Signal) -> None:
        for name in ("row", "mask", "first", "last"):
            m.d.comb += getattr(after, name).eq(getattr(before, name))
        m.d.comb += after.scores.eq(scores)
        threshold = self._command.threshold
        for lane in range(self._topk.lanes):
            above, below = scores[lane] > threshold, scores[lane] < threshold
            m.d.comb += after.above[lane].eq(before.mask[lane] & above)
            m.d.comb += after.equal[lane].eq(before.mask[lane] & ~above & ~below)  # two chains of carries beat gates

    def _rank_ties(self, m: Module, before: Any, after: Any, moves: Signal) -> None:
        m.d.comb += after.eq(before)
        m.d.comb += [after.ranks[lane].eq(count) for lane, count in enumerate(ranks(m, self._topk, before.equal))]

    def _mark(self, m: Module, before: Any, after: Any, moves: Signal) -> None:
        topk = self._topk
        base = before.row << (topk.lanes - 1).bit_length()
        for lane, kept in enumerate(kept_lanes(m, topk, before, self._command.ties, moves)):
            m.d.comb += after.items[lane].score.eq(before.scores[lane])
            m.d.comb += after.items[lane].index.eq(base | lane)
            m.d.comb += after.mask[lane].eq(kept)
        m.d.comb += after.last.eq(before.last)


def ranks(m: Module, topk: Topk, equal: Any) -> list[Any]:
    """Return how many lanes are `equal` to the threshold up to each of them."""
    counts = [equal[lane] for lane in range(topk.lanes)]
    layer = 1
    while layer < topk.lanes:
        counts = _add_layer(m, topk, counts, layer)
        layer *= 2
    return counts


def _add_layer(m: Module, topk: Topk, counts: list[Any], layer: int) -> list[Any]:
    added = list(counts)
    for lane in range(layer, len(counts)):
        added[lane] = Signal(lane_count_bits(topk.lanes), name=f"equal{layer}_{lane}")
        m.d.comb += added[lane].eq(counts[lane] + counts[lane - layer])
    return added


def kept_lanes(m: Module, topk: Topk, before: Any, first_ties: Any, moves: Signal) -> list[Any]:
    """Return which lanes of a beat are kept: all above the threshold, and of those equal to it the first ones.

    A packet has `first_ties` of the latter; its beats come one by one, each when it `moves`.
    """
    spent = Signal(length_bits(topk))  # equal ones in the beats before
    ties = Signal.like(spent)
    spare = Signal.like(spent)
    m.d.comb += ties.eq(spent)
    with m.If(before.first):
        m.d.comb += ties.eq(first_ties)
    m.d.comb += spare.eq(0)
    with m.If(ties > before.ranks[-1]):
        m.d.comb += spare.eq(ties - before.ranks[-1])
    with m.If(moves):
        m.d.sync += spent.eq(spare)
    tied = [before.equal[lane] & (before.ranks[lane] <= ties) for lane in range(topk.lanes)]
    return [before.above[lane] | tie for lane, tie in enumerate(tied)]


def _keep(m: Module, before: Any, after: Any, moves: Signal) -> None:
    m.d.comb += after.eq(before)
