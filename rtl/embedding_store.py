"""The embeddings of a fixed-length pruner: all that come are written into slots, those of kept tokens are read."""

from functools import partial
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.rtl.beats import embedding, kept_embedding, lane_count_bits
from tokensieve.rtl.pipe import Step, chain
from tokensieve.rtl.primitives.block_ram import BlockRam
from tokensieve.rtl.queue import BlockQueue
from tokensieve.rtl.sequence_front import after as after_


def announced(pruner: FixedLengthPruner) -> StructLayout:
    """Return the layout of a beat's number of tokens, whose embeddings come next; `last` ends a sequence."""
    return StructLayout({"count": unsigned(lane_count_bits(pruner.lanes)), "last": unsigned(1)})


def kept_places(pruner: FixedLengthPruner) -> StructLayout:
    """Return the layout of a beat of kept tokens' places in their sequence; what is not `valid` is padding."""
    place = StructLayout({"place": unsigned(pruner.position_bits), "valid": unsigned(1)})
    return StructLayout({"items": ArrayLayout(place, pruner.lanes)})


class EmbeddingStore(wiring.Component):
    """Writes the embeddings of each sequence into a slot, and sends those of its kept tokens out.

    Tokens that a sequence has less than the longest one are waited for as if their embeddings came, a beat a cycle:
    the length of a sequence changes no cycle. No token is kept of a sequence that is too long, whose
    embeddings are taken.

    Timing
    ------
    The first beat of a sequence's embeddings is taken two cycles after its tokens were announced, if a slot is free. A
    kept token is read when the embedding of the last place that it may have has come, three cycles before it stands on
    ``eo``: the j-th of `keep` tokens when `max_tokens` - `keep` + j of the sequence have come, the last one when all
    have.

    Parameters
    ----------
    pruner : `FixedLengthPruner`
        Lanes, longest sequence, tokens to keep, beats of an embedding and slots.

    Members
    -------
    tokens : ``In(stream.Signature(announced(pruner)))``
        Tokens of each beat of a sequence.
    e : ``In(stream.Signature(embedding(pruner)))``
        Embeddings of all these tokens.
    kept : ``In(stream.Signature(kept_places(pruner)))``
        Exactly `keep` tokens of each sequence, in ascending order, padding at the end.
    eo : ``Out(stream.Signature(kept_embedding(pruner)))``
        Their embeddings.
    """

    def __init__(self, pruner: FixedLengthPruner) -> None:
        super().__init__(
            {
                "tokens": In(stream.Signature(announced(pruner))),
                "e": In(stream.Signature(embedding(pruner))),
                "kept": In(stream.Signature(kept_places(pruner))),
                "eo": Out(stream.Signature(kept_embedding(pruner))),
            }
        )
        self._pruner = pruner
        self._beat_bits = (pruner.embedding_beats - 1).bit_length()

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        pruner = self._pruner
        slots = pruner.embedding_slots
        depth = slots << (pruner.position_bits + self._beat_bits)
        m.submodules.words = memory = BlockRam(embedding(pruner), depth)
        m.submodules.ahead = ahead = BlockQueue(announced(pruner), pruner.law.ahead_beats)
        m.submodules.places = places = BlockQueue(kept_places(pruner), 2 * pruner.keep_beats)
        wiring.connect(m, wiring.flipped(self.tokens), ahead.i)
        wiring.connect(m, wiring.flipped(self.kept), places.i)

        whole = Signal(range(slots + 1))  # sequences all of whose embeddings have come
        come = Signal(range(pruner.max_tokens))  # tokens whose embeddings have come, of the sequence behind those
        ended = self._write(m, memory, ahead.o, come, whole)
        sent = self._read(m, memory, places.o, come, whole)
        m.d.sync += whole.eq(whole + ended - sent)
        return m

    def _address(self, slot: Signal, place: Any, beat: Signal) -> Any:
        return beat | (place << self._beat_bits) | (slot << self._beat_bits + self._pruner.position_bits)

    def _write(self, m: Module, memory: BlockRam, tokens: Any, come: Signal, whole: Signal) -> Signal:
        """Take the embeddings of the tokens that were announced; return whether the sequence ends in this cycle."""
        pruner, slots = self._pruner, self._pruner.embedding_slots
        write_slot = Signal(range(slots))
        write_beat = Signal(max(1, self._beat_bits))
        lane = Signal(range(pruner.lanes + 1))
        short = Signal()
        moves = Signal()
        token = Signal()
        free = Signal()
        full = Signal()
        done = Signal()
        ended = Signal()
        m.d.comb += short.eq(lane == tokens.p["count"])  # all have come, and the longest sequence has more
        m.d.comb += free.eq(whole != slots)
        m.d.comb += self.e.ready.eq(tokens.valid & ~short & free)
        m.d.comb += moves.eq(tokens.valid & (short | self.e.valid) & free)
        m.d.comb += token.eq(moves & (write_beat == pruner.embedding_beats - 1))
        m.d.comb += full.eq(come == pruner.max_tokens - 1)
        m.d.comb += done.eq((short | (lane + 1 == tokens.p["count"])) & (full | ~tokens.p.last))
        m.d.comb += [tokens.ready.eq(token & done), ended.eq(token & done & tokens.p.last)]

        # Those beyond the longest sequence are written over its last one: no token of such a sequence is kept.
        m.d.comb += [memory.write.en.eq(moves & ~short), memory.write.data.eq(self.e.payload)]
        m.d.comb += memory.write.addr.eq(self._address(write_slot, come, write_beat))
        with m.If(moves):
            m.d.sync += write_beat.eq(Mux(token, 0, write_beat + 1))
        with m.If(token):
            m.d.sync += lane.eq(Mux(done, 0, Mux(short, lane, lane + 1)))
            m.d.sync += come.eq(Mux(ended, 0, Mux(full, come, come + 1)))
        with m.If(ended):
            m.d.sync += write_slot.eq(after_(write_slot, slots))
        return ended

    def _read(self, m: Module, memory: BlockRam, places: Any, come: Signal, whole: Signal) -> Signal:
        """Send the embeddings of kept tokens; return whether the last beat of a sequence is read in this cycle."""
        pruner, lanes = self._pruner, self._pruner.lanes
        read_slot = Signal(range(pruner.embedding_slots))
        read_beat = Signal(max(1, self._beat_bits))
        read_lane = Signal(max(1, (lanes - 1).bit_length()))
        behind = pruner.max_tokens - pruner.keep
        least = Signal(range(pruner.max_tokens), init=behind)  # the last place that the token may have
        item = places.p.items[read_lane]
        ends_token = Signal()
        ends = Signal()
        source = stream.Signature(kept_embedding(pruner)).create(path=("stored",))
        moves = Signal()
        m.d.comb += source.valid.eq(places.valid & ((whole != 0) | (come > least)))
        m.d.comb += moves.eq(source.valid & source.ready)
        m.d.comb += ends_token.eq(read_beat == pruner.embedding_beats - 1)
        m.d.comb += ends.eq(ends_token & (least == pruner.max_tokens - 1))
        m.d.comb += [source.p.kept.eq(item.valid), source.p.last.eq(ends)]
        m.d.comb += places.ready.eq(moves & (ends | (ends_token & (read_lane == lanes - 1))))

        m.d.comb += memory.read.en.eq(source.ready)
        m.d.comb += memory.read.addr.eq(self._address(read_slot, item.place, read_beat))
        with m.If(moves):
            m.d.sync += read_beat.eq(Mux(ends_token, 0, read_beat + 1))
            with m.If(ends_token):
                m.d.sync += [read_lane.eq(Mux(read_lane == lanes - 1, 0, read_lane + 1)), least.eq(least + 1)]
            with m.If(ends):
                m.d.sync += [read_lane.eq(0), least.eq(behind)]
                m.d.sync += read_slot.eq(after_(read_slot, pruner.embedding_slots))
        layout = kept_embedding(pruner)
        steps: list[tuple[StructLayout, Step]] = [(layout, _keep), (layout, _keep), (layout, partial(_pad, memory))]
        end = chain(m, "out", source, steps)
        m.d.comb += [self.eo.valid.eq(end.valid), self.eo.payload.eq(end.payload), end.ready.eq(self.eo.ready)]
        return moves & ends


def _keep(m: Module, before: Any, after: Any, moves: Signal) -> None:
    m.d.comb += after.eq(before)


def _pad(memory: BlockRam, m: Module, before: Any, after: Any, moves: Signal) -> None:
    m.d.comb += [after.kept.eq(before.kept), after.last.eq(before.last)]
    m.d.comb += after.data.eq(Mux(before.kept, memory.o.data, Const(0, 1)))
