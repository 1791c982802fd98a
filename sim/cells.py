"""What units are made of, and what a bag of cells costs: shared by area and energy."""

from dataclasses import dataclass

from tokensieve.arch.technology import ZERO, Quantity, Technology


@dataclass(frozen=True, slots=True)
class Cells:
    """What a unit is made of."""

    logic_um2: Quantity
    """Area of arithmetic, selectors and registers, in um2."""

    sram_bits: int
    """Bits of SRAM, FIFOs included."""

    def __add__(self, other: "Cells") -> "Cells":
        return Cells(self.logic_um2 + other.logic_um2, self.sram_bits + other.sram_bits)


NOTHING = Cells(ZERO, 0)


def cells_um2(cells: Cells, technology: Technology) -> Quantity:
    """Return the area of `cells`, in um2."""
    return cells.logic_um2 + cells.sram_bits * technology.sram.area.quantity


def memory_energy(bits: float, capacity_bits: float, technology: Technology) -> Quantity:
    """Return the energy of reading or writing `bits` in a memory of `capacity_bits`, in pJ.

    Below the smallest point of the curve (8 KB) the energy of a bit goes on falling with the root of the capacity, down
    to that of a register.
    """
    sram, register = technology.sram.access_energy.at(capacity_bits / 8), technology.logic.register_energy.quantity
    return bits * (sram if sram.value > register.value else register)
