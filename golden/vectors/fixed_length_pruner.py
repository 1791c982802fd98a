"""Vectors of the fixed-length pruner: sequences of tokens with scores, and the tokens that are kept, padded."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.machine import Arch
from tokensieve.golden.topk import top_k
from tokensieve.golden.vectors import ragged
from tokensieve.golden.vectors import score_sources as sources
from tokensieve.workloads.distributions import most_scores, packet_names
from tokensieve.workloads.distributions import scores as draw
from tokensieve.workloads.vectors import Vectors

Numbers = npt.NDArray[np.int64]


def make(arch: Arch, count: int, seed: int, scores: str | None = None) -> Vectors:
    """Return `count` sequences: the corners, then random ones of all distributions.

    With a distribution in `scores` there are no corners: every sequence is drawn from it and has the greatest length.
    """
    pruner = arch.pruner
    rng = np.random.Generator(np.random.PCG64([seed, count]))
    given = [] if scores else list(_corners(pruner, seed))[:count]
    while len(given) < count:
        number = len(given)
        given.append(_named(pruner, scores, seed + number) if scores else _random(pruner, rng, seed + number, number))
    ids = [rng.integers(0, 1 << pruner.id_bits, len(one), np.uint64).astype(np.int64) for one in given]
    came, scores_of, data = _sources(pruner, rng, given)
    kept = [pruned(pruner, one) for one in scores_of]
    padded = [places + [None] * (pruner.keep - len(places)) for places in kept]
    return Vectors(
        unit="fixed-length-pruner",
        arch=pruner.identity,
        seed=seed,
        inputs={**ragged("id", ids), **came},
        expected={
            "id": _columns(padded, ids),
            "score": _columns(padded, scores_of),
            "valid": np.array([[place is not None for place in places] for places in padded], np.int64),
            "too_long": np.array([len(one) > pruner.max_tokens for one in given], np.int64),
            **({"embedding": kept_embeddings(padded, data)} if data else {}),
        },
        work={"tokens": np.array([len(one) for one in given], np.int64)},
    )


def _sources(
    pruner: FixedLengthPruner, rng: np.random.Generator, given: list[Numbers]
) -> tuple[dict[str, Numbers], list[Numbers], list[Numbers]]:
    """Return what the scores come from, made such that they are about those `given`; the scores; the embeddings."""
    if pruner.score_source == "accumulated":
        rows = [sources.rows(pruner, rng, one, number) for number, one in enumerate(given)]
        summed = [sources.accumulated(pruner, own) for own in rows]
        lengths = np.array([[len(row) for row in own] for own in rows], np.int64)
        came = {**ragged("probability", [np.concatenate(own) for own in rows]), "row_tokens": lengths}
    else:
        summed, came = given, {} if pruner.scores_embeddings else ragged("score", given)
    if not pruner.embedding_beats:
        return came, summed, []
    if pruner.scores_embeddings:
        data = [sources.embeddings(pruner, rng, one, number) for number, one in enumerate(given)]
        return ragged("embedding", data), [sources.norms(pruner, one) for one in data], data
    data = [
        rng.integers(0, 256, (len(one), sources.embedding_size(pruner)), np.uint8).astype(np.int64) for one in given
    ]
    return {**came, **ragged("embedding", data)}, summed, data


def pruned(pruner: FixedLengthPruner, scores: Numbers) -> list[int | None]:
    """Return the places of the tokens that stay, in ascending order: those of the `keep` largest scores, ties to the
    first. None stays of a sequence that is too long.

    `scores` holds the unsigned scores of one sequence, shape ``(tokens,)``.
    """
    if len(scores) > pruner.max_tokens:
        return []
    if len(scores) <= pruner.keep:
        return list(range(len(scores)))
    selection = top_k(torch.from_numpy(scores)[None], pruner.keep)
    return list(selection.kept[0].tolist())


def _columns(padded: list[list[int | None]], values: list[Numbers]) -> Numbers:
    """Return the values of the tokens that are kept, zeros behind them, shape ``(sequences, keep)``."""
    pairs = zip(padded, values, strict=True)
    return np.array([[0 if place is None else int(own[place]) for place in places] for places, own in pairs], np.int64)


def kept_embeddings(padded: list[list[int | None]], data: list[Numbers]) -> Numbers:
    """Return the embeddings of the tokens that are kept, zeros behind them, shape ``(sequences, keep x bytes)``.

    `data` holds those of all tokens of each sequence, shape ``(tokens, bytes)``, the lowest byte of a beat first.
    """
    nothing = np.zeros(data[0].shape[1], np.int64)
    return np.array(
        [
            np.concatenate([nothing if place is None else own[place] for place in places])
            for places, own in zip(padded, data, strict=True)
        ]
    )


def _corners(pruner: FixedLengthPruner, seed: int) -> Iterator[Numbers]:
    """Yield the sequences at which the pruner is most likely to be wrong."""
    most, keep, lanes, top = pruner.max_tokens, pruner.keep, pruner.lanes, (1 << pruner.score_bits) - 1
    whole = _packet(pruner, "uniform", most, seed)
    yield whole
    yield whole[:0]
    yield whole[:1]
    for n in (keep, keep + 1, keep - 1, keep - keep % lanes, lanes, lanes + 1, most - 1):
        yield whole[: min(max(n, 0), most)]
    yield np.zeros(keep, np.int64)
    for value in (0, top // 3, top):
        yield np.full(most, value, np.int64)
    yield np.where(np.arange(most) < keep, top, whole // 2)  # the first ones are kept
    yield np.where(np.arange(most) >= most - keep, top, whole // 2)  # the last ones are
    yield _packet(pruner, "sorted", most, seed)
    yield _packet(pruner, "reversed", most, seed)
    yield np.where(np.arange(most) % 2 == 0, top, 0)
    for n in (most + 1, pruner.load_beats * lanes + 1, (pruner.load_beats + 2) * lanes):  # too long
        yield np.resize(whole, n)


def _random(pruner: FixedLengthPruner, rng: np.random.Generator, seed: int, number: int) -> Numbers:
    """Return a sequence of the next distribution in turn; a half of them has the greatest length, others have any."""
    names = packet_names()
    name = names[number % len(names)]
    most = min(pruner.max_tokens, most_scores(name))
    n = most if rng.random() < 0.5 else int(rng.integers(1, most, endpoint=True))
    return _packet(pruner, name, n, seed)


def _named(pruner: FixedLengthPruner, scores: str, seed: int) -> Numbers:
    return _packet(pruner, scores, min(pruner.max_tokens, most_scores(scores)), seed)


def _packet(pruner: FixedLengthPruner, name: str, n: int, seed: int) -> Numbers:
    return draw(name, n, pruner.score_bits, seed).astype(np.int64)
