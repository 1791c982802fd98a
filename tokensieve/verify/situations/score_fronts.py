"""Situations of what makes the scores of the fixed-length pruner. A vector is one sequence."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tokensieve.verify.situations.base import Seen, Situation, reset, twin


def _some(test: Callable[[Seen, list[int]], bool]) -> Callable[[Seen], bool]:
    """Return whether there is a sequence the numbers of tokens of whose rows pass a `test`."""
    return lambda seen: any(test(seen, rows.tolist()) for rows in seen.items("row_tokens"))


def _shrinks(seen: Seen, rows: list[int]) -> bool:
    """Return whether a row lacks a whole beat of tokens that rows before it and the last one have."""
    beats = [max(1, -(-row // seen.arch.pruner.lanes)) for row in rows]
    return any(beats[place] < min(max(beats[:place]), beats[-1]) for place in range(1, len(rows) - 1))


def _lacks(seen: Seen, rows: list[int]) -> bool:
    """Return whether a row lacks tokens of its last beat, or of its only one, that the last row has."""
    most = min(rows[-1], seen.arch.pruner.max_tokens)
    return any(row < most and (row % seen.arch.pruner.lanes or not row) for row in rows[:-1])


def _surplus(seen: Seen, rows: list[int]) -> bool:
    """Return whether a row before the last one has more beats than the longest sequence."""
    return max(rows[:-1]) > seen.arch.pruner.load_beats * seen.arch.pruner.lanes


def _saturates(seen: Seen) -> bool:
    """Return whether a token's probabilities add up to more than the largest score."""
    return any(
        _sum(probabilities, rows.tolist()) >= 1 << seen.arch.pruner.score_bits
        for probabilities, rows in zip(seen.items("probability"), seen.items("row_tokens"), strict=True)
    )


def _sum(probabilities: np.ndarray[tuple[int, ...], np.dtype[np.int64]], rows: list[int]) -> int:
    """Return the largest sum of a token of the last row."""
    total, first = np.zeros(max(*rows, 1), np.int64), 0
    for count in rows:
        total[:count] += probabilities[first : first + count]
        first += count
    return int(total[: rows[-1]].max(initial=0))


_NORMS = (
    twin("scores wait for the search", "scores-lost"),
    twin("an embedding waits for a slot alone", "embedding-scored-again"),
    twin("an embedding waits for scores before it alone", "embedding-stored-again"),
    twin("a sequence waits for the interval, its embeddings behind", "norm-interval-cut"),
    twin("a short beat's scores are waited for", "first-beat-early"),
    reset("tokens without scores have come in part", "begun-without-reset"),
    reset("embeddings of a beat have come in part", "lane-without-reset"),
)

_SUMS = (
    Situation("a row lacks beats that others have", "known-shrinks", _some(_shrinks)),
    Situation("a row lacks tokens that the last one has", "absent-lanes-added", _some(_lacks)),
    Situation("a row before the last is too long", "surplus-summed", _some(_surplus)),
    Situation("a sum beyond the largest score", "sum-wraps", _saturates),
    twin("sums wait for the search", "sums-lost"),
    twin("a row waits for the interval", "row-early"),
    twin("a row waits for the sums of the one before alone", "sums-not-awaited"),
    twin("a sequence waits for the interval at its first row", "sum-interval-cut"),
    reset("a row has come in part", "beat-without-reset"),
    reset("some of a sequence's rows have come", "number-without-reset"),
)

_NORM_FIELDS = (("score_source", "embedding_norm"), ("embedding_beats", 2), ("engines", 1))
_SUM_FIELDS = (("score_source", "accumulated"), ("query_rows", 3))

SITUATIONS = (
    *(replace(one, fields=_NORM_FIELDS) for one in _NORMS),
    *(replace(one, fields=_SUM_FIELDS) for one in _SUMS),
)
