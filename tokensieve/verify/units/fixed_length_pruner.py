"""The fixed-length pruner, for co-simulation."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokensieve.arch.fixed_length_pruner import SequenceWork
from tokensieve.arch.machine import Arch
from tokensieve.verify.units.base import NamedUnit
from tokensieve.workloads.vectors import Vectors


class FixedLengthPrunerUnit(NamedUnit):
    """`FixedLengthPruner`, with the engines that `pruner.engine` names."""

    name = "fixed-length-pruner"
    groups = ("pruner",)

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a sequence."""
        return {"total": int(arch.pruner.law.cycles(SequenceWork(tokens=int(vectors.work["tokens"][index]))))}

    def told(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Any]:
        """Return the beats of each sequence."""
        return {"beats": [max(1, -(-int(vectors.work["tokens"][index]) // arch.pruner.lanes)) for index in which]}

    def together(self, arch: Arch, vectors: Vectors) -> Sequence[Sequence[int]]:
        """Return the corners in a row, some of them short; and the longest between those that are too long."""
        tokens, most = vectors.work["tokens"].tolist(), arch.pruner.max_tokens
        long = [number for number, count in enumerate(tokens) if count > most][:2]
        full = [number for number, count in enumerate(tokens) if count == most][:3]
        corners = range(min(len(tokens), 2 * arch.pruner.engine_count + 4))
        runs = [list(corners), [*full, *long, *full, *long[:1], *full]]
        return [which for which in runs if which]

    def in_a_row(self, arch: Arch, vectors: Vectors) -> Sequence[int]:
        """Return all sequences but those that are too long, which take longer to come."""
        return [number for number, count in enumerate(vectors.work["tokens"]) if count <= arch.pruner.max_tokens]

    def pace(self, arch: Arch) -> Mapping[str, int]:
        """Return initiation interval and latency."""
        law = arch.pruner.law
        return {"interval": law.interval, "latency": int(law.latency(SequenceWork(tokens=arch.pruner.max_tokens)))}

    def beats_of(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Sequence[int]]:
        """Return the beats of each sequence, which vary, and of what leaves, which do not."""
        return {"i": self.told(arch, vectors, which)["beats"], "o": [arch.pruner.keep_beats] * len(which)}

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than it takes to fill every engine and every slot."""
        law = arch.pruner.law
        return (arch.pruner.engine_count + arch.pruner.out_slots + 2) * law.interval + law.occupancy
