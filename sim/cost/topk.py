"""Area and energy of a top-k engine.

All have the same shell. What is loaded goes to a search core and, for the way out, to a **side buffer** of two slots of
the longest packet, as one command may load while another one drains. The **drain** reads it, has two comparators a lane
(above the threshold, equal to it), a prefix sum that ranks the equal ones, a zero eliminator for scores with their
indices, and a beat buffer. The cores:

* **quickselect**: two FIFOs of the longest packet, below and above the pivot; a lane has two comparators and two zero
  eliminators; one multiplier draws the pivot's number.
* **radix**: one FIFO and one zero eliminator; a lane tests a score against the digits decided, cuts out the next one
  and says which bins it reaches; each bin has a population count over the lanes, a counter and a comparator.
* **bitserial**: a register for every bit of every score, a population count over all of them with `count_stages`
  registers. Every step clocks all scores, and so does every beat that is loaded.
* **bitonic**: a register for every bit of every score, padded to a power of two, and a comparator and an exchange for
  every two. Every layer clocks all scores, and so does every beat that is loaded.

Left out in all of them: control, and with quickselect the second reading of the line that holds the pivot.
"""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

from tokensieve.arch.datapath import SearchEngine, Topk
from tokensieve.arch.technology import LogicConstants, Quantity, Technology
from tokensieve.sim.cost.cells import Cells, Memory, memory_energy

SLOTS = 2
"""Packets of the longest kind that the side buffer holds."""

STATE_BITS = 16
"""State of the generator of quick-select's pivots."""

TREE_BITS = 2
"""Mean width of the adders of a population count: half of them add single bits, a quarter two, and so on."""

Actions = dict[str, Quantity]
"""Energy in pJ of `load` (one score in), `compare` (one score past the core's comparators once, as the law's `streamed`
counts them), `drain` (one score out of the side buffer)."""


def item_bits(topk: Topk) -> int:
    """Return the bits of a score and its index."""
    return topk.score_bits + (topk.max_tokens - 1).bit_length()


def count_bits(topk: Topk) -> int:
    """Return the width of a number of lanes: 0 to `lanes`."""
    return topk.lanes.bit_length()


def shift_layers(topk: Topk) -> int:
    """Return the layers of a zero eliminator's prefix sum, and of its shifter (paper IV-C)."""
    return (topk.lanes - 1).bit_length()


def radix_bins(topk: Topk) -> int:
    """Return the bins that a radix engine counts: all but the lowest, of whichever digit has the most.

    >>> radix_bins(Topk(score_bits=12, first_digit="log")), radix_bins(Topk(score_bits=12, first_digit="linear"))
    (23, 15)
    """
    later = (1 << min(topk.digit_bits, topk.score_bits)) - 1
    return max(later, 2 * topk.score_bits - 1) if topk.first_digit == "log" else later


def engine_cells(topk: Topk, logic: LogicConstants) -> Cells:
    """Return what one engine is made of."""
    return _shell(topk, logic) + CORES[topk.engine].cells(topk, logic)


def _shell(topk: Topk, logic: LogicConstants) -> Cells:
    score, item, register = topk.score_bits, item_bits(topk), logic.register_area.quantity
    verdicts = 2 * score * logic.compare_area.quantity + _prefix_area(topk, logic)
    beat_buffer = item * (2 * register + logic.select_area.quantity)
    lane = verdicts + topk.drain_stages * score * register + _compactor(topk, item, logic) + beat_buffer
    return Cells(topk.lanes * lane, (_packet_buffer(topk, SLOTS),))


def _quickselect(topk: Topk, logic: LogicConstants) -> Cells:
    score = topk.score_bits
    sides = 2 * (score * logic.compare_area.quantity + _compactor(topk, score, logic))
    lane = sides + score * (logic.select_area.quantity + logic.register_area.quantity)
    draw = logic.multiply_area.at(sqrt(STATE_BITS * topk.max_tokens.bit_length()))
    return Cells(topk.lanes * lane + draw, 2 * (_packet_buffer(topk, 1),))


def _radix(topk: Topk, logic: LogicConstants) -> Cells:
    score, bins, register = topk.score_bits, radix_bins(topk), logic.register_area.quantity
    test = score * (logic.compare_area.quantity + 2 * register) + _cut_layers(topk) * logic.select_area.quantity
    lane = test + _compactor(topk, score, logic) + bins * (register + logic.add_area.at(TREE_BITS))
    total = topk.max_tokens.bit_length()
    counter = logic.add_area.at(total) + total * (register + logic.compare_area.quantity) + count_bits(topk) * register
    return Cells(topk.lanes * lane + bins * counter, (_packet_buffer(topk, 1),))


def _bitserial(topk: Topk, logic: LogicConstants) -> Cells:
    register, select = logic.register_area.quantity, logic.select_area.quantity
    place = topk.score_bits * (register + select) + register + select
    tree = topk.max_tokens * logic.add_area.at(TREE_BITS) + _count_registers(topk) * register
    return Cells(topk.max_tokens * place + tree)


def _bitonic(topk: Topk, logic: LogicConstants) -> Cells:
    places, score = 1 << topk.bitonic_passes, topk.score_bits
    place = score * (logic.register_area.quantity + 2 * logic.select_area.quantity)
    return Cells(places * place + places / 2 * score * logic.compare_area.quantity)


def _packet_buffer(topk: Topk, packets: int) -> Memory:
    """Return a memory of so many of the longest packets."""
    return Memory(words=packets * topk.beats, bits=min(topk.lanes, topk.max_tokens) * topk.score_bits)


def _cut_layers(topk: Topk) -> int:
    """Return the selectors that cut a digit out of a score: a tree over its places, for each bit of the digit."""
    return topk.digit_bits * topk.score_bits.bit_length()


def _count_registers(topk: Topk) -> int:
    """Return the bits of a population count's registers, which lie evenly between its layers of adders.

    >>> _count_registers(Topk(max_tokens=16, count_stages=2))  # behind layer 2 four counts of 3 bits, then one of 5
    17
    """
    layers = (topk.max_tokens - 1).bit_length()
    behind = [-(-layers * stage // topk.count_stages) for stage in range(1, topk.count_stages + 1)]
    return sum(-(-topk.max_tokens // (1 << layer)) * (layer + 1) for layer in behind)


def _prefix_area(topk: Topk, logic: LogicConstants) -> Quantity:
    return shift_layers(topk) * logic.add_area.at(count_bits(topk))


def _compactor(topk: Topk, bits: int, logic: LogicConstants) -> Quantity:
    """Return the area of one lane of a zero eliminator for items of `bits`."""
    shifter = shift_layers(topk) * bits * logic.select_area.quantity
    registers = topk.compactor_stages * (bits + count_bits(topk)) * logic.register_area.quantity
    return _prefix_area(topk, logic) + shifter + registers


def engine_energy(topk: Topk, technology: Technology) -> Actions:
    """Return the energy of one engine's actions."""
    load, compare = CORES[topk.engine].energy(topk, technology)
    side = _packet_memory(topk, SLOTS, technology)
    return {"load": side + load, "compare": compare, "drain": side + _drain_energy(topk, technology)}


def _packet_memory(topk: Topk, packets: int, technology: Technology) -> Quantity:
    """Return one score written to or read from a memory of so many of the longest packets."""
    return memory_energy(topk.score_bits, packets * topk.max_tokens * topk.score_bits, technology)


def _drain_energy(topk: Topk, technology: Technology) -> Quantity:
    logic, score, item = technology.logic, topk.score_bits, item_bits(topk)
    verdicts = 2 * score * logic.compare_energy.quantity + _prefix_energy(topk, technology)
    registers = (topk.drain_stages * score + 2 * item) * logic.register_energy.quantity
    return verdicts + registers + item * logic.select_energy.quantity + _compact_energy(topk, item, technology)


def _quickselect_energy(topk: Topk, technology: Technology) -> tuple[Quantity, Quantity]:
    """Return load and compare; the compactor of the other side moves only zeros."""
    logic, score, fifo = technology.logic, topk.score_bits, _packet_memory(topk, 1, technology)
    split = score * (2 * logic.compare_energy.quantity + logic.register_energy.quantity + logic.select_energy.quantity)
    moved = _prefix_energy(topk, technology) + _compact_energy(topk, score, technology)
    return fifo, 2 * fifo + split + moved


def _radix_energy(topk: Topk, technology: Technology) -> tuple[Quantity, Quantity]:
    """Return load and compare, both with the counting of the digit that comes next."""
    logic, score, fifo = technology.logic, topk.score_bits, _packet_memory(topk, 1, technology)
    total, register = topk.max_tokens.bit_length(), logic.register_energy.quantity
    counter = logic.add_energy.at(total) + (total + count_bits(topk)) * register
    counter = counter + total * logic.compare_energy.quantity
    counted = radix_bins(topk) * (logic.add_energy.at(TREE_BITS) + register + 1 / topk.lanes * counter)
    test = score * (logic.compare_energy.quantity + 2 * register) + _cut_layers(topk) * logic.select_energy.quantity
    return fifo + counted, 2 * fifo + test + counted + _compact_energy(topk, score, technology)


def _bitserial_energy(topk: Topk, technology: Technology) -> tuple[Quantity, Quantity]:
    """Return load (a beat pushes all scores on) and compare (one score in one step)."""
    logic = technology.logic
    place = (topk.score_bits + 1) * (logic.register_energy.quantity + logic.select_energy.quantity)
    tree = logic.add_energy.at(TREE_BITS)
    registers = _count_registers(topk) / topk.max_tokens * logic.register_energy.quantity
    return topk.beats * place, place + tree + registers


def _bitonic_energy(topk: Topk, technology: Technology) -> tuple[Quantity, Quantity]:
    """Return load (a beat pushes all scores on) and compare (one score in one layer)."""
    logic, score, places = technology.logic, topk.score_bits, 1 << topk.bitonic_passes
    place = score * (logic.register_energy.quantity + 2 * logic.select_energy.quantity)
    return places / topk.lanes * place, place + score / 2 * logic.compare_energy.quantity


def _prefix_energy(topk: Topk, technology: Technology) -> Quantity:
    """Return one lane of a zero eliminator's prefix sum."""
    return shift_layers(topk) * technology.logic.add_energy.at(count_bits(topk))


def _compact_energy(topk: Topk, bits: int, technology: Technology) -> Quantity:
    """Return one lane of a zero eliminator that moves an item of `bits`."""
    logic = technology.logic
    registers = topk.compactor_stages * (bits + count_bits(topk)) * logic.register_energy.quantity
    return _prefix_energy(topk, technology) + shift_layers(topk) * bits * logic.select_energy.quantity + registers


class Core(NamedTuple):
    """What a search core costs."""

    cells: Callable[[Topk, LogicConstants], Cells]
    energy: Callable[[Topk, Technology], tuple[Quantity, Quantity]]
    """Energy of `load` and of `compare`."""

    compare: str
    """What one `compare` is, in words."""


CORES: dict[SearchEngine, Core] = {
    "quickselect": Core(
        _quickselect,
        _quickselect_energy,
        "a score streamed in a round: FIFO read, two comparators, two prefix sums, one shifter, FIFO written",
    ),
    "radix": Core(
        _radix,
        _radix_energy,
        "a score streamed for a digit: FIFO read, test of the digits before, next digit counted, compacted,"
        " FIFO written",
    ),
    "bitserial": Core(
        _bitserial,
        _bitserial_energy,
        "one of the scores that there is room for, in one bit's step: registers, population count",
    ),
    "bitonic": Core(
        _bitonic,
        _bitonic_energy,
        "one of the scores that there is room for, in one layer: registers, exchange, half a comparator",
    ),
}
