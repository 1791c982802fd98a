"""The zero eliminator, for co-simulation."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tokensieve.arch.machine import Arch
from tokensieve.arch.timing import StreamWork
from tokensieve.study.units.base import Bits, with_fields
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.harness.base import Harness


class ZeroEliminatorUnit:
    """`ZeroEliminator`: compactor and row buffer."""

    name = "zero-eliminator"
    groups = ("topk",)

    def engines(self) -> tuple[str, ...]:
        """Return that there is nothing to choose."""
        return ("",)

    def arch(self, arch: Arch, engine: str) -> Arch:
        """Return `arch`: whatever engine its top-k has, the zero eliminator is the same."""
        return with_fields(arch, "topk")

    def vectors(self, arch: Arch, count: int, seed: int, scores: str | None) -> Vectors:
        """Return packets of marked rows."""
        from tokensieve.golden.vectors.zero_eliminator import make

        return make(arch, count, seed, scores)

    def harness(self) -> "Harness":
        """Return the harness."""
        from tokensieve.rtl.flow.harness.zero_eliminator import ZeroEliminatorHarness

        return ZeroEliminatorHarness()

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a packet."""
        return {"total": int(arch.topk.eliminator_law.cycles(StreamWork(items=int(vectors.work["items"][index]))))}

    def twin(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits
    ) -> Mapping[str, Sequence[int]]:
        """Return the cycles of all transfers."""
        from tokensieve.sim.twins.feed import Feed
        from tokensieve.sim.twins.zero_eliminator import twin

        marked = [marked_per_row(arch.topk.lanes, vectors, index) for index in which]
        return twin(arch, Feed(valid=valid, ready=ready, data={"marked": marked}))

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than it has registers."""
        return arch.topk.compactor_stages + 16


def marked_per_row(lanes: int, vectors: Vectors, index: int) -> list[int]:
    """Return how many items of each row are marked."""
    ends = vectors.inputs["mask_ptr"]
    marks = vectors.inputs["mask"][int(ends[index]) : int(ends[index + 1])]
    return [int(marks[first : first + lanes].sum()) for first in range(0, len(marks), lanes)]
