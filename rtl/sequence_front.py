"""The way into a fixed-length pruner: beats of sequences, given to the search engines in turn."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.rtl.beats import event, length_bits, packed_beat, token
from tokensieve.rtl.drain import beat_bits


def turn_bits(pruner: FixedLengthPruner) -> int:
    """Return the width of an engine's number."""
    return max(1, (pruner.engine_count - 1).bit_length())


def sequence_beat(pruner: FixedLengthPruner) -> StructLayout:
    """Return the layout of a beat on its way to an engine.

    ``turn``, ``row``
        The engine, and the beat's number in its sequence.
    ``items``, ``mask``
        Its tokens, and which lanes hold one.
    ``load``
        It is one of the beats that the longest sequence has; others are dropped.
    ``first``, ``last``, ``search``
        As a search core takes them. A sequence that goes on too long has its `last` where the longest one ends.
    ``ends``, ``n``, ``too_long``
        The sequence is over; its tokens up to here, 0 if there are more than there may be.
    """
    flags = {name: unsigned(1) for name in ("load", "first", "last", "search", "ends", "too_long")}
    return StructLayout(
        {
            "turn": unsigned(turn_bits(pruner)),
            "row": unsigned(beat_bits(pruner.topk)),
            "items": ArrayLayout(token(pruner), pruner.lanes),
            "mask": unsigned(pruner.lanes),
            "n": unsigned(length_bits(pruner.topk)),
            **flags,
        }
    )


def after(value: Signal, most: int) -> Value:
    """Return the number that follows `value` where 0 follows `most` - 1."""
    return Mux(value == most - 1, 0, value + 1)


class SequenceFront(wiring.Component):
    """Takes a sequence whenever its turn has come, and counts its tokens.

    Timing
    ------
    A beat stands on ``o`` one cycle after its transfer. Two sequences begin ``law.interval`` cycles apart or more. Once
    a sequence has begun, its beats never wait.

    Parameters
    ----------
    pruner : `FixedLengthPruner`
        Lanes, longest sequence, tokens to keep and engines.

    Members
    -------
    i : ``In(stream.Signature(packed_beat(pruner.lanes, token(pruner))))``
        Sequences: full beats, and a last one with `last`.
    freed : ``In(pruner.engine_count)``
        An engine has handed its threshold over, and may be given another sequence from the next cycle on.
    o : ``Out(event(sequence_beat(pruner)))``
        The beats.
    loads : ``Out(pruner.engine_count)``
        With `o`: the engine that keeps the beat's scores, one bit each, out of registers: it goes to all of them.
    """

    def __init__(self, pruner: FixedLengthPruner) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(packed_beat(pruner.lanes, token(pruner)))),
                "freed": In(pruner.engine_count),
                "o": Out(event(sequence_beat(pruner))),
                "loads": Out(pruner.engine_count),
            }
        )
        self._pruner = pruner

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        pruner = self._pruner
        i = self.i
        moves = Signal()
        row = Signal(range(pruner.load_beats + 1))  # beats of the sequence that have come, of those that may come
        turn = Signal(turn_bits(pruner))
        busy = Signal(pruner.engine_count)
        rest = Signal(range(pruner.law.interval + 1))  # cycles until another sequence may begin
        # What is known a cycle before is a register: all that follows from a transfer begins here.
        rested = Signal(init=1)  # rest == 0
        first = Signal(init=1)  # row == 0
        m.d.comb += moves.eq(i.valid & i.ready)
        m.d.comb += i.ready.eq(~first | (rested & ~busy.bit_select(turn, 1)))

        m.d.sync += [rest.eq(Mux(rested, 0, rest - 1)), rested.eq(rest <= 1), busy.eq(busy & ~self.freed)]
        with m.If(moves):
            m.d.sync += [row.eq(Mux(row == pruner.load_beats, row, row + 1)), first.eq(i.p.last)]
            with m.If(i.p.last):
                m.d.sync += [row.eq(0), turn.eq(after(turn, pruner.engine_count))]
            with m.If(first):
                m.d.sync += [rest.eq(pruner.law.interval - 1), rested.eq(pruner.law.interval == 1)]
                m.d.sync += busy.bit_select(turn, 1).eq(1)
        self._describe(m, row, turn, moves)
        return m

    def _describe(self, m: Module, row: Signal, turn: Signal, moves: Signal) -> None:
        """Say in a register what the beat that moves is."""
        pruner, i, o = self._pruner, self.i, self.o.payload
        count = Signal(len(i.p["count"]))
        tokens = Signal(range(pruner.lanes * (pruner.load_beats + 3)))  # up to this beat
        over = Signal()
        too_long = Signal()
        m.d.comb += count.eq(Mux(i.p.last, i.p["count"], pruner.lanes))
        m.d.comb += tokens.eq((row << (pruner.lanes - 1).bit_length()) + count)
        m.d.comb += [over.eq(row == pruner.load_beats), too_long.eq(over | (tokens > pruner.max_tokens))]

        m.d.sync += [self.o.valid.eq(moves), self.loads.eq(Mux(moves & ~over, 1 << turn, 0))]
        m.d.sync += [o.turn.eq(turn), o.row.eq(row), o.items.eq(i.p.items), o.load.eq(~over)]
        m.d.sync += [o.mask[lane].eq(count > lane) for lane in range(pruner.lanes)]
        m.d.sync += [o.first.eq(row == 0), o.last.eq(i.p.last | (row == pruner.load_beats - 1)), o.ends.eq(i.p.last)]
        m.d.sync += o.search.eq(i.p.last & ~too_long & (tokens > pruner.keep))
        m.d.sync += [o.n.eq(Mux(too_long, 0, tokens)), o.too_long.eq(too_long)]
