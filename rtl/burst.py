"""The last buffer of a fixed-length pruner: what is kept of a sequence leaves in one burst of constant length."""

from typing import Any

from amaranth.hdl import Array, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.rtl.beats import event, kept_tokens, packed_beat, token
from tokensieve.rtl.pipe import Step, chain
from tokensieve.rtl.sequence_front import after as after_


def burst_told(pruner: FixedLengthPruner) -> StructLayout:
    """Return the layout of a sequence's result: how many of its tokens are kept, and whether it was too long."""
    return StructLayout({"kept": unsigned(pruner.keep.bit_length()), "too_long": unsigned(1)})


class Burst(wiring.Component):
    """Writes the kept tokens of each sequence into a slot, and sends the slot out, padded with zeros.

    Timing
    ------
    A sequence's first beat stands on ``o`` ``burst_delay`` + 2 cycles after it was told, if those before have left; a
    beat a cycle follows. A slot is held from then until its last beat is read.

    Parameters
    ----------
    pruner : `FixedLengthPruner`
        Lanes, tokens to keep, slots.

    Members
    -------
    told : ``In(event(burst_told(pruner)))``
        A sequence whose tokens come next. There must be ``room``.
    room : ``Out(1)``
        A slot is free.
    i : ``In(event(packed_beat(pruner.lanes, token(pruner))))``
        Kept tokens, full beats but the last.
    starts : ``In(1)``
        The next sequence may be read as soon as the registers behind it allow.
    o : ``Out(stream.Signature(kept_tokens(pruner)))``
        Exactly `keep` tokens of each sequence, those that are none at the end.
    """

    def __init__(self, pruner: FixedLengthPruner) -> None:
        super().__init__(
            {
                "told": In(event(burst_told(pruner))),
                "room": Out(1),
                "i": In(event(packed_beat(pruner.lanes, token(pruner)))),
                "starts": In(1),
                "o": Out(stream.Signature(kept_tokens(pruner))),
            }
        )
        self._pruner = pruner
        self._places = max(1, (pruner.keep_beats - 1).bit_length())

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        pruner, slots = self._pruner, self._pruner.out_slots
        attrs = {"ram_style": "block", "no_rw_check": 1}  # a beat is read later than it is written
        items = packed_beat(pruner.lanes, token(pruner))["items"].shape
        m.submodules.beats = memory = Memory(shape=items, depth=slots << self._places, init=[], attrs=attrs)
        write = memory.write_port()
        read = memory.read_port(domain="comb")

        slot = Signal(range(slots))
        place = Signal(self._places)
        m.d.comb += [write.en.eq(self.i.valid), write.data.eq(self.i.payload.items)]
        m.d.comb += write.addr.eq(place | (slot << self._places))
        with m.If(self.i.valid):
            m.d.sync += place.eq(Mux(self.i.payload.last, 0, place + 1))
            with m.If(self.i.payload.last):
                m.d.sync += slot.eq(after_(slot, slots))
        self._send(m, read, self._ready(m))
        return m

    def _ready(self, m: Module) -> Signal:
        """Return whether a sequence's beats are there, or will be when they are read."""
        pruner = self._pruner
        begun = Signal(pruner.drain_stages + pruner.topk.compactor_stages + 1)
        m.d.sync += begun.eq(begun << 1 | self.starts)
        return begun[-1]

    def _send(self, m: Module, read: Any, ready: Signal) -> None:
        """Read one slot after the other, and put zeros where there is no token."""
        pruner, slots = self._pruner, self._pruner.out_slots
        told = Array(Signal(burst_told(pruner), name=f"told_{slot}", reset_less=True) for slot in range(slots))
        newest = Signal(range(slots))
        slot = Signal(range(slots))
        place = Signal(self._places)
        held = Signal(range(slots + 1))
        sending = Signal(range(slots + 1))
        ends = Signal()
        source = stream.Signature(kept_tokens(pruner)).create(path=("slot_row",))
        lanes, now = pruner.lanes, told[slot]
        m.d.comb += [self.room.eq(held != slots), source.valid.eq(sending != 0)]
        m.d.comb += read.addr.eq(place | (slot << self._places))
        m.d.comb += [source.p.last.eq(place == pruner.keep_beats - 1), source.p.too_long.eq(now.too_long)]
        for lane, item in enumerate(read.data[number] for number in range(lanes)):
            m.d.comb += [source.p.items[lane].id.eq(item.id), source.p.items[lane].score.eq(item.score)]
            m.d.comb += source.p.items[lane].valid.eq(now.kept > (place << (lanes - 1).bit_length() | lane))

        m.d.comb += ends.eq(source.valid & source.ready & source.p.last)
        m.d.sync += [held.eq(held + self.told.valid - ends), sending.eq(sending + ready - ends)]
        with m.If(self.told.valid):
            m.d.sync += [told[newest].eq(self.told.payload), newest.eq(after_(newest, slots))]
        with m.If(source.valid & source.ready):
            m.d.sync += place.eq(Mux(source.p.last, 0, place + 1))
        with m.If(ends):
            m.d.sync += slot.eq(after_(slot, slots))
        steps: list[tuple[StructLayout, Step]] = [(kept_tokens(pruner), _keep), (kept_tokens(pruner), self._pad)]
        end = chain(m, "out", source, steps)
        m.d.comb += [self.o.valid.eq(end.valid), self.o.payload.eq(end.payload), end.ready.eq(self.o.ready)]

    def _pad(self, m: Module, before: Any, after: Any, moves: Signal) -> None:
        m.d.comb += [after.last.eq(before.last), after.too_long.eq(before.too_long)]
        for lane in range(self._pruner.lanes):
            with m.If(before.items[lane].valid):
                m.d.comb += after.items[lane].eq(before.items[lane])


def _keep(m: Module, before: Any, after: Any, moves: Signal) -> None:
    m.d.comb += after.eq(before)
