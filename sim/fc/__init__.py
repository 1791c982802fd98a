"""Fully connected layers: cut to what fits on chip, their weights streamed."""
