"""The shape of a population count: how many bits of each weight are left behind each of its layers and registers.

A layer takes every three bits of a weight and makes one of this weight and one of the next of them (a full adder, the
counter of Wallace's multiplier: IEEE Trans. Electronic Computers EC-13, 1964, pp. 14 to 17). What is left in the end
is added with carries.
"""

from collections.abc import Sequence
from itertools import product

_FAR = 1.25
"""Layers that one before a register but the last takes as long as: its bits come from all over the chip."""

_CHAIN = 2.5
"""Layers that an addition with carries takes as long as: about what nextpnr reports of an ECP5."""


def compressed(heights: Sequence[int]) -> list[int]:
    """Return how many bits of each weight a layer leaves of `heights`, the lowest weight first.

    >>> compressed([8]), compressed([4, 2])
    ([4, 2], [2, 3])
    """
    left = [0] * (len(heights) + 1)
    for weight, bits in enumerate(heights):
        left[weight] += bits - 2 * (bits // 3)
        left[weight + 1] += bits // 3
    return left if left[-1] else left[:-1]


def layers(bits: int, stages: int) -> list[int]:
    """Return the layers before each register, but the last one, of a count of `bits` ones that has `stages` registers.

    They are as many as make the longest way from a register to the next one as short as it can be. Behind the last of
    these layers another number is added: see `rtl.search.population`.

    >>> layers(1024, 3), layers(64, 2), layers(1024, 1)
    ([5, 5], [4], [])
    """
    most = range(2 * bits.bit_length() + 1)
    if stages == 1:
        return []
    if stages == 2:
        return min(([first] for first in most), key=lambda shape: _longest(bits, shape))
    # Bits held early are many: the first register has as many layers before it as the others have, or one less.
    shapes = ([max(0, later - less)] + [later] * (stages - 2) for later, less in product(most, (0, 1)))
    return min(shapes, key=lambda shape: _longest(bits, shape))


def held(bits: int, stages: int) -> list[list[int]]:
    """Return the bits of each weight in every register of such a count but the last, which holds the sum.

    >>> [sum(heights) for heights in held(1024, 3)], held(8, 1)
    ([138, 25], [])
    """
    return _held(bits, layers(bits, stages))


def longest(bits: int, stages: int) -> float:
    """Return about how long the longest way from one register of such a count to the next one is, in layers.

    >>> longest(1024, 3), longest(64, 3)
    (6.5, 4.5)
    """
    return _longest(bits, layers(bits, stages))


def _held(bits: int, shape: Sequence[int]) -> list[list[int]]:
    heights, registers = [bits], []
    for number in shape:
        for _ in range(number):
            heights = compressed(heights) if max(heights) > 2 else heights
        registers.append(heights)
    return registers


def _longest(bits: int, shape: Sequence[int]) -> float:
    numbers, end = max([[bits], *_held(bits, shape)][-1]) + 1, _CHAIN
    while numbers > 2:
        numbers, end = numbers - numbers // 3, end + 1
    return max([*(_FAR * number for number in shape), end])
