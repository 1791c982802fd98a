"""Twin of the token gather: tokens one by one, their granules asked for while there are places, granules into rows."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from tokensieve.arch.machine import Arch
from tokensieve.sim.twins.feed import Feed
from tokensieve.sim.twins.pipe import Pipe


@dataclass(frozen=True)
class Row:
    """A row to fetch."""

    granules: int
    """Granules that it touches; none stand for a packet without tokens."""

    final: bool
    """It is the last one of its row of tokens."""

    last: bool
    """It is the last one of its packet."""


def rows_of(lanes: int, packets: Iterable[Iterable[int]]) -> list[Row]:
    """Return the rows of packets, given the granules of each of a packet's rows.

    >>> rows_of(2, [[3, 2, 3]])[1:]
    [Row(granules=2, final=True, last=False), Row(granules=3, final=True, last=True)]
    """
    rows = []
    for packet in map(list, packets):
        sizes = packet or [0]
        for number, granules in enumerate(sizes, 1):
            rows.append(Row(granules, number % lanes == 0 or number == len(sizes), number == len(sizes)))
    return rows


class Queue:
    """Beats in memory, and one that has been read. What is written in a cycle can be read in the next one."""

    def __init__(self) -> None:
        self._stored = 0
        self.offers = False

    def step(self, enters: int, takes: bool) -> None:
        """Go on by one cycle, in which a beat was stored or not, and the one on offer taken or not."""
        if takes or not self.offers:
            self.offers = self._stored > 0
            self._stored -= self.offers
        self._stored += enters


class Splitter:
    """Asks for the granules of rows, one a cycle, while there are places."""

    def __init__(self, outstanding: int) -> None:
        self._places, self._asked = outstanding, 0
        self.offers = False
        """A request stands on the output."""

    def step(self, row: Row | None, takes: bool, leaves: bool) -> tuple[bool, bool]:
        """Go on by one cycle, in which a place became free or not.

        Returns whether `row` is done with, and whether something took a place.
        """
        free = takes or not self.offers
        goes = free and row is not None and self._places > 0
        self._places += leaves - goes
        if free:
            self.offers = goes and row is not None and row.granules > 0
        if not goes or row is None:
            return False, False
        self._asked += 1
        done = self._asked >= row.granules
        self._asked = 0 if done else self._asked
        return done, True


class Packer:
    """Granules that are rotated, and the register with the row that leaves."""

    def __init__(self, stages: int) -> None:
        self._aligned = Pipe[bool](stages)  # of each granule: whether it ends its row
        self.offers = False

    def step(self, final: bool | None, takes: bool) -> bool:
        """Go on by one cycle, with a granule offered, the row's last or not; return whether there was room for it."""
        free = takes or not self.offers
        end = self._aligned.end
        came = self._aligned.step(final, free or not end)
        if free:
            self.offers = bool(end)
        return came


class TokenGather:
    """All of it. `rows` are those to come."""

    def __init__(self, arch: Arch, rows: Iterable[Row]) -> None:
        self._rows = deque(rows)
        self._asked = deque[tuple[bool, bool]]()  # of each place taken: is there a granule, does it end its row
        self._command, self._tokens = False, False
        self._addresses = Pipe[Row](arch.gather.multiply_stages + 1)
        self.splitter = Splitter(arch.gather.outstanding)
        self._places, self._granules = Queue(), Queue()
        self.packer = Packer(arch.gather.align_stages)

    def step(self, offers: dict[str, bool], takes: dict[str, bool]) -> list[str]:
        """Go on by one cycle; return the streams on which there was a transfer."""
        moved = [name for name, unit in (("request", self.splitter), ("o", self.packer)) if unit.offers and takes[name]]
        leaves = self._pack(takes["o"], offers["data"])
        row = self._ask(takes["request"], leaves)
        moved += ["data"] * offers["data"]
        return moved + self._single_out(row, offers)

    def _pack(self, takes: bool, came: bool) -> bool:
        """Hand the granule at the head of the queue to the packer, if it is there; return whether it went."""
        known = self._asked[0] if self._places.offers else None
        there = known is not None and (not known[0] or self._granules.offers)
        leaves = self.packer.step(known[1] if there and known else None, takes) and there
        granule = leaves and known is not None and known[0]
        if leaves:
            self._asked.popleft()
        self._granules.step(came, granule)
        return leaves

    def _ask(self, takes: bool, leaves: bool) -> bool:
        """Ask for the next granule; return whether the addresses moved on to make room for another row."""
        row = self._addresses.end
        done, took = self.splitter.step(row, takes, leaves)
        if took and row is not None:
            self._asked.append((row.granules > 0, done))
        self._places.step(took, leaves)
        return done

    def _single_out(self, done: bool, offers: dict[str, bool]) -> list[str]:
        """Send the next token on; return which of the inputs made a transfer."""
        row = self._rows[0] if self._command and self._tokens else None
        went = self._addresses.step(row, done) and row is not None
        if went and row is not None:
            self._rows.popleft()
            self._tokens = not row.final
            self._command = not row.last
        moved = []
        if offers["command"] and not self._command:
            moved.append("command")
        if offers["token"] and not self._tokens:
            moved.append("token")
        self._command, self._tokens = self._command or "command" in moved, self._tokens or "token" in moved
        return moved


def twin(arch: Arch, feed: Feed) -> dict[str, list[int]]:
    """Return the cycles of all transfers. Data: `granules`, of each row of each packet."""
    packets = feed.data["granules"]
    unit = TokenGather(arch, rows_of(arch.topk.lanes, packets))
    cycles: dict[str, list[int]] = {name: [] for name in ("command", "token", "request", "data", "o")}
    for cycle in range(feed.cycles):
        offers = {name: feed.offers(name, cycle) for name in ("command", "token", "data")}
        for name in unit.step(offers, {name: feed.takes(name, cycle) for name in ("request", "o")}):
            cycles[name].append(cycle)
    return cycles
