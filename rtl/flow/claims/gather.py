"""Of the token gather: every token's vector comes out, in its turn, as it stands in memory; none of a wrong command."""

from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, Cat, Module, Mux, Signal, Value

from tokensieve.arch.datapath import Topk
from tokensieve.arch.memory import Dram
from tokensieve.arch.status import Status
from tokensieve.arch.token_gather import TokenGather
from tokensieve.rtl.flow.formal import Bench, Claim, accept, offer
from tokensieve.rtl.flow.harness.base import unit_class

GATHER = TokenGather(address_bits=16, max_row_bytes=2, outstanding=4, multiply_stages=1, align_stages=1)
DRAM = Dram(granule_bytes=8)
TOPK = Topk(lanes=2, max_tokens=2, score_bits=4)
"""A vector is one granule or straddles two; four granules may be on their way. Neither 0 nor 3 bytes are legal."""

BITS = 5
"""Width of the counters of commands, packets and vectors: more than there can be in the cycles of the claim."""


class Vectors(Bench):
    """`TokenGatherEngine` beside counters: a byte of one vector is followed, any of any, picked by the solver.

    Its place in memory and what stands there are constants. Whatever else memory gives, and when, is free.
    """

    def check(self, m: Module) -> None:
        """Send any packets, empty ones among them, legal or not, with any pauses on all sides."""
        m.submodules.unit = unit = unit_class("tokensieve.rtl.token_gather", "TokenGatherEngine")(GATHER, DRAM, TOPK)
        self._byte, self._value = AnyConst(GATHER.vector_bits), AnyConst(8)
        self._lane = AnyConst(3)
        self._granule = AnyConst(GATHER.address_bits - len(self._lane))
        for port in (unit.command, unit.token, unit.data):
            offer(m, port)
        for port in (unit.request, unit.o):
            accept(m, port)
        which, packet = AnyConst(BITS), AnyConst(BITS)
        unfit = AnyConst(1 << BITS)  # by packet
        base, row_bytes, told = self._command(m, unit, packet, unfit)
        token, none, last, came = self._token(m, unit.token, which, packet, unfit)
        known = came & told
        place = (base + token * row_bytes + self._byte)[: GATHER.address_bits]
        m.d.comb += Assume(~known | (place == Cat(self._lane, self._granule)))
        self._memory(m, unit)
        self._compare(m, unit.o, which, known, Mux(none, 0, row_bytes), last)

    def _token(self, m: Module, port: Any, which: Any, packet: Any, unfit: Any) -> tuple[Signal, ...]:
        """Return index, emptiness, end of packet and arrival of the token whose vector is number `which`.

        An illegal packet is one empty vector, whatever its tokens: that of its last beat.
        """
        beat, moves = port.p, port.valid & port.ready
        entered, packets, count = Signal(BITS), Signal(BITS), Signal(range(TOPK.lanes + 1))
        token, none, last, came = Signal(range(TOPK.max_tokens)), Signal(), Signal(), Signal()
        lane, illegal, empty = Signal(BITS), Signal(), Signal()
        m.d.comb += [Assume(~port.valid | (beat["count"] <= TOPK.lanes)), lane.eq(which - entered)]
        m.d.comb += [illegal.eq(unfit.bit_select(packets, 1)), empty.eq(illegal | (beat["count"] == 0))]
        m.d.comb += count.eq(Mux(empty, beat.last | ~illegal, beat["count"]))
        with m.If(moves):
            m.d.sync += [entered.eq(entered + count), packets.eq(packets + beat.last)]
            with m.If((which >= entered) & (lane < count)):
                m.d.sync += [token.eq(beat.items[lane[0]].index), none.eq(empty), came.eq(1)]
                m.d.sync += last.eq(beat.last & (lane + 1 == count))
                m.d.comb += Assume(packets == packet)
        return token, none, last, came

    def _command(self, m: Module, unit: Any, packet: Any, unfit: Any) -> tuple[Signal, ...]:
        """Return base, bytes of a vector and arrival of the command of packet number `packet`."""
        port, taken, wrong = unit.command, Signal(), Signal()
        seen, base, row_bytes, told = Signal(BITS), Signal(GATHER.address_bits), Signal(GATHER.vector_bits), Signal()
        m.d.comb += [taken.eq(port.valid & port.ready), wrong.eq(unfit.bit_select(seen, 1))]
        illegal = (port.p.row_bytes == 0) | (port.p.row_bytes > GATHER.max_row_bytes)
        m.d.comb += Assume(~port.valid | (illegal == wrong))
        with m.If(taken):
            m.d.sync += seen.eq(seen + 1)
            with m.If(seen == packet):
                m.d.sync += [base.eq(port.p.base), row_bytes.eq(port.p.row_bytes), told.eq(1)]
        said = Signal()
        m.d.sync += said.eq(taken & wrong)
        m.d.comb += Assert(unit.status.valid == said, "each illegal command raises an event, and no other command does")
        m.d.comb += Assert(
            ~said | (unit.status.payload.code == Status.ROW_BYTES), "the event has the code of its reason"
        )
        return base, row_bytes, told

    def _memory(self, m: Module, unit: Any) -> None:
        """Answer requests in their order, the earliest in the next cycle; the followed byte stands in its granule."""
        request, data = unit.request, unit.data
        waiting, marks = Signal(range(GATHER.outstanding + 1)), Signal(GATHER.outstanding)  # the oldest request first
        asks, gives = request.valid & request.ready, data.valid & data.ready
        after = Signal.like(marks)
        left = Signal.like(waiting)
        m.d.comb += [left.eq(waiting - gives), after.eq(Mux(gives, marks >> 1, marks))]
        m.d.sync += [waiting.eq(left + asks), marks.eq(after)]
        with m.If(asks):
            mine = request.p.address[len(self._lane) :] == self._granule
            m.d.sync += marks.bit_select(left, 1).eq(mine)
        byte = Value.cast(data.payload).word_select(self._lane, 8)
        m.d.comb += Assume(~data.valid | (waiting != 0))
        m.d.comb += Assume(~(data.valid & marks[0]) | (byte == self._value))
        m.d.comb += Assert(~data.valid | data.ready, "memory can hand over whatever was asked for")
        m.d.comb += Assert(~asks | (left < GATHER.outstanding), "no more is asked for than there are places")

    def _compare(self, m: Module, o: Any, which: Any, known: Any, count: Any, last: Signal) -> None:
        number, mine = Signal(BITS), Signal()
        with m.If(o.valid & o.ready):
            m.d.sync += number.eq(number + 1)
        m.d.comb += mine.eq(o.valid & (number == which))
        m.d.comb += Assert(~mine | known, "no vector comes out before its token and its command")
        m.d.comb += Assert(~mine | (o.p["count"] == count), "a vector has its length, and none has 0")
        m.d.comb += Assert(~mine | (o.p.last == last), "a packet ends with the vector of its last token")
        for byte in range(GATHER.max_row_bytes):
            followed = mine & (self._byte == byte)
            m.d.comb += Assert(
                ~followed | (byte >= count) | (o.p.data[byte] == self._value), "a byte of a vector is what memory holds"
            )
            m.d.comb += Assert(~followed | (byte < count) | (o.p.data[byte] == 0), "zeros stand behind a vector")


CLAIMS = (
    Claim(
        unit="token-gather",
        name="fetches-the-vectors",
        says="for any packets, empty ones among them, the vectors that come out are those of the tokens, one each and "
        "in their order, as they stand in memory; an event and one empty vector where a vector has no bytes or too "
        "many; with any pauses on all sides",
        method="bmc",
        depth=13,
        bench=Vectors,
    ),
)
