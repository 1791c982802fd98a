"""Runs: decisions priced on a machine, a whole model, the RTL of a sample, the authors' released design."""
