"""Of the compactor and the zero eliminator: marked items, all of them and in order."""

from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, Module, Mux, Signal, Value, unsigned

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.flow.formal import Bench, Claim, accept, keeps_the_rules, offer
from tokensieve.rtl.flow.harness.base import unit_class

LANES, ITEM = 4, 3
SMALL = Topk(lanes=LANES, max_tokens=16, score_bits=4)
BITS = 7
"""Width of the counters of items and packets: more than there can be."""


def ones(bits: Any, upto: int) -> Value:
    """Return how many of the first `upto` bits are set, by adding them up."""
    return sum((bits[lane] for lane in range(upto)), start=Value.cast(0))


class Ranks(Bench):
    """`Compactor` beside a model that adds up: a row's items stand behind those before them, modulo the lanes."""

    def __init__(self, stages: int, stalls: bool) -> None:
        self._stages, self._stalls = stages, stalls

    def check(self, m: Module) -> None:
        """Send the model's row along as many registers as the compactor has, and compare one item of it, any."""
        m.submodules.unit = unit = unit_class("tokensieve.rtl.compactor", "Compactor")(
            LANES, unsigned(ITEM), self._stages
        )
        offer(m, unit.i)
        accept(m, unit.o, None if self._stalls else 1)
        row, lane = unit.i.p, AnyConst(2)
        begun = Signal(BITS)  # items of the packet in the rows before
        count = Signal(range(LANES + 1))
        m.d.comb += [count.eq(ones(row.mask, LANES)), Assume(begun < (1 << BITS) - LANES)]
        before = Signal.like(count)
        rank = [Mux(lane == number, ones(row.mask, number), 0) for number in range(LANES)]
        m.d.comb += before.eq(rank[0] | rank[1] | rank[2] | rank[3])
        free = Mux(begun == 0, LANES, (LANES - begun) % LANES)
        expected = {
            "valid": (unit.i.valid, 1),
            "mark": (row.mask.bit_select(lane, 1), 1),
            "item": (row.items.as_value().word_select(lane, ITEM), ITEM),
            "place": ((begun + before) % LANES, 2),
            "offset": (begun % LANES, 2),
            "count": (count, 3),
            "completes": (count > free, 1),
            "last": (row.last, 1),
        }
        moves = Signal()
        m.d.comb += moves.eq(~unit.o.valid | unit.o.ready)
        m.d.comb += Assert(unit.i.ready == moves, "a row is taken unless one waits at the end")
        with m.If(unit.i.valid & moves):
            m.d.sync += begun.eq(Mux(row.last, 0, begun + count))
        self._compare(m, unit.o, {name: self._late(m, name, *one, moves) for name, one in expected.items()})

    def _late(self, m: Module, name: str, value: Value, width: int, moves: Signal) -> Signal:
        """Return `value` behind as many registers as the compactor has."""
        for stage in range(self._stages):
            register = Signal(width, name=f"{name}{stage}")
            with m.If(moves):
                m.d.sync += register.eq(value)
            value = register
        assert isinstance(value, Signal)
        return value

    def _compare(self, m: Module, o: Any, told: dict[str, Signal]) -> None:
        out = o.p
        m.d.comb += Assert(o.valid == told["valid"], "rows leave when the model's do")
        for name in ("offset", "count", "completes", "last"):
            m.d.comb += Assert(~told["valid"] | (getattr(out, name) == told[name]), f"{name} is the model's")
        # The offset is shown in gaps as well, which is what lets the induction close.
        m.d.comb += Assert(out.offset == told["offset"], "the offset is the model's in gaps too")
        mine, place = told["valid"] & told["mark"], told["place"]
        m.d.comb += Assert(~mine | out.mask.bit_select(place, 1), "a marked item's place is marked")
        m.d.comb += Assert(
            ~mine | (out.items.as_value().word_select(place, ITEM) == told["item"]), "a marked item stands at its rank"
        )
        m.d.comb += Assert(~told["valid"] | (ones(out.mask, LANES) == told["count"]), "nothing else is marked")


class Packets(Bench):
    """`ZeroEliminator` beside counters: it follows one item and one packet, whichever they are."""

    def check(self, m: Module) -> None:
        """Send any packets, with any pauses on either side."""
        m.submodules.unit = unit = unit_class("tokensieve.rtl.zero_eliminator", "ZeroEliminator")(SMALL)
        offer(m, unit.i)
        accept(m, unit.o)
        keeps_the_rules(m, unit.o, "o")
        self._items(m, unit.i, unit.o)
        self._packets(m, unit.i, unit.o)

    def _items(self, m: Module, i: Any, o: Any) -> None:
        """Item number `which` of all that are marked comes out as that number of all, and as it went in."""
        which, item = AnyConst(BITS), Signal(len(i.p.items[0].as_value()))
        entered, left = Signal(BITS, name="items_in"), Signal(BITS, name="items_out")
        with m.If(i.valid & i.ready):
            m.d.sync += entered.eq(entered + ones(i.p.mask, LANES))
            for lane in range(LANES):
                with m.If(i.p.mask[lane] & (entered + ones(i.p.mask, lane) == which)):
                    m.d.sync += item.eq(i.p.items[lane].as_value())
        with m.If(o.valid & o.ready):
            m.d.sync += left.eq(left + o.p.count)
        m.d.comb += Assert(~o.valid | (left + o.p.count <= entered), "nothing comes out that did not go in")
        for lane in range(LANES):
            mine = o.valid & (lane < o.p.count) & (left + lane == which)
            m.d.comb += Assert(~mine | (o.p.items[lane].as_value() == item), "items come out as and in the order they went in")
        self._entered, self._left = entered, left

    def _packets(self, m: Module, i: Any, o: Any) -> None:
        """Packet number `which` ends with the item that it ended with, and its rows are full but for the last."""
        which, bound, known = AnyConst(BITS), Signal(BITS), Signal()
        entered, left = Signal(BITS, name="packets_in"), Signal(BITS, name="packets_out")
        ended = Signal(BITS)  # items out at the end of the packet before
        with m.If(i.valid & i.ready & i.p.last):
            m.d.sync += entered.eq(entered + 1)
            with m.If(entered == which):
                m.d.sync += [bound.eq(self._entered + ones(i.p.mask, LANES)), known.eq(1)]
        with m.If(o.valid & o.ready & o.p.last):
            m.d.sync += [left.eq(left + 1), ended.eq(self._left + o.p.count)]
        mine = o.valid & o.p.last & (left == which)
        m.d.comb += Assert(~mine | (known & (self._left + o.p.count == bound)), "a packet ends with its last marked item")
        m.d.comb += Assert(~o.valid | o.p.last | (o.p.count == LANES), "rows are full but for the last of a packet")
        empty = o.valid & (o.p.count == 0)
        m.d.comb += Assert(~empty | (self._left == ended), "the last row is empty only if nothing was marked")
        m.d.comb += Assert(~o.valid | (o.p.count <= LANES), "a row has no more items than lanes")


def _ranks(name: str, stages: int, stalls: bool, depth: int) -> Claim:
    pauses = "with any gaps and stalls" if stalls else "with any gaps, its output never stalled"
    return Claim(
        unit="compactor",
        name=name,
        says=f"a marked item leaves at its rank, {stages} registers later, {pauses}",
        method="bmc" if stalls else "induction",
        depth=depth,
        bench=lambda: Ranks(stages, stalls),
    )


CLAIMS = (
    _ranks("ranks", 2, stalls=False, depth=4),
    _ranks("ranks-deep", 4, stalls=False, depth=6),
    _ranks("ranks-stalled", 2, stalls=True, depth=12),
    _ranks("ranks-deep-stalled", 4, stalls=True, depth=14),
    Claim(
        unit="zero-eliminator",
        name="packs-packets",
        says="all marked items leave, in order, packet by packet, in full rows but the last; with any gaps and stalls",
        method="bmc",
        depth=12,
        bench=Packets,
    ),
)
