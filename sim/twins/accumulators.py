"""Twin of the accumulators of importance: one command after the other, and what each waits for."""

from collections.abc import Mapping
from dataclasses import dataclass

from tokensieve.arch.machine import Arch
from tokensieve.sim.twins.feed import Feed, Moves

_WAITING = ("clear", "grow", "keep", "read")
"""Commands that wait until what was added before is in the memory."""


@dataclass(frozen=True)
class Task:
    """A command and the work it is."""

    op: str
    lines: int
    """ADD: beats that come in."""

    items: int
    """READ: sums that are alive."""

    ids: tuple[int, ...]
    """KEEP: sums that stay."""

    illegal: bool = False
    """It changes nothing: beats of an ADD are dropped."""


class Sums:
    """The accumulator in one cycle: what its registers hold."""

    def __init__(self, arch: Arch) -> None:
        self._lanes = arch.topk.lanes
        self._write_back = arch.importance.law(arch.topk).keep_stages
        self.task: Task | None = None
        self._adding = [False] * arch.importance.stages
        """Which registers between input and memory hold a beat."""
        self._fetched = ""
        """What the memory's output register holds for READ: nothing, a beat, or the last one."""
        self.leaving = False
        """There is a beat of scores on the output."""
        self.states: Mapping[str, object] = {}
        """States of the last cycle, for coverage."""
        self._begin()

    def _before(self, settled: bool, free: bool, offers_ids: bool) -> Mapping[str, object]:
        """Return the states at the beginning of a cycle."""
        op = self.task.op if self.task else ""
        ids = self.task.ids[self._seen :][: self._lanes] if self.task else ()
        looks = op == "keep" and settled and offers_ids and self._wait < 0
        return {
            **{f"a {name.upper()} waits for sums on their way": op == name and not settled for name in _WAITING},
            "scores wait behind others": self._fetched and not free,
            "ids lie beyond the sums that are looked at": looks and ids and ids[-1] // self._lanes > self._number,
            "sums are read in part": op in ("read", "keep") and self._number > 0,
            "ids come late": op == "keep" and settled and not offers_ids and self._wait < 0,
        }

    def _begin(self) -> None:
        self._number = 0
        """Beats that the command has taken or read, or the beat of sums that ids are looked at for."""
        self._seen = 0
        """Ids used up."""
        self._wait = -1
        """KEEP: cycles until the last beat is written, once all ids are used up."""

    def step(self, offers_beat: bool, offers_ids: bool, takes: bool) -> tuple[bool, bool, bool]:
        """Go on by one cycle; return whether a beat was added, ids were used up and the command has come to its end."""
        settled, free = not any(self._adding), takes or not self.leaving
        self.states = self._before(settled, free, offers_ids)
        beat = ids = done = False
        fetched, op = "", self.task.op if self.task else ""
        if self.task and op == "add" and self.task.lines:
            beat, done = offers_beat, self._add(offers_beat)
        elif op == "keep":
            ids, done = self._keep(offers_ids) if settled else (False, False)
        elif op == "read":
            done = settled and self._read_done(free)
            fetched = self._fetch() if settled and (free or not self._fetched) else self._fetched
        else:
            done = bool(op) and settled
        if free:
            self.leaving = bool(self._fetched)
        self._fetched = fetched
        self._adding = [beat and not (self.task and self.task.illegal), *self._adding[:-1]]
        if done:
            self.task = None
            self._begin()
        return beat, ids, done

    def _add(self, offers: bool) -> bool:
        assert self.task
        self._number += offers
        return offers and self._number == self.task.lines

    def _fetch(self) -> str:
        """Return the beat that is read next."""
        assert self.task
        beats = -(-self.task.items // self._lanes)
        if self._number == beats:
            return ""
        self._number += 1
        return "last" if self._number == beats else "beat"

    def _read_done(self, free: bool) -> bool:
        assert self.task
        return self.task.items == 0 or (free and self._fetched == "last")

    def _keep(self, offers: bool) -> tuple[bool, bool]:
        """Hold ids against one beat of sums, or wait for the end."""
        assert self.task
        if self._wait >= 0:
            self._wait -= 1
            return False, self._wait < 0
        if not offers:
            return False, False
        ids = self.task.ids[self._seen : self._seen + self._lanes]
        if ids and ids[-1] // self._lanes > self._number:
            self._number += 1
            return False, False
        self._seen += len(ids)
        if self._seen == len(self.task.ids):
            self._wait = self._write_back - 1
        return True, False


def twin(arch: Arch, feed: Feed) -> Moves:
    """Return what happens at all streams. Data: `tasks`, and `source`, the stream of the beats to add."""
    tasks, unit, source = list(feed.data["tasks"]), Sums(arch), feed.data["source"]
    moves = Moves(sources=["command", source, "keep"], sinks=["o"])
    for cycle in range(feed.cycles):
        takes = feed.takes("o", cycle)
        moves.offer("o", cycle, unit.leaving, takes)
        holds = unit.task is not None
        beat, ids, done = unit.step(feed.offers(source, cycle), feed.offers("keep", cycle), takes)
        if beat:
            moves.take(source, cycle)
        if ids:
            moves.take("keep", cycle)
        feed.saw(unit.states)
        feed.saw({"a command waits for another": holds and not done and feed.offers("command", cycle)})
        feed.saw({"a command comes as another ends": done and feed.offers("command", cycle)})
        if (done or not holds) and feed.offers("command", cycle):
            moves.take("command", cycle)
            unit.task = tasks.pop(0)
    return moves
