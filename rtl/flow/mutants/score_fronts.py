"""Planted faults of what makes the scores of the fixed-length pruner: norms of embeddings, sums of attention."""

from dataclasses import replace

from tokensieve.rtl.flow.mutants.base import Mutant

_NORM, _WHOLE, _SUM = (f"tokensieve.rtl.{name}" for name in ("norm_front", "embedding_pruner", "attention_front"))

_NORM_PACE = (
    Mutant(
        name="begun-without-reset",
        module=_NORM,
        old="first = Signal(init=1)",
        new="first = Signal(init=1, reset_less=True)",
        why="a reset among the beats of a sequence makes the next one wait for nothing, as if it had begun",
    ),
    Mutant(
        name="lane-without-reset",
        module=_NORM,
        old="lane = Signal(max(1, (pruner.lanes - 1).bit_length()))",
        new="lane = Signal(max(1, (pruner.lanes - 1).bit_length()), reset_less=True)",
        why="after a reset embeddings are counted on from those of another beat",
    ),
    Mutant(
        name="score-place-without-reset",
        module=_NORM,
        old="place = Signal(max(1, (pruner.lanes - 1).bit_length()))",
        new="place = Signal(max(1, (pruner.lanes - 1).bit_length()), reset_less=True)",
        why="after a reset a score is given to another token",
    ),
    Mutant(
        name="scores-lost",
        module=_NORM,
        old="end.ready.eq(self.o.ready | ~end.p.row)",
        new="end.ready.eq(1)",
        why="scores that wait for the search are overwritten",
    ),
    Mutant(
        name="embedding-scored-again",
        module=_WHOLE,
        old="first.e.valid.eq(self.e.valid & store.e.ready)",
        new="first.e.valid.eq(self.e.valid)",
        why="an embedding that waits for a slot is scored in each cycle",
    ),
    Mutant(
        name="embedding-stored-again",
        module=_WHOLE,
        old="store.e.valid.eq(self.e.valid & first.e.ready)",
        new="store.e.valid.eq(self.e.valid)",
        why="an embedding that waits for scores before it is stored in each cycle",
    ),
    Mutant(
        name="norm-interval-cut",
        module=_NORM,
        old="moves & first, Const(pruner.law.interval)",
        new="moves & first, Const(pruner.law.interval - 1)",
        why="a sequence begins a cycle before the interval is over",
    ),
    Mutant(
        name="first-beat-early",
        module=_NORM,
        old="Mux(first & (count < pruner.first_slots)",
        new="Mux(first & (count == 0)",
        why="a sequence of fewer tokens than a beat is scored sooner than one of more",
    ),
)

_NORM_ANSWERS = (
    Mutant(
        name="elements-unsigned",
        module=_NORM,
        old="is_signed=True",
        new="is_signed=False",
        why="elements below zero are taken for large ones",
    ),
    Mutant(
        name="element-lost",
        module=_NORM,
        old="numbers[number] + numbers[number + 1]",
        new="numbers[number] + numbers[number]",
        why="of two squares one is added to itself",
    ),
    Mutant(
        name="norm-goes-on",
        module=_NORM,
        old="Mux(before.begins, 0, total) + beat",
        new="total + beat",
        why="the squares of all tokens are added up",
    ),
    Mutant(
        name="norm-wraps",
        module=_NORM,
        old="Mux(high > top, top, high)",
        new="high",
        why="a norm beyond the largest score loses its upper bits",
    ),
)

_SUM_PACE = (
    Mutant(
        name="beat-without-reset",
        module=_SUM,
        old="row = Signal(range(pruner.load_beats + 1))",
        new="row = Signal(range(pruner.load_beats + 1), reset_less=True)",
        why="a reset among the beats of a row makes the next one go on with their number",
    ),
    Mutant(
        name="number-without-reset",
        module=_SUM,
        old="number = Signal(range(max(2, pruner.rows)))",
        new="number = Signal(range(max(2, pruner.rows)), reset_less=True)",
        why="rows that came before a reset are counted among those of the next sequence",
    ),
    Mutant(
        name="known-without-reset",
        module=_SUM,
        old="known = Signal(range(pruner.load_beats + 1))",
        new="known = Signal(range(pruner.load_beats + 1), reset_less=True)",
        why="the first row behind a reset is added to what was summed up before it",
    ),
    Mutant(
        name="sums-lost",
        module=_SUM,
        old="end.ready.eq(self.o.ready | ~end.p.leaves)",
        new="end.ready.eq(1)",
        why="sums that wait for the search are overwritten",
    ),
    Mutant(
        name="row-early",
        module=_SUM,
        old="Mux(final, last_wait, pruner.row_cycles)",
        new="Mux(final, last_wait, pruner.row_cycles - 1)",
        why="a row begins a cycle early",
    ),
    Mutant(
        name="sum-interval-cut",
        module=_SUM,
        old="pruner.law.interval - (pruner.rows - 1) * pruner.row_cycles",
        new="pruner.law.interval - (pruner.rows - 1) * pruner.row_cycles - 1",
        why="a sequence begins a cycle before the interval is over",
    ),
    Mutant(
        name="sums-not-awaited",
        module=_SUM,
        old="(over & written)",
        new="over",
        why="behind a row with pauses sums are read before they are written",
    ),
)

_SUM_ANSWERS = (
    Mutant(
        name="known-shrinks",
        module=_SUM,
        old="with m.If(source.p.inside & ~source.p.known):",
        new="with m.If(source.p.inside & (i.p.last | ~source.p.known)):",
        why="what was summed up is forgotten for the beats that one row lacks",
    ),
    Mutant(
        name="absent-lanes-added",
        module=_SUM,
        old="Mux(absent, 0, i.p.items[lane].score)",
        new="i.p.items[lane].score",
        why="a token that a row lacks is given what stands in its lane there",
    ),
    Mutant(
        name="sum-wraps",
        module=_SUM,
        old="Mux(total > top, top, total)",
        new="total",
        why="a sum beyond the largest score loses its upper bit",
    ),
    Mutant(
        name="surplus-summed",
        module=_SUM,
        old="memory.write.en.eq(end.valid & end.ready & end.p.inside)",
        new="memory.write.en.eq(end.valid & end.ready)",
        why="the beats of a row that is too long are written over its first ones",
    ),
)

_NORMS = (("score_source", "embedding_norm"), ("embedding_beats", 2), ("engines", 1))
_SUMS = (("score_source", "accumulated"), ("query_rows", 3))

MUTANTS = (
    *(replace(one, fields=_NORMS) for one in (*_NORM_PACE, *_NORM_ANSWERS)),
    *(replace(one, fields=_SUMS) for one in (*_SUM_PACE, *_SUM_ANSWERS)),
)
