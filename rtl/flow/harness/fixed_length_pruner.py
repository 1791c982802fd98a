"""Harness of the fixed-length pruner. A vector is one sequence."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from amaranth.lib import wiring

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.machine import Arch
from tokensieve.rtl.beats import kept_embedding, kept_tokens, offered_token, packed_beat
from tokensieve.rtl.flow.case import Record, Stimulus
from tokensieve.rtl.flow.harness.awaited import exact
from tokensieve.rtl.flow.harness.base import Array, Awaited, packet_cycles, unit_class
from tokensieve.rtl.flow.harness.embeddings import embedding_beats, kept_beats, kept_bytes
from tokensieve.rtl.flow.pack import codec
from tokensieve.workloads.vectors import Vectors

_FIELDS = ("id", "score", "valid")


class FixedLengthPrunerHarness:
    """Sequences of tokens in; as many tokens of each out. With embeddings, those of all in, those of as many out."""

    unit = "fixed-length-pruner"
    module = "tokensieve.rtl.fixed_length_pruner"
    begins = "i"

    def component(self, arch: Arch) -> wiring.Component:
        """Return the pruner, with embeddings if there are any, and with what its scores come from."""
        if arch.pruner.score_source == "accumulated":
            return unit_class("tokensieve.rtl.attention_pruner", "AttentionPruner")(arch.pruner)
        if arch.pruner.embedding_beats:
            return unit_class("tokensieve.rtl.embedding_pruner", "EmbeddingPruner")(arch.pruner)
        return unit_class(self.module, "FixedLengthPruner")(arch.pruner)

    def stimulus(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Stimulus:
        """Return the beats of the sequences; lanes without a token hold all ones, which would win every selection."""
        beats = {"i": [beat for index in which for beat in sequence(arch.pruner, vectors, index)]}
        expect = {"o": len(which) * arch.pruner.keep_beats}
        if arch.pruner.embedding_beats:
            beats["e"] = [beat for index in which for beat in embedding_beats(arch.pruner, vectors, index)]
            expect["eo"] = len(which) * arch.pruner.keep * arch.pruner.embedding_beats
        return Stimulus(beats=beats, expect=expect)

    def awaited(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Awaited]:
        """Return golden's tokens, and zeros behind them; and their embeddings."""
        pruner = arch.pruner
        told = {"o": exact(codec(kept_tokens(pruner)), [one for j in which for one in _kept(arch, vectors, j)])}
        if pruner.embedding_beats:
            kept = [one for j in which for one in kept_beats(pruner, vectors, j)]
            told["eo"] = exact(codec(kept_embedding(pruner)), kept)
        return told

    def observed(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record
    ) -> Sequence[Mapping[str, Array]]:
        """Return what left of each sequence; what stands beyond `keep` in the last beat counts as part of it."""
        layout, count, keep = codec(kept_tokens(arch.pruner)), arch.pruner.keep_beats, arch.pruner.keep
        beats = [layout.unpack(payload) for payload in record.payloads("o")]
        told = []
        for first in range(0, len(which) * count, count):
            own = beats[first : first + count]
            items = [item for beat in own for item in beat["items"]]
            if [beat["last"] for beat in own] != [0] * (count - 1) + [1] or _any(items[keep:]):
                items = []
            columns = {name: np.array([item[name] for item in items[:keep]], np.int64) for name in _FIELDS}
            marks = {beat["too_long"] for beat in own}
            told.append({**columns, "too_long": np.array(marks.pop() if len(marks) == 1 else -1)})
        if arch.pruner.embedding_beats:
            left = kept_bytes(arch.pruner, record.payloads("eo"), [one["valid"] for one in told])
            told = [one | {"embedding": own} for one, own in zip(told, left, strict=True)]
        return told

    def work(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, Array]]:
        """Return nothing: the unit has no probe."""
        return [{} for _ in which]

    def cycles(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, int]]:
        """Return the cycles from a sequence's first beat in to its last beat out; -1 where it did not come."""
        pruner, came = arch.pruner, record.cycles_of("i")
        beats = [sequence_beats(pruner, vectors, index) for index in which]
        told = packet_cycles(beats, came, record.cycles_of("o")[pruner.keep_beats - 1 :: pruner.keep_beats])
        if not pruner.embedding_beats:
            return told
        count = pruner.keep * pruner.embedding_beats
        ends = packet_cycles(beats, came, record.cycles_of("eo")[count - 1 :: count])
        return [one | {"embeddings": end["total"]} for one, end in zip(told, ends, strict=True)]


def sequence_beats(pruner: FixedLengthPruner, vectors: Vectors, index: int) -> int:
    """Return the beats of all rows of a sequence; a row without tokens has one."""
    return sum(max(1, -(-count // pruner.lanes)) for count in row_tokens(vectors, index))


def row_tokens(vectors: Vectors, index: int) -> list[int]:
    """Return the tokens of each row of a sequence; of its only one where nothing is summed up."""
    if "row_tokens" in vectors.inputs:
        return list(vectors.item("inputs", "row_tokens", index).tolist())
    return [len(vectors.item("inputs", "id", index))]


def sequence(pruner: FixedLengthPruner, vectors: Vectors, index: int) -> list[int]:
    """Return the beats of a sequence, row by row.

    Of rows before the last one nobody looks at an id: each of them is all ones.
    """
    ids, source = vectors.item("inputs", "id", index).tolist(), _SOURCES[pruner.score_source]
    scores = vectors.item("inputs", source, index).tolist() if source else []
    packed, rows, ones = list[int](), row_tokens(vectors, index), (1 << pruner.id_bits) - 1
    for number, count in enumerate(rows, 1):
        own, scores = scores[:count], scores[count:]
        named = ids if number == len(rows) else [ones] * count
        columns = {"id": named, "score": own} if source else {"id": named}
        packed += _row(pruner, [dict(zip(columns, one, strict=True)) for one in zip(*columns.values(), strict=True)])
    return packed


_SOURCES = {"given": "score", "embedding_norm": "", "accumulated": "probability"}
"""The input that comes as the score of a token, by the source of scores."""


def _row(pruner: FixedLengthPruner, items: list[Any]) -> list[int]:
    """Return the beats of these tokens. Their `count` is random where nobody looks at it."""
    layout, lanes = codec(packed_beat(pruner.lanes, offered_token(pruner))), pruner.lanes
    ones, packed = codec(offered_token(pruner)).ones, []
    for first in range(0, max(1, len(items)), lanes):
        some, last = items[first : first + lanes], first + lanes >= len(items)
        beat = {"items": some + [ones] * (lanes - len(some)), "count": len(some) if last else 0, "last": int(last)}
        packed.append(layout.pack(beat))
    return packed


def _any(items: Sequence[Mapping[str, int]]) -> bool:
    return any(value for item in items for value in item.values())


def _kept(arch: Arch, vectors: Vectors, index: int) -> list[dict[str, Any]]:
    """Return the beats that leave of a sequence."""
    pruner, zeros = arch.pruner, dict.fromkeys(_FIELDS, 0)
    columns = [vectors.item("expected", name, index).tolist() for name in _FIELDS]
    items = [dict(zip(_FIELDS, values, strict=True)) for values in zip(*columns, strict=True)]
    items += [zeros] * (pruner.keep_beats * pruner.lanes - len(items))
    return [
        {
            "items": items[first : first + pruner.lanes],
            "too_long": int(vectors.expected["too_long"][index]),
            "last": int(first + pruner.lanes >= len(items)),
        }
        for first in range(0, len(items), pruner.lanes)
    ]
