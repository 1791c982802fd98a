"""A block memory with a register behind it."""

from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.data import Layout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tokensieve.rtl.primitives import ecp5, ice40
from tokensieve.rtl.primitives.target import primitives_of

_CELLS = {"ecp5": ecp5.block_ram, "ice40": ice40.block_ram}


class BlockRam(wiring.Component):
    """Stores words, one written and one read in a cycle.

    A word must not be read in the cycle in which it is written. What was never written may be anything.

    Timing
    ------
    A word stands on ``o`` two cycles with `read.en` after its address, be they in a row or not: it passes the memory's
    own register and the one behind it.

    Parameters
    ----------
    shape : `Layout`
        One word.
    depth : int
        Words, 2 or more.

    Members
    -------
    write : ``In(write_port(shape, depth))``
        With `en`, `data` is stored at `addr`.
    read : ``In(read_port(depth))``
        With `en`, both registers move on: `addr` is read, and the word that was read before goes to ``o``.
    o : ``Out(shape)``
        Word.
    """

    def __init__(self, shape: Layout, depth: int) -> None:
        super().__init__({"write": In(write_port(shape, depth)), "read": In(read_port(depth)), "o": Out(shape)})
        self._shape, self._depth = shape, depth

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        cells = _CELLS.get(primitives_of(platform))
        if cells is None or not cells(m, self.write, self.read, Value.cast(self.o), self._depth):
            self._infer(m)
        return m

    def _infer(self, m: Module) -> None:
        """Add a memory of which synthesis makes block memories, with their register in them and the other one behind.

        The memory's register is spelt out, so that synthesis need not keep what a word was before it is written in the
        cycle in which it is read.
        """
        attrs = {"ram_style": "block", "no_rw_check": 1}
        m.submodules.memory = memory = Memory(shape=self._shape, depth=self._depth, init=[], attrs=attrs)
        write = memory.write_port()
        read = memory.read_port(domain="comb")
        word = Signal(self._shape, reset_less=True)
        out = Signal(self._shape, reset_less=True)
        m.d.comb += [write.en.eq(self.write.en), write.addr.eq(self.write.addr), write.data.eq(self.write.data)]
        m.d.comb += [read.addr.eq(self.read.addr), self.o.eq(out)]
        with m.If(self.read.en):
            m.d.sync += [word.eq(read.data), out.eq(word)]


def write_port(shape: Layout, depth: int) -> wiring.Signature:
    """Return what writes a word of a memory."""
    return wiring.Signature({"en": Out(1), "addr": Out(range(depth)), "data": Out(shape)})


def read_port(depth: int) -> wiring.Signature:
    """Return what reads a word of a memory."""
    return wiring.Signature({"en": Out(1), "addr": Out(range(depth))})
