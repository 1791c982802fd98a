"""A3 (Ham et al., HPCA 2020) on the same work: pairs of query and key are skipped, after all of K and V was fetched.

A unit is a pipeline of four stages over queries: the greedy search (a step takes the largest and the smallest product
of all columns), exact scores of the candidates, their exponentials, and the output of those that are used, one key row
a cycle in each of the last three. A query costs the slowest stage. As many units stand side by side as the machine that
is compared with has multipliers for rows of D, and exponentials.

The columns of K have to be sorted for every head, which a merge unit a column does in ceil(log2 n) passes. The sorted
copy, with a row number beside each value, is written to DRAM and read with K. Where one query is all that a set of keys
is used for (decode), sorting cannot pay, and the units run their base design: exact scores of all keys.
"""

from dataclasses import dataclass
from math import log2

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import Quantity, Technology, load_technology
from tokensieve.sim.cells import Cells, Memory, memory_energy
from tokensieve.sim.comparators.base import (
    I64,
    Cost,
    DenseRows,
    Stages,
    granules,
    io_granules,
    lanes,
    register_cycles,
    sequential,
    total_cycles,
)
from tokensieve.sim.comparators.parts import Part, bill, memory

NOTES = (
    "all of K, V and a sorted copy of K is fetched, at the on-chip width; a merge unit a column sorts (assumed)",
    "memories for topk.max_tokens keys, two rows; no crossbar; exponentials out of a table",
)
BASE_NOTE = "decode: one query a set of keys, so nothing is sorted and the base design runs on all keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What the greedy search found, for every query, shape (Q,)."""

    steps: I64
    """Steps of the search (M)."""

    candidates: I64
    used: I64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Traffic:
    """Granules of each row, shape (R,)."""

    read: I64
    written: I64


def a3_cost(arch: Arch, rows: DenseRows, search: Search | None, name: str = "a3") -> Cost:
    """Return what `rows` cost on A3 units, with the search's results, or on the base design where there are none."""
    arch = arch.model_copy(update={"softmax": arch.softmax.model_copy(update={"kind": "lut"})})
    units = lanes(arch, rows.head_dim)
    stream = sequential(arch)
    traffic = _traffic(arch, rows, search is not None)
    stages = _stages(arch, rows, search, units, stream.cycles(traffic.read + traffic.written))
    cycles = total_cycles(arch, rows, stages, stream.latency)
    read, written = int(traffic.read.sum()), int(traffic.written.sum())
    actions = _actions(rows, search) | {"dram": stream.actions(read, written, cycles)}
    seconds = cycles / (arch.clock.mhz * 1e6)
    priced = bill(arch, _parts(arch, rows.head_dim, units), actions, seconds)
    return Cost(
        name=name,
        seconds=seconds,
        operations=rows.operations,
        dram_bytes=(read + written) * arch.dram.granule_bytes,
        cycles=cycles,
        energy_j=priced.energy_j,
        energy_j_interval=priced.energy_j_interval,
        area_mm2=priced.area_mm2,
        busy_cycles={
            "dram": int(stages.load.sum()),
            "sort": int(stages.prepare.sum()),
            "queries": int(stages.work.sum()),
        },
        notes=NOTES if search else (*NOTES, BASE_NOTE),
    )


def _traffic(arch: Arch, rows: DenseRows, sorts: bool) -> _Traffic:
    width, io = rows.head_dim * arch.number.onchip_bits, io_granules(arch, rows)
    copy = granules(arch, rows.keys, rows.head_dim * entry_bits(arch)) * int(sorts)
    return _Traffic(read=2 * granules(arch, rows.keys, width) + copy + io, written=copy + io)


def entry_bits(arch: Arch) -> int:
    """Return the bits of a value in a sorted column and the number of its row."""
    return arch.number.onchip_bits + _row_number_bits(arch)


def _row_number_bits(arch: Arch) -> int:
    return (arch.topk.max_tokens - 1).bit_length()


def _stages(arch: Arch, rows: DenseRows, search: Search | None, units: int, load: I64) -> Stages:
    registers = register_cycles(arch, rows.head_dim)
    if search is None:
        keys = -(-rows.keys // units)
        return Stages(load=load, prepare=0 * keys, work=rows.queries * keys, fill=2 * keys + registers)
    each = np.stack([search.steps, search.candidates, search.candidates, search.used])
    last = np.cumsum(rows.queries) - 1
    return Stages(
        load=load,
        prepare=rows.keys * merge_passes(rows.keys),
        work=_shared_out(rows.queries, each.max(axis=0), units),
        fill=(each.sum(axis=0) - each.max(axis=0))[last] + registers,
    )


def merge_passes(keys: I64) -> I64:
    """Return the passes that a merge sort of so many values takes."""
    return np.ceil(np.log2(np.maximum(keys, 1))).astype(np.int64)


def _shared_out(queries: I64, cost: I64, units: int) -> I64:
    """Return the cycles of the busiest unit for each row, its queries dealt out to the units in turn."""
    row = np.repeat(np.arange(len(queries)), queries)
    place = np.arange(len(cost)) - np.repeat(np.cumsum(queries) - queries, queries)
    dealt = np.bincount(row * units + place % units, cost, len(queries) * units).astype(np.int64)
    busiest: I64 = dealt.reshape(-1, units).max(axis=1)
    return busiest


def _actions(rows: DenseRows, search: Search | None) -> dict[str, dict[str, int]]:
    dim, keys = rows.head_dim, int(rows.keys.sum())
    scores, used = (int(search.candidates.sum()), int(search.used.sum())) if search else (rows.pairs, rows.pairs)
    merged = int((rows.keys * merge_passes(rows.keys)).sum()) * dim if search else 0
    return {
        "keys": {"write_row": keys, "read_row": scores},
        "values": {"write_row": keys, "read_row": used},
        "qk": {"multiply": scores * dim},
        "softmax": {"dequantize": scores, "exp": scores, "accumulate": used, "divide": used},
        "pv": {"multiply": used * dim},
        "greedy": {"step": int(search.steps.sum()) if search else 0, "fill": keys * dim if search else 0},
        "sort": {"merge": merged},
    }


def _parts(arch: Arch, dim: int, units: int) -> dict[str, Part]:
    """Return the memories, the greedy units and the sorter."""
    technology, width = load_technology(arch.technology), dim * arch.number.onchip_bits
    held = 2 * arch.topk.max_tokens
    return {
        "keys": memory(held, width, arch.key_sram.banks, technology),
        "values": memory(held, width, arch.value_sram.banks, technology),
        "greedy": _greedy(arch, dim, units, technology),
        "sort": _sorter(arch, dim, technology),
    }


def _greedy(arch: Arch, dim: int, units: int, technology: Technology) -> Part:
    """Return the search: sorted columns, two trees of comparators over the products at their heads, and the scores.

    A step of a tree takes one product away: one value is read and multiplied, the comparators on the way from its
    column to the root switch, and the key's score is read, added to and written.
    """
    logic, bits = technology.logic, arch.number.onchip_bits
    product, entry = 2 * bits, entry_bits(arch)
    column_bits = 2 * arch.topk.max_tokens * entry
    node = product * (logic.compare_energy.quantity + logic.register_energy.quantity)
    step = (
        memory_energy(entry, column_bits, technology)
        + logic.multiply_energy.at(bits)
        + log2(dim) * node
        + logic.add_energy.at(product)
        + memory_energy(2 * product, arch.topk.max_tokens * product, technology)
    )
    tree = (dim - 1) * product * (logic.compare_area.quantity + logic.register_area.quantity)
    one = 2 * (tree + logic.multiply_area.at(bits) + logic.add_area.at(product))
    columns = Memory(words=2 * arch.topk.max_tokens, bits=entry, copies=dim)
    scores = Memory(words=arch.topk.max_tokens, bits=product, copies=units)
    return Part(
        cells=Cells(units * one, (columns, scores)),
        energy={"step": 2 * step, "fill": memory_energy(entry, column_bits, technology)},
    )


def _sorter(arch: Arch, dim: int, technology: Technology) -> Part:
    """Return a merge unit a column: two runs are read, the smaller value is written; half a column waits in either."""
    logic, bits, entry = technology.logic, arch.number.onchip_bits, entry_bits(arch)
    column = 2 * arch.topk.max_tokens * entry
    compare: Quantity = bits * logic.compare_energy.quantity + entry * logic.register_energy.quantity
    runs = Memory(words=2 * arch.topk.max_tokens, bits=entry, copies=dim)
    cells = Cells(dim * (bits * logic.compare_area.quantity + entry * logic.register_area.quantity), (runs,))
    return Part(cells=cells, energy={"merge": compare + memory_energy(2 * entry, column, technology)})
