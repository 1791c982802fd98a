"""Vectors of the zero eliminator: beats with holes in, the marked items out."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from tokensieve.arch.datapath import Topk
from tokensieve.arch.machine import Arch
from tokensieve.golden.vectors import ragged
from tokensieve.workloads.distributions import scores as draw
from tokensieve.workloads.vectors import Vectors

Whole = npt.NDArray[np.int64]

_DENSITIES = (0.5, 0.1, 0.9, 0.02, 0.98)


def make(arch: Arch, count: int, seed: int, scores: str | None = None) -> Vectors:
    """Return `count` packets: the corners, then random ones. `scores` names the distribution of the items' scores."""
    topk = arch.topk
    marks = marks_of(topk, count, seed)
    drawn = [draw(scores or "uniform", len(mark), topk.score_bits, seed + place) for place, mark in enumerate(marks)]
    kept = [kept_items(mark) for mark in marks]
    return Vectors(
        unit="zero-eliminator",
        arch=topk.model_dump(mode="json"),
        seed=seed,
        inputs={**ragged("mask", marks), **ragged("score", drawn)},
        expected={
            **ragged("index", kept),
            **ragged("score", [one[items] for one, items in zip(drawn, kept, strict=True)]),
        },
        work={"items": np.array([len(mark) for mark in marks], dtype=np.int64)},
    )


def kept_items(mark: Whole) -> Whole:
    """Return the places of the marked items, ascending: what must come out, and in this order."""
    places: Whole = torch.nonzero(torch.from_numpy(mark)).flatten().numpy()
    return places


def marks_of(topk: Topk, count: int, seed: int) -> list[Whole]:
    """Return the marks of `count` packets, one per lane, corners first."""
    rng = np.random.Generator(np.random.PCG64([seed, count]))
    marks = list(_corners(topk))[:count]
    while len(marks) < count:
        n = int(rng.integers(1, topk.max_tokens, endpoint=True))
        density = _DENSITIES[len(marks) % len(_DENSITIES)]
        marks.append((rng.random(n) < density).astype(np.int64))
    return marks


def _corners(topk: Topk) -> Iterator[Whole]:
    """Yield the packets at which a compactor is most likely to be wrong."""
    most, lanes = topk.max_tokens, topk.lanes
    place = np.arange(most)
    yield np.ones(most, np.int64)
    yield np.zeros(most, np.int64)
    yield (place == 0).astype(np.int64)
    yield (place == most - 1).astype(np.int64)
    yield np.ones(1, np.int64)
    yield np.zeros(1, np.int64)
    yield np.ones(min(lanes + 1, most), np.int64)  # one more than a beat
    yield (place < lanes).astype(np.int64)  # one beat, then nothing
    yield (place % lanes == 0).astype(np.int64)  # one item a beat
    yield (place % lanes == lanes - 1).astype(np.int64)
    yield (place % lanes != lanes // 2).astype(np.int64)  # all but one
    yield np.ones(max(1, most - 1), np.int64)  # the last beat is not full
