"""Of what holds beats: it gives back what came, in order, and nothing else."""

from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Module, Mux, Signal, unsigned
from amaranth.lib.data import ArrayLayout

from tokensieve.rtl.flow.formal import Bench, Claim, accept, keeps_the_rules, offer
from tokensieve.rtl.flow.harness.base import unit_class

WIDTH, DEPTH = 1, 3
LANES, BEATS, ITEM = 4, 4, 1
"""Items of one bit are enough to tell any two of them apart, as nothing here looks into an item."""


class OneBeat(Bench):
    """`Stage` beside a register and a flag."""

    def check(self, m: Module) -> None:
        """Compare what stage and model offer and take."""
        layout = ArrayLayout(unsigned(WIDTH), 1)
        m.submodules.unit = unit = unit_class("tokensieve.rtl.pipe", "Stage")(layout)
        offer(m, unit.i)
        accept(m, unit.o)
        full, beat = Signal(), Signal(WIDTH)
        with m.If(unit.i.valid & unit.i.ready):
            m.d.sync += [full.eq(1), beat.eq(unit.i.payload.as_value())]
        with m.Elif(unit.o.ready):
            m.d.sync += full.eq(0)
        m.d.comb += Assert(unit.o.valid == full, "it offers a beat exactly while it holds one")
        m.d.comb += Assert(~full | (unit.o.payload.as_value() == beat), "it offers the beat that came")
        m.d.comb += Assert(unit.i.ready == (~full | unit.o.ready), "it takes a beat unless one stays")


class Order(Bench):
    """A queue beside a counter of beats: beat number so and so, whichever, comes out as it went in."""

    def check(self, m: Module) -> None:
        """Follow one beat, any."""
        layout = ArrayLayout(unsigned(WIDTH), 1)
        m.submodules.unit = unit = unit_class("tokensieve.rtl.queue", "BlockQueue")(layout, DEPTH)
        offer(m, unit.i)
        accept(m, unit.o)
        keeps_the_rules(m, unit.o, "o")
        which, beat = AnyConst(4), Signal(WIDTH)
        entered, left = Signal(4), Signal(4)
        with m.If(unit.i.valid & unit.i.ready):
            m.d.sync += entered.eq(entered + 1)
            with m.If(entered == which):
                m.d.sync += beat.eq(unit.i.payload.as_value())
        with m.If(unit.o.valid & unit.o.ready):
            m.d.sync += left.eq(left + 1)
        mine = unit.o.valid & (left == which)
        m.d.comb += Assert(~unit.o.valid | (left < entered), "nothing comes out that did not go in")
        m.d.comb += Assert(
            ~mine | (unit.o.payload.as_value() == beat), "beats come out as and in the order that they went in"
        )
        m.d.comb += Assert(unit.i.ready | (entered - left >= DEPTH), "it takes beats until it is full")


class Bank(Bench):
    """`BankedFifo` beside one remembered item, any, of packets as a `Compactor` makes them or as beats are loaded."""

    def check(self, m: Module) -> None:
        """Write any beats, and read the place of the item all the time."""
        most, bits = LANES * BEATS, (LANES * BEATS).bit_length()
        m.submodules.unit = unit = unit_class("tokensieve.rtl.search.banked_fifo", "BankedFifo")(
            LANES, unsigned(ITEM), BEATS
        )
        which, total, whole = AnyConst(bits), Signal(bits), AnySeq(1)
        count, item, known = Signal(range(LANES + 1)), Signal(ITEM), Signal()
        beat = unit.i.payload
        m.d.comb += [Assume(which < most), unit.row.eq(which // LANES), unit.whole.eq(whole)]
        m.d.comb += [unit.i.valid.eq(AnySeq(1)), beat.as_value().eq(AnySeq(len(beat.as_value())))]
        self._legal(m, unit, total, count)
        with m.If(unit.i.valid):
            m.d.sync += total.eq(Mux(beat.last, 0, total + Mux(whole, LANES, count)))
        for lane in range(LANES):
            number = total + Mux(whole, lane, (lane - beat.offset) & (LANES - 1))
            with m.If(unit.i.valid & beat.mask[lane] & (number == which)):
                m.d.sync += [item.eq(beat.items[lane]), known.eq(1)]
        before, there = Signal(ITEM), Signal()
        m.d.sync += [before.eq(item), there.eq(known)]
        for lane in range(LANES):
            mine = there & (which % LANES == lane)
            m.d.comb += Assert(~mine | (unit.o[lane] == before), "an item is read back from its place")

    def _legal(self, m: Module, unit: Any, total: Signal, count: Signal) -> None:
        """Assume that a beat begins where the one before ended, has `count` items around the end, and fits."""
        beat, whole = unit.i.payload, unit.whole
        marks = sum(beat.mask[lane] for lane in range(LANES))
        m.d.comb += count.eq(marks)
        rules = [Mux(whole, total % LANES == 0, beat.offset == total % LANES), whole | (beat.count == count)]
        rules.append(total + Mux(whole, LANES, count) <= LANES * BEATS)
        for lane in range(LANES):
            place = Mux(whole, lane, (lane - beat.offset) & (LANES - 1))
            rules.append(beat.mask[lane] == (place < count))
        m.d.comb += [Assume(~unit.i.valid | rule) for rule in rules]


CLAIMS = (
    Claim(
        unit="stage",
        name="holds-one-beat",
        says="a stage is a register and a flag: it offers what came last, and takes the next as soon as that has left",
        method="induction",
        depth=2,
        bench=OneBeat,
    ),
    Claim(
        unit="block-queue",
        name="keeps-order",
        says=f"a queue of {DEPTH} gives back all beats as they came and in their order, with any pauses on either side",
        method="bmc",
        depth=14,
        bench=Order,
    ),
    Claim(
        unit="banked-fifo",
        name="reads-what-was-written",
        says=f"any item of packets of up to {LANES * BEATS} items, {LANES} lanes, is read back from its place",
        method="bmc",
        depth=14,
        bench=Bank,
    ),
)
