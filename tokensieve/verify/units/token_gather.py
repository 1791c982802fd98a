"""The token gather, for co-simulation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.arch.token_gather import GatherWork
from tokensieve.verify.units.base import NamedUnit
from tokensieve.workloads.vectors import Vectors

_WORK = ("rows", "granules", "memory_latency", "dropped")


class TokenGatherUnit(NamedUnit):
    """`TokenGatherEngine` with a memory of fixed latency."""

    name = "token-gather"
    groups = ("gather", "dram", "topk")

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a packet."""
        return {"total": int(arch.gather.law.cycles(gather_work(vectors, index)))}

    def told(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Any]:
        """Return the granules of the vectors of each packet, and the beats of tokens that are dropped."""
        return {
            "granules": [granules_per_vector(arch, vectors, index) for index in which],
            "dropped": [int(vectors.work["dropped"][index]) for index in which],
        }

    def together(self, arch: Arch, vectors: Vectors) -> Sequence[Sequence[int]]:
        """Return a packet without tokens between two whose granules fill the registers, but not all places.

        And illegal commands between others, and vectors of several granules.
        """
        held, rows, granules = arch.gather.align_stages + 1, vectors.work["rows"], vectors.work["granules"]
        illegal = np.flatnonzero(vectors.expected["status"])[:2].tolist()
        none = np.flatnonzero((rows == 0) & (vectors.expected["status"] == 0))[:1].tolist()
        few = np.flatnonzero((rows > held) & (granules < held + arch.gather.outstanding))[:1].tolist()
        many = np.flatnonzero((granules > 2 * rows) & (rows > 2))[:1].tolist()
        mixed = [which for one in illegal for which in (one, *few, *none)]
        return [which for which in ([*few, *none, *few], many + mixed) if which]

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than it takes to fill every place and every register."""
        return arch.gather.outstanding + arch.gather.law.latency + 16


def gather_work(vectors: Vectors, index: int) -> GatherWork:
    """Return the work of one packet."""
    return GatherWork(**{name: int(vectors.work[name][index]) for name in _WORK})


def granules_per_vector(arch: Arch, vectors: Vectors, index: int) -> list[int]:
    """Return how many granules each vector of a packet touches; those of an illegal command are none."""
    if vectors.expected["status"][index]:
        return []
    given, size = vectors.inputs, arch.dram.granule_bytes
    base, row_bytes = int(given["base"][index]), int(given["row_bytes"][index])
    firsts = [base + token * row_bytes for token in vectors.item("inputs", "tokens", index).tolist()]
    return [(first + row_bytes - 1) // size - first // size + 1 for first in firsts]
