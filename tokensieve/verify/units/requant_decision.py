"""The decision of progressive quantization, for co-simulation."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokensieve.arch.machine import Arch
from tokensieve.arch.timing import StreamWork
from tokensieve.verify.units.base import NamedUnit
from tokensieve.workloads.vectors import Vectors


class RequantDecisionUnit(NamedUnit):
    """`RequantDecision`: the largest of each row, and the comparison with the threshold."""

    name = "requant-decision"
    groups = ("requant", "softmax")

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a block: its rows follow one another without a gap."""
        items = sum(vectors.item("work", "beats", index).tolist()) * arch.softmax.lanes
        return {"total": int(arch.requant.law(arch.softmax).cycles(StreamWork(items=items)))}

    def told(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Any]:
        """Return the beats of the rows of each block."""
        return {"blocks": [vectors.item("work", "beats", index).tolist() for index in which]}

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than it has registers."""
        return arch.requant.tree_stages + 16
