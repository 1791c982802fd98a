"""Vectors of the decision of progressive quantization: packets of probabilities in, largest one and verdict out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import torch

from tokensieve.arch.machine import Arch
from tokensieve.arch.status import Status
from tokensieve.golden.attention import threshold_integer
from tokensieve.golden.vectors import ragged
from tokensieve.workloads.distributions import most_scores, packet_names
from tokensieve.workloads.distributions import scores as draw
from tokensieve.workloads.vectors import Vectors

Whole = npt.NDArray[np.int64]

_ILLEGAL = 0.1
"""Share of the random commands that are for no row."""

_THRESHOLDS = tuple(map(Fraction, ("0.1", "0.02", "0.3", "0.15", "0.5")))


@dataclass(frozen=True)
class Block:
    """Rows that one threshold holds for."""

    threshold: int
    rows: Sequence[Whole]
    """None where a command is illegal."""


def make(arch: Arch, count: int, seed: int, scores: str | None = None) -> Vectors:
    """Return `count` blocks of rows: the corners, then random ones. `scores` names the distribution of all rows."""
    blocks = blocks_of(arch, count, seed, scores)
    largest = [[int(torch.from_numpy(row).max()) if len(row) else 0 for row in block.rows] for block in blocks]
    lanes = arch.softmax.lanes
    return Vectors(
        unit="requant-decision",
        arch={group: getattr(arch, group).model_dump(mode="json") for group in ("requant", "softmax")},
        seed=seed,
        inputs={
            "threshold": np.array([block.threshold for block in blocks], dtype=np.int64),
            **ragged("length", [[len(row) for row in block.rows] for block in blocks]),
            **ragged("probability", [np.concatenate([np.zeros(0, np.int64), *block.rows]) for block in blocks]),
        },
        expected={
            "status": np.array([0 if block.rows else Status.NONE_OFFERED for block in blocks], dtype=np.int64),
            **ragged("max", largest),
            **ragged(
                "refetch",
                [[int(one < block.threshold) for one in found] for found, block in zip(largest, blocks, strict=True)],
            ),
        },
        work=ragged("beats", [[max(1, -(-len(row) // lanes)) for row in block.rows] for block in blocks]),
    )


def blocks_of(arch: Arch, count: int, seed: int, scores: str | None) -> list[Block]:
    """Return `count` blocks, corners first unless a distribution is given."""
    rng = np.random.Generator(np.random.PCG64([seed, count]))
    blocks = [] if scores else list(_corners(arch))[:count]
    while len(blocks) < count:
        blocks.append(_random(arch, rng, len(blocks), scores))
    return blocks


def _random(arch: Arch, rng: np.random.Generator, number: int, scores: str | None) -> Block:
    names, bits = packet_names(), arch.softmax.probability_bits
    if rng.random() < _ILLEGAL:
        return Block(int(rng.integers(1 << bits)), [])
    rows = []
    for _ in range(int(rng.integers(1, 5))):
        name = scores or names[int(rng.integers(len(names)))]
        most = min(arch.topk.max_tokens, most_scores(name))
        n = int(rng.integers(1, most, endpoint=True))
        rows.append(draw(name, n, bits, int(rng.integers(1 << 30))).astype(np.int64))
    near = max(0, int(rows[0].max()) + int(rng.integers(-1, 2)))
    usual = threshold_integer(_THRESHOLDS[number % len(_THRESHOLDS)], bits)
    return Block(near if rng.random() < 0.5 else usual, rows)


def _corners(arch: Arch) -> Iterator[Block]:
    """Yield the rows in which the largest one is most likely to be missed or the comparison to be off by one."""
    most, lanes, bits = arch.topk.max_tokens, arch.softmax.lanes, arch.softmax.probability_bits
    top, place = (1 << bits) - 1, np.arange(arch.topk.max_tokens)
    for threshold in (0, 1, top, top + 1):
        yield Block(threshold, [np.full(1, value, np.int64) for value in (0, 1, top - 1, top)])
    middle = top // 2
    rows = [np.where(place == one, middle, 0) for one in (0, lanes - 1, most - 1, most // 2) if one < most]
    for threshold in (middle, middle + 1):
        yield Block(threshold, rows)
    yield Block(1, [np.where(place == lane, 1, 0)[:lanes] for lane in range(min(lanes, most))])  # each lane in turn
    high, low = np.full(most, top), np.zeros(1, np.int64)
    yield Block(top, [high, low, high, low])  # nothing is left of the row before
    yield Block(1, [np.zeros(0, np.int64), np.ones(1, np.int64), np.zeros(0, np.int64)])  # rows without a probability
    yield Block(3, [np.full(n, 2) for n in (lanes, lanes + 1, 2 * lanes, 1) if n <= most])
    yield Block((2 << bits) - 1, [high, low])  # far above all probabilities
    yield Block(top, [])
