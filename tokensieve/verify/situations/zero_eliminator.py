"""Situations of the zero eliminator. A vector is one packet."""

from tokensieve.verify.situations.base import Seen, Situation, longest_stall, reset, twin


def _marked(seen: Seen) -> list[int]:
    """Return how many items of each packet are marked."""
    return [int(marks.sum()) for marks in seen.items("mask")]


SITUATIONS = (
    Situation("a packet without marks", "empty-never-ends", lambda seen: 0 in _marked(seen)),
    Situation("a packet that ends with a full beat", "full-rest-is-empty",
              lambda seen: any(count and count % seen.arch.topk.lanes == 0 for count in _marked(seen))),
    Situation("a packet follows another", "offset-stays", lambda seen: len(seen.which) > 1),
    twin("a packet begins as another ends", "rest-stays"),
    twin("a beat is exactly full", "full-beat-lost"),
    twin("a compacted beat waits", "beat-dropped"),
    twin("a compacted beat joins others while one waits", "takes-only-if-free"),
    reset("items are held", "level-without-reset"),
    longest_stall("o", "impatient"),
)  # fmt: skip
