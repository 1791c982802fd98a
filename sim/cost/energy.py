"""Energy: counts of actions, times the energy of one action, plus what flows while time passes.

`energy_per_action` is the only table. It derives every entry from the structure of the unit and the constants of
`arch.technology`, the same cells that `sim.cost.area` counts. Not charged, for want of a source: control, clock tree,
wires outside the fetcher, bitwidth converters and token gathers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import fsum, log2

from tokensieve.arch import Arch
from tokensieve.arch.datapath import MultiplierArray
from tokensieve.arch.memory import Sram
from tokensieve.arch.quantity import at_least
from tokensieve.arch.technology import ZERO, DramConstants, Quantity, Technology
from tokensieve.sim.cost.area import (
    ADDRESS_BITS,
    DATA_FIFO_BITS,
    FP_BITS,
    TAYLOR_FMAS,
    adder_bits,
    exp_table,
    fetcher_cells,
    multiplier_bits,
    pipeline_bits,
    probability_packet,
    register_bits,
    softmax_packet,
    unit_cells,
)
from tokensieve.sim.cost.cells import cells_um2, leakage_watts, memory_energy, root
from tokensieve.sim.cost.topk import engine_energy

Actions = Mapping[str, Mapping[str, int]]
"""Counts by unit and action."""

JOULES_PER_PJ = 1e-12


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy of a run, in joules."""

    joules: dict[str, float]
    """Energy by unit; `dram_background` and `leakage` flow with time, whatever is done."""

    interval: tuple[float, float]
    """Lowest and highest total. Uncertainties add linearly, as if all constants were wrong in one direction (fully
    correlated): wider than the truth where sources differ."""

    half_widths: dict[str, float] = field(default_factory=dict)
    """Half width of the interval of every unit's energy."""

    @property
    def total(self) -> float:
        """Energy of all units."""
        return fsum(self.joules.values())


def energy(arch: Arch, technology: Technology, actions: Actions, seconds: float) -> Energy:
    """Return the energy of `actions` in a run of `seconds`.

    An unknown unit or action is a `KeyError`: the caller's mistake, not the user's.
    """
    assert seconds >= 0
    table = energy_per_action(arch, technology)
    spent = {unit: ZERO for unit, _ in table}
    for unit, counts in actions.items():
        known = {action: table[unit, action] for action in counts}
        joules = fsum(count * known[action][0] for action, count in counts.items())
        half = fsum(count * known[action][0] * known[action][1] for action, count in counts.items())
        spent[unit] += Quantity(joules, half)
    spent |= {unit: seconds * watts for unit, watts in background_watts(arch, technology).items()}
    values = {unit: one.value for unit, one in spent.items()}
    halves = {unit: one.half_width for unit, one in spent.items()}
    return Energy(values, Quantity(fsum(values.values()), fsum(halves.values())).interval, halves)


def energy_per_action(arch: Arch, technology: Technology) -> dict[tuple[str, str], tuple[float, float]]:
    """Return joules and relative uncertainty of one action, by unit and action.

    >>> from tokensieve.arch.technology import load_technology
    >>> joules, uncertainty = energy_per_action(Arch(), load_technology())["dram", "read_granule"]
    >>> f"{joules * 1e12:.0f} pJ, {uncertainty:.0%}"
    '891 pJ, 48%'
    """
    return {(unit, action): entry for unit in _UNITS for action, entry in unit_energies(unit, arch, technology).items()}


def unit_energies(unit: str, arch: Arch, technology: Technology) -> dict[str, tuple[float, float]]:
    """Return joules and relative uncertainty of one action of `unit`, by action."""
    entries = unit_picojoules(unit, arch, technology)
    return {action: (pj.value * JOULES_PER_PJ, pj.uncertainty) for action, pj in entries.items()}


def unit_picojoules(unit: str, arch: Arch, technology: Technology) -> dict[str, Quantity]:
    """Return the energy of one action of `unit` in pJ, by action; arrays where a field of `cells.ARRAYS` is one."""
    return _UNITS[unit](arch, technology)


def background_watts(arch: Arch, technology: Technology) -> dict[str, Quantity]:
    """Return the power that flows whatever is done: DRAM standby of every channel, and leakage on chip, in watts."""
    return {
        "dram_background": standby_watts(arch, technology),
        "leakage": leakage_watts(unit_cells(arch, technology).values(), technology),
    }


def standby_watts(arch: Arch, technology: Technology) -> Quantity:
    """Return what DRAM takes in standby, all channels together, in watts."""
    dram = technology.dram.of(arch.dram.standard)
    return _channels(arch, dram) * dram.supply.value * 1e-3 * dram.standby.quantity


def _channels(arch: Arch, constants: DramConstants) -> float:
    """Return the channels in units of the one whose currents are known, by width; a clock moves two bits a pin."""
    bits = arch.dram.pseudo_channels * 8 * arch.dram.granule_bytes / (2 * arch.dram.nBL)
    return arch.dram.channels * bits / constants.channel_bits


def _dram(arch: Arch, technology: Technology) -> dict[str, Quantity]:
    """Return the DRAM's actions: a DRAM row and a granule of a pseudo-channel, and one refresh of all its banks.

    A refresh costs what flows above standby while it lasts (nRFC); mA x V x ns is pJ. The current is a channel's.
    """
    chip, dram = arch.dram, technology.dram.of(arch.dram.standard)
    bits = 8 * chip.granule_bytes
    nrfc_ns = chip.nRFC * chip.tCK_ps * 1e-3
    refresh = dram.supply.value * nrfc_ns * (dram.refresh.quantity - dram.standby.quantity)
    return {
        "activate": chip.row_bytes / dram.activate_row_bytes * dram.activate.quantity,
        "read_granule": bits * dram.read.quantity,
        "write_granule": bits * dram.write.quantity,
        "refresh": _channels(arch, dram) / (chip.channels * chip.pseudo_channels) * refresh,
    }


def _fetcher(arch: Arch, technology: Technology) -> dict[str, Quantity]:
    """Return a granule's way out as an address and back as data: FIFO in and out, registers, crossbar."""
    fetcher, ports, channels = arch.fetcher, arch.fetcher.ports, arch.dram.channels
    data_bits = 8 * arch.dram.granule_bytes
    return {
        "request": _hop(arch, technology, ADDRESS_BITS, ADDRESS_BITS, fetcher.request_stages, ports),
        "return": _hop(arch, technology, data_bits, DATA_FIFO_BITS, fetcher.return_stages, channels),
    }


def _hop(arch: Arch, technology: Technology, bits: int, fifo_bits: int, stages: int, inputs: int) -> Quantity:
    """Return the energy of `bits` through a FIFO, `stages` registers and a tree of selectors over `inputs`.

    The wire is as long as the side of a square of the fetcher's area.
    """
    logic = technology.logic
    side_mm = root(cells_um2(fetcher_cells(arch, logic), technology).value * 1e-6)
    path = stages * logic.register_energy.quantity + log2(inputs) * logic.select_energy.quantity
    wire = side_mm * logic.wire.quantity
    return memory_energy(2 * bits, arch.fetcher.fifo_depth * fifo_bits, technology) + bits * (path + wire)


def _sram(arch: Arch, sram: Sram, array: MultiplierArray, technology: Technology) -> dict[str, Quantity]:
    """Return a line of an operand memory, written or read; the size of the banks sets the energy of a bit.

    Banks below the smallest memory whose energy is published cost what that costs, as a line has as far to go.
    """
    smallest = technology.sram.access_energy.points[0].at
    bank_bits = 8 * at_least(smallest, sram.bytes / sram.banks)
    line = memory_energy(array.multipliers * arch.number.onchip_bits, bank_bits, technology)
    return {"write_line": line, "read_line": line}


def _multiply(arch: Arch, array: MultiplierArray, operand_bits: int, technology: Technology) -> dict[str, Quantity]:
    """Return one multiply-accumulate: multiplier, one adder of the tree, and their registers."""
    logic = technology.logic
    one = logic.multiply_energy.at(multiplier_bits(arch, operand_bits))
    one += logic.add_energy.at(adder_bits(arch, operand_bits))
    return {"multiply": one + register_bits(arch, array, operand_bits) * logic.register_energy.quantity}


def _softmax(arch: Arch, technology: Technology) -> dict[str, Quantity]:
    """Return a score's way through the three passes in single precision, line buffers included (paper V-A).

    Scan: scale and compare, one fused multiply-add. Division: one subtraction and one shift for each quotient bit.
    """
    logic, bits = technology.logic, arch.softmax.divider_bits
    add = logic.fp_add_energy.at(FP_BITS)
    fma = add + logic.fp_multiply_energy.at(FP_BITS)
    packet = softmax_packet(arch)
    buffer = memory_energy(FP_BITS, packet.words * packet.bits, technology)
    exp = TAYLOR_FMAS * fma if arch.softmax.kind == "taylor5" else _exp_table(arch, technology)
    energies = {
        "dequantize": fma + buffer,
        "exp": exp + 2 * buffer,
        "accumulate": add,
        "divide": bits * (logic.add_energy.at(bits) + 2 * bits * logic.register_energy.quantity) + buffer,
    }
    pipelines = pipeline_bits(arch)
    return {action: one + pipelines[action] * logic.register_energy.quantity for action, one in energies.items()}


def _exp_table(arch: Arch, technology: Technology) -> Quantity:
    bits, table = arch.softmax.exp_frac_bits, exp_table(arch)
    return technology.logic.multiply_energy.at(bits) + memory_energy(bits, table.words * table.bits, technology)


def _requant(arch: Arch, technology: Technology) -> dict[str, Quantity]:
    """Return one probability through the max tree and the packet that waits for the decision, written and read."""
    logic, bits, packet = technology.logic, arch.softmax.probability_bits, probability_packet(arch)
    tree = bits * (logic.compare_energy.quantity + arch.requant.tree_stages * logic.register_energy.quantity)
    return {"compare": tree + memory_energy(2 * bits, packet.words * packet.bits, technology)}


def _importance(arch: Arch, technology: Technology) -> dict[str, Quantity]:
    """Return an addition to a token's sum (read, add, write) and to the head's, which sits in a register."""
    logic, unit = technology.logic, arch.importance
    memory = memory_energy(2 * unit.token_bits, arch.topk.max_tokens * unit.token_bits, technology)
    register = unit.stages * logic.register_energy.quantity
    return {
        "add_token": logic.add_energy.at(unit.token_bits) + unit.token_bits * register + memory,
        "add_head": logic.add_energy.at(unit.head_bits) + unit.head_bits * register,
    }


def _engine(arch: Arch, technology: Technology) -> dict[str, Quantity]:
    return engine_energy(arch.topk, technology)


_UNITS: dict[str, Callable[[Arch, Technology], dict[str, Quantity]]] = {
    "dram": _dram,
    "fetcher": _fetcher,
    "key_sram": lambda arch, technology: _sram(arch, arch.key_sram, arch.qk, technology),
    "value_sram": lambda arch, technology: _sram(arch, arch.value_sram, arch.pv, technology),
    "qk": lambda arch, technology: _multiply(arch, arch.qk, arch.number.onchip_bits, technology),
    "softmax": _softmax,
    "requant": _requant,
    "topk": _engine,
    "pv": lambda arch, technology: _multiply(arch, arch.pv, arch.softmax.probability_bits, technology),
    "importance": _importance,
    "ranking": _engine,
}
"""What makes the entries of each unit, in pJ."""
