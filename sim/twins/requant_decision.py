"""Twin of the decision of progressive quantization: a tree that moves as one, and the register behind it."""

from collections.abc import Iterator, Mapping, Sequence

from tokensieve.arch.machine import Arch
from tokensieve.sim.twins.feed import Feed, Moves
from tokensieve.sim.twins.pipe import Pipe


class _Tree:
    """The registers of the tree, of which there may be none."""

    def __init__(self, stages: int) -> None:
        self._pipe: Pipe[bool] | None = Pipe[bool](stages) if stages else None
        self.leaving = False
        """There is a decision on the output."""
        self.states: Mapping[str, object] = {}
        """States of the last cycle, for coverage."""

    def step(self, last: bool | None, takes: bool) -> bool:
        """Go on by one cycle with a beat offered, which may be the last of its row; return whether it came in."""
        free = takes or not self.leaving
        end = self._pipe.end if self._pipe else last
        self.states = {
            "a decision waits behind another": not free and end is True,
            "a beat passes behind a decision that waits": not free and end is False,
            "a decision comes before its sink is ready": not takes and not self.leaving and end is True,
        }
        absorbed = end is not None and (free or not end)
        if free:
            self.leaving = bool(end)
        if self._pipe:
            return self._pipe.step(last, absorbed) and last is not None
        return absorbed


def _beats(blocks: Sequence[Sequence[int]]) -> Iterator[tuple[bool, bool]]:
    """Yield of every beat whether it is the last of its row and of its block."""
    for rows in blocks:
        for row, beats in enumerate(rows):
            for beat in range(beats):
                last = beat == beats - 1
                yield last, last and row == len(rows) - 1


def twin(arch: Arch, feed: Feed) -> Moves:
    """Return what happens at all streams. Data: `blocks`, for each command the beats of its rows; none if illegal."""
    beats, tree = list(_beats(feed.data["blocks"])), _Tree(arch.requant.tree_stages)
    moves, commands = Moves(sources=["command", "probability"], sinks=["o"]), list(feed.data["blocks"])
    holds, rows = False, 0
    for cycle in range(feed.cycles):
        takes = feed.takes("o", cycle)
        moves.offer("o", cycle, tree.leaving, takes)
        offered = holds and bool(beats) and feed.offers("probability", cycle)
        feed.saw({"a row waits for its command": not holds and feed.offers("probability", cycle)})
        feed.saw({"a command's rows have come in part": rows > 0})
        done = False
        if tree.step(beats[0][0] if offered else None, takes):
            moves.take("probability", cycle)
            last, done = beats.pop(0)
            rows = 0 if done else rows + last
        feed.saw(tree.states)
        if done or not holds:
            holds = False
            if feed.offers("command", cycle):
                moves.take("command", cycle)
                holds = bool(commands.pop(0))
    return moves
