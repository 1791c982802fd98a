"""Twin of the zero eliminator: the compactor, then a row that fills up."""

from collections.abc import Iterable
from dataclasses import dataclass

from tokensieve.arch.machine import Arch
from tokensieve.sim.twins.feed import Feed
from tokensieve.sim.twins.pipe import Pipe


@dataclass(frozen=True)
class Marked:
    """A row with holes: how many of its items stay, and whether it ends its packet."""

    items: int
    last: bool


def packets(marked: Iterable[Iterable[int]]) -> list[Marked]:
    """Return the rows of packets, given how many items stay in each row of each packet.

    >>> packets([[3, 0]])
    [Marked(items=3, last=False), Marked(items=0, last=True)]
    """
    rows = []
    for packet in map(list, marked):
        rows += [Marked(items, place == len(packet) - 1) for place, items in enumerate(packet)]
    return rows


class RowFiller:
    """Items that wait for a full row, and the register with the row that leaves.

    A full row stays until another item is to be stored, or its packet ends.
    """

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._held = 0
        self._rest = False
        """The packet has ended: what is held leaves next."""
        self.leaving = False
        """There is a row in the register."""

    def step(self, row: Marked | None, takes: bool) -> bool:
        """Go on by one cycle, with `row` offered and the output taken or not; return whether `row` came in."""
        room = takes or not self.leaving
        held = 0 if self._rest else self._held
        overflows = row is not None and held + row.items > self._lanes
        emits = self._rest or overflows
        if emits and not room:
            return False
        if room:
            self.leaving = emits
            self._held, self._rest = held, False
        if row is not None:
            self._held, self._rest = held + row.items - overflows * self._lanes, row.last
        return row is not None


class ZeroEliminator:
    """The stages of the compactor, and the row behind them."""

    def __init__(self, lanes: int, stages: int) -> None:
        self._stages = Pipe[Marked](stages)
        self._rows = RowFiller(lanes)

    @property
    def offers(self) -> bool:
        """Whether a row stands on the output."""
        return self._rows.leaving

    def step(self, row: Marked | None, takes: bool) -> bool:
        """Go on by one cycle, with `row` offered and the output taken or not; return whether there was room for it."""
        came = self._rows.step(self._stages.end, takes)
        return self._stages.step(row, came)


def twin(arch: Arch, feed: Feed) -> dict[str, list[int]]:
    """Return the cycles of all transfers. Data: `marked`, how many items stay in each row of each packet."""
    rows = packets(feed.data["marked"])
    unit = ZeroEliminator(arch.topk.lanes, arch.topk.compactor_stages)
    cycles: dict[str, list[int]] = {"i": [], "o": []}
    for cycle in range(feed.cycles):
        number = len(cycles["i"])
        row = rows[number] if number < len(rows) and feed.offers("i", cycle) else None
        takes = feed.takes("o", cycle)
        if unit.offers and takes:
            cycles["o"].append(cycle)
        if unit.step(row, takes) and row is not None:
            cycles["i"].append(cycle)
    return cycles
