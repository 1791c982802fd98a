"""Twin of the embeddings of a fixed-length pruner: those that come are counted, those of kept tokens leave."""

from collections import deque
from collections.abc import Iterable

from tokensieve.arch.fixed_length_law import EMBEDDING_STAGES
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.sim.twins.pipe import Pipe
from tokensieve.sim.twins.queue import Queue


class Writer:
    """Takes the embeddings of tokens that have come, a beat a cycle, and waits for those of `most` tokens."""

    def __init__(self, pruner: FixedLengthPruner, tokens: Iterable[int], most: int) -> None:
        self._most, self._beats, self._lanes = most, pruner.embedding_beats, pruner.lanes
        self._announced = Queue(pruner.law.ahead_beats)
        self._tokens = deque(tokens)
        self._came = 0
        """Beats of the sequence's embeddings that have come, those that are only waited for among them."""

    @property
    def room(self) -> bool:
        """Whether a beat of tokens may come."""
        return self._announced.takes

    @property
    def wants(self) -> bool:
        """Whether the next beat is one that must come, of a token that has come."""
        return self._announced.offers and self._came < self._own

    @property
    def waits(self) -> bool:
        """Whether all of a short sequence have come."""
        return self._announced.offers and self._came >= self._own

    @property
    def midst(self) -> bool:
        """Whether some of a sequence's beats have come, and others have not."""
        return self._came > 0

    @property
    def within(self) -> bool:
        """Whether some of the embeddings of a beat of tokens have come, and others have not."""
        return self._came % (self._lanes * self._beats) > 0

    @property
    def surplus(self) -> bool:
        """Whether the next beat is of a token beyond the longest sequence."""
        return self.wants and self._came >= self._most * self._beats

    @property
    def tokens(self) -> int:
        """Tokens of the sequence all of whose beats have come, the longest sequence's last one not counted."""
        return min(self._came // self._beats, self._most - 1)

    @property
    def _own(self) -> int:
        """Beats of the sequence."""
        return (self._tokens[0] if self._tokens else 0) * self._beats

    def step(self, beat: bool, moves: bool) -> tuple[bool, bool]:
        """Go on by one cycle, with a beat of tokens or not, and one of embeddings.

        Return whether it ends those of a beat of tokens, and of the sequence.
        """
        self._came += moves
        ends = moves and self._came == max(self._own, self._most * self._beats)
        row = self._lanes * self._beats
        # A beat of tokens is done with when all its embeddings have come, the last one when the sequence is.
        done = ends or (moves and self._came % row == 0 and self._came < self._own)
        self._announced.step(beat, done)
        if ends:
            self._came = 0
            self._tokens.popleft()
        return done, ends


class Reader:
    """Sends the embeddings of kept tokens."""

    def __init__(self, pruner: FixedLengthPruner) -> None:
        self._most, self._keep, self._beats = pruner.max_tokens, pruner.keep, pruner.embedding_beats
        self._row = pruner.lanes * pruner.embedding_beats
        self._places = Queue(2 * pruner.keep_beats)
        self._pipe = Pipe[bool](EMBEDDING_STAGES)
        self._read = 0
        """Beats of the sequence that have been read."""

    @property
    def offers(self) -> bool:
        """Whether a beat stands on the output."""
        return self._pipe.end is not None

    @property
    def room(self) -> bool:
        """Whether a beat of kept tokens may come."""
        return self._places.takes

    @property
    def midst(self) -> bool:
        """Whether some of a sequence's beats have been read, and others have not."""
        return self._read > 0

    @property
    def holds(self) -> bool:
        """Whether kept tokens are there."""
        return self._places.offers

    def there(self, tokens: int) -> bool:
        """Return whether the next kept token's embedding has come for certain, by the tokens whose have."""
        return tokens > self._most - self._keep + self._read // self._beats

    def step(self, kept: bool, there: bool, takes: bool) -> bool:
        """Go on by one cycle, with a beat of kept tokens or not; return whether the sequence's last beat is read."""
        goes = self._places.offers and there
        moves = self._pipe.step(True if goes else None, takes) and goes
        self._read += moves
        ends = moves and self._read == self._keep * self._beats
        self._places.step(kept, ends or (moves and self._read % self._row == 0))
        if ends:
            self._read = 0
        return ends


class Store:
    """Both, and the slots between them. `tokens` are those of each sequence."""

    def __init__(self, pruner: FixedLengthPruner, tokens: Iterable[int]) -> None:
        self._writer, self._reader = Writer(pruner, tokens, pruner.max_tokens), Reader(pruner)
        self._slots, self._whole = pruner.embedding_slots, 0

    @property
    def offers(self) -> bool:
        """Whether a beat stands on the output."""
        return self._reader.offers

    @property
    def takes(self) -> bool:
        """Whether a beat of embeddings is taken."""
        return self._writer.wants and self._free

    @property
    def takes_tokens(self) -> bool:
        """Whether a beat of tokens may come."""
        return self._writer.room

    @property
    def takes_places(self) -> bool:
        """Whether a beat of kept tokens may come."""
        return self._reader.room

    @property
    def _free(self) -> bool:
        return self._whole < self._slots

    @property
    def _there(self) -> bool:
        return self._whole > 0 or self._reader.there(self._writer.tokens)

    def states(self, beat: bool, came: bool, kept: bool) -> dict[str, bool]:
        """Return the states that coverage counts: whether tokens, embeddings and kept tokens are on offer is given."""
        writer, reader = self._writer, self._reader
        return {
            "tokens wait for embeddings before them": beat and not writer.room,
            "embeddings wait for a slot": (writer.waits or (came and writer.wants)) and not self._free,
            "an embedding of a token too many comes": came and writer.surplus and self._free,
            "a short sequence's embeddings have come": writer.waits and self._free,
            "kept tokens wait for their embeddings": reader.holds and not self._there,
            "kept tokens wait for others' embeddings to leave": kept and not reader.room,
            "embeddings have come in part": writer.midst,
            "embeddings have left in part": reader.midst,
            "embeddings are in the slots": self._whole > 0,
        }

    def step(self, beat: bool, came: bool, kept: bool, takes: bool) -> None:
        """Go on by one cycle, with beats of tokens, embeddings and kept tokens or not, and the output taken or not."""
        there, moves = self._there, came or (self._writer.waits and self._free)
        _, ended = self._writer.step(beat, moves)
        self._whole += ended - self._reader.step(kept, there, takes)
