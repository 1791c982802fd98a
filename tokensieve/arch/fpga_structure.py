"""What a top-k engine is made of on an FPGA, counted from its parameters: registers, selectors, memories, multipliers.

A block is the search core of one engine, or the shell around it: commands, side buffer, drain and zero eliminator. Its
registers, block memories and multipliers are counted as the RTL writes them. So are its `gates`: what its selectors,
adders and comparators would take of four-input LUTs, by hand, whatever synthesis makes of them. What a term takes in
truth is fitted to recorded runs (`arch.fpga_model`). The functions read fields and properties of `Topk` alone.
"""

from collections.abc import Callable, Mapping

from tokensieve.arch.datapath import SearchEngine, Topk
from tokensieve.arch.population import held, longest

SHELL = "shell"
"""Name of the block that all engines have; the other one is called as its engine is."""

_WIDE = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Words and bits of a block memory of an ECP5 with one port to read and one to write (Lattice FPGA-TN-02204)."""

_ADDED = 1.45
"""LUTs of a bit that is added, subtracted or compared by size: half a carry cell of two LUTs, and its share of the ends
of a chain, as in the recorded runs."""

_HIDDEN = 6
"""Layers of a population count that take no longer than what else is between two registers."""

_PAIR = 1.5
"""LUTs of a bit of a sum of a few bits, which no carry chain is made for."""

Terms = Mapping[str, float]


def block_memories(depth: int, width: int) -> int:
    """Return the block memories of an ECP5 that hold `depth` words of `width` bits.

    >>> block_memories(128, 192), block_memories(2048, 12)
    (6, 2)
    """
    return min(-(-depth // words) * -(-width // bits) for words, bits in _WIDE)


def distributed_memories(depth: int, width: int) -> int:
    """Return the distributed memories of 16 words of 4 bits that hold `depth` words of `width` bits."""
    return -(-depth // 16) * -(-width // 4)


def brams(topk: Topk) -> int:
    """Return the block memories of an engine: the side buffer and, of radix, a bank for each lane."""
    side = block_memories(2 << _row_bits(topk), topk.lanes * topk.score_bits)
    return side + (topk.lanes * block_memories(max(2, topk.beats), topk.score_bits) if topk.engine == "radix" else 0)


def dsps(topk: Topk) -> int:
    """Return the multipliers of an engine: quick-select numbers its pivots by a product."""
    return 1 if topk.engine == "quickselect" else 0


def registers(topk: Topk) -> Mapping[str, int]:
    """Return the flip-flops of each block, as the RTL writes them."""
    return {SHELL: _shell_registers(topk), topk.engine: _REGISTERS[topk.engine](topk)}


def terms(topk: Topk) -> Mapping[str, Terms]:
    """Return what the LUTs of each block grow with."""
    return {SHELL: _shell_terms(topk), topk.engine: _TERMS[topk.engine](topk)}


def path_terms(topk: Topk) -> Terms:
    """Return what the longest path of an engine grows with."""
    half = topk.compactor_stages // 2
    layers = -(-_lane_bits(topk) // half)
    shared = {"path": 1, "layers between registers": layers, "lane bits": _lane_bits(topk)}
    match topk.engine:
        case "quickselect":
            return {**shared, "set bits": _length_bits(topk), "deep": max(2, topk.beats) / 16}
        case "radix":
            return {**shared, "set bits": _length_bits(topk), "digit bits": digit_width(topk)}
        case "bitserial":
            places = _places(topk)
            beyond = max(0.0, longest(places, topk.count_stages) - _HIDDEN)
            return {**shared, "count layers": beyond, "places": places.bit_length()}
        case "bitonic":
            return {**shared, "score bits": topk.score_bits, "places": topk.bitonic_passes}


def _lane_bits(topk: Topk) -> int:
    return (topk.lanes - 1).bit_length()


def _count_bits(topk: Topk) -> int:
    return topk.lanes.bit_length()


def _index_bits(topk: Topk) -> int:
    return (topk.max_tokens - 1).bit_length()


def _length_bits(topk: Topk) -> int:
    return topk.max_tokens.bit_length()


def _row_bits(topk: Topk) -> int:
    return max(1, (topk.beats - 1).bit_length())


def _rank_bits(topk: Topk) -> int:
    """Return the bits of the ranks of all lanes: that of lane i is at most i + 1."""
    return sum((lane + 1).bit_length() for lane in range(topk.lanes))


def _shell_registers(topk: Topk) -> int:
    """Return the registers of front, drain, zero eliminator and beat buffer.

    Up to the first selectors an item's index is that of its beat, which all lanes share.
    """
    lanes, bits, row, length = topk.lanes, topk.score_bits, _row_bits(topk), _length_bits(topk)
    words, count, place = lanes * bits, _count_bits(topk), _lane_bits(topk)
    front = 4 * length + row + bits + lanes + 2 + (16 if topk.engine == "quickselect" else 0)
    drain = 5 * words + 7 * row + 5 * length + bits + 6 * lanes + _rank_bits(topk)
    half = topk.compactor_stages // 2
    prefix = half * (words + row + lanes) + (half - 1) * _rank_bits(topk) + lanes * place + place + count + 1
    route = half * (words + lanes * (_index_bits(topk) if place else row) + lanes + place + count + 1)
    route += (half - 1) * lanes * place // 2
    return front + drain + prefix + route + lanes * (2 * (bits + _index_bits(topk)) + 1)


def _ranking(topk: Topk) -> float:
    """Return the LUTs of a prefix sum of marks over the lanes."""
    layers = range(_lane_bits(topk))
    return _PAIR * sum((topk.lanes - (1 << layer)) * (layer + 2) for layer in layers)


def _compactor(topk: Topk, width: int) -> float:
    """Return the LUTs of a compactor of items of `width` bits: prefix sum, places, selectors."""
    lanes, layers = topk.lanes, _lane_bits(topk)
    return _ranking(topk) + 2 * lanes * layers + layers * lanes * width


def _comparators(topk: Topk) -> float:
    """Return the LUTs of a comparison by size in every lane."""
    return topk.lanes * (_ADDED * topk.score_bits + 3)


def _shell_terms(topk: Topk) -> Terms:
    """Return gates and engine. Gates: drain (above or equal, ranks of ties), compactor, beat buffer, wire, counters."""
    lanes, length = topk.lanes, _length_bits(topk)
    item = topk.score_bits + _index_bits(topk)
    drain = _comparators(topk) + lanes * (0.67 * topk.score_bits + 1 + _ADDED * length) + _ranking(topk)
    passing = 2 * lanes * item + _compactor(topk, item)
    return {"gates": drain + passing + 6 * _ADDED * length + 2 * _ADDED * _row_bits(topk), "engine": 1}


def _compactor_registers(topk: Topk, width: int, shared: bool = False) -> int:
    """Return the registers of a search's compactor for items of `width` bits; with `shared`, without those of the
    prefix sum's items, which another compactor has."""
    half, lanes, place = topk.compactor_stages // 2, topk.lanes, _lane_bits(topk)
    prefix = (0 if shared else lanes * width) + lanes * (1 + (_count_bits(topk) if place else 0))
    return half * (prefix + lanes * (width + 1) + 4 * place) + (half - 1) * lanes * place


def _quickselect_registers(topk: Topk) -> int:
    lanes, bits, length = topk.lanes, topk.score_bits, _length_bits(topk)
    reader = lanes * (bits + 1) + length + _row_bits(topk) + bits
    partition = lanes * (bits + 2) + 2 * _popcount_registers(topk)
    compactors = _compactor_registers(topk, bits) + _compactor_registers(topk, bits, shared=True)
    return lanes * (bits + 1) + 16 + 4 * _row_bits(topk) + reader + partition + compactors + 8 * length


def _popcount_registers(topk: Topk) -> int:
    """Return the registers of a count of marks over the lanes."""
    layers, total, sums = _lane_bits(topk), 0, topk.lanes
    apart = max(1, -(-layers // topk.quickselect_count_stages))
    for layer in range(max(1, layers)):
        sums = -(-sums // 2)
        if (layer + 1) % apart == 0 or layer + 1 >= layers:
            total += sums * min(layer + 2, _count_bits(topk))
    return total


def _quickselect_terms(topk: Topk) -> Terms:
    """Return gates and engine. Gates: both sides' comparators and compactors, FIFOs, their ports, sums."""
    lanes, bits, length = topk.lanes, topk.score_bits, _length_bits(topk)
    words, depth = lanes * bits, max(2, topk.beats)
    sides = 2 * (_comparators(topk) + _compactor(topk, bits) + _PAIR * (lanes - 1))
    memories = 2 * lanes * (_queue_memories(topk) + bits * (-(-depth // 16) - 1) + _row_bits(topk))
    reader = 2 * words + words * (1 - 1 / lanes)
    return {"gates": sides + memories + reader + 12 * _ADDED * length + 60, "engine": 1}


def _queue_memories(topk: Topk) -> int:
    """Return the LUTs that the distributed memories of a lane's queue of scores take of one side."""
    return 6 * distributed_memories(max(2, topk.beats), topk.score_bits)


def digit_width(topk: Topk) -> int:
    """Return the bits of a radix digit."""
    return min(topk.digit_bits, topk.score_bits - (2 if topk.first_digit == "log" else 0))


def bins(topk: Topk) -> int:
    """Return the bins that a radix engine counts: all but the lowest, of whichever digit has the most."""
    later = (1 << digit_width(topk)) - 1
    return max(later, 2 * topk.score_bits - 1) if topk.first_digit == "log" else later


def _most_left(topk: Topk) -> int:
    """Return the bits that the first radix digit may leave undecided."""
    return topk.score_bits - (2 if topk.first_digit == "log" else digit_width(topk))


def _radix_registers(topk: Topk) -> int:
    lanes, bits, length, digit = topk.lanes, topk.score_bits, _length_bits(topk), digit_width(topk)
    kept, fine = max(1, _most_left(topk)), _most_left(topk).bit_length() // 2
    stored = 4 * lanes * bits + lanes * kept + 5 * lanes  # words, beat to test, beat loaded, beat to write, survivors
    digits = lanes * (2 * digit + (1 << fine) - 1 + bins(topk))
    counters = bins(topk) * (_count_bits(topk) + length + 1)
    decision = 3 * bits + bins(topk).bit_length() + bits.bit_length() + 6 * length
    return stored + digits + counters + decision + _compactor_registers(topk, kept) + 3 * _row_bits(topk) + 25


def _radix_terms(topk: Topk) -> Terms:
    """Return gates and engine. Gates: test, digit and bins of each lane, counters, decision, compactor, memory."""
    lanes, bits, length, digit = topk.lanes, topk.score_bits, _length_bits(topk), digit_width(topk)
    left, fine = _most_left(topk), _most_left(topk).bit_length() // 2
    cut = (digit + (1 << fine) - 1) * (left // (1 << fine)) * 0.67 + digit * fine + digit
    lane = 1.33 * bits + cut + 2.5 * bins(topk) + bits
    counters = bins(topk) * (2 * _ADDED * length + 3 + _PAIR * (lanes - 1))
    decision = 6 * bits + 0.55 * length * bins(topk) + 10 * length
    memory = lanes * (bits + _row_bits(topk)) + 2 * _ADDED * length + 30
    return {"gates": lanes * lane + counters + decision + _compactor(topk, max(1, left)) + memory, "engine": 1}


def _places(topk: Topk) -> int:
    """Return the scores that the registers of a bit-serial engine hold."""
    return topk.beats * min(topk.lanes, topk.max_tokens)


def _bitserial_registers(topk: Topk) -> int:
    places, length = _places(topk), _length_bits(topk)
    count = sum(map(sum, held(places, topk.count_stages))) + length + 1
    lanes = min(topk.lanes, topk.max_tokens)
    banks = -(-places // (-(-64 // lanes) * lanes))
    times = topk.count_stages + 4 + (topk.score_bits - 1).bit_length() + (2 * banks if banks > 1 else 0)
    return places * (topk.score_bits + 1) + length + topk.score_bits + count + times


def _bitserial_terms(topk: Topk) -> Terms:
    """Return score bits and engine: the count over all scores hardly shows beside the registers that shift them."""
    return {"score bits": _places(topk) * topk.score_bits, "engine": 1}


def _bitonic_registers(topk: Topk) -> int:
    passes = topk.bitonic_passes
    return (1 << passes) * topk.score_bits + topk.score_bits + 6 * passes + 4


def _bitonic_terms(topk: Topk) -> Terms:
    places = 1 << topk.bitonic_passes
    return {"score bits": places * topk.score_bits, "word bits": topk.lanes * topk.score_bits, "engine": 1}


_REGISTERS: Mapping[SearchEngine, Callable[[Topk], int]] = {
    "quickselect": _quickselect_registers,
    "radix": _radix_registers,
    "bitserial": _bitserial_registers,
    "bitonic": _bitonic_registers,
}
_TERMS: Mapping[SearchEngine, Callable[[Topk], Terms]] = {
    "quickselect": _quickselect_terms,
    "radix": _radix_terms,
    "bitserial": _bitserial_terms,
    "bitonic": _bitonic_terms,
}
