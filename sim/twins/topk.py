"""Twin of the top-k engine: its front takes one command after another, its drain works one command behind.

A command that keeps all is a wire: it waits until the drain is empty, then beats leave in the cycle they come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tokensieve.arch.datapath import Topk
from tokensieve.arch.machine import Arch
from tokensieve.sim.twins.feed import Feed, Moves
from tokensieve.sim.twins.pipe import Pipe
from tokensieve.sim.twins.zero_eliminator import Marked, ZeroEliminator, packets


@dataclass(frozen=True)
class Task:
    """What a command's timing depends on."""

    beats: int
    search: int
    """Cycles from the last beat in, not counted, to the threshold known."""
    marked: Sequence[int]
    """Items kept in each beat."""
    passes: bool
    """It is a wire."""


class Drain:
    """Reads a command's beats, one a cycle, into a pipeline that ends in the zero eliminator.

    The next command is taken when the last beat has gone into the zero eliminator.
    """

    def __init__(self, topk: Topk) -> None:
        self._unread: list[Marked] = []
        self._stages = Pipe[Marked](topk.drain_stages)
        self._zeros = ZeroEliminator(topk.lanes, topk.compactor_stages)
        self.busy = False

    @property
    def offers(self) -> bool:
        """Whether a beat stands on the output."""
        return self._zeros.offers

    @property
    def empty(self) -> bool:
        """Whether all commands have left."""
        return not self.busy and self._zeros.empty

    @property
    def reading(self) -> bool:
        """Whether beats are left to read."""
        return bool(self._unread)

    @property
    def states(self) -> Mapping[str, object]:
        """States of the last cycle, for coverage."""
        return self._zeros.states

    def start(self, marked: Sequence[int]) -> None:
        """Take a command; its first beat is read in the next cycle."""
        self._unread, self.busy = packets([marked]), True

    def step(self, takes: bool) -> None:
        """Go on by one cycle, with the output taken or not."""
        end = self._stages.end
        went = self._zeros.step(end, takes)
        beat = self._unread[0] if self._unread else None
        if self._stages.step(beat, went) and beat is not None:
            self._unread.pop(0)
        if end is not None and end.last and went:
            self.busy = False


class Front:
    """Takes a command, its beats, waits for the search and hands the verdict over; or lets the beats pass."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = iter(tasks)
        self._task: Task | None = None
        self._beats = self._waits = 0
        self.state = "command"

    @property
    def midst(self) -> bool:
        """Whether some of the command's beats have come, and others have not."""
        return self._task is not None and 0 < self._beats < self._task.beats

    @property
    def last(self) -> bool:
        """Whether the next beat is the command's last."""
        return self._beats == 1

    def step(self, command: bool, score: bool, drain: Drain | None) -> list[str]:
        """Go on by one cycle with a command on offer and a beat that comes in; return the streams with a transfer.

        `drain` is there if it is free.
        """
        moved, passed = ["score"] * score, False
        self._beats -= score
        if score and self._beats == 0 and self._task:
            passed = self.state == "pass"
            self.state, self._waits = "command" if passed else "search", self._task.search
        elif self.state == "search":
            self._waits -= 1
            self.state = "hand" if self._waits == 0 else "search"
        elif self.state == "hand" and drain and self._task:
            drain.start(self._task.marked)
            self.state = "command"
            return moved
        if self.state == "command" and command:
            self._task = next(self._tasks, None)
            self._beats = self._task.beats if self._task else 0
            self.state = "pass" if self._task and self._task.passes else "load" if self._beats else "search"
            self._waits = self._task.search if self._task else 0
            moved.append("command")
        return moved


class Engine:
    """Front and drain, stepped together."""

    def __init__(self, topk: Topk, tasks: Sequence[Task]) -> None:
        self._front, self._drain = Front(tasks), Drain(topk)
        self._states: Mapping[str, object] = {}

    @property
    def states(self) -> Mapping[str, object]:
        """States of the last cycle, for coverage."""
        return {**self._states, **self._drain.states}

    def _before(self, command: bool, score: bool, takes: bool) -> Mapping[str, object]:
        """Return the states at the beginning of a cycle."""
        state, ends = self._front.state, self._wire and score and self._front.last
        return {
            "a command comes while another is read": state in ("load", "pass") and self._drain.reading,
            "a verdict waits for the drain": state == "hand" and self._drain.busy,
            "a wire waits for the drain": state == "pass" and not self._drain.empty,
            "a wire's last beat waits": ends and not takes,
            "the next command comes with a wire's last beat": ends and takes and command,
            "a command's beats have come in part": self._front.midst,
            "commands are in the drain": not self._drain.empty,
        }

    @property
    def _wire(self) -> bool:
        """Whether beats pass in this cycle."""
        return self._front.state == "pass" and self._drain.empty

    def offers(self, score: bool) -> bool:
        """Return whether a beat stands on the output, with one of scores on offer or not."""
        return score if self._wire else self._drain.offers

    def accepts(self, takes: bool) -> bool:
        """Return whether it takes a beat of scores, with the output taken or not."""
        return takes if self._wire else self._front.state == "load"

    def step(self, command: bool, score: bool, takes: bool) -> list[str]:
        """Go on by one cycle; return the streams into the engine on which there was a transfer."""
        self._states = self._before(command, score, takes)
        score = score and self.accepts(takes)
        free = not self._drain.busy  # a command that ends in this cycle still holds the drain
        self._drain.step(takes)
        return self._front.step(command, score, self._drain if free else None)


def tasks(arch: Arch, feed: Feed) -> list[Task]:
    """Return the tasks that the data tell of."""
    data, lanes = feed.data, arch.topk.lanes
    return [
        Task(-(-n // lanes), search, marked, passes)
        for n, search, marked, passes in zip(data["n"], data["search"], data["marked"], data["passes"], strict=True)
    ]


def twin(arch: Arch, feed: Feed) -> Moves:
    """Return what happens at all streams.

    Data, per command: `n`, `search` (cycles, by the law), `marked` (items kept in each beat) and `passes` (it is a
    wire).
    """
    engine = Engine(arch.topk, tasks(arch, feed))
    moves = Moves(sources=["command", "score"], sinks=["o"])
    for cycle in range(feed.cycles):
        score, takes = feed.offers("score", cycle), feed.takes("o", cycle)
        moves.offer("o", cycle, engine.offers(score), takes)
        for moved in engine.step(feed.offers("command", cycle), score, takes):
            moves.take(moved, cycle)
        feed.saw(engine.states)
    return moves
