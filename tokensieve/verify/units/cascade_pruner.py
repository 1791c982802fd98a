"""The cascade pruner, for co-simulation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from tokensieve.arch.machine import Arch
from tokensieve.arch.prunerlaw import CascadeOp, CascadeStep
from tokensieve.arch.topklaw import TopkWork
from tokensieve.verify.units.topk import EngineInside
from tokensieve.workloads.vectors import Vectors

_OPS: tuple[CascadeOp, ...] = get_args(CascadeOp)
_FIELDS = ("op", "heads", "lines", "offered", "k", "kept", "rounds", "illegal")


class CascadePrunerUnit(EngineInside):
    """`CascadePruner`, with the engine that `topk.engine` names."""

    name = "cascade-pruner"
    groups = ("importance", "topk", "gather", "dram", "softmax", "number")

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a script."""
        return {"total": arch.cascade_law.cycles(step for step, _ in steps_of(vectors, index))}

    def told(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Any]:
        """Return the commands of the scripts."""
        return {"tasks": [task for index in which for task in _tasks(arch, vectors, index)]}

    def together(self, arch: Arch, vectors: Vectors) -> Sequence[Sequence[int]]:
        """Return a PRUNE of all there are that keeps all but one, with their vectors, and one that keeps all."""
        return [[index for index in (2, 0) if index < len(vectors)]]

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than all queues have beats."""
        return 4 * arch.topk.beats + arch.gather.outstanding + 16


def steps_of(vectors: Vectors, index: int) -> Iterator[tuple[CascadeStep, list[int]]]:
    """Yield the commands of a script with their work, and the positions that each one keeps."""
    work = {name: vectors.item("work", name, index).tolist() for name in (*_FIELDS, "positions", "sizes")}
    positions, sizes = work["positions"], work["sizes"]
    for values in zip(*(work[name] for name in _FIELDS), strict=True):
        step = dict(zip(_FIELDS, values, strict=True))
        kept = positions[: step["kept"]]
        search = TopkWork(items=step["offered"], kept=step["k"], sizes=sizes[: step["rounds"]])
        last, heads = max(kept, default=0), bool(step["heads"])
        told = {"op": _OPS[step["op"]], "heads": heads, "lines": step["lines"], "illegal": bool(step["illegal"])}
        yield CascadeStep(**told, search=search, last=last), kept
        positions, sizes = positions[step["kept"] :], sizes[step["rounds"] :]


def _tasks(arch: Arch, vectors: Vectors, index: int) -> Iterator[Any]:
    """Yield each command of a script as the twin takes it."""
    from tokensieve.sim.twins.cascade_pruner import Task

    sizes, granule = vectors.item("inputs", "row_bytes", index).tolist(), arch.dram.granule_bytes
    base, ids = int(vectors.inputs["base"][index]), vectors.item("expected", "ids", index).tolist()
    dropped = vectors.item("work", "dropped", index).tolist()
    for (step, kept), row_bytes, beats in zip(steps_of(vectors, index), sizes, dropped, strict=True):
        fits = row_bytes <= arch.gather.max_row_bytes
        begins = [base + number * row_bytes for number in ids[: len(kept) if fits else 0]]
        yield Task(
            op=step.op, heads=step.heads, lines=step.lines, offered=int(step.search.items), positions=tuple(kept),
            search=int(arch.topk.law.search(step.search)) if step.op == "prune" else 0,
            granules=[(b + row_bytes - 1) // granule - b // granule + 1 for b in begins] if row_bytes else None,
            dropped=beats, illegal=step.illegal,
        )  # fmt: skip
        ids = ids[len(kept) :]
