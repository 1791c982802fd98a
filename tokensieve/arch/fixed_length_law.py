"""Cycle law of the fixed-length pruner, whatever its scores come from, with and without embeddings."""

from dataclasses import dataclass

from tokensieve.arch.timing import Count, ceil_div

ANNOUNCED = 2
"""Cycles from a beat of tokens in to the first one in which its embeddings are taken: a queue, written and read."""

EMBEDDING_STAGES = 3
"""Registers from the address of an embedding to the output: those of the memory, and one that holds zeros."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceWork:
    """Work of pruning one sequence."""

    tokens: Count
    """Tokens that come in; any number. Of several rows, those of the last one."""

    earlier: tuple[Count, ...] = ()
    """Tokens of the rows before; as many as no row waits for longer than for the longest one, unless given."""


def _larger(one: Count, other: Count) -> Count:
    return one + (other - one) * (other > one)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedLengthLaw:
    """Cycle law of the fixed-length pruner at full input rate, its output never stalled.

    No score changes any of it. Neither does the length of a sequence, up to the longest; a longer one, which is
    dropped, delays what follows by the beats that it has more: of tokens, or of embeddings where there are any.

    >>> from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
    >>> law = FixedLengthPruner(max_tokens=128, keep=64).law
    >>> law.interval, law.latency(SequenceWork(tokens=128)), law.cycles(SequenceWork(tokens=3))
    (32, 111, 127)
    """

    lanes: int
    """Tokens of a beat."""

    load_beats: int
    """Beats of the longest sequence."""

    load_cycles: int
    """Cycles from the longest sequence's first beat in its engine to the last one, both counted."""

    rows: int
    """Rows that come for a sequence."""

    row_cycles: int
    """Cycles between the first beats of two rows of a sequence."""

    attention_latency: int
    """Cycles from a sequence's first beat in to its first beat of sums over the rows; 0 where there are none."""

    norm_latency: int
    """Cycles from a sequence's first beat in to its first beat of norms; 0 where there are none."""

    keep_beats: int
    """Beats that leave for every sequence."""

    search: int
    """Bound of the search: cycles from a sequence's last beat in the engine to the threshold known."""

    turnaround: int
    """Cycles of an engine beyond loading and searching: the beat's register, and handing the threshold over."""

    drain_latency: int
    """Cycles from the threshold handed over to the first beat out, of which `load_beats` - `keep_beats` read tokens."""

    engines: int
    """Search engines that take sequences in turn."""

    max_tokens: int
    """Tokens of the longest sequence."""

    keep: int
    """Tokens that leave for every sequence."""

    embedding_beats: int
    """Beats of a token's embedding; 0 where there are none."""

    @property
    def occupancy(self) -> int:
        """Cycles from a sequence's first beat to the first one that its engine can take of another sequence (T)."""
        return self.load_cycles + self.search + self.turnaround

    @property
    def source_cycles(self) -> int:
        """Cycles in which the longest sequence comes, with all its rows."""
        return (self.rows - 1) * self.row_cycles + self.load_beats

    @property
    def interval(self) -> int:
        """Initiation interval: cycles between the first beats of two sequences."""
        embeddings = self.max_tokens * self.embedding_beats
        return max(self.source_cycles, self.keep_beats, embeddings, -(-self.occupancy // self.engines))

    @property
    def ahead_beats(self) -> int:
        """Beats of tokens that may have come before their embeddings: as many as the longest sequence has."""
        return max(2, self.load_beats)

    def latency(self, work: SequenceWork) -> Count:
        """Return the cycles from a sequence's first beat in to its first beat out."""
        extra = self._late(work.tokens)
        return self._scored(work) + self.occupancy - 1 + self.drain_latency + extra * (extra > 0)

    def cycles(self, work: SequenceWork) -> Count:
        """Return the cycles from a sequence's first beat in to its last beat out, both counted."""
        return self.latency(work) + self.keep_beats

    def embedding_latency(self, work: SequenceWork) -> Count:
        """Return the cycles from a sequence's first beat in to the first beat of its kept embeddings out."""
        return (self._read(work, 0) if self.keep > 1 else self._last_read(work)) + EMBEDDING_STAGES

    def embedding_cycles(self, work: SequenceWork) -> Count:
        """Return the cycles from a sequence's first beat in to the last beat of its kept embeddings out, both counted.

        The last token's embedding is read only when all of the sequence have come.
        """
        return self._last_read(work) + self.embedding_beats + EMBEDDING_STAGES

    def _summed(self, work: SequenceWork) -> Count:
        """Return the cycles from a sequence's first beat in to its first beat of sums."""
        beats = [ceil_div(tokens, self.lanes) for tokens in work.earlier]
        return self.attention_latency + sum(_larger(0 * one, one - self.row_cycles) for one in beats)

    def _scored(self, work: SequenceWork) -> Count:
        """Return the cycles from a sequence's first beat in to the first one that an engine is given."""
        return self._summed(work) + self.norm_latency

    def _late(self, tokens: Count) -> Count:
        """Return by how many cycles a sequence of so many tokens ends later than the longest one; negative if earlier.

        Beats that are ahead of their embeddings by more than `ahead_beats` wait for those.
        """
        if self.norm_latency:
            return (tokens - self.max_tokens) * self.embedding_beats
        beats = ceil_div(tokens, self.lanes)
        late = beats - self.load_beats
        if not self.embedding_beats:
            return late
        waits = (beats - 1 - self.ahead_beats) * self.lanes * self.embedding_beats
        return _larger(late, ANNOUNCED + waits - (self.load_beats - 1))

    def _read(self, work: SequenceWork, number: int) -> Count:
        """Return when the embedding of a kept token is read, by its number among them: its place may be the last."""
        come = self._summed(work) + ANNOUNCED + (self.max_tokens - self.keep + 1) * self.embedding_beats
        return _larger(come, self.latency(work) + ANNOUNCED) + number * self.embedding_beats

    def _last_read(self, work: SequenceWork) -> Count:
        come = self._summed(work) + ANNOUNCED + _larger(self.max_tokens, work.tokens) * self.embedding_beats
        return _larger(come, self._read(work, self.keep - 1))
