"""The bitwidth converter, for co-simulation."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tokensieve.arch.bitwidth import ConverterWork
from tokensieve.arch.machine import Arch
from tokensieve.study.units.base import Bits
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.harness.base import Harness

_FIELDS = ("elements", "msb_bits", "lsb_bits")


class BitwidthConverterUnit:
    """`BitwidthConverter`: buffers of both planes, and the words made of them."""

    name = "bitwidth-converter"
    groups = ("converter", "gather", "number")

    def engines(self) -> tuple[str, ...]:
        """Return that there is nothing to choose."""
        return ("",)

    def arch(self, arch: Arch, engine: str) -> Arch:
        """Return `arch`."""
        return arch

    def vectors(self, arch: Arch, count: int, seed: int, scores: str | None) -> Vectors:
        """Return groups of rows, each with its widths."""
        from tokensieve.golden.vectors.bitwidth_converter import make

        return make(arch, count, seed, scores)

    def harness(self) -> "Harness":
        """Return the harness."""
        from tokensieve.rtl.flow.harness.bitwidth_converter import BitwidthConverterHarness

        return BitwidthConverterHarness()

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the cycles of a group of rows, one after the other."""
        law = arch.converter.law
        return {"total": sum(int(law.busy(work)) for work in _rows(vectors, index)) + law.latency}

    def twin(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits
    ) -> Mapping[str, Sequence[int]]:
        """Return the cycles of all transfers."""
        from tokensieve.sim.twins.bitwidth_converter import Row, twin
        from tokensieve.sim.twins.feed import Feed

        works = [work for index in which for work in _rows(vectors, index)]
        rows = [Row(int(work.elements), int(work.msb_bits), int(work.lsb_bits)) for work in works]
        return twin(arch, Feed(valid=valid, ready=ready, data={"rows": rows}))

    def longest_burst(self, arch: Arch) -> int:
        """Return more cycles than beats fit into its buffers."""
        return arch.converter.law.latency + 16


def _rows(vectors: Vectors, index: int) -> list[ConverterWork]:
    ends = vectors.work["elements_ptr"]
    columns = [vectors.work[name][int(ends[index]) : int(ends[index + 1])].tolist() for name in _FIELDS]
    return [
        ConverterWork(elements=elements, msb_bits=msb, lsb_bits=lsb)
        for elements, msb, lsb in zip(*columns, strict=True)
    ]  # fmt: skip
