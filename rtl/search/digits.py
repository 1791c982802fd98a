"""The digits of radix select: which scores match what is decided, and which bins the next digit reaches."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import event, sparse_beat
from tokensieve.rtl.search.base import search_beat


def most_left(topk: Topk) -> int:
    """Return how many bits the first digit may leave undecided."""
    return topk.score_bits - (2 if topk.first_digit == "log" else digit_width(topk))


def digit_width(topk: Topk) -> int:
    """Return the bits of a digit; where fewer are left, zeros stand in for those that are missing at its end."""
    return min(topk.digit_bits, topk.score_bits - (2 if topk.first_digit == "log" else 0))


def bins(topk: Topk) -> int:
    """Return the bins that are counted: all but the lowest, of whichever digit has the most."""
    later = (1 << digit_width(topk)) - 1
    return max(later, 2 * topk.score_bits - 1) if topk.first_digit == "log" else later


def reaches(digit: Value, bound: int) -> Value:
    """Return whether `digit` is at least `bound`, as gates: synthesis would make a chain of carries of a comparison."""
    result: Value = Const(1)
    for bit in range(len(digit)):
        result = digit[bit] & result if bound >> bit & 1 else digit[bit] | result
    return result


def pick(choices: Sequence[Value], number: Value) -> Value:
    """Return choice `number`, out of a tree of two-way multiplexers; beyond the last one any choice will do."""
    level, bit = list(choices), 0
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [Mux(number[bit], pair[1], pair[0]) if len(pair) == 2 else pair[0] for pair in pairs]
        bit += 1
    return level[0]


def decided(topk: Topk) -> StructLayout:
    """Return the layout of what is known of the threshold.

    `prefix` holds the bits decided, zeros below them; `known` says which these are, `tested` which of them the stored
    scores have not been tested for; `left` counts the others.
    """
    bits = topk.score_bits
    fields = {name: unsigned(bits) for name in ("prefix", "known", "tested")}
    return StructLayout({**fields, "left": unsigned(bits.bit_length())})


def set_beat(topk: Topk) -> StructLayout:
    """Return the layout of a beat of a set and whether it is the set's first or last."""
    return StructLayout({**dict(search_beat(topk).members), "first": unsigned(1), "last": unsigned(1)})


def stored_beat(topk: Topk) -> StructLayout:
    """Return the layout of a stored beat whose scores have not been read yet: its mask and its place in the set."""
    return StructLayout({"mask": unsigned(topk.lanes), "first": unsigned(1), "last": unsigned(1)})


class Digits(wiring.Component):
    """Reads beats for the counters: beats that are loaded by their first digit, stored ones by the next digit.

    Of the stored scores, only those that match what is decided reach any bin; they are handed on as survivors, without
    the bits that the first digit has decided for all of them.

    Timing
    ------
    A beat every cycle, either loaded or stored. ``levels`` has a loaded beat 2 cycles later, a stored one 4 cycles
    later; ``written`` has a loaded beat 1 cycle later, ``survivors`` a stored one 2 cycles later.

    Parameters
    ----------
    topk : `Topk`
        Lanes, score width and digits.

    Members
    -------
    loaded : ``In(event(set_beat(topk)))``
        Beats that come in. They are for the first digit, whatever is decided.
    stored : ``In(event(stored_beat(topk)))``
        Beats of the set that the last digit but one left.
    scores : ``In(ArrayLayout(unsigned(topk.score_bits), topk.lanes))``
        The scores of the stored beat of the cycle before.
    decided : ``In(decided(topk))``
        What the digits before have decided. Holds from the cycle after a set's first stored beat on.
    stop : ``In(1)``
        Drop the stored beats that have come so far, and end the survivors' packet.
    written : ``Out(event(set_beat(topk)))``
        The loaded beat, zeros where lanes do not count.
    survivors : ``Out(event(sparse_beat(topk.lanes, unsigned(most_left(topk)))))``
        The stored beat, marks where scores match.
    levels : ``Out(bins(topk)).array(topk.lanes)``
        The bins that each lane's score reaches, for `Counters`.
    restart : ``Out(1)``
        With `levels`: it is a set's first beat.
    """

    def __init__(self, topk: Topk) -> None:
        super().__init__(
            {
                "loaded": In(event(set_beat(topk))),
                "stored": In(event(stored_beat(topk))),
                "scores": In(search_beat(topk)["scores"].shape),
                "decided": In(decided(topk)),
                "stop": In(1),
                "written": Out(event(set_beat(topk))),
                "survivors": Out(event(sparse_beat(topk.lanes, unsigned(max(1, most_left(topk)))))),
                "levels": Out(bins(topk)).array(topk.lanes),
                "restart": Out(1),
            }
        )
        self._topk = topk
        self._fine = most_left(topk).bit_length() // 2  # low bits of `left` that shift within a chunk

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        log = self._topk.first_digit == "log"
        first = [Signal(name=f"first{stage}") for stage in range(3)]  # stored beat, survivors, digit
        row = Signal(stored_beat(self._topk), reset_less=True)
        valid = Signal()
        mask = Signal(self._topk.lanes)
        m.d.sync += [row.eq(self.stored.payload), mask.eq(self.stored.payload.mask), valid.eq(self.stored.valid)]
        with m.If(~self.stored.valid):
            m.d.sync += mask.eq(0)
        m.d.sync += first[0].eq(self.stored.valid & self.stored.payload.first)
        m.d.sync += [first[1].eq(first[0]), first[2].eq(first[1] | (self.loaded.valid & self.loaded.payload.first))]
        m.d.sync += self.restart.eq(first[2])

        written = self.written.payload
        m.d.sync += [self.written.valid.eq(self.loaded.valid), written.eq(self.loaded.payload)]
        m.d.sync += [self.survivors.valid.eq(valid), self.survivors.payload.last.eq(row.last)]
        for lane in range(self._topk.lanes):
            counts = self.loaded.valid & self.loaded.payload.mask[lane]
            with m.If(~counts):
                m.d.sync += written.scores[lane].eq(0)
            digit = self._digit(m, lane, self.scores[lane], mask[lane], counts)
            highest = self._log_levels(m, lane, written.scores[lane]) if log else []
            for bound in range(1, bins(self._topk) + 1):
                terms = [reaches(digit, bound)] if bound < 1 << len(digit) else []
                terms += [highest[bound - 1]] if bound <= len(highest) else []
                m.d.sync += self.levels[lane][bound - 1].eq(Cat(terms).any())
        with m.If(self.stop):
            m.d.sync += [valid.eq(0), mask.eq(0), first[0].eq(0), first[1].eq(0)]
            m.d.sync += [self.survivors.valid.eq(1), self.survivors.payload.mask.eq(0)]
            m.d.sync += self.survivors.payload.last.eq(1)
        return m

    def _digit(self, m: Module, lane: int, score: Value, mask: Value, counts: Value) -> Signal:
        """Test a stored score and cut out its next digit; return it, or the first digit of a loaded score."""
        topk, fine = self._topk, self._fine
        survivors, width = self.survivors.payload, digit_width(topk)
        match, chunk = Signal(name=f"match_{lane}"), Signal(width + (1 << fine) - 1, name=f"chunk_{lane}")
        differs = Signal(topk.score_bits, name=f"differs_{lane}")
        digit = Signal(width, name=f"digit_{lane}", reset_less=True)
        m.d.comb += [differs.eq((score ^ self.decided.prefix) & self.decided.tested), match.eq(mask & ~differs.any())]
        m.d.sync += [survivors.mask[lane].eq(match), survivors.items[lane].eq(score)]

        padded = Cat(Const(0, width), score)  # a chunk begins `width` bits below a multiple of 2^fine
        starts = range(0, most_left(topk) + 1, 1 << fine)
        m.d.sync += chunk.eq(pick([padded[at : at + len(chunk)] for at in starts], self.decided.left[fine:]))
        cut = pick([chunk[at : at + width] for at in range(1 << fine)], self.decided.left[:fine])
        m.d.sync += digit.eq(Mux(survivors.mask[lane], cut, 0))
        if topk.first_digit == "linear":
            with m.If(counts):
                m.d.sync += digit.eq(self.loaded.payload.scores[lane][-width:])
        return digit

    def _log_levels(self, m: Module, lane: int, score: Value) -> list[Value]:
        """Return which bins from 1 on the logarithmic first digit of a score reaches.

        Its bins go by position p of the highest set bit and the bit below that: 2 p + bit; score 1 is in bin 1.
        """
        width = self._topk.score_bits
        above = Signal(width + 1, name=f"above_{lane}")  # bit p: some bit from p on is set
        m.d.comb += [above[bit].eq(above[bit + 1] | score[bit]) for bit in range(width)]
        levels: list[Value] = [above[0]]
        for bit in range(1, width):
            levels += [above[bit], above[bit + 1] | (score[bit] & score[bit - 1])]
        return levels
