"""The top-k engine, for co-simulation: one unit, four engines."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.datapath import ENGINES
from tokensieve.arch.machine import Arch
from tokensieve.arch.topklaw import TopkWork
from tokensieve.verify.units.base import NamedUnit, with_fields
from tokensieve.workloads.vectors import Vectors

BITONIC_TOKENS = 256
"""Longest packet on which the bitonic engine is co-simulated: it holds all of it in registers and comparators."""


class TopkUnit(NamedUnit):
    """`TopKEngine` with any of its search cores."""

    name = "topk"
    groups = ("topk",)

    def engines(self) -> tuple[str, ...]:
        """Return the search cores."""
        return ENGINES

    def arch(self, arch: Arch, engine: str) -> Arch:
        """Return `arch` with the engine, and with packets that a bitonic sorter can hold."""
        fields: dict[str, object] = {"engine": engine} if engine else {}
        if engine == "bitonic":
            fields["max_tokens"] = min(arch.topk.max_tokens, BITONIC_TOKENS)
        arch.topk.require_rtl()
        return with_fields(arch, "topk", **fields)

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles until the threshold is known and until the last kept item is out."""
        law, work = arch.topk.law, topk_work(vectors, index)
        return {"select": int(law.select(work)), "total": int(law.cycles(work))}

    def told(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Any]:
        """Return what the timing of the commands depends on."""
        return topk_data(arch, vectors, which)

    def together(self, arch: Arch, vectors: Vectors) -> Sequence[Sequence[int]]:
        """Return searches behind one whose last beat is full; short ones that fill the drain, and wires behind them."""
        return commands_together(arch, vectors)

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than the side buffer has beats."""
        return 2 * arch.topk.beats + 16


class EngineInside(NamedUnit):
    """A unit around the engine that `topk.engine` names: the engines themselves are compared as `topk`."""

    def arch(self, arch: Arch, engine: str) -> Arch:
        """Return `arch`, with packets that its engine can hold."""
        return TopkUnit().arch(arch, arch.topk.engine)


def commands_together(arch: Arch, vectors: Vectors) -> Sequence[Sequence[int]]:
    """Return searches behind one whose last beat is full; short ones that fill the drain; wires; illegal ones.

    One with other scores is loaded while nearly all of one before it are left to drain, and one that keeps its first
    few comes behind a pass in vain: what that wrote would be read again before them.
    """
    n, k, lanes = np.asarray(vectors.inputs["n"]), np.asarray(vectors.inputs["k"]), arch.topk.lanes
    legal = (n > 0) & (n <= arch.topk.max_tokens)

    def first(kind: "npt.NDArray[np.bool_]", count: int = 1) -> list[int]:
        return [int(index) for index in np.flatnonzero(kind)[:count]]

    searched, kept = legal & (k > 0) & (k < n), legal & (k >= n)
    full = first(searched & (n % lanes == 0) & (n < n[legal].max(initial=0)))
    short, some = first(searched & (n <= lanes)), first(searched, 2)
    wire, none = first(kept & (n > lanes)), first(legal & (k == 0))
    one = first(kept & (n <= lanes))  # its first beat is its last
    in_vain = searched & (np.asarray(vectors.expected.get("ties", k)) == 0)  # radix ends in the midst of a pass
    early, many = first(in_vain, 3), first(in_vain & (2 * k > n) & (k < n - 1))  # in which many have survived
    leads = [vectors.item("expected", "kept", index).tolist() == list(range(k[index])) for index in range(len(n))]
    ahead = first(searched & leads & (k > 1) & (2 * k <= lanes) & (n > lanes))  # of many, it keeps the first few
    illegal = first(n == 0) + first(n > arch.topk.max_tokens)
    runs = [[*full, *some, *ahead, *full], [*many, *ahead]]
    runs += [[*short * 5, *wire, *short, *wire, *none, *wire], [*one, *wire, *one]]
    runs += [[which for one in early for which in (one, *first(searched, 3)[-1:])]]
    runs += [[*illegal, *some, *illegal, *wire, *illegal[::-1], *short]] if illegal else []
    return [which for which in runs if which]


def topk_data(arch: Arch, vectors: Vectors, which: Sequence[int]) -> dict[str, list[Any]]:
    """Return what the timing of commands depends on, from golden's vectors and the law of the search."""
    works = [topk_work(vectors, index) for index in which]
    return {
        "n": [int(work.items) for work in works],
        "search": [int(arch.topk.law.search(work)) for work in works],
        "passes": [bool(work.passes) for work in works],
        "marked": [marked_per_beat(arch.topk.lanes, vectors, index) for index in which],
    }


def topk_work(vectors: Vectors, index: int) -> TopkWork:
    """Return the work of one vector, from golden's record."""
    sizes = vectors.item("work", "sizes", index).tolist()
    return TopkWork(items=int(vectors.work["n"][index]), kept=int(vectors.work["k"][index]), sizes=sizes)


def marked_per_beat(lanes: int, vectors: Vectors, index: int) -> list[int]:
    """Return how many items of each beat golden keeps; there is one beat at least."""
    marked = [0] * max(1, -(-int(vectors.inputs["n"][index]) // lanes))
    for place in vectors.item("expected", "kept", index).tolist():
        marked[place // lanes] += 1
    return marked
