"""A3 (Ham et al., HPCA 2020) on the same work: pairs of query and key are skipped, after all of K and V was fetched.

A unit is a pipeline of four stages over queries: the greedy search (a step takes the largest and the smallest product
of all columns), exact scores of the candidates, their exponentials, and the output of those that are used, one vector
a cycle in each of the last three. A query costs the slowest stage. As many units stand side by side as the machine that
is compared with has multipliers for vectors of D, and exponentials.

The search needs the columns of K sorted, with the number of its key beside each value. A3 calls that preprocessing:
it is done once for a key matrix, before the first query, and among A3's published units is a memory for sorted columns
but nothing that sorts. So the sorted copy is made by whoever makes K, is read from DRAM once, with K and V, and waits
on the chip; what sorting and writing it takes is charged to nobody, as it is for K and V. The alternative, a sorter on
the chip, would read no copy and take time, energy and area that nobody published. Where one query is all that a set of
keys is used for (decode), a sorted copy serves nobody else, and the units run their base design: exact scores of all
keys.
"""

from dataclasses import dataclass
from math import log2

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import Technology, load_technology
from tokensieve.sim.comparators.base import (
    I64,
    Cost,
    DenseRows,
    Stages,
    granules,
    io_granules,
    lanes,
    register_cycles,
)
from tokensieve.sim.comparators.parts import Part, areas_mm2, memory
from tokensieve.sim.comparators.pricing import comparator_cost
from tokensieve.sim.cost.cells import Cells, Memory, memory_energy

ROOM_NOTE = "memories for topk.max_tokens keys, two rows; no crossbar; exponentials out of a table"
NOTES = (
    "K, V and a sorted copy of K are read once, at the on-chip width; sorting is done before and not charged",
    ROOM_NOTE,
)
BASE_NOTES = (
    "decode: one query a set of keys, so none is sorted; K and V are read once, and the base design runs on all keys",
    ROOM_NOTE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What the greedy search found, for every query, shape (Q,)."""

    steps: I64
    """Steps of the search (M)."""

    candidates: I64
    used: I64


@dataclass(frozen=True, slots=True)
class Room:
    """What the memories hold."""

    keys: int
    """Keys of a row at most."""

    rows: int = 2
    """Rows side by side: the one that is worked on, and the next one, which is being loaded."""


def a3_cost(arch: Arch, rows: DenseRows, search: Search | None, name: str = "a3") -> Cost:
    """Return what `rows` cost on A3 units, with the search's results, or on the base design where there are none."""
    arch = _with_table(arch)
    units = lanes(arch, rows.head_dim)
    return comparator_cost(
        arch,
        rows,
        _read(arch, rows, search is not None),
        lambda load: _stages(arch, rows, search, units, load),
        _actions(rows, search),
        _parts(arch, rows.head_dim, units, Room(arch.topk.max_tokens)),
        name=name,
        notes=NOTES if search else BASE_NOTES,
    )


def a3_areas_mm2(arch: Arch, head_dim: int, room: Room) -> dict[str, float]:
    """Return the area of each unit of A3 with memories of that `room`; ``greedy`` has the sorted columns."""
    arch = _with_table(arch)
    return areas_mm2(arch, _parts(arch, head_dim, lanes(arch, head_dim), room))


def _with_table(arch: Arch) -> Arch:
    """Return `arch` with the exponentials out of a table."""
    return arch.model_copy(update={"softmax": arch.softmax.model_copy(update={"kind": "lut"})})


def _read(arch: Arch, rows: DenseRows, searched: bool) -> I64:
    """Return the granules that each row reads: K, V and queries, and the sorted copy where it is `searched`."""
    width = rows.head_dim * arch.number.onchip_bits
    copy = granules(arch, rows.keys, rows.head_dim * _entry_bits(arch, arch.topk.max_tokens)) * int(searched)
    return 2 * granules(arch, rows.keys, width) + copy + io_granules(arch, rows)


def _entry_bits(arch: Arch, keys: int) -> int:
    """Return the bits of a value in a sorted column of so many keys, and of the number of its key."""
    return arch.number.onchip_bits + (keys - 1).bit_length()


def _stages(arch: Arch, rows: DenseRows, search: Search | None, units: int, load: I64) -> Stages:
    registers = register_cycles(arch, rows.head_dim)
    if search is None:
        keys = -(-rows.keys // units)
        return Stages(load=load, work=rows.queries * keys, fill=2 * keys + registers)
    each = np.stack([search.steps, search.candidates, search.candidates, search.used])
    last = np.cumsum(rows.queries) - 1
    return Stages(
        load=load,
        work=_shared_out(rows.queries, each.max(axis=0), units),
        fill=(each.sum(axis=0) - each.max(axis=0))[last] + registers,
    )


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
    return {
        "keys": {"write_row": keys, "read_row": scores},
        "values": {"write_row": keys, "read_row": used},
        "qk": {"multiply": scores * dim},
        "softmax": {"dequantize": scores, "exp": scores, "accumulate": used, "divide": used},
        "pv": {"multiply": used * dim},
        "greedy": {"step": int(search.steps.sum()) if search else 0, "fill": keys * dim if search else 0},
    }


def _parts(arch: Arch, dim: int, units: int, room: Room) -> dict[str, Part]:
    """Return the memories and the greedy units."""
    technology, width = load_technology(arch.technology), dim * arch.number.onchip_bits
    held = room.rows * room.keys
    return {
        "keys": memory(held, width, arch.key_sram.banks, technology),
        "values": memory(held, width, arch.value_sram.banks, technology),
        "greedy": _greedy(arch, dim, units, room, technology),
    }


def _greedy(arch: Arch, dim: int, units: int, room: Room, technology: Technology) -> Part:
    """Return the search: sorted columns, two trees of comparators over the products at their heads, and the scores.

    A step of a tree takes one product away: one value is read and multiplied, the comparators on the way from its
    column to the root switch, and the key's score is read, added to and written.
    """
    logic, bits = technology.logic, arch.number.onchip_bits
    product, entry = 2 * bits, _entry_bits(arch, room.keys)
    column_bits = room.rows * room.keys * entry
    node = product * (logic.compare_energy.quantity + logic.register_energy.quantity)
    step = (
        memory_energy(entry, column_bits, technology)
        + logic.multiply_energy.at(bits)
        + log2(dim) * node
        + logic.add_energy.at(product)
        + memory_energy(2 * product, room.keys * product, technology)
    )
    tree = (dim - 1) * product * (logic.compare_area.quantity + logic.register_area.quantity)
    one = 2 * (tree + logic.multiply_area.at(bits) + logic.add_area.at(product))
    columns = Memory(words=room.rows * room.keys, bits=entry, copies=dim)
    scores = Memory(words=room.keys, bits=product, copies=units)
    return Part(
        cells=Cells(units * one, (columns, scores)),
        energy={"step": 2 * step, "fill": memory_energy(entry, column_bits, technology)},
    )
