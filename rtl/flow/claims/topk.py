"""Of the top-k engine: what leaves is the k largest by definition, for every packet of four scores."""

from functools import partial
from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, Cat, Module, Signal, Value

from tokensieve.arch.datapath import ENGINES, SearchEngine, Topk
from tokensieve.arch.topklaw import TopkWork
from tokensieve.rtl.flow.formal import Bench, Claim
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


class Definition(Bench):
    """An engine that is given one command, any, and its beats without a pause."""

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
        m.d.comb += [Assume((n > 0) & (n <= TOKENS)), Assume(k <= TOKENS), Assume(unit.command.p.seed != 0)]
        with m.If(unit.command.valid & unit.command.ready):
            m.d.sync += begun.eq(1)
        m.d.comb += unit.score.valid.eq(beats * LANES < TOKENS)
        for lane in range(LANES):
            m.d.comb += unit.score.p.scores[lane].eq(Cat(scores).word_select(beats * LANES + lane, topk.score_bits))
        with m.If(unit.score.valid & unit.score.ready):
            m.d.sync += beats.eq(beats + 1)
        m.d.comb += unit.o.ready.eq(1)
        self._compare(m, unit.o, scores, self._kept(m, scores, n, k))

    def _kept(self, m: Module, scores: list[Any], n: Value, k: Value) -> Signal:
        """Return which scores are among the k largest of the first n, by counting those that go before each."""
        kept = Signal(TOKENS)
        for mine, score in enumerate(scores):
            ahead = [
                (other < n) & ((scores[other] >= score) if other < mine else (scores[other] > score))
                for other in range(TOKENS)
                if other != mine
            ]
            m.d.comb += kept[mine].eq((mine < n) & (sum(ahead, start=Value.cast(0)) < k))
        return kept

    def _compare(self, m: Module, o: Any, scores: list[Any], kept: Signal) -> None:
        count, least, ended, cycle = Signal(4), Signal(4), Signal(), Signal(8)
        m.d.sync += cycle.eq(cycle + 1)
        with m.If(o.valid):
            m.d.sync += [count.eq(count + o.p.count), ended.eq(o.p.last)]
        for lane in range(LANES):
            mine, there = o.p.items[lane], o.valid & (lane < o.p.count)
            bound = least if lane == 0 else o.p.items[lane - 1].index + 1
            m.d.comb += Assert(~there | kept.bit_select(mine.index, 1), "only what is to be kept leaves")
            m.d.comb += Assert(~there | (mine.index >= bound), "indices ascend")
            m.d.comb += Assert(
                ~there | (mine.score == Cat(scores).word_select(mine.index, len(scores[0]))),
                "a score has its own index",
            )
            with m.If(there):
                m.d.sync += least.eq(mine.index + 1)
        whole = sum((kept[lane] for lane in range(TOKENS)), start=Value.cast(0))
        m.d.comb += Assert(~(o.valid & o.p.last) | (count + o.p.count == whole), "exactly min(k, n) items leave")
        m.d.comb += Assert(~(o.valid & ended), "nothing leaves after the last beat")
        m.d.comb += Assert((cycle != longest(self._topk) - 1) | ended, "a command is through when the law says so")


CLAIMS = tuple(
    Claim(
        unit="topk",
        name=f"{engine}-keeps-the-largest",
        says="for any command and any four scores, exactly the min(k, n) largest leave, ties to the first, in their "
        "order, within the cycles of the law",
        method="bmc",
        depth=longest(small(engine)),
        bench=partial(Definition, engine),
    )
    for engine in ENGINES
)
