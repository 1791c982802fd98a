"""Embeddings of a fixed-length pruner as beats and as bytes, the lowest byte of a beat first."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.rtl.beats import kept_embedding
from tokensieve.rtl.flow.harness.base import Array
from tokensieve.rtl.flow.pack import codec
from tokensieve.workloads.vectors import Vectors


def embedding_beats(pruner: FixedLengthPruner, vectors: Vectors, index: int) -> list[int]:
    """Return the beats of the embeddings of a sequence."""
    return _beats(pruner, vectors.item("inputs", "embedding", index))


def kept_beats(pruner: FixedLengthPruner, vectors: Vectors, index: int) -> list[dict[str, int]]:
    """Return the beats of the embeddings that leave of a sequence."""
    valid = np.repeat(vectors.item("expected", "valid", index), pruner.embedding_beats).tolist()
    data = _beats(pruner, vectors.item("expected", "embedding", index))
    return [
        {"data": one, "kept": there, "last": int(number == len(data))}
        for number, (one, there) in enumerate(zip(data, valid, strict=True), 1)
    ]


def kept_bytes(pruner: FixedLengthPruner, payloads: Sequence[int], valid: Sequence[Array]) -> list[Array]:
    """Return the embeddings that left of each sequence, whose `valid` tokens are given; none where a mark is wrong."""
    layout, count = codec(kept_embedding(pruner)), pruner.keep * pruner.embedding_beats
    lasts, told = [0] * (count - 1) + [1], list[Array]()
    for place, there in enumerate(valid):
        beats: list[Any] = [layout.unpack(one) for one in payloads[place * count : (place + 1) * count]]
        marks = np.repeat(there, pruner.embedding_beats).tolist()
        right = [one["last"] for one in beats] == lasts and [one["kept"] for one in beats] == marks
        data = b"".join(one["data"].to_bytes(pruner.embedding_bits // 8, "little") for one in beats if right)
        told.append(np.frombuffer(data, np.uint8).astype(np.int64))
    return told


def _beats(pruner: FixedLengthPruner, data: Array) -> list[int]:
    rows = data.astype(np.uint8).reshape(-1, pruner.embedding_bits // 8)
    return [int.from_bytes(row.tobytes(), "little") for row in rows]
