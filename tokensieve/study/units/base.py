"""What a unit offers to co-simulation: vectors, harness, law and twin, bound together."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from tokensieve.arch.base import build
from tokensieve.arch.errors import ArchError
from tokensieve.arch.machine import Arch
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.harness.base import Harness

Bits = Mapping[str, npt.NDArray[np.bool_]]
"""One bit per cycle, by stream."""


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

    def twin(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], valid: Bits, ready: Bits
    ) -> Mapping[str, Sequence[int]]:
        """Return the cycles of the transfers of every stream, in and out.

        `valid` is what the sources offered and `ready` what the sinks would have taken, as recorded; the vectors
        `which` ran back to back. The rest comes from golden's vectors.
        """

    def longest_burst(self, arch: Arch) -> int:
        """Return a number of cycles that no buffer of the unit can bridge: pauses are drawn up to that length."""


def with_fields(arch: Arch, group: str, **fields: object) -> Arch:
    """Return `arch` with fields of one group replaced, checked as if they had been written in its file.

    >>> with_fields(Arch(), "topk", lanes=8).topk.lanes
    8
    """
    data = arch.model_dump()
    data[group] = {**data[group], **fields}
    return build(Arch, data, ArchError)
