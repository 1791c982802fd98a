"""Area: what every unit is made of, times the areas of `arch.technology`.

A unit is a bag of cells (multipliers, adders, comparators, selectors, registers), placed with the gaps that wires and
the clock tree need, and of memories by depth, width and ports. Not counted, for want of a source: control, what the
memory controllers have beside their requests, and PHY.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, sqrt

from tokensieve.arch import Arch
from tokensieve.arch.bitwidth_converter import MSB_WIDTHS, lsb_widths, msb_widths, unit_bits
from tokensieve.arch.datapath import MultiplierArray
from tokensieve.arch.memory import Sram
from tokensieve.arch.technology import ZERO, LogicConstants, Quantity, Technology
from tokensieve.sim.cost.cells import Cells, Memory, cells_um2
from tokensieve.sim.cost.topk import engine_cells

TAYLOR_FMAS = 7
"""Fused multiply-adds of one exp: five for the series of order 5 (paper IV-F), two for the range reduction by ln 2."""

FP_BITS = 32
"""Width of the softmax's arithmetic: single precision is the paper's own upper bound (V-A)."""

ADDRESS_BITS = 64
DATA_FIFO_BITS = 128
"""Widths of an entry of the fetcher's address and data FIFOs (paper Table I: 8 B and 16 B)."""

FIFO_PACKETS = 2
"""Packets of scores that wait in the softmax: one between scan and exp, one between exp and division."""


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
    ['controller', 'converter', 'fetcher', 'gather']
    """
    units = area_quantities(arch, technology)
    return Area({unit: one.value for unit, one in units.items()}, sum(units.values(), ZERO).interval)


def area_quantities(arch: Arch, technology: Technology) -> dict[str, Quantity]:
    """Return the area of every unit with its interval, in mm2."""
    return {unit: cells_um2(cells, technology) * 1e-6 for unit, cells in unit_cells(arch, technology).items()}


def unit_cells(arch: Arch, technology: Technology) -> dict[str, Cells]:
    """Return what every unit is made of; the two top-k engines are alike."""
    return {unit: cells_of(unit, arch, technology) for unit in UNITS}


def cells_of(unit: str, arch: Arch, technology: Technology) -> Cells:
    """Return what one unit is made of."""
    return UNITS[unit](arch, technology.logic)


def bank(arch: Arch, sram: Sram, array: MultiplierArray) -> Memory:
    """Return the banks of an operand memory.

    As in the release, a line lies across half of the banks and the next line across the others, so that two lines can
    be written in a cycle (even and odd addresses): 12 + 12 banks of 128 x 512 bit in the full design.
    """
    line = 8 * arch.line_bytes(array)
    bits = min(line, 2 * line / sram.banks)
    return Memory(words=8 * sram.bytes / sram.banks / bits, bits=bits, ports=sram.ports, copies=sram.banks)


def _kept_queue(arch: Arch) -> Memory:
    """Return the memory in which kept probabilities wait for their values."""
    return Memory(words=arch.kept_beats, bits=arch.topk.lanes * arch.softmax.probability_bits)


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
    return Cells(array.multipliers * (multiplier + adder + registers))


def fma_um2(logic: LogicConstants) -> Quantity:
    """Return the area of a fused multiply-add of the softmax: a multiplier and an adder, an upper bound."""
    return logic.fp_multiply_area.at(FP_BITS) + logic.fp_add_area.at(FP_BITS)


def softmax_packet(arch: Arch) -> Memory:
    """Return one line buffer of the softmax."""
    return Memory(words=arch.softmax.fifo_lines, bits=arch.softmax.lanes * FP_BITS)


def pipeline_bits(arch: Arch) -> dict[str, float]:
    """Return the register bits of a lane's pipelines, by action; the depths are those of the timing law.

    One value goes down a pipeline, except for the series, where the argument goes beside the sum, and for the
    accumulation, a tree over the lanes with half as many values behind each layer. The divider has its own.
    """
    softmax = arch.softmax
    layers = max(1, (softmax.lanes - 1).bit_length())
    tree = max(1, softmax.lanes - 1) / softmax.lanes / layers
    return {
        "dequantize": softmax.dequant_latency * FP_BITS,
        "exp": softmax.exp_latency * (2 * FP_BITS if softmax.kind == "taylor5" else softmax.exp_frac_bits),
        "accumulate": tree * softmax.accumulate_latency * FP_BITS,
        "divide": softmax.quantize_latency * FP_BITS,
    }


def _softmax(arch: Arch, logic: LogicConstants) -> Cells:
    bits = arch.softmax.divider_bits
    divider = bits * (logic.add_area.at(bits) + 2 * bits * logic.register_area.quantity)
    exp, memories = TAYLOR_FMAS * fma_um2(logic), [replace(softmax_packet(arch), copies=FIFO_PACKETS)]
    if arch.softmax.kind == "lut":
        exp = logic.multiply_area.at(arch.softmax.exp_frac_bits)
        memories.append(exp_table(arch))
    pipelines = sum(pipeline_bits(arch).values()) * logic.register_area.quantity
    lane = fma_um2(logic) + exp + logic.fp_add_area.at(FP_BITS) + divider + pipelines
    return Cells(arch.softmax.lanes * lane, tuple(memories))


def exp_table(arch: Arch) -> Memory:
    """Return the exp tables of all lanes, read only."""
    softmax = arch.softmax
    return Memory(words=1 << softmax.table_bits, bits=softmax.exp_frac_bits, ports=1, copies=softmax.lanes)


def _requant(arch: Arch, logic: LogicConstants) -> Cells:
    bits = arch.softmax.lanes * arch.softmax.probability_bits
    tree = bits * (logic.compare_area.quantity + arch.requant.tree_stages * logic.register_area.quantity)
    packet = probability_packet(arch)
    return Cells(tree, (replace(packet, words=(1 + arch.requant.queue_rows) * packet.words),))


def probability_packet(arch: Arch) -> Memory:
    """Return the memory of the longest packet of probabilities."""
    softmax = arch.softmax
    return Memory(words=ceil(arch.topk.max_tokens / softmax.lanes), bits=softmax.lanes * softmax.probability_bits)


def fetcher_cells(arch: Arch, logic: LogicConstants) -> Cells:
    """Return the two crossbars (a tree of selectors for each output), their registers and the FIFOs of every port."""
    ports, channels = arch.fetcher.ports, arch.dram.channels
    selectors = channels * (ports - 1) * ADDRESS_BITS + ports * (channels - 1) * DATA_FIFO_BITS
    registers = ports * (arch.fetcher.request_stages * ADDRESS_BITS + arch.fetcher.return_stages * DATA_FIFO_BITS)
    um2 = selectors * logic.select_area.quantity + registers * logic.register_area.quantity
    widths = (ADDRESS_BITS, DATA_FIFO_BITS)
    return Cells(um2, tuple(Memory(words=arch.fetcher.fifo_depth, bits=bits, copies=ports) for bits in widths))


def _controller(arch: Arch, logic: LogicConstants) -> Cells:
    """Return the requests that the DRAM controllers choose from, in registers: all of them are looked at in a clock.

    An entry holds the address of a granule in its channel, the place that waits for it in the token gather, and whether
    it writes. Its DRAM row is compared with the open one of its bank. Choosing among the entries is control.
    """
    dram = arch.dram
    address = (dram.capacity // dram.channels // dram.granule_bytes - 1).bit_length()
    bits = address + (arch.gather.outstanding - 1).bit_length() + 1
    entry = bits * logic.register_area.quantity
    entry += (dram.rows - 1).bit_length() * logic.compare_area.quantity
    return Cells(dram.channels * dram.held * entry)


def _gather(arch: Arch, logic: LogicConstants) -> Cells:
    """Return the token gathers, one for each channel: a gather reads a granule a cycle.

    A product of token and vector length, the address, and the granule's rotation to where its vector begins.
    """
    gather, granule = arch.gather, 8 * arch.dram.granule_bytes
    token_bits = (arch.topk.max_tokens - 1).bit_length()
    product = logic.multiply_area.at(sqrt(token_bits * gather.vector_bits)) + 2 * logic.add_area.at(gather.address_bits)
    rotation = granule * (arch.dram.granule_bytes.bit_length() - 1) * logic.select_area.quantity
    registers = (gather.multiply_stages + 2) * gather.address_bits + gather.align_stages * granule
    registers += 8 * gather.max_row_bytes
    one = product + rotation + registers * logic.register_area.quantity
    channels = arch.dram.channels
    return Cells(channels * one, (Memory(words=gather.outstanding, bits=granule, copies=channels),))


def _converter(arch: Arch, logic: LogicConstants) -> Cells:
    """Return the bitwidth converters, one for each channel: what has come in of both planes, cut into beats of words.

    A plane holds what its widest beat out may leave over and a beat in (`arch.bitwidth_converter.unit_bits`). A
    selector for each width shifts what is left, another one puts the words together.
    """
    lanes, word = arch.converter.lanes, arch.number.onchip_bits
    selectors = registers = 0
    for widths in (msb_widths(word), lsb_widths(word, arch.number.lsb_bits)):
        held = lanes * (widths[-1] - unit_bits(widths) + MSB_WIDTHS[0])
        registers += held
        selectors += (held + lanes * word) * len(widths)
    registers += lanes * word
    one = selectors * logic.select_area.quantity + registers * logic.register_area.quantity
    return Cells(arch.dram.channels * one)


def _importance(arch: Arch, logic: LogicConstants) -> Cells:
    """Return the adders and registers of both accumulators, and the memories of the tokens' sums and of the heads'."""
    unit = arch.importance
    adders = logic.add_area.at(unit.token_bits) + logic.add_area.at(unit.head_bits)
    registers = unit.stages * (unit.token_bits + unit.head_bits) * logic.register_area.quantity
    sums = ((arch.topk.max_tokens, unit.token_bits), (unit.max_heads, unit.head_bits))
    memories = tuple(Memory(words=ceil(count / unit.lanes), bits=unit.lanes * bits) for count, bits in sums)
    return Cells(unit.lanes * (adders + registers), memories)


def _engine(arch: Arch, logic: LogicConstants) -> Cells:
    return engine_cells(arch.topk, logic)


UNITS: dict[str, Callable[[Arch, LogicConstants], Cells]] = {
    "qk": lambda arch, logic: _array(arch, arch.qk, arch.number.onchip_bits, logic),
    "pv": lambda arch, logic: (
        _array(arch, arch.pv, arch.softmax.probability_bits, logic) + Cells(ZERO, (_kept_queue(arch),))
    ),
    "key_sram": lambda arch, _: Cells(ZERO, (bank(arch, arch.key_sram, arch.qk),)),
    "value_sram": lambda arch, _: Cells(ZERO, (bank(arch, arch.value_sram, arch.pv),)),
    "softmax": _softmax,
    "topk": _engine,
    "ranking": _engine,
    "fetcher": fetcher_cells,
    "controller": _controller,
    "gather": _gather,
    "converter": _converter,
    "importance": _importance,
    "requant": _requant,
}
"""What makes the cells of each unit."""
