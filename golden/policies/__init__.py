"""Published pruning policies of other accelerators, written to be read."""
