"""The top-k engine: load, search, drain, with any of the search cores; a wire where all scores stay."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.arch.status import Status
from tokensieve.rtl.beats import (
    command,
    event,
    found,
    item,
    length_bits,
    packed_beat,
    round_size,
    score_beat,
    status,
)
from tokensieve.rtl.drain import Drain, beat_bits
from tokensieve.rtl.search import search_core


class TopKEngine(wiring.Component):
    """Keeps the k largest of n scores, in their order, ties to the lowest index.

    Exactly min(k, n) items leave. While a command drains, the next one may load and search.

    With 0 < k >= n all scores stay, and the engine is a wire: it waits until the commands before have left, then beats
    go from ``score`` to ``o`` in the cycle in which they come. Nothing is loaded, searched or drained.

    A command that offers no score, or more than there may be, is illegal: ``status`` tells, its ceil(n / lanes) beats
    are taken and dropped, one empty beat with `last` leaves, and the next command goes as it does behind any other.

    Timing
    ------
    Obeys ``topk.law``: beats enter one per cycle; ``found`` is raised ``law.search`` cycles after the last one, and the
    last kept items stand on ``o`` ``law.drain`` cycles after that, however many they are. A command is taken when the
    one before it has been found and handed to the drain, which works on one command at a time.

    A wire's first beat may pass in the cycle after the last one of the command before, and the next command is taken in
    the cycle in which its last one passes. Meanwhile ``o.valid`` follows ``score.valid``, ``score.ready`` follows
    ``o.ready``, and ``command.ready`` both, without a register.

    Parameters
    ----------
    topk : `Topk`
        Engine, lanes, longest packet and score width.

    Members
    -------
    command : ``In(stream.Signature(command(topk)))``
        One selection: scores offered (`n`, 1..topk.max_tokens), scores to keep (`k`, all if it is more than `n`) and
        the `seed` of quick-select's pivots, which other engines ignore. Its scores are taken after it.
    score : ``In(stream.Signature(score_beat(topk)))``
        The scores in order, ceil(n / lanes) beats; what stands beyond n in the last one is ignored.
    o : ``Out(stream.Signature(packed_beat(topk.lanes, item(topk))))``
        Kept scores with their indices, ascending: the index of a selection's first score is 0. Full beats, and a last
        one with `last`, which is empty only where none is kept. Lanes from `count` on are to be ignored.
    found : ``Out(event(found(topk)))``
        Probe: kept are the scores above `threshold` and the first `ties` equal to it. For k = 0 the threshold is all
        ones and there are no ties, for a wire it is 0 and ties is n, in the cycle in which the last beat passes. An
        illegal command tells what one with k = 0 does.
    round : ``Out(event(round_size(topk)))``
        Probe: how many scores each pass of the search looks at, in order.
    status : ``Out(event(status()))``
        In the cycle after an illegal command is taken: 1 for n = 0, 2 for n > topk.max_tokens.
    """

    def __init__(self, topk: Topk) -> None:
        super().__init__(
            {
                "command": In(stream.Signature(command(topk))),
                "score": In(stream.Signature(score_beat(topk))),
                "o": Out(stream.Signature(packed_beat(topk.lanes, item(topk)))),
                "found": Out(event(found(topk))),
                "round": Out(event(round_size(topk))),
                "status": Out(event(status())),
            }
        )
        topk.require_rtl()
        self._topk = topk

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        topk = self._topk
        m.submodules.core = core = search_core(topk)
        m.submodules.drain = drain = Drain(topk)
        self._now = Signal(command(topk), reset_less=True)
        self._slot = Signal()
        self._row = Signal(beat_bits(topk))
        self._left = Signal(length_bits(topk), reset_less=True)
        # What is known of the next beat a cycle before is in registers: it goes to every lane, and on from there.
        self._last = Signal(reset_less=True)  # it is the command's last
        self._mask = Signal(topk.lanes, reset_less=True)  # its lanes that count
        self._some = Signal(reset_less=True)  # scores are to be kept
        self._loading = Signal()  # state "load", in a register of its own: it goes to every score that the core holds
        self._free = Signal()  # no command is inside: the next one is waited for
        self._turns = Signal()  # the beat after this one is the next command's
        moves = self.score.valid & self.score.ready
        with m.If(moves):
            m.d.sync += self._row.eq(Mux(self._last, 0, self._row + 1))
        # `ready` comes late: it says when, and never what.
        with m.If(moves | self._free):
            self._await(m)

        m.d.comb += [self.round.valid.eq(core.round.valid), self.round.payload.eq(core.round.payload)]
        m.d.comb += [self.o.valid.eq(drain.o.valid), self.o.payload.eq(drain.o.payload), drain.o.ready.eq(self.o.ready)]
        self._judge(m)
        self._connect(m, core, drain)
        self._front(m, core, drain, self._empty(m, drain))
        return m

    def _await(self, m: Module) -> None:
        """Wait for the next beat: of the scores that are left, or the first one of the next command."""
        lanes, told, left = self._topk.lanes, self.command.p.n, self._left
        m.d.sync += self._left.eq(Mux(self._turns, told, left - lanes))
        m.d.sync += self._last.eq(Mux(self._turns, told <= lanes, left <= 2 * lanes))
        m.d.sync += self._mask.eq(Cat(Mux(self._turns, told > lane, left > lanes + lane) for lane in range(lanes)))

    def _judge(self, m: Module) -> None:
        """Tell of a command that is illegal, in the cycle after it. It goes on as one that keeps none.

        Beats that are more than there may be are written over others in the side buffer, none of which is to leave.
        """
        told, most = self.command.p, self._topk.max_tokens
        self._none = Signal()
        self._many = Signal()
        m.d.comb += [self._none.eq(told.n == 0), self._many.eq(told.n > most)]
        m.d.sync += self.status.payload.code.eq(Mux(self._none, Status.NONE_OFFERED, Status.TOO_MANY))
        m.d.sync += self.status.valid.eq(self.command.valid & self.command.ready & (self._none | self._many))

    def _connect(self, m: Module, core: Any, drain: Drain) -> None:
        """Show each beat to the core and to the side buffer."""
        m.d.comb += [core.n.eq(self._now.n), core.k.eq(self._now.k), core.seed.eq(self._now.seed)]
        if self._topk.engine == "bitserial":
            m.d.comb += core.offered.eq(self.score.valid)
        m.d.comb += [core.search.eq(self._some), core.row.scores.eq(self.score.p.scores)]
        m.d.comb += core.row.mask.eq(self._mask)
        m.d.comb += [core.first.eq(self._row == 0), core.last.eq(self._last)]
        m.d.comb += [drain.load.eq(core.load), drain.row.scores.eq(self.score.p.scores)]
        m.d.comb += [drain.row.slot.eq(self._slot), drain.row.row.eq(self._row)]

    def _empty(self, m: Module, drain: Drain) -> Signal:
        """Return whether all commands that were handed to the drain have left."""
        empty = Signal()
        inside = Signal(range(self._topk.compactor_stages + 4))  # each has a register of its own
        none = Signal(init=1)  # inside == 0
        starts, leaves = drain.command.valid & drain.command.ready, drain.o.valid & drain.o.ready & drain.o.p.last
        m.d.sync += inside.eq(inside + starts - leaves)
        m.d.sync += none.eq(~starts & Mux(leaves, inside == 1, none))
        m.d.comb += empty.eq(none & ~drain.o.valid)  # the former alone would do, but no induction knows
        return empty

    def _front(self, m: Module, core: Any, drain: Drain, empty: Signal) -> None:
        """Take a command, load its beats, wait for the core, hand the verdict to the drain; or let all beats pass."""
        verdict = Signal(found(self._topk), reset_less=True)
        m.d.comb += [drain.command.p.slot.eq(self._slot), drain.command.p.n.eq(self._now.n)]
        m.d.comb += [drain.command.p.threshold.eq(verdict.threshold), drain.command.p.ties.eq(verdict.ties)]

        m.d.comb += core.load.eq(self._loading & self.score.valid)
        with m.FSM():
            with m.State("command"):
                m.d.comb += [self._free.eq(1), self._turns.eq(1)]
                self._take(m)
            with m.State("load"):
                m.d.comb += self.score.ready.eq(1)
                with m.If(core.load & core.last):
                    m.d.sync += self._loading.eq(0)
                    m.next = "search"
            with m.State("search"):
                self._find(m, core)
                with m.If(self.found.valid):
                    m.d.sync += verdict.eq(self.found.payload)
                    m.next = "hand"
            with m.State("hand"):
                m.d.comb += drain.command.valid.eq(1)
                with m.If(drain.command.ready):
                    m.next = "command"
            with m.State("wait"), m.If(empty):
                self._pass(m)
            with m.State("pass"):
                self._pass(m)

    def _take(self, m: Module) -> None:
        """Take the next command, or wait for it."""
        told = self.command.p
        m.d.comb += self.command.ready.eq(1)
        m.d.sync += [self._now.eq(self.command.payload), self._some.eq(told.k != 0)]
        with m.If(self._none | self._many):
            m.d.sync += self._some.eq(0)
        m.next = "command"
        with m.If(self.command.valid):
            m.d.sync += [self._slot.eq(~self._slot), self._loading.eq(1)]
            m.next = "load"
            with m.If(self._none):
                m.d.sync += self._loading.eq(0)
                m.next = "search"
            with m.Elif(~self._many & (told.k != 0) & (told.k >= told.n)):
                m.d.sync += self._loading.eq(0)
                m.next = "wait"

    def _find(self, m: Module, core: Any) -> None:
        """Raise `found` with the core's verdict, or with one that lets nothing pass."""
        m.d.comb += self.found.valid.eq(~self._some | core.done)
        m.d.comb += [self.found.payload.threshold.eq(core.threshold), self.found.payload.ties.eq(core.ties)]
        with m.If(~self._some):
            m.d.comb += [self.found.payload.threshold.eq(~0), self.found.payload.ties.eq(0)]

    def _pass(self, m: Module) -> None:
        """Be a wire from the scores to the output, until the last beat has passed."""
        lanes, o = self._topk.lanes, self.o
        m.next = "pass"
        m.d.comb += self._turns.eq(self._last)
        m.d.comb += [o.valid.eq(self.score.valid), self.score.ready.eq(o.ready), o.p.last.eq(self._last)]
        m.d.comb += o.p["count"].eq(Mux(self._last, self._left, lanes))
        for lane in range(lanes):
            m.d.comb += o.p.items[lane].score.eq(self.score.p.scores[lane])
            m.d.comb += o.p.items[lane].index.eq(self._row << (lanes - 1).bit_length() | lane)
        with m.If(o.valid & o.ready & self._last):
            m.d.comb += [self.found.valid.eq(1), self.found.payload.threshold.eq(0)]
            m.d.comb += self.found.payload.ties.eq(self._now.n)
            self._take(m)
