"""Radix select: the threshold is found digit by digit from the top, a digit counted while the last is filtered."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import wiring

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.compactor import Compactor
from tokensieve.rtl.search.banked_fifo import BankedFifo
from tokensieve.rtl.search.base import search_ports
from tokensieve.rtl.search.beatreader import BeatReader
from tokensieve.rtl.search.counters import Counters
from tokensieve.rtl.search.decision import Decision
from tokensieve.rtl.search.digits import Digits, bins, most_left

_JOINS = 4
"""Cycles from a stored beat's read request to the stage that a loaded beat reaches one cycle after its transfer."""

_REACHED = 8
"""Cycles from the read request for a set's last beat until its totals have been compared."""

_SPLIT = 11
"""Cycles from that request until `decision.size` holds the size of the surviving set."""


class RadixCore(wiring.Component):
    """Finds the k-th largest score digit by digit, from the top.

    The first digit is counted while beats are loaded. A pass reads the scores that matched the last digit but one,
    keeps those that match the last one and counts their next digit. They are written, without gaps, to where they were
    read.

    A pass begins before it is known whether it is needed, since its first beat meets the last digit two cycles later.

    Timing
    ------
    Obeys ``topk.law``: the first digit is decided ``topk.radix_first_cycles`` after the last beat was loaded, and a
    pass takes ``topk.radix_round_cycles`` cycles beyond one for each beat of its set.

    Parameters
    ----------
    topk : `Topk`
        Lanes, longest packet, score width, digits and registers.

    Members
    -------
    Those of `search_ports`. ``round`` gives the scores that are left by each digit.
    """

    def __init__(self, topk: Topk) -> None:
        super().__init__(search_ports(topk))
        self._topk = topk

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        topk = self._topk
        m.submodules.fifo = fifo = BankedFifo(topk.lanes, unsigned(topk.score_bits), topk.beats, ram_style="block")
        m.submodules.reader = reader = BeatReader(topk)
        m.submodules.digits = digits = Digits(topk)
        m.submodules.counters = counters = Counters(topk, bins(topk))
        m.submodules.decision = decision = Decision(topk)
        m.d.comb += [fifo.row.eq(reader.row), digits.scores.eq(fifo.o)]
        wiring.connect(m, reader.o, digits.stored)
        m.d.comb += [digits.decided.eq(decision.decided), digits.stop.eq(self.done), reader.stop.eq(self.done)]
        m.d.comb += [level.eq(digits.levels[lane]) for lane, level in enumerate(counters.levels)]
        m.d.comb += [total.eq(counters.totals[number]) for number, total in enumerate(decision.totals)]
        m.d.comb += [counters.restart.eq(digits.restart), counters.target.eq(decision.target)]
        m.d.comb += decision.reached.eq(counters.reached)
        self._load(m, digits, decision)
        self._sequence(m, reader, decision)
        self._write(m, fifo, reader, digits)
        return m

    def _load(self, m: Module, digits: Digits, decision: Decision) -> None:
        loaded = digits.loaded.payload
        m.d.comb += [digits.loaded.valid.eq(self.load), loaded.first.eq(self.first), loaded.last.eq(self.last)]
        m.d.comb += [loaded.scores.eq(self.row.scores), loaded.mask.eq(self.row.mask)]
        m.d.comb += [decision.begin.eq(self.load), decision.n.eq(self.n), decision.k.eq(self.k)]

    def _sequence(self, m: Module, reader: BeatReader, decision: Decision) -> None:
        """Follow a set's last beat to the decision, and begin the next pass on its way there."""
        begins = self._topk.radix_round_cycles
        ended = Signal(max(begins, _REACHED) + 1)  # bit i: the last beat was asked for i cycles ago
        m.d.comb += ended[0].eq(reader.ends)
        later = Cat(ended[:-1])
        for cycles in range(1, len(ended)):
            joins = self.load & self.last & self.search if cycles == _JOINS else 0
            m.d.sync += ended[cycles].eq(later[cycles - 1] | joins)
        m.d.comb += [decision.choose.eq(ended[_REACHED]), reader.start.eq(ended[begins])]
        # What is read is what the digit before the one that is being decided has left.
        m.d.comb += reader.size.eq(decision.size if begins <= _SPLIT else decision.before)
        m.d.comb += [self.round.valid.eq(decision.round.valid), self.round.payload.eq(decision.round.payload)]
        m.d.comb += [self.done.eq(decision.verdict.valid), self.threshold.eq(decision.verdict.payload.threshold)]
        m.d.comb += self.ties.eq(decision.verdict.payload.ties)
        with m.If(self.done):
            m.d.sync += ended[1:].eq(0)

    def _write(self, m: Module, fifo: BankedFifo, reader: BeatReader, digits: Digits) -> None:
        """Write what is loaded to the FIFO, and later the survivors, as far as the search goes."""
        topk = self._topk
        kept = unsigned(max(1, most_left(topk)))
        m.submodules.compactor = compactor = Compactor(topk.lanes, kept, topk.compactor_stages)
        m.d.comb += [compactor.i.valid.eq(digits.survivors.valid), compactor.i.payload.eq(digits.survivors.payload)]
        m.d.comb += compactor.o.ready.eq(1)

        searching = Signal()
        with m.If(reader.start):
            m.d.sync += searching.eq(1)
        put = Signal.like(fifo.i.payload, reset_less=True)
        valid = Signal()
        m.d.comb += [fifo.i.valid.eq(valid), fifo.i.payload.eq(put)]
        m.d.sync += [put.items[lane].eq(compactor.o.p.items[lane]) for lane in range(topk.lanes)]
        m.d.sync += [put.mask.eq(compactor.o.p.mask), put.offset.eq(compactor.o.p.offset)]
        m.d.sync += [put.count.eq(compactor.o.p.count), put.last.eq(compactor.o.p.last)]
        m.d.sync += valid.eq(compactor.o.valid & searching)
        written = digits.written.payload
        with m.If(digits.written.valid):
            m.d.sync += [put.items.eq(written.scores), put.mask.eq(written.mask), put.last.eq(written.last)]
            m.d.sync += [put.offset.eq(0), put.count.eq(topk.lanes), valid.eq(1)]
        with m.If(self.done):  # what is still in a deep compactor is not written; the next packet begins at place 0
            m.d.sync += [searching.eq(0), put.mask.eq(0), put.last.eq(1), valid.eq(1)]
