"""What a long sequential stream gets out of DRAM: the steady state that weights are charged with.

The weights of a model are too many bursts to replay each (302 million for GPT-2-Medium and 32 tokens), and all alike.
So a sequential stream is replayed on the DRAM kernel over whole refresh intervals, and what an interval moves is
measured: no efficiency is put in. The spread between intervals says how well one stands for all.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.arch.memory import Dram
from tokensieve.sim.dram.run import replay
from tokensieve.sim.kernels import dram_state as ds

INTERVALS = 8
"""Refresh intervals that are measured, after one that is not: it begins with all DRAM rows closed."""

FEWEST = 2
MOST_GRANULES = 1_000_000
"""Where an interval moves so many granules that this limit is met, fewer are measured, but at least `FEWEST`."""

QUIET_CLOCKS = 4096
"""Length of an interval where DRAM does not refresh, in DRAM clocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """Steady state of one kind of sequential access (reads or writes)."""

    bytes_per_cycle: float
    """Mean over the intervals, per cycle of the accelerator."""

    spread: float
    """Largest distance of an interval from the mean, as a share of the mean: the bound of the extension's error."""

    efficiency: float
    """Share of the peak bandwidth."""

    first_cycles: int
    """Cycles from a request to an idle stack to the end of its data."""

    activates: float
    """Activates per granule."""

    def cycles(self, moved: float) -> float:
        """Return the cycles that `moved` bytes hold the bus, without the first request's latency."""
        return moved / self.bytes_per_cycle


def steady(arch: Arch, *, writes: bool = False) -> Steady:
    """Return the steady state of sequential reads (or writes) of `arch`: as fast as fetcher and DRAM let them."""
    return _measured(arch.paced_dram, arch.clock.mhz, arch.fetcher.fifo_depth, arch.fetcher.ports, writes)


@lru_cache(maxsize=256)
def _measured(dram: Dram, mhz: int, fifo_depth: int, ports: int, writes: bool) -> Steady:
    clocks = dram.nREFI if dram.refresh else QUIET_CLOCKS
    per_interval = -(-clocks * dram.channels * dram.pseudo_channels // dram.nBL)
    intervals = min(INTERVALS, max(FEWEST, MOST_GRANULES // per_interval))
    count = (intervals + 2) * per_interval
    stats = replay(
        dram,
        np.arange(count, dtype=np.int64) * dram.granule_bytes,
        writes=np.full(count, writes),
        mhz=mhz,
        fifo_depth=fifo_depth,
        log=4 * count,
    )
    assert stats.commands is not None
    columns = stats.commands[np.isin(stats.commands[:, ds.LOG_COMMAND], (ds.C_RD, ds.C_WR)), ds.LOG_CLOCK]
    moved = np.bincount((columns - clocks // 2) // clocks + 1)[2 : 2 + intervals] * dram.granule_bytes
    cycles = clocks * dram.tCK_ps * mhz * 1e-6
    rate = float(moved.mean()) / cycles
    limit = float(ports * dram.granule_bytes)
    one = replay(dram, [0], writes=[writes], mhz=mhz, fifo_depth=fifo_depth)
    return Steady(
        bytes_per_cycle=min(rate, limit),
        spread=float(np.abs(moved / moved.mean() - 1).max()),
        efficiency=min(rate, limit) / (dram.peak_gb_per_s * 1e3 / mhz),
        first_cycles=one.cycles,
        activates=stats.activates / count,
    )
