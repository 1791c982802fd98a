"""Twin of the zero eliminator: the compactor, then a beat that fills up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tokensieve.arch.machine import Arch
from tokensieve.sim.twins.feed import Feed, Moves
from tokensieve.sim.twins.pipe import Pipe


@dataclass(frozen=True)
class Marked:
    """A beat with holes: how many of its items stay, and whether it ends its packet."""

    items: int
    last: bool


def packets(marked: Iterable[Iterable[int]]) -> list[Marked]:
    """Return the beats of packets, given how many items stay in each beat of each packet.

    >>> packets([[3, 0]])
    [Marked(items=3, last=False), Marked(items=0, last=True)]
    """
    beats = []
    for packet in map(list, marked):
        beats += [Marked(items, place == len(packet) - 1) for place, items in enumerate(packet)]
    return beats


class BeatFiller:
    """Items that wait for a full beat, and the register with the beat that leaves.

    A full beat stays until another item is to be stored, or its packet ends.
    """

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._held = 0
        self._rest = False
        """The packet has ended: what is held leaves next."""
        self.leaving = False
        """There is a beat in the register."""

    @property
    def empty(self) -> bool:
        """Whether nothing is held, and nothing leaves."""
        return not (self.leaving or self._rest or self._held)

    @property
    def full(self) -> bool:
        """Whether exactly a beat is held."""
        return self._held == self._lanes

    @property
    def holds(self) -> bool:
        """Whether items are held."""
        return self._held > 0

    @property
    def rest(self) -> bool:
        """Whether what is held is the rest of a packet."""
        return self._rest

    def step(self, beat: Marked | None, takes: bool) -> bool:
        """Go on by one cycle, with `beat` offered and the output taken or not; return whether `beat` came in."""
        room = takes or not self.leaving
        held = 0 if self._rest else self._held
        overflows = beat is not None and held + beat.items > self._lanes
        emits = self._rest or overflows
        if emits and not room:
            return False
        if room:
            self.leaving = emits
            self._held, self._rest = held, False
        if beat is not None:
            self._held, self._rest = held + beat.items - overflows * self._lanes, beat.last
        return beat is not None


class ZeroEliminator:
    """The stages of the compactor, and the beat behind them."""

    def __init__(self, lanes: int, stages: int) -> None:
        self._stages = Pipe[Marked](stages)
        self._filler = BeatFiller(lanes)
        self.states: Mapping[str, object] = {}
        """States of the last cycle, for coverage."""

    @property
    def offers(self) -> bool:
        """Whether a beat stands on the output."""
        return self._filler.leaving

    @property
    def empty(self) -> bool:
        """Whether there is nothing of any packet."""
        return self._stages.empty and self._filler.empty

    def step(self, beat: Marked | None, takes: bool) -> bool:
        """Go on by one cycle, with `beat` offered and the output taken or not; return whether there was room for it."""
        end, stuck = self._stages.end, self._filler.leaving and not takes
        follows = self._filler.rest and end is not None and not stuck
        holds = self._filler.holds
        came = self._filler.step(end, takes)
        self.states = {
            "a beat is exactly full": self._filler.full,
            "a compacted beat waits": end is not None and not came,
            "a compacted beat joins others while one waits": came and stuck,
            "a packet begins as another ends": follows,
            "items are held": holds,
        }
        return self._stages.step(beat, came)


def twin(arch: Arch, feed: Feed) -> Moves:
    """Return what happens at all streams. Data: `marked`, how many items stay in each beat of each packet."""
    beats = packets(feed.data["marked"])
    unit = ZeroEliminator(arch.topk.lanes, arch.topk.compactor_stages)
    moves = Moves(sources=["i"], sinks=["o"])
    for cycle in range(feed.cycles):
        number = len(moves.transfers["i"])
        beat = beats[number] if number < len(beats) and feed.offers("i", cycle) else None
        takes = feed.takes("o", cycle)
        moves.offer("o", cycle, unit.offers, takes)
        if unit.step(beat, takes) and beat is not None:
            moves.take("i", cycle)
        feed.saw(unit.states)
    return moves
