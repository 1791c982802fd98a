"""The local value pruner, for co-simulation."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokensieve.arch.machine import Arch
from tokensieve.verify.units.topk import EngineInside, commands_together, topk_data, topk_work
from tokensieve.workloads.vectors import Vectors


class LocalValuePrunerUnit(EngineInside):
    """`LocalValuePruner`, with the engine that `topk.engine` names."""

    name = "local-value-pruner"
    groups = ("topk", "softmax")

    def arch(self, arch: Arch, engine: str) -> Arch:
        """Return `arch`, in whose scores probabilities must fit, with packets that its engine can hold."""
        arch.require_run()
        return super().arch(arch, engine)

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles until the threshold is known and until the last kept probability is out."""
        law, work = arch.local_value_law, topk_work(vectors, index)
        return {"select": int(law.select(work)), "total": int(law.cycles(work))}

    def told(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Any]:
        """Return the data that the engine's twin computes from."""
        return topk_data(arch, vectors, which)

    def together(self, arch: Arch, vectors: Vectors) -> Sequence[Sequence[int]]:
        """Return those of the engine."""
        return commands_together(arch, vectors)

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than it takes to fill the queue: several queries, most of which keep a half or less."""
        return 12 * arch.topk.beats + 2 * arch.kept_beats + 16
