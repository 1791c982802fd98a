"""How quick-select reads a set: first the pivot's beat, then all beats, from one of two FIFOs."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import event, length_bits
from tokensieve.rtl.search.partition import set_beat


class SetReader(wiring.Component):
    """Reads one of two FIFOs: picks a score of it as pivot, then streams all of it.

    Timing
    ------
    The pivot's beat is asked for in the cycle after ``begin``, the set's beats in the cycles after that. Beats stand on
    ``o`` a cycle after they were asked for. ``pivot`` holds from the first of them until the first one of the next set.

    Parameters
    ----------
    topk : `Topk`
        Lanes, longest packet and score width.

    Members
    -------
    begin : ``In(1)``
        Read a set.
    size, upper : ``In(length_bits(topk))``, ``In(1)``
        With `begin`: scores of the set, and which FIFO it is in.
    number : ``In(range(topk.max_tokens))``
        With `begin`: which score of it is the pivot.
    row : ``Out(range(topk.beats))``
        Beat asked for, of both FIFOs.
    below, above : ``In(ArrayLayout(score, topk.lanes))``
        The beat asked for, of either FIFO.
    pivot : ``Out(topk.score_bits)``
        The pivot.
    o : ``Out(event(set_beat(topk)))``
        Beats of the set.
    """

    def __init__(self, topk: Topk) -> None:
        words = ArrayLayout(unsigned(topk.score_bits), topk.lanes)
        super().__init__(
            {
                "begin": In(1),
                "size": In(length_bits(topk)),
                "upper": In(1),
                "number": In(range(topk.max_tokens)),
                "row": Out(range(max(2, topk.beats))),
                "below": In(words),
                "above": In(words),
                "pivot": Out(topk.score_bits),
                "o": Out(event(set_beat(topk))),
            }
        )
        self._topk = topk

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        lanes, bits = self._topk.lanes, (self._topk.lanes - 1).bit_length()
        fetch = Signal()
        fetched = Signal()
        ask = Signal()
        upper = Signal(reset_less=True)
        lane = Signal(max(1, bits), reset_less=True)
        left = Signal(length_bits(self._topk), reset_less=True)
        full = Signal()
        ends = Signal()
        m.d.comb += [full.eq(left >= lanes), ends.eq(left <= lanes)]

        m.d.sync += [fetch.eq(self.begin), fetched.eq(fetch), self.row.eq(self.row + 1)]
        with m.If(self.begin):
            m.d.sync += [upper.eq(self.upper), left.eq(self.size)]
            m.d.sync += [self.row.eq(self.number >> bits), lane.eq(self.number & (lanes - 1))]
        with m.If(fetch):
            m.d.sync += [self.row.eq(0), ask.eq(1)]
        with m.If(ask):
            m.d.sync += [left.eq(left - lanes), ask.eq(~ends)]

        scores = self.o.payload.scores
        m.d.sync += [self.o.valid.eq(ask), self.o.payload.last.eq(ends)]
        m.d.sync += [self.o.payload.mask[i].eq(full | ((left & (lanes - 1)) > i)) for i in range(lanes)]
        m.d.sync += [scores[i].eq(Mux(upper, self.above[i], self.below[i])) for i in range(lanes)]
        with m.If(fetched):
            m.d.sync += self.pivot.eq(self._pick(m, [scores[i] for i in range(lanes)], lane))
        return m

    def _pick(self, m: Module, words: Sequence[Any], lane: Signal) -> Signal:
        """Return the word in `lane`."""
        word = Signal(self._topk.score_bits)
        with m.Switch(lane):
            for number, candidate in enumerate(words):
                with m.Case(number):
                    m.d.comb += word.eq(candidate)
        return word
