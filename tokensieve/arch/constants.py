"""What a technology holds constants of: DRAM, logic, and the factors from one node to another."""

from typing import Annotated

from pydantic import Field

from tokensieve.arch.base import ArchModel
from tokensieve.arch.quantity import Constant, Curve, Quantity, unit


class DramConstants(ArchModel):
    """Constants of one standard. Currents are those of one channel of `channel_bits`, all its chips together."""

    activate: Annotated[Constant, unit("pJ")]
    """Activation and precharge of one DRAM row of `activate_row_bytes`."""

    activate_row_bytes: Annotated[int, Field(ge=1)]
    """DRAM row that `activate` is for; others scale with their size."""

    read: Annotated[Constant, unit("pJ/bit")]
    """One bit from an open DRAM row to the other side of the pins, half of the bits toggling."""

    write: Annotated[Constant, unit("pJ/bit")]
    """One bit the other way."""

    channel_bits: Annotated[int, Field(ge=1)]
    """Width of the channel whose currents follow; other widths scale."""

    supply: Annotated[Constant, unit("V")]
    """Supply voltage of the currents below."""

    standby: Annotated[Constant, unit("mA")]
    """Current with rows open and no command (IDD3N): the background of every channel, all the time."""

    refresh: Annotated[Constant, unit("mA")]
    """Current while all banks are refreshed (IDD5AB, IDD5)."""


class DramSet(ArchModel):
    """Constants of every standard that `arch.dram.standard` may name."""

    HBM2: DramConstants
    """JESD235."""

    DDR4: DramConstants
    """JESD79-4, a channel of eight chips of 8 bit."""

    LPDDR4: DramConstants
    """JESD209-4, a channel of one chip of 16 bit."""

    def of(self, standard: str) -> DramConstants:
        """Return the constants of `standard`."""
        found = getattr(self, standard)
        assert isinstance(found, DramConstants)
        return found


class LogicConstants(ArchModel):
    """Constants of arithmetic and registers."""

    add_energy: Annotated[Curve, unit("pJ")]
    """Integer addition, by width in bits."""

    add_area: Annotated[Curve, unit("um2")]
    """Integer adder, by width in bits."""

    multiply_energy: Annotated[Curve, unit("pJ")]
    """Integer multiplication, by width in bits."""

    multiply_area: Annotated[Curve, unit("um2")]
    """Integer multiplier, by width in bits."""

    fp_add_energy: Annotated[Curve, unit("pJ")]
    """Floating-point addition, by width in bits."""

    fp_add_area: Annotated[Curve, unit("um2")]
    """Floating-point adder, by width in bits."""

    fp_multiply_energy: Annotated[Curve, unit("pJ")]
    """Floating-point multiplication, by width in bits."""

    fp_multiply_area: Annotated[Curve, unit("um2")]
    """Floating-point multiplier, by width in bits."""

    compare_energy: Annotated[Constant, unit("pJ/bit")]
    """Comparison, per bit."""

    compare_area: Annotated[Constant, unit("um2/bit")]
    """Comparator, per bit."""

    select_energy: Annotated[Constant, unit("pJ/bit")]
    """One bit through one layer of two-way selectors: a shifter's layer, or a level of a crossbar's tree."""

    select_area: Annotated[Constant, unit("um2/bit")]
    """One bit of one layer of two-way selectors."""

    register_energy: Annotated[Constant, unit("pJ/bit")]
    """One bit clocked into a register."""

    register_area: Annotated[Constant, unit("um2/bit")]
    """One bit of register."""

    register_leakage: Annotated[Constant, unit("nW/bit")]
    """Leakage of one bit of register."""

    wire: Annotated[Constant, unit("pJ/bit/mm")]
    """One bit over one millimetre of wire, half of the bits toggling."""

    utilization: Annotated[Constant, unit("1")]
    """Share of a block's area that placed cells take; the rest is left for wires and the clock tree."""

    @property
    def leakage_nw_per_um2(self) -> Quantity:
        """Leakage of logic by its area, in nW per um2: that of a register, which is the logic's densest leak."""
        return self.register_leakage.quantity * (1 / self.register_area.quantity.value)


class Scaling(ArchModel):
    """Factors from one node to another. DRAM is a chip of its own and stays as it is."""

    energy: Annotated[Constant, unit("1")]
    """Of switching: arithmetic, registers, memories."""

    logic_area: Annotated[Constant, unit("1")]
    """Of standard cells."""

    sram_area: Annotated[Constant, unit("1")]
    """Of memory cells and macros; the sides of a cell scale with its root."""

    leakage: Annotated[Constant, unit("1")]
    """Per register bit and memory bit."""

    wire: Annotated[Constant, unit("1")]
    """Energy of a millimetre of wire, whose capacitance hardly changes with the node."""

    def factor(self, group: str, one: Constant) -> Constant | None:
        """Return the factor of a constant of `group`, or None where it has none: ratios."""
        if one.unit == "um":
            return self.sram_area.model_copy(update={"value": self.sram_area.quantity.value**0.5, "per": 1})
        area = self.sram_area if group == "sram" else self.logic_area
        by_unit = {"pJ/bit/mm": self.wire, "nW/bit": self.leakage, "um2": area, "um2/bit": area, "1": None}
        return by_unit.get(one.unit, self.energy)
