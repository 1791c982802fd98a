"""The cases of a co-simulation: every vector alone, a few that are always there, some drawn with pauses or resets."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.verify.pauses import Pauses, draw_pauses, holding
from tokensieve.verify.units.base import Unit
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.case import Case, Stimulus
    from tokensieve.rtl.flow.harness.base import Harness

_MOST_TOGETHER = 4
"""Vectors that a stalled case runs back to back, at most."""

_RESET_SHARE = 4
"""One stalled case out of so many is played with resets as well, and at least one is."""

_MOST_RESETS = 2

_SPREAD, _LATE_SPREAD = 12, 8
"""Resets that come one each in copies of a case, from its beginning to its end: where nothing pauses, and where the
last source does: what a reset has left at work is then at work in the midst of the next packet."""

_SLACK = 4
"""A run is given up after this many times the cycles that law, beats and pauses explain."""

_TOLERANCE = 256
"""Cycles that it is given besides."""


def cases_of(
    unit: Unit, arch: Arch, vectors: Vectors, harness: "Harness", seed: int
) -> "tuple[list[tuple[list[int], Case]], list[tuple[list[int], Case]]]":
    """Return the cases and the vectors of each: every vector alone, without pauses; then those with several or pauses.

    Of the latter, a third as many as there are vectors are drawn from `seed`.
    """
    several = [*_directed(unit, arch, vectors, harness), *_drawn(unit, arch, vectors, harness, seed)]
    return list(_alone(unit, arch, vectors, harness)), several


def with_resets(stalled: "Sequence[Case]", seed: int) -> "list[tuple[int, Case]]":
    """Return one in a few of the stalled cases, by number, with resets at any cycle that they may take, or later.

    Those in which nothing pauses, or the last source alone, come several times over, each with one reset.
    """
    rng = np.random.Generator(np.random.PCG64([seed, len(stalled), 2]))
    chosen = []
    for number, one in enumerate(stalled):
        cycles = max(2, (one.limit - _TOLERANCE) // _SLACK)
        pausing = {name for name, pauses in [*one.gaps.items(), *one.stalls.items()] if any(pauses)}
        if not pausing or pausing == {[name for name, beats in one.beats.items() if beats][-1]}:
            spread = _LATE_SPREAD if pausing else _SPREAD
            chosen += [(number, [1 + (cycles - 1) * (2 * place + 1) // (2 * spread)]) for place in range(spread)]
        elif number % _RESET_SHARE == 0:
            count = int(rng.integers(1, _MOST_RESETS, endpoint=True))
            chosen.append((number, rng.integers(1, max(2, cycles // count), count).tolist()))
    return [(number, replace(stalled[number], resets=resets)) for number, resets in chosen]


def _alone(unit: Unit, arch: Arch, vectors: Vectors, harness: "Harness") -> Iterator[tuple[list[int], "Case"]]:
    """Yield a case for every vector, without pauses."""
    for index in range(len(vectors)):
        stimulus = harness.stimulus(arch, vectors, [index])
        busy = unit.law(arch, vectors, index)["total"]
        yield [index], _case(stimulus, Pauses(gaps={}, stalls={}), busy)


def _directed(unit: Unit, arch: Arch, vectors: Vectors, harness: "Harness") -> Iterator[tuple[list[int], "Case"]]:
    """Yield the cases that are always there: nothing pauses; one source comes late; one sink or all wait for long.

    A late source brings its first beat late, and its second one.
    """
    for which in map(list, unit.together(arch, vectors)):
        stimulus, busy = harness.stimulus(arch, vectors, which), _busy(unit, arch, vectors, which)
        sinks, sources = list(stimulus.expect), [name for name, beats in stimulus.beats.items() if beats]
        burst = unit.longest_burst(arch)
        for late in sources:
            yield which, _case(stimulus, Pauses(gaps={late: [burst, burst]}, stalls={}), busy)
        for held in [[], *([sink] for sink in sinks), *([sinks] if len(sinks) > 1 else [])]:
            yield which, _case(stimulus, holding(held, busy + burst), busy)


def _drawn(
    unit: Unit, arch: Arch, vectors: Vectors, harness: "Harness", seed: int
) -> Iterator[tuple[list[int], "Case"]]:
    """Yield a third as many cases as there are vectors, each of a few vectors back to back, with pauses everywhere."""
    count = len(vectors)
    rng = np.random.Generator(np.random.PCG64([seed, count, 1]))
    order = [int(index) for _ in range(_MOST_TOGETHER) for index in rng.permutation(count)]
    for _ in range(-(-count // 3)):
        which = [order.pop(0) for _ in range(int(rng.integers(1, min(_MOST_TOGETHER, count), endpoint=True)))]
        stimulus, busy = harness.stimulus(arch, vectors, which), _busy(unit, arch, vectors, which)
        pauses = draw_pauses(rng, stimulus.beats, list(stimulus.expect), busy, unit.longest_burst(arch))
        yield which, _case(stimulus, pauses, busy)


def _busy(unit: Unit, arch: Arch, vectors: Vectors, which: Sequence[int]) -> int:
    """Return the cycles that vectors take one after the other, by the law."""
    return sum(unit.law(arch, vectors, index)["total"] for index in which)


def _case(stimulus: "Stimulus", pauses: Pauses, busy: int) -> "Case":
    """Return a case, and when it is given up. Beats that are no part of the law take a cycle each."""
    from tokensieve.rtl.flow.case import case

    longest = max([*map(len, stimulus.beats.values()), *stimulus.expect.values()], default=0)
    limit = _SLACK * (busy + pauses.cycles + longest) + _TOLERANCE
    return case(stimulus, gaps=pauses.gaps, stalls=pauses.stalls, limit=limit)
