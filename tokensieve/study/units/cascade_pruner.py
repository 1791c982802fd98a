"""The cascade pruner, for co-simulation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from tokensieve.arch.machine import Arch
from tokensieve.arch.prunerlaw import CascadeOp, CascadeStep
from tokensieve.arch.topklaw import TopkWork
from tokensieve.study.units.base import Bits
from tokensieve.study.units.topk import TopkUnit
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.harness.base import Harness

_OPS: tuple[CascadeOp, ...] = get_args(CascadeOp)
_FIELDS = ("op", "heads", "lines", "offered", "k", "kept", "rounds")


class CascadePrunerUnit:
    """`CascadePruner`, with the engine that `topk.engine` names."""

    name = "cascade-pruner"
    groups = ("importance", "topk", "gather", "dram", "softmax", "number")

    def engines(self) -> tuple[str, ...]:
        """Return that there is nothing to choose: the engines are compared as `topk`."""
        return ("",)

    def arch(self, arch: Arch, engine: str) -> Arch:
        """Return `arch`, with rows that its engine can hold."""
        return TopkUnit().arch(arch, arch.topk.engine)

    def vectors(self, arch: Arch, count: int, seed: int, scores: str | None) -> Vectors:
        """Return scripts of layers."""
        from tokensieve.golden.vectors.cascade_pruner import make

        return make(arch, count, seed, scores)

    def harness(self) -> "Harness":
        """Return the harness."""
        from tokensieve.rtl.flow.harness.cascade_pruner import CascadePrunerHarness

        return CascadePrunerHarness()

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a script."""
        return {"total": arch.cascade_law.cycles(step for step, _ in steps_of(vectors, index))}

    def twin(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits
    ) -> Mapping[str, Sequence[int]]:
        """Return the cycles of all transfers."""
        from tokensieve.sim.twins.cascade_pruner import twin
        from tokensieve.sim.twins.feed import Feed

        tasks = [task for index in which for task in _tasks(arch, vectors, index)]
        return twin(arch, Feed(valid=valid, ready=ready, data={"tasks": tasks}))

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than all queues have rows."""
        return 4 * arch.topk.rows + arch.gather.outstanding + 16


def steps_of(vectors: Vectors, index: int) -> Iterator[tuple[CascadeStep, list[int]]]:
    """Yield the commands of a script with their work, and the positions that each one keeps."""
    work = {name: _part(vectors.work, name, index) for name in (*_FIELDS, "positions", "sizes")}
    positions, sizes = work["positions"], work["sizes"]
    for values in zip(*(work[name] for name in _FIELDS), strict=True):
        step = dict(zip(_FIELDS, values, strict=True))
        kept = positions[: step["kept"]]
        search = TopkWork(items=step["offered"], kept=step["k"], sizes=sizes[: step["rounds"]])
        last, heads = max(kept, default=0), bool(step["heads"])
        yield CascadeStep(op=_OPS[step["op"]], heads=heads, lines=step["lines"], search=search, last=last), kept
        positions, sizes = positions[step["kept"] :], sizes[step["rounds"] :]


def _tasks(arch: Arch, vectors: Vectors, index: int) -> Iterator[Any]:
    """Yield what the twin is told of each command of a script."""
    from tokensieve.sim.twins.cascade_pruner import Task

    sizes, granule = _part(vectors.inputs, "row_bytes", index), arch.dram.granule_bytes
    base, ids = int(vectors.inputs["base"][index]), _part(vectors.expected, "ids", index)
    for (step, kept), row_bytes in zip(steps_of(vectors, index), sizes, strict=True):
        begins = [base + number * row_bytes for number in ids[: len(kept)]]
        yield Task(
            op=step.op, heads=step.heads, lines=step.lines, offered=int(step.search.items), positions=tuple(kept),
            search=int(arch.topk.law.search(step.search)) if step.op == "prune" else 0,
            granules=[(b + row_bytes - 1) // granule - b // granule + 1 for b in begins] if row_bytes else None,
        )  # fmt: skip
        ids = ids[len(kept) :]


def _part(arrays: Mapping[str, Any], name: str, index: int) -> list[int]:
    ends = arrays[f"{name}_ptr"]
    return arrays[name][int(ends[index]) : int(ends[index + 1])].tolist()  # type: ignore[no-any-return]
