"""Energy and area constants of a technology, each with its source and how sure we are of it.

Three rules turn them into figures that no table holds, and all are code: widths and capacities between two points
follow a power law (`Curve.at`), areas of memories a fit (`macros.fit`), and the intervals of a sum add up (`Quantity`).
A technology may extend another one's file, and may scale it to another node (`Scaling`).
"""

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from tokensieve.arch.base import ArchModel, build
from tokensieve.arch.errors import ArchError, nearest
from tokensieve.arch.macros import SramConstants
from tokensieve.arch.quantity import ZERO, Constant, Curve, Point, Quantity
from tokensieve.arch.yamlio import load_yaml

__all__ = [
    "ZERO", "Constant", "Curve", "DramConstants", "DramSet", "LogicConstants", "Point", "Quantity", "Scaling",
    "SramConstants", "Technology", "load_technology", "technology_names",
]  # fmt: skip


class DramConstants(ArchModel):
    """Constants of one standard. Currents are those of one channel of `channel_bits`, all its chips together."""

    activate: Constant
    """Activation and precharge of one row of `activate_row_bytes`."""

    activate_row_bytes: Annotated[int, Field(ge=1)]
    """Row that `activate` stands for; other rows scale with their size."""

    read: Constant
    """One bit from an open row to the other side of the pins, half of the bits toggling."""

    write: Constant
    """One bit the other way."""

    channel_bits: Annotated[int, Field(ge=1)]
    """Width of the channel whose currents follow; other widths scale."""

    supply: Constant
    """Supply voltage of the currents below."""

    standby: Constant
    """Current with rows open and no command (IDD3N): the background of every channel, all the time."""

    refresh: Constant
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

    add_energy: Curve
    """Integer addition, by width in bits."""

    add_area: Curve
    """Integer adder, by width in bits."""

    multiply_energy: Curve
    """Integer multiplication, by width in bits."""

    multiply_area: Curve
    """Integer multiplier, by width in bits."""

    fp_add_energy: Curve
    """Floating-point addition, by width in bits."""

    fp_add_area: Curve
    """Floating-point adder, by width in bits."""

    fp_multiply_energy: Curve
    """Floating-point multiplication, by width in bits."""

    fp_multiply_area: Curve
    """Floating-point multiplier, by width in bits."""

    compare_energy: Constant
    """Comparison, per bit."""

    compare_area: Constant
    """Comparator, per bit."""

    select_energy: Constant
    """One bit through one layer of two-way selectors: a shifter's layer, or a level of a crossbar's tree."""

    select_area: Constant
    """One bit of one layer of two-way selectors."""

    register_energy: Constant
    """One bit clocked into a register."""

    register_area: Constant
    """One bit of register."""

    register_leakage: Constant
    """Leakage of one bit of register."""

    wire: Constant
    """One bit over one millimetre of wire, half of the bits toggling."""

    utilization: Constant
    """Share of a block's area that placed cells take; the rest is left for wires and the clock tree."""

    @property
    def leakage_nw_per_um2(self) -> Quantity:
        """Leakage of logic by its area, in nW per um2: that of a register, which is the logic's densest leak."""
        return self.register_leakage.quantity * (1 / self.register_area.quantity.value)


class Scaling(ArchModel):
    """Factors from one node to another. DRAM is a chip of its own and stays as it is."""

    energy: Constant
    """Of switching: arithmetic, registers, memories."""

    logic_area: Constant
    """Of standard cells."""

    sram_area: Constant
    """Of memory cells and macros; the sides of a cell scale with its root."""

    leakage: Constant
    """Per register bit and memory bit."""

    wire: Constant
    """Energy of a millimetre of wire, whose capacitance hardly changes with the node."""

    def factor(self, group: str, one: Constant) -> Constant | None:
        """Return the factor of a constant of `group`, or None where it has none: ratios."""
        if one.unit == "um":
            return self.sram_area.model_copy(update={"value": self.sram_area.value**0.5})
        area = self.sram_area if group == "sram" else self.logic_area
        by_unit = {"pJ/bit/mm": self.wire, "nW/bit": self.leakage, "um2": area, "um2/bit": area, "1": None}
        return by_unit.get(one.unit, self.energy)


class Technology(ArchModel):
    """Energy and area constants of one technology."""

    name: Annotated[str, Field(min_length=1)]
    """Name, as in `arch.technology`."""

    note: Annotated[str, Field(min_length=1)]
    """What the constants stand for, and what was not scaled."""

    dram: DramSet
    """DRAM by standard."""

    logic: LogicConstants
    """Arithmetic, registers and wires."""

    sram: SramConstants
    """On-chip memories."""

    scaling: Scaling | None = None
    """Factors that `logic` and `sram` have been multiplied by."""

    def constants(self) -> list[tuple[str, Constant]]:
        """Return the dotted name of every constant and the constant, in order of the file."""
        groups = [(f"dram.{name}", getattr(self.dram, name)) for name in type(self.dram).model_fields]
        groups += [("logic", self.logic), ("sram", self.sram)]
        return [row for prefix, group in groups for row in _constants(group, prefix)]


def _constants(group: ArchModel, prefix: str) -> list[tuple[str, Constant]]:
    rows: list[tuple[str, Constant]] = []
    for name in type(group).model_fields:
        value = getattr(group, name)
        if isinstance(value, Constant):
            rows.append((f"{prefix}.{name}", value))
        elif isinstance(value, Curve):
            rows += [(f"{prefix}.{name}[{p.at}]", p) for p in value.points]
        elif isinstance(value, tuple):
            rows += [(f"{prefix}.{name}[{m.words}x{m.bits}]", m) for m in value]
    return rows


def technology_names() -> list[str]:
    """Return the names of the technologies that ship with the package."""
    return sorted(p.name.removesuffix(".yaml") for p in _folder().iterdir() if p.name.endswith(".yaml"))


@lru_cache
def load_technology(name: str = "tsmc40") -> Technology:
    """Return the technology called `name`, or raise `ArchError` with the names there are.

    >>> round(load_technology().logic.multiply_energy.at(12).value, 3)
    0.446
    """
    known = technology_names()
    if name not in known:
        raise ArchError(f"technology must be one of {', '.join(known)}, got {name!r}{nearest(name, known)}")
    data, lines = _merged(name)
    found = build(Technology, data, ArchError, lines, str(_path(name)))
    return _scaled(found, found.scaling) if found.scaling else found


def _merged(name: str) -> tuple[dict[str, Any], Any]:
    """Return the fields of a file on top of those of the one that it extends, and the lines of its own."""
    data, lines = load_yaml(_path(name), ArchError)
    if base := data.pop("extend", None):
        under = _merged(base)[0]
        data |= {group: {**under[group], **data.get(group, {})} for group in ("dram", "logic", "sram")}
    return data, lines


def _scaled(technology: Technology, scaling: Scaling) -> Technology:
    groups = {name: _scaled_group(getattr(technology, name), name, scaling) for name in ("logic", "sram")}
    return technology.model_copy(update=groups)


def _scaled_group(group: ArchModel, name: str, scaling: Scaling) -> ArchModel:
    """Return `group` with every constant, curve and macro multiplied by its factor."""

    def one(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(one(below) for below in value)
        factor = scaling.factor(name, value.points[0] if isinstance(value, Curve) else value)
        return value.scaled(factor) if factor else value

    return group.model_copy(update={field: one(getattr(group, field)) for field in type(group).model_fields})


def _path(name: str) -> Path:
    return _folder() / f"{name}.yaml"


def _folder() -> Path:
    return Path(str(resources.files("tokensieve.arch"))) / "technology"
