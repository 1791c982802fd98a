"""Of the compactor and the zero eliminator: marked items, all of them and in order."""

from typing import Any, Literal

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Array, Assert, Assume, Module, Mux, Signal, Value, unsigned

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.flow.formal import Bench, Claim, accept, offer
from tokensieve.rtl.flow.harness.base import unit_class

LANES, ITEM = 4, 1
BITS = 6
"""Width of the counters of items: more than there can be."""


What = Literal["item", "packet", "beats"]


def ones(bits: Any, upto: int) -> Value:
    """Return how many of the first `upto` bits are set, by adding them up."""
    return sum((bits[lane] for lane in range(upto)), start=Value.cast(0))


class Ranks(Bench):
    """`Compactor` beside a model that adds up: a beat's items stand behind those before them, modulo the lanes."""

    def __init__(self, stages: int, stalls: bool) -> None:
        self._stages, self._stalls = stages, stalls

    def check(self, m: Module) -> None:
        """Send the model's beat along as many registers as the compactor has, and compare one item of it, any."""
        m.submodules.unit = unit = unit_class("tokensieve.rtl.compactor", "Compactor")(
            LANES, unsigned(ITEM), self._stages
        )
        offer(m, unit.i)
        accept(m, unit.o, None if self._stalls else 1)
        beat, lane = unit.i.p, AnyConst(2)
        begun = Signal(BITS)  # items of the packet in the beats before
        count = Signal(range(LANES + 1))
        m.d.comb += [count.eq(ones(beat.mask, LANES)), Assume(begun < (1 << BITS) - LANES)]
        before = Signal.like(count)
        rank = [Mux(lane == number, ones(beat.mask, number), 0) for number in range(LANES)]
        m.d.comb += before.eq(rank[0] | rank[1] | rank[2] | rank[3])
        free = Mux(begun == 0, LANES, (LANES - begun) % LANES)
        expected = {
            "valid": (unit.i.valid, 1),
            "mark": (beat.mask.bit_select(lane, 1), 1),
            "item": (beat.items.as_value().word_select(lane, ITEM), ITEM),
            "place": ((begun + before) % LANES, 2),
            "offset": (begun % LANES, 2),
            "count": (count, 3),
            "completes": (count > free, 1),
            "last": (beat.last, 1),
            "entered": (Value.cast(1), 1),
        }
        moves = Signal()
        m.d.comb += moves.eq(~unit.o.valid | unit.o.ready)
        m.d.comb += Assert(unit.i.ready == moves, "a beat is taken unless one waits at the end")
        with m.If(unit.i.valid & moves):
            m.d.sync += begun.eq(Mux(beat.last, 0, begun + count))
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
        m.d.comb += Assert(o.valid == told["valid"], "beats leave when the model's do")
        # Whether a packet has begun does not show in gaps, so that no induction closes over what depends on it.
        bounded = ("completes",) if self._stalls else ()
        for name in ("offset", "count", "last", *bounded):
            m.d.comb += Assert(~told["valid"] | (getattr(out, name) == told[name]), f"{name} is the model's")
        # The offset is shown in gaps as well, from the first cycle after reset on: that lets the induction close.
        m.d.comb += Assert(~told["entered"] | (out.offset == told["offset"]), "the offset is the model's in gaps too")
        mine, place = told["valid"] & told["mark"], told["place"]
        m.d.comb += Assert(~mine | out.mask.bit_select(place, 1), "a marked item's place is marked")
        m.d.comb += Assert(
            ~mine | (out.items.as_value().word_select(place, ITEM) == told["item"]), "a marked item stands at its rank"
        )
        m.d.comb += Assert(~told["valid"] | (ones(out.mask, LANES) == told["count"]), "nothing else is marked")


class Packets(Bench):
    """`ZeroEliminator` beside counters: it follows one item, or the end of one packet, picked at any time."""

    def __init__(self, what: What, lanes: int) -> None:
        self._what, self._lanes, self._bits = what, lanes, (lanes - 1).bit_length()

    def check(self, m: Module) -> None:
        """Send any packets, with any pauses on either side."""
        m.submodules.unit = unit = unit_class("tokensieve.rtl.zero_eliminator", "ZeroEliminator")(
            Topk(lanes=self._lanes, max_tokens=2, score_bits=4)
        )
        offer(m, unit.i)
        accept(m, unit.o)
        self._enters, self._leaves = unit.i.valid & unit.i.ready, unit.o.valid & unit.o.ready
        came, went = Signal(range(self._lanes + 1)), Signal(range(self._lanes + 1))
        inside = Signal(BITS)  # items that have come and not yet left
        m.d.comb += [
            came.eq(Mux(self._enters, ones(unit.i.p.mask, self._lanes), 0)),
            went.eq(Mux(self._leaves, unit.o.p.count, 0)),
        ]
        m.d.sync += inside.eq(inside + came - went)
        m.d.comb += Assert(inside >= went, "nothing comes out that did not go in")
        if self._what == "item":
            self._item(m, unit, inside, went)
        elif self._what == "packet":
            self._packet(m, unit, inside, came, went)
        else:
            self._beats(m, unit.o)

    def _item(self, m: Module, unit: Any, inside: Signal, went: Signal) -> None:
        """An item leaves when those before it have left, and as it came; a bit of it is followed."""
        lane, follows, ahead, bit = AnyConst(self._bits), Signal(), Signal(BITS), Signal()
        marked = unit.i.p.mask.bit_select(lane, 1)
        rank = [Mux(lane == number, ones(unit.i.p.mask, number), 0) for number in range(self._lanes)]
        mine = follows & self._leaves & (ahead < went)
        with m.If(~follows & self._enters & marked & AnySeq(1)):
            m.d.sync += [follows.eq(1), ahead.eq(inside - went + (sum(rank, start=Value.cast(0))))]
            m.d.sync += bit.eq(Array(item.score[0] for item in unit.i.p.items)[lane])
        with m.Elif(follows):
            m.d.sync += [follows.eq(~mine), ahead.eq(ahead - went)]
        out = Array(item.score[0] for item in unit.o.p.items)[ahead[: self._bits]]
        m.d.comb += Assert(~mine | (out == bit), "items leave as they came and in the order that they came in")

    def _packet(self, m: Module, unit: Any, inside: Signal, came: Signal, went: Signal) -> None:
        """A packet's end leaves with the last one of its items, when the packets before it have ended."""
        follows, ahead, ends, packets = Signal(), Signal(BITS), Signal(4), Signal(4)
        enters, leaves = self._enters & unit.i.p.last, self._leaves & unit.o.p.last
        m.d.sync += packets.eq(packets + enters - leaves)
        m.d.comb += Assert(~leaves | (packets != 0), "no packet ends that did not end on its way in")
        mine = follows & leaves & (ends == 0)
        with m.If(~follows & enters & AnySeq(1)):
            m.d.sync += [follows.eq(1), ahead.eq(inside + came - went), ends.eq(packets - leaves)]
        with m.Elif(follows):
            m.d.sync += [follows.eq(~mine), ahead.eq(ahead - went), ends.eq(ends - leaves)]
        m.d.comb += Assert(~mine | (ahead == went), "a packet ends with its last marked item")

    def _beats(self, m: Module, o: Any) -> None:
        """Beats are full except for the last one of a packet, which is empty only if nothing was marked."""
        begun = Signal()
        with m.If(self._leaves):
            m.d.sync += begun.eq(~o.p.last)
        m.d.comb += Assert(~o.valid | (o.p.count <= self._lanes), "a beat has no more items than lanes")
        m.d.comb += Assert(
            ~o.valid | o.p.last | (o.p.count == self._lanes), "beats are full except for the last of a packet"
        )
        m.d.comb += Assert(~(o.valid & begun) | (o.p.count != 0), "the last beat is empty only if nothing was marked")


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


def _packets(name: str, what: What, says: str, lanes: int, depth: int) -> Claim:
    return Claim(
        unit="zero-eliminator",
        name=f"{name}-{lanes}",
        says=f"{says}; {lanes} lanes, with any gaps and stalls",
        method="bmc",
        depth=depth,
        bench=lambda: Packets(what, lanes),
    )


_ITEMS: tuple[str, What, str] = ("items", "item", "a marked item leaves as it came, behind those that came before it")
_PACKETS: tuple[str, What, str] = (
    "packets",
    "packet",
    "a packet ends with its last marked item, and as many leave as came",
)
_BEATS: tuple[str, What, str] = (
    "beats",
    "beats",
    "beats are full except for the last of a packet, which is empty only if nothing was marked",
)

CLAIMS = (
    _ranks("ranks", 2, stalls=False, depth=6),
    _ranks("ranks-deep", 4, stalls=False, depth=8),
    _ranks("ranks-stalled", 2, stalls=True, depth=12),
    _ranks("ranks-deep-stalled", 4, stalls=True, depth=10),
    _packets(*_ITEMS, 4, depth=8),
    _packets(*_PACKETS, 4, depth=8),
    _packets(*_BEATS, 4, depth=9),
    _packets(*_ITEMS, 2, depth=10),
    _packets(*_PACKETS, 2, depth=11),
    _packets(*_BEATS, 2, depth=12),
)
