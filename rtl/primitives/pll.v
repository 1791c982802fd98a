// PLLs, for simulation: the clock is that of the oscillator, locked from the start. What runs on it counts cycles, not
// time. Parameters and pins are those that matter here; `rtl.flow.cells` takes the others away.

module EHXPLLL(input CLKI, output CLKOP, CLKOS, LOCK);
  assign {CLKOP, CLKOS, LOCK} = {CLKI, CLKI, 1'b1};
endmodule

module SB_PLL40_CORE(input REFERENCECLK, output PLLOUTGLOBAL, LOCK);
  assign {PLLOUTGLOBAL, LOCK} = {REFERENCECLK, 1'b1};
endmodule

module SB_PLL40_PAD(input PACKAGEPIN, output PLLOUTGLOBAL, LOCK);
  assign {PLLOUTGLOBAL, LOCK} = {PACKAGEPIN, 1'b1};
endmodule
