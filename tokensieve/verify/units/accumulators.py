"""The accumulators of token and head importance, for co-simulation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from tokensieve.arch.accumulators import SumsOp, SumsStep
from tokensieve.arch.machine import Arch
from tokensieve.verify.units.base import NamedUnit
from tokensieve.workloads.vectors import Vectors

_OPS: tuple[SumsOp, ...] = get_args(SumsOp)
_FIELDS = ("op", "lines", "kept", "last", "items", "illegal")


class _SumsUnit(NamedUnit):
    """What both have in common."""

    family = "accumulators"
    source: str
    """Stream of what is added."""

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a script."""
        return {"total": arch.importance.law(arch.topk).script(steps_of(vectors, index))}

    def told(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Any]:
        """Return the commands of the scripts, and where what is added comes in."""
        from tokensieve.sim.twins.accumulators import Task

        tasks = []
        for index in which:
            ids = vectors.inputs["ids"][vectors.inputs["ids_ptr"][index] :].tolist()
            for step in steps_of(vectors, index):
                tasks.append(Task(step.op, step.lines, step.items, tuple(ids[: step.kept]), step.illegal))
                ids = ids[step.kept :]
        return {"tasks": tasks, "source": self.source}

    def together(self, arch: Arch, vectors: Vectors) -> Sequence[Sequence[int]]:
        """Return the first scripts, and one with illegal commands between others."""
        count = len(vectors)
        illegal = [index for index in range(count) if vectors.item("expected", "status", index).any()][:2]
        first = super().together(arch, vectors)
        return [*first, [0, *illegal]] if illegal else first

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than it has registers."""
        return arch.importance.stages + 16


class ImportanceAccumulatorUnit(_SumsUnit):
    """`ImportanceAccumulator`: sums of probabilities."""

    name = "importance-accumulator"
    groups = ("importance", "softmax", "topk")
    source = "probability"


class HeadAccumulatorUnit(_SumsUnit):
    """`HeadAccumulator`: sums of magnitudes of outputs."""

    name = "head-accumulator"
    groups = ("importance", "number", "topk")
    source = "output"


def steps_of(vectors: Vectors, index: int) -> Iterator[SumsStep]:
    """Yield the commands of one script with their work."""
    columns = (vectors.item("work", name, index).tolist() for name in _FIELDS)
    for op, lines, kept, last, items, illegal in zip(*columns, strict=True):
        yield SumsStep(op=_OPS[op], lines=lines, kept=kept, last=last, items=items, illegal=bool(illegal))
