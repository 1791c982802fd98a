"""One run of a unit from reset, and what was seen in it. The same for every simulator.

Cycle 0 is the first one after reset is released. A source holds `valid` and payload until its beat is accepted and
never looks at `ready` first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.bool_]
Transfers = tuple[tuple[int, int], ...]

RESET_CYCLES = 2
"""Cycles of reset before every case. No source offers and no sink takes anything in them."""

AGAIN_CYCLES = 1
"""Cycles of each reset in the middle of a case: as few as there can be."""


@dataclass(frozen=True)
class Port:
    """A stream, an event or a plain port."""

    name: str
    """Name in the signature, and before ``__payload`` in Verilog."""

    width: int
    """Bits of its payload."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The ports of a unit, in the order of its signature."""

    sources: tuple[Port, ...]
    """Streams into the unit: the bench drives them."""

    sinks: tuple[Port, ...]
    """Streams out of the unit."""

    events: tuple[Port, ...]
    """Probes: a payload and its `valid`, which cannot wait."""

    constants: tuple[Port, ...]
    """Plain inputs, held still."""

    @property
    def streams(self) -> tuple[Port, ...]:
        """Sources, then sinks."""
        return (*self.sources, *self.sinks)

    @property
    def watched(self) -> tuple[Port, ...]:
        """Sources, sinks, then events: whatever has a payload that may be recorded."""
        return (*self.streams, *self.events)


@dataclass(frozen=True, kw_only=True)
class Stimulus:
    """What a unit is given and what is awaited from it, without any pauses."""

    beats: Mapping[str, Sequence[int]]
    """Per input stream: packed payloads, in order. Every input stream is named, even if it gets nothing."""

    expect: Mapping[str, int]
    """Per output stream: beats awaited. Every output stream is named."""

    after: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """``"response": ("request", latency)``: beat j of `response` is not offered before the cycle of transfer j of
    `request`, plus `latency` (at least 1)."""

    constants: Mapping[str, int] = field(default_factory=dict)
    """Plain input ports, held from reset on; the others are 0."""


@dataclass(frozen=True, kw_only=True)
class Case(Stimulus):
    """A stimulus and the pauses in it.

    The run ends `tail` cycles after every awaited beat has come and every source is empty.
    """

    gaps: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Per input stream: cycles with `valid` low before beat j, after beat j - 1 has left. 0 where missing or short."""

    stalls: Mapping[str, Sequence[bool]] = field(default_factory=dict)
    """Per output stream: True where it is not ready, from cycle 0 on. Ready where missing or short."""

    resets: Sequence[int] = ()
    """Cycles, each counted from the reset before, after which reset is asserted, whatever the unit has in hand.

    Sources withdraw and sinks are not ready. Then everything begins anew with the first beats, gaps and stalls, so that
    the unit must do as it does from power-on. The record restarts as well: it holds what came after the last reset.
    """

    tail: int = 4
    """Cycles run at the end, so that a surplus beat is seen."""

    limit: int
    """Cycles after which the run is given up."""


def case(stimulus: Stimulus, **pauses: Any) -> Case:
    """Return `stimulus` as a case, with the fields of `Case` that it lacks."""
    fields = {name: getattr(stimulus, name) for name in ("beats", "expect", "after", "constants")}
    return Case(**fields, **pauses)


def parts(case: Case) -> Iterator[tuple[int, Case]]:
    """Yield what is played between the resets of `case`, each with the cycles of the reset before it.

    All but the last one are cut off, at their limits.
    """
    plain, cycles = replace(case, resets=()), RESET_CYCLES
    for length in case.resets:
        yield cycles, replace(plain, limit=length, tail=length)
        cycles = AGAIN_CYCLES
    yield cycles, plain


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """What was seen in a run, since its last reset."""

    transfers: Mapping[str, Transfers]
    """Per stream, in and out: cycle and packed payload of every transfer."""

    valid: Mapping[str, Bits]
    """Per stream and cycle: `valid`."""

    ready: Mapping[str, Bits]
    """Per stream and cycle: `ready`."""

    events: Mapping[str, Transfers]
    """Per event: cycle and packed payload where its `valid` was high."""

    broken: Transfers
    """Cycles, and positions among the streams, where an output withdrew or changed a beat that had not been taken."""

    cycles: int
    """Cycles of the run, its tail included."""

    complete: bool
    """Whether everything awaited had come before the limit."""

    def same_as(self, other: "Record") -> bool:
        """Return whether both say the same of every cycle."""
        return self.same_cycles_as(other) and (self.transfers, self.events) == (other.transfers, other.events)

    def same_cycles_as(self, other: "Record") -> bool:
        """Return whether both say the same of every cycle but for payloads, parts of which may mean nothing."""
        plain = ("broken", "cycles", "complete")
        return (
            all(getattr(self, name) == getattr(other, name) for name in plain)
            and all(np.array_equal(bits, other.valid[name]) for name, bits in self.valid.items())
            and all(np.array_equal(bits, other.ready[name]) for name, bits in self.ready.items())
            and all(_cycles(moves) == _cycles(other.events[name]) for name, moves in self.events.items())
        )

    def cycles_of(self, stream: str) -> list[int]:
        """Return the cycles in which `stream` made a transfer."""
        return _cycles(self.transfers[stream])

    def offered_of(self, stream: str) -> list[int]:
        """Return the cycles from which `stream` offered its beats: `valid` is high, and no beat waited before."""
        valid, waits = self.valid[stream], self.valid[stream] & ~self.ready[stream]
        return [int(cycle) for cycle in np.flatnonzero(valid & ~np.concatenate([[False], waits[:-1]]))]

    def payloads(self, stream: str) -> list[int]:
        """Return the payloads that went through `stream`, in order."""
        return [payload for _, payload in self.transfers[stream]]


def _cycles(moves: Transfers) -> list[int]:
    return [cycle for cycle, _ in moves]
