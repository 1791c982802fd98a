"""Cycle-stepped twins of the stream units: transfer cycles from what sources offered and sinks took, in plain Python."""
