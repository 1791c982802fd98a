"""Planted faults of the fixed-length pruner's embeddings."""

from dataclasses import replace

from tokensieve.rtl.flow.mutants.base import Mutant
from tokensieve.rtl.flow.mutants.parts import impatient

_STORE, _WHOLE = "tokensieve.rtl.embedding_store", "tokensieve.rtl.embedding_pruner"
_SENT = "m.d.comb += [self.eo.valid.eq(end.valid), self.eo.payload.eq(end.payload), end.ready.eq(self.eo.ready"

_RESETS = (
    Mutant(
        name="place-without-reset",
        module=_WHOLE,
        old="row = Signal(max(1, pruner.position_bits - lane_bits))",
        new="row = Signal(max(1, pruner.position_bits - lane_bits), reset_less=True)",
        why="a reset among the beats of a sequence makes the places of the next one go on from there",
    ),
    Mutant(
        name="come-without-reset",
        module=_STORE,
        old="come = Signal(range(pruner.max_tokens))",
        new="come = Signal(range(pruner.max_tokens), reset_less=True)",
        why="embeddings that came before a reset are counted among those of the next sequence",
    ),
    Mutant(
        name="least-without-reset",
        module=_STORE,
        old="least = Signal(range(pruner.max_tokens), init=behind)",
        new="least = Signal(range(pruner.max_tokens), init=behind, reset_less=True)",
        why="embeddings that left before a reset are counted among those of the next sequence",
    ),
    Mutant(
        name="whole-without-reset",
        module=_STORE,
        old="whole = Signal(range(slots + 1))",
        new="whole = Signal(range(slots + 1), reset_less=True)",
        why="embeddings that were in the slots when a reset came are there afterwards",
    ),
    Mutant(
        name="slot-without-reset",
        module=_STORE,
        old="write_slot = Signal(range(slots))",
        new="write_slot = Signal(range(slots), reset_less=True)",
        why="after a reset embeddings are written to another slot than is read",
    ),
)

_PACE = (
    Mutant(
        name="tokens-lost",
        module=_WHOLE,
        old="m.d.comb += i.ready.eq(core.i.ready & store.tokens.ready)",
        new="m.d.comb += i.ready.eq(core.i.ready)",
        why="tokens that are too far ahead of their embeddings are taken, and lost",
    ),
    Mutant(
        name="places-lost",
        module=_WHOLE,
        old="fork(m, core.o, [self.o, store.kept])",
        new="fork(m, core.o, [self.o, store.kept])\n        m.d.comb += core.o.ready.eq(self.o.ready)",
        why="kept tokens leave though there is no room for their places",
    ),
    Mutant(
        name="slot-overwritten",
        module=_STORE,
        old="free.eq(whole != slots)",
        new="free.eq(1)",
        why="embeddings are written to a slot that has not been read",
    ),
    Mutant(
        name="unbounded",
        module=_STORE,
        old="Mux(full, come, come + 1)",
        new="come + 1",
        why="tokens of a sequence that is too long are counted on",
    ),
    Mutant(
        name="short-not-padded",
        module=_STORE,
        old="& (full | ~tokens.p.last))",
        new="& 1)",
        why="the embeddings of a short sequence do not take the time of the longest one",
    ),
    Mutant(
        name="embedding-early",
        module=_STORE,
        old="places.valid & ((whole != 0) | (come > least))",
        new="places.valid",
        why="an embedding is read before it has come",
    ),
    Mutant(
        name="embedding-late",
        module=_STORE,
        old="(come > least)",
        new="(come > least + 1)",
        why="an embedding is read a token later than it may be",
    ),
)

_ANSWERS = (
    Mutant(
        name="embedding-padding-shows",
        module=_STORE,
        old="Mux(before.kept, memory.o.data, Const(0, 1))",
        new="memory.o.data",
        why="padding holds an embedding",
    ),
    Mutant(
        name="place-of-lane-0",
        module=_WHOLE,
        old="row << lane_bits | lane",
        new="row << lane_bits",
        why="all tokens of a beat are given the embedding of the first one",
    ),
    Mutant(
        name="reads-written-slot",
        module=_STORE,
        old="self._address(read_slot, item.place, read_beat)",
        new="self._address(Signal.like(read_slot, name='slot0'), item.place, read_beat)",
        why="embeddings are read from the first slot, whichever the sequence's is",
    ),
    Mutant(
        name="same-beat-again",
        module=_STORE,
        old="read_beat.eq(Mux(ends_token, 0, read_beat + 1))",
        new="read_beat.eq(Mux(ends_token, 1, read_beat + 1))",
        why="behind the first token's, embeddings are read from their second beat on",
    ),
    Mutant(
        name="embedding-valid-waits",
        module=_STORE,
        old="self.eo.valid.eq(end.valid)",
        new="self.eo.valid.eq(end.valid & self.eo.ready)",
        why="an embedding is offered only after its sink is ready, though it leaves in the cycle in which it should",
    ),
    impatient(
        "impatient-embeddings", _STORE, f"{_SENT})]", f"{_SENT} | late)]", "self.eo.valid & ~self.eo.ready",
        "((pruner.engine_count + pruner.out_slots + pruner.embedding_slots + 2) * pruner.law.interval"
        " + pruner.law.occupancy)",
    ),
)  # fmt: skip

MUTANTS = tuple(replace(one, fields=(("embedding_beats", 2),)) for one in (*_RESETS, *_PACE, *_ANSWERS))
