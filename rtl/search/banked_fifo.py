"""Memory that takes compacted beats in and gives full beats back: a bank per lane."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout, Layout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tokensieve.rtl.beats import event, routed_beat
from tokensieve.rtl.primitives.block_ram import BlockRam


class BankedFifo(wiring.Component):
    """Stores the items of a packet of compacted beats one behind the other, and reads them back in full beats.

    Item i stands in bank i mod `lanes`, at place i / `lanes`. A compacted beat begins behind the items of the beats
    before, at lane `offset`, and goes on around the end: the lanes below `offset` belong one place further than the
    others. A packet may be read while the next one is written over it from place 0 on, as long as no beat is written
    that has yet to be read.

    Timing
    ------
    A beat a cycle in, a beat a cycle out. What is written in one cycle can be asked for in the next, and stands on
    ``o`` one cycle after that, or at once with ``read_domain="comb"``, or two cycles after it in block memories.

    Parameters
    ----------
    lanes : int
        Items of a beat, a power of two.
    data : `Layout`
        One item.
    beats : int
        Beats of the longest packet.
    ram_style : str
        Kind of memory that synthesis is to use: ``block``, ``distributed`` or ``auto``.
    read_domain : str
        ``sync``: the memory has a register behind it. ``comb``: it has none. Block memories always have two, and in
        them a beat must not be read in the cycle in which it is written.

    Members
    -------
    i : ``In(event(routed_beat(lanes, data)))``
        Compacted beats, as a `Compactor` makes them; `last` ends a packet, and the next one begins at place 0.
    whole : ``In(1)``
        The beat on ``i`` begins at lane 0 and the next one behind it, whatever its `offset` and `count` are.
    row : ``In(range(beats))``
        Beat to read.
    o : ``Out(ArrayLayout(data, lanes))``
        The beat asked for, in the cycle after, or in the same one with ``read_domain="comb"``; of block memories two
        cycles after.
    """

    def __init__(
        self, lanes: int, data: Layout, beats: int, ram_style: str = "auto", read_domain: str = "sync"
    ) -> None:
        self._places = max(2, beats)  # a memory of one place would have no address
        super().__init__(
            {
                "i": In(event(routed_beat(lanes, data))),
                "whole": In(1),
                "row": In(range(self._places)),
                "o": Out(ArrayLayout(data, lanes)),
            }
        )
        self._lanes, self._data, self._ram_style = lanes, data, ram_style
        self._read_domain = read_domain

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        beat = self.i.payload
        place = Signal(range(self._places))  # where lane `offset` goes
        after = Signal.like(place, init=1)  # the next place; the beat reaches it
        step = Signal()
        m.d.comb += step.eq(self.whole | ((beat.offset + beat.count) >> (self._lanes - 1).bit_length()))
        with m.If(self.i.valid & step):
            m.d.sync += [place.eq(after), after.eq(after + 1)]
        with m.If(self.i.valid & beat.last):
            m.d.sync += [place.eq(0), after.eq(1)]

        for lane in range(self._lanes):
            m.submodules[f"bank{lane}"] = bank = self._bank()
            write, read, word = self._ports(m, bank)
            m.d.comb += [write.en.eq(self.i.valid & beat.mask[lane]), write.data.eq(beat.items[lane])]
            m.d.comb += write.addr.eq(Mux((lane < beat.offset) & ~self.whole, after, place))
            m.d.comb += [read.addr.eq(self.row), self.o[lane].eq(word)]
        return m

    def _bank(self) -> Memory | BlockRam:
        if self._ram_style == "block":
            return BlockRam(self._data, self._places)
        return Memory(shape=self._data, depth=self._places, init=[], attrs={"ram_style": self._ram_style})

    def _ports(self, m: Module, bank: Memory | BlockRam) -> tuple[Any, Any, Any]:
        """Return what writes a bank, what reads it, and the word that was read."""
        if isinstance(bank, BlockRam):
            m.d.comb += bank.read.en.eq(1)
            return bank.write, bank.read, bank.o
        write = bank.write_port()
        read = bank.read_port(domain=self._read_domain)
        return write, read, read.data
