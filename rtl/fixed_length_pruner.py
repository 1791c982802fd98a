"""The fixed-length pruner: exactly K tokens of every sequence, in their order and in constant time."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner as Parameters
from tokensieve.rtl.beats import kept_tokens, packed_beat, token
from tokensieve.rtl.burst import Burst
from tokensieve.rtl.padded_search import PaddedSearch
from tokensieve.rtl.sequence_drain import SequenceDrain
from tokensieve.rtl.sequence_front import SequenceFront, after, turn_bits


class FixedLengthPruner(wiring.Component):
    """Keeps the `keep` tokens of each sequence that have the largest scores, in their order, ties to the first.

    Sequences may have any number of tokens up to `max_tokens`, none at all too. Where there are fewer tokens than are
    kept, all of them leave, and padding behind them. A sequence that is too long, in tokens or in beats, is dropped:
    what leaves is all padding, marked `too_long`.

    Search engines take the sequences in turn, each with a search core and room for a sequence of its own.

    Timing
    ------
    Obeys ``pruner.law``: at full input rate and with a sink that is always ready, a sequence begins every
    ``law.interval`` cycles and its first beat leaves ``law.latency`` cycles after its first one has come, whatever
    lengths and scores are. A pause within a sequence that makes it longer than the longest one, and a stall of the
    output for as long as there is room, delay it; no score does.

    Parameters
    ----------
    pruner : `FixedLengthPruner`
        Section ``pruner`` of the machine.

    Members
    -------
    i : ``In(stream.Signature(packed_beat(pruner.lanes, token(pruner))))``
        Sequences of tokens with their scores: beats that are full, and a last one with `last`, whose `count` tokens
        are 1 or more, or 0 where it is the sequence's only beat. That of other beats is not looked at.
    o : ``Out(stream.Signature(kept_tokens(pruner)))``
        ceil(keep / lanes) beats for each sequence. Tokens have `valid`; what has not is padding, all zeros.
    """

    def __init__(self, pruner: Parameters) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(packed_beat(pruner.lanes, token(pruner)))),
                "o": Out(stream.Signature(kept_tokens(pruner))),
            }
        )
        self._pruner = pruner

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        pruner = self._pruner
        m.submodules.front = front = SequenceFront(pruner)
        m.submodules.drain = drain = SequenceDrain(pruner)
        m.submodules.burst = burst = Burst(pruner)
        wiring.connect(m, wiring.flipped(self.i), front.i)
        wiring.connect(m, burst.o, wiring.flipped(self.o))
        wiring.connect(m, drain.o, burst.i)
        m.d.comb += [drain.row.valid.eq(front.o.valid), drain.row.payload.eq(front.o.payload)]
        m.d.comb += burst.starts.eq(drain.starts)

        turn = Signal(turn_bits(pruner))  # the engine whose verdict is next
        takes = Signal()
        m.d.comb += takes.eq(drain.command.ready & burst.room)
        for number in range(pruner.engine_count):
            m.submodules[f"engine{number}"] = engine = PaddedSearch(pruner)
            m.d.comb += engine.i.valid.eq(front.o.valid & (front.o.payload.turn == number))
            m.d.comb += [engine.i.payload.eq(front.o.payload), engine.load.eq(front.loads[number])]
            m.d.comb += [engine.o.ready.eq(takes & (turn == number))]
            m.d.comb += front.freed[number].eq(engine.o.valid & engine.o.ready)
            with m.If(turn == number):
                m.d.comb += drain.command.valid.eq(engine.o.valid & burst.room)
                m.d.comb += [getattr(drain.command.p, name).eq(part) for name, part in _parts(engine.o.p)]
        m.d.comb += drain.command.p.turn.eq(turn)

        kept, told = burst.told.payload, drain.command.p
        m.d.comb += burst.told.valid.eq(drain.command.valid & drain.command.ready)
        m.d.comb += [kept.kept.eq(Mux(told.n > pruner.keep, pruner.keep, told.n)), kept.too_long.eq(told.too_long)]
        with m.If(burst.told.valid):
            m.d.sync += turn.eq(after(turn, pruner.engine_count))
        return m


def _parts(told: Any) -> list[tuple[str, Any]]:
    return [(name, getattr(told, name)) for name in ("threshold", "ties", "n", "too_long")]
