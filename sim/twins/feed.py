"""What a twin is given, handshakes of its surroundings and data that timing depends on; and what it tells."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class Bits(Protocol):
    """One bit per cycle: a list of bools, or an array of them."""

    def __len__(self) -> int:
        """Return the number of cycles."""

    def __getitem__(self, cycle: int, /) -> Any:
        """Return the bit of one cycle."""


@dataclass(frozen=True, kw_only=True)
class Feed:
    """Surroundings of one unit from reset on, cycle by cycle. Nothing that the unit itself did is in here.

    >>> feed = Feed(valid={"i": [True]}, ready={"o": [False, True]})
    >>> feed.cycles, feed.offers("i", 1), feed.takes("o", 1)
    (2, False, True)
    """

    valid: Mapping[str, Bits]
    """Of every source: whether it offered a beat, per cycle."""

    ready: Mapping[str, Bits]
    """Of every sink: whether it would have taken a beat, per cycle."""

    data: Mapping[str, Any] = field(default_factory=dict)
    """What timing depends on besides, from golden's vectors: lengths, lanes in use, sizes of rounds."""

    seen: Counter[str] = field(default_factory=Counter)
    """Cycles in which the twin was in each of its named states: coverage counts them."""

    now: dict[str, bool] = field(default_factory=dict)
    """The named states as they were last told, true or not."""

    def saw(self, states: Mapping[str, object]) -> None:
        """Count the named states in which the twin is in this cycle: those that are true."""
        self.now.update({name: bool(there) for name, there in states.items()})
        self.seen.update([name for name, there in states.items() if there])

    @property
    def cycles(self) -> int:
        """Cycles that were recorded."""
        return max((len(bits) for bits in (*self.valid.values(), *self.ready.values())), default=0)

    def offers(self, source: str, cycle: int) -> bool:
        """Return whether `source` offered a beat in `cycle`; after the recording it offers none."""
        bits = self.valid[source]
        return cycle < len(bits) and bool(bits[cycle])

    def takes(self, sink: str, cycle: int) -> bool:
        """Return whether `sink` would have taken a beat in `cycle`; after the recording it takes none."""
        bits = self.ready[sink]
        return cycle < len(bits) and bool(bits[cycle])


class Moves:
    """What a unit does at its streams, by the twin: cycles of transfers, and from when each beat is offered.

    >>> moves = Moves(sources=["i"], sinks=["o"])
    >>> for cycle, takes in enumerate([False, True, True]):
    ...     moves.offer("o", cycle, True, takes)
    >>> moves.transfers, moves.offered
    ({'i': [], 'o': [1, 2]}, {'o': [0, 2]})
    """

    def __init__(self, sources: Iterable[str], sinks: Iterable[str]) -> None:
        self.offered: dict[str, list[int]] = {name: [] for name in sinks}
        """Of every sink: the cycle in which `valid` is first high for each beat, the one that waits at the end too."""
        self.transfers: dict[str, list[int]] = {name: [] for name in (*sources, *self.offered)}
        self._wait = set[str]()

    def take(self, source: str, cycle: int) -> None:
        """Write down that a beat came in."""
        self.transfers[source].append(cycle)

    def offer(self, sink: str, cycle: int, offers: bool, takes: bool) -> None:
        """Write down whether a beat stands on an output, which the sink would take or not."""
        if offers and sink not in self._wait:
            self.offered[sink].append(cycle)
        if offers and takes:
            self.transfers[sink].append(cycle)
        if offers and not takes:
            self._wait.add(sink)
        else:
            self._wait.discard(sink)
