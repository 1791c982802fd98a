"""The bitwidth converter: planes of narrow elements in, on-chip words out (paper III-D, IV-A)."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.bitwidth_converter import lsb_widths, msb_widths, unit_bits
from tokensieve.arch.machine import Arch
from tokensieve.arch.status import Status
from tokensieve.rtl.beats import event, packed_beat, plane_command, status
from tokensieve.rtl.pipe import Stage


class PlaneBuffer(wiring.Component):
    """Cuts the bits of one plane into beats of `lanes` elements, for `BitwidthConverter`.

    Bits move in units: `lanes` times the number of bits that divides all widths.

    Parameters
    ----------
    beat_bits, lanes : int
        Bits of a beat in, and elements of a beat out, a quarter as many.
    widths : tuple of int
        Bits that an element may have, ascending.
    max_elements : int
        Longest vector.

    Members
    -------
    i : ``In(stream.Signature(unsigned(beat_bits)))``
        Beats.
    enter : ``In(1)``
        A new vector begins; what is left of the one before is dropped. Its first beat may come in this cycle already.
    first : ``In(1)``
        With `enter`: the new vector has this plane.
    holds : ``In(1)``
        There is a vector, and `width` and `elements` are its.
    width, elements : ``In(4), In(range(max_elements + 1))``
        Bits of its elements, 0 where this plane is missing, and their number.
    drops : ``In(1)``
        With `holds`: the vector's beats are taken and dropped.
    pop : ``In(1)``
        The lanes on `row` are taken.
    full : ``Out(1)``
        `row` holds the next elements, or this plane is missing, or all beats were dropped.
    row : ``Out(lanes * widths[-1])``
        The next elements, packed.
    """

    def __init__(self, beat_bits: int, lanes: int, widths: tuple[int, ...], max_elements: int) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(beat_bits))),
                "enter": In(1),
                "first": In(1),
                "holds": In(1),
                "width": In(4),
                "elements": In(range(max_elements + 1)),
                "drops": In(1),
                "pop": In(1),
                "full": Out(1),
                "row": Out(lanes * max(widths, default=1)),
            }
        )
        self._beat_bits, self._lanes, self._widths = beat_bits, lanes, widths
        self._max_elements = max_elements

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        if not self._widths:
            m.d.comb += self.full.eq(self._take(m, Const(1)))
            return m
        unit = unit_bits(self._widths)
        per_beat, size = 4 // unit, unit * self._lanes  # units of a beat, bits of a unit
        units = self._widths[-1] // unit - 1 + per_beat  # the most that may be left over, and a beat
        bits = Signal(units * size)
        level = Signal(range(units + 1))
        kept = Signal(range(units + 1))
        need = Signal(range(units + 1))
        shifted = Signal.like(bits)
        with m.Switch(self.width):
            for width in self._widths:
                with m.Case(width):
                    m.d.comb += need.eq(width // unit)
        m.d.comb += [kept.eq(level), shifted.eq(bits)]
        with m.If(self.enter | self.drops):
            m.d.comb += [kept.eq(0), shifted.eq(0)]
        with m.Elif(self.pop):
            m.d.comb += kept.eq(Mux(level > need, level - need, 0))
            with m.Switch(need):
                for width in self._widths:
                    with m.Case(width // unit):
                        m.d.comb += shifted.eq(bits >> (width // unit * size))

        ended = self._take(m, kept <= units - per_beat)
        m.d.sync += [bits.eq(shifted), level.eq(kept)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += level.eq(kept + per_beat)
            with m.Switch(kept):
                for number in range(units - per_beat + 1):
                    with m.Case(number):
                        m.d.sync += bits.eq(shifted | (self.i.payload << (number * size)))
        m.d.comb += [self.full.eq(ended | (~self.drops & (level >= need))), self.row.eq(bits)]
        return m

    def _take(self, m: Module, room: Any) -> Signal:
        """Take a beat if the vector has one left and there is room; return whether it has none left."""
        most = self._max_elements * 15  # bits, as the width is told
        beats = Signal(range(-(-most // self._beat_bits) + 1))
        total = Signal.like(beats)
        ended = Signal()
        shift = self._beat_bits.bit_length() - 1
        m.d.comb += total.eq((self.elements * self.width + self._beat_bits - 1) >> shift)
        m.d.comb += ended.eq(beats == total)
        m.d.comb += self.i.ready.eq(Mux(self.enter, self.first, self.holds & ~ended & room))
        moves = self.i.valid & self.i.ready
        m.d.sync += beats.eq(Mux(self.enter, 0, beats) + moves)
        return ended


class BitwidthConverter(wiring.Component):
    """Makes on-chip words of the planes that K, Q and V are stored in.

    **Beats.** Each plane of a vector is a packed field of bits: element e of b bits takes bits e * b to e * b + b - 1,
    from the least significant bit of the first byte on. It comes in beats of `converter.plane_bytes`, the first byte
    lowest; a vector begins with a new beat, and what stands behind its last element is ignored. Vectors of 6 bits that
    are stored fused with those of another head are one vector of both heads' elements. Where a vector begins within a
    granule, whoever fetches it aligns it (the token gather does).

    **Words.** The MSB plane is the top of the word, two's complement. The bits of the LSB plane follow. Below are
    zeros; `middle` sets the highest missing bit: V, which is never completed, is taken at the middle of
    what its plane leaves open, K and Q at the lower end (contracts, section 1).

    **Illegal commands.** A vector without elements or of a width that there is not raises ``status``. The beats
    of both planes that its command announces, ceil(elements x bits / beat), are dropped, and one empty beat leaves.

    Timing
    ------
    Obeys ``arch.converter.law``: a beat of each plane per cycle, and a beat of words stands on ``o`` 2 cycles after the
    beat that completes it. The first beat of a vector is taken in the cycle in which the last elements of the vector
    before leave the buffers for the output's register. That is a cycle later where two beats of words wait for the same
    last beat of a plane.

    Parameters
    ----------
    arch : `Arch`
        `converter` for the width of a beat, `number` for that of a word and of the LSB plane, `gather.max_row_bytes`.

    Members
    -------
    command : ``In(stream.Signature(plane_command(arch)))``
        One vector: its `elements` (1 or more, also more than `gather.max_row_bytes`
        hold: only beats are stored here), `msb_bits` (4, 6, 8, 10 or 12, up to the on-chip width), `lsb_bits`
        (0, or `number.lsb_bits`, or what the MSBs leave of the word if that is less), `middle` (without an LSB plane
        only): the highest bit below the MSBs is 1, not 0.
    msb : ``In(stream.Signature(unsigned(8 * converter.plane_bytes)))``
        The plane of the MSBs: element e of b bits takes bits e * b to e * b + b - 1, over the beats of a vector, which
        begins with a new beat; what stands behind its last element is ignored.
    lsb : ``In(stream.Signature(unsigned(8 * converter.plane_bytes)))``
        The plane of the LSBs, packed alike. No beat is taken for a vector that has none.
    o : ``Out(stream.Signature(packed_beat(converter.lanes, signed(number.onchip_bits))))``
        The words: MSBs on top, LSBs below them, zeros below these. Full beats but a vector's last, which has `last`.
    status : ``Out(event(status()))``
        In the cycle after an illegal command is taken: 1 for no elements, 6 for a width that there is not.
    """

    def __init__(self, arch: Arch) -> None:
        beat = stream.Signature(unsigned(8 * arch.converter.plane_bytes))
        words = packed_beat(arch.converter.lanes, signed(arch.number.onchip_bits))
        super().__init__(
            {
                "command": In(stream.Signature(plane_command(arch))),
                "msb": In(beat),
                "lsb": In(beat),
                "o": Out(stream.Signature(words)),
                "status": Out(event(status())),
            }
        )
        self._arch, self._lanes, self._bits = arch, arch.converter.lanes, arch.number.onchip_bits
        self._msb_widths = msb_widths(self._bits)
        self._lsb_widths = lsb_widths(self._bits, arch.number.lsb_bits)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.next = after = Stage(plane_command(self._arch))
        m.submodules.now = now = Stage(plane_command(self._arch))
        wiring.connect(m, wiring.flipped(self.command), after.i)
        wiring.connect(m, after.o, now.i)
        self._judge(m)
        pop = Signal()
        drops = Signal()
        planes = []
        m.d.comb += drops.eq(~self._known(m, now.o.p, "now"))
        longest = (1 << len(now.o.p.elements)) - 1
        for name, widths, port in (("msb", self._msb_widths, self.msb), ("lsb", self._lsb_widths, self.lsb)):
            beat_bits = 8 * self._arch.converter.plane_bytes
            m.submodules[name] = plane = PlaneBuffer(beat_bits, self._lanes, widths, longest)
            wiring.connect(m, wiring.flipped(port), plane.i)
            m.d.comb += [plane.enter.eq(after.o.valid & now.i.ready), plane.holds.eq(now.o.valid), plane.pop.eq(pop)]
            first = (getattr(after.o.p, f"{name}_bits") != 0) & (after.o.p.elements != 0)
            m.d.comb += [plane.first.eq(first), plane.drops.eq(now.o.valid & drops)]
            m.d.comb += [plane.width.eq(getattr(now.o.p, f"{name}_bits")), plane.elements.eq(now.o.p.elements)]
            planes.append(plane)
        self._put(m, now.o, pop, drops, planes)
        return m

    def _judge(self, m: Module) -> None:
        """Tell of a command that is illegal, in the cycle after it."""
        told = self.command.p
        none = Signal()
        known = self._known(m, self.command.p, "told")
        m.d.comb += none.eq(told.elements == 0)
        m.d.sync += self.status.payload.code.eq(Mux(none, Status.NONE_OFFERED, Status.UNKNOWN))
        m.d.sync += self.status.valid.eq(self.command.valid & self.command.ready & (none | ~known))

    def _known(self, m: Module, vector: Any, name: str) -> Signal:
        """Return whether there are planes of a vector's widths."""
        known = Signal(name=f"{name}_known")
        with m.Switch(vector.msb_bits):
            for width in self._msb_widths:
                below = min(self._arch.number.lsb_bits, self._bits - width)
                with m.Case(width):
                    m.d.comb += known.eq((vector.lsb_bits == 0) | (vector.lsb_bits == below))
        return known

    def _put(self, m: Module, now: stream.Interface, pop: Signal, drops: Signal, planes: list[PlaneBuffer]) -> None:
        """Take the next elements of both planes at once, and put words of them out. A dropped vector has none."""
        done = Signal.like(now.p.elements)  # elements that were put out before
        left = Signal.like(done)
        last = Signal()
        free = Signal()
        m.d.comb += [left.eq(Mux(drops, 0, now.p.elements - done)), last.eq(left <= self._lanes)]
        m.d.comb += free.eq(~self.o.valid | self.o.ready)
        m.d.comb += pop.eq(now.valid & planes[0].full & planes[1].full & free)
        m.d.comb += now.ready.eq(pop & last)
        with m.If(pop):
            m.d.sync += done.eq(Mux(last, 0, done + self._lanes))
        with m.If(free):
            m.d.sync += [self.o.valid.eq(pop), self.o.p.last.eq(last)]
            m.d.sync += self.o.p.count.eq(Mux(last, left, self._lanes))
            for lane in range(self._lanes):
                m.d.sync += self.o.p.items[lane].eq(self._word(m, now.p, planes, lane))

    def _word(self, m: Module, vector: Any, planes: list[PlaneBuffer], lane: int) -> Signal:
        """Return the word of one lane."""
        high, low = Signal(self._bits, name=f"high_{lane}"), Signal(self._bits, name=f"low_{lane}")
        word = Signal(signed(self._bits), name=f"word_{lane}")
        with m.Switch(vector.msb_bits):
            for width in self._msb_widths:
                with m.Case(width):
                    m.d.comb += high.eq(planes[0].row[lane * width : (lane + 1) * width] << (self._bits - width))
                    self._fill(m, vector, planes[1], lane, low, self._bits - width)
        m.d.comb += word.eq(high | low)
        return word

    def _fill(self, m: Module, vector: Any, plane: PlaneBuffer, lane: int, low: Signal, open_bits: int) -> None:
        """Drive what goes into the bits that the MSBs leave open."""
        if open_bits:
            m.d.comb += low.eq(Cat(Const(0, open_bits - 1), vector.middle))
        with m.Switch(vector.lsb_bits):
            for width in self._lsb_widths:
                if width <= open_bits:
                    with m.Case(width):
                        element = plane.row[lane * width : (lane + 1) * width]
                        m.d.comb += low.eq(element << (open_bits - width))
