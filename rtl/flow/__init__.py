"""How the hardware becomes Verilog, a simulation, a proof and a bitstream."""
