"""Situations of the top-k engine's AXI4-Stream wrapper: those of the engine are in its own table."""

from tokensieve.verify.situations.base import Seen, Situation


def _not_full(seen: Seen) -> bool:
    """Return whether a beat that leaves is not full."""
    kept = [len(seen.vectors.item("expected", "kept", index)) for index in seen.which]
    return any(count == 0 or count % seen.arch.topk.lanes for count in kept)


SITUATIONS = (Situation("a beat that leaves is not full", "keeps-one-more", _not_full),)
