"""Units on Amaranth's simulator, held against golden, law and twin."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from tokensieve.arch import Arch
from tokensieve.rtl.flow.amsim import run
from tokensieve.rtl.flow.case import case
from tokensieve.verify.units.base import with_fields


@dataclass(frozen=True)
class Trial:
    """Vectors that run back to back, and the pauses of each stream, as a `Case` has them."""

    which: tuple[int, ...]
    gaps: dict[str, list[int]] = field(default_factory=dict)
    stalls: dict[str, list[bool]] = field(default_factory=dict)
    resets: tuple[int, ...] = ()

    @property
    def unpaused(self):
        return not any(map(any, [*self.gaps.values(), *self.stalls.values()]))

    def limit(self, unit, arch, vectors):
        """Return the cycles after which a run is given up: more than pauses and law explain."""
        pauses = [*map(sum, self.gaps.values()), *map(len, self.stalls.values())]
        busy = [unit.law(arch, vectors, index)["total"] for index in self.which]
        return 2 * sum(busy) + sum(pauses) + 100


def small(**fields):
    """Return an arch with a small top-k engine."""
    arch = with_fields(Arch(), "softmax", probability_bits=8)
    arch = with_fields(arch, "pruner", max_tokens=21, keep=5, lanes=2, score_bits=4, id_bits=4, count_stages=1)
    return with_fields(arch, "topk", **{"max_tokens": 13, "lanes": 4, "score_bits": 8, **fields})


def alone(count):
    """Return trials of one vector each, without pauses."""
    return [Trial((number,)) for number in range(count)]


def trials(count, sources, sinks, together=4):
    """Strategy: a few trials of vectors below `count`, with resets and pauses, from none to long ones."""
    gap = st.lists(st.sampled_from([0, 0, 0, 1, 2, 5, 25]), max_size=12)
    stall = st.lists(st.tuples(st.sampled_from([1, 1, 2, 3, 7, 60]), st.booleans()), max_size=16)
    return st.lists(
        st.builds(
            Trial,
            st.lists(st.integers(0, count - 1), min_size=1, max_size=together).map(tuple),
            st.fixed_dictionaries(dict.fromkeys(sources, gap)),
            st.fixed_dictionaries(dict.fromkeys(sinks, stall.map(_cycles))),
            st.sampled_from([(), (), (1,), (9,), (30, 4), (70,)]),
        ),
        min_size=1,
        max_size=4,
    )


def _cycles(bursts):
    return [paused for cycles, paused in bursts for _ in range(cycles)]


def differences(unit, arch, vectors, trials):
    """Return all that is not as golden, the law (one vector, no pauses) and the twin say. Nothing is expected."""
    harness = unit.harness()
    cases = [
        case(
            harness.stimulus(arch, vectors, trial.which),
            gaps=trial.gaps,
            stalls=trial.stalls,
            resets=trial.resets,
            limit=trial.limit(unit, arch, vectors),
        )
        for trial in trials
    ]
    records = run(harness.component(arch), cases)
    return [
        f"{trial}: {text}"
        for trial, record in zip(trials, records, strict=True)
        for text in _compare(unit, harness, arch, vectors, trial, record)
    ]


def _compare(unit, harness, arch, vectors, trial, record):
    which = trial.which
    if not record.complete or record.broken:
        yield f"complete {record.complete}, broken {record.broken}"
    for group, came in (("expected", harness.observed), ("work", harness.work)):
        for index, got in zip(which, came(arch, vectors, which, record), strict=True):
            for name, array in got.items():
                wanted = vectors.item(group, name, index)
                if not np.array_equal(array, wanted):
                    yield f"vector {index}: {name} is {array}, expected {wanted}"
    if len(which) == 1 and trial.unpaused:
        cycles, law = harness.cycles(arch, vectors, which, record)[0], unit.law(arch, vectors, which[0])
        if cycles != law:
            yield f"vector {which[0]}: cycles {cycles}, law {law}"
    moves = unit.twin(arch, vectors, which, record.valid, record.ready)
    for stream, cycles in moves.transfers.items():
        if cycles != record.cycles_of(stream):
            yield f"{stream}: transfers at {record.cycles_of(stream)}, by the twin {cycles}"
    for stream, cycles in moves.offered.items():
        if cycles != record.offered_of(stream):
            yield f"{stream}: beats offered from {record.offered_of(stream)} on, by the twin {cycles}"
