"""The local value pruner, for co-simulation."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tokensieve.arch.machine import Arch
from tokensieve.study.units.base import Bits
from tokensieve.study.units.topk import TopkUnit, topk_data, topk_work
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.harness.base import Harness


class LocalValuePrunerUnit:
    """`LocalValuePruner`, with the engine that `topk.engine` names."""

    name = "local-value-pruner"
    groups = ("topk", "softmax")

    def engines(self) -> tuple[str, ...]:
        """Return that there is nothing to choose: the engines are compared as `topk`."""
        return ("",)

    def arch(self, arch: Arch, engine: str) -> Arch:
        """Return `arch`, with rows that its engine can hold."""
        return TopkUnit().arch(arch, arch.topk.engine)

    def vectors(self, arch: Arch, count: int, seed: int, scores: str | None) -> Vectors:
        """Return probabilities of queries and which are to be kept."""
        from tokensieve.golden.vectors.local_value_pruner import make

        return make(arch, count, seed, scores)

    def harness(self) -> "Harness":
        """Return the harness."""
        from tokensieve.rtl.flow.harness.local_value_pruner import LocalValuePrunerHarness

        return LocalValuePrunerHarness()

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles until the threshold is known and until the last kept probability is out."""
        law, work = arch.local_value_law, topk_work(vectors, index)
        return {"select": int(law.select(work)), "total": int(law.cycles(work))}

    def twin(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits
    ) -> Mapping[str, Sequence[int]]:
        """Return the cycles of all transfers."""
        from tokensieve.sim.twins.feed import Feed
        from tokensieve.sim.twins.local_value_pruner import twin

        return twin(arch, Feed(valid=valid, ready=ready, data=topk_data(arch, vectors, which)))

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than it takes to fill the queue: several queries, most of which keep a half or less."""
        return 12 * arch.topk.rows + 2 * arch.kept_rows + 16
