"""The command line: a thin front door to all rooms."""

from tokensieve.cli.app import main

__all__ = ["main"]
