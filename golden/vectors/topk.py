"""Vectors of the top-k engine: packets of scores, what is to be kept of them and what the search goes through."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tokensieve.arch.datapath import Topk
from tokensieve.arch.machine import Arch
from tokensieve.arch.status import Status
from tokensieve.golden.records import SEARCHES, command_seed
from tokensieve.golden.topk import top_k
from tokensieve.golden.vectors import ragged
from tokensieve.workloads.distributions import most_scores, packet_names
from tokensieve.workloads.distributions import scores as draw
from tokensieve.workloads.vectors import Vectors

Scores = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Command:
    """One selection: the scores offered, how many of them to keep, and the running number that seeds the pivots."""

    scores: Scores
    k: int
    number: int


@dataclass(frozen=True)
class Answer:
    """What a command must give."""

    kept: Scores
    threshold: int
    ties: int
    sizes: Sequence[int]
    """Work record of the engine."""

    status: int = 0
    """Code of an illegal command; 0 of others."""


def make(arch: Arch, count: int, seed: int, scores: str | None = None) -> Vectors:
    """Return `count` vectors: the corners, then random packets of all distributions.

    With a distribution in `scores` there are no corners: every packet is drawn from it and has the greatest length, and
    every second one keeps a half, the others a fifth.
    """
    topk = arch.topk
    return vectors_of(topk, commands_of(topk, count, seed, scores), seed)


def vectors_of(topk: Topk, commands: Sequence[Command], seed: int) -> Vectors:
    """Return the vectors of given commands."""
    answers = answer(topk, commands)
    lengths = np.array([len(command.scores) for command in commands], dtype=np.int64)
    ks = np.array([command.k for command in commands], dtype=np.int64)
    seeds = command_seed(torch.tensor([command.number for command in commands])).numpy()
    return Vectors(
        unit="topk",
        arch=topk.model_dump(mode="json"),
        seed=seed,
        inputs={"n": lengths, "k": ks, "seed": seeds, **ragged("scores", [c.scores for c in commands])},
        expected={
            **ragged("kept", [a.kept for a in answers]),
            **ragged("kept_scores", [c.scores[a.kept] for c, a in zip(commands, answers, strict=True)]),
            "threshold": np.array([a.threshold for a in answers], dtype=np.int64),
            "ties": np.array([a.ties for a in answers], dtype=np.int64),
            "status": np.array([a.status for a in answers], dtype=np.int64),
        },
        work=work_of(commands, answers),
    )


def work_of(commands: Sequence[Command], answers: Sequence[Answer]) -> dict[str, Scores]:
    """Return what the law takes of each command: an illegal one keeps none."""
    kept = [0 if told.status else command.k for command, told in zip(commands, answers, strict=True)]
    lengths = np.array([len(command.scores) for command in commands], dtype=np.int64)
    return {"n": lengths, "k": np.array(kept, dtype=np.int64), **ragged("sizes", [told.sizes for told in answers])}


def commands_of(topk: Topk, count: int, seed: int, scores: str | None) -> list[Command]:
    """Return `count` commands, corners first unless a distribution is given."""
    rng = np.random.Generator(np.random.PCG64([seed, count]))
    packets = [] if scores else list(_corners(topk, seed))[:count]
    while len(packets) < count:
        number = len(packets)
        packets.append(_named(topk, seed, number, scores) if scores else _random(topk, rng, seed, number))
    first = int(rng.integers(1 << 20))  # the running numbers go on through a run
    return [Command(packet, k, first + number) for number, (packet, k) in enumerate(packets)]


def _corners(topk: Topk, seed: int) -> Iterator[tuple[Scores, int]]:
    """Yield the packets at which a unit is most likely to be wrong, and what to keep of them."""
    most, top, lanes = topk.max_tokens, (1 << topk.score_bits) - 1, topk.lanes
    odd = most - 1 - (lanes > 1 and (most - 1) % lanes == 0)  # no multiple of lanes, except for a single lane
    whole = _packet(topk, "uniform", most, seed)
    yield whole, 0
    yield whole, 1
    yield whole, most
    yield whole, most - 1
    yield _packet(topk, "uniform", 1, seed), 1
    yield _packet(topk, "uniform", 1, seed), 0
    yield whole[:0], most // 2  # illegal: no scores, or more than there may be
    yield whole[:0], 0
    longest = (1 << most.bit_length()) - 1  # that a command can tell
    if longest > most:
        yield from ((np.resize(whole, most + 1), k) for k in (most // 2, 0, most + 1))
        yield np.resize(whole, longest), longest // 2
    yield _packet(topk, "narrow", odd, seed), odd // 2
    yield _packet(topk, "narrow", odd, seed), most  # more than there are
    yield _packet(topk, "uniform", 2, seed), 1
    yield _packet(topk, "uniform", min(lanes + 1, most), seed), min(lanes, most - 1)
    for value in (top // 3, 0, top):
        yield np.full(most, value, np.int64), most // 2
    yield _packet(topk, "sorted", most, seed), most // 2
    yield _packet(topk, "reversed", most, seed), min(most // 5, lanes // 2)
    yield np.where(np.arange(most) % 2 == 0, top, 0), most // 2 + 1  # every lane's tie matters
    yield np.where(np.arange(most) == most - 1, top, top - 1), 2 if most > 2 else 1
    for high in (np.arange(most) % 3 != 1, np.arange(most) % 5 != 1):  # all of a digit's bin, many beats, is kept
        yield np.where(high, top - whole // 4, whole // 4), int(high.sum())
    yield _packet(topk, "reversed", most, seed), min(2 * lanes, most - 1)  # two beats leave, none of the others does
    yield _packet(topk, "uniform", min(2 * lanes, most), seed), lanes  # its last beat is full, not the last there is
    some = np.arange(most) % 2 == 0  # survivors of several beats, of which none is full
    yield np.where(some, top - whole // 4, whole // 4), most // 4 or 1
    for n in (min(lanes + 1, most), min(2 * lanes, most), most, odd):  # wires, with and without a rest
        yield whole[:n], n


def _random(topk: Topk, rng: np.random.Generator, seed: int, number: int) -> tuple[Scores, int]:
    """Return a packet of the next distribution in turn, with any k, often all.

    Of the lengths a quarter is the greatest, a quarter fills the last beat, and the others are any.
    """
    names = packet_names()
    name = names[number % len(names)]
    most = min(topk.max_tokens, most_scores(name))
    kind, n = rng.random(), int(rng.integers(1, most, endpoint=True))
    if kind < 0.25:
        n = most
    elif kind < 0.5:
        n = min(most, -(-n // topk.lanes) * topk.lanes)
    k = int(rng.choice([n // 2, n // 5, n, int(rng.integers(n, endpoint=True)), int(rng.integers(n, endpoint=True))]))
    return _packet(topk, name, n, seed + number), k


def _named(topk: Topk, seed: int, number: int, scores: str) -> tuple[Scores, int]:
    most = min(topk.max_tokens, most_scores(scores))
    return _packet(topk, scores, most, seed + number), most // 2 if number % 2 == 0 else most // 5


def _packet(topk: Topk, name: str, n: int, seed: int) -> Scores:
    return draw(name, n, topk.score_bits, seed).astype(np.int64)


def answer(topk: Topk, commands: Sequence[Command]) -> list[Answer]:
    """Return what each command must give; commands of the same n and k are answered together."""
    answers: dict[int, Answer] = {}
    groups: dict[tuple[int, int], list[int]] = {}
    for place, command in enumerate(commands):
        groups.setdefault((len(command.scores), command.k), []).append(place)
    for (_, k), places in groups.items():
        packets = torch.from_numpy(np.stack([commands[place].scores for place in places]))
        numbers = torch.tensor([commands[place].number for place in places])
        answers |= zip(places, _answers(topk, packets, k, numbers), strict=True)
    return [answers[place] for place in range(len(commands))]


def _answers(topk: Topk, packets: Tensor, k: int, numbers: Tensor) -> list[Answer]:
    """Return the answers to packets of equal length; an engine without a record reports the k-th largest score."""
    n, nothing = packets.shape[1], ((1 << topk.score_bits) - 1, 0)
    if not 0 < n <= topk.max_tokens:
        status = Status.TOO_MANY if n else Status.NONE_OFFERED
        return [Answer(np.zeros(0, np.int64), *nothing, [], status)] * len(packets)
    selection = top_k(packets, k)
    found = list(zip(selection.threshold.tolist(), selection.ties.tolist(), strict=True))
    sizes: list[list[int]] = [[] for _ in packets]
    if topk.record is not None:
        sizes, found = SEARCHES[topk.record](packets, k, numbers, topk)
    if k == 0 or k >= n:  # nothing is searched: all are kept, or none
        found = [(0, n) if k else nothing] * len(packets)
    return [Answer(kept, *found[place], sizes[place]) for place, kept in enumerate(selection.kept.numpy())]
