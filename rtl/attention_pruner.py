"""The fixed-length pruner whose scores are attention probabilities, summed up over rows."""

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner as Parameters
from tokensieve.rtl.attention_front import AttentionFront
from tokensieve.rtl.beats import embedding, kept_embedding, kept_tokens, packed_beat, token
from tokensieve.rtl.embedding_pruner import EmbeddingPruner
from tokensieve.rtl.fixed_length_pruner import FixedLengthPruner


class AttentionPruner(wiring.Component):
    """Keeps the `keep` tokens of each sequence that the most attention was paid to, as `FixedLengthPruner` does.

    An `AttentionFront`, and behind it that pruner, or, with embeddings, an `EmbeddingPruner`.

    Timing
    ------
    Obeys ``pruner.law``, as these do.

    Parameters
    ----------
    pruner : `FixedLengthPruner`
        Section ``pruner`` of the machine.

    Members
    -------
    i : ``In(stream.Signature(packed_beat(pruner.lanes, token(pruner))))``
        `query_rows` rows of each sequence, as an `AttentionFront` takes them.
    e, o, eo : ``stream.Signature(...)``
        As those of the pruner behind it; ``e`` and ``eo`` with embeddings alone. An embedding is taken after its
        token in the last row.
    """

    def __init__(self, pruner: Parameters) -> None:
        ports = {
            "i": In(stream.Signature(packed_beat(pruner.lanes, token(pruner)))),
            "o": Out(stream.Signature(kept_tokens(pruner))),
        }
        if pruner.embedding_beats:
            ports["e"] = In(stream.Signature(embedding(pruner)))
            ports["eo"] = Out(stream.Signature(kept_embedding(pruner)))
        super().__init__(ports)
        self._pruner = pruner

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.attention = attention = AttentionFront(self._pruner)
        wiring.connect(m, wiring.flipped(self.i), attention.i)
        if self._pruner.embedding_beats:
            m.submodules.pruner = pruner = EmbeddingPruner(self._pruner)
            wiring.connect(m, wiring.flipped(self.e), pruner.e)
            wiring.connect(m, pruner.eo, wiring.flipped(self.eo))
        else:
            m.submodules.pruner = pruner = FixedLengthPruner(self._pruner)
        wiring.connect(m, attention.o, pruner.i)
        wiring.connect(m, pruner.o, wiring.flipped(self.o))
        return m
