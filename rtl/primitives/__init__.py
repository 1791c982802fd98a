"""Block memories and multipliers with their registers, as plain hardware or as an FPGA family's own cells."""
