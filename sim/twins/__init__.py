"""Cycle-stepped twins of the stream units: cycles of transfers from what sources offered and sinks took."""
