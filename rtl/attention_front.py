"""Scores of tokens out of rows of attention probabilities: sums over the rows."""

from functools import partial
from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.fixed_length_pruner import SUM_STAGES, FixedLengthPruner
from tokensieve.rtl.beats import packed_beat, token
from tokensieve.rtl.pipe import Step, chain
from tokensieve.rtl.primitives.block_ram import BlockRam
from tokensieve.rtl.sequence_gate import rested


def summed_beat(pruner: FixedLengthPruner) -> StructLayout:
    """Return the layout of a beat on its way to its sums.

    ``row``, ``inside``
        The beat's number in its row, and whether the longest sequence has such a beat.
    ``known``
        A row before had such a beat: its sums are in the memory.
    ``leaves``
        It is of a sequence's last row.
    """
    return StructLayout(
        {
            **dict(packed_beat(pruner.lanes, token(pruner)).members),
            "row": unsigned(max(1, (pruner.load_beats - 1).bit_length())),
            "inside": unsigned(1),
            "known": unsigned(1),
            "leaves": unsigned(1),
        }
    )


class AttentionFront(wiring.Component):
    """Adds up the probabilities of each token over the rows of a sequence, and gives the last row on with the sums.

    A sum saturates. The last row says which tokens there are. A token that an earlier row lacks has a probability
    of 0 there, as under a causal mask; what an earlier row has beyond the longest sequence is not looked at.

    Timing
    ------
    A beat of a last row stands on ``o`` three cycles after its transfer. Two rows of a sequence begin ``row_cycles``
    cycles apart or more, and two sequences ``law.interval``. Once a row has begun, its beats wait for none before them,
    but all wait while ``o`` is stalled.

    Parameters
    ----------
    pruner : `FixedLengthPruner`
        Lanes, longest sequence, rows and scores.

    Members
    -------
    i : ``In(stream.Signature(packed_beat(pruner.lanes, token(pruner))))``
        Rows of sequences, `query_rows` for each: full beats, and a last one with `last`. `score` is a probability.
    o : ``Out(stream.Signature(packed_beat(pruner.lanes, token(pruner))))``
        The last row of each sequence, with sums as scores.
    """

    def __init__(self, pruner: FixedLengthPruner) -> None:
        beat = stream.Signature(packed_beat(pruner.lanes, token(pruner)))
        super().__init__({"i": In(beat), "o": Out(beat)})
        self._pruner = pruner

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        pruner = self._pruner
        layout = summed_beat(pruner)
        words = ArrayLayout(unsigned(pruner.score_bits), pruner.lanes)
        m.submodules.sums = memory = BlockRam(words, max(2, pruner.load_beats))
        source = stream.Signature(layout).create(path=("offered",))
        self._enter(m, source)
        m.d.comb += [memory.read.en.eq(source.ready), memory.read.addr.eq(source.p.row)]
        steps: list[tuple[StructLayout, Step]] = [(layout, _keep), (layout, _keep), (layout, partial(_add, memory))]
        end = chain(m, "way", source, steps)
        m.d.comb += [self.o.valid.eq(end.valid & end.p.leaves), end.ready.eq(self.o.ready | ~end.p.leaves)]
        m.d.comb += [self.o.p["count"].eq(end.p["count"]), self.o.p.last.eq(end.p.last)]
        m.d.comb += [memory.write.en.eq(end.valid & end.ready & end.p.inside), memory.write.addr.eq(end.p.row)]
        for lane in range(pruner.lanes):
            m.d.comb += [self.o.p.items[lane].eq(end.p.items[lane])]
            m.d.comb += memory.write.data[lane].eq(end.p.items[lane].score)
        return m

    def _enter(self, m: Module, source: Any) -> None:
        """Take a row when it may begin, and say of each beat what it is."""
        pruner, i = self._pruner, self.i
        first = Signal(init=1)
        final = Signal(init=pruner.rows == 1)
        number = Signal(range(max(2, pruner.rows)))  # rows of the sequence that have come
        row = Signal(range(pruner.load_beats + 1))  # beats of the row that have come, of those that may come
        moves = Signal()
        wait = Signal(range(pruner.law.interval + 1))
        last_wait = pruner.law.interval - (pruner.rows - 1) * pruner.row_cycles
        m.d.comb += wait.eq(Mux(final, last_wait, pruner.row_cycles))
        over = rested(m, pruner.law.interval, moves & first, wait, source.ready)
        # A row with pauses is followed by one without: the sums of its last beat must have been written.
        rest = Mux(row < SUM_STAGES, SUM_STAGES + 1 - row, 1)
        written = rested(m, SUM_STAGES + 1, moves & source.p.inside & ~final, rest, source.ready)
        goes = Signal()
        m.d.comb += [goes.eq(~first | (over & written)), source.valid.eq(i.valid & goes)]
        m.d.comb += [i.ready.eq(source.ready & goes), moves.eq(i.valid & i.ready)]
        m.d.comb += [source.p["count"].eq(i.p["count"]), source.p.last.eq(i.p.last), source.p.row.eq(row)]
        for lane in range(pruner.lanes):
            item, absent = source.p.items[lane], i.p.last & (lane >= i.p["count"])
            m.d.comb += [item.id.eq(i.p.items[lane].id), item.score.eq(Mux(absent, 0, i.p.items[lane].score))]

        known = Signal(range(pruner.load_beats + 1))  # beats of the longest row before
        m.d.comb += [source.p.inside.eq(row != pruner.load_beats), source.p.leaves.eq(final)]
        m.d.comb += source.p.known.eq(row < known)
        with m.If(moves):
            m.d.sync += [row.eq(row + source.p.inside), first.eq(i.p.last)]
            with m.If(source.p.inside & ~source.p.known):
                m.d.sync += known.eq(row + 1)
            with m.If(i.p.last):
                m.d.sync += [row.eq(0), number.eq(Mux(final, 0, number + 1))]
                m.d.sync += final.eq(Mux(final, pruner.rows == 1, number == pruner.rows - 2))
                with m.If(final):
                    m.d.sync += known.eq(0)


def _keep(m: Module, before: Any, after: Any, moves: Signal) -> None:
    m.d.comb += after.eq(before)


def _add(memory: BlockRam, m: Module, before: Any, after: Any, moves: Signal) -> None:
    """Add the sums of earlier rows to the probabilities of this one."""
    m.d.comb += after.eq(before)
    for lane in range(len(memory.o)):
        item, summed = before.items[lane], after.items[lane]
        top = (1 << len(item.score)) - 1
        total = Signal(len(item.score) + 1, name=f"total{lane}")
        m.d.comb += total.eq(item.score + Mux(before.known, memory.o[lane], 0))
        m.d.comb += summed.score.eq(Mux(total > top, top, total))
