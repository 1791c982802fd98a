"""How many scores reach each bin: population counts over beats, compared with the number of scores wanted."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import lane_count_bits, length_bits


class Counters(wiring.Component):
    """Counts, for each bin, the scores that lie in it or in a bin above it.

    Lanes say which bins they reach, one bit for each (a thermometer code), so that nothing has to be summed over bins:
    the bin of the k-th largest score is the last one that k scores reach.

    Timing
    ------
    A beat every cycle. ``totals`` hold it 2 cycles later, ``reached`` compares them 1 cycle after that.

    Parameters
    ----------
    topk : `Topk`
        Lanes and longest packet.
    bins : int
        Bins above the lowest, which is not counted.

    Members
    -------
    levels : ``In(bins).array(topk.lanes)``
        For each lane of a beat, the bins that its score reaches; 0 where there is none.
    restart : ``In(1)``
        The beat is the first of its set; those before it are forgotten.
    target : ``In(length_bits(topk))``
        Scores wanted.
    totals : ``Out(length_bits(topk)).array(bins)``
        Scores that reach each bin.
    reached : ``Out(bins)``
        Bins that `target` scores or more reach.
    """

    def __init__(self, topk: Topk, bins: int) -> None:
        super().__init__(
            {
                "levels": In(bins).array(topk.lanes),
                "restart": In(1),
                "target": In(length_bits(topk)),
                "totals": Out(length_bits(topk)).array(bins),
                "reached": Out(bins),
            }
        )
        self._topk, self._bins = topk, bins

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for number in range(self._bins):
            count = Signal(lane_count_bits(self._topk.lanes), name=f"row{number}", reset_less=True)
            total = Signal(length_bits(self._topk), name=f"total{number}", reset_less=True)
            m.d.sync += [count.eq(_sum([level[number] for level in self.levels])), total.eq(total + count)]
            # What would be added in this cycle belongs to the set before: the first beat is one register behind.
            with m.If(self.restart):
                m.d.sync += total.eq(0)
            m.d.sync += self.reached[number].eq(total >= self.target)
            m.d.comb += self.totals[number].eq(total)
        return m


def _sum(values: Sequence[Value]) -> Value:
    """Return the sum as a tree of additions, which synthesis turns into carry-save adders."""
    if len(values) == 1:
        return values[0]
    half = len(values) // 2
    return _sum(values[:half]) + _sum(values[half:])
