"""What the un-pruned reference of a run costs, kept for the next run of the same work."""
