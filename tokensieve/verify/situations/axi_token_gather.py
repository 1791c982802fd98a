"""Situations of the token gather's AXI4-Stream wrapper: those of the unit are in its own table."""

from tokensieve.verify.situations.base import Seen, Situation


def _full(seen: Seen) -> bool:
    """Return whether a beat of tokens is full."""
    return any(len(tokens) >= seen.arch.topk.lanes for tokens in seen.items("tokens"))


SITUATIONS = (Situation("a full beat of tokens", "full-beat-short", _full),)
