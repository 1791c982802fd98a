"""What the scores of a fixed-length pruner come from, where not given: embeddings, or rows of attention."""

import numpy as np
import numpy.typing as npt

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner

Numbers = npt.NDArray[np.int64]

_UNEVEN, _FORGETS, _LONG = 2, 4, 13
"""One sequence out of so many has rows of different lengths, one a very short row behind the longest, and one a row
that is too long."""


def norms(pruner: FixedLengthPruner, embeddings: Numbers) -> Numbers:
    """Return the scores of tokens with these embeddings: squared L2 norms, shifted right, the largest score at most.

    `embeddings` holds bytes, 0..255 for -128..127 in two's complement, shape ``(tokens, bytes)``.
    """
    elements = embeddings.astype(np.uint8).view(np.int8).astype(np.int64)
    squares: Numbers = (elements * elements).sum(axis=1)
    scores: Numbers = np.minimum(squares >> pruner.norm_drop, (1 << pruner.score_bits) - 1)
    return scores


def accumulated(pruner: FixedLengthPruner, rows: list[Numbers]) -> Numbers:
    """Return the scores of the last row's tokens: their probabilities in all rows added up, the largest score at most.

    A token that a row lacks has a probability of 0 there. `rows` holds the probabilities of each, shape ``(tokens,)``.
    """
    total = np.zeros(len(rows[-1]), np.int64)
    for row in rows:
        there = min(len(row), len(total))
        total[:there] += row[:there]
    return np.minimum(total, (1 << pruner.score_bits) - 1)


def embedding_size(pruner: FixedLengthPruner) -> int:
    """Return the bytes of a token's embedding."""
    return pruner.embedding_beats * pruner.embedding_bits // 8


def embeddings(pruner: FixedLengthPruner, rng: np.random.Generator, scores: Numbers, number: int) -> Numbers:
    """Return embeddings, shape ``(tokens, bytes)``, for sequence `number`: longer ones for larger scores.

    All elements of one have the same size, 128 with the largest score, and any signs: those of equal scores are equally
    long. Of every second sequence they have that size at most.
    """
    top = (1 << pruner.score_bits) - 1
    shape = len(scores), embedding_size(pruner)
    size = np.broadcast_to(np.rint(128 * np.sqrt(scores / top)).astype(np.int64)[:, None], shape)
    if number % 2 == 0:
        return np.clip(rng.integers(-size, size, endpoint=True), -128, 127) & 255
    return np.where(size == 128, -128, size * rng.choice(np.array([-1, 1]), shape)) & 255


def rows(pruner: FixedLengthPruner, rng: np.random.Generator, scores: Numbers, number: int) -> list[Numbers]:
    """Return rows of attention that add up to the `scores` of sequence `number`; beyond, for the largest score.

    Some sequences have earlier rows with fewer tokens or more, and add up to something else.
    """
    top, left, told = (1 << pruner.score_bits) - 1, scores.copy(), list[Numbers]()
    for _ in range(pruner.rows - 1):
        part = rng.integers(0, left, endpoint=True)
        left = left - part
        told.append(part)
    told.append(np.where(scores == top, top, left))
    uneven, long = number % _UNEVEN == 1, number % _LONG == _LONG - 1
    lengths = [len(scores)] * (pruner.rows - 1)
    if uneven or long:
        lengths = rng.integers(0, pruner.max_tokens, pruner.rows - 1, endpoint=True).tolist()
    if number % _FORGETS == _FORGETS - 1:
        lengths[:2] = [pruner.max_tokens, 1][: len(lengths)]
    if long:
        lengths[:1] = [(pruner.load_beats + 5) * pruner.lanes] * len(lengths[:1])
    return [*(np.resize(np.append(one, top // 2), n) for one, n in zip(told, lengths, strict=False)), told[-1]]
