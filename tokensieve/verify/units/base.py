"""What a unit offers to co-simulation: vectors, harness, law and twin, bound together."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from tokensieve.arch.base import build
from tokensieve.arch.errors import ArchError
from tokensieve.arch.machine import Arch
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.harness.base import Harness
    from tokensieve.sim.twins.feed import Moves

Bits = Mapping[str, npt.NDArray[np.bool_]]
"""One bit per cycle, by stream."""

_TOGETHER = 4
"""Vectors that run back to back, where a unit asks for none in particular."""


class Unit(Protocol):
    """One unit. Golden and rtl are imported inside its methods, so that listing the units needs neither."""

    name: str
    """Name on the command line."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups of `Arch` that parametrize it, for example ``("topk",)``; they stand at the top of its Verilog."""

    def engines(self) -> tuple[str, ...]:
        """Return the engines to choose from; ``("",)`` where there is nothing to choose."""

    def arch(self, arch: Arch, engine: str) -> Arch:
        """Return `arch` with `engine` chosen, and with whatever else the unit needs, checked again."""

    def vectors(self, arch: Arch, count: int, seed: int, scores: str | None) -> Vectors:
        """Return golden's vectors, corners first."""

    def harness(self) -> "Harness":
        """Return the harness."""

    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return what the law says of one vector: `total`, and `select` where the unit has one. From work alone."""

    def twin(self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits) -> "Moves":
        """Return the cycles of the transfers of every stream, in and out, and from when each beat out is offered.

        `valid` is what the sources offered and `ready` what the sinks would have taken, as recorded; the vectors
        `which` ran back to back. The rest comes from golden's vectors.
        """

    def states(self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits) -> Mapping[str, int]:
        """Return in how many cycles the twin was in each of its named states. It is given what `twin` is."""

    def at_end(self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits) -> Collection[str]:
        """Return the named states that the twin was in when the last cycle began. It is given what `twin` is."""

    def longest_burst(self, arch: Arch) -> int:
        """Return a number of cycles that no buffer of the unit can bridge: pauses are drawn up to that length."""

    def together(self, arch: Arch, vectors: Vectors) -> Sequence[Sequence[int]]:
        """Return vectors that run back to back in every co-simulation, whatever is drawn besides."""

    def in_a_row(self, arch: Arch, vectors: Vectors) -> Sequence[int]:
        """Return the vectors that run back to back once, to be measured; none unless it promises a `pace`."""

    def pace(self, arch: Arch) -> Mapping[str, int]:
        """Return what the law says of vectors in a row, without pauses: `interval` and `latency`. Nothing: it varies.

        The interval is that of the first beats of two vectors, in or out; the latency of a vector's first beats. Of
        another output than the first it is `latency of NAME`.
        """

    def beats_of(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Sequence[int]]:
        """Return the beats of each vector by stream, in and then all out, if it promises a `pace`."""


class NamedUnit(ABC):
    """A unit whose vectors, harness and twin lie in modules that carry its name. Nothing about it is to be chosen."""

    name: str
    groups: tuple[str, ...]

    family = ""
    """Module of harness and twin where several units share one; its own name if empty."""

    def engines(self) -> tuple[str, ...]:
        """Return that there is nothing to choose."""
        return ("",)

    def arch(self, arch: Arch, engine: str) -> Arch:
        """Return `arch`."""
        return arch

    def vectors(self, arch: Arch, count: int, seed: int, scores: str | None) -> Vectors:
        """Return golden's vectors, corners first."""
        golden = import_module(f"tokensieve.golden.vectors.{self._module}")
        return cast(Vectors, golden.make(arch, count, seed, scores))

    def harness(self) -> "Harness":
        """Return the harness."""
        module = import_module(f"tokensieve.rtl.flow.harness.{self.family or self._module}")
        kind = "".join(word.capitalize() for word in self.name.split("-"))
        return cast("Harness", getattr(module, f"{kind}Harness")())

    @abstractmethod
    def law(self, arch: Arch, vectors: Vectors, index: int) -> Mapping[str, int]:
        """Return what the law says of one vector, from its work alone."""

    @abstractmethod
    def told(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Any]:
        """Return the data of the vectors `which` that the twin computes from."""

    def twin(self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits) -> "Moves":
        """Return what the twin tells of all streams."""
        return cast("Moves", self._played(arch, vectors, which, valid, ready)[0])

    def at_end(self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits) -> Collection[str]:
        """Return the named states that the twin was in when the last cycle began."""
        feed = self._played(arch, vectors, which, valid, ready)[1]
        return [name for name, there in feed.now.items() if there]

    def states(self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits) -> Mapping[str, int]:
        """Return in how many cycles the twin was in each of its named states."""
        return cast(Mapping[str, int], self._played(arch, vectors, which, valid, ready)[1].seen)

    def _played(self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits) -> tuple[Any, Any]:
        """Return what the twin says of a run, and the `Feed` with the states that it was in."""
        from tokensieve.sim.twins.feed import Feed

        twins = import_module(f"tokensieve.sim.twins.{self.family or self._module}")
        feed = Feed(valid=valid, ready=ready, data=self.told(arch, vectors, which))
        return twins.twin(arch, feed), feed

    @abstractmethod
    def longest_burst(self, arch: Arch) -> int:
        """Return a number of cycles that no buffer of the unit can bridge."""

    def together(self, arch: Arch, vectors: Vectors) -> Sequence[Sequence[int]]:
        """Return the first vectors, which are corners."""
        return [range(min(_TOGETHER, len(vectors)))]

    def in_a_row(self, arch: Arch, vectors: Vectors) -> Sequence[int]:
        """Return none."""
        return ()

    def pace(self, arch: Arch) -> Mapping[str, int]:
        """Return that it varies."""
        return {}

    def beats_of(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Sequence[int]]:
        """Return nothing, as there is no pace."""
        return {}

    @property
    def _module(self) -> str:
        return self.name.replace("-", "_")


def with_fields(arch: Arch, group: str, **fields: object) -> Arch:
    """Return `arch` with fields of one group replaced, checked as if they had been written in its file.

    >>> with_fields(Arch(), "topk", lanes=8).topk.lanes
    8
    """
    data = arch.model_dump()
    data[group] = {**data[group], **fields}
    return build(Arch, data, ArchError)
