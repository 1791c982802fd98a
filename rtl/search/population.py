"""The population count of bit-serial selection."""

from collections.abc import Sequence
from itertools import zip_longest
from operator import itemgetter
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.population import layers

_ROWS = 4
"""Numbers that are left to synthesis to add, which makes carry chains of them."""

Columns = Sequence[Sequence[tuple[int, Value]]]
"""Bits to be added, by weight, each with its place: those from near one another are added first."""


class PopulationCount(wiring.Component):
    """Counts the ones of a word, and takes a number off.

    Timing
    ------
    A word every cycle, and `stages` cycles from a word to its count; `less` is taken a cycle before the count is there.

    Parameters
    ----------
    bits : int
        Width of the word.
    width : int
        Width of `less`. It must hold the most ones that can come.
    stages : int
        Registers, 1 or more; the last one holds the count.

    Members
    -------
    i : ``In(bits)``
        Word.
    less : ``In(width)``
        What is taken off.
    o : ``Out(signed(width + 1))``
        Ones of the word, less `less`.
    """

    def __init__(self, bits: int, width: int, stages: int) -> None:
        super().__init__({"i": In(bits), "less": In(width), "o": Out(signed(width + 1))})
        self._width, self._layers = width + 1, layers(bits, stages)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        columns: Columns = [list(enumerate(self.i))]
        for stage, number in enumerate(self._layers):
            for layer in range(number):
                columns = _compress(m, columns, 2, f"{stage}_{layer}")
            columns = _hold(m, columns, stage)
        # - less is ~less + 1: its bits are added with the others, and the 1 enters the last sum.
        off = enumerate(~Cat(self.less, Const(0, 1)))
        columns = [[*column, bit] for column, bit in zip([*columns, *[()] * self._width], off, strict=False)]
        layer = 0
        while max(map(len, columns)) > _ROWS:
            columns, layer = _compress(m, columns, _ROWS, f"last_{layer}")[: self._width], layer + 1
        rows = zip_longest(*columns, fillvalue=(0, Const(0, 1)))
        total = Signal(signed(self._width), reset_less=True)
        m.d.sync += total.eq(sum((Cat(bit for _, bit in row) for row in rows), Const(1)))
        m.d.comb += self.o.eq(total)
        return m


def _compress(m: Module, columns: Columns, enough: int, name: str) -> Columns:
    """Make one bit of a weight and one of the next of every three bits, unless no weight has more than `enough`."""
    if max(map(len, columns)) <= enough:
        return columns
    left: list[list[tuple[int, Value]]] = [[] for _ in range(len(columns) + 1)]
    for weight, column in enumerate(columns):
        near = sorted(column, key=itemgetter(0))
        full = len(near) - len(near) % 3
        for at in range(0, full, 3):
            (_, a), (place, b), (_, c) = near[at : at + 3]
            total, carry = Signal(name=f"sum{name}_{weight}_{at}"), Signal(name=f"carry{name}_{weight}_{at}")
            m.d.comb += [total.eq(a ^ b ^ c), carry.eq((a & b) | (c & (a | b)))]
            left[weight].append((place, total))
            left[weight + 1].append((place, carry))
        left[weight] += near[full:]
    return left if left[-1] else left[:-1]


def _hold(m: Module, columns: Columns, stage: int) -> Columns:
    held = [Signal(len(column), name=f"held{stage}_{weight}", reset_less=True) for weight, column in enumerate(columns)]
    m.d.sync += [register.eq(Cat(bit for _, bit in column)) for register, column in zip(held, columns, strict=True)]
    return [
        [(place, bit) for (place, _), bit in zip(column, register, strict=True)]
        for register, column in zip(held, columns, strict=True)
    ]
