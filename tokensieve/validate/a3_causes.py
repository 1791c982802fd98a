"""Why A3 is larger and takes more power here than in Table III, in figures of the model itself."""

from collections.abc import Sequence
from math import fsum
from statistics import fmean

from tokensieve.arch.machine import Arch
from tokensieve.sim.comparators.a3 import Room, a3_areas_mm2
from tokensieve.sim.comparators.base import Cost

HEAD_DIM = 64
"""D of the published chip, and of the named workloads."""

PUBLISHED_ROOM = Room(keys=320, rows=1)
PUBLISHED_MM2 = 2.08
"""Area of the published chip (paper Table III), in 40 nm."""

PUBLISHED_WATTS = 221 / 269
"""Throughput by efficiency of the paper's row."""


def area_cause(arch: Arch) -> str:
    """Return which parts of A3 take the area on `arch`, and what it would be with the published chip's memories."""
    keys, published = arch.topk.max_tokens, PUBLISHED_ROOM.keys
    ours, theirs = (a3_areas_mm2(arch, HEAD_DIM, room) for room in (Room(keys), PUBLISHED_ROOM))
    return (
        f"memories: of {fsum(ours.values()):.2f} mm2 the search with its sorted columns takes {ours['greedy']:.2f}, "
        f"K {ours['keys']:.2f} and V {ours['values']:.2f}, for {keys:,} keys twice; for {published} keys once, as the "
        f"published chip of {PUBLISHED_MM2} mm2 has them, the model has {fsum(theirs.values()):.2f} mm2"
    )


def power_cause(costs: Sequence[Cost]) -> str:
    """Return the mean power of A3 on the workloads of `costs`, and the mean shares of what takes most of it."""
    watts = fmean([(one.energy_j or 0.0) / one.seconds for one in costs])
    dram, standing, keys = (100 * _share(costs, unit) for unit in ("dram", "standing", "keys"))
    return (
        f"power: {watts:.2f} W, where the paper's row implies {PUBLISHED_WATTS:.2f} W; {dram:.0f} % of the energy is "
        f"DRAM's accesses (K, V and the sorted copy, for the few queries of a short text), {standing:.0f} % what flows "
        f"with time (DRAM and leakage), {keys:.0f} % K's memory"
    )


def _share(costs: Sequence[Cost], unit: str) -> float:
    return fmean([(one.energy_j_of or {})[unit] / (one.energy_j or 0.0) for one in costs])
