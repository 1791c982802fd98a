"""The fixed-length pruner: exactly `keep` tokens of every sequence, in a time that no data change."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tokensieve.arch.base import ArchModel
from tokensieve.arch.datapath import Topk
from tokensieve.arch.errors import ArchError
from tokensieve.arch.fixed_length_law import ANNOUNCED, EMBEDDING_STAGES, FixedLengthLaw, SequenceWork
from tokensieve.arch.limits import MAX_EMBEDDING_BYTES, MAX_PRUNER_ROWS, MAX_PRUNER_SCORES, MAX_PRUNER_TOKENS
from tokensieve.arch.memory import require_powers_of_two
from tokensieve.arch.topklaw import TopkWork

BoundedEngine = Literal["bitserial", "radix", "bitonic"]

ScoreSource = Literal["given", "embedding_norm", "accumulated"]

SUM_STAGES = 3
"""Registers from a beat of probabilities to its sums: those of the memory, and that of the sum."""

LATER = ("embedding_beats", "embedding_bits", "score_source", "norm_shift", "query_rows")
"""Fields that came later: a pruner with their defaults has the digest that it had without them."""


class FixedLengthPruner(ArchModel):
    """Read by the hardware of `fixed-length-pruner` alone: no part of the machine that a run prices."""

    max_tokens: Annotated[int, Field(ge=2, le=MAX_PRUNER_TOKENS)] = 128
    """Longest sequence, in tokens; a longer one is dropped and marked."""

    keep: Annotated[int, Field(ge=1, le=MAX_PRUNER_TOKENS)] = 64
    """Tokens that leave of every sequence, `max_tokens` at most; shorter sequences are padded."""

    lanes: Annotated[int, Field(ge=1, le=64)] = 4
    """Tokens that enter and leave per cycle."""

    id_bits: Annotated[int, Field(ge=1, le=32)] = 16
    """Width of a token's id, which the pruner carries and does not read."""

    score_bits: Annotated[int, Field(ge=4, le=32)] = 12
    """Width of an unsigned score."""

    engine: BoundedEngine = "bitserial"
    """How the threshold is found: bitserial, one bit of all scores at a time; radix, digits from the top, padded to its
    bound; bitonic, a sorter of the whole sequence."""

    engines: Annotated[int | None, Field(ge=1, le=256)] = None
    """Search engines that take sequences in turn; unless given, the fewest with which beats never wait at the input."""

    digit_bits: Annotated[int, Field(ge=1, le=8)] = 4
    """Bits that one radix digit decides (engine `radix`)."""

    count_stages: Annotated[int, Field(ge=1, le=10)] = 3
    """Registers of the population count over all scores and of its comparison (engine `bitserial`)."""

    compactor: Literal["low_latency", "balanced", "max_frequency"] = "low_latency"
    """Registers of the zero eliminator: after prefix sum and shifter only, after every second one of their layers, or
    after each."""

    embedding_beats: Annotated[int, Field(ge=0, le=256)] = 0
    """Beats of a token's embedding, which come and leave on streams of their own; 0: there are no such streams."""

    embedding_bits: Annotated[int, Field(ge=8, le=1024)] = 64
    """Width of a beat of an embedding."""

    score_source: ScoreSource = "given"
    """What a token is kept for: given, a score that comes with it; embedding_norm, the squares of its embedding's
    elements, signed bytes, added up; accumulated, the probabilities of its column of an attention matrix added up."""

    norm_shift: Annotated[int | None, Field(ge=0, le=32)] = None
    """Bits of a sum of squares below the score, which saturates (score_source `embedding_norm`); unless given, the
    fewest with which no sum does but that of bytes -128 alone."""

    query_rows: Annotated[int, Field(ge=1, le=MAX_PRUNER_ROWS)] = 1
    """Rows of attention probabilities that come for a sequence (score_source `accumulated`)."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_powers_of_two(self, "lanes", "embedding_bits")
        if self.keep > self.max_tokens:
            raise ValueError(f".keep must be at most max_tokens = {self.max_tokens}, got {self.keep}")
        most = MAX_PRUNER_SCORES // self.max_tokens
        if self.engines is not None and self.engines > most:
            raise ValueError(f".engines must be at most {most} for max_tokens = {self.max_tokens}, got {self.engines}")
        if self.scores_embeddings and not self.embedding_beats:
            raise ValueError(".embedding_beats must be at least 1 for score_source = embedding_norm, got 0")
        beat = self.max_tokens * self.embedding_bits // 8
        if self.embedding_beats * beat > MAX_EMBEDDING_BYTES:
            raise ValueError(
                f".embedding_beats must be at most {MAX_EMBEDDING_BYTES // beat} for max_tokens = {self.max_tokens} "
                f"and embedding_bits = {self.embedding_bits}, got {self.embedding_beats}"
            )
        return self

    @property
    def identity(self) -> dict[str, Any]:
        """What tells pruners apart: all fields, those that came later where they are not at their defaults."""
        fields = self.model_dump(mode="json")
        kinds = type(self).model_fields
        return {name: value for name, value in fields.items() if name not in LATER or value != kinds[name].default}

    @property
    def settled(self) -> dict[str, Any]:
        """The same, with the number of engines where that was left to the pruner."""
        return {**self.identity, "engines": self.engine_count}

    def require_plain(self, where: str) -> None:
        """Raise `ArchError` if more must come than tokens with their scores, which cannot be carried `where`."""
        if self.score_source != "given":
            raise ArchError(f"pruner.score_source must be given {where}, got {self.score_source}")
        if self.embedding_beats:
            raise ArchError(f"pruner.embedding_beats must be 0 {where}, got {self.embedding_beats}")

    @property
    def scores_embeddings(self) -> bool:
        """Whether a token's score is the norm of its embedding."""
        return self.score_source == "embedding_norm"

    @property
    def rows(self) -> int:
        """Rows that come for a sequence, each of them with all its tokens."""
        return self.query_rows if self.score_source == "accumulated" else 1

    @property
    def topk(self) -> Topk:
        """Top-k engine whose search core and zero eliminator this pruner is made of."""
        return Topk(
            engine=self.engine, lanes=self.lanes, max_tokens=self.max_tokens, score_bits=self.score_bits,
            digit_bits=self.digit_bits, first_digit="linear", count_stages=self.count_stages, compactor=self.compactor,
        )  # fmt: skip

    @property
    def load_beats(self) -> int:
        """Beats of the longest sequence."""
        return self.topk.beats

    @property
    def keep_beats(self) -> int:
        """Beats that leave for every sequence."""
        return -(-self.keep // self.lanes)

    @property
    def search_bound(self) -> int:
        """Cycles from a sequence's last beat in the engine to the threshold known, whatever the scores.

        A pass of radix streams no more than the longest sequence.
        """
        digits = -(-self.score_bits // min(self.digit_bits, self.score_bits))
        sizes = (self.max_tokens,) * digits if self.engine == "radix" else ()
        return int(self.topk.law.search(TopkWork(items=self.max_tokens, kept=1, sizes=sizes)))

    @property
    def engine_count(self) -> int:
        """Search engines that there are."""
        if self.engines is not None:
            return self.engines
        one = self._law(1)
        return -(-one.occupancy // max(one.source_cycles, self.max_tokens * self.embedding_beats))

    @property
    def law(self) -> FixedLengthLaw:
        """Cycle law of this pruner."""
        return self._law(self.engine_count)

    def _law(self, engines: int) -> FixedLengthLaw:
        return FixedLengthLaw(
            lanes=self.lanes, load_beats=self.load_beats, keep_beats=self.keep_beats, search=self.search_bound,
            turnaround=2, drain_latency=self.burst_delay + 2, engines=engines, max_tokens=self.max_tokens,
            keep=self.keep, embedding_beats=self.embedding_beats, rows=self.rows, row_cycles=self.row_cycles,
            attention_latency=self.attention_latency, norm_latency=self.norm_latency, load_cycles=self.load_cycles,
        )  # fmt: skip

    @property
    def load_cycles(self) -> int:
        """Cycles from the longest sequence's first beat in its engine to the last one, both counted.

        Beats come one a cycle, or when the embeddings of all their tokens have come.
        """
        return (
            (self.max_tokens - self.first_slots) * self.embedding_beats + 1
            if self.scores_embeddings
            else self.load_beats
        )

    @property
    def row_cycles(self) -> int:
        """Cycles between the first beats of two rows: a sum that is read has been written."""
        return self.load_beats if self.rows == 1 else max(self.load_beats, SUM_STAGES + 1)

    @property
    def attention_latency(self) -> int:
        """Cycles from a sequence's first beat in to its first beat of sums; 0 where nothing is summed up."""
        return (self.rows - 1) * self.row_cycles + SUM_STAGES if self.score_source == "accumulated" else 0

    @property
    def first_slots(self) -> int:
        """Tokens whose embeddings a sequence's first beat waits for, whether it has as many or not."""
        return min(self.lanes, self.max_tokens)

    @property
    def norm_latency(self) -> int:
        """Cycles from a sequence's first beat in to its first beat of norms; 0 where there are none."""
        come = ANNOUNCED + self.first_slots * self.embedding_beats - 1
        return come + self.norm_stages if self.scores_embeddings else 0

    @property
    def norm_stages(self) -> int:
        """Registers from a beat of an embedding to its token's score: multipliers, adder tree, sum, score."""
        return 2 + (self.embedding_bits // 8 - 1).bit_length() + 2

    @property
    def norm_bits(self) -> int:
        """Width of the largest sum of squares: that of bytes -128."""
        return self._largest_norm.bit_length()

    @property
    def _largest_norm(self) -> int:
        return self.embedding_beats * self.embedding_bits // 8 << 14

    @property
    def norm_drop(self) -> int:
        """Bits of a sum of squares below the score."""
        least = max(0, (self._largest_norm - 1).bit_length() - self.score_bits)
        return self.norm_shift if self.norm_shift is not None else least

    @property
    def burst_delay(self) -> int:
        """Cycles from the threshold handed over to the read of a burst's first beat, so that its last one is there.

        The tokens that are kept may be the sequence's last ones: all beats before them are read first. The registers
        are those of the drain up to the zero eliminator, the zero eliminator's, its beat buffer, the last beat, which
        leaves a cycle after the others, and the memory that it is written to.
        """
        return self.load_beats - self.keep_beats + self.drain_stages + self.topk.compactor_stages + 3

    @property
    def drain_stages(self) -> int:
        """Registers from the threshold handed over to the zero eliminator.

        The counter, the side buffer, its output register, the comparison with the threshold, the count of ties, the
        mask.
        """
        return 6

    @property
    def out_slots(self) -> int:
        """Sequences that the output buffer holds, two or more: as few as do not slow the initiation interval down.

        A slot is taken when a sequence's threshold is handed over, and is free when its last beat has been read.
        """
        return max(2, -(-(self.burst_delay + self.keep_beats) // self.law.interval))

    @property
    def position_bits(self) -> int:
        """Width of a token's place in its sequence."""
        return (self.max_tokens - 1).bit_length()

    @property
    def core(self) -> Self:
        """Pruner inside the one with embeddings: the same, with a token's place in its sequence above its id."""
        return self.model_copy(update={"id_bits": self.id_bits + self.position_bits})

    @property
    def embedding_slots(self) -> int:
        """Sequences whose embeddings are held, two or more: as few as do not slow the initiation interval down.

        A slot is taken when the first beat of a sequence's embeddings is written, and free when its last one is read.
        """
        law, work = self.law, SequenceWork(tokens=self.max_tokens)
        held = int(law.embedding_cycles(work)) - EMBEDDING_STAGES - ANNOUNCED - law.attention_latency
        return max(2, -(-held // law.interval))
