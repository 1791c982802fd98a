"""The bitwidth converter, for co-simulation."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokensieve.arch.bitwidth_converter import ConverterWork
from tokensieve.arch.machine import Arch
from tokensieve.verify.units.base import NamedUnit
from tokensieve.workloads.vectors import Vectors

_FIELDS = ("elements", "msb_bits", "lsb_bits")


class BitwidthConverterUnit(NamedUnit):
    """`BitwidthConverter`: buffers of both planes, and the words made of them."""

    name = "bitwidth-converter"
    groups = ("converter", "gather", "number")

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a group of vectors, one after the other."""
        law = arch.converter.law
        return {"total": sum(int(law.busy(work)) for work in _vectors(vectors, index)) + law.latency}

    def told(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Any]:
        """Return the vectors."""
        from tokensieve.sim.twins.bitwidth_converter import Vector

        works = [work for index in which for work in _vectors(vectors, index)]
        return {"vectors": [Vector(int(work.elements), int(work.msb_bits), int(work.lsb_bits)) for work in works]}

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than beats fit into its buffers."""
        return arch.converter.law.latency + 16


def _vectors(vectors: Vectors, index: int) -> list[ConverterWork]:
    columns = (vectors.item("work", name, index).tolist() for name in _FIELDS)
    return [ConverterWork(elements=of, msb_bits=msb, lsb_bits=lsb) for of, msb, lsb in zip(*columns, strict=True)]
