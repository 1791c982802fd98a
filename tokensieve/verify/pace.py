"""Vectors in a row without a pause: the interval and the latency that a unit promises, measured."""

from collections.abc import Sequence
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
    (_, entered), (_, left) = came.items()
    intervals = [after - before for firsts in came.values() for before, after in pairwise(firsts)]
    latencies = [out - into for into, out in zip(entered, left, strict=False)]
    wrong = sum(one != pace["interval"] for one in intervals) + sum(one != pace["latency"] for one in latencies)
    missing = 3 * len(which) - 2 - len(intervals) - len(latencies)
    return Row(
        vectors=len(which), interval=_span(intervals), latency=_span(latencies), differences=wrong + missing
    )  # fmt: skip


def _firsts(cycles: Sequence[int], counts: Sequence[int]) -> list[int]:
    """Return the cycles of the first beats of vectors that have so many beats each, as far as they came."""
    places = [0, *accumulate(counts)][:-1]
    return [cycles[place] for place in places if place < len(cycles)]


def _span(numbers: Sequence[int]) -> tuple[int, int]:
    return min(numbers, default=-1), max(numbers, default=-1)
