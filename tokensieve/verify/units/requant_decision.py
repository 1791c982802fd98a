"""The decision of progressive quantization, for co-simulation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.arch.timing import StreamWork
from tokensieve.verify.units.base import NamedUnit
from tokensieve.workloads.vectors import Vectors


class RequantDecisionUnit(NamedUnit):
    """`RequantDecision`: the largest of each row, and the comparison with the threshold."""

    name = "requant-decision"
    groups = ("requant", "softmax")

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a block: its rows follow one another without a gap. Without rows it takes one."""
        items = sum(vectors.item("work", "beats", index).tolist()) * arch.softmax.lanes
        if not items:
            return {"total": 1}
        return {"total": int(arch.requant.law(arch.softmax).cycles(StreamWork(items=items)))}

    def told(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Any]:
        """Return the beats of the rows of each block."""
        return {"blocks": [vectors.item("work", "beats", index).tolist() for index in which]}

    def together(self, arch: Arch, vectors: Vectors) -> Sequence[Sequence[int]]:
        """Return the first vectors, and illegal commands between others."""
        illegal = np.flatnonzero(vectors.expected["status"])[:1].tolist()
        first = super().together(arch, vectors)
        return [*first, [*illegal, 1, *illegal * 2, 0, *illegal]] if illegal else first

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than it has registers."""
        return arch.requant.tree_stages + 16
