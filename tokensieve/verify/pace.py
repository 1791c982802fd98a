"""Vectors in a row without a pause: the interval and the latency that a unit promises, measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from tokensieve.arch.machine import Arch
from tokensieve.verify.units.base import Unit
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.case import Case, Record


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured of vectors in a row."""

    vectors: int

    interval: tuple[int, int]
    """Fewest and most cycles between the first beats of two vectors, in and out."""

    latency: tuple[int, int]
    """Fewest and most cycles from a vector's first beat in to its first beat out."""

    latency_of: Mapping[str, tuple[int, int]]
    """The same for other outputs, by name."""

    differences: int
    """Intervals and latencies that are not what the law says, and those that could not be measured."""


def row_case(unit: Unit, arch: Arch, vectors: Vectors) -> "list[tuple[list[int], Case]]":
    """Return the vectors that run in a row, and their case; nothing where the unit promises no pace."""
    from tokensieve.rtl.flow.case import case

    which = list(unit.in_a_row(arch, vectors))
    if len(which) < 2:
        return []
    busy = sum(unit.law(arch, vectors, index)["total"] for index in which)
    return [(which, case(unit.harness().stimulus(arch, vectors, which), limit=2 * busy + 256))]


def measured(unit: Unit, arch: Arch, vectors: Vectors, which: Sequence[int], record: "Record") -> Row:
    """Return what was measured in the `record` of the vectors `which`."""
    beats, pace = unit.beats_of(arch, vectors, which), unit.pace(arch)
    came = {name: _firsts(record.cycles_of(name), counts) for name, counts in beats.items()}
    (_, entered), (first, _), *others = came.items()
    intervals = [after - before for firsts in came.values() for before, after in pairwise(firsts)]
    latencies = {name: _latencies(entered, came[name]) for name in (first, *(name for name, _ in others))}
    wrong = sum(one != pace["interval"] for one in intervals)
    for name, told in latencies.items():
        wrong += sum(one != pace["latency" if name == first else f"latency of {name}"] for one in told)
    measurable = len(came) * (len(which) - 1) + len(latencies) * len(which)
    missing = measurable - len(intervals) - sum(map(len, latencies.values()))
    return Row(
        vectors=len(which), interval=_span(intervals), latency=_span(latencies[first]), differences=wrong + missing,
        latency_of={name: _span(latencies[name]) for name, _ in others},
    )  # fmt: skip


def _latencies(entered: Sequence[int], left: Sequence[int]) -> list[int]:
    return [out - into for into, out in zip(entered, left, strict=False)]


def _firsts(cycles: Sequence[int], counts: Sequence[int]) -> list[int]:
    """Return the cycles of the first beats of vectors that have so many beats each, as far as they came."""
    places = [0, *accumulate(counts)][:-1]
    return [cycles[place] for place in places if place < len(cycles)]


def _span(numbers: Sequence[int]) -> tuple[int, int]:
    return min(numbers, default=-1), max(numbers, default=-1)
