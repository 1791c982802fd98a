"""Twin of the fixed-length pruner: a gate that sequences pass in turn, clocks that run down, and bursts."""

from collections import deque

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.machine import Arch
from tokensieve.sim.twins.feed import Feed, Moves
from tokensieve.sim.twins.pipe import Pipe


class Gate:
    """Lets the beats of sequences in: the first one when its engine is free and the interval over, others at once."""

    def __init__(self, pruner: FixedLengthPruner, beats: list[int]) -> None:
        self._interval, self._engines = pruner.law.interval, pruner.engine_count
        self._most = pruner.load_beats
        self._beats = beats
        self._came = self._sequence = self._rest = self._inside = 0
        self.began = 0
        """Cycle in which the sequence's first beat came."""

    @property
    def midst(self) -> bool:
        """Whether some of a sequence's beats have come, and others have not."""
        return self._came > 0

    @property
    def holds(self) -> bool:
        """Whether engines have sequences."""
        return self._inside > 0

    @property
    def waits(self) -> tuple[bool, bool]:
        """Whether another sequence has to wait for its engine, and for the interval to be over."""
        begins = not self.midst
        return begins and self._inside == self._engines, begins and self._rest > 0

    @property
    def takes(self) -> bool:
        """Whether a beat is taken."""
        return not any(self.waits)

    def late(self, cycle: int) -> bool:
        """Return whether the longest sequence would have come by now, if it had begun when this one did."""
        return cycle >= self.began + self._most

    def step(self, cycle: int, beat: bool, freed: bool) -> bool:
        """Go on by one cycle, with a beat that comes in, and an engine that has done; return if it ends a sequence."""
        self._rest = max(0, self._rest - 1)
        self._inside -= freed
        if not beat:
            return False
        if not self.midst:
            self.began, self._rest = cycle, self._interval - 1
            self._inside += 1
        self._came += 1
        ends = self._sequence >= len(self._beats) or self._came == self._beats[self._sequence]
        if ends:
            self._came, self._sequence = 0, self._sequence + 1
        return ends


class Bursts:
    """Slots from the drain on, and the beats that leave them."""

    def __init__(self, pruner: FixedLengthPruner) -> None:
        self._slots, self._beats, self._delay = pruner.out_slots, pruner.keep_beats, pruner.burst_delay
        self._ready = deque[int]()
        """Of each sequence in a slot, the cycle in which its first beat may be read."""
        self._left = self._beats
        self._pipe = Pipe[bool](2)

    @property
    def room(self) -> bool:
        """Whether a slot is free."""
        return len(self._ready) < self._slots

    @property
    def holds(self) -> bool:
        """Whether there are sequences in the slots."""
        return bool(self._ready)

    @property
    def reads(self) -> bool:
        """Whether some of a sequence's beats have been read, and others have not."""
        return self._left < self._beats

    @property
    def offers(self) -> bool:
        """Whether a beat stands on the output."""
        return self._pipe.end is not None

    def step(self, cycle: int, takes: bool, handed: bool) -> None:
        """Go on by one cycle, with the output taken or not and a sequence handed to the drain or not."""
        beat = bool(self._ready) and self._ready[0] <= cycle
        if self._pipe.step(True if beat else None, takes) and beat:
            self._left -= 1
            if not self._left:
                self._left = self._beats
                self._ready.popleft()
        if handed:
            self._ready.append(cycle + self._delay)


def twin(arch: Arch, feed: Feed) -> Moves:
    """Return what happens at both streams. Data: `beats`, those of each sequence."""
    pruner = arch.pruner
    gate, bursts = Gate(pruner, feed.data["beats"]), Bursts(pruner)
    found = deque[int]()  # of each sequence that has come, the cycle from which its verdict stands
    load, bound = pruner.load_beats, pruner.search_bound
    reads = 0  # the cycle from which the drain takes another one
    moves = Moves(sources=["i"], sinks=["o"])
    for cycle in range(feed.cycles):
        takes = feed.takes("o", cycle)
        moves.offer("o", cycle, bursts.offers, takes)
        beat = feed.offers("i", cycle) and gate.takes
        if beat:
            moves.take("i", cycle)
        verdict = bool(found) and found[0] <= cycle
        handed = verdict and bursts.room and reads <= cycle
        engine, interval = gate.waits
        feed.saw(
            {
                "a sequence takes longer than the longest one": beat and gate.midst and gate.late(cycle),
                "a sequence waits for its engine": engine and not interval,
                "a sequence waits for the interval alone": interval and not engine,
                "a verdict waits for a slot": verdict and not bursts.room and reads <= cycle,
                "a verdict waits for the drain alone": verdict and bursts.room and reads > cycle,
                "a sequence has come in part": gate.midst,
                "engines have sequences": gate.holds,
                "sequences are in the slots": bursts.holds,
                "a burst has left in part": bursts.reads,
            }
        )
        bursts.step(cycle, takes, handed)
        if handed:
            found.popleft()
            reads = cycle + load
        if gate.step(cycle, beat, handed):
            late = max(cycle, gate.began + load - 1)
            found.append(late + bound + 2)
    return moves
