"""Area of on-chip memories by depth, width and ports, fitted to published outputs of CACTI.

A memory compiler or CACTI itself would answer for each size. Neither can be asked here: compilers are under licence,
and `hwcomponents-cacti`, the maintained package around CACTI, needs Python 3.12, builds CACTI with make and a C++
compiler where no wheel fits, starts a process for every size and writes into its own folder. So the outputs that others
have published are fitted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, log
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from tokensieve.arch.base import ArchModel
from tokensieve.arch.quantity import Constant, Curve, Quantity, at_least, at_most, unit


class Macro(Constant):
    """Area of a published memory macro with one port."""

    words: Annotated[int, Field(ge=1)]
    """Words that it holds."""

    bits: Annotated[int, Field(ge=1)]
    """Bits of a word."""


@dataclass(frozen=True, slots=True)
class MacroFit:
    """Area per bit: ``density x (words x bits) ^ size x max(1, bits / words) ^ aspect`` um2.

    Large arrays share their periphery among more bits. A macro wider than deep has more sense amplifiers and drivers
    for its bits, and longer word lines. What is wider for its depth, or larger, than the macros of the fit is built of
    several: side by side as wide as the widest and no smaller than the smallest, and no larger than the largest.
    """

    density: float
    size: float
    aspect: float
    smallest: float
    """Bits of the smallest macro."""

    largest: float
    """Bits of the largest macro."""

    widest: float
    """Largest bits / words of a macro."""

    uncertainty: float
    """That of the macros, and the largest relative distance of one from the fit."""

    def at(self, words: float, bits: float) -> Quantity:
        """Return the area per bit of a macro of `words` words (or an array) of `bits` bits, in um2."""
        deep = at_least((self.smallest / self.widest) ** 0.5, words)  # words that nobody uses included
        side_by_side = self._density(deep, at_most(bits, self.widest * deep)) * deep / words
        value = at_most(self._density(words, bits), side_by_side)
        return Quantity(value, value * self.uncertainty)

    def _density(self, words: float, bits: float) -> float:
        size = at_most(self.largest, words * bits)
        density: float = self.density * size**self.size * at_least(1.0, bits / words) ** self.aspect
        return density


@lru_cache
def fit(macros: Sequence[Macro]) -> MacroFit:
    """Return the fit of least squared logarithms through `macros`."""
    rows = _rows(macros)
    density = np.log([one.quantity.value / (one.words * one.bits) for one in macros])
    found = np.linalg.lstsq(rows, density, rcond=None)[0]
    off = float(np.max(np.abs(np.expm1(density - rows @ found))))
    base, size, aspect = (float(one) for one in found)
    bits = [one.words * one.bits for one in macros]
    return MacroFit(
        density=exp(base),
        size=size,
        aspect=aspect,
        smallest=min(bits),
        largest=max(bits),
        widest=max(one.bits / one.words for one in macros),
        uncertainty=max(one.uncertainty for one in macros) + off,
    )


def _rows(macros: Sequence[Macro]) -> npt.NDArray[np.float64]:
    """Return what the three figures of `MacroFit` are multiplied by, for each macro."""
    return np.array([(1.0, log(one.words * one.bits), log(max(1.0, one.bits / one.words))) for one in macros])


class SramConstants(ArchModel):
    """Constants of on-chip memories."""

    access_energy: Annotated[Curve, unit("pJ/bit")]
    """One bit read or written, by the capacity of the bank in bytes; words of any width are as good as their bits."""

    macros: Annotated[tuple[Annotated[Macro, unit("um2")], ...], Field(min_length=4, strict=False)]
    """Macros of one port, decoders and sense amplifiers included: of two sizes, and some wider than deep."""

    cell: Annotated[Constant, unit("um2/bit")]
    """Cell of one port, which is `cell_aspect` times as high as wide or the other way round."""

    cell_aspect: Annotated[Constant, unit("1")]
    """Longer side of the cell by its shorter one."""

    port_pitch: Annotated[Constant, unit("um")]
    """What a port beyond the first adds to either side of the cell: two wires."""

    leakage: Annotated[Constant, unit("nW/bit")]
    """Macro leakage per bit."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if np.linalg.matrix_rank(_rows(self.macros)) < 3:
            shapes = ", ".join(f"{one.words} x {one.bits}" for one in self.macros)
            raise ValueError(f".macros must differ in size and in bits / words above 1 to be fitted, got {shapes}")
        return self

    def cell_um2(self, ports: int) -> Quantity:
        """Return the area of a cell with `ports` ports, in um2, as CACTI grows it: on both sides with each port."""
        cell, more = self.cell.quantity, (ports - 1) * self.port_pitch.quantity.value
        aspect = self.cell_aspect.quantity.value
        short = (cell.value / aspect) ** 0.5
        value = (short + more) * (short * aspect + more)
        return Quantity(value, value * max(cell.uncertainty, self.port_pitch.uncertainty if more else 0.0))

    def bit_um2(self, words: float, bits: float, ports: int) -> Quantity:
        """Return the area per bit of a macro of `words` words of `bits` bits with `ports` ports, in um2.

        More ports grow the cells; that decoders and sense amplifiers come once for each port is left out.
        """
        grown = self.cell_um2(ports) - self.cell_um2(1) if ports > 1 else Quantity(0.0, 0.0)
        return fit(self.macros).at(words, bits) + grown
