"""From granules to vectors."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.memory import Dram
from tokensieve.arch.token_gather import TokenGather
from tokensieve.rtl.beats import gathered_vector, granule
from tokensieve.rtl.pipe import Step, chain
from tokensieve.rtl.vector_requests import most_granules, offset_bits, place_layout, spread


def placed_granule(gather: TokenGather, dram: Dram) -> StructLayout:
    """Return the layout of a granule and of what is known of it."""
    return StructLayout({**granule(dram).members, "place": place_layout(gather, dram)})


class VectorPacker(wiring.Component):
    """Puts vectors together from the granules that they touch, and drops the bytes that are not theirs.

    A granule is rotated until its byte `offset` is byte 0. Then byte b of it is byte b of a group of as many bytes of
    the vector as a granule has: of the group with the granule's own number or, where the rotation went around the end,
    of the one before.

    Timing
    ------
    A granule a cycle, ``gather.align_stages`` + 1 cycles from the transfer of a vector's last granule on ``i`` to
    ``valid`` on ``o``.

    Parameters
    ----------
    gather : `TokenGather`
        Longest vector and registers.
    dram : `Dram`
        Granules.

    Members
    -------
    i : ``In(stream.Signature(placed_granule(gather, dram)))``
        Granules, each with what is known of it.
    o : ``Out(stream.Signature(gathered_vector(gather)))``
        Vectors.
    """

    def __init__(self, gather: TokenGather, dram: Dram) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(placed_granule(gather, dram))),
                "o": Out(stream.Signature(gathered_vector(gather))),
            }
        )
        self._gather, self._dram = gather, dram

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        layout = placed_granule(self._gather, self._dram)
        groups = spread(range(offset_bits(self._dram)), self._gather.align_stages)
        steps: list[tuple[StructLayout, Step]] = [(layout, self._rotate(group)) for group in groups]
        self._merge(m, chain(m, "align", self.i, steps))
        return m

    def _rotate(self, group: Sequence[int]) -> Step:
        """Return the step of the given layers; layer b moves all bytes by 2^b where bit b of the offset is set."""

        def step(m: Module, before: Any, after: Any, moves: Signal) -> None:
            width = self._dram.granule_bytes
            data = [before.data[byte] for byte in range(width)]
            for layer in group:
                moved = Signal(ArrayLayout(unsigned(8), width), name=f"moved{layer}")
                for byte in range(width):
                    m.d.comb += moved[byte].eq(data[byte])
                    with m.If(before.place.offset[layer]):
                        m.d.comb += moved[byte].eq(data[(byte + (1 << layer)) % width])
                data = [moved[byte] for byte in range(width)]
            m.d.comb += after.place.eq(before.place)
            m.d.comb += [after.data[byte].eq(value) for byte, value in enumerate(data)]

        return step

    def _merge(self, m: Module, aligned: Any) -> None:
        """Gather the bytes of a vector; with its last granule the vector goes into the output's register."""
        place, width = aligned.p.place, self._dram.granule_bytes
        number = Signal(range(most_granules(self._gather, self._dram)))  # of the granule in its vector
        free = Signal()
        enters = Signal()
        m.d.comb += free.eq(~self.o.valid | self.o.ready)
        m.d.comb += aligned.ready.eq(free | ~place.final)
        m.d.comb += enters.eq(aligned.valid & aligned.ready)
        with m.If(enters):
            m.d.sync += number.eq(number + 1)
            with m.If(place.final):
                m.d.sync += number.eq(0)
        with m.If(free):
            m.d.sync += self.o.valid.eq(aligned.valid & place.final)
            m.d.sync += [self.o.p.count.eq(place.count), self.o.p.last.eq(place.last)]

        own = Signal(width)  # bytes that the rotation has not taken around the end
        m.d.comb += own.eq(Cat(byte + place.offset < width for byte in range(width)))
        for byte in range(self._gather.max_row_bytes):
            group, lane = divmod(byte, width)
            fresh, value, held = (
                Signal(name=f"fresh{byte}"),
                Signal(8, name=f"value{byte}"),
                Signal(8, name=f"held{byte}"),
            )
            m.d.comb += fresh.eq(own[lane] & (number == group) | ~own[lane] & (number == group + 1))
            m.d.comb += value.eq(held)
            with m.If(fresh):
                m.d.comb += value.eq(aligned.p.data[lane])
            with m.If(enters):
                m.d.sync += held.eq(value)
            with m.If(free):
                m.d.sync += self.o.p.data[byte].eq(value)
                with m.If(byte >= place.count):
                    m.d.sync += self.o.p.data[byte].eq(0)
