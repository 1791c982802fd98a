"""How many scores reach each bin: population counts over rows, compared with the number of scores wanted."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import length_bits


class Counters(wiring.Component):
    """Counts, for each bin, the scores that lie in it or in a bin above it.

    Lanes say which bins they reach, one bit for each (a thermometer code), so that nothing has to be summed over bins:
    the bin of the k-th largest score is the last one that k scores reach.

    Timing
    ------
    A row every cycle. ``totals`` hold it 2 cycles later, ``reached`` compares them 1 cycle after that.

    Parameters
    ----------
    topk : `Topk`
        Lanes and longest row.
    bins : int
        Bins above the lowest, which is not counted.

    Members
    -------
    levels : ``In(bins).array(topk.lanes)``
        For each lane of a row, the bins that its score reaches; 0 where there is none.
    restart : ``In(1)``
        The row is the first of its set; those before it are forgotten.
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
        planes = []
        for bit, plane in enumerate(self._planes(m, self.levels)):
            planes.append(Signal(self._bins, name=f"plane{bit}", reset_less=True))
            m.d.sync += planes[-1].eq(plane)
        for number in range(self._bins):
            total = Signal(length_bits(self._topk), name=f"total{number}", reset_less=True)
            m.d.sync += total.eq(total + Cat(plane[number] for plane in planes))
            # What would be added in this cycle belongs to the set before: the first row is one register behind.
            with m.If(self.restart):
                m.d.sync += total.eq(0)
            m.d.sync += self.reached[number].eq(total >= self.target)
            m.d.comb += self.totals[number].eq(total)
        return m

    def _planes(self, m: Module, lanes: Sequence[Value]) -> list[Value]:
        """Return the bits of the lanes' population counts, lowest first, each for all bins side by side."""
        planes: list[Value] = []
        column = list(lanes)
        while column:
            carries: list[Value] = []
            while len(column) > 1:
                total, carry = self._add(m, column[:3], f"bit{len(planes)}_{len(carries)}")
                column = [*column[3:], total]
                carries.append(carry)
            planes += column
            column = carries
        return planes

    def _add(self, m: Module, parts: Sequence[Value], name: str) -> tuple[Signal, Signal]:
        """Return sum and carry of two or three bits of the same weight, for all bins side by side."""
        total, carry = Signal(self._bins, name=f"{name}_sum"), Signal(self._bins, name=f"{name}_carry")
        a, b, c = (*parts, None)[:3]
        m.d.comb += [total.eq(a ^ b), carry.eq(a & b)] if c is None else [
            total.eq(a ^ b ^ c),
            carry.eq((a & b) | (a & c) | (b & c)),
        ]
        return total, carry
