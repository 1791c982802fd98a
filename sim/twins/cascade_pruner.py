"""Twin of the cascade pruner: the twins of its parts, and the sequence in which they are told what to do."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tokensieve.arch.machine import Arch
from tokensieve.sim.twins import accumulators, token_gather, topk
from tokensieve.sim.twins.feed import Feed, Moves
from tokensieve.sim.twins.pipe import Pipe
from tokensieve.sim.twins.queue import Fork, Queue
from tokensieve.sim.twins.zero_eliminator import Marked, ZeroEliminator


@dataclass(frozen=True, kw_only=True)
class Task:
    """A command, and what its timing depends on."""

    op: str
    heads: bool
    lines: int
    """ADD: beats that come in."""

    offered: int
    positions: tuple[int, ...]
    """PRUNE: what there is to choose from, and what is kept of it."""

    search: int
    """PRUNE: cycles of the top-k engine's search."""

    granules: Sequence[int] | None
    """PRUNE: granules that the vector of each kept one touches, if they are fetched."""

    dropped: int = 0
    """PRUNE: beats of numbers that the gather drops, as their vectors cannot be fetched."""

    illegal: bool = False
    """It is not obeyed; a PRUNE gives an empty beat of numbers."""


class IdTable:
    """Holds kept positions against lines of numbers, and packs the numbers of those that are kept."""

    def __init__(self, arch: Arch) -> None:
        self._lanes = arch.topk.lanes
        self._read = Pipe[Marked](1)
        self._zeros = ZeroEliminator(arch.topk.lanes, arch.topk.compactor_stages)
        self.task: tuple[int, ...] | None = None
        """Positions to keep; None where there is no command or one that takes no time."""
        self._line = self._seen = self._sent = 0
        self._spent = False

    @property
    def offers(self) -> bool:
        """Whether a beat stands on the output."""
        return self._zeros.offers

    @property
    def midst(self) -> bool:
        """Whether positions were held against one line of numbers or more, and the command has not ended."""
        return self._line > 0

    def step(self, offers_ids: bool, takes: bool) -> tuple[bool, bool]:
        """Go on by one cycle; return whether positions were used up, and whether the last beat left."""
        left = self._zeros.offers and takes
        looks = self.task is not None and not self._spent and offers_ids
        beat, ids = self._look() if looks else (None, 0)
        moves = self._read.step(beat, self._zeros.step(self._read.end, takes))
        used = looks and moves and ids >= 0
        if used and beat:
            self._seen, self._spent = self._seen + ids, beat.last
        elif looks and moves:
            self._line += 1
        return used, self._leave(left)

    def _look(self) -> tuple[Marked, int]:
        """Return what the present line is marked with, and the positions it uses up: -1 if there are more beyond it."""
        assert self.task is not None
        ids = self.task[self._seen : self._seen + self._lanes]
        marked = sum(one // self._lanes == self._line for one in ids)
        if ids and ids[-1] // self._lanes > self._line:
            return Marked(marked, False), -1
        return Marked(marked, self._seen + len(ids) == len(self.task)), len(ids)

    def _leave(self, left: bool) -> bool:
        self._sent += left
        if self.task is None or self._sent < max(1, -(-len(self.task) // self._lanes)):
            return False
        self.task = None
        self._line = self._seen = self._sent = 0
        self._spent = False
        return True


class Pruner:
    """All parts, stepped together."""

    def __init__(self, arch: Arch, tasks: Sequence[Task]) -> None:
        self._arch, self._tasks = arch, deque(tasks)
        self._now: Task | None = None
        """In the command's register."""
        self._state = "next"
        self._beats = 0
        """Beats of kept positions that have come."""
        self._sums, self._ids = [accumulators.Sums(arch), accumulators.Sums(arch)], [IdTable(arch), IdTable(arch)]
        prunes = [task for task in tasks if task.op == "prune"]
        self._engine = topk.Engine(arch.topk, [self._selection(task) for task in prunes if not task.illegal])
        self._kept, self._fetched = Queue(max(2, arch.topk.beats)), Queue(max(2, arch.topk.beats))
        packets = [task.granules for task in prunes if task.granules is not None]
        dropped = [task.dropped for task in prunes if task.granules is not None]
        self._gather = token_gather.TokenGather(arch, token_gather.vectors_of(arch.topk.lanes, packets, dropped))
        self._told, self._hold, self._leave = Fork(5), Fork(4), Fork(2)
        self.states: Mapping[str, object] = {}
        """States of the last cycle, for coverage."""

    def _before(self, offers: dict[str, bool], takes: dict[str, bool]) -> Mapping[str, object]:
        """Return the states at the beginning of a cycle."""
        prunes = self._now is not None and self._now.op == "prune"
        heads = bool(self._now and self._now.heads)
        number = self._ids[heads].offers
        return {
            "a command waits for a PRUNE": prunes and offers["command"],
            "numbers wait, the gather has them": number and self._leave.had[1] and not takes["o"],
            "numbers wait": number and not takes["o"],
            "numbers are looked at in part": any(table.midst for table in self._ids),
            "part of the units have their command": any(self._told.had),
            "one unit has the positions, another has not": any(self._hold.had),
            "an ADD of heads comes while tokens are added": heads and self._sums[0].task is not None,
        }

    def _selection(self, task: Task) -> topk.Task:
        lanes = self._arch.topk.lanes
        marked = [0] * -(-task.offered // lanes)
        for position in task.positions:
            marked[position // lanes] += 1
        return topk.Task(len(marked), task.search, marked, len(task.positions) == task.offered)

    @property
    def offers(self) -> dict[str, bool]:
        """Whether a beat stands on each output."""
        gather = self._gather.offers
        return {"o": self._leaving()[0], "request": gather["request"], "row": gather["o"]}

    def step(self, offers: dict[str, bool], takes: dict[str, bool]) -> list[str]:
        """Go on by one cycle; return the streams into it on which there was a transfer."""
        heads = bool(self._now and self._now.heads)
        token_beat = self._fetched.offers
        moved = self._gather.step(
            {"command": offers["fetch"], "token": token_beat, "data": offers["data"]},
            {"request": takes["request"], "o": takes["row"]},
        )
        names = {"command": "fetch", "token": ""}
        transfers = [names.get(name, name) for name in moved]

        telling, wanted, op = self._tells(heads)
        told = self._told.offers(telling, wanted)
        self.states = self._before(offers, takes)
        left, stored = self._numbers(takes["o"])
        ready, added = self._parts(heads, offers, left and self._state != "none")
        transfers += added
        came, commanded = self._select(heads, told[4])
        self._fetched.step(stored, "token" in moved)
        went = [offer and free for offer, free in zip(told, [*ready, commanded], strict=True)]
        all_told = self._told.step(telling, wanted, went)
        self._give(op, went)
        done = self._sequence(all_told, came, left)
        if self._now is None or done:
            self._now = self._tasks.popleft() if offers["command"] and self._tasks else None
            transfers += ["command"] * offers["command"]
        return [name for name in transfers if name]

    def _tells(self, heads: bool) -> tuple[bool, list[bool], str]:
        """Return whether the parts are told something, which of them, and what."""
        legal = self._now is not None and not self._now.illegal
        telling = self._state == "keep" or (self._state == "next" and legal)
        op = "keep" if self._state == "keep" else self._now.op if self._now else ""
        mine = [not heads, heads]
        numbered = op in ("clear", "grow", "keep")
        return telling, [*mine, *(one and numbered for one in mine), op == "prune"], op

    def _numbered(self) -> tuple[bool, list[bool]]:
        """Return whether there is a beat of numbers, and whether it is for the output and for the gather."""
        table = self._ids[bool(self._now and self._now.heads)]
        return table.offers or self._state == "none", [True, bool(self._now and self._now.granules is not None)]

    def _leaving(self) -> list[bool]:
        """Return whether a beat of numbers is on offer at the output and to the gather."""
        return self._leave.offers(*self._numbered())

    def _numbers(self, takes: bool) -> tuple[bool, bool]:
        """Send a beat of numbers out and to the gather; return whether it went to both, and to the gather."""
        out, fetch = self._leaving()
        out, fetch = out and takes, fetch and self._fetched.takes
        return self._leave.step(*self._numbered(), [out, fetch]), fetch

    def _parts(self, heads: bool, offers: dict[str, bool], left: bool) -> tuple[list[bool], list[str]]:
        """Step sums and numbers; return which of them take a command, and the streams on which beats were added."""
        position, mine = self._kept.offers, [not heads, heads]
        offered = self._hold.offers(position, [*mine, *mine])
        self._scores = [part.leaving for part in self._sums]
        scored = self._engine.accepts(self._kept.takes)
        ready, went, added = [], [], []
        for number, (part, name) in enumerate(zip(self._sums, ("probability", "output"), strict=True)):
            holds = part.task is not None
            beat, ids, done = part.step(offers[name], offered[number], scored and mine[number])
            ready.append(done or not holds)
            went.append(ids)
            added += [name] * beat
        self._ended = False
        for number, table in enumerate(self._ids):
            holds = table.task is not None
            ids, done = table.step(offered[2 + number], left and mine[number])
            ready.append(done or not holds)
            went.append(ids)
            self._ended = self._ended or done
        self._used = self._hold.step(position, [*mine, *mine], went)
        return ready, added

    def _select(self, heads: bool, command: bool) -> tuple[bool, bool]:
        """Step the engine and the queue behind it; return whether the last kept positions came, and a command went."""
        came = self._engine.offers(self._scores[heads]) and self._kept.takes
        moved = self._engine.step(command, self._scores[heads], self._kept.takes)
        self._kept.step(came, self._used)
        self._beats += came
        assert self._now or not came
        wanted = max(1, -(-len(self._now.positions) // self._arch.topk.lanes)) if self._now else 0
        final = came and self._beats == wanted
        if final:
            self._beats = 0
        return final, "command" in moved

    def _give(self, op: str, went: Sequence[bool]) -> None:
        """Hand what was told to the parts that took it."""
        for number in range(2):
            if went[number] and self._now:
                task = self._now
                self._sums[number].task = accumulators.Task(
                    "read" if op == "prune" else op, task.lines, task.offered, task.positions
                )
            if went[2 + number] and self._now and op == "keep":
                self._ids[number].task = self._now.positions

    def _sequence(self, told: bool, came: bool, left: bool) -> bool:
        """Go on to the next state; return whether the command is done with."""
        match self._state:
            case "next" if self._now and self._now.illegal:
                self._state = "none" if self._now.op == "prune" else "next"
                return self._now.op != "prune"
            case "none" if left:
                self._state = "next"
                return True
            case "next" if told and self._now:
                if self._now.op != "prune":
                    return True
                self._state = "select"
            case "select" if came:
                self._state = "keep"
            case "keep" if told:
                self._state = "leave"
            case "leave" if self._ended:
                self._state = "next"
                return True
        return False


def twin(arch: Arch, feed: Feed) -> Moves:
    """Return what happens at all streams. Data: `tasks`."""
    pruner = Pruner(arch, feed.data["tasks"])
    sources = ("command", "probability", "output", "fetch", "data")
    moves = Moves(sources, sinks=["o", "request", "row"])
    for cycle in range(feed.cycles):
        offers = {name: feed.offers(name, cycle) for name in sources}
        takes = {name: feed.takes(name, cycle) for name in moves.offered}
        for sink, stands in pruner.offers.items():
            moves.offer(sink, cycle, stands, takes[sink])
        for source in pruner.step(offers, takes):
            moves.take(source, cycle)
        feed.saw(pruner.states)
    return moves
