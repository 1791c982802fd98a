"""Vectors of the token gather: kept tokens and a memory in, the tokens' vectors out."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tokensieve.arch.machine import Arch
from tokensieve.arch.status import Status
from tokensieve.golden.token_gather import gathered_vectors, touched_granules
from tokensieve.golden.topk import top_k
from tokensieve.golden.vectors import ragged
from tokensieve.workloads.distributions import most_scores, packet_names
from tokensieve.workloads.distributions import scores as draw
from tokensieve.workloads.vectors import Vectors

Whole = npt.NDArray[np.int64]

_VECTOR_BYTES = (32, 48, 64, 96)
"""Vectors of 64 elements of 4, 6, 8 and 12 bit."""

_LATENCIES = (1, 7, 30, 61, 120)
"""Cycles of the memory. With 64 granules on their way at most, the last two slow the gather down."""


@dataclass(frozen=True)
class Packet:
    """Tokens whose vectors are wanted, and where these are."""

    tokens: Whole
    base: int
    row_bytes: int
    memory_latency: int

    def legal(self, arch: Arch) -> bool:
        """Return whether the vectors have bytes, and not too many."""
        return 0 < self.row_bytes <= arch.gather.max_row_bytes

    def fetched(self, arch: Arch) -> Whole:
        """Return the tokens whose vectors are fetched: those of an illegal command are dropped."""
        return self.tokens if self.legal(arch) else self.tokens[:0]


def make(arch: Arch, count: int, seed: int, scores: str | None = None) -> Vectors:
    """Return `count` packets: the corners, then what a top-k keeps of random scores.

    With a distribution in `scores` there are no corners, and the top-k's scores are drawn from it.
    """
    packets = packets_of(arch, count, seed, scores)
    read = [_granules(arch, packet) for packet in packets]
    origins = [int(granules[0]) if len(granules) else 0 for granules in (torch.sort(one).values for one in read)]
    images = [_image(arch, *pair, seed + place) for place, pair in enumerate(zip(read, origins, strict=True))]
    size = arch.dram.granule_bytes
    vectors = [
        gathered_vectors(image, packet.base - origin * size, packet.row_bytes, torch.from_numpy(packet.fetched(arch)))
        for packet, image, origin in zip(packets, images, origins, strict=True)
    ]
    lengths = [[packet.row_bytes] * len(packet.fetched(arch)) or [0] for packet in packets]
    beats = [max(1, -(-len(packet.tokens) // arch.topk.lanes)) for packet in packets]
    legal = [packet.legal(arch) for packet in packets]
    granules = [image.reshape(-1, size)[one - origin] for image, one, origin in zip(images, read, origins, strict=True)]
    latency = np.array([packet.memory_latency for packet in packets], dtype=np.int64)
    return Vectors(
        unit="token-gather",
        arch={group: getattr(arch, group).model_dump(mode="json") for group in ("dram", "gather", "topk")},
        seed=seed,
        inputs={
            "base": np.array([packet.base for packet in packets], dtype=np.int64),
            "row_bytes": np.array([packet.row_bytes for packet in packets], dtype=np.int64),
            **ragged("tokens", [packet.tokens for packet in packets]),
            **ragged("data", [one.numpy() for one in granules]),
            "memory_latency": latency,
        },
        expected={
            **ragged("address", [(one * size).numpy() for one in read]),
            **ragged("channel", [_channels(arch, one).numpy() for one in read]),
            **ragged("row", [one.numpy() for one in vectors]),
            **ragged("length", lengths),
            "status": np.array([0 if fits else Status.ROW_BYTES for fits in legal], dtype=np.int64),
        },
        work={
            "rows": np.array([len(packet.fetched(arch)) for packet in packets], dtype=np.int64),
            "dropped": np.array([0 if fits else n - 1 for fits, n in zip(legal, beats, strict=True)], dtype=np.int64),
            "granules": np.array([len(one) for one in read], dtype=np.int64),
            "memory_latency": latency,
        },
    )


def _granules(arch: Arch, packet: Packet) -> Tensor:
    tokens = torch.from_numpy(packet.fetched(arch))
    if not len(tokens):
        return tokens
    return touched_granules(packet.base, packet.row_bytes, tokens, arch.dram.granule_bytes)


def _channels(arch: Arch, granules: Tensor) -> Tensor:
    return torch.div(granules, 1 << arch.dram.channel_shift, rounding_mode="floor") % arch.dram.channels


def _image(arch: Arch, granules: Tensor, origin: int, seed: int) -> Tensor:
    """Return random bytes of memory, from granule `origin` to the last one that is read."""
    count = int(granules.max()) - origin + 1 if len(granules) else 0
    rng = np.random.Generator(np.random.PCG64([seed, count]))
    return torch.from_numpy(rng.integers(0, 256, count * arch.dram.granule_bytes))


def packets_of(arch: Arch, count: int, seed: int, scores: str | None) -> list[Packet]:
    """Return `count` packets, corners first unless a distribution is given."""
    rng = np.random.Generator(np.random.PCG64([seed, count]))
    packets = [] if scores else list(_corners(arch))[:count]
    while len(packets) < count:
        packets.append(_random(arch, rng, seed, len(packets), scores))
    return packets


def _corners(arch: Arch) -> Iterator[Packet]:
    """Yield the packets at which addresses, places or bytes are most likely to be wrong."""
    most, lanes, granule = arch.topk.max_tokens, arch.topk.lanes, arch.dram.granule_bytes
    longest, room = arch.gather.max_row_bytes, arch.gather.outstanding
    whole = min(granule, longest)
    tokens, none = np.arange(most), np.zeros(0, np.int64)
    top = (1 << arch.gather.address_bits) - most * longest  # token most - 1 ends with the last byte of all
    half = longest // 2 or 1
    yield Packet(none, 0, half, 9)
    yield Packet(tokens[:1], 0, whole, 1)
    yield Packet(tokens[-1:], top, longest, 1)
    yield Packet(tokens[: lanes + 1], granule - 1, 1, 2)  # single bytes, the first one the last of its granule
    yield Packet(tokens[: 2 * lanes], granule // 2, half, 5)  # vectors that straddle granules
    yield Packet(tokens[: lanes + 1], granule - 1, longest, room)  # as many granules a vector as there can be
    yield Packet(tokens, 0, whole, max(room - 4, 1))  # a vector a cycle, all places in use, nothing waits
    yield Packet(tokens, 0, whole, max(room - 3, 1))  # one cycle too slow
    yield Packet(tokens[: lanes - 1 or 1], 3 * granule, longest, 4 * room)
    yield Packet(tokens[most // 2 :: -1].copy(), 5, half, 3)  # descending
    yield Packet(np.repeat(tokens[most // 3], 5), 7, longest, 3)  # the same vector again and again
    middle = 1 << arch.gather.address_bits - 1
    yield Packet(tokens[: 2 * lanes], middle - longest, longest, 3)  # a carry through every bit of the base
    yield Packet(tokens[: 2 * lanes], 3, 0, 3)  # illegal: no bytes, or too many
    for size in {longest + 1, (1 << longest.bit_length()) - 1}:
        if size.bit_length() == longest.bit_length():
            yield Packet(tokens[: 2 * lanes], 3, size, 3)


def _random(arch: Arch, rng: np.random.Generator, seed: int, number: int, scores: str | None) -> Packet:
    names = packet_names()
    name = scores or names[number % len(names)]
    n = int(rng.integers(1, min(arch.topk.max_tokens, most_scores(name)), endpoint=True))
    drawn = draw(name, n, arch.topk.score_bits, seed + number).astype(np.int64)
    k = int(rng.choice([n // 5, n // 2, int(rng.integers(n, endpoint=True))]))
    longest = arch.gather.max_row_bytes
    row_bytes = int(rng.choice([size for size in _VECTOR_BYTES if size <= longest] or [longest]))
    if rng.random() < 0.2:
        row_bytes = int(rng.integers(1, longest, endpoint=True))
    last = (1 << arch.gather.address_bits) - arch.topk.max_tokens * longest
    base = int(rng.integers(last, endpoint=True)) // arch.dram.granule_bytes * arch.dram.granule_bytes
    if rng.random() < 0.3:
        base = int(rng.integers(last, endpoint=True))
    kept = top_k(torch.from_numpy(drawn)[None], k).kept[0].numpy()
    return Packet(kept, base, row_bytes, int(rng.choice(_LATENCIES)))
