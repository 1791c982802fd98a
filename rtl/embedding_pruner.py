"""The fixed-length pruner with embeddings: those of exactly K tokens of every sequence leave on a second stream."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner as Parameters
from tokensieve.rtl.beats import embedding, kept_embedding, kept_tokens, offered_token, packed_beat
from tokensieve.rtl.embedding_store import EmbeddingStore
from tokensieve.rtl.fixed_length_pruner import FixedLengthPruner
from tokensieve.rtl.fork import fork
from tokensieve.rtl.norm_front import NormFront


class EmbeddingPruner(wiring.Component):
    """Keeps the `keep` tokens of each sequence that have the largest scores, and their embeddings.

    As `FixedLengthPruner`, which is inside, with the place of each token in its sequence above its id. Embeddings are
    written down as they come, and read when it is known whose are kept. Where scores are norms, a `NormFront` takes
    each beat of an embedding in the same cycle, and gives the pruner inside its tokens when they have scores.

    Timing
    ------
    Obeys ``pruner.law``, as `FixedLengthPruner` does; the first beat of the kept embeddings leaves
    ``law.embedding_latency`` cycles after the sequence's first beat of tokens has come, whatever lengths and scores
    are. An embedding is taken once its token has been; tokens go ahead by ``law.ahead_beats`` beats at most. Either
    output goes on while the other one waits, until kept tokens of two sequences wait for their embeddings to be sent.

    Parameters
    ----------
    pruner : `FixedLengthPruner`
        Section ``pruner`` of the machine.

    Members
    -------
    i : ``In(stream.Signature(packed_beat(pruner.lanes, offered_token(pruner))))``
        Sequences of tokens with their scores: beats that are full, and a last one with `last`, whose `count` tokens
        are 1 or more, or 0 where it is the sequence's only beat. That of other beats is not looked at.
    e : ``In(stream.Signature(embedding(pruner)))``
        Embeddings, embedding_beats beats for each token of a sequence, in the order of the tokens. One is taken after
        its token.
    o : ``Out(stream.Signature(kept_tokens(pruner)))``
        ceil(keep / lanes) beats for each sequence. Tokens have `valid`; what has not is padding, all zeros.
    eo : ``Out(stream.Signature(kept_embedding(pruner)))``
        Embeddings of the tokens on ``o``: keep x embedding_beats beats for each sequence, ended by `last`. Those of
        padding have no `kept`, and are all zeros.
    """

    def __init__(self, pruner: Parameters) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(packed_beat(pruner.lanes, offered_token(pruner)))),
                "e": In(stream.Signature(embedding(pruner))),
                "o": Out(stream.Signature(kept_tokens(pruner))),
                "eo": Out(stream.Signature(kept_embedding(pruner))),
            }
        )
        self._pruner = pruner

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.core = core = FixedLengthPruner(self._pruner.core)
        m.submodules.store = store = EmbeddingStore(self._pruner)
        first: Any = core
        if self._pruner.scores_embeddings:
            m.submodules.norms = first = NormFront(self._pruner.core)
            wiring.connect(m, first.o, core.i)
            m.d.comb += [store.e.valid.eq(self.e.valid & first.e.ready), first.e.valid.eq(self.e.valid & store.e.ready)]
            m.d.comb += self.e.ready.eq(store.e.ready & first.e.ready)
            m.d.comb += [store.e.payload.eq(self.e.payload), first.e.payload.eq(self.e.payload)]
        else:
            wiring.connect(m, wiring.flipped(self.e), store.e)
        wiring.connect(m, store.eo, wiring.flipped(self.eo))
        self._enter(m, first, store)
        self._leave(m, core, store)
        return m

    def _enter(self, m: Module, core: Any, store: EmbeddingStore) -> None:
        """Give each beat on, with places, and its number of tokens to the store, both in the same cycle."""
        pruner, i = self._pruner, self.i
        lane_bits = (pruner.lanes - 1).bit_length()
        row = Signal(max(1, pruner.position_bits - lane_bits))
        m.d.comb += [core.i.valid.eq(i.valid & store.tokens.ready), store.tokens.valid.eq(i.valid & core.i.ready)]
        m.d.comb += i.ready.eq(core.i.ready & store.tokens.ready)
        m.d.comb += [core.i.p["count"].eq(i.p["count"]), core.i.p.last.eq(i.p.last)]
        for lane in range(pruner.lanes):
            one, wide = i.p.items[lane], core.i.p.items[lane]
            m.d.comb += wide.id.eq(Cat(one.id, row << lane_bits | lane))
            if not pruner.scores_embeddings:
                m.d.comb += wide.score.eq(one.score)
        announced = store.tokens.p
        m.d.comb += [announced["count"].eq(Mux(i.p.last, i.p["count"], pruner.lanes)), announced.last.eq(i.p.last)]
        with m.If(i.valid & i.ready):
            m.d.sync += row.eq(Mux(i.p.last, 0, row + 1))

    def _leave(self, m: Module, core: FixedLengthPruner, store: EmbeddingStore) -> None:
        """Send the kept tokens out, and their places to the store."""
        fork(m, core.o, [self.o, store.kept])
        m.d.comb += [self.o.p.too_long.eq(core.o.p.too_long), self.o.p.last.eq(core.o.p.last)]
        for lane in range(self._pruner.lanes):
            wide, one, place = core.o.p.items[lane], self.o.p.items[lane], store.kept.p.items[lane]
            m.d.comb += [one.id.eq(wide.id), one.score.eq(wide.score), one.valid.eq(wide.valid)]
            m.d.comb += [place.place.eq(wide.id[self._pruner.id_bits :]), place.valid.eq(wide.valid)]
