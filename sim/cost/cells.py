"""What units are made of, and what a bag of cells costs: shared by area and energy.

For a batch of machines that differ in the fields `ARRAYS` alone, these may be arrays of values, and so is what follows
from them: element by element the figure that the machine has alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from tokensieve.arch.quantity import at_least, greater, lesser
from tokensieve.arch.technology import ZERO, Quantity, Technology

ARRAYS = ("key_sram.kib", "value_sram.kib", "softmax.fifo_lines", "requant.queue_rows", "fetcher.fifo_depth")
"""Fields of which area and energy take arrays: those that set nothing but the depth of memories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Memories of one shape."""

    words: float
    """Words of each."""

    bits: float
    """Bits of a word."""

    ports: int = 2
    """Ports of each; what is written and read in the same cycle, as queues and buffers are, has two."""

    copies: int = 1
    """How many there are."""

    @property
    def total_bits(self) -> float:
        """Bits of all copies."""
        return self.copies * self.words * self.bits


@dataclass(frozen=True, slots=True)
class Cells:
    """What a unit is made of."""

    logic_um2: Quantity
    """Area of arithmetic, selectors and registers, in um2, without the space between placed cells."""

    memories: tuple[Memory, ...] = ()
    """Its memories, queues included."""

    @property
    def sram_bits(self) -> float:
        """Bits of memory."""
        return sum(one.total_bits for one in self.memories)

    def __add__(self, other: "Cells") -> "Cells":
        return Cells(self.logic_um2 + other.logic_um2, self.memories + other.memories)


def cells_um2(cells: Cells, technology: Technology) -> Quantity:
    """Return the area of `cells` in um2: logic as it is placed, and memories."""
    logic = cells.logic_um2 / technology.logic.utilization.quantity
    return sum((memory_um2(one, technology) for one in cells.memories), logic)


def leakage_watts(bags: Iterable[Cells], technology: Technology) -> Quantity:
    """Return what leaks through the logic and the memories of `bags`, in watts."""
    every = list(bags)
    logic = sum(one.logic_um2.value for one in every) * technology.logic.leakage_nw_per_um2
    sram = sum(one.sram_bits for one in every) * technology.sram.leakage.quantity
    return (logic + sram) * 1e-9


def memory_um2(memory: Memory, technology: Technology) -> Quantity:
    """Return the area of `memory` in um2: macros, or registers and selectors where those are smaller.

    Registers win where a memory is small, or so wide that a macro is mostly sense amplifiers.
    """
    if not np.any(memory.total_bits):
        return ZERO
    macro = technology.sram.bit_um2(memory.words, memory.bits, memory.ports)
    logic = technology.logic
    read = (1 - 1 / at_least(1.0, memory.words)) * logic.select_area.quantity
    registers = (logic.register_area.quantity + read) / logic.utilization.quantity
    return memory.total_bits * lesser(macro, registers)


def memory_energy(bits: float, capacity_bits: float, technology: Technology) -> Quantity:
    """Return the energy of reading or writing `bits` in a memory of `capacity_bits`, in pJ.

    Below the smallest point of the curve (8 KB) the energy of a bit goes on falling with the root of the capacity, down
    to that of a register.
    """
    sram, register = technology.sram.access_energy.at(capacity_bits / 8), technology.logic.register_energy.quantity
    return bits * greater(sram, register)


def root(figure: float) -> float:
    """Return the square root."""
    return np.sqrt(figure) if isinstance(figure, np.ndarray) else sqrt(figure)
