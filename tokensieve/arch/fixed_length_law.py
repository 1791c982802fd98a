"""Cycle law of the fixed-length pruner, with and without embeddings."""

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
    """Tokens that come in; any number."""


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
        return self.load_beats + self.search + self.turnaround

    @property
    def interval(self) -> int:
        """Initiation interval: cycles between the first beats of two sequences."""
        return max(
            self.load_beats, self.keep_beats, self.max_tokens * self.embedding_beats, -(-self.occupancy // self.engines)
        )  # fmt: skip

    @property
    def ahead_beats(self) -> int:
        """Beats of tokens that may have come before their embeddings: as many as the longest sequence has."""
        return max(2, self.load_beats)

    def latency(self, work: SequenceWork) -> Count:
        """Return the cycles from a sequence's first beat in to its first beat out."""
        extra = self._late(ceil_div(work.tokens, self.lanes))
        return self.occupancy - 1 + self.drain_latency + extra * (extra > 0)

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

    def _late(self, beats: Count) -> Count:
        """Return by how many cycles a sequence of so many beats ends later than the longest one; negative if earlier.

        Beats that are ahead of their embeddings by more than `ahead_beats` wait for those.
        """
        late = beats - self.load_beats
        if not self.embedding_beats:
            return late
        waits = (beats - 1 - self.ahead_beats) * self.lanes * self.embedding_beats
        return _larger(late, ANNOUNCED + waits - (self.load_beats - 1))

    def _read(self, work: SequenceWork, number: int) -> Count:
        """Return when the embedding of a kept token is read, by its number among them: its place may be the last."""
        come = ANNOUNCED + (self.max_tokens - self.keep + 1) * self.embedding_beats
        return _larger(come, self.latency(work) + ANNOUNCED) + number * self.embedding_beats

    def _last_read(self, work: SequenceWork) -> Count:
        come = ANNOUNCED + _larger(self.max_tokens, work.tokens) * self.embedding_beats
        return _larger(come, self._read(work, self.keep - 1))
