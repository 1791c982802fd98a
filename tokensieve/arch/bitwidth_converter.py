"""The bitwidth converter: planes of elements of a few bits in, elements of the on-chip width out (paper IV-A)."""

from dataclasses import dataclass
from math import gcd
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from tokensieve.arch.base import ArchModel
from tokensieve.arch.memory import require_powers_of_two
from tokensieve.arch.timing import Count, ceil_div

MSB_WIDTHS = (4, 6, 8, 10, 12)
"""Widths of an MSB plane, in bits; those above the on-chip width are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConverterWork:
    """Work of converting one vector."""

    elements: Count
    """Elements of the vector, 1 or more."""

    msb_bits: Count
    """Bits of each element in the MSB plane."""

    lsb_bits: Count
    """Bits of each element in the LSB plane; 0 where it is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConverterLaw:
    """Cycle law of the bitwidth converter, one vector after the other, all beats there and the output never stalled.

    >>> law = ConverterLaw(lanes=64, beat_bits=256, latency=2)
    >>> law.cycles(ConverterWork(elements=64, msb_bits=8, lsb_bits=0))
    4
    >>> law.cycles(ConverterWork(elements=70, msb_bits=6, lsb_bits=4))
    5
    """

    lanes: int
    """Elements of a beat out."""

    beat_bits: int
    """Bits of a plane that come in per cycle."""

    latency: int
    """Cycles from the beat in that completes a beat of elements to that beat out."""

    def beats(self, elements: Count, bits: Count) -> Count:
        """Return the beats of one plane."""
        return ceil_div(elements * bits, self.beat_bits)

    def busy(self, work: ConverterWork) -> Count:
        """Return the cycles from a vector's first beat in to that of the next vector."""
        out = np.asarray(ceil_div(work.elements, self.lanes))
        cycles = out
        for bits in (np.asarray(work.msb_bits), np.asarray(work.lsb_bits)):
            before = np.maximum(np.asarray(self.beats(work.elements, bits)) - 1, 0)  # beats before the last one
            left = out - before * self.beat_bits // (np.maximum(bits, 1) * self.lanes)  # beats out that wait for that
            cycles = np.where(bits > 0, np.maximum(cycles, before + left), cycles)
        return int(cycles) if cycles.ndim == 0 else cycles

    def dropped(self, work: ConverterWork) -> int:
        """Return what `busy` does, of a vector that is illegal: its beats are dropped, and an empty one leaves."""
        return max(1, *(int(self.beats(work.elements, bits)) for bits in (work.msb_bits, work.lsb_bits)))

    def cycles(self, work: ConverterWork) -> Count:
        """Return the cycles from the first beat in to the last beat out."""
        return self.busy(work) + self.latency


class Converter(ArchModel):
    """Bitwidth converter behind a channel of the memory; elements are those of `number`."""

    plane_bytes: Annotated[int, Field(ge=2, le=64)] = 32
    """Bytes of a plane that come in per cycle: a granule of DRAM."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_powers_of_two(self, "plane_bytes")
        return self

    @property
    def lanes(self) -> int:
        """Elements of a beat out: as many as come in per cycle in the narrowest plane."""
        return 8 * self.plane_bytes // MSB_WIDTHS[0]

    @property
    def law(self) -> ConverterLaw:
        """Cycle law of the converter. Its registers: the bits that have come in, and the beat out."""
        return ConverterLaw(lanes=self.lanes, beat_bits=8 * self.plane_bytes, latency=2)


def msb_widths(onchip_bits: int) -> tuple[int, ...]:
    """Return the widths of an MSB plane."""
    return tuple(bits for bits in MSB_WIDTHS if bits <= onchip_bits)


def lsb_widths(onchip_bits: int, lsb_bits: int) -> tuple[int, ...]:
    """Return the widths of an LSB plane: `lsb_bits`, or what an MSB plane leaves of the on-chip width, if that is less.

    >>> lsb_widths(12, 4)
    (2, 4)
    """
    left = {min(lsb_bits, onchip_bits - bits) for bits in msb_widths(onchip_bits)}
    return tuple(sorted(left - {0}))


def unit_bits(widths: tuple[int, ...]) -> int:
    """Return the number of bits by which planes of these widths are moved: what divides all of them and 4."""
    return gcd(MSB_WIDTHS[0], *widths)
