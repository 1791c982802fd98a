"""Quick-select: rounds against a pivot, each over the part of the scores in which the threshold must lie."""

from typing import Any

from amaranth.hdl import Module, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import length_bits
from tokensieve.rtl.search.banked_fifo import BankedFifo
from tokensieve.rtl.search.base import search_ports
from tokensieve.rtl.search.budget import Budget
from tokensieve.rtl.search.partition import Partition
from tokensieve.rtl.search.setreader import SetReader

_STATE_BITS = 16


class PivotDraw(wiring.Component):
    """Draws the number of each round's pivot: ``(h * size) >> 16``, h the next output of a 16-bit xorshift generator.

    Timing
    ------
    In the cycle of `size`. What is drawn does not depend on when, only on how many draws were made before.

    Parameters
    ----------
    topk : `Topk`
        Longest packet.

    Members
    -------
    load : ``In(1)``
        Begin again from `seed`.
    seed : ``In(16)``
        First state, not 0.
    step : ``In(1)``
        The draw of this cycle counts: the next one takes another h.
    size : ``In(length_bits(topk))``
        Scores to draw from.
    number : ``Out(range(topk.max_tokens))``
        Number of the score drawn.
    """

    def __init__(self, topk: Topk) -> None:
        super().__init__(
            {
                "load": In(1),
                "seed": In(_STATE_BITS),
                "step": In(1),
                "size": In(length_bits(topk)),
                "number": Out(range(topk.max_tokens)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        state = Signal(_STATE_BITS, reset_less=True)
        with m.If(self.load):
            m.d.sync += state.eq(self._next(m, "first", self.seed))
        with m.Elif(self.step):
            m.d.sync += state.eq(self._next(m, "next", state))
        m.d.comb += self.number.eq((state * self.size) >> _STATE_BITS)  # a DSP block where there is one
        return m

    def _next(self, m: Module, name: str, state: Value) -> Signal:
        """Return the generator's state after `state`."""
        left, right, after = (Signal(_STATE_BITS, name=f"{name}{shift}") for shift in (7, 9, 8))
        m.d.comb += [left.eq(state ^ (state << 7)), right.eq(left ^ (left >> 9)), after.eq(right ^ (right << 8))]
        return after


class QuickselectCore(wiring.Component):
    """Finds the k-th largest score as SpAtten does (paper IV-B, Alg. 3).

    Two banked FIFOs hold the scores below the last pivot and those above it. A round streams one of them past the next
    pivot and writes both sides back. Round r's pivot is survivor ``(h * m) >> 16`` of the m survivors in their order, h
    the r-th output of a 16-bit xorshift generator that starts from ``seed``.

    Timing
    ------
    Obeys ``topk.law``: a round takes ``topk.quickselect_round_cycles`` cycles beyond one for each beat of its set.

    Parameters
    ----------
    topk : `Topk`
        Lanes, longest packet, score width and registers.

    Members
    -------
    Those of `search_ports`. ``round`` gives the size of each round's set.
    """

    def __init__(self, topk: Topk) -> None:
        super().__init__(search_ports(topk))
        self._topk = topk

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        topk, score = self._topk, unsigned(self._topk.score_bits)
        m.submodules.below = below = BankedFifo(topk.lanes, score, topk.beats, read_domain="comb")
        m.submodules.above = above = BankedFifo(topk.lanes, score, topk.beats, read_domain="comb")
        m.submodules.draw = draw = PivotDraw(topk)
        m.submodules.reader = reader = SetReader(topk)
        m.submodules.partition = partition = Partition(topk)
        m.submodules.budget = budget = Budget(topk)
        for fifo, words in ((below, reader.below), (above, reader.above)):
            m.d.comb += [fifo.row.eq(reader.row), words.eq(fifo.o)]
        m.d.comb += [reader.size.eq(budget.size), reader.upper.eq(budget.above), reader.number.eq(draw.number)]
        m.d.comb += [draw.size.eq(budget.size), partition.pivot.eq(reader.pivot)]
        wiring.connect(m, reader.o, partition.i)
        wiring.connect(m, partition.counts, budget.counts)
        wiring.connect(m, partition.above, above.i)

        loading = Signal(init=1)
        self._load(m, partition, below)
        m.d.comb += [draw.load.eq(loading), draw.seed.eq(self.seed), draw.step.eq(budget.choose)]
        m.d.comb += [budget.load.eq(loading), budget.n.eq(self.n), budget.k.eq(self.k)]
        self._control(m, loading, partition, budget)
        m.d.comb += [self.threshold.eq(reader.pivot), self.ties.eq(budget.ties), reader.begin.eq(budget.choose)]
        return m

    def _load(self, m: Module, partition: Any, below: Any) -> None:
        """Write to the lower FIFO what is loaded, a cycle later, and the lower side of each round."""
        put = Signal()
        row = Signal.like(self.row, reset_less=True)
        last = Signal(reset_less=True)
        m.d.sync += [put.eq(self.load), row.eq(self.row), last.eq(self.last)]
        write = below.i
        m.d.comb += [write.valid.eq(partition.below.valid | put), write.payload.eq(partition.below.payload)]
        m.d.comb += below.whole.eq(put)
        with m.If(put):
            m.d.comb += [
                write.payload.last.eq(last),
                write.payload.items.eq(row.scores),
                write.payload.mask.eq(row.mask),
            ]

    def _control(self, m: Module, loading: Signal, partition: Any, budget: Any) -> None:
        """Go from load to rounds, and from round to round until the pivot is the threshold."""
        first = Signal()
        ends = Signal()
        more = Signal()
        size = Signal.like(budget.size, reset_less=True)
        m.d.sync += first.eq(self.load & self.last & self.search)
        m.d.comb += ends.eq(self._decided(m, partition.below.valid & partition.below.payload.last))
        m.d.comb += [more.eq(budget.above | budget.below), self.done.eq(ends & ~more)]
        m.d.comb += budget.choose.eq(first | (ends & more))
        with m.If(self.load & self.last & self.search):
            m.d.sync += loading.eq(0)
        with m.If(self.done):
            m.d.sync += loading.eq(1)
        m.d.sync += [budget.restart.eq(budget.choose), size.eq(budget.size)]
        m.d.comb += [self.round.valid.eq(budget.restart), self.round.payload.size.eq(size)]

    def _decided(self, m: Module, written: Value) -> Value:
        """Return when a round can be decided: all of it is written, both sides are counted and compared."""
        for cycle in range(self._topk.compactor_stages, self._topk.quickselect_count_stages + 2):
            later = Signal(name=f"written{cycle}")
            m.d.sync += later.eq(written)
            written = later
        return written
