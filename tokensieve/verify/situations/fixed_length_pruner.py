"""Situations of the fixed-length pruner. A vector is one sequence."""

from collections.abc import Callable

from tokensieve.verify.situations.base import Seen, Situation, longest_stall, reset, twin
from tokensieve.verify.situations.embedding_pruner import SITUATIONS as EMBEDDINGS
from tokensieve.verify.situations.score_fronts import SITUATIONS as SCORES


def _tokens(seen: Seen) -> list[int]:
    return [int(seen.vectors.work["tokens"][index]) for index in seen.which]


def _some(test: Callable[[Seen, int], bool]) -> Callable[[Seen], bool]:
    """Return whether there is a sequence whose number of tokens passes a `test`."""
    return lambda seen: any(test(seen, count) for count in _tokens(seen))


def _none_stays(seen: Seen, count: int) -> bool:
    return count == 0 or count > seen.arch.pruner.max_tokens


def _behind_none(seen: Seen) -> bool:
    """Return whether a sequence of which no token stays has one of which some do behind it."""
    none = [_none_stays(seen, count) for count in _tokens(seen)]
    return any(one and not all(none[place:]) for place, one in enumerate(none))


def _zero_stays(seen: Seen) -> bool:
    """Return whether a sequence of no more tokens than are kept has one with a score of 0."""
    kept = [[seen.vectors.item("expected", name, index) for name in ("score", "valid")] for index in seen.which]
    few = [count <= seen.arch.pruner.keep for count in _tokens(seen)]
    return any(one and bool((valid & (score == 0)).any()) for one, (score, valid) in zip(few, kept, strict=True))


SITUATIONS = (
    Situation("a sequence behind one of which no token stays", "empty-endless", _behind_none),
    Situation("all tokens stay, one with a score of 0", "zeros-lost", _zero_stays),
    Situation("more tokens than are kept", "keeps-one-less",
              _some(lambda seen, count: seen.arch.pruner.keep < count <= seen.arch.pruner.max_tokens)),
    Situation("a sequence that is too long", "too-long-unmarked",
              _some(lambda seen, count: count > seen.arch.pruner.max_tokens)),
    Situation("fewer beats than the longest sequence has", "short-early",
              _some(lambda seen, count: count <= (seen.arch.pruner.load_beats - 1) * seen.arch.pruner.lanes)),
    twin("a sequence takes longer than the longest one", "late-not-awaited"),
    twin("a sequence waits for its engine", "engine-taken-early"),
    twin("a sequence waits for the interval alone", "interval-cut"),
    twin("a verdict waits for a slot", "slot-overrun"),
    twin("a verdict waits for the drain alone", "drain-interrupted"),
    reset("a sequence has come in part", "row-without-reset"),
    reset("engines have sequences", "busy-without-reset"),
    reset("sequences are in the slots", "held-without-reset"),
    reset("a burst has left in part", "burst-without-reset"),
    longest_stall("o", "impatient"),
    *EMBEDDINGS,
    *SCORES,
)  # fmt: skip
