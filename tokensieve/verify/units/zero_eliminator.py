"""The zero eliminator, for co-simulation."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokensieve.arch.machine import Arch
from tokensieve.arch.timing import StreamWork
from tokensieve.verify.units.base import NamedUnit
from tokensieve.workloads.vectors import Vectors


class ZeroEliminatorUnit(NamedUnit):
    """`ZeroEliminator`: compactor and beat buffer."""

    name = "zero-eliminator"
    groups = ("topk",)

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a packet."""
        return {"total": int(arch.topk.eliminator_law.cycles(StreamWork(items=int(vectors.work["items"][index]))))}

    def told(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Any]:
        """Return how many items of each beat of each packet are marked."""
        return {"marked": [marked_per_beat(arch.topk.lanes, vectors, index) for index in which]}

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than it has registers."""
        return arch.topk.compactor_stages + 16


def marked_per_beat(lanes: int, vectors: Vectors, index: int) -> list[int]:
    """Return how many items of each beat are marked."""
    marks = vectors.item("inputs", "mask", index).tolist()
    return [sum(marks[first : first + lanes]) for first in range(0, len(marks), lanes)]
