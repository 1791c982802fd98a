"""What does the work: the hardware units, written in Amaranth."""
