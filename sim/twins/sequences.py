"""Twin of what a fixed-length pruner does with tokens: a gate that sequences pass in turn, clocks, and bursts."""

from collections import deque

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.sim.twins.pipe import Pipe


class Gate:
    """Lets the beats of sequences in: the first one when its engine is free and the interval over, others at once."""

    def __init__(self, pruner: FixedLengthPruner, beats: list[int]) -> None:
        self._interval, self._engines = pruner.law.interval, pruner.engine_count
        self._most = pruner.load_cycles
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


class Tokens:
    """All of it: sequences come in, and bursts leave. `beats` are those of each sequence."""

    def __init__(self, pruner: FixedLengthPruner, beats: list[int]) -> None:
        self._drain, self._load, self._bound = pruner.load_beats, pruner.load_cycles, pruner.search_bound
        self._gate, self._bursts = Gate(pruner, beats), Bursts(pruner)
        self._found = deque[int]()  # of each sequence that has come, the cycle from which its verdict stands
        self._reads = 0  # the cycle from which the drain takes another one

    @property
    def takes(self) -> bool:
        """Whether a beat is taken."""
        return self._gate.takes

    @property
    def offers(self) -> bool:
        """Whether a beat stands on the output."""
        return self._bursts.offers

    @property
    def midst(self) -> bool:
        """Whether some of a sequence's beats have come, and others have not."""
        return self._gate.midst

    def states(self, cycle: int, beat: bool) -> dict[str, bool]:
        """Return the states that coverage counts, at the beginning of a cycle in which a beat comes in or not."""
        gate, bursts, (engine, interval) = self._gate, self._bursts, self._gate.waits
        verdict, free = bool(self._found) and self._found[0] <= cycle, self._reads <= cycle
        return {
            "a sequence takes longer than the longest one": beat and gate.midst and gate.late(cycle),
            "a sequence waits for its engine": engine and not interval,
            "a sequence waits for the interval alone": interval and not engine,
            "a verdict waits for a slot": verdict and not bursts.room and free,
            "a verdict waits for the drain alone": verdict and bursts.room and not free,
            "a sequence has come in part": gate.midst,
            "engines have sequences": gate.holds,
            "sequences are in the slots": bursts.holds,
            "a burst has left in part": bursts.reads,
        }

    def step(self, cycle: int, beat: bool, takes: bool) -> None:
        """Go on by one cycle, with a beat that comes in or not and the output taken or not."""
        verdict = bool(self._found) and self._found[0] <= cycle
        handed = verdict and self._bursts.room and self._reads <= cycle
        self._bursts.step(cycle, takes, handed)
        if handed:
            self._found.popleft()
            self._reads = cycle + self._drain
        if self._gate.step(cycle, beat, handed):
            late = max(cycle, self._gate.began + self._load - 1)
            self._found.append(late + self._bound + 2)
