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

The shell is `topk.lanes` wide and the core `topk.comparators`. Where these differ, the words of a core's FIFO hold the
more of the two, and each FIFO has a register and selectors of a word to fill or to cut it; a radix engine counts digits
over the more of the two, as it does so both while loading and while searching.

Left out in all of them: control, and with quickselect the second reading of the line that holds the pivot.
"""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

from tokensieve.arch.datapath import SearchEngine, Topk
from tokensieve.arch.technology import ZERO, LogicConstants, Quantity, Technology
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


class Width(NamedTuple):
    """Width of a zero eliminator."""

    lanes: int
    stages: int
    """Its registers."""

    @property
    def count_bits(self) -> int:
        """Width of a number of lanes: 0 to `lanes`."""
        return self.lanes.bit_length()

    @property
    def layers(self) -> int:
        """Layers of its prefix sum, and of its shifter (paper IV-C)."""
        return (self.lanes - 1).bit_length()


def drain_width(topk: Topk) -> Width:
    """Return the width of the drain."""
    return Width(topk.lanes, topk.compactor_stages)


def search_width(topk: Topk) -> Width:
    """Return the width of the search."""
    return Width(topk.search_lanes, topk.search_compactor_stages)


def wider(topk: Topk) -> int:
    """Return the more of the scores that are loaded and of those that are compared in a cycle."""
    return max(topk.lanes, topk.search_lanes)


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
    score, item, register, width = topk.score_bits, item_bits(topk), logic.register_area.quantity, drain_width(topk)
    verdicts = 2 * score * logic.compare_area.quantity + _prefix_area(width, logic)
    beat_buffer = item * (2 * register + logic.select_area.quantity)
    lane = verdicts + topk.drain_stages * score * register + _compactor(width, item, logic) + beat_buffer
    return Cells(topk.lanes * lane, (_packet_buffer(topk, SLOTS, topk.lanes),))


def _quickselect(topk: Topk, logic: LogicConstants) -> Cells:
    score = topk.score_bits
    sides = 2 * (score * logic.compare_area.quantity + _compactor(search_width(topk), score, logic))
    lane = sides + score * (logic.select_area.quantity + logic.register_area.quantity)
    draw = logic.multiply_area.at(sqrt(STATE_BITS * topk.max_tokens.bit_length()))
    logic_um2 = topk.search_lanes * lane + draw + 2 * _resizer(topk, logic)
    return Cells(logic_um2, 2 * (_packet_buffer(topk, 1, wider(topk)),))


def _radix(topk: Topk, logic: LogicConstants) -> Cells:
    score, bins, register = topk.score_bits, radix_bins(topk), logic.register_area.quantity
    test = score * (logic.compare_area.quantity + 2 * register) + _cut_layers(topk) * logic.select_area.quantity
    lane = test + _compactor(search_width(topk), score, logic)
    counted, total = wider(topk) * bins * (register + logic.add_area.at(TREE_BITS)), topk.max_tokens.bit_length()
    counter = logic.add_area.at(total) + total * (register + logic.compare_area.quantity)
    counter = counter + wider(topk).bit_length() * register
    logic_um2 = topk.search_lanes * lane + counted + bins * counter + _resizer(topk, logic)
    return Cells(logic_um2, (_packet_buffer(topk, 1, wider(topk)),))


def _bitserial(topk: Topk, logic: LogicConstants) -> Cells:
    register, select = logic.register_area.quantity, logic.select_area.quantity
    place = topk.score_bits * (register + select) + register + select
    tree = topk.max_tokens * logic.add_area.at(TREE_BITS) + _count_registers(topk) * register
    return Cells(topk.max_tokens * place + tree)


def _bitonic(topk: Topk, logic: LogicConstants) -> Cells:
    places, score = 1 << topk.bitonic_passes, topk.score_bits
    place = score * (logic.register_area.quantity + 2 * logic.select_area.quantity)
    return Cells(places * place + places / 2 * score * logic.compare_area.quantity)


def _packet_buffer(topk: Topk, packets: int, lanes: int) -> Memory:
    """Return a memory of so many of the longest packets, in words of `lanes` scores."""
    return Memory(words=packets * -(-topk.max_tokens // lanes), bits=min(lanes, topk.max_tokens) * topk.score_bits)


def _resizer(topk: Topk, logic: LogicConstants) -> Quantity:
    """Return the area between a FIFO's words and what is narrower than they are; none where all are alike."""
    if topk.search_lanes == topk.lanes:
        return ZERO
    return wider(topk) * topk.score_bits * (logic.register_area.quantity + logic.select_area.quantity)


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


def _prefix_area(width: Width, logic: LogicConstants) -> Quantity:
    return width.layers * logic.add_area.at(width.count_bits)


def _compactor(width: Width, bits: int, logic: LogicConstants) -> Quantity:
    """Return the area of one lane of a zero eliminator for items of `bits`."""
    shifter = width.layers * bits * logic.select_area.quantity
    registers = width.stages * (bits + width.count_bits) * logic.register_area.quantity
    return _prefix_area(width, logic) + shifter + registers


def engine_energy(topk: Topk, technology: Technology) -> Actions:
    """Return the energy of one engine's actions."""
    load, compare = CORES[topk.engine].energy(topk, technology)
    side = _packet_memory(topk, SLOTS, technology)
    return {"load": side + load, "compare": compare, "drain": side + _drain_energy(topk, technology)}


def _packet_memory(topk: Topk, packets: int, technology: Technology) -> Quantity:
    """Return one score written to or read from a memory of so many of the longest packets."""
    return memory_energy(topk.score_bits, packets * topk.max_tokens * topk.score_bits, technology)


def _drain_energy(topk: Topk, technology: Technology) -> Quantity:
    logic, score, item, width = technology.logic, topk.score_bits, item_bits(topk), drain_width(topk)
    verdicts = 2 * score * logic.compare_energy.quantity + _prefix_energy(width, technology)
    registers = (topk.drain_stages * score + 2 * item) * logic.register_energy.quantity
    return verdicts + registers + item * logic.select_energy.quantity + _compact_energy(width, item, technology)


def _resize_energy(topk: Topk, technology: Technology) -> Quantity:
    """Return one score on its way between a FIFO's words and what is narrower than they are."""
    if topk.search_lanes == topk.lanes:
        return ZERO
    return topk.score_bits * (technology.logic.register_energy.quantity + technology.logic.select_energy.quantity)


def _quickselect_energy(topk: Topk, technology: Technology) -> tuple[Quantity, Quantity]:
    """Return load and compare; the compactor of the other side moves only zeros."""
    logic, score, fifo = technology.logic, topk.score_bits, _packet_memory(topk, 1, technology)
    split = score * (2 * logic.compare_energy.quantity + logic.register_energy.quantity + logic.select_energy.quantity)
    width, resize = search_width(topk), _resize_energy(topk, technology)
    moved = _prefix_energy(width, technology) + _compact_energy(width, score, technology)
    return fifo + resize, 2 * fifo + split + moved + resize


def _radix_energy(topk: Topk, technology: Technology) -> tuple[Quantity, Quantity]:
    """Return load and compare, both with the counting of the digit that comes next."""
    logic, score, fifo = technology.logic, topk.score_bits, _packet_memory(topk, 1, technology)
    total, register = topk.max_tokens.bit_length(), logic.register_energy.quantity
    counter = logic.add_energy.at(total) + (total + wider(topk).bit_length()) * register
    counter = counter + total * logic.compare_energy.quantity

    def counted(lanes: int) -> Quantity:
        """Return the energy of counting one of `lanes` scores of a beat."""
        return radix_bins(topk) * (logic.add_energy.at(TREE_BITS) + register + 1 / lanes * counter)

    test = score * (logic.compare_energy.quantity + 2 * register) + _cut_layers(topk) * logic.select_energy.quantity
    resize, compacted = _resize_energy(topk, technology), _compact_energy(search_width(topk), score, technology)
    return fifo + counted(topk.lanes) + resize, 2 * fifo + test + counted(topk.search_lanes) + compacted + resize


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


def _prefix_energy(width: Width, technology: Technology) -> Quantity:
    """Return one lane of a zero eliminator's prefix sum."""
    return width.layers * technology.logic.add_energy.at(width.count_bits)


def _compact_energy(width: Width, bits: int, technology: Technology) -> Quantity:
    """Return one lane of a zero eliminator that moves an item of `bits`."""
    logic = technology.logic
    registers = width.stages * (bits + width.count_bits) * logic.register_energy.quantity
    return _prefix_energy(width, technology) + width.layers * bits * logic.select_energy.quantity + registers


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
