"""Planted faults of the fixed-length pruner."""

from tokensieve.rtl.flow.mutants.base import Mutant
from tokensieve.rtl.flow.mutants.embedding_pruner import MUTANTS as _EMBEDDINGS
from tokensieve.rtl.flow.mutants.parts import impatient
from tokensieve.rtl.flow.mutants.score_fronts import MUTANTS as _SCORES

_FRONT, _SEARCH, _DRAIN, _BURST, _WHOLE = (
    f"tokensieve.rtl.{name}"
    for name in ("sequence_front", "padded_search", "sequence_drain", "burst", "fixed_length_pruner")
)
_SENT = "m.d.comb += [self.o.valid.eq(end.valid), self.o.payload.eq(end.payload), end.ready.eq(self.o.ready"

_RESETS = (
    Mutant(
        name="row-without-reset",
        module=_FRONT,
        old="row = Signal(range(pruner.load_beats + 1))",
        new="row = Signal(range(pruner.load_beats + 1), reset_less=True)",
        why="a reset among the beats of a sequence makes the next one go on with their number",
    ),
    Mutant(
        name="busy-without-reset",
        module=_FRONT,
        old="Signal(pruner.engine_count)\n        rest",
        new="Signal(pruner.engine_count, reset_less=True)\n        rest",
        why="an engine that had a sequence when a reset came is waited for without end",
    ),
    Mutant(
        name="held-without-reset",
        module=_BURST,
        old="held = Signal(range(slots + 1))",
        new="held = Signal(range(slots + 1), reset_less=True)",
        why="a slot that was in use when a reset came is not free afterwards",
    ),
    Mutant(
        name="burst-without-reset",
        module=_BURST,
        old="place = Signal(self._places)\n        held",
        new="place = Signal(self._places, reset_less=True)\n        held",
        why="a reset in the midst of a burst makes the next one begin there",
    ),
    Mutant(
        name="turn-without-reset",
        module=_WHOLE,
        old="turn = Signal(turn_bits(pruner))",
        new="turn = Signal(turn_bits(pruner), reset_less=True)",
        why="after a reset the verdict of another engine is waited for than the one that gets the first sequence",
    ),
)

_PACE = (
    Mutant(
        name="engine-taken-early",
        module=_FRONT,
        old="(rested & ~busy.bit_select(turn, 1))",
        new="rested",
        why="a sequence is given to an engine whose verdict is still waited for",
    ),
    Mutant(
        name="interval-cut",
        module=_FRONT,
        old="(rested & ~busy.bit_select(turn, 1))",
        new="~busy.bit_select(turn, 1)",
        why="behind a short sequence the next one begins before the interval is over",
    ),
    Mutant(
        name="bubble",
        module=_FRONT,
        old="rest.eq(pruner.law.interval - 1)",
        new="rest.eq(pruner.law.interval)",
        why="a bubble between two sequences",
    ),
    Mutant(
        name="short-early",
        module=_SEARCH,
        old="left.eq(whole)",
        new="left.eq(bound)",
        why="a sequence with fewer beats leaves earlier",
    ),
    Mutant(
        name="late-not-awaited",
        module=_SEARCH,
        old="beat.ends & (left <= bound)",
        new="beat.ends & (left == bound + 1)",
        why="a sequence whose beats come late is not given the time that the search takes",
    ),
    Mutant(
        name="drain-interrupted",
        module=_DRAIN,
        old="self.command.ready.eq(~reading | ends)",
        new="self.command.ready.eq(1)",
        why="a sequence is drained before the one in front of it has been read",
    ),
    Mutant(
        name="slot-overrun",
        module=_BURST,
        old="self.room.eq(held != slots)",
        new="self.room.eq(1)",
        why="a sequence is drained into a slot that has not been sent",
    ),
    Mutant(
        name="burst-early",
        module=_BURST,
        old="pruner.topk.compactor_stages + 1)",
        new="pruner.topk.compactor_stages)",
        why="a burst begins a cycle before its beats need be there",
    ),
)

_ANSWERS = (
    Mutant(
        name="empty-endless",
        module=_DRAIN,
        old="p.last.eq(left <= pruner.lanes)",
        new="p.last.eq((left <= pruner.lanes) & (left != 0))",
        why="a sequence of which none stays does not end, and the next one is taken for a part of it",
    ),
    Mutant(
        name="zeros-lost",
        module=_SEARCH,
        old="told.ties.eq(beat.n)",
        new="told.ties.eq(0)",
        why="where all tokens stay, those with a score of 0 do not",
    ),
    Mutant(
        name="keeps-one-less",
        module=_SEARCH,
        old="core.k.eq(pruner.keep)",
        new="core.k.eq(pruner.keep - 1)",
        why="off by one: a search finds the threshold of one token less",
    ),
    Mutant(
        name="too-long-unmarked",
        module=_FRONT,
        old="o.too_long.eq(too_long)",
        new="o.too_long.eq(0)",
        why="a sequence that was dropped looks like one without tokens",
    ),
    Mutant(
        name="reads-other-engine",
        module=_DRAIN,
        old="read.addr.eq(row | (now.turn << places))",
        new="read.addr.eq(row | (stored.turn << places))",
        why="tokens are read from the engine that is loaded, not from the sequence's own",
    ),
    Mutant(
        name="padding-shows",
        module=_BURST,
        old="with m.If(before.items[lane].valid):",
        new="with m.If(1):",
        why="padding holds tokens of a sequence before",
    ),
    Mutant(
        name="keep-not-bounded",
        module=_WHOLE,
        old="Mux(told.n > pruner.keep, pruner.keep, told.n)",
        new="Mux(told.n > pruner.keep, pruner.keep - 1, told.n)",
        why="the last token is taken for padding",
    ),
    Mutant(
        name="last-lane-counts",
        module=_FRONT,
        old="o.mask[lane].eq(count > lane)",
        new="o.mask[lane].eq(1)",
        why="lanes beyond the sequence's last token take part in the search",
    ),
    Mutant(
        name="valid-waits",
        module=_BURST,
        old="self.o.valid.eq(end.valid)",
        new="self.o.valid.eq(end.valid & self.o.ready)",
        why="a beat is offered only after its sink is ready, though it leaves in the cycle in which it should",
    ),
    impatient(
        "impatient", _BURST, f"{_SENT})]", f"{_SENT} | late)]", "self.o.valid & ~self.o.ready",
        "((pruner.engine_count + slots + 2) * pruner.law.interval + pruner.law.occupancy)",
    ),
)  # fmt: skip

MUTANTS = (*_RESETS, *_PACE, *_ANSWERS, *_EMBEDDINGS, *_SCORES)
