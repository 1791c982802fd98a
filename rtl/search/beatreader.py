"""Reads a set of scores out of a banked FIFO, beat by beat."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import event, length_bits
from tokensieve.rtl.search.digits import stored_beat


class BeatReader(wiring.Component):
    """Asks for the beats of a set, one per cycle, and says which of their lanes count.

    Timing
    ------
    The first beat is asked for in the cycle after `start` and told of on ``o`` one cycle later.

    Parameters
    ----------
    topk : `Topk`
        Lanes and longest packet.

    Members
    -------
    start : ``In(1)``
        Read a set; the one before has been read.
    size : ``In(length_bits(topk))``
        With `start`: its scores, 1 or more.
    stop : ``In(1)``
        Read no further; what has been asked for does not come.
    ends : ``Out(1)``
        The last beat is asked for.
    row : ``Out(range(topk.beats))``
        Beat that is asked for.
    o : ``Out(event(stored_beat(topk)))``
        Beats of the set; their scores are not here.
    """

    def __init__(self, topk: Topk) -> None:
        super().__init__(
            {
                "start": In(1),
                "size": In(length_bits(topk)),
                "stop": In(1),
                "ends": Out(1),
                "row": Out(range(max(2, topk.beats))),
                "o": Out(event(stored_beat(topk))),
            }
        )
        self._topk = topk

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        lanes, shift = self._topk.lanes, (self._topk.lanes - 1).bit_length()
        reading = Signal()
        first = Signal()
        left = Signal(length_bits(self._topk), reset_less=True)
        more, rest = left[shift:], left[:shift]  # full beats, and scores beyond them
        o = self.o.payload
        m.d.comb += self.ends.eq(reading & (left <= lanes))
        m.d.sync += [self.o.valid.eq(reading), o.first.eq(first), o.last.eq(self.ends)]
        m.d.sync += [o.mask[lane].eq(more.any() | (rest > lane)) for lane in range(lanes)]
        m.d.sync += [self.row.eq(self.row + 1), left.eq(left - lanes), first.eq(0)]
        with m.If(self.ends):
            m.d.sync += reading.eq(0)
        with m.If(self.start):
            m.d.sync += [reading.eq(1), first.eq(1), self.row.eq(0), left.eq(self.size)]
        with m.If(self.stop):
            m.d.sync += [reading.eq(0), self.o.valid.eq(0)]
        return m
