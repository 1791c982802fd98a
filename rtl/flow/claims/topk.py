"""Of the top-k engine: what leaves is the k largest by definition, and a wire loses nothing; packets of four scores."""

from functools import partial
from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Array, Assert, Assume, Cat, Module, Mux, Signal, Value

from tokensieve.arch.datapath import ENGINES, SearchEngine, Topk
from tokensieve.arch.status import Status
from tokensieve.arch.topklaw import TopkWork
from tokensieve.rtl.flow.formal import Bench, Claim, accept, offer
from tokensieve.rtl.flow.harness.base import unit_class

TOKENS, LANES = 4, 2
SLACK = 3
"""Cycles before the first beat: the command's transfer."""


def small(engine: SearchEngine) -> Topk:
    """Return an engine for four scores of four bits."""
    return Topk(engine=engine, lanes=LANES, max_tokens=TOKENS, score_bits=4)


def longest(topk: Topk) -> int:
    """Return the cycles within which any command is through, by the law: no search streams more than these sizes."""
    sizes = (4, 3, 2, 1) if topk.engine == "quickselect" else (4,) * topk.score_bits
    return int(topk.law.cycles(TopkWork(items=TOKENS, kept=1, sizes=sizes))) + SLACK


def smaller(engine: SearchEngine) -> Topk:
    """Return an engine for three scores of four bits, which take two beats, with as few registers as there can be."""
    return Topk(engine=engine, lanes=LANES, max_tokens=3, score_bits=4, count_stages=1)


class Definition(Bench):
    """An engine that is given one command, any, legal or not, and its beats without a pause."""

    def __init__(self, engine: SearchEngine) -> None:
        self._topk = small(engine)

    def check(self, m: Module) -> None:
        """Compare what leaves with what stands among the k largest, of equal ones the first."""
        topk = self._topk
        m.submodules.unit = unit = unit_class("tokensieve.rtl.topk", "TopKEngine")(topk)
        told, scores = AnyConst(len(unit.command.p.as_value())), [AnyConst(topk.score_bits) for _ in range(TOKENS)]
        begun, beats = Signal(), Signal(3)
        m.d.comb += [unit.command.valid.eq(~begun), unit.command.p.as_value().eq(told)]
        n, k = unit.command.p.n, unit.command.p.k
        m.d.comb += Assume(unit.command.p.seed != 0)
        with m.If(unit.command.valid & unit.command.ready):
            m.d.sync += begun.eq(1)
        m.d.comb += unit.score.valid.eq(beats * LANES <= n)
        for lane in range(LANES):
            m.d.comb += unit.score.p.scores[lane].eq(Cat(scores).word_select(beats * LANES + lane, topk.score_bits))
        with m.If(unit.score.valid & unit.score.ready):
            m.d.sync += beats.eq(beats + 1)
        m.d.comb += unit.o.ready.eq(1)
        legal = (n != 0) & (n <= TOKENS)
        kept = Mux(legal, largest(m, Cat(scores), n, k, topk), 0)
        _told(m, unit, n)
        ended, cycle = Signal(), Signal(8)
        m.d.sync += cycle.eq(cycle + 1)
        _as_defined(m, unit.o, Cat(scores), kept, topk)
        with m.If(unit.o.valid):
            m.d.sync += ended.eq(unit.o.p.last)
        m.d.comb += Assert(~(unit.o.valid & ended), "nothing leaves after the last beat")
        m.d.comb += Assert((cycle != longest(topk) - 1) | ended, "a command is through when the law says so")
        wire = legal & (k != 0) & (k >= n)
        m.d.comb += Assert(
            ~(wire & unit.score.valid & unit.score.ready) | unit.o.valid, "a wire's beats leave as they come"
        )
        m.d.comb += Assert(~ended | (beats * LANES >= n), "a command ends with its last beat, or behind it")
        m.d.comb += Assert(beats * LANES < n + LANES, "no beat is taken beyond the last")


def _told(m: Module, unit: Any, n: Value) -> None:
    """Hold the event of an illegal command against what it offers."""
    code = Signal(2)
    m.d.sync += code.eq(0)
    with m.If(unit.command.valid & unit.command.ready):
        m.d.sync += code.eq(Mux(n == 0, Status.NONE_OFFERED, Mux(n > TOKENS, Status.TOO_MANY, 0)))
    m.d.comb += Assert(unit.status.valid == (code != 0), "illegal commands are told of, and no others")
    m.d.comb += Assert(~unit.status.valid | (unit.status.payload.code == code), "it is told what is wrong")


def largest(m: Module, scores: Any, n: Value, k: Value, topk: Topk) -> Signal:
    """Return which of `scores` are among the k largest of the first n, by counting those that go before each."""
    kept, score = Signal(topk.max_tokens), [scores.word_select(one, topk.score_bits) for one in range(topk.max_tokens)]
    for mine in range(topk.max_tokens):
        ahead = [
            (other < n) & ((score[other] >= score[mine]) if other < mine else (score[other] > score[mine]))
            for other in range(topk.max_tokens)
            if other != mine
        ]
        m.d.comb += kept[mine].eq((mine < n) & (sum(ahead, start=Value.cast(0)) < k))
    return kept


def _as_defined(m: Module, o: Any, scores: Any, kept: Any, topk: Topk) -> None:
    """Hold the packet that leaves against its scores and what is to be kept of them."""
    count, least, moves = Signal(4), Signal(4), Signal()
    m.d.comb += moves.eq(o.valid & o.ready)
    with m.If(moves):
        m.d.sync += count.eq(Mux(o.p.last, 0, count + o.p.count))
    for lane in range(LANES):
        mine, there = o.p.items[lane], o.valid & (lane < o.p.count)
        bound = least if lane == 0 else o.p.items[lane - 1].index + 1
        m.d.comb += Assert(~there | kept.bit_select(mine.index, 1), "only what is to be kept leaves")
        m.d.comb += Assert(~there | (mine.index >= bound), "indices ascend")
        m.d.comb += Assert(
            ~there | (mine.score == scores.word_select(mine.index, topk.score_bits)), "a score has its own index"
        )
        with m.If(moves & there):
            m.d.sync += least.eq(mine.index + 1)
    with m.If(moves & o.p.last):
        m.d.sync += least.eq(0)
    whole = sum((kept.bit_select(lane, 1) for lane in range(topk.max_tokens)), start=Value.cast(0))
    m.d.comb += Assert(~(o.valid & o.p.last) | (count + o.p.count == whole), "exactly min(k, n) items leave")


class Pair(Bench):
    """An engine that is given two commands in a row, any, with any gaps and stalls; items are the k largest of each.

    One may offer no score, which is illegal. More than there may be does not fit into `n`.
    """

    def __init__(self, engine: SearchEngine) -> None:
        self._topk = smaller(engine)

    def check(self, m: Module) -> None:
        """Feed what the solver has picked, and hold each packet that leaves against the command that it answers."""
        topk = self._topk
        m.submodules.unit = unit = unit_class("tokensieve.rtl.topk", "TopKEngine")(topk)
        told = [Signal(unit.command.p.shape(), name=f"told{number}") for number in range(2)]
        scores = [AnyConst(topk.max_tokens * topk.score_bits) for _ in told]
        for one in told:
            m.d.comb += one.as_value().eq(AnyConst(len(one.as_value())))
            m.d.comb += Assume(one.seed != 0)
        taken, fed, place, left = Signal(2), Signal(2), Signal(range(topk.beats + 1)), Signal(2)
        for port in (unit.command, unit.score):
            offer(m, port)
        accept(m, unit.o)
        command, row = unit.command, unit.score
        m.d.comb += Assume(~command.valid | ((taken < 2) & (command.p.as_value() == Array(told)[taken[0]].as_value())))
        now = Signal(2)  # the command whose beats are next: one without any is passed over
        second = Mux(told[1].n == 0, 2, 1)
        m.d.comb += now.eq(Mux(fed == 0, Mux(told[0].n == 0, second, 0), Mux(fed == 1, second, fed)))
        beat = Array(scores)[now[0]].word_select(place, LANES * topk.score_bits)
        m.d.comb += Assume(~row.valid | ((now < 2) & (Value.cast(row.p.scores) == beat)))
        last = (place + 1) * LANES >= Array(told)[now[0]].n
        with m.If(command.valid & command.ready):
            m.d.sync += taken.eq(taken + 1)
        with m.If(row.valid & row.ready):
            m.d.sync += [fed.eq(now + last), place.eq(Mux(last, 0, place + 1))]
        with m.If(unit.o.valid & unit.o.ready & unit.o.p.last):
            m.d.sync += left.eq(left + 1)
        kept = [largest(m, words, one.n, one.k, topk) for words, one in zip(scores, told, strict=True)]
        _as_defined(m, unit.o, Array(scores)[left[0]], Array(kept)[left[0]], topk)
        m.d.comb += Assert(~unit.o.valid | (left < 2), "nothing leaves after the last command")


class Wire(Bench):
    """An engine that is given a command that keeps none or all, or is illegal, and a wire behind it.

    Gaps and stalls are any.

    A source of scores that holds a beat until it is taken is assumed, as a wire's output can be no better than that.
    """

    def __init__(self) -> None:
        self._topk = Topk(engine="bitserial", lanes=LANES, max_tokens=TOKENS, score_bits=4, count_stages=1)

    def check(self, m: Module) -> None:
        """Hold the second packet that leaves against the scores of the second command."""
        topk = self._topk
        m.submodules.unit = unit = unit_class("tokensieve.rtl.topk", "TopKEngine")(topk)
        first, wire = Signal(unit.command.p.shape()), Signal(unit.command.p.shape())
        for one in (first, wire):
            m.d.comb += one.as_value().eq(AnyConst(len(one.as_value())))
        legal = [(one.n > 0) & (one.n <= TOKENS) for one in (first, wire)]
        m.d.comb += [Assume(~legal[0] | (first.k == 0) | (first.k >= TOKENS)), Assume(legal[1] & (wire.k >= wire.n))]
        scores, taken, beats, left = AnyConst(TOKENS * topk.score_bits), Signal(2), Signal(4), Signal(2)
        offer(m, unit.command)
        told = unit.command.p.as_value() == Mux(taken == 0, first.as_value(), wire.as_value())
        offer(m, unit.score)
        ahead, place = -(-first.n // LANES), Signal(4)
        m.d.comb += place.eq(beats - ahead)
        mine = Value.cast(unit.score.p.scores) == scores.word_select(place, LANES * topk.score_bits)
        m.d.comb += Assume(~unit.command.valid | (told & (taken < 2)))
        m.d.comb += Assume(~(unit.score.valid & (beats >= ahead)) | mine)
        accept(m, unit.o)
        for count, port, more in ((taken, unit.command, 1), (beats, unit.score, 1), (left, unit.o, unit.o.p.last)):
            with m.If(port.valid & port.ready):
                m.d.sync += count.eq(count + more)
        waits = unit.score.valid & unit.score.ready & (beats >= ahead)
        m.d.comb += Assert(~waits | (left == 1), "a wire waits until the command before has left")
        self._compare(m, unit, scores, wire, left, place)

    def _compare(self, m: Module, unit: Any, scores: Any, wire: Any, left: Signal, place: Signal) -> None:
        o, passes, before = unit.o, Signal(), Signal(4)
        m.d.comb += [passes.eq(o.valid & (left == 1)), before.eq(place * LANES)]
        for lane in range(LANES):
            there = passes & (lane < o.p["count"])
            score = scores.word_select(before + lane, self._topk.score_bits)
            m.d.comb += Assert(~there | (o.p.items[lane].index == before + lane), "a wire's items have their indices")
            m.d.comb += Assert(~there | (o.p.items[lane].score == score), "a wire's scores leave in their order")
        rest = wire.n - before
        m.d.comb += Assert(
            ~passes | (o.p["count"] == Mux(rest > LANES, LANES, rest)), "a wire's beats are full to the end"
        )
        m.d.comb += Assert(~passes | (o.p.last == (rest <= LANES)), "a wire ends with its last score")
        m.d.comb += Assert(~passes | (unit.score.valid & (unit.score.ready == o.ready)), "a wire holds nothing back")
        m.d.comb += Assert(~(o.valid & (left == 2)), "nothing leaves after a wire")


CLAIMS = (
    *(
        Claim(
            unit="topk",
            name=f"{engine}-keeps-the-largest",
            says="for any command and any four scores, exactly the min(k, n) largest leave, ties to the first, in "
            "their order, within the cycles of the law; none, and an event, if n is 0 or above four",
            method="bmc",
            depth=longest(small(engine)),
            bench=partial(Definition, engine),
        )
        for engine in ENGINES
    ),
    *(
        Claim(
            unit="topk",
            name=f"{engine}-two-commands",
            says="for any two commands in a row and any three scores of each, with any gaps and stalls, exactly the "
            "min(k, n) largest of each leave, ties to the first, in their order",
            method="bmc",
            depth=14,  # the second command is loaded by then, and a fault of what the first left behind shows
            bench=partial(Pair, engine),
        )
        for engine in ENGINES
    ),
    Claim(
        unit="topk",
        name="wire-loses-nothing",
        says="behind a command that keeps none or all, or is illegal, a wire's beats leave in the cycle in which they "
        "come, in their order and with their indices, once that command has left; with any gaps and stalls",
        method="bmc",
        depth=20,
        bench=Wire,
    ),
)
