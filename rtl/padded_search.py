"""A search engine of a fixed-length pruner: a search core whose verdict comes when it would come at the latest."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.rtl.beats import event, found, length_bits
from tokensieve.rtl.search import search_core
from tokensieve.rtl.sequence_front import sequence_beat


def verdict(pruner: FixedLengthPruner) -> StructLayout:
    """Return the layout of what is kept of a sequence of n tokens: which scores, as `found` says."""
    topk = pruner.topk
    return StructLayout({**dict(found(topk).members), "n": unsigned(length_bits(topk)), "too_long": unsigned(1)})


class PaddedSearch(wiring.Component):
    """Finds the threshold of one sequence, all of whose tokens stay if they are no more than are to be kept.

    Timing
    ------
    The verdict is offered ``search_bound`` + 1 cycles after the beat that ends the sequence, but not before it would be
    if the longest sequence had come in ``load_cycles`` cycles: no score changes it. The core is
    given no other sequence before the verdict is taken.

    Parameters
    ----------
    pruner : `FixedLengthPruner`
        Search core, longest sequence and tokens to keep.

    Members
    -------
    i : ``In(event(sequence_beat(pruner)))``
        The engine's beats.
    load : ``In(1)``
        The beat's scores belong to the sequence, and the beat to this engine: `i.valid` & `i.payload.load`.
    o : ``Out(stream.Signature(verdict(pruner)))``
        What is kept.
    """

    def __init__(self, pruner: FixedLengthPruner) -> None:
        super().__init__(
            {
                "i": In(event(sequence_beat(pruner))),
                "load": In(1),
                "o": Out(stream.Signature(verdict(pruner))),
            }
        )
        self._pruner = pruner

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        pruner, beat, valid = self._pruner, self.i.payload, self.i.valid
        told = Signal(self.o.p.shape(), reset_less=True)
        m.submodules.core = core = search_core(pruner.topk)
        if pruner.engine == "bitserial":
            m.d.comb += core.offered.eq(self.load)
        m.d.comb += [core.load.eq(self.load), core.first.eq(beat.first), core.last.eq(beat.last)]
        m.d.comb += [core.row.scores[lane].eq(beat.items[lane].score) for lane in range(pruner.lanes)]
        m.d.comb += [core.row.mask.eq(beat.mask), core.search.eq(beat.search), core.n.eq(beat.n)]
        m.d.comb += [core.k.eq(pruner.keep), core.seed.eq(1)]

        with m.If(core.done):
            m.d.sync += [told.threshold.eq(core.threshold), told.ties.eq(core.ties)]
        ended = Signal()
        with m.If(valid & beat.ends):
            m.d.sync += [ended.eq(1), told.n.eq(beat.n), told.too_long.eq(beat.too_long)]
            with m.If(~beat.search):  # all of them stay, or none
                m.d.sync += [told.threshold.eq(Mux(beat.too_long, ~0, 0)), told.ties.eq(beat.n)]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += ended.eq(0)
        m.d.comb += [self.o.valid.eq(ended & self._padded(m)), self.o.payload.eq(told)]
        return m

    def _padded(self, m: Module) -> Signal:
        """Return whether as much time has passed as the sequence may take."""
        pruner = self._pruner
        beat = self.i.payload
        done = Signal(init=1)  # left == 0, known a cycle before
        bound, whole = pruner.search_bound, pruner.load_cycles - 1 + pruner.search_bound
        left = Signal(range(whole + 1))
        m.d.sync += [left.eq(Mux(done, 0, left - 1)), done.eq(left <= 1)]
        with m.If(self.i.valid & beat.ends & (left <= bound)):
            m.d.sync += [left.eq(bound), done.eq(0)]
        with m.If(self.i.valid & beat.first):
            m.d.sync += [left.eq(whole), done.eq(0)]
        return done
