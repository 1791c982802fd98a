"""Pauses on both sides of every stream: how often and how long, drawn from a seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Gaps = dict[str, list[int]]
Stalls = dict[str, list[bool]]

DENSITIES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Shares of the cycles in which a stream pauses."""

_USUAL_BURST = 0.75
"""Mean length of a burst, of the longest that a buffer may bridge: they are drawn from 1 to 1.5 times that."""


@dataclass(frozen=True, kw_only=True)
class Pauses:
    """Pauses of one case."""

    gaps: Gaps
    """Per source: cycles without an offer before each beat."""

    stalls: Stalls
    """Per sink: whether it would not take a beat, per cycle."""

    @property
    def cycles(self) -> int:
        """Cycles by which a run may grow."""
        return sum(map(sum, self.gaps.values())) + sum(map(len, self.stalls.values()))


def holding(sinks: Sequence[str], cycles: int) -> Pauses:
    """Return pauses in which `sinks` are not ready for so many `cycles`, from the first on, and nothing else waits."""
    return Pauses(gaps={}, stalls={name: [True] * cycles for name in sinks})


def draw_pauses(
    rng: np.random.Generator, beats: Mapping[str, Sequence[int]], sinks: Sequence[str], busy: int, burst: int
) -> Pauses:
    """Return pauses for sources with these `beats` and for `sinks`.

    Each stream has its own density, and pauses singly or in bursts of up to `burst` cycles and more, which no buffer
    can bridge. `busy` is the number of cycles the case takes without pauses.
    """
    gaps = {name: _gaps(rng, len(offered), burst) for name, offered in beats.items()}
    length = busy + sum(map(sum, gaps.values()))
    return Pauses(gaps=gaps, stalls={name: _stalls(rng, length, burst) for name in sinks})


def _gaps(rng: np.random.Generator, beats: int, burst: int) -> list[int]:
    density, kind = float(rng.choice(DENSITIES)), rng.integers(3)
    if kind == 0:  # nothing: the sink alone holds the unit up
        return [0] * beats
    if kind == 1:
        return _listed(np.minimum(rng.geometric(1 - density, beats) - 1, burst))
    long = rng.random(beats) < density / (1 - density) / (_USUAL_BURST * burst)
    return _listed(long * rng.integers(1, burst + burst // 2, beats, endpoint=True))


def _stalls(rng: np.random.Generator, length: int, burst: int) -> list[bool]:
    density, kind = float(rng.choice(DENSITIES)), rng.integers(4)
    if kind == 0:
        return []
    if kind == 1:
        return [bool(stalled) for stalled in rng.random(int(length / (1 - density))) < density]
    bits: list[bool] = [True] * (burst + burst // 2) if kind == 2 else []  # fills the unit to the brim at once
    while len(bits) < length:
        stalled = int(rng.integers(1, burst + burst // 2, endpoint=True))
        free = max(1, round(stalled * (1 - density) / density))
        bits += [True] * stalled + [False] * int(rng.integers(1, 2 * free, endpoint=True))
    return bits


def _listed(cycles: npt.NDArray[np.int64]) -> list[int]:
    return [int(number) for number in cycles]
