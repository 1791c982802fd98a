"""Twins of what stands in front of a fixed-length pruner where scores are not given: it takes beats, and gives others.

Of each front: `takes` says whether a beat is taken and `offers` whether one is given on, when the pruner behind it
takes one (`ready`) or a beat is on offer (`valid`).
"""

from collections.abc import Iterable, Sequence

from tokensieve.arch.fixed_length_pruner import SUM_STAGES, FixedLengthPruner
from tokensieve.sim.twins.embeddings import Writer
from tokensieve.sim.twins.pipe import Pipe


class Direct:
    """No front: a beat is given on in the cycle in which it comes."""

    def wants(self, ready: bool) -> bool:
        """Return whether a beat of embeddings is taken, as far as scores are concerned."""
        return True

    def takes(self, ready: bool) -> bool:
        """Return whether a beat is taken."""
        return ready

    def offers(self, valid: bool) -> bool:
        """Return whether a beat is given on."""
        return valid

    def states(self, valid: bool, ready: bool, came: bool = False, stored: bool = False) -> dict[str, bool]:
        """Return no states."""
        return {}

    def step(self, beat: bool, ready: bool, came: bool = False) -> None:
        """Go on by one cycle."""


class Summing:
    """Adds rows of attention up, each of so many `beats`, and gives on those of each sequence's last row."""

    def __init__(self, pruner: FixedLengthPruner, beats: Sequence[Sequence[int]]) -> None:
        self._rows, self._wait, self._most = pruner.rows, pruner.row_cycles, pruner.load_beats
        self._last_wait = pruner.law.interval - (pruner.rows - 1) * pruner.row_cycles
        self._beats = [count for rows in beats for count in rows]
        self._came = self._row = self._rest = self._writes = 0
        self._pipe = Pipe[bool](SUM_STAGES)

    @property
    def _final(self) -> bool:
        return self._row % self._rows == self._rows - 1

    @property
    def _rests(self) -> bool:
        return self._came == 0 and max(self._rest, self._writes) > 0

    def takes(self, ready: bool) -> bool:
        """Return whether a beat is taken."""
        return self._moves(ready) and not self._rests

    def offers(self, valid: bool) -> bool:
        """Return whether a beat of sums stands at the end."""
        return self._pipe.end is True

    def _moves(self, ready: bool) -> bool:
        return ready or self._pipe.end is not True

    def states(self, valid: bool, ready: bool) -> dict[str, bool]:
        """Return the states that coverage counts, with a beat on offer or not, and room behind or not."""
        moves, begun = self._moves(ready), self._row % self._rows > 0
        waits = valid and moves and self._came == 0
        return {
            "sums wait for the search": not moves,
            "a row waits for the interval": waits and begun and self._rest > 0,
            "a row waits for the sums of the one before alone": waits and begun and self._writes > self._rest,
            "a sequence waits for the interval at its first row": waits and not begun and self._rest > 0,
            "a row has come in part": self._came > 0,
            "some of a sequence's rows have come": begun,
        }

    def step(self, beat: bool, ready: bool) -> None:
        """Go on by one cycle, with a beat that comes in or not."""
        if not self._pipe.step(self._final if beat else None, ready or self._pipe.end is False):
            return
        self._rest, self._writes = max(0, self._rest - 1), max(0, self._writes - 1)
        if not beat:
            return
        if self._came == 0:
            self._rest = (self._last_wait if self._final else self._wait) - 1
        self._came += 1
        if not self._final and self._came <= self._most:
            self._writes = max(0, SUM_STAGES + 1 - self._came)
        if self._row >= len(self._beats) or self._came == self._beats[self._row]:
            self._came, self._row = 0, self._row + 1


class Scoring:
    """Gives each beat on when the embeddings of its tokens have come and been squared and added up."""

    def __init__(self, pruner: FixedLengthPruner, beats: Sequence[int], tokens: Iterable[int]) -> None:
        self._interval, self._rest = pruner.law.interval, 0
        self._beats, self._came, self._sequence = beats, 0, 0
        self._writer = Writer(pruner, tokens, pruner.first_slots)
        self._pipe = Pipe[bool](pruner.norm_stages)

    def takes(self, ready: bool) -> bool:
        """Return whether a beat is taken; those behind have no say."""
        return self._writer.room and not self._rests

    @property
    def _rests(self) -> bool:
        return self._came == 0 and self._rest > 0

    def offers(self, valid: bool) -> bool:
        """Return whether a beat with scores stands at the end."""
        return self._pipe.end is True

    def wants(self, ready: bool) -> bool:
        """Return whether a beat of embeddings is taken."""
        return self._writer.wants and self._moves(ready)

    def _moves(self, ready: bool) -> bool:
        return ready or self._pipe.end is not True

    def states(self, valid: bool, ready: bool, came: bool, stored: bool) -> dict[str, bool]:
        """Return the states that coverage counts, with a beat on offer and room behind, or not.

        And whether an embedding is on offer, and would be stored.
        """
        moves, wants = self._moves(ready), self.wants(ready)
        return {
            "scores wait for the search": not moves,
            "an embedding waits for a slot alone": came and wants and not stored,
            "an embedding waits for scores before it alone": came and stored and not wants,
            "a short beat's scores are waited for": self._writer.waits and moves,
            "a sequence waits for the interval, its embeddings behind": valid and self._writer.room and self._rests,
            "embeddings of a beat have come in part": self._writer.within,
            "tokens without scores have come in part": self._came > 0,
        }

    def step(self, beat: bool, ready: bool, came: bool) -> None:
        """Go on by one cycle, with a beat of tokens or not, and one of embeddings."""
        enters = self._moves(ready) and (came or self._writer.waits)
        row, _ = self._writer.step(beat, enters)
        self._pipe.step(row if enters else None, ready or self._pipe.end is False)
        self._rest = max(0, self._rest - 1)
        if beat:
            if self._came == 0:
                self._rest = self._interval - 1
            self._came += 1
            if self._sequence >= len(self._beats) or self._came == self._beats[self._sequence]:
                self._came, self._sequence = 0, self._sequence + 1
