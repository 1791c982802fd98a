"""Area: what every unit is made of, times the areas of `arch.technology`.

A unit is a bag of cells (multipliers, adders, comparators, selectors, registers) and bits of SRAM. Not counted, for
want of a source: control, clock tree, wiring, and the space between placed cells.
"""

from dataclasses import dataclass
from math import sqrt

from tokensieve.arch import Arch
from tokensieve.arch.datapath import MultiplierArray
from tokensieve.arch.technology import ZERO, LogicConstants, Quantity, Technology
from tokensieve.sim.cells import Cells, cells_um2
from tokensieve.sim.topkcost import engine_cells

TAYLOR_FMAS = 7
"""Fused multiply-adds of one exp: five for the series of order 5 (paper IV-F), two for the range reduction by ln 2."""

FP_BITS = 32
"""Width of the softmax's arithmetic: single precision is the paper's own upper bound (V-A)."""

ADDRESS_BITS = 64
DATA_FIFO_BITS = 128
"""Widths of an entry of the fetcher's address and data FIFOs (paper Table I: 8 B and 16 B)."""

FIFO_ROWS = 2
"""Rows that wait in the softmax: one between scan and exp, one between exp and division."""


@dataclass(frozen=True, slots=True)
class Area:
    """Area of every unit, in mm2."""

    mm2: dict[str, float]
    """Area by unit."""

    interval: tuple[float, float]
    """Lowest and highest total: the constants' intervals added up, as if all were wrong in one direction."""

    @property
    def total(self) -> float:
        """Area of all units."""
        return sum(self.mm2.values())


def area(arch: Arch, technology: Technology) -> Area:
    """Return the area of `arch` in `technology`.

    >>> from tokensieve.arch.technology import load_technology
    >>> sorted(area(Arch(), load_technology()).mm2)[:4]
    ['fetcher', 'importance', 'key_sram', 'pv']
    """
    units = {unit: cells_um2(cells, technology) * 1e-6 for unit, cells in unit_cells(arch, technology).items()}
    return Area({unit: one.value for unit, one in units.items()}, sum(units.values(), ZERO).interval)


def unit_cells(arch: Arch, technology: Technology) -> dict[str, Cells]:
    """Return what every unit is made of; the two top-k engines are alike."""
    logic = technology.logic
    engine = engine_cells(arch.topk, logic)
    return {
        "qk": _array(arch, arch.qk, arch.number.onchip_bits, logic),
        "pv": _array(arch, arch.pv, arch.softmax.probability_bits, logic),
        "key_sram": Cells(ZERO, 8 * arch.key_sram.bytes),
        "value_sram": Cells(ZERO, 8 * arch.value_sram.bytes),
        "softmax": _softmax(arch, logic),
        "topk": engine,
        "ranking": engine,
        "fetcher": fetcher_cells(arch, logic),
        "importance": _importance(arch, logic),
        "requant": _requant(arch, logic),
    }


def multiplier_bits(arch: Arch, operand_bits: int) -> float:
    """Return the width of the square multiplier that is as large as `onchip_bits` x `operand_bits`."""
    return sqrt(arch.number.onchip_bits * operand_bits)


def adder_bits(arch: Arch, operand_bits: int) -> int:
    """Return the mean width of a tree's adders; there are as many as multipliers, the accumulation included.

    Half of them stand at the leaves and add one bit to the product, a quarter add two, and so on: two bits on average.
    """
    return arch.number.onchip_bits + operand_bits + 2


def register_bits(arch: Arch, array: MultiplierArray, operand_bits: int) -> int:
    """Return the register bits per multiplier: both operands, the product and one sum of the tree."""
    operands = arch.number.onchip_bits + operand_bits
    return array.broadcast_stages * operands + array.multiply_stages * operands + adder_bits(arch, operand_bits)


def _array(arch: Arch, array: MultiplierArray, operand_bits: int, logic: LogicConstants) -> Cells:
    multiplier = logic.multiply_area.at(multiplier_bits(arch, operand_bits))
    adder = logic.add_area.at(adder_bits(arch, operand_bits))
    registers = register_bits(arch, array, operand_bits) * logic.register_area.quantity
    return Cells(array.multipliers * (multiplier + adder + registers), 0)


def fma_um2(logic: LogicConstants) -> Quantity:
    """Return the area of a fused multiply-add of the softmax: a multiplier and an adder, an upper bound."""
    return logic.fp_multiply_area.at(FP_BITS) + logic.fp_add_area.at(FP_BITS)


def softmax_row_bits(arch: Arch) -> int:
    """Return the bits of one line buffer of the softmax."""
    return arch.softmax.fifo_lines * arch.softmax.lanes * FP_BITS


def _softmax(arch: Arch, logic: LogicConstants) -> Cells:
    bits = arch.softmax.divider_bits
    divider = bits * (logic.add_area.at(bits) + 2 * bits * logic.register_area.quantity)
    exp, table_bits = TAYLOR_FMAS * fma_um2(logic), 0
    if arch.softmax.kind == "lut":
        exp, table_bits = logic.multiply_area.at(arch.softmax.exp_frac_bits), exp_table_bits(arch)
    lane = fma_um2(logic) + exp + logic.fp_add_area.at(FP_BITS) + divider
    return Cells(arch.softmax.lanes * lane, arch.softmax.lanes * table_bits + FIFO_ROWS * softmax_row_bits(arch))


def exp_table_bits(arch: Arch) -> int:
    """Return the bits of one lane's exp table."""
    return (1 << arch.softmax.table_bits) * arch.softmax.exp_frac_bits


def _requant(arch: Arch, logic: LogicConstants) -> Cells:
    bits = arch.softmax.lanes * arch.softmax.probability_bits
    tree = bits * (logic.compare_area.quantity + arch.requant.tree_stages * logic.register_area.quantity)
    return Cells(tree, (1 + arch.requant.queue_rows) * probability_row_bits(arch))


def probability_row_bits(arch: Arch) -> int:
    """Return the bits of the longest row of probabilities."""
    return arch.topk.max_tokens * arch.softmax.probability_bits


def fetcher_cells(arch: Arch, logic: LogicConstants) -> Cells:
    """Return the two crossbars (a tree of selectors for each output), their registers and the FIFOs of every port."""
    ports, channels = arch.fetcher.ports, arch.dram.channels
    selectors = channels * (ports - 1) * ADDRESS_BITS + ports * (channels - 1) * DATA_FIFO_BITS
    registers = ports * (arch.fetcher.request_stages * ADDRESS_BITS + arch.fetcher.return_stages * DATA_FIFO_BITS)
    um2 = selectors * logic.select_area.quantity + registers * logic.register_area.quantity
    return Cells(um2, ports * arch.fetcher.fifo_depth * (ADDRESS_BITS + DATA_FIFO_BITS))


def _importance(arch: Arch, logic: LogicConstants) -> Cells:
    """Return the adders and registers of both accumulators and the memory of the tokens' sums; one head at a time."""
    unit = arch.importance
    adders = logic.add_area.at(unit.token_bits) + logic.add_area.at(unit.head_bits)
    registers = unit.stages * (unit.token_bits + unit.head_bits) * logic.register_area.quantity
    return Cells(unit.lanes * (adders + registers), arch.topk.max_tokens * unit.token_bits)
