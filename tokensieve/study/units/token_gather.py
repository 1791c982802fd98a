"""The token gather, for co-simulation."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tokensieve.arch.gather import GatherWork
from tokensieve.arch.machine import Arch
from tokensieve.study.units.base import Bits, with_fields
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.harness.base import Harness


class TokenGatherUnit:
    """`TokenGatherEngine` with a memory of fixed latency."""

    name = "token-gather"
    groups = ("gather", "dram", "topk")

    def engines(self) -> tuple[str, ...]:
        """Return that there is nothing to choose."""
        return ("",)

    def arch(self, arch: Arch, engine: str) -> Arch:
        """Return `arch`: whatever engine its top-k has, the gather is the same."""
        return with_fields(arch, "gather")

    def vectors(self, arch: Arch, count: int, seed: int, scores: str | None) -> Vectors:
        """Return packets of tokens and the memory that their rows are in."""
        from tokensieve.golden.vectors.token_gather import make

        return make(arch, count, seed, scores)

    def harness(self) -> "Harness":
        """Return the harness."""
        from tokensieve.rtl.flow.harness.token_gather import TokenGatherHarness

        return TokenGatherHarness()

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a packet."""
        return {"total": int(arch.gather.law.cycles(gather_work(vectors, index)))}

    def twin(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits
    ) -> Mapping[str, Sequence[int]]:
        """Return the cycles of all transfers."""
        from tokensieve.sim.twins.feed import Feed
        from tokensieve.sim.twins.token_gather import twin

        granules = [granules_per_row(arch, vectors, index) for index in which]
        return twin(arch, Feed(valid=valid, ready=ready, data={"granules": granules}))

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than it takes to fill every place and every register."""
        return arch.gather.outstanding + arch.gather.law.latency + 16


def gather_work(vectors: Vectors, index: int) -> GatherWork:
    """Return the work of one packet."""
    return GatherWork(**{name: int(vectors.work[name][index]) for name in ("rows", "granules", "memory_latency")})


def granules_per_row(arch: Arch, vectors: Vectors, index: int) -> list[int]:
    """Return how many granules each row of a packet touches."""
    given, size = vectors.inputs, arch.dram.granule_bytes
    base, row_bytes, ends = int(given["base"][index]), int(given["row_bytes"][index]), given["tokens_ptr"]
    tokens = given["tokens"][int(ends[index]) : int(ends[index + 1])].tolist()
    firsts = [base + token * row_bytes for token in tokens]
    return [(first + row_bytes - 1) // size - first // size + 1 for first in firsts]
