"""The decision of progressive quantization, for co-simulation."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tokensieve.arch.machine import Arch
from tokensieve.arch.timing import StreamWork
from tokensieve.study.units.base import Bits
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.harness.base import Harness


class RequantDecisionUnit:
    """`RequantDecision`: the largest of each row, and the comparison with the threshold."""

    name = "requant-decision"
    groups = ("requant", "softmax")

    def engines(self) -> tuple[str, ...]:
        """Return that there is nothing to choose."""
        return ("",)

    def arch(self, arch: Arch, engine: str) -> Arch:
        """Return `arch`."""
        return arch

    def vectors(self, arch: Arch, count: int, seed: int, scores: str | None) -> Vectors:
        """Return blocks of rows with a threshold each."""
        from tokensieve.golden.vectors.requant_decision import make

        return make(arch, count, seed, scores)

    def harness(self) -> "Harness":
        """Return the harness."""
        from tokensieve.rtl.flow.harness.requant_decision import RequantDecisionHarness

        return RequantDecisionHarness()

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a block: its rows follow one another without a gap."""
        items = sum(_beats(vectors, index)) * arch.softmax.lanes
        return {"total": int(arch.requant.law(arch.softmax).cycles(StreamWork(items=items)))}

    def twin(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits
    ) -> Mapping[str, Sequence[int]]:
        """Return the cycles of all transfers."""
        from tokensieve.sim.twins.feed import Feed
        from tokensieve.sim.twins.requant_decision import twin

        blocks = [_beats(vectors, index) for index in which]
        return twin(arch, Feed(valid=valid, ready=ready, data={"blocks": blocks}))

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than it has registers."""
        return arch.requant.tree_stages + 16


def _beats(vectors: Vectors, index: int) -> list[int]:
    ends = vectors.work["beats_ptr"]
    beats: list[int] = vectors.work["beats"][int(ends[index]) : int(ends[index + 1])].tolist()
    return beats
