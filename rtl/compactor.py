"""Compaction of the marked lanes of a beat: prefix sum, then one layer of selectors per bit of the lane number."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, Layout, StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.rtl.beats import lane_count_bits, routed_beat, sparse_beat
from tokensieve.rtl.pipe import Step, chain


class Compactor(wiring.Component):
    """Moves the marked items of each beat together, in order, behind those of the beats before.

    An item's place is the number of marked items before it in its packet, modulo `lanes`: beats of a packet continue
    one another around the end of the beat, and a packet begins at lane 0. A bank per lane, or `BeatBuffer`, makes full
    beats of them.

    Timing
    ------
    One beat per cycle, `stages` cycles from a transfer on ``i`` to ``valid`` on ``o``. The beats inside move
    together (`chain`).

    Parameters
    ----------
    lanes : int
        Items of a beat, a power of two.
    data : `Layout`
        One item.
    stages : int
        2 for a register behind the prefix sum and one behind the selectors, 2 log2(lanes) for one behind every layer
        of them, 2 ceil(log2(lanes) / 2) for one behind every second layer.

    Members
    -------
    i : ``In(stream.Signature(sparse_beat(lanes, data)))``
        Beats with marks; `last` ends a packet.
    o : ``Out(stream.Signature(routed_beat(lanes, data)))``
        The same beats, compacted.
    """

    def __init__(self, lanes: int, data: Layout, stages: int) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(sparse_beat(lanes, data))),
                "o": Out(stream.Signature(routed_beat(lanes, data))),
            }
        )
        self._lanes, self._data, self._stages = lanes, data, stages
        self._bits = (lanes - 1).bit_length()

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        size = -(-2 * self._bits // self._stages)  # layers before a register
        groups = [list(range(self._bits))[low : low + size] for low in range(0, self._bits, size or 1)] or [[]]
        steps: list[tuple[Layout, Step]] = []
        for number, group in enumerate(groups):
            steps.append((self._ranked, self._prefix(group, first=number == 0, final=number == len(groups) - 1)))
        steps += [(self._ranked, self._route(group, first=number == 0)) for number, group in enumerate(groups)]
        end = chain(m, "stage", self.i, steps)
        m.d.comb += [self.o.valid.eq(end.valid), end.ready.eq(self.o.ready)]
        for name in ("items", "mask", "offset", "count", "completes", "last"):
            m.d.comb += getattr(self.o.p, name).eq(getattr(end.p, name))
        return m

    @property
    def _ranked(self) -> StructLayout:
        """A beat on its way: `place` first counts marked lanes up to and with each, then is the lane to go to."""
        fields = dict(routed_beat(self._lanes, self._data).members)
        return StructLayout({**fields, "place": ArrayLayout(unsigned(lane_count_bits(self._lanes)), self._lanes)})

    def _prefix(self, group: Sequence[int], first: bool, final: bool) -> Step:
        """Return the step that adds layers of the prefix sum, the first and last of which begin and end it."""

        def step(m: Module, before: Any, after: Any, moves: Signal) -> None:
            counts = [before.mask[lane] if first else before.place[lane] for lane in range(self._lanes)]
            for layer in group:
                counts = self._add_layer(m, counts, layer)
            m.d.comb += [after.items.eq(before.items), after.mask.eq(before.mask), after.last.eq(before.last)]
            if final:
                self._end_prefix(m, before, after, counts, moves)
            else:
                m.d.comb += [after.place[lane].eq(count) for lane, count in enumerate(counts)]

        return step

    def _add_layer(self, m: Module, counts: Sequence[Any], layer: int) -> list[Any]:
        """Return `counts` with what stands 2^layer lanes before added to each."""
        added = list(counts)
        for lane in range(1 << layer, self._lanes):
            added[lane] = Signal(lane_count_bits(self._lanes), name=f"sum{layer}_{lane}")
            m.d.comb += added[lane].eq(counts[lane] + counts[lane - (1 << layer)])
        return added

    def _end_prefix(self, m: Module, before: Any, after: Any, counts: Sequence[Any], moves: Signal) -> None:
        """Turn the finished counts into lanes, behind the items of the packet's beats before."""
        offset = Signal(max(1, self._bits))  # begun: the packet has had an item
        begun = Signal()
        most = self._lanes - 1
        m.d.comb += [after.offset.eq(offset), after.count.eq(counts[-1])]
        m.d.comb += after.completes.eq(begun & (offset == 0))  # any item does: the next step says whether there is one
        for lane, count in enumerate(counts):
            m.d.comb += after.place[lane].eq((offset + count + most) & most)
        with m.If(moves & before.last):
            m.d.sync += [offset.eq(0), begun.eq(0)]
        with m.Elif(moves):
            m.d.sync += [offset.eq((offset + counts[-1]) & most), begun.eq(begun | (counts[-1] != 0))]

    def _route(self, group: Sequence[int], first: bool) -> Step:
        """Return the step of the given layers; layer b sets bit b of each item's lane to that of its place.

        No two items meet: two of them in the same block of 2^b lanes go to places less than 2^b apart.
        """

        def step(m: Module, before: Any, after: Any, moves: Signal) -> None:
            beat = [(before.items[lane], before.mask[lane], before.place[lane]) for lane in range(self._lanes)]
            for layer in group:
                beat = self._route_layer(m, beat, layer)
            for name in ("offset", "count", "completes", "last"):
                m.d.comb += getattr(after, name).eq(getattr(before, name))
            if first:
                beyond = before.offset + before["count"] > self._lanes
                m.d.comb += after.completes.eq(Mux(before.completes, before["count"] != 0, beyond))
            for lane, (data, mark, place) in enumerate(beat):
                m.d.comb += [after.items[lane].eq(data), after.mask[lane].eq(mark), after.place[lane].eq(place)]

        return step

    def _route_layer(self, m: Module, beat: Sequence[Any], layer: int) -> list[Any]:
        routed = []
        for lane in range(self._lanes):
            (data, mark, place), (other, other_mark, other_place) = beat[lane], beat[lane ^ (1 << layer)]
            bit = lane >> layer & 1
            cross, marked = Signal(name=f"cross{layer}_{lane}"), Signal(name=f"mark{layer}_{lane}")
            moved = Signal(self._data, name=f"item{layer}_{lane}")
            to = Signal(lane_count_bits(self._lanes), name=f"to{layer}_{lane}")
            m.d.comb += cross.eq(other_mark & (other_place[layer] == bit))
            m.d.comb += marked.eq(cross | mark & (place[layer] == bit))
            m.d.comb += [moved.eq(data), to.eq(place)]
            with m.If(cross):
                m.d.comb += [moved.eq(other), to.eq(other_place)]
            routed.append((moved, marked, to))
        return routed
