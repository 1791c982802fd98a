"""Timing of a chain of fully connected matrices: tiles of weights fetched while others are used."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import ceil

from tokensieve.arch.machine import Arch
from tokensieve.sim.fc.chain import Chain
from tokensieve.sim.fc.cut import Matrix, array_latency, cut
from tokensieve.sim.fc.stream import steady


@dataclass(frozen=True, slots=True)
class _Tile:
    """A tile of weights for each array: cycles on the bus, lines, and the tokens that pass each."""

    bus: float
    lines: int
    tokens: int


@dataclass(frozen=True, slots=True)
class ChainRun:
    """What a chain took: cycles of each matrix, and of the bus and the arrays."""

    cycles: tuple[int, ...]
    bus: float
    compute: int


@lru_cache(maxsize=4096)
def run_chain(arch: Arch, chain: Chain, head_dim: int) -> ChainRun:
    """Return what `chain` takes, DRAM idle and the memories empty at its begin.

    A tile's fetch begins when the bus is free and the tile two before it has been used. Line j of a tile is used no
    earlier than j cycles after the first, and must be there by then.
    """
    data = steady(arch).first_cycles + arch.fetcher.request_stages + arch.fetcher.return_stages
    latency = array_latency(arch, head_dim)
    bus = moving = 0.0
    done = [0.0, 0.0]  # when the tiles last but one and last had been used
    ready, marks, compute = 0.0, [0], 0
    for m in chain:
        for tile in _tiles(arch, m, head_dim):
            begin = max(bus, done[0])
            bus, moving = begin + tile.bus, moving + tile.bus
            there = max(begin + tile.bus / tile.lines, bus - (tile.lines - 1)) + data
            used = max(done[1], ready, there) + tile.lines * tile.tokens
            done = [done[1], used]
            compute += tile.lines * tile.tokens
        ready = done[1] + latency
        marks.append(ceil(max(ready, bus) if m is chain[-1] else ready))
    return ChainRun(tuple(b - a for a, b in pairwise(marks)), moving, compute)


def _tiles(arch: Arch, m: Matrix, head_dim: int) -> Iterator[_Tile]:
    """Yield the tiles of `m` in order. A block's inputs come with its first tile, outputs leave with every tile."""
    c = cut(arch, m, head_dim)
    reads, writes = steady(arch), steady(arch, writes=True)
    inputs = reads.cycles(c.read_bytes / c.blocks)
    out = writes.cycles(m.write_bytes / (c.blocks * c.tiles))
    lines = max(c.lines)
    for block in range(c.blocks):
        tokens = _part(m.tokens, c.blocks, block)
        for tile in range(c.tiles):
            weights = reads.cycles(_part(m.weight_bytes, c.tiles, tile))
            yield _Tile(weights + out + (inputs if tile == 0 else 0.0), _part(lines, c.tiles, tile), tokens)


def _part(whole: int, parts: int, number: int) -> int:
    """Return part `number` of a whole cut into equal parts as far as whole numbers go."""
    return whole * (number + 1) // parts - whole * number // parts
