"""Other accelerators on the same work, with as many multipliers and the same DRAM, each with a dataflow of its own.

What they have in common is in `tokensieve.sim.comparators.base`. None prunes tokens or heads, so all of them are asked
for the whole of the un-pruned work.
"""
