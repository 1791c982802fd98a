"""Simulate, verify and build accelerators that prune the tokens of a transformer's attention."""

__version__ = "0.1.0"
