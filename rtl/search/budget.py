"""How quick-select decides: what a round's two sides leave of the scores to keep and of those to drop."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import event, length_bits
from tokensieve.rtl.search.partition import side_counts


class Budget(wiring.Component):
    """Counts the two sides of a round and says on which of them the search goes on.

    The pivot is the threshold if no more scores lie above it than are to be kept, and no more below it than are to be
    dropped. Otherwise one side has too many, and is the next set. If it is the upper one, all others are dropped, and
    what it has too many is what is left to drop. If it is the lower one, all others are kept, and what it has too many
    is what is left to keep. So both budgets are counted down, and their signs are the decision.

    Timing
    ------
    Counts show in ``above``, ``below``, ``size`` and ``ties`` two cycles after they came in.

    Parameters
    ----------
    topk : `Topk`
        Longest packet and lanes.

    Members
    -------
    load : ``In(1)``
        A command's scores are coming: all ``n`` of them are the next set, ``k`` of them are to be kept.
    n, k : ``In(length_bits(topk))``
        The command, while `load` is high.
    counts : ``In(event(side_counts(topk)))``
        Scores of one beat below and above the pivot.
    choose : ``In(1)``
        The side that has too many is the next set; with `load` low, when the last counts of a round show.
    restart : ``In(1)``
        Count the next round from its beginning, in the cycle after `choose`.
    above, below : ``Out(1)``
        The upper or the lower side has too many.
    size : ``Out(length_bits(topk))``
        Scores of the next set.
    ties : ``Out(length_bits(topk))``
        Scores equal to the pivot that are to be kept, if neither side has too many.
    """

    def __init__(self, topk: Topk) -> None:
        bits = length_bits(topk)
        super().__init__(
            {
                "load": In(1),
                "n": In(bits),
                "k": In(bits),
                "counts": In(event(side_counts(topk))),
                "choose": In(1),
                "restart": In(1),
                "above": Out(1),
                "below": Out(1),
                "size": Out(bits),
                "ties": Out(bits),
            }
        )
        self._bits = bits

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        to_keep = Signal(self._bits, reset_less=True)  # as a round begins
        to_drop = Signal(self._bits, reset_less=True)
        keep = Signal(signed(self._bits + 1), reset_less=True)
        drop = Signal(signed(self._bits + 1), reset_less=True)
        above = Signal(self._bits, reset_less=True)
        below = Signal(self._bits, reset_less=True)
        m.d.sync += [self.above.eq(keep < 0), self.below.eq(drop < 0), self.ties.eq(keep)]
        m.d.sync += self.size.eq(Mux(keep < 0, above, below))

        counts = self.counts.payload
        with m.If(self.load):
            m.d.sync += [to_keep.eq(self.k), to_drop.eq(self.n - self.k)]
            m.d.sync += [self.size.eq(self.n), self.above.eq(0), self.below.eq(0)]
        with m.Elif(self.restart):
            m.d.sync += [keep.eq(to_keep), drop.eq(to_drop), above.eq(0), below.eq(0)]
        with m.Elif(self.counts.valid):
            m.d.sync += [keep.eq(keep - counts.above), above.eq(above + counts.above)]
            m.d.sync += [drop.eq(drop - counts.below), below.eq(below + counts.below)]
        with m.If(self.choose & self.above):
            m.d.sync += to_drop.eq(-keep)
        with m.If(self.choose & self.below):
            m.d.sync += to_keep.eq(-drop)
        return m
