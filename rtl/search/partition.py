"""What quick-select does to a set: two arrays of comparators, and a compactor behind each."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Module, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import event, lane_count_bits, routed_beat
from tokensieve.rtl.compactor import Compactor
from tokensieve.rtl.search.base import search_beat


def set_beat(topk: Topk) -> StructLayout:
    """Return the layout of a beat of a set; `last` ends the set."""
    return StructLayout({**dict(search_beat(topk).members), "last": unsigned(1)})


def side_counts(topk: Topk) -> StructLayout:
    """Return the layout of how many scores of a beat lie below and above the pivot."""
    bits = lane_count_bits(topk.lanes)
    return StructLayout({"below": unsigned(bits), "above": unsigned(bits)})


class Partition(wiring.Component):
    """Splits a set in two: the scores below a pivot and those above it, each in their order.

    Timing
    ------
    One beat per cycle, without pauses on either side: compacted beats leave 1 + ``topk.compactor_stages`` cycles after
    their beat came in, its counts 1 + ``topk.quickselect_count_stages`` cycles after it did.

    Parameters
    ----------
    topk : `Topk`
        Lanes, score width and registers.

    Members
    -------
    i : ``In(event(set_beat(topk)))``
        Beats of a set.
    pivot : ``In(topk.score_bits)``
        The pivot, in the cycles in which beats come in.
    below, above : ``Out(event(routed_beat(topk.lanes, score)))``
        Compacted beats, in the same cycles for both sides.
    counts : ``Out(event(side_counts(topk)))``
        How many of a beat lie on either side.
    """

    def __init__(self, topk: Topk) -> None:
        routed = routed_beat(topk.lanes, unsigned(topk.score_bits))
        super().__init__(
            {
                "i": In(event(set_beat(topk))),
                "pivot": In(topk.score_bits),
                "below": Out(event(routed)),
                "above": Out(event(routed)),
                "counts": Out(event(side_counts(topk))),
            }
        )
        self._topk = topk

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        beat = self.i.payload
        scores = Signal.like(beat.scores, reset_less=True)
        below = Signal(self._topk.lanes, reset_less=True)
        above = Signal(self._topk.lanes, reset_less=True)
        valid = Signal()
        last = Signal()
        m.d.sync += [scores.eq(beat.scores), valid.eq(self.i.valid), last.eq(beat.last)]
        for lane in range(self._topk.lanes):
            m.d.sync += below[lane].eq(beat.mask[lane] & (beat.scores[lane] < self.pivot))
            m.d.sync += above[lane].eq(beat.mask[lane] & (beat.scores[lane] > self.pivot))

        for name, marks, side in (("below", below, self.below), ("above", above, self.above)):
            self._compact(m, name, [valid, scores, marks, last], side)
            m.d.comb += getattr(self.counts.payload, name).eq(self._count(m, name, marks))
        m.d.comb += self.counts.valid.eq(self._delayed(m, valid))
        return m

    def _compact(self, m: Module, name: str, beat: Sequence[Signal], side: Any) -> None:
        valid, scores, marks, last = beat
        compactor = Compactor(self._topk.lanes, unsigned(self._topk.score_bits), self._topk.compactor_stages)
        m.submodules[name] = compactor
        m.d.comb += [compactor.i.valid.eq(valid), compactor.i.p.items.eq(scores)]
        m.d.comb += [compactor.i.p.mask.eq(marks), compactor.i.p.last.eq(last)]
        m.d.comb += [side.valid.eq(compactor.o.valid), side.payload.eq(compactor.o.payload), compactor.o.ready.eq(1)]

    def _count(self, m: Module, name: str, marks: Signal) -> Signal:
        """Return the number of marks: a tree of adders with registers after every so many layers, the last included."""
        layers = (self._topk.lanes - 1).bit_length()
        apart = max(1, -(-layers // self._topk.quickselect_count_stages))
        counts: list[Any] = list(marks)
        for layer in range(max(1, layers)):
            sums = [Signal(lane_count_bits(2 << layer), name=f"{name}{layer}_{i}") for i in range(-(-len(counts) // 2))]
            domain = m.d.sync if (layer + 1) % apart == 0 or layer + 1 >= layers else m.d.comb
            domain += [total.eq(sum(counts[2 * i : 2 * i + 2], Const(0))) for i, total in enumerate(sums)]
            counts = sums
        return counts[0]

    def _delayed(self, m: Module, flag: Signal) -> Signal:
        """Return `flag` as much later as the counts are."""
        for stage in range(self._topk.quickselect_count_stages):
            later = Signal(name=f"counted{stage}")
            m.d.sync += later.eq(flag)
            flag = later
        return flag
