"""The zero eliminator: beats with holes in, full beats out (paper IV-C)."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import Layout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import item, lane_count_bits, packed_beat, routed_beat, sparse_beat
from tokensieve.rtl.compactor import Compactor


class BeatBuffer(wiring.Component):
    """Packs compacted partial beats into full beats.

    A full beat waits until the next item shows that it is not the last: so every beat is full but the last of its
    packet, which has 1 item or more unless the packet has none.

    Timing
    ------
    One beat per cycle. A beat that completes another one puts it on ``o`` one cycle later; the last beat of a packet
    stands on ``o`` two cycles after the transfer of the packet's last beat on ``i``. While ``o`` is stalled, beats are
    taken as long as none completes.

    Parameters
    ----------
    lanes : int
        Items of a beat, a power of two.
    data : `Layout`
        One item.

    Members
    -------
    i : ``In(stream.Signature(routed_beat(lanes, data)))``
        Beats from a `Compactor`.
    o : ``Out(stream.Signature(packed_beat(lanes, data)))``
        Full beats, and the rest of each packet.
    """

    def __init__(self, lanes: int, data: Layout) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(routed_beat(lanes, data))),
                "o": Out(stream.Signature(packed_beat(lanes, data))),
            }
        )
        self._lanes, self._data = lanes, data

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        lanes = self._lanes
        held = [Signal(self._data, name=f"held_{lane}", reset_less=True) for lane in range(lanes)]
        level = Signal(lane_count_bits(lanes))  # items held, 0..lanes
        filled = Signal(lanes)  # lanes that hold one, those below `level`: known at once, it selects what leaves
        before = Signal.like(filled)
        ending = Signal()  # what is held is the rest of a packet
        kept = Signal.like(level)
        total = Signal(lane_count_bits(lanes) + 1)
        free = Signal()
        wants = Signal()
        accept = Signal()

        m.d.comb += free.eq(~self.o.valid | self.o.ready)
        m.d.comb += [kept.eq(level), before.eq(filled)]
        with m.If(ending):
            m.d.comb += [kept.eq(0), before.eq(0)]
        m.d.comb += total.eq(kept + self.i.p.count)
        m.d.comb += wants.eq(ending | (self.i.valid & self.i.p.completes))
        m.d.comb += self.i.ready.eq(free | ~(ending | self.i.p.completes))
        m.d.comb += accept.eq(self.i.valid & self.i.ready)

        with m.If(free):
            m.d.sync += self.o.valid.eq(wants)
            m.d.sync += [self.o.p.last.eq(ending), self.o.p.count.eq(level)]
            with m.If(~ending):
                m.d.sync += self.o.p.count.eq(lanes)
            for lane, data in enumerate(held):
                m.d.sync += self.o.p.items[lane].eq(data)
                with m.If(~filled[lane]):
                    m.d.sync += self.o.p.items[lane].eq(self.i.p.items[lane])
            m.d.sync += ending.eq(0)
            with m.If(ending):
                m.d.sync += [level.eq(0), filled.eq(0)]
        with m.If(accept):
            m.d.sync += ending.eq(self.i.p.last)
            m.d.sync += [level.eq(total), filled.eq(before | self.i.p.mask)]
            with m.If(self.i.p.completes):
                m.d.sync += [level.eq(total - lanes), filled.eq(before & self.i.p.mask)]
            for lane, data in enumerate(held):
                with m.If(self.i.p.mask[lane]):
                    m.d.sync += data.eq(self.i.p.items[lane])
        return m


class ZeroEliminator(wiring.Component):
    """Drops the lanes that are not marked and packs the others into full beats, in order.

    Timing
    ------
    One beat per cycle. The last beat of a packet stands on ``o`` ``topk.compactor_stages`` + 2 cycles after the
    transfer of the packet's last beat on ``i``, whatever is marked. While ``o`` is stalled, beats are taken
    until the stages are full.

    Parameters
    ----------
    topk : `Topk`
        Lanes, item widths and registers.

    Members
    -------
    i : ``In(stream.Signature(sparse_beat(topk.lanes, item(topk))))``
        Beats of which the lanes stay whose bit of `mask` is 1, lane 0 at its lowest bit; `last` ends a packet.
    o : ``Out(stream.Signature(packed_beat(topk.lanes, item(topk))))``
        The items that stay, in order: full beats; the last of a packet has `last` and the rest of the items, none if
        nothing was marked. Lanes from `count` on are to be ignored.
    """

    def __init__(self, topk: Topk) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(sparse_beat(topk.lanes, item(topk)))),
                "o": Out(stream.Signature(packed_beat(topk.lanes, item(topk)))),
            }
        )
        self._topk = topk

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        topk = self._topk
        m.submodules.compactor = compactor = Compactor(topk.lanes, item(topk), topk.compactor_stages)
        m.submodules.rows = beats = BeatBuffer(topk.lanes, item(topk))
        wiring.connect(m, wiring.flipped(self.i), compactor.i)
        wiring.connect(m, compactor.o, beats.i)
        wiring.connect(m, beats.o, wiring.flipped(self.o))
        return m
