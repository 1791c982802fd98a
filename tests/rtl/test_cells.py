"""Models of an FPGA's cells: whole with what they are made of, and the settings with which Yosys infers memories."""

import re

import pytest

from tokensieve.arch.errors import ToolError
from tokensieve.rtl.flow.bare import run
from tokensieve.rtl.flow.cells import models
from tokensieve.rtl.flow.lint import lint

BENCH = """
module bench(input clk);
  reg [7:0] cycle = 0;
  wire [7:0] held, older, cleared;
  wire write = cycle < 3;
  wire [8:0] data = {1'b0, 4'd6, cycle[3:0]};
  PORT("NORMAL", "SYNC", 0, held);
  PORT("READBEFOREWRITE", "SYNC", 0, older);
  PORT("READBEFOREWRITE", "ASYNC", cycle == 5, cleared);
  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (cycle != 0) $display("%0d: %h %h %h", cycle, held, older, cleared);
    if (cycle == 6) $finish;
  end
endmodule
"""
PORT = """DP16KD #(.DATA_WIDTH_A(9), .DATA_WIDTH_B(9), .WRITEMODE_A({mode}), .RESETMODE({reset}), .REGMODE_A("NOREG"))
    {out}_memory (.CLKA(clk), .CEA(1'b1), .OCEA(1'b1), .WEA(write), .RSTA({clear}),
    .CSA2(1'b0), .CSA1(1'b0), .CSA0(1'b0), {pins}, .CLKB(clk), .CEB(1'b0), .WEB(1'b0), .RSTB(1'b0))"""


def ports():
    """Return the bench with its memories, each of which is written three times at one address and then read."""
    text = BENCH
    for mode, reset, clear, out in (
        ('"NORMAL"', '"SYNC"', "0", "held"),
        ('"READBEFOREWRITE"', '"SYNC"', "0", "older"),
        ('"READBEFOREWRITE"', '"ASYNC"', "cycle == 5", "cleared"),
    ):
        pins = ", ".join(
            [*(f".DIA{bit}(data[{bit}])" for bit in range(9)), *(f".DOA{bit}({out}[{bit}])" for bit in range(8))]
            + [f".ADA{bit}(1'b{bit // 5 % 2})" for bit in range(14)]
        )
        made = PORT.format(mode=mode, reset=reset, clear=clear, out=out, pins=pins)
        text = text.replace(f"PORT({mode}, {reset}, {clear}, {out})", made)
    return text


def test_a_block_memory_reads_while_it_is_written_as_its_setting_says():
    """Of three writes of 60, 61 and 62: nothing, or what was there before; then what is there, and an early reset."""
    told = run(ports() + models(["DP16KD"], "ecp5"), 20).splitlines()[:6]

    assert told == ["1: 00 00 00", "2: 00 60 60", "3: 00 61 61", "4: 62 62 62", "5: 62 62 00", "6: 62 62 00"]


@pytest.mark.parametrize(
    ("family", "kind", "inside"),
    [("ecp5", "CCU2C", ["LUT2", "LUT4"]), ("ecp5", "TRELLIS_COMB", ["LUT4", "PFUMX"]), ("ice40", "SB_LUT4", [])],
)
def test_a_model_comes_with_those_that_it_is_made_of(family, kind, inside):
    text = models([kind], family)

    assert {kind, *inside} <= set(re.findall(r"^(?:\(\*.*?\*\)\s*)*module (\w+)", text, re.MULTILINE))
    assert not [line for line in lint(kind, "", text) if line.startswith("%Error")]


def test_a_cell_without_a_model_is_refused():
    with pytest.raises(ToolError, match="cells without a model for simulation: DCCA"):
        models(["DCCA", "LUT4"], "ecp5")
