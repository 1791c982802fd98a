"""The top-k engine: load, search, drain, with any of the search cores."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import command, event, found, item, length_bits, packed_beat, round_size, score_beat
from tokensieve.rtl.drain import Drain, beat_bits
from tokensieve.rtl.search import search_core


class TopKEngine(wiring.Component):
    """Keeps the k largest of n scores, in their order, ties to the lowest index.

    Exactly min(k, n) items leave. While a command drains, the next one may load and search.

    Timing
    ------
    Obeys ``topk.law``: beats enter one per cycle; ``found`` is raised ``law.search`` cycles after the last one, and the
    last kept items stand on ``o`` ``law.drain`` cycles after that, however many they are. A command is taken when the
    one before it has been found and handed to the drain, which works on one command at a time.

    Parameters
    ----------
    topk : `Topk`
        Engine, lanes, longest packet and score width.

    Members
    -------
    command : ``In(stream.Signature(command(topk)))``
        Scores offered (n, 1..max_tokens), scores to keep (k, 0..max_tokens) and the seed of quick-select's pivots.
    score : ``In(stream.Signature(score_beat(topk)))``
        The scores in order, ceil(n / lanes) beats; what stands beyond n in the last one is ignored.
    o : ``Out(stream.Signature(packed_beat(topk.lanes, item(topk))))``
        Kept scores with their indices: full beats, and a last one with `last`, which is empty only for k = 0.
    found : ``Out(event(found(topk)))``
        Probe: kept are the scores above `threshold` and the first `ties` equal to it. For k = 0 the threshold is all
        ones and there are no ties, for k >= n it is 0 and ties is n.
    round : ``Out(event(round_size(topk)))``
        Probe: the sizes of the work record, in order.
    """

    def __init__(self, topk: Topk) -> None:
        super().__init__(
            {
                "command": In(stream.Signature(command(topk))),
                "score": In(stream.Signature(score_beat(topk))),
                "o": Out(stream.Signature(packed_beat(topk.lanes, item(topk)))),
                "found": Out(event(found(topk))),
                "round": Out(event(round_size(topk))),
            }
        )
        topk.require_rtl()
        self._topk = topk

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.core = core = search_core(self._topk)
        m.submodules.drain = drain = Drain(self._topk)
        wiring.connect(m, drain.o, wiring.flipped(self.o))
        m.d.comb += [self.round.valid.eq(core.round.valid), self.round.payload.eq(core.round.payload)]
        self._front(m, core, drain)
        return m

    def _front(self, m: Module, core: Any, drain: Drain) -> None:
        """Take a command, load its beats, wait for the core, hand the verdict to the drain."""
        now = Signal(command(self._topk), reset_less=True)
        verdict = Signal(found(self._topk), reset_less=True)
        bypass, slot, left = Signal(), Signal(), Signal(length_bits(self._topk), reset_less=True)
        m.d.comb += bypass.eq((now.k == 0) | (now.k >= now.n))
        m.d.comb += [core.n.eq(now.n), core.k.eq(now.k), core.seed.eq(now.seed), core.search.eq(~bypass)]
        m.d.comb += [drain.command.p.slot.eq(slot), drain.command.p.n.eq(now.n)]
        m.d.comb += [drain.command.p.threshold.eq(verdict.threshold), drain.command.p.ties.eq(verdict.ties)]

        with m.FSM():
            with m.State("command"):
                m.d.comb += self.command.ready.eq(1)
                m.d.sync += [now.eq(self.command.payload), left.eq(self.command.p.n)]
                with m.If(self.command.valid):
                    m.d.sync += slot.eq(~slot)
                    m.next = "load"
            with m.State("load"):
                m.d.comb += self.score.ready.eq(1)
                self._load(m, core, drain, slot, left)
                with m.If(core.load & core.last):
                    m.next = "search"
            with m.State("search"):
                self._find(m, core, now, bypass)
                with m.If(self.found.valid):
                    m.d.sync += verdict.eq(self.found.payload)
                    m.next = "hand"
            with m.State("hand"):
                m.d.comb += drain.command.valid.eq(1)
                with m.If(drain.command.ready):
                    m.next = "command"

    def _load(self, m: Module, core: Any, drain: Drain, slot: Signal, left: Signal) -> None:
        """Store a beat in the side buffer and in the core."""
        topk = self._topk
        row = Signal(beat_bits(topk))
        m.d.comb += [core.load.eq(self.score.valid), core.row.scores.eq(self.score.p.scores)]
        m.d.comb += [core.row.mask[lane].eq(left > lane) for lane in range(topk.lanes)]
        m.d.comb += [core.first.eq(row == 0), core.last.eq(left <= topk.lanes)]
        m.d.comb += [drain.load.eq(core.load), drain.row.scores.eq(self.score.p.scores)]
        m.d.comb += [drain.row.slot.eq(slot), drain.row.row.eq(row)]
        with m.If(core.load):
            m.d.sync += [row.eq(row + 1), left.eq(left - topk.lanes)]
            with m.If(core.last):
                m.d.sync += row.eq(0)

    def _find(self, m: Module, core: Any, now: Any, bypass: Signal) -> None:
        """Raise `found` with the core's verdict, or with one that lets all or nothing pass."""
        m.d.comb += self.found.valid.eq(bypass | core.done)
        m.d.comb += [self.found.payload.threshold.eq(core.threshold), self.found.payload.ties.eq(core.ties)]
        with m.If(bypass & (now.k == 0)):
            m.d.comb += [self.found.payload.threshold.eq(~0), self.found.payload.ties.eq(0)]
        with m.Elif(bypass):
            m.d.comb += [self.found.payload.threshold.eq(0), self.found.payload.ties.eq(now.n)]
