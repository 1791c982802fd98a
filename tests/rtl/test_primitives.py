"""Block memories and multipliers: an FPGA's cells do what their plain twins do, cycle for cycle."""

import pytest
from amaranth.hdl import Cat, Elaboratable, Fragment, Module, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from tokensieve.cli.app import call
from tokensieve.rtl.flow.bare import run
from tokensieve.rtl.flow.cells import models
from tokensieve.rtl.flow.verilog import verilog_body
from tokensieve.rtl.primitives.block_ram import BlockRam
from tokensieve.rtl.primitives.multiplier import Multiplier

MEMORIES = [(64, 128), (16, 64), (112, 32), (20, 700), (9, 1100), (5, 3000), (3, 5000), (2, 9000), (18, 2)]
"""Width and depth; between them they use every shape of a block, and more words than an iCE40's block can have."""

FACTORS = [(18, True), (18, False), (16, True), (16, False), (12, True), (7, False), (20, True)]
"""Width, and whether signed; the last is too wide for a cell, those of 18 bits for an iCE40's."""

CYCLES = 20_000


class Plain(Elaboratable):
    """Elaborates what is in it for no platform."""

    def __init__(self, inner):
        self.inner = inner

    def elaborate(self, platform):
        return Fragment.get(self.inner, None)


class Twins(wiring.Component):
    """Drives pairs of plain hardware and cells with the same numbers; `differs` tells which have ever differed."""

    def __init__(self):
        super().__init__({"differs": Out(len(MEMORIES) + len(FACTORS)), "moved": Out(len(MEMORIES) + len(FACTORS))})

    def elaborate(self, platform):
        m = Module()
        noise = Signal(256, init=0x9E3779B97F4A7C15F39CC0605CEDC834)
        m.d.sync += noise.eq(Cat(noise[13:], noise[:13] ^ noise[61:74] ^ noise[200:213]))
        pairs = [self._memories(m, noise, number, *one) for number, one in enumerate(MEMORIES)]
        pairs += [self._multipliers(m, noise, number, *one) for number, one in enumerate(FACTORS)]
        for number, (plain, cell) in enumerate(pairs):
            with m.If(plain != cell):
                m.d.sync += self.differs[number].eq(1)
            with m.If(cell != 0):
                m.d.sync += self.moved[number].eq(1)
        return m

    def _memories(self, m, noise, number, width, depth):
        both = plain, cell = BlockRam(unsigned(width), depth), BlockRam(unsigned(width), depth)
        m.submodules[f"plain_memory{number}"], m.submodules[f"cell_memory{number}"] = Plain(plain), cell
        window = min(depth, 13)  # few enough words that most are read after they were written
        place, base = Signal(range(depth)), Signal(range(depth))
        m.d.sync += base.eq(noise[40:60] % (depth - window + 1))
        with m.If(noise[30:36] != 0):
            m.d.sync += base.eq(base)
        m.d.comb += place.eq(base + noise[4:10] % window)
        for one in both:
            m.d.comb += [one.write.en.eq(noise[0]), one.write.addr.eq(place), one.write.data.eq(noise[100:])]
            m.d.comb += [one.read.addr.eq(base + noise[20:26] % window)]
            m.d.comb += one.read.en.eq((noise[11:13] != 0) & ~(one.write.en & (one.read.addr == place)))
        return plain.o, cell.o

    def _multipliers(self, m, noise, number, bits, is_signed):
        both = plain, cell = Multiplier(bits, is_signed), Multiplier(bits, is_signed)
        m.submodules[f"plain_product{number}"], m.submodules[f"cell_product{number}"] = Plain(plain), cell
        for one in both:
            m.d.comb += [one.en.eq(noise[14:16] != 0), one.a.eq(noise[120:]), one.b.eq(noise[160:])]
        return plain.o, cell.o


def bench(design):
    """Return a test bench around `design` that prints what differs and what moved."""
    return f"""{design}
module bench(input clk);
  wire [{len(MEMORIES) + len(FACTORS) - 1}:0] differs, moved;
  reg [31:0] cycle = 0;
  twins twins(.clk(clk), .rst(1'b0), .differs(differs), .moved(moved));
  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (cycle == {CYCLES}) begin
      $display("%b %b", differs, moved);
      $finish;
    end
  end
endmodule
"""


@pytest.mark.parametrize(
    ("family", "cells"), [("ecp5", ["DP16KD", "MULT18X18D"]), ("ice40", ["SB_RAM40_4K", "SB_MAC16"])]
)
def test_cells_do_what_their_plain_twins_do(family, cells):
    design = verilog_body(Twins(), "twins", family)
    differs, moved = run(bench(design + models(cells, family)), CYCLES + 10).splitlines()[0].split()

    assert all(cell in design for cell in cells)
    assert set(differs) == {"0"}
    assert set(moved) == {"1"}


@pytest.mark.long
@pytest.mark.parametrize("family", ["ecp5", "ice40"])
@pytest.mark.parametrize("unit", ["topk --engine radix", "topk --engine bitserial", "fixed-length-pruner"])
def test_units_made_of_cells_keep_answers_and_cycles(unit, family):
    sizes = ["topk.max_tokens=64", "topk.lanes=4", "pruner.max_tokens=24", "pruner.keep=10", f"primitives={family}"]

    assert call(["cosim", *unit.split(), "--vectors", "40", *(word for one in sizes for word in ("--set", one))]) == 0
