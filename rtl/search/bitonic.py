"""Bitonic sorting of a whole packet: one layer of comparators behind a perfect shuffle (Stone, 1971)."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.search.base import search_ports


class BitonicCore(wiring.Component):
    """Sorts the packet, largest first, and looks the k-th score up.

    Each cycle is a layer: a fixed shuffle, then a comparator for every two neighbours, which may exchange them. A pass
    is as many layers as a place's number has bits. Passes that sort are followed by three that route, in which all
    comparators do alike: one brings the k-th score to place 0, one takes it back, and one searches for the first place
    that is not above it.

    Timing
    ------
    Obeys ``topk.law``, whatever the scores, n and k: one cycle a layer, and one for the verdict.

    Parameters
    ----------
    topk : `Topk`
        Lanes, longest packet and score width.

    Members
    -------
    As in `search_ports`; ``round`` is never raised.
    """

    def __init__(self, topk: Topk) -> None:
        super().__init__(search_ports(topk))
        self._bits = topk.bitonic_passes
        self._places = 1 << self._bits
        self._lanes = min(topk.lanes, self._places)
        width = topk.score_bits

        self._scores = [Signal(width, name=f"score_{place}", reset_less=True) for place in range(self._places)]
        self._threshold = Signal(width, reset_less=True)
        self._bit = Signal(self._bits)
        """One-hot: the bit in which the original numbers of the places now compared differ. From the top; 0 is rest."""
        self._begun = Signal(self._bits + 3, reset_less=True)
        """The passes begun, in their order: those that sort, then out, back and search."""
        self._routing, self._back, self._searching = (self._begun[self._bits + number] for number in range(3))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        route = self._route(m)
        down, sorting = self._direction(m)
        exchanged = [
            score for number in range(self._places // 2) for score in self._compare(m, number, route, sorting, down)
        ]
        # One enable for loading and exchanging, and one choice: what of them is next takes the fewest gates so.
        with m.If(self.load | self._bit.any()):
            for score, pushed, other in zip(self._scores, self._pushed(), exchanged, strict=True):
                m.d.sync += score.eq(Mux(self.load, pushed, other))
        self._time(m)
        return m

    def _compare(self, m: Module, number: int, route: Signal, sorting: Signal, down: Signal) -> list[Value]:
        """Return what a comparator makes of its two scores.

        The shuffle moves place p to p rotated left by a bit, and so brings the two together.
        """
        low, high = self._scores[number], self._scores[number + self._places // 2]
        swap = Signal(name=f"swap_{number}")
        reverse = (down & 2 * number).any()
        m.d.comb += swap.eq(Mux(self._routing, route, sorting & ((low < high) ^ reverse)))
        return [Mux(swap, high, low), Mux(swap, low, high)]

    def _direction(self, m: Module) -> tuple[Signal, Signal]:
        """Return the bit of a place's number that reverses its comparator, one-hot, and whether there is a comparison.

        Pass s, from 1 on, merges runs of 2^s scores: it compares in bits s - 1 to 0 of the original numbers, and bit s
        reverses. That is bit s + t of the place after t layers, modulo `bits`. The last pass leaves a single run.
        """
        turn = Signal(self._bits, reset_less=True)
        down = Signal(self._bits)
        sorting = Signal()
        m.d.sync += turn.eq(turn.rotate_left(1))
        with m.If(self._bit[0]):
            m.d.sync += turn.eq(turn.rotate_left(2))
        with m.If(self.load):
            m.d.sync += turn.eq(1 << 2 % self._bits)
        m.d.comb += sorting.eq((self._begun[: self._bits] & self._bit).any())
        m.d.comb += down.eq(Mux(self._begun[self._bits - 1], 0, turn))
        return down, sorting

    def _route(self, m: Module) -> Signal:
        """Return whether a layer that routes exchanges: doing so in bit b moves place p to p xor 2^b.

        The search walks down a tree: of the places still in question it looks at the last one of the lower half, which
        the layers before have brought to where a constant says, and goes on in the half that has the boundary.
        """
        target = Signal(self._bits, reset_less=True)
        above = Signal(self._bits, reset_less=True)  # scores above the threshold
        route = Signal()
        probe = Signal.like(self._threshold)
        higher = Signal()
        with m.If(self.load):
            m.d.sync += target.eq(self.k - 1)
        with m.If(self._bit[-1] & self._back & ~self._searching):
            m.d.sync += self._threshold.eq(self._scores[0])
        with m.If(self._searching):
            m.d.sync += above.eq(Cat(higher, above))

        for bit in range(self._bits):
            with m.If(self._bit[bit]):
                m.d.comb += probe.eq(self._scores[((1 << bit) - 1) << (self._bits - 1 - bit)])
        m.d.comb += higher.eq(probe > self._threshold)
        m.d.comb += route.eq(Mux(self._searching, higher, (target & self._bit).any()))
        m.d.comb += [self.threshold.eq(self._threshold), self.ties.eq(self.k - above)]
        return route

    def _time(self, m: Module) -> None:
        """Walk through the bits of a pass, and through the passes."""
        m.d.sync += self.done.eq(self._bit[0] & self._searching)
        with m.If(self._bit[0] & ~self._searching):
            m.d.sync += [self._bit.eq(1 << self._bits - 1), self._begun.eq(Cat(1, self._begun))]
        with m.Else():
            m.d.sync += self._bit.eq(self._bit >> 1)
        with m.If(self.load & self.last & self.search):
            m.d.sync += [self._bit.eq(1 << self._bits - 1), self._begun.eq(1)]

    def _pushed(self) -> list[Value]:
        """Return the scores with a beat pushed in behind those before it. What is not there is 0, and sorts last."""
        beat = [Mux(self.row.mask[lane], self.row.scores[lane], 0) for lane in range(self._lanes)]
        return [*beat, *(Mux(self.first, 0, score) for score in self._scores[: -self._lanes])]
