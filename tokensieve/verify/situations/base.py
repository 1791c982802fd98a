"""A situation that a unit may get wrong, and how to tell from a case that it was in it.

Situations are counted from what everybody sees: the vectors that ran, the record of the ports, and the states that the
twin went through. Never from signals inside the unit.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.verify.units.base import Unit
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.case import Record


@dataclass(frozen=True)
class Seen:
    """One case as it ran."""

    unit: Unit
    arch: Arch
    vectors: Vectors
    which: Sequence[int]
    """The vectors that ran back to back."""

    play: "Callable[[], Record]"
    """Returns what happened without resets."""

    resets: Sequence[int] = ()
    """The cycles of `Case.resets`, where the case was played with them too."""

    @cached_property
    def record(self) -> "Record":
        """What happened without resets."""
        return self.play()

    @cached_property
    def states(self) -> Mapping[str, int]:
        """Cycles in which the twin was in each of its named states."""
        return self.unit.states(self.arch, self.vectors, self.which, self.record.valid, self.record.ready)

    def reset_in(self, state: str) -> bool:
        """Return whether a reset met the twin in `state`: what has no reset stays as it is then.

        Until the reset everything goes as it did without. In the cycle of the reset nothing is offered or taken.
        """
        return any(state in self._states_behind(cycles) for cycles in self.resets)

    def _states_behind(self, cycles: int) -> Collection[str]:
        quiet = np.zeros(2, np.bool_)
        valid = {name: np.concatenate([bits[:cycles], quiet]) for name, bits in self.record.valid.items()}
        ready = {name: np.concatenate([bits[:cycles], quiet]) for name, bits in self.record.ready.items()}
        return self.unit.at_end(self.arch, self.vectors, self.which, valid, ready)

    def stall(self, stream: str) -> int:
        """Return the most cycles on end in which `stream` offered a beat that was not taken."""
        waits = np.concatenate([[False], self.record.valid[stream] & ~self.record.ready[stream], [False]])
        edges = np.flatnonzero(np.diff(waits))
        return int(np.diff(edges)[::2].max(initial=0))

    def items(self, name: str) -> list[np.ndarray[Any, Any]]:
        """Return input `name` of each vector: a list each, or a number."""
        return [self.vectors.item("inputs", name, index) for index in self.which]

    def numbers(self, name: str) -> list[int]:
        """Return input `name` of each vector, one whole number each."""
        return [int(self.vectors.inputs[name][index]) for index in self.which]


@dataclass(frozen=True)
class Situation:
    """One row of a unit's table."""

    name: str
    mutant: str
    """A planted fault that shows in such cases alone."""

    shows: Callable[[Seen], bool]
    """Whether a case is one."""

    engine: str = ""
    """The engine that it is about; any of them if empty."""

    fields: tuple[tuple[str, object], ...] = ()
    """Fields of the unit's section, with values, without which there is no part that could be in it."""


def twin(name: str, mutant: str, engine: str = "") -> Situation:
    """Return the situation that is a state of the twin, by its name there."""
    return Situation(name, mutant, lambda seen: seen.states.get(name, 0) > 0, engine)


def reset(state: str, mutant: str, engine: str = "") -> Situation:
    """Return the situation that a reset comes while the twin is in `state`."""
    return Situation(f"a reset while {state}", mutant, lambda seen: seen.reset_in(state), engine)


def longest_stall(stream: str, mutant: str, *others: str) -> Situation:
    """Return the situation that a beat of `stream` or `others` waits longer than any buffer of the unit can bridge."""
    return Situation(
        f"the longest stall of {' or '.join([stream, *others])}",
        mutant,
        lambda seen: max(map(seen.stall, (stream, *others))) >= seen.unit.longest_burst(seen.arch),
    )
