"""Situations of the local value pruner. A vector is one query."""

from tokensieve.verify.situations.base import Seen, Situation, longest_stall, reset, twin
from tokensieve.verify.situations.topk import KEPT


def _beats(seen: Seen) -> int:
    """Return the beats that go through the queue."""
    kept = [len(seen.vectors.item("expected", "kept", index)) for index in seen.which]
    return sum(max(1, -(-count // seen.arch.topk.lanes)) for count in kept)


SITUATIONS = (
    *KEPT,
    twin("requests are out, the queue is full", "requests-again"),
    twin("a beat is in the queue, its requests wait", "kept-again"),
    twin("the queue is full", "queue-overrun"),
    Situation("more beats than the queue holds", "place-sticks", lambda seen: _beats(seen) > seen.arch.kept_beats),
    reset("beats are in the queue", "level-without-reset"),
    longest_stall("o", "impatient-queue"),
    longest_stall("request", "impatient", "o"),
)
