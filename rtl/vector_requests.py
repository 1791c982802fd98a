"""From tokens to requests: the addresses of their vectors, cut into granules."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.arch.memory import Dram
from tokensieve.arch.token_gather import TokenGather
from tokensieve.rtl.beats import (
    event,
    gather_command,
    granule_request,
    index_bits,
    item,
    lane_count_bits,
    packed_beat,
)
from tokensieve.rtl.pipe import Stage, Step, chain


def spread(layers: Sequence[int], stages: int) -> list[Sequence[int]]:
    """Return `layers` of logic dealt out to stages as evenly as possible; where there are few, some stages have none.

    >>> [list(group) for group in spread(range(3), 2)], [list(group) for group in spread(range(1), 3)]
    ([[0], [1, 2]], [[], [], [0]])
    """
    return [layers[len(layers) * s // stages : len(layers) * (s + 1) // stages] for s in range(stages)]


def unfit_bytes(gather: TokenGather, row_bytes: Any) -> Any:
    """Return whether a vector cannot have so many bytes."""
    return (row_bytes == 0) | (row_bytes > gather.max_row_bytes)


def offset_bits(dram: Dram) -> int:
    """Return the width of a byte's number in its granule."""
    return (dram.granule_bytes - 1).bit_length()


def most_granules(gather: TokenGather, dram: Dram) -> int:
    """Return the granules that a vector touches at most, when it begins at the last byte of one."""
    return -(-(dram.granule_bytes - 1 + gather.max_row_bytes) // dram.granule_bytes)


def place_layout(gather: TokenGather, dram: Dram) -> StructLayout:
    """Return the layout of what is known of a granule when it is asked for: what of it belongs to which vector.

    The vector begins at byte `offset` of its first granule and has `count` bytes; with a `count` of 0 there is no
    granule. `final` ends the vector and `last` the packet.
    """
    return StructLayout(
        {
            "offset": unsigned(offset_bits(dram)),
            "count": unsigned(gather.vector_bits),
            "final": unsigned(1),
            "last": unsigned(1),
        }
    )


def vector_address(gather: TokenGather) -> StructLayout:
    """Return the layout of a vector to fetch: its first byte, number of bytes (0: no vector), end of its packet."""
    return StructLayout(
        {"address": unsigned(gather.address_bits), "count": unsigned(gather.vector_bits), "last": unsigned(1)}
    )


class VectorAddresses(wiring.Component):
    """Turns tokens, one a cycle, into the addresses of their vectors.

    The product is a sum of shifted tokens, which needs no multiplier.

    Timing
    ------
    ``gather.multiply_stages`` + 2 cycles from a transfer on ``token`` to ``valid`` on ``o``; elastic.

    Parameters
    ----------
    gather : `TokenGather`
        Widths and registers.
    topk : `Topk`
        Tokens and their lanes.

    Members
    -------
    command, token :
        As those of `TokenGatherEngine`.
    o : ``Out(stream.Signature(vector_address(gather)))``
        One vector per token.
    """

    def __init__(self, gather: TokenGather, topk: Topk) -> None:
        super().__init__(
            {
                "command": In(stream.Signature(gather_command(gather))),
                "token": In(stream.Signature(packed_beat(topk.lanes, item(topk)))),
                "o": Out(stream.Signature(vector_address(gather))),
            }
        )
        self._gather, self._topk = gather, topk

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.commands = commands = Stage(gather_command(self._gather))
        m.submodules.tokens = tokens = Stage(packed_beat(self._topk.lanes, item(self._topk)))
        wiring.connect(m, wiring.flipped(self.command), commands.i)
        wiring.connect(m, wiring.flipped(self.token), tokens.i)

        source = stream.Signature(self._summed).create(path=("single",))
        self._single_out(m, commands.o, tokens.o, source)
        layers = range((self._gather.vector_bits - 1).bit_length())
        groups = spread(layers, self._gather.multiply_stages)
        steps: list[tuple[StructLayout, Step]] = [(self._summed, self._add_up(group)) for group in groups]
        steps += [(vector_address(self._gather), self._add_base)]
        end = chain(m, "stage", source, steps)
        wiring.connect(m, end, wiring.flipped(self.o))
        return m

    @property
    def _summed(self) -> StructLayout:
        """A vector on its way: what is left to be added, shifted tokens at first, their sum in `terms[0]` at last."""
        gather = self._gather
        term = unsigned(index_bits(self._topk) + gather.vector_bits)
        flags = {"none": unsigned(1), "last": unsigned(1)}
        return StructLayout({**gather_command(gather).members, **flags, "terms": ArrayLayout(term, gather.vector_bits)})

    def _single_out(self, m: Module, commands: Any, tokens: Any, source: Any) -> None:
        """Offer the tokens of a beat one by one, each with its command; of an illegal one's packet none, once."""
        lane = Signal(lane_count_bits(self._topk.lanes))
        token = Signal(index_bits(self._topk))
        final = Signal()
        ends = Signal()
        illegal = Signal()
        dropped = Signal()
        m.d.comb += illegal.eq(unfit_bytes(self._gather, commands.p.row_bytes))
        m.d.comb += final.eq(illegal | (lane + 1 >= tokens.p.count))
        m.d.comb += token.eq(tokens.p.items[lane].index)
        there = tokens.valid & commands.valid
        m.d.comb += [dropped.eq(there & illegal & ~tokens.p.last), source.valid.eq(there & ~dropped)]
        m.d.comb += ends.eq(dropped | (source.valid & source.ready & final))
        m.d.comb += [tokens.ready.eq(ends), commands.ready.eq(ends & tokens.p.last)]
        with m.If(source.valid & source.ready):
            m.d.sync += lane.eq(lane + 1)
        with m.If(ends):
            m.d.sync += lane.eq(0)

        m.d.comb += [source.p.base.eq(commands.p.base), source.p.row_bytes.eq(commands.p.row_bytes)]
        m.d.comb += [source.p.none.eq(illegal | (tokens.p.count == 0)), source.p.last.eq(final & tokens.p.last)]
        for bit in range(self._gather.vector_bits):
            with m.If(commands.p.row_bytes[bit]):
                m.d.comb += source.p.terms[bit].eq(token << bit)

    def _add_up(self, group: Sequence[int]) -> Step:
        """Return the step of the given layers; each adds its terms in pairs."""

        def step(m: Module, before: Any, after: Any, moves: Signal) -> None:
            m.d.comb += after.eq(before)
            count = self._gather.vector_bits if not group else -(-self._gather.vector_bits >> group[0])
            terms = [before.terms[number] for number in range(count)]
            for layer in group:
                terms = self._add_layer(m, terms, layer)
            m.d.comb += [after.terms[number].eq(term) for number, term in enumerate(terms)]

        return step

    def _add_layer(self, m: Module, terms: Sequence[Any], layer: int) -> list[Any]:
        sums = []
        for number in range(0, len(terms) - 1, 2):
            sums.append(Signal.like(terms[number], name=f"sum{layer}_{number}"))
            m.d.comb += sums[-1].eq(terms[number] + terms[number + 1])
        return sums + ([terms[-1]] if len(terms) % 2 else [])

    def _add_base(self, m: Module, before: Any, after: Any, moves: Signal) -> None:
        m.d.comb += [after.address.eq(before.base + before.terms[0]), after.last.eq(before.last)]
        with m.If(~before.none):
            m.d.comb += after.count.eq(before.row_bytes)


class Splitter(wiring.Component):
    """Cuts vectors into granules, and asks for each as soon as a place is free for it.

    Timing
    ------
    A granule a cycle. It takes a place in the cycle in which its vector stands on ``i``, a place is free and the
    request before it leaves: ``place`` is high in that cycle, the request stands on ``request`` in the next one. A
    place that becomes free can be taken from the next cycle on.

    Parameters
    ----------
    gather : `TokenGather`
        Widths and places.
    dram : `Dram`
        Granules and channels.

    Members
    -------
    i : ``In(stream.Signature(vector_address(gather)))``
        Vectors.
    leaves : ``In(1)``
        A place becomes free.
    request : ``Out(stream.Signature(granule_request(gather, dram)))``
        Granules to read.
    place : ``Out(event(place_layout(gather, dram)))``
        What is known of the granule. A vector of no bytes takes a place too, to keep its turn, but asks for nothing.
    """

    def __init__(self, gather: TokenGather, dram: Dram) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(vector_address(gather))),
                "leaves": In(1),
                "request": Out(stream.Signature(granule_request(gather, dram))),
                "place": Out(event(place_layout(gather, dram))),
            }
        )
        self._gather, self._dram = gather, dram

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        vector, bits = self.i.p, offset_bits(self._dram)
        step = Signal(range(most_granules(self._gather, self._dram)))  # granules of the vector asked for so far
        offset = Signal(bits)
        last_step = Signal.like(step)
        final = Signal()
        m.d.comb += offset.eq(vector.address[:bits])
        m.d.comb += last_step.eq((offset + vector.count - 1) >> bits)
        m.d.comb += final.eq((step == last_step) | (vector.count == 0))

        room = self._room(m)
        goes = Signal()
        free = ~self.request.valid | self.request.ready
        m.d.comb += goes.eq(self.i.valid & free & room)
        m.d.comb += self.i.ready.eq(free & room & final)
        with m.If(goes):
            m.d.sync += step.eq(step + 1)
            with m.If(final):
                m.d.sync += step.eq(0)

        m.d.comb += [self.place.valid.eq(goes), self.place.payload.offset.eq(offset)]
        m.d.comb += [self.place.payload.count.eq(vector.count), self.place.payload.final.eq(final)]
        m.d.comb += self.place.payload.last.eq(final & vector.last)
        self._ask(m, free, goes & (vector.count != 0), (vector.address >> bits) + step)
        return m

    def _room(self, m: Module) -> Any:
        """Count the free places; return whether there is one."""
        places = Signal(range(self._gather.outstanding + 1), init=self._gather.outstanding)
        m.d.sync += places.eq(places - self.place.valid + self.leaves)
        return places != 0

    def _ask(self, m: Module, free: Any, asks: Any, granule: Any) -> None:
        number = Signal(self._gather.address_bits - offset_bits(self._dram))
        m.d.comb += number.eq(granule)
        with m.If(free):
            m.d.sync += self.request.valid.eq(asks)
            m.d.sync += self.request.p.address.eq(number << offset_bits(self._dram))
            m.d.sync += self.request.p.channel.eq((number >> self._dram.channel_shift) & (self._dram.channels - 1))
