"""What all comparators share: the un-pruned work by rows, a sequential DRAM stream, and how rows follow one another."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.machine import Arch
from tokensieve.sim.dram.run import pattern, replay
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.reference import dense

I64 = npt.NDArray[np.int64]

STREAM_GRANULES = 1 << 15
"""Granules of the sequential stream whose rate stands for that of all loads: 1 MiB at 32 B, several refreshes long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an accelerator, or a processor, takes for the work."""

    name: str
    seconds: float
    operations: int
    """Operations of the un-pruned work, two per multiply-accumulate: what was asked for, whatever was done."""

    dram_bytes: int | None
    cycles: int | None = None
    """Cycles of the accelerator's clock; None for a processor."""

    energy_j: float | None = None
    energy_j_interval: tuple[float, float] | None = None
    energy_j_of: Mapping[str, float] | None = None
    """What each unit of a comparator takes of it; ``standing`` is what flows with time."""

    area_mm2: float | None = None
    busy_cycles: Mapping[str, int] | None = None
    """Cycles in which each stage works; the stages overlap."""

    label: str = "modelled"
    notes: tuple[str, ...] = ()
    """What is modelled and how, and what is assumed."""

    @property
    def gops(self) -> float:
        """Throughput, in 10^9 operations of the un-pruned work per second."""
        return self.operations / self.seconds * 1e-9

    @property
    def gops_per_watt(self) -> float | None:
        """Efficiency, in 10^9 operations of the un-pruned work per joule."""
        return self.operations / self.energy_j * 1e-9 if self.energy_j else None

    @property
    def gops_per_mm2(self) -> float | None:
        """Throughput by area, in GOP/s per mm2."""
        return self.gops / self.area_mm2 if self.area_mm2 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseRows:
    """The un-pruned work: R rows, one head of one layer of one step each. Arrays have shape (R,)."""

    head_dim: int
    prefill: bool
    group: I64
    """Running number of the layer and step; ascending."""

    keys: I64
    queries: I64
    charge_io: bool
    """Whether queries and outputs cross DRAM."""

    @property
    def pairs(self) -> int:
        """Pairs of a query and a key."""
        return int((self.keys * self.queries).sum())

    @property
    def operations(self) -> int:
        """Operations, two per multiply-accumulate of Q x K and Prob x V."""
        return 4 * self.head_dim * self.pairs

    @property
    def keys_of_queries(self) -> I64:
        """Keys of each query, row after row."""
        keys: I64 = np.repeat(self.keys, self.queries)
        return keys


def dense_rows(decisions: Decisions) -> DenseRows:
    """Return the un-pruned work that `decisions` are of."""
    d = dense(decisions)
    index = d.row_index.astype(np.int64)
    return DenseRows(
        head_dim=d.head_dim,
        prefill=d.phase == "prefill",
        group=index[:, 0] * d.layers + index[:, 1],
        keys=d.keys_kept.astype(np.int64),
        queries=d.queries.astype(np.int64),
        charge_io=bool(d.meta["charge_io"]),
    )


def lanes(arch: Arch, head_dim: int) -> int:
    """Return the keys that a comparator takes in a cycle: as many as fit the arrays, and as there are exponentials.

    Raises `WorkloadError` where the arrays are narrower than a vector.
    """
    vectors = min(arch.qk.vectors_per_cycle(head_dim), arch.pv.vectors_per_cycle(head_dim))
    if vectors < 1:
        least = min(arch.qk.multipliers, arch.pv.multipliers)
        raise WorkloadError(f"qk.multipliers and pv.multipliers must be at least D = {head_dim}, got {least}")
    return min(vectors, arch.softmax.lanes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A long sequential read on the machine's own DRAM, as the model of its banks and refreshes has it."""

    cycles_per_granule: float
    latency: int
    """Cycles from a single request to its data."""

    activates_per_granule: float
    refreshes_per_cycle: float

    def cycles(self, granules: I64) -> I64:
        """Return the cycles that so many granules take on the bus."""
        cycles: I64 = np.ceil(granules * self.cycles_per_granule).astype(np.int64)
        return cycles

    def actions(self, read: int, written: int, cycles: int) -> dict[str, int]:
        """Return the actions of DRAM for so many granules in a run of `cycles`."""
        return {
            "activate": round((read + written) * self.activates_per_granule),
            "read_granule": read,
            "write_granule": written,
            "refresh": round(cycles * self.refreshes_per_cycle),
        }


def sequential(arch: Arch) -> Stream:
    """Return what a sequential stream gets from the DRAM of `arch`."""
    granule = arch.dram.granule_bytes

    def sent(requests: int) -> tuple[int, int, int]:
        stats = replay(arch.dram, pattern("seq", requests, granule), granule, mhz=arch.clock.mhz)
        return stats.cycles, stats.activates, stats.refreshes

    alone, (cycles, activates, refreshes) = sent(1)[0], sent(STREAM_GRANULES)
    return Stream(
        cycles_per_granule=(cycles - alone) / (STREAM_GRANULES - 1),
        latency=alone,
        activates_per_granule=activates / STREAM_GRANULES,
        refreshes_per_cycle=refreshes / cycles,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """Cycles of each row in the two stages that rows pass one after the other, and behind them, shape (R,)."""

    load: I64
    """On the bus of DRAM."""

    work: I64
    """In the slowest stage of the pipeline of queries."""

    fill: I64
    """From the end of `work` to the last output: what the last query takes in the stages behind."""


def total_cycles(arch: Arch, rows: DenseRows, stages: Stages, latency: int) -> int:
    """Return the cycles from the first request to the last output.

    The memories hold two rows: the one that is worked on, and the next one, which is being loaded. With
    `control.barrier` at `output`, a prefill's layer is loaded once the layer before has ended, and a decode's waits
    with its queries, as on the machine that is compared with.
    """
    waits = arch.control.barrier == "output"
    loaded = worked = out = free = barrier = 0
    before = -1
    per_row = (rows.group, stages.load, stages.work, stages.fill)
    for group, load, work, fill in zip(*(a.tolist() for a in per_row), strict=True):
        if group != before:
            barrier, before = (out if waits else 0), group
        loaded = max(loaded, free, barrier if rows.prefill else 0) + load
        free = worked
        worked = max(loaded + latency, worked, barrier) + work
        out = worked + fill
    return out


def granules(arch: Arch, count: I64, bits: int) -> I64:
    """Return the granules of `count` adjacent vectors of `bits` each."""
    return -(-count * bits // (8 * arch.dram.granule_bytes))


def io_granules(arch: Arch, rows: DenseRows) -> I64:
    """Return the granules of each row's queries; its outputs take as many."""
    bits = rows.head_dim * arch.number.onchip_bits
    return granules(arch, rows.queries * int(rows.charge_io), bits)


def register_cycles(arch: Arch, head_dim: int) -> int:
    """Return the registers from a query to its output: both arrays, exponential and division."""
    qk = arch.qk.law(head_dim, terms=head_dim, read_latency=arch.key_sram.read_latency)
    pv = arch.pv.law(
        head_dim, terms=max(1, arch.pv.vectors_per_cycle(head_dim)), read_latency=arch.value_sram.read_latency
    )
    return qk.latency + arch.softmax.law.exp_latency + arch.softmax.law.divide_latency + pv.latency
