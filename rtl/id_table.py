"""The numbers of tokens or heads that are still alive, by position."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import SumsOp, item, kept_id, packed_beat, sums_command
from tokensieve.rtl.compactor import Compactor
from tokensieve.rtl.meeting import meeting
from tokensieve.rtl.pipe import Stage
from tokensieve.rtl.zero_eliminator import BeatBuffer


class IdTable(wiring.Component):
    """Knows which number the i-th alive token has, and gives out the numbers of those that are kept.

    Numbers are counted from 0 and never given again: the first one after a KEEP of 3 out of 10 is 10.

    Timing
    ------
    A KEEP looks at one beat of positions against one line of numbers a cycle, as the accumulators do: beats kept, at
    least 1, plus the number of the line in which the last one lies. Its last beat stands on ``o``
    ``topk.compactor_stages`` + 3 cycles after the last look. The next command is taken in the cycle in which that beat
    leaves.

    Parameters
    ----------
    topk : `Topk`
        Lanes, and widths of positions and numbers.
    capacity : int
        Numbers that may be alive.

    Members
    -------
    command : ``In(stream.Signature(sums_command(capacity)))``
        CLEAR: `n` are alive, numbered from 0. GROW: `n` more. KEEP: positions follow on ``keep``. No others come.
    keep : ``In(stream.Signature(packed_beat(topk.lanes, item(topk))))``
        Positions among the alive, ascending, up to `last`. A beat without items is allowed as the only one.
    o : ``Out(stream.Signature(packed_beat(topk.lanes, kept_id(topk))))``
        Their numbers.
    """

    def __init__(self, topk: Topk, capacity: int) -> None:
        super().__init__(
            {
                "command": In(stream.Signature(sums_command(capacity))),
                "keep": In(stream.Signature(packed_beat(topk.lanes, item(topk)))),
                "o": Out(stream.Signature(packed_beat(topk.lanes, kept_id(topk)))),
            }
        )
        self._topk, self._capacity = topk, capacity
        self._lines = max(2, -(-capacity // topk.lanes))
        self._shift = (topk.lanes - 1).bit_length()

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.command = command = Stage(sums_command(self._capacity))
        wiring.connect(m, wiring.flipped(self.command), command.i)
        now, length = command.o.p, kept_id(self._topk).size + 1
        alive = Signal(length)
        self._known = Signal(length)
        self._ahead = Signal(length)
        keeping = Signal()
        done = Signal()
        kept = Signal(length)

        self._convert(m, keeping, done, kept)
        m.d.comb += keeping.eq(command.o.valid & (now.op == SumsOp.KEEP))
        m.d.comb += command.o.ready.eq(done | ~keeping)
        with m.If(command.o.valid & (now.op == SumsOp.CLEAR)):
            m.d.sync += [alive.eq(now.n), self._known.eq(0), self._ahead.eq(0)]
        with m.If(command.o.valid & (now.op == SumsOp.GROW)):
            m.d.sync += alive.eq(alive + now.n)
        with m.If(done):
            m.d.sync += [alive.eq(kept), self._known.eq(kept), self._ahead.eq(alive + self._ahead - kept)]
        return m

    def _convert(self, m: Module, keeping: Signal, done: Signal, kept: Signal) -> None:
        """Read the lines that positions point into, compact them, send them out and write them back."""
        lanes, word = self._topk.lanes, kept_id(self._topk)
        m.submodules.numbers = memory = Memory(shape=ArrayLayout(word, lanes), depth=self._lines, init=[])
        m.submodules.compactor = compactor = Compactor(lanes, word, self._topk.compactor_stages)
        m.submodules.rows = beats = BeatBuffer(lanes, word)
        wiring.connect(m, compactor.o, beats.i)
        wiring.connect(m, beats.o, wiring.flipped(self.o))
        self._look(m, keeping, done, memory, compactor)

        write = memory.write_port()
        moves = Signal()
        count = Signal.like(kept)
        m.d.comb += [moves.eq(self.o.valid & self.o.ready), kept.eq(count + self.o.p["count"])]
        m.d.comb += [write.en.eq(moves), write.addr.eq(count >> self._shift), write.data.eq(self.o.p.items)]
        m.d.comb += done.eq(moves & self.o.p.last)
        with m.If(moves):
            m.d.sync += count.eq(kept)
        with m.If(done):
            m.d.sync += count.eq(0)

    def _look(self, m: Module, keeping: Signal, done: Signal, memory: Memory, compactor: Compactor) -> None:
        """Hold a beat of positions against a line of numbers, and go on in one of them."""
        row = Signal(range(self._lines + 1))
        spent = Signal()
        looks = Signal()
        place = Signal.like(row)
        advance = Signal()
        read = memory.read_port()
        mask, past = meeting(m, self._topk, self.keep.p, row)
        m.d.comb += advance.eq(~compactor.i.valid | compactor.i.ready)
        m.d.comb += looks.eq(keeping & ~spent & self.keep.valid & advance)
        m.d.comb += [self.keep.ready.eq(looks & ~past), read.en.eq(advance), read.addr.eq(row)]
        with m.If(advance):
            m.d.sync += [compactor.i.valid.eq(looks), compactor.i.p.mask.eq(mask), place.eq(row)]
            m.d.sync += compactor.i.p.last.eq(~past & self.keep.p.last)
        with m.If(looks):
            m.d.sync += [row.eq(row + past), spent.eq(~past & self.keep.p.last)]
        with m.If(done):
            m.d.sync += [row.eq(0), spent.eq(0)]
        for lane in range(self._topk.lanes):
            position = Signal(len(row) + self._shift, name=f"position_{lane}")
            m.d.comb += position.eq((place << self._shift) + lane)
            stored = read.data[lane].index
            m.d.comb += compactor.i.p.items[lane].index.eq(Mux(position < self._known, stored, position + self._ahead))
