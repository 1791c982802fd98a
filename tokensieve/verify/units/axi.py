"""Units in their AXI4-Stream wrapper, for co-simulation: law and twin are those of the unit itself."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from tokensieve import __version__
from tokensieve.arch.errors import TokensieveError
from tokensieve.arch.machine import Arch
from tokensieve.verify.units.base import Bits, Unit
from tokensieve.verify.units.cascade_pruner import CascadePrunerUnit
from tokensieve.verify.units.token_gather import TokenGatherUnit
from tokensieve.verify.units.topk import TopkUnit
from tokensieve.verify.units.zero_eliminator import ZeroEliminatorUnit
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.harness.base import Harness
    from tokensieve.sim.twins.feed import Moves


class AxiUnit:
    """`AxiStreamUnit` around another unit."""

    def __init__(self, inner: Unit) -> None:
        self._inner = inner
        self.name = f"axi-{inner.name}"
        self.groups = inner.groups

    def engines(self) -> tuple[str, ...]:
        """Return the engines of the unit."""
        return self._inner.engines()

    def arch(self, arch: Arch, engine: str) -> Arch:
        """Return the unit's architecture."""
        return self._inner.arch(arch, engine)

    def vectors(self, arch: Arch, count: int, seed: int, scores: str | None) -> Vectors:
        """Return the unit's vectors."""
        return self._inner.vectors(arch, count, seed, scores)

    def harness(self) -> "Harness":
        """Return the unit's harness, with the wrapper around its component."""
        from tokensieve.rtl.flow.harness.axi import AxiHarness

        return AxiHarness(self.name, self._inner.harness())

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return the unit's cycles."""
        return self._inner.law(arch, vectors, index)

    def twin(self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits) -> "Moves":
        """Return what the unit's twin tells of all streams."""
        return self._inner.twin(arch, vectors, which, valid, ready)

    def states(self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits) -> Mapping[str, int]:
        """Return the states of the unit's twin."""
        return self._inner.states(arch, vectors, which, valid, ready)

    def at_end(self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits) -> Collection[str]:
        """Return those of the unit's twin at its end."""
        return self._inner.at_end(arch, vectors, which, valid, ready)

    def together(self, arch: Arch, vectors: Vectors) -> Sequence[Sequence[int]]:
        """Return those of the unit."""
        return self._inner.together(arch, vectors)

    def in_a_row(self, arch: Arch, vectors: Vectors) -> Sequence[int]:
        """Return those of the unit inside."""
        return self._inner.in_a_row(arch, vectors)

    def pace(self, arch: Arch) -> Mapping[str, int]:
        """Return that of the unit inside."""
        return self._inner.pace(arch)

    def beats_of(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Sequence[int]]:
        """Return those of the unit inside."""
        return self._inner.beats_of(arch, vectors, which)

    def longest_burst(self, arch: Arch) -> int:
        """Return that of the unit."""
        return self._inner.longest_burst(arch)


WITH_REGISTERS = ("topk", "local-value-pruner", "token-gather", "bitwidth-converter")
"""Units that answer each command with one packet on ``o``."""


class AxiLiteUnit(AxiUnit):
    """A unit with registers in place of its command stream. It is written as Verilog, and not co-simulated."""

    def __init__(self, inner: Unit) -> None:
        super().__init__(inner)
        self.name = f"axi-lite-{inner.name}"

    def harness(self) -> "Harness":
        """Return the unit's harness, with the wrapper around its component."""
        from tokensieve.rtl.flow.harness.axi import AxiLiteHarness

        major, minor, patch = (int(part) for part in __version__.split(".")[:3])
        return AxiLiteHarness(self.name, self._inner.harness(), major << 16 | minor << 8 | patch)


def with_registers(unit: Unit) -> Unit:
    """Return `unit` with AXI4-Lite registers; raise `TokensieveError` for one that has no use for them."""
    if unit.name not in WITH_REGISTERS:
        choice = ", ".join(WITH_REGISTERS)
        raise TokensieveError(
            f"--wrapper axi-lite is for units with a packet for each command: {choice}; got {unit.name!r}"
        )
    return AxiLiteUnit(unit)


def on_axi(unit: Unit) -> Unit:
    """Return `unit` in the wrapper; one that has it already is given back."""
    return unit if isinstance(unit, AxiUnit) else AxiUnit(unit)


class AxiTopk(AxiUnit):
    """The top-k engine on AXI4-Stream."""

    def __init__(self) -> None:
        super().__init__(TopkUnit())


class AxiTokenGather(AxiUnit):
    """The token gather on AXI4-Stream, with a memory that answers on one."""

    def __init__(self) -> None:
        super().__init__(TokenGatherUnit())


class AxiCascadePruner(AxiUnit):
    """The cascade pruner on AXI4-Stream, with commands, both kinds of importance and a memory."""

    def __init__(self) -> None:
        super().__init__(CascadePrunerUnit())


class AxiZeroEliminator(AxiUnit):
    """The zero eliminator on AXI4-Stream: lanes that TKEEP leaves out are dropped, the others packed."""

    def __init__(self) -> None:
        super().__init__(ZeroEliminatorUnit())
