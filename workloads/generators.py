"""Pseudo-random generators, one PCG64 for each row of entropy, many at once.

Building these objects one by one costs more than drawing from them, so the seeding (O'Neill's seed_seq, which numpy
follows) is done for all rows together, and one generator is set to each state in turn.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

_POOL = 4
_INIT_A, _MULT_A, _INIT_B, _MULT_B = 0x43B0D7E5, 0x931E8875, 0x8B51F9DD, 0x58F38DED
_MIX_LEFT, _MIX_RIGHT = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)
_PCG_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
_MASK32, _MASK128 = (1 << 32) - 1, (1 << 128) - 1

UInt32 = npt.NDArray[np.uint32]


def generators(entropy: npt.ArrayLike) -> Iterator[np.random.Generator]:
    """Yield ``Generator(PCG64(SeedSequence(row)))`` for each row of `entropy`, whose items must be below 2^32.

    It is one object, set to the next state when the next one is asked for.

    >>> [rng.permutation(5).tolist() for rng in generators([[1, 2, 3], [1, 2, 4]])]
    [[3, 2, 1, 4, 0], [2, 0, 4, 3, 1]]
    """
    source = np.random.PCG64(0)
    generator = np.random.Generator(source)
    for a, b, c, d in _seeds(np.asarray(entropy, np.uint32)).tolist():
        increment = ((c << 64 | d) << 1 | 1) & _MASK128
        start = (((a << 64 | b) + increment) * _PCG_MULTIPLIER + increment) & _MASK128
        inner: Any = {"state": start, "inc": increment}
        source.state = {"bit_generator": "PCG64", "state": inner, "has_uint32": 0, "uinteger": 0}
        yield generator


def _seeds(entropy: UInt32) -> npt.NDArray[np.uint64]:
    """Return what ``SeedSequence(row).generate_state(4, uint64)`` gives for each row."""
    pool = _mixed(entropy)
    words = np.empty((len(entropy), 8), np.uint32)
    constant = _INIT_B
    for i in range(8):
        mixed = pool[i % _POOL] ^ np.uint32(constant)
        constant = constant * _MULT_B & _MASK32
        mixed = mixed * np.uint32(constant)
        words[:, i] = mixed ^ mixed >> np.uint32(16)
    low, high = words[:, 0::2].astype(np.uint64), words[:, 1::2].astype(np.uint64)
    return low | high << np.uint64(32)


def _mixed(entropy: UInt32) -> list[UInt32]:
    """Return the pool of each row after all entropy went in."""
    constant = _INIT_A

    def hashed(value: UInt32) -> UInt32:
        nonlocal constant
        value = value ^ np.uint32(constant)
        constant = constant * _MULT_A & _MASK32
        value = value * np.uint32(constant)
        return value ^ value >> np.uint32(16)

    words = list(entropy.T) + [np.zeros(len(entropy), np.uint32)] * (_POOL - entropy.shape[1])
    pool = [hashed(word) for word in words[:_POOL]]
    for source in range(_POOL):
        for target in range(_POOL):
            if source != target:
                pool[target] = _mix(pool[target], hashed(pool[source]))
    for word in words[_POOL:]:
        for target in range(_POOL):
            pool[target] = _mix(pool[target], hashed(word))
    return pool


def _mix(x: UInt32, y: UInt32) -> UInt32:
    mixed: UInt32 = _MIX_LEFT * x - _MIX_RIGHT * y
    return mixed ^ mixed >> np.uint32(16)
