"""Twin of the token gather: tokens one by one, granules asked for while there are places, vectors put together."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, repeat

from tokensieve.arch.machine import Arch
from tokensieve.sim.twins.feed import Feed, Moves
from tokensieve.sim.twins.pipe import Pipe


@dataclass(frozen=True)
class Vector:
    """A vector to fetch."""

    granules: int
    """Granules that it touches; none stand for a packet without tokens."""

    final: bool
    """It is the last one of its beat of tokens."""

    last: bool
    """It is the last one of its packet."""

    dropped: bool = False
    """It is no vector: a beat of tokens of an illegal command, which is dropped."""


def vectors_of(lanes: int, packets: Iterable[Iterable[int]], dropped: Iterable[int] = ()) -> list[Vector]:
    """Return the vectors of packets, given the granules of each of a packet's vectors.

    `dropped` are the beats of each packet's tokens that are dropped before; none if it is short.

    >>> [(one.granules, one.final, one.last) for one in vectors_of(2, [[3, 2, 3]])[1:]]
    [(2, True, False), (3, True, True)]
    """
    vectors = []
    for packet, beats in zip(map(list, packets), chain(dropped, repeat(0))):  # noqa: B905
        sizes = packet or [0]
        vectors += [Vector(0, final=True, last=False, dropped=True)] * beats
        for number, granules in enumerate(sizes, 1):
            vectors.append(Vector(granules, number % lanes == 0 or number == len(sizes), number == len(sizes)))
    return vectors


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
    """Asks for the granules of vectors, one a cycle, while there are places."""

    def __init__(self, outstanding: int) -> None:
        self._places, self._asked = outstanding, 0
        self.offers = False
        """A request stands on the output."""

    @property
    def full(self) -> bool:
        """Whether all places are taken."""
        return self._places == 0

    @property
    def midst(self) -> bool:
        """Whether some of a vector's granules have been asked for, and others have not."""
        return self._asked > 0

    def step(self, vector: Vector | None, takes: bool, leaves: bool) -> tuple[bool, bool]:
        """Go on by one cycle, in which a place became free or not.

        Returns whether `vector` is done with, and whether something took a place.
        """
        free = takes or not self.offers
        goes = free and vector is not None and self._places > 0
        self._places += leaves - goes
        if free:
            self.offers = goes and vector is not None and vector.granules > 0
        if not goes or vector is None:
            return False, False
        self._asked += 1
        done = self._asked >= vector.granules
        self._asked = 0 if done else self._asked
        return done, True


class Packer:
    """Granules that are rotated, and the register with the vector that leaves."""

    def __init__(self, stages: int) -> None:
        self._aligned = Pipe[bool](stages)  # of each granule: whether it ends its vector
        self.offers = False

    @property
    def end(self) -> bool | None:
        """Whether the granule that has been rotated is its vector's last one; None where there is none."""
        return self._aligned.end

    def step(self, final: bool | None, takes: bool) -> bool:
        """Go on by one cycle, with a granule offered, its vector's last or not; return whether there was room."""
        free = takes or not self.offers
        end = self._aligned.end
        came = self._aligned.step(final, free or not end)
        if free:
            self.offers = bool(end)
        return came


class TokenGather:
    """All of it. `vectors` are those to come."""

    def __init__(self, arch: Arch, vectors: Iterable[Vector]) -> None:
        self._vectors = deque(vectors)
        self._asked = deque[tuple[bool, bool]]()  # of each place taken: is there a granule, does it end its vector
        self._command, self._tokens = False, False
        self._lane = 0
        """Tokens of the beat that were sent on."""
        self._addresses = Pipe[Vector](arch.gather.multiply_stages + 1)
        self.splitter = Splitter(arch.gather.outstanding)
        self._places, self._granules = Queue(), Queue()
        self.packer = Packer(arch.gather.align_stages)

    @property
    def offers(self) -> dict[str, bool]:
        """Whether a beat stands on each output."""
        return {"request": self.splitter.offers, "o": self.packer.offers}

    def states(self, takes: dict[str, bool]) -> dict[str, object]:
        """Return the states that coverage counts, at the beginning of a cycle."""
        asks = self._addresses.end is not None
        held = self.splitter.offers and not takes["request"]
        end, stuck = self.packer.end, not takes["o"]
        empty = self._places.offers and not self._asked[0][0]
        return {
            "a request waits": held,
            "no place is free": asks and not held and self.splitter.full,
            "a vector waits behind another": end and stuck and self.packer.offers,
            "a vector comes before its sink is ready": end and stuck and not self.packer.offers,
            "a granule joins its vector behind one that waits": end is False and stuck and self.packer.offers,
            "a granule has come that is behind an empty packet": empty and self._granules.offers,
            "tokens wait for their command": self._tokens and not self._command,
            "a command waits for its tokens": self._command and not self._tokens,
            "a vector's granules are asked for in part": self.splitter.midst,
            "a beat's tokens are sent on in part": self._lane > 0,
        }

    def step(self, offers: dict[str, bool], takes: dict[str, bool]) -> list[str]:
        """Go on by one cycle; return the streams into it on which there was a transfer."""
        leaves = self._pack(takes["o"], offers["data"])
        vector = self._ask(takes["request"], leaves)
        return ["data"] * offers["data"] + self._single_out(vector, offers)

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
        """Ask for the next granule; return whether the addresses moved on to make room for another vector."""
        vector = self._addresses.end
        done, took = self.splitter.step(vector, takes, leaves)
        if took and vector is not None:
            self._asked.append((vector.granules > 0, done))
        self._places.step(took, leaves)
        return done

    def _single_out(self, done: bool, offers: dict[str, bool]) -> list[str]:
        """Send the next token on; return which of the inputs made a transfer."""
        vector = self._vectors[0] if self._command and self._tokens else None
        dropped = vector is not None and vector.dropped
        went = self._addresses.step(None if dropped else vector, done) and vector is not None
        went = went or dropped
        if went and vector is not None:
            self._vectors.popleft()
            self._tokens = not vector.final
            self._lane = 0 if vector.final else self._lane + 1
            self._command = not vector.last
        moved = []
        if offers["command"] and not self._command:
            moved.append("command")
        if offers["token"] and not self._tokens:
            moved.append("token")
        self._command, self._tokens = self._command or "command" in moved, self._tokens or "token" in moved
        return moved


def twin(arch: Arch, feed: Feed) -> Moves:
    """Return what happens at all streams.

    Data: `granules`, of each vector of each packet, and `dropped`, each packet's beats of tokens that are dropped.
    """
    unit = TokenGather(arch, vectors_of(arch.topk.lanes, feed.data["granules"], feed.data["dropped"]))
    moves = Moves(sources=["command", "token", "data"], sinks=["request", "o"])
    for cycle in range(feed.cycles):
        offers = {name: feed.offers(name, cycle) for name in ("command", "token", "data")}
        takes = {name: feed.takes(name, cycle) for name in moves.offered}
        feed.saw(unit.states(takes))
        for sink, stands in unit.offers.items():
            moves.offer(sink, cycle, stands, takes[sink])
        for source in unit.step(offers, takes):
            moves.take(source, cycle)
    return moves
