"""Harness of a unit in its AXI4-Stream wrapper: that of the unit itself, around another component."""

from collections.abc import Mapping, Sequence

from amaranth.lib import wiring

from tokensieve.arch.machine import Arch
from tokensieve.rtl.flow.case import Record, Stimulus
from tokensieve.rtl.flow.harness.base import Array, Awaited, Harness, unit_class
from tokensieve.workloads.vectors import Vectors


class AxiHarness:
    """Gives the component of another harness AXI4-Stream ports; beats and records are as without them."""

    module = "tokensieve.rtl.axi"

    def __init__(self, unit: str, inner: Harness) -> None:
        self.unit, self._inner, self.begins = unit, inner, inner.begins

    def component(self, arch: Arch) -> wiring.Component:
        """Return the unit in its wrapper."""
        return unit_class(self.module, "AxiStreamUnit")(self._inner.component(arch))

    def stimulus(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Stimulus:
        """Return the stimulus of the unit."""
        return self._inner.stimulus(arch, vectors, which)

    def awaited(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Awaited]:
        """Return what must come out of the unit."""
        return self._inner.awaited(arch, vectors, which)

    def observed(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record
    ) -> Sequence[Mapping[str, Array]]:
        """Return what came out of the unit."""
        return self._inner.observed(arch, vectors, which, record)

    def work(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, Array]]:
        """Return what the unit's probes counted."""
        return self._inner.work(arch, vectors, which, record)

    def cycles(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, int]]:
        """Return the unit's cycles: the wrapper adds none."""
        return self._inner.cycles(arch, vectors, which, record)


class AxiLiteHarness(AxiHarness):
    """Gives the component of another harness registers in place of its command stream, to be written as Verilog."""

    def __init__(self, unit: str, inner: Harness, version: int) -> None:
        super().__init__(unit, inner)
        self._version = version

    def component(self, arch: Arch) -> wiring.Component:
        """Return the unit in its wrapper."""
        return unit_class("tokensieve.rtl.axilite", "AxiLiteUnit")(self._inner.component(arch), self._version)
