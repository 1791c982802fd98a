"""The top-k engine, for co-simulation: one unit, four engines."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tokensieve.arch.machine import Arch
from tokensieve.arch.topklaw import TopkWork
from tokensieve.study.units.base import Bits, with_fields
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.harness.base import Harness

BITONIC_TOKENS = 256
"""Longest row on which the bitonic engine is co-simulated: it holds the whole row in registers and comparators."""


class TopkUnit:
    """`TopKEngine` with any of its search cores."""

    name = "topk"
    groups = ("topk",)

    def engines(self) -> tuple[str, ...]:
        """Return the search cores."""
        return ("quickselect", "radix", "bitserial", "bitonic")

    def arch(self, arch: Arch, engine: str) -> Arch:
        """Return `arch` with the engine, and with rows that a bitonic sorter can hold."""
        fields: dict[str, object] = {"engine": engine} if engine else {}
        if engine == "bitonic":
            fields["max_tokens"] = min(arch.topk.max_tokens, BITONIC_TOKENS)
        return with_fields(arch, "topk", **fields)

    def vectors(self, arch: Arch, count: int, seed: int, scores: str | None) -> Vectors:
        """Return rows of scores and what is to be kept of them."""
        from tokensieve.golden.vectors.topk import make

        return make(arch, count, seed, scores)

    def harness(self) -> "Harness":
        """Return the harness."""
        from tokensieve.rtl.flow.harness.topk import TopkHarness

        return TopkHarness()

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles until the threshold is known and until the last kept item is out."""
        law, work = arch.topk.law, topk_work(vectors, index)
        return {"select": int(law.select(work)), "total": int(law.cycles(work))}

    def twin(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits
    ) -> Mapping[str, Sequence[int]]:
        """Return the cycles of all transfers."""
        from tokensieve.sim.twins.feed import Feed
        from tokensieve.sim.twins.topk import twin

        return twin(arch, Feed(valid=valid, ready=ready, data=topk_data(arch, vectors, which)))

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than the side buffer has rows."""
        return 2 * arch.topk.rows + 16


def topk_data(arch: Arch, vectors: Vectors, which: Sequence[int]) -> dict[str, list[Any]]:
    """Return what the timing of commands depends on, from golden's vectors and the law of the search."""
    return {
        "n": [int(vectors.inputs["n"][index]) for index in which],
        "search": [int(arch.topk.law.search(topk_work(vectors, index))) for index in which],
        "marked": [marked_per_row(arch.topk.lanes, vectors, index) for index in which],
    }


def topk_work(vectors: Vectors, index: int) -> TopkWork:
    """Return the work of one vector, from golden's record."""
    ends = vectors.work["sizes_ptr"]
    sizes = vectors.work["sizes"][int(ends[index]) : int(ends[index + 1])]
    return TopkWork(items=int(vectors.work["n"][index]), kept=int(vectors.work["k"][index]), sizes=sizes)


def marked_per_row(lanes: int, vectors: Vectors, index: int) -> list[int]:
    """Return how many items of each row golden keeps."""
    ends = vectors.expected["kept_ptr"]
    kept = vectors.expected["kept"][int(ends[index]) : int(ends[index + 1])]
    marked = [0] * -(-int(vectors.inputs["n"][index]) // lanes)
    for place in kept:
        marked[int(place) // lanes] += 1
    return marked
