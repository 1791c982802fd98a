"""The fixed-length pruner, for co-simulation."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokensieve.arch.fixed_length_law import SequenceWork
from tokensieve.arch.machine import Arch
from tokensieve.verify.units.base import NamedUnit
from tokensieve.workloads.vectors import Vectors


class FixedLengthPrunerUnit(NamedUnit):
    """`FixedLengthPruner`, with the engines that `pruner.engine` names."""

    name = "fixed-length-pruner"
    groups = ("pruner",)

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a sequence, and those until its last embedding has left."""
        rows = _row_tokens(vectors, index)
        law, work = arch.pruner.law, SequenceWork(tokens=rows[-1], earlier=tuple(rows[:-1]))
        embeddings = {"embeddings": int(law.embedding_cycles(work))} if arch.pruner.embedding_beats else {}
        return {"total": int(law.cycles(work)), **embeddings}

    def told(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Any]:
        """Return the beats of each row of each sequence, and the tokens of its last one."""
        tokens = [_row_tokens(vectors, index) for index in which]
        beats = [[max(1, -(-count // arch.pruner.lanes)) for count in rows] for rows in tokens]
        return {"beats": beats, "tokens": [rows[-1] for rows in tokens]}

    def together(self, arch: Arch, vectors: Vectors) -> Sequence[Sequence[int]]:
        """Return the corners in a row, some of them short; and the longest between those that are too long.

        With embeddings, whose every beat takes a cycle, a few of either. Where attention is summed up, behind one whose
        rows have two beats: a pause between the two makes a row wait for the sums of the one before.
        """
        tokens, most = vectors.work["tokens"].tolist(), arch.pruner.max_tokens
        long = [number for number, count in enumerate(tokens) if count > most][:2]
        full = [number for number, count in enumerate(tokens) if count == most][:3]
        beats = [rows if len(rows) > 1 else [] for rows in self.told(arch, vectors, range(len(tokens)))["beats"]]
        pairs = [number for number, rows in enumerate(beats) if {*rows} == {2}][:1]
        if arch.pruner.embedding_beats:
            return [[*pairs, *range(min(len(tokens), 5)), *long[:1], *full[:2]]]
        corners = range(min(len(tokens), 2 * arch.pruner.engine_count + 4))
        runs = [[*pairs, *corners], [*full, *long, *full, *long[:1], *full]]
        return [which for which in runs if which]

    def in_a_row(self, arch: Arch, vectors: Vectors) -> Sequence[int]:
        """Return all sequences but those that are too long, or have such a row, which take longer to come."""
        most = arch.pruner.max_tokens
        return [number for number in range(len(vectors)) if max(_row_tokens(vectors, number)) <= most]

    def pace(self, arch: Arch) -> Mapping[str, int]:
        """Return initiation interval and latency."""
        law, work = arch.pruner.law, SequenceWork(tokens=arch.pruner.max_tokens)
        told = {"interval": law.interval, "latency": int(law.latency(work))}
        return told | ({"latency of eo": int(law.embedding_latency(work))} if arch.pruner.embedding_beats else {})

    def beats_of(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Sequence[int]]:
        """Return the beats of each sequence, which vary, and of what leaves, which do not."""
        pruner, count = arch.pruner, len(which)
        embeddings = {"eo": [pruner.keep * pruner.embedding_beats] * count} if pruner.embedding_beats else {}
        rows = self.told(arch, vectors, which)["beats"]
        return {"i": [sum(beats) for beats in rows], "o": [pruner.keep_beats] * count, **embeddings}

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than it takes to fill every engine and every slot."""
        law = arch.pruner.law
        slots = arch.pruner.out_slots + (arch.pruner.embedding_slots if arch.pruner.embedding_beats else 0)
        before = law.attention_latency + law.norm_latency
        return (arch.pruner.engine_count + slots + 2) * law.interval + law.occupancy + before


def _row_tokens(vectors: Vectors, index: int) -> list[int]:
    """Return the tokens of each row of a sequence; of its only one where nothing is summed up."""
    if "row_tokens" in vectors.inputs:
        return list(vectors.item("inputs", "row_tokens", index).tolist())
    return [int(vectors.work["tokens"][index])]
