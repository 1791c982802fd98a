"""Of the fixed-length pruner: exactly K tokens of each sequence, those of the largest scores, and when they leave."""

from functools import partial
from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Array, Assert, Assume, Cat, Module, Mux, Signal, Value

from tokensieve.arch.fixed_length_law import SequenceWork
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.rtl.flow.claims.topk import largest
from tokensieve.rtl.flow.formal import Bench, Claim, accept
from tokensieve.rtl.flow.harness.base import unit_class

TOKENS, KEEP, LANES = 3, 2, 2
"""Three tokens take two beats, the second of which is not full."""

SMALL = FixedLengthPruner(
    max_tokens=TOKENS, keep=KEEP, lanes=LANES, score_bits=4, id_bits=3, count_stages=1, engines=2
)  # fmt: skip

LONGEST = 5
"""Tokens of the longest sequence that is offered: one beat more than there may be."""


class Pair(Bench):
    """A pruner that is given two sequences in a row, of any lengths, one of which may be too long.

    An id is a token's place, and which sequence it is of. Without `pauses` the sequences come at full rate, and what
    leaves is taken at once.
    """

    def __init__(self, pauses: bool) -> None:
        self._pauses = pauses

    def check(self, m: Module) -> None:
        """Feed what the solver has picked, and hold what leaves against the sequence that it is of."""
        m.submodules.unit = unit = unit_class("tokensieve.rtl.fixed_length_pruner", "FixedLengthPruner")(SMALL)
        lengths, scores = [AnyConst(3) for _ in range(2)], [AnyConst(8 * SMALL.score_bits) for _ in range(2)]
        m.d.comb += [Assume(one <= LONGEST) for one in lengths]
        fed = self._feed(m, unit, Array(lengths), Array(scores))
        if self._pauses:
            m.d.comb += unit.i.valid.eq(AnySeq(1))
            m.d.comb += Assume(~self._waited(m, unit.i) | unit.i.valid)
            accept(m, unit.o)
        else:
            m.d.comb += [unit.i.valid.eq(fed < 2), unit.o.ready.eq(1)]
            self._in_time(m, unit, lengths)
        self._compare(m, unit, lengths, scores)

    @staticmethod
    def _waited(m: Module, port: Any) -> Signal:
        """Return whether a beat was not taken in the cycle before."""
        waited = Signal()
        m.d.sync += waited.eq(port.valid & ~port.ready)
        return waited

    def _feed(self, m: Module, unit: Any, lengths: Any, scores: Any) -> Signal:
        """Put the beats of the sequences on the input; return how many sequences have come."""
        fed, place, beat = Signal(2), Signal(3), unit.i.p
        n, words = lengths[fed[0]], scores[fed[0]]
        last = (place + 1) * LANES >= n
        m.d.comb += [beat.last.eq(last), beat["count"].eq(Mux(last, n - place * LANES, LANES))]
        for lane in range(LANES):
            number = Signal(3, name=f"number{lane}")
            m.d.comb += [number.eq(place * LANES + lane), beat.items[lane].id.eq(Cat(number[:2], fed[0]))]
            m.d.comb += beat.items[lane].score.eq(words.word_select(number, SMALL.score_bits))
        with m.If(unit.i.valid & unit.i.ready):
            m.d.sync += [place.eq(Mux(last, 0, place + 1)), fed.eq(fed + last)]
        m.d.comb += Assume(~unit.i.valid | (fed < 2))
        return fed

    def _compare(self, m: Module, unit: Any, lengths: Any, scores: Any) -> None:
        """Count the tokens that leave, and look whether each is one of the largest, behind the one before."""
        o, left = unit.o, Signal(2)
        kept = [largest(m, words, n, Value.cast(KEEP), SMALL.topk) for words, n in zip(scores, lengths, strict=True)]
        mine, n = Array(kept)[left[0]], Array(lengths)[left[0]]
        too_long = n > TOKENS
        count = Mux(too_long, 0, Mux(n > KEEP, KEEP, n))
        m.d.comb += Assert(~o.valid | (left < 2), "nothing leaves after the last sequence")
        m.d.comb += Assert(~o.valid | (o.p.last == 1), "exactly K tokens leave, in one beat")
        m.d.comb += Assert(~o.valid | (o.p.too_long == too_long), "a sequence that is too long is marked")
        for lane in range(LANES):
            item, there = o.p.items[lane], o.valid & (lane < count)
            m.d.comb += Assert(~o.valid | (item.valid == (lane < count)), "min(n, K) of them are no padding")
            m.d.comb += Assert(~there | mine.bit_select(item.id[:2], 1), "only what is to be kept leaves")
            m.d.comb += Assert(~there | (item.id[2] == left[0]), "a token leaves with its own sequence")
            word = Array(scores)[left[0]].word_select(item.id[:2], SMALL.score_bits)
            m.d.comb += Assert(~there | (item.score == word), "a token has its own score")
            m.d.comb += Assert(~o.valid | there | (item.as_value() == 0), "padding is zeros")
            if lane:
                before = o.p.items[lane - 1].id[:2]
                m.d.comb += Assert(~there | (item.id[:2] > before), "tokens leave in their order")
        with m.If(o.valid & o.ready):
            m.d.sync += left.eq(left + 1)

    def _in_time(self, m: Module, unit: Any, lengths: Any) -> None:
        """Claim that what leaves does so in the cycles that the law says, for all lengths that there may be."""
        cycle = Signal(8)
        m.d.sync += cycle.eq(cycle + 1)
        now = (cycle == _LATENCY) | (cycle == _LATENCY + SMALL.law.interval)
        too_long = (lengths[0] > TOKENS) | (lengths[1] > TOKENS)
        m.d.comb += Assert(too_long | (unit.o.valid == now), "a beat leaves when the law says so")


_LATENCY = int(SMALL.law.latency(SequenceWork(tokens=TOKENS)))

CLAIMS = (
    Claim(
        unit="fixed-length-pruner",
        name="two-sequences-in-time",
        says="for any two sequences in a row, of 0 to 3 tokens with any scores, or too long, exactly 2 tokens of each "
        "leave, those of the largest scores, ties to the first, in their order, padded with zeros, in the cycles of "
        "the law",
        method="bmc",
        depth=_LATENCY + SMALL.law.interval + 2,
        bench=partial(Pair, pauses=False),
    ),
    Claim(
        unit="fixed-length-pruner",
        name="two-sequences",
        says="the same with any gaps and stalls: nothing is lost, nothing leaves twice or with another sequence",
        method="bmc",
        depth=_LATENCY + SMALL.law.interval + 4,
        bench=partial(Pair, pauses=True),
    ),
)
