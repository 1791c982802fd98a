"""What the hardware did, compared with what golden, law and twin say. Each answer is a number of differences.

A fault in the hardware may lead a harness into nonsense; where it raises, all that it was asked about counts as wrong.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.verify.units.base import Unit
from tokensieve.workloads.vectors import Group, Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.case import Record
    from tokensieve.rtl.flow.harness.base import Harness

Arrays = Mapping[str, npt.NDArray[Any]]

_NONSENSE = (IndexError, KeyError, ValueError, OverflowError, StopIteration)


def wrong_answers(harness: "Harness", arch: Arch, vectors: Vectors, which: Sequence[int], record: "Record") -> int:
    """Return for how many of the vectors something else came out than golden says.

    At least one, if the run was given up, if a stream broke the rules or if more came than was awaited.
    """
    try:
        observed = harness.observed(arch, vectors, which, record)
        expect = harness.stimulus(arch, vectors, which).expect
    except _NONSENSE:
        return len(which)
    names = {name for name in vectors.expected if not name.endswith("_ptr")}
    wrong = sum(
        one.keys() != names or not same_items(one, vectors, "expected", index)
        for one, index in zip(observed, which, strict=True)
    )
    surplus = any(len(record.transfers[name]) != count for name, count in expect.items())
    return max(wrong, int(surplus or not record.complete or bool(record.broken)))


def wrong_work(harness: "Harness", arch: Arch, vectors: Vectors, which: Sequence[int], record: "Record") -> int:
    """Return for how many of the vectors the probes counted something else than golden."""
    try:
        counted = harness.work(arch, vectors, which, record)
    except _NONSENSE:
        return len(which)
    return sum(not same_items(one, vectors, "work", index) for one, index in zip(counted, which, strict=True))


def wrong_cycles(cycles: Mapping[str, int], law: Mapping[str, int]) -> int:
    """Return 1 if a vector took other cycles than the law says."""
    return int(dict(cycles) != dict(law))


def wrong_transfers(unit: Unit, arch: Arch, vectors: Vectors, which: Sequence[int], record: "Record") -> int:
    """Return 1 if a transfer of any stream, or the first offer of a beat, fell into another cycle than the twin's.

    The twin sees what sources offered and sinks would have taken; never what the unit did. A source that answers the
    unit, such as a memory, may have offered what no healthy unit asked for: then the twin has no next step, which
    counts.
    """
    sources, sinks = _sides(unit, arch, vectors, which)
    valid = {name: record.valid[name] for name in sources}
    ready = {name: record.ready[name] for name in sinks}
    try:
        moves = unit.twin(arch, vectors, which, valid, ready)
    except _NONSENSE:
        return 1
    told = f"the twin of {unit.name} must tell of {sorted(record.transfers)}"
    assert moves.transfers.keys() == record.transfers.keys(), told
    assert moves.offered.keys() == ready.keys(), told
    moved = all(cycles == record.cycles_of(name) for name, cycles in moves.transfers.items())
    return int(not moved or any(cycles != record.offered_of(name) for name, cycles in moves.offered.items()))


def wrong_after_reset(
    harness: "Harness", arch: Arch, vectors: Vectors, which: Sequence[int], plain: "Record", again: "Record"
) -> int:
    """Return 1 if a case went otherwise after resets than without: in any cycle, or in what came out.

    `plain` is the record without. It has been held against the twin, so that `again` need not be.
    """
    here = (harness, arch, vectors, which, again)
    return int(not again.same_cycles_as(plain) or wrong_answers(*here) > 0 or wrong_work(*here) > 0)


def _sides(unit: Unit, arch: Arch, vectors: Vectors, which: Sequence[int]) -> tuple[list[str], list[str]]:
    stimulus = unit.harness().stimulus(arch, vectors, which[:1])
    return list(stimulus.beats), list(stimulus.expect)


def same_items(one: Arrays, vectors: Vectors, group: Group, index: int) -> bool:
    """Return whether `one` holds what vector `index` has under the same names in `group`."""
    return all(np.array_equal(array, vectors.item(group, name, index)) for name, array in one.items())
