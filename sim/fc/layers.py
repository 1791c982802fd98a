"""Fully connected layers on the arrays of attention, their weights streamed from DRAM (paper V, SpAtten-e2e).

A tile of weights is fetched while the one before is used, across matrices too; the arrays wait for a matrix to end
before the next one, which needs its outputs. Softmax, normalization, activation functions, bias, residual additions,
embedding and vocabulary take no time here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from math import ceil
from typing import get_args

from tokensieve.arch.errors import ArchError
from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import load_technology
from tokensieve.sim.cost.energy import energy
from tokensieve.sim.fc.chain import Chain, chains
from tokensieve.sim.fc.cut import Matrix, check_memories, cut
from tokensieve.sim.fc.run import run_chain
from tokensieve.sim.fc.stream import steady
from tokensieve.sim.result_fc import Bound, FcResult, WeightBits
from tokensieve.workloads.fc import MATRICES, FcWork
from tokensieve.workloads.models import ModelShape

WEIGHT_BITS: tuple[WeightBits, ...] = get_args(WeightBits)
"""Widths of a weight in DRAM (paper V, SpAtten-e2e); on chip it has `number.onchip_bits`."""


def fc_result(arch: Arch, work: FcWork, weight_bits: int) -> FcResult:
    """Return what the fully connected `work` costs on `arch` with weights of `weight_bits` (8 or 12).

    Raises `ArchError` as `check_fc` does.
    """
    check_fc(arch, work.shape, weight_bits)
    dim = work.shape.head_dim
    todo = chains(arch, work, weight_bits)
    cycles, bus, compute = _spent(arch, todo, dim)
    total = sum(cycles.values())
    moved = _moved(arch, todo, dim)
    actions = _actions(arch, todo, dim, moved, total)
    spent = energy(arch, load_technology(arch.technology), actions, total / (arch.clock.mhz * 1e6))
    reads = steady(arch)
    return FcResult(
        macs=work.macs,
        weight_bytes=sum(times * m.weight_bytes for chain, times in todo.items() for m in chain),
        dram_bytes={**moved, "total": sum(moved.values())},
        cycles={**cycles, "total": total},
        busy_cycles={"dram": round(bus), "arrays": compute},
        bound=_bound(bus, compute, total),
        stream={"bytes_per_cycle": reads.bytes_per_cycle, "efficiency": reads.efficiency, "spread": reads.spread},
        actions=actions,
        energy_j={**spent.joules, "total": spent.total},
        energy_j_interval=spent.interval,
    )


def check_fc(arch: Arch, shape: ModelShape, weight_bits: int) -> None:
    """Raise `ArchError` for a width that weights do not have, or memories too small for the layers of `shape`."""
    if weight_bits not in WEIGHT_BITS:
        allowed = " or ".join(map(str, WEIGHT_BITS))
        raise ArchError(f"fc_bits, the bits of a fully connected layer's weights, must be {allowed}, got {weight_bits}")
    check_memories(arch, max(shape.hidden, shape.ffn, shape.heads * shape.head_dim))


def _bound(bus: float, compute: int, total: int) -> Bound:
    """Return what holds the layers up: the busier of bus and arrays, or `latency` where neither works half the time."""
    if 2 * max(bus, compute) < total:
        return "latency"
    return "dram" if bus > compute else "compute"


def _spent(arch: Arch, todo: Counter[Chain], head_dim: int) -> tuple[dict[str, int], float, int]:
    """Return the cycles by kind of matrix, those of the bus and those of the arrays."""
    cycles, bus, compute = dict.fromkeys(MATRICES, 0), 0.0, 0
    for chain, times in todo.items():
        ran = run_chain(arch, chain, head_dim)
        bus, compute = bus + times * ran.bus, compute + times * ran.compute
        for m, spent in zip(chain, ran.cycles, strict=True):
            cycles[m.kind] += times * spent
    return cycles, bus, compute


def _moved(arch: Arch, todo: Counter[Chain], head_dim: int) -> dict[str, int]:
    """Return the bytes that cross the DRAM interface, each matrix's rounded up to granules."""
    weights = read = written = 0
    for m, times in _matrices(todo):
        c = cut(arch, m, head_dim)
        weights += times * c.blocks * _rounded(arch, m.weight_bytes)
        read += times * _rounded(arch, c.read_bytes)
        written += times * _rounded(arch, m.write_bytes)
    return {"weights": weights, "activations_read": read, "activations_written": written}


def _matrices(todo: Counter[Chain]) -> Iterator[tuple[Matrix, int]]:
    """Yield every matrix and how often it comes."""
    return ((m, times) for chain, times in todo.items() for m in chain)


def _rounded(arch: Arch, size: int) -> int:
    granule = arch.dram.granule_bytes
    return -(-size // granule) * granule


def _actions(
    arch: Arch, todo: Counter[Chain], head_dim: int, moved: Mapping[str, int], cycles: int
) -> dict[str, dict[str, int]]:
    """Return how often each unit did what, under the names that `tokensieve.sim.cost.energy` charges."""
    read = (moved["weights"] + moved["activations_read"]) // arch.dram.granule_bytes
    written = moved["activations_written"] // arch.dram.granule_bytes
    opened = read * steady(arch).activates + written * steady(arch, writes=True).activates
    return {
        "dram": {
            "activate": round(opened),
            "read_granule": read,
            "write_granule": written,
            "refresh": _refreshes(arch, cycles),
        },
        "fetcher": {"request": read + written, "return": read},
        **_on_chip(arch, todo, head_dim),
    }


def _refreshes(arch: Arch, cycles: int) -> int:
    """Return the refreshes that fall due in `cycles`, of all pseudo-channels."""
    dram = arch.dram
    clocks = cycles * 1_000_000 // (arch.clock.mhz * dram.tCK_ps)
    return clocks // dram.nREFI * dram.channels * dram.pseudo_channels if dram.refresh else 0


def _on_chip(arch: Arch, todo: Counter[Chain], head_dim: int) -> dict[str, dict[str, int]]:
    """Return the actions of memories and arrays.

    A line of weights is written once for each block of tokens and read once for each token; with it a token's inputs
    are read, D of them (Q x K) or as many as the line has vectors (Prob x V). Outputs are written in lines.
    """
    written, read, multiplied = [0, 0], [0, 0], [0, 0]
    with_line = (head_dim / arch.qk.multipliers, 1 / head_dim)
    width = (arch.qk.multipliers, arch.pv.multipliers)
    for m, times in _matrices(todo):
        c = cut(arch, m, head_dim)
        for i in range(2):
            uses = m.tokens * c.lines[i]
            written[i] += times * (c.blocks * c.lines[i] + ceil(m.tokens * c.outputs[i] / width[i]))
            read[i] += times * (uses + ceil(uses * with_line[i]))
            multiplied[i] += times * m.tokens * m.inputs * c.outputs[i]
    return {
        "key_sram": {"write_line": written[0], "read_line": read[0]},
        "value_sram": {"write_line": written[1], "read_line": read[1]},
        "qk": {"multiply": multiplied[0]},
        "pv": {"multiply": multiplied[1]},
    }
