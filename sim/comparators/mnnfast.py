"""MNNFast (Jang et al., ISCA 2019) on the same work: K streams through in chunks, values of small weight are skipped.

Each chunk of keys is loaded once and passes all queries: scores, exponentials and weighted sums are one pipeline, as
nothing waits for the sum over a query's scores (the division comes last). What a query has summed up so far is read and
written once a chunk. A value that is skipped saves its multiplications and its way through the memory, and in decode,
where it would serve one query only, its fetch. K is always fetched. As Q x K and Prob x V have multipliers of their
own, the cycles are those of Q x K whatever is skipped.
"""

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import load_technology
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
from tokensieve.sim.comparators.parts import Part, memory
from tokensieve.sim.comparators.pricing import comparator_cost

CHUNK = 128
"""Keys of a chunk (assumed)."""

NOTES = (
    "all of K is fetched, at the on-chip width, of V in decode what is used; chunks of 128 keys (assumed)",
    "memories for two chunks of K and V and topk.max_tokens partial outputs; no crossbar",
)


def mnnfast_cost(arch: Arch, rows: DenseRows, used: I64, name: str = "mnnfast") -> Cost:
    """Return what `rows` cost on MNNFast's dataflow; `used` are the values that each query uses, shape (Q,)."""
    width = rows.head_dim * arch.number.onchip_bits
    values = rows.keys if rows.prefill else np.add.reduceat(used, np.cumsum(rows.queries) - rows.queries)
    return comparator_cost(
        arch,
        rows,
        granules(arch, rows.keys, width) + granules(arch, values, width) + io_granules(arch, rows),
        lambda load: _stages(arch, rows, load),
        _actions(rows, values, int(used.sum())),
        _parts(arch, rows.head_dim),
        name=name,
        notes=NOTES,
    )


def _stages(arch: Arch, rows: DenseRows, load: I64) -> Stages:
    keys = -(-rows.keys // lanes(arch, rows.head_dim))
    registers = register_cycles(arch, rows.head_dim)
    return Stages(load=load, work=rows.queries * keys, fill=np.full_like(keys, registers))


def _actions(rows: DenseRows, values: I64, used: int) -> dict[str, dict[str, int]]:
    pairs, dim = rows.pairs, rows.head_dim
    passes = int((rows.queries * -(-rows.keys // CHUNK)).sum())
    return {
        "keys": {"write_row": int(rows.keys.sum()), "read_row": pairs},
        "values": {"write_row": int(values.sum()), "read_row": used},
        "partial": {"write_row": passes, "read_row": passes},
        "qk": {"multiply": pairs * dim},
        "softmax": {"dequantize": pairs, "exp": pairs, "accumulate": pairs, "divide": int(rows.queries.sum()) * dim},
        "pv": {"multiply": used * dim},
    }


def _parts(arch: Arch, dim: int) -> dict[str, Part]:
    technology, width = load_technology(arch.technology), dim * arch.number.onchip_bits
    return {
        "keys": memory(2 * CHUNK, width, 1, technology),
        "values": memory(2 * CHUNK, width, 1, technology),
        "partial": memory(arch.topk.max_tokens, 2 * width, 1, technology),
    }
