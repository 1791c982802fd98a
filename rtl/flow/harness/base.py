"""What a unit's harness offers to whoever runs the unit."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

import numpy.typing as npt
from amaranth.lib import wiring

from tokensieve.arch.machine import Arch
from tokensieve.rtl.flow.case import Record, Stimulus
from tokensieve.workloads.vectors import Vectors

Array = npt.NDArray[Any]

Awaited = Sequence[tuple[int, int]]
"""Beats that must come out, in order: the payload, and a mask of the bits of it that count."""

__all__ = ["Array", "Awaited", "Harness", "packet_cycles", "unit_class"]


class Harness(Protocol):
    """Turns a unit's vectors into beats, and recorded beats back into arrays.

    `which` are the vectors that one case runs back to back, by index. Answers are one item per vector of `which`.
    A record may be incomplete or hold wrong beats: whoever reads it must say what came, and not raise, wherever that is
    possible; what does raise counts as a mismatch.
    """

    unit: str
    """Name of the unit, as on the command line."""

    module: str
    """Module of the component, for example ``tokensieve.rtl.topk``."""

    begins: str
    """Input stream with whose first transfer `total` and `select` begin. `total` ends with the last one of ``o``."""

    def component(self, arch: Arch) -> wiring.Component:
        """Return the unit for `arch`. Its class comes from `unit_class`, so that faults can be planted."""

    def stimulus(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Stimulus:
        """Return what goes in and how much is awaited."""

    def awaited(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Awaited]:
        """Return what must come out of every output stream, and of events that golden speaks of; from golden alone."""

    def observed(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record
    ) -> Sequence[Mapping[str, Array]]:
        """Return what came out, per vector, under the names of `vectors.expected`."""

    def work(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, Array]]:
        """Return what the probes counted, per vector, under the names of `vectors.work`. Nothing where none do."""

    def cycles(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, int]]:
        """Return the cycles, per vector: `total`, and `select` where the unit has one (contracts, section 4)."""


def unit_class(module: str, name: str) -> Any:
    """Return the class `name` of `module` as it is at this moment: the edited one while a fault is planted."""
    return getattr(import_module(module), name)


def packet_cycles(beats: Sequence[int], came: Sequence[int], ends: Sequence[int]) -> list[dict[str, int]]:
    """Return the cycles of packets from the first beat in to the last one out; -1 where that did not come.

    `beats` are those of each packet, `came` those of all beats in, `ends` those of the packets' last ones out.

    >>> packet_cycles([2, 1], came=[0, 1, 2], ends=[5])
    [{'total': 6}, {'total': -1}]
    """
    firsts = [sum(beats[:place]) for place in range(len(beats))]
    there = [place < len(ends) and first < len(came) for place, first in enumerate(firsts)]
    return [{"total": ends[p] - came[first] + 1 if there[p] else -1} for p, first in enumerate(firsts)]
