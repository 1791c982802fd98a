"""The bitwidth converter, for co-simulation."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokensieve.arch.bitwidth_converter import ConverterWork
from tokensieve.arch.machine import Arch
from tokensieve.verify.units.base import NamedUnit
from tokensieve.workloads.vectors import Vectors

_FIELDS = ("elements", "msb_bits", "lsb_bits")
_Works = list[tuple[ConverterWork, bool]]


class BitwidthConverterUnit(NamedUnit):
    """`BitwidthConverter`: buffers of both planes, and the words made of them."""

    name = "bitwidth-converter"
    groups = ("converter", "gather", "number")

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a group of vectors, one after the other."""
        law, works = arch.converter.law, _vectors(vectors, index)
        busy = [law.dropped(work) if illegal else int(law.busy(work)) for work, illegal in works]
        return {"total": sum(busy) + law.latency}

    def told(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Any]:
        """Return the vectors."""
        from tokensieve.sim.twins.bitwidth_converter import Vector

        works = [work for index in which for work in _vectors(vectors, index)]
        fields = [(int(work.elements), int(work.msb_bits), int(work.lsb_bits), illegal) for work, illegal in works]
        return {"vectors": [Vector(*one) for one in fields]}

    def together(self, arch: Arch, vectors: Vectors) -> Sequence[Sequence[int]]:
        """Return the first groups, and some with illegal commands, between others."""
        count = len(vectors)
        illegal = [index for index in range(count) if vectors.item("expected", "status", index).any()][:2]
        first = super().together(arch, vectors)
        return [*first, [1, *illegal, 1]] if illegal else first

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than beats fit into its buffers."""
        return arch.converter.law.latency + 16


def _vectors(vectors: Vectors, index: int) -> _Works:
    """Return the work of each vector of a group, and whether it is illegal."""
    columns = (vectors.item("work", name, index).tolist() for name in (*_FIELDS, "illegal"))
    return [
        (ConverterWork(elements=of, msb_bits=msb, lsb_bits=lsb), bool(illegal))
        for of, msb, lsb, illegal in zip(*columns, strict=True)
    ]
