"""Bit-serial selection: the bits of the threshold from the top, each found by counting over all scores at once."""

from collections.abc import Sequence
from functools import reduce
from itertools import combinations, pairwise
from operator import add
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import length_bits
from tokensieve.rtl.search.base import search_ports

_SLICED = 3
"""Layers of the population count that add in bit slices."""

_SLICE, _CHAIN = 5 / 3, 2.5
"""How long such a layer and a chain of carries take, in LUTs: about what nextpnr reports of an ECP5."""


class BitserialCore(wiring.Component):
    """Finds the k-th largest score bit by bit.

    Alive are the scores that agree with the threshold in all bits decided so far. If as many of them as are still to be
    kept have a 1 in the next bit, the threshold has a 1 there and the others die. If not, all with a 1 lie above the
    threshold: they are kept, and die.

    Timing
    ------
    Obeys ``topk.law``, whatever the scores, n and k: ``topk.bitserial_step_cycles`` a bit, and one for the verdict.

    Parameters
    ----------
    topk : `Topk`
        Lanes, longest packet, score width and registers of the population count.

    Members
    -------
    As in `search_ports`; ``round`` is never raised.
    """

    def __init__(self, topk: Topk) -> None:
        super().__init__(search_ports(topk))
        self._topk = topk
        self._lanes = min(topk.lanes, topk.max_tokens)
        self._places = topk.beats * self._lanes

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        topk = self._topk
        behind = registers(self._places, topk.count_stages)
        m.submodules.count = count = PopulationCount(self._places, length_bits(topk), behind)
        # Plane b holds bit b of all scores. A step moves every score up by one bit: the top plane is the one looked at.
        planes = [Signal(self._places, name=f"plane_{bit}", reset_less=True) for bit in range(topk.score_bits)]
        alive = Signal(self._places, reset_less=True)
        left = Signal(length_bits(topk), reset_less=True)  # scores still to be kept
        threshold = Signal(topk.score_bits, reset_less=True)
        rest = Signal(length_bits(topk) + 1, reset_less=True)  # left - 1 once those counted are kept, or negative
        decide = Signal()
        one = Signal()

        m.d.comb += [count.i.eq(planes[-1] & alive), self.threshold.eq(threshold), self.ties.eq(left)]
        # One sum with those of the count, and a register, from which the decision goes to every score.
        m.d.sync += rest.eq(left - count.o - 1)
        m.d.comb += one.eq(rest[-1])
        with m.If(decide):
            m.d.sync += [above.eq(plane) for plane, above in pairwise(planes)]
            m.d.sync += alive.eq(alive & Mux(one, planes[-1], ~planes[-1]))
            m.d.sync += threshold.eq(Cat(one, threshold))
            with m.If(~one):
                m.d.sync += left.eq(rest + 1)
        self._load(m, planes, alive, left)
        self._time(m, decide)
        return m

    def _load(self, m: Module, planes: Sequence[Signal], alive: Signal, left: Signal) -> None:
        """Push a beat in behind those before it; their order does not matter here."""
        before = Mux(self.first, 0, alive)  # the command before leaves nothing behind
        with m.If(self.load):
            for bit, plane in enumerate(planes):
                pushed = Cat(self.row.scores[lane][bit] for lane in range(self._lanes))
                m.d.sync += plane.eq(Cat(pushed, plane))
            m.d.sync += alive.eq(Cat(self.row.mask[: self._lanes], before))
            m.d.sync += left.eq(self.k)

    def _time(self, m: Module, decide: Signal) -> None:
        """Send a token through as many registers as the count has, once for every bit."""
        topk = self._topk
        token = Signal(topk.count_stages + 1)
        bit = Signal(range(topk.score_bits), reset_less=True)
        start = Signal()
        final = Signal()
        m.d.comb += [start.eq(self.load & self.last & self.search), decide.eq(token[-1])]
        m.d.comb += final.eq(bit == topk.score_bits - 1)
        m.d.sync += token.eq(Cat(start | (decide & ~final), token))
        m.d.sync += self.done.eq(decide & final)
        with m.If(start):
            m.d.sync += bit.eq(0)
        with m.Elif(decide):
            m.d.sync += bit.eq(bit + 1)


class PopulationCount(wiring.Component):
    """Counts the ones of a word.

    Timing
    ------
    A cycle for each of its registers, a word every cycle.

    Parameters
    ----------
    bits : int
        Width of the word.
    width : int
        Width of the count. It must hold the most ones that can come.
    behind : sequence of int
        Layers of adders that its registers are behind: see `registers`.

    Members
    -------
    i : ``In(bits)``
        Word.
    o : ``Out(width)``
        Its ones.
    """

    def __init__(self, bits: int, width: int, behind: Sequence[int]) -> None:
        super().__init__({"i": In(bits), "o": Out(width)})
        self._bits, self._behind = bits, behind

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        layers = 1 + (-(-self._bits // 3) - 1).bit_length()
        # Bit slices at first, word j holding bit j of all counts: so narrow, gates are smaller than carry chains.
        words: list[Value] = [self.i]
        for layer in range(1, layers + 1):
            if layer == _SLICED + 1:
                words = _counts(words)
            words = _add_slices(m, words, layer) if layer <= _SLICED else _add_pairs(m, words, layer)
            for stage in (number for number, place in enumerate(self._behind) if place == layer):
                words = _hold(m, words, stage)
        m.d.comb += self.o.eq(_counts(words)[0] if layers <= _SLICED else words[0])
        return m


def registers(bits: int, stages: int) -> list[int]:
    """Return the layers of a population count of `bits` that its registers are behind.

    These are all of `stages` but the last, which is behind the comparison of the count. They lie so that the longest
    way from one to the next is as short as it can be.

    >>> registers(256, 3), registers(1024, 3), registers(8, 3), registers(8, 1)
    ([3, 5], [3, 6], [1, 2], [])
    """
    counts = [bits, -(-bits // 3)]  # counts behind each layer
    while counts[-1] > 1:
        counts.append(-(-counts[-1] // 2))
    last = len(counts) - 1
    spare = max(0, stages - 1 - last)  # registers that have no layer of their own
    ways = ([1] * spare + list(places) for places in combinations(range(1, last + 1), stages - 1 - spare))
    return min(ways, key=lambda places: sorted(_delays(counts, places), reverse=True))


def _delays(counts: Sequence[int], places: Sequence[int]) -> list[float]:
    """Return about how long the way to each register is, in LUTs; what is left to keep is added to the last one's."""
    last = len(counts) - 1
    return [_delay(counts, begin, end, end == last) for begin, end in pairwise([0, *places, last])]


def _delay(counts: Sequence[int], begin: int, end: int, more: int) -> float:
    """Return about how many LUTs lie between two layers: synthesis adds three numbers at a time, then two by a chain of
    carries, which takes as long as `_CHAIN`; `more` numbers are added to these."""
    sliced = max(0, min(end, _SLICED) - begin) * _SLICE
    first, summed = max(begin, _SLICED), 0
    if end <= first and not more:
        return sliced
    numbers = -(-counts[min(first, end)] // counts[end]) + more
    while numbers > 2:
        numbers, summed = numbers - numbers // 3, summed + 1
    return sliced + summed + _CHAIN


def _add_slices(m: Module, words: Sequence[Value], layer: int) -> list[Value]:
    """Add three parts of a word of single bits, in the first layer, or the two halves of all counts."""
    part = -(-len(words[0]) // (3 if layer == 1 else 2))
    carry: Value = words[0][2 * part :] if layer == 1 else Const(0, part)
    added: list[Value] = []
    for number, word in enumerate(words):
        a, b = word[:part], word[part : 2 * part]
        total, over = Signal(part, name=f"sum{layer}_{number}"), Signal(part, name=f"carry{layer}_{number}")
        m.d.comb += [total.eq(a ^ b ^ carry), over.eq((a & b) | (carry & (a | b)))]
        added.append(total)
        carry = over
    return [*added, carry]


def _add_pairs(m: Module, counts: Sequence[Value], layer: int) -> list[Value]:
    """Add every two counts."""
    added: list[Value] = []
    for number in range(0, len(counts), 2):
        total = Signal(layer + 1, name=f"sum{layer}_{number // 2}")
        m.d.comb += total.eq(reduce(add, counts[number : number + 2]))
        added.append(total)
    return added


def _counts(slices: Sequence[Value]) -> list[Value]:
    """Return the counts that lie in bit slices."""
    return [Cat(word[number] for word in slices) for number in range(len(slices[0]))]


def _hold(m: Module, words: Sequence[Value], stage: int) -> list[Value]:
    held = [Signal(len(word), name=f"held{stage}_{number}", reset_less=True) for number, word in enumerate(words)]
    m.d.sync += [register.eq(word) for register, word in zip(held, words, strict=True)]
    return list(held)
