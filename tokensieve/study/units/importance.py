"""The accumulators of token and head importance, for co-simulation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, get_args

from tokensieve.arch.machine import Arch
from tokensieve.arch.sumslaw import SumsOp, SumsStep
from tokensieve.study.units.base import Bits
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.harness.base import Harness

_OPS: tuple[SumsOp, ...] = get_args(SumsOp)
_FIELDS = ("op", "lines", "kept", "last", "items")


class _SumsUnit:
    """What both have in common."""

    source: str
    """Stream of the rows that are added."""

    def engines(self) -> tuple[str, ...]:
        """Return that there is nothing to choose."""
        return ("",)

    def arch(self, arch: Arch, engine: str) -> Arch:
        """Return `arch`."""
        return arch

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a script."""
        return {"total": arch.importance.law(arch.topk).script(steps_of(vectors, index))}

    def twin(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits
    ) -> Mapping[str, Sequence[int]]:
        """Return the cycles of all transfers."""
        from tokensieve.sim.twins.feed import Feed
        from tokensieve.sim.twins.sums import Task, twin

        tasks = []
        for index in which:
            ids = vectors.inputs["ids"][vectors.inputs["ids_ptr"][index] :].tolist()
            for step in steps_of(vectors, index):
                tasks.append(Task(step.op, step.lines, step.items, tuple(ids[: step.kept])))
                ids = ids[step.kept :]
        return twin(arch, self.source, Feed(valid=valid, ready=ready, data={"tasks": tasks}))

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than it has registers."""
        return arch.importance.stages + 16


class ImportanceAccumulatorUnit(_SumsUnit):
    """`ImportanceAccumulator`: sums of probabilities."""

    name = "importance-accumulator"
    groups = ("importance", "softmax", "topk")
    source = "probability"

    def vectors(self, arch: Arch, count: int, seed: int, scores: str | None) -> Vectors:
        """Return scripts of commands."""
        from tokensieve.golden.vectors.importance_accumulator import make

        return make(arch, count, seed, scores)

    def harness(self) -> "Harness":
        """Return the harness."""
        from tokensieve.rtl.flow.harness.sums import ImportanceAccumulatorHarness

        return ImportanceAccumulatorHarness()


class HeadAccumulatorUnit(_SumsUnit):
    """`HeadAccumulator`: sums of magnitudes of outputs."""

    name = "head-accumulator"
    groups = ("importance", "number", "topk")
    source = "output"

    def vectors(self, arch: Arch, count: int, seed: int, scores: str | None) -> Vectors:
        """Return scripts of commands."""
        from tokensieve.golden.vectors.head_accumulator import make

        return make(arch, count, seed, scores)

    def harness(self) -> "Harness":
        """Return the harness."""
        from tokensieve.rtl.flow.harness.sums import HeadAccumulatorHarness

        return HeadAccumulatorHarness()


def steps_of(vectors: Vectors, index: int) -> Iterator[SumsStep]:
    """Yield the commands of one script with their work."""
    ends = vectors.work["op_ptr"]
    columns = [vectors.work[name][int(ends[index]) : int(ends[index + 1])].tolist() for name in _FIELDS]
    for op, lines, kept, last, items in zip(*columns, strict=True):
        yield SumsStep(op=_OPS[op], lines=lines, kept=kept, last=last, items=items)
