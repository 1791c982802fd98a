"""Situations of the decision of progressive quantization. A vector is one command and its rows."""

from tokensieve.verify.situations.base import Seen, Situation, longest_stall, reset, twin


def _rows(seen: Seen) -> list[list[int]]:
    """Return the lengths of each command's rows."""
    return [lengths.tolist() for lengths in seen.items("length")]


def _at_threshold(seen: Seen) -> bool:
    """Return whether a row's largest probability is just the threshold."""
    largest = [seen.vectors.item("expected", "max", index).tolist() for index in seen.which]
    return any(threshold in some for threshold, some in zip(seen.numbers("threshold"), largest, strict=True))


SITUATIONS = (
    Situation("a row without a probability", "empty-row-lost", lambda seen: any(0 in rows for rows in _rows(seen))),
    Situation("a row of several beats", "last-beat-only",
              lambda seen: any(n > seen.arch.softmax.lanes for rows in _rows(seen) for n in rows)),
    Situation("several rows of a command", "command-per-row", lambda seen: any(len(rows) > 1 for rows in _rows(seen))),
    Situation("a command behind one of several rows", "rows-go-on",
              lambda seen: any(len(rows) > 1 for rows in _rows(seen)[:-1])),
    Situation("a command for no row", "none-waits", lambda seen: any(not rows for rows in _rows(seen))),
    Situation("the largest one is the threshold", "at-the-threshold", _at_threshold),
    twin("a row waits for its command", "no-command"),
    twin("a decision waits behind another", "decision-lost"),
    twin("a decision comes before its sink is ready", "decision-late"),
    twin("a beat passes behind a decision that waits", "waits-for-sink"),
    reset("a command's rows have come in part", "rows-without-reset"),
    longest_stall("o", "impatient"),
)  # fmt: skip
