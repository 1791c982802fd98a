"""What DRAM makes of a stretch of the request stream, played on the commands of level `cycle`.

Of each kind of group a few rows are sent as the fetcher sends them, each request as soon as its channel takes it: all
streams in turn, as far as the SRAMs have room, and each stream alone. A fetcher that is slower than the data buses
keeps its pace, so that fewer requests meet in a window. The accelerator takes no time: `memory` adds its own, and that
of refreshes.

Where consecutive granules go to consecutive channels these do alike, and only the busiest one is played. Of rows that
are longer than `MOST` granules of a channel, every stream is cut by the same factor.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.arch.mapping import ADDRESS_PARTS
from tokensieve.arch.memory import Dram
from tokensieve.sim.analytic.traffic import F64, I64, STREAMS, Plane
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels import stretch as kernel
from tokensieve.sim.kernels.dram_idle import new_state, set_address
from tokensieve.sim.kernels.stream import saturate
from tokensieve.sim.work import Ids, RowWork

B8 = npt.NDArray[np.bool_]

ROWS = (4, 12)
"""Least and most rows of a stretch."""

MOST, MOST_ALIKE = 4096, 1024
"""Granules that a stretch holds at most: of all channels, and of one where granules are sent `in_turn` and V comes
with K.

Those whose granules stay in one pseudo-channel for a whole DRAM row are not shortened. K and V that wait for each other
do so once a row, so that a row that is cut short waits too often.
"""

PACE = 4
"""Steps of the time from a row's K to its last output, as parts of the time that DRAM takes for a row."""

PORT_STEPS, MOST_STEPS = 2, 6
"""Steps of a fetcher's pace for each doubling, rounded down, and how many there are: one slower still hides DRAM."""

KINDS = 3
"""Kinds of groups that are played at most."""

ALONE = (("query", "key"), ("lsb",), ("value",), ("output",))
"""What is played alone: queries and K are one stream."""

_UNREAD = ("standard", "refresh", "nRFC", "nREFI", "tCK_ps", "nCCD_S", "nCCD_L")
_WRITTEN = STREAMS.index("output")


def stack(arch: Arch) -> Dram:
    """Return the DRAM that stretches are played on: that of `arch`, paced by the units behind it, never refreshed."""
    own = {name: getattr(arch.dram, name) for name in Dram.model_fields if name not in _UNREAD}
    short, long = arch.column_clocks
    return Dram.model_construct(**own, nCCD_S=short, nCCD_L=long, refresh=False)


def port_steps(slower: F64) -> I64:
    """Return the step of fetchers that take `slower` times as long for a granule as the data buses; 0 where those do.

    >>> port_steps(np.array([0.5, 1.2, 1.5, 2, 100])).tolist()
    [0, 0, 1, 2, 6]
    """
    steps: I64 = np.clip(np.floor(PORT_STEPS * np.log2(slower)), 0, MOST_STEPS).astype(np.int64)
    return steps


def alike(dram: Dram) -> bool:
    """Return whether consecutive granules go to consecutive channels, so that all channels do the same."""
    order = dram.order
    return set(order[order.index("ch") + 1 :]) <= {"pc", "bg"}


def in_turn(dram: Dram) -> bool:
    """Return whether channels are `alike`, and granules take their pseudo-channels in turn."""
    return alike(dram) and dram.order.index("pc") > dram.order.index("co")


@dataclass(frozen=True)
class Stretch:
    """Rows of one kind, ready to be sent."""

    moves: I64
    """What each tensor moves for each row, as `kernels.stretch`, shape (rows, streams, columns)."""

    per_line: I64
    whole: I64
    ids: Ids
    early: bool
    rows: int
    """Rows of the group."""

    def only(self, *streams: str) -> "Stretch":
        """Return the same rows with some streams alone; low bits are those of all their keys."""
        moves, key, low = self.moves.copy(), STREAMS.index("key"), STREAMS.index("lsb")
        if streams == ("lsb",):
            moves[:, low, kernel.COUNT] = moves[:, key, kernel.COUNT] * (moves[:, low, kernel.BYTES] > 0)
        moves[:, [s for s, name in enumerate(STREAMS) if name not in streams], kernel.COUNT] = 0
        return Stretch(moves, self.per_line, self.whole, self.ids, self.early, self.rows)

    def sent(self, granule_bytes: int, room: tuple[int, int], pace: int) -> "Sent":
        """Return the requests in the order of the fetcher.

        The SRAMs have `room` for the K and the V of so many rows; `pace` as in `kernels.stretch`, in parts of `PACE`.
        """
        shift = granule_bytes.bit_length() - 1
        lines = -(-self.moves[:, :, kernel.COUNT] // self.per_line) * self.per_line
        most = int((((self.moves[:, :, kernel.BYTES] >> shift) + 2) * lines).sum())
        granule, tensor = np.empty(most, np.int64), np.empty(most, np.int64)
        begun = self._begun(room)
        n = kernel.requests(
            self._aligned(room) if begun else self.moves, self.per_line, self.whole, self.ids, shift, self.early, begun,
            pace / PACE, np.array(room, np.int64), granule, tensor,
        )  # fmt: skip
        return Sent(granule[:n], tensor[:n])

    def order(self, room: tuple[int, int], pace: int) -> tuple[int, ...]:
        """Return figures that are equal for all rooms and paces with which the requests have the same order."""
        rows = len(self.moves)
        if not self._begun(room):
            return False, min(room[0], rows), min(room[1], rows), pace
        return True, *(ahead % rows for ahead in self._ahead(room)), min(pace, PACE)

    def _begun(self, room: tuple[int, int]) -> bool:
        """Return whether rows of other queries go before: not where all K and V have room at once."""
        return min(room) < self.rows or not self.early

    def _aligned(self, room: tuple[int, int]) -> I64:
        """Return `moves`, beside each row's queries and K the V and outputs that are sent at the same time."""
        moves, place = self.moves.copy(), np.arange(len(self.moves))
        for tensors, ahead in zip(kernel.TENSORS[kernel.VALUE :], self._ahead(room), strict=True):
            moves[:, slice(*tensors)] = self.moves[(place + ahead) % len(moves), slice(*tensors)]
        return moves

    def _ahead(self, room: tuple[int, int]) -> tuple[int, int]:
        """Return how many rows V and outputs are ahead of K.

        V on demand is that of the row before; else the stream that has less to send is as far ahead as it has room.
        """
        value = -1
        if self.early:
            value = room[1] - 1 if self._less_value else 1 - room[0]
        return value, min(value, 0) - 1

    @cached_property
    def _less_value(self) -> bool:
        requests = -(-self.moves[:, :, kernel.COUNT] // self.per_line)
        return bool(requests[:, 3].sum() < requests[:, :3].sum())


@dataclass(frozen=True)
class Sent:
    """A stretch in the order in which it is sent."""

    granule: I64
    """Number of every granule."""

    tensor: I64
    """Its stream."""


@dataclass(frozen=True)
class Load:
    """What of a stretch is played: its granules, and the stream of each."""

    granule: I64
    tensor: npt.NDArray[np.int8]
    granules: int
    """Those of the busiest channel, counted stream by stream."""

    place: I64
    """How many of all channels have been sent before each granule."""

    @property
    def digest(self) -> bytes:
        """What is equal of all that is the same."""
        parts = self.granule.tobytes(), self.tensor.tobytes(), self.place.tobytes(), b"%d" % self.granules
        return blake2b(b"".join(parts), digest_size=16).digest()


class Stack:
    """DRAM that stretches are played on, as `stack` makes it; `fifo` requests wait in front of a channel's window.

    Its fetcher sends granules at the pace of a step of `port_steps`.
    """

    def __init__(self, dram: Dram, fifo: int, port: int = 0) -> None:
        buses = max(dram.nBL, dram.nCCD_S) / (dram.channels * dram.pseudo_channels)
        self._port = buses * 2 ** (port / PORT_STEPS) if port else 0.0
        self.dram, self.alike, self.in_turn = dram, alike(dram), in_turn(dram)
        one = dram.model_copy(update={"channels": 1}) if self.alike else dram
        self._idle = new_state(one, None, fifo)
        set_address(self._idle, dram)
        cut = {
            part: (int(self._idle[ds.SHIFT + k]), int(self._idle[ds.MASK + k])) for k, part in enumerate(ADDRESS_PARTS)
        }
        self.layout = cut["ch"]
        """Bits of a granule's number: where those of the channel begin, and these."""
        self._idle[ds.MASK + ds.CH_] = one.channels - 1

    def busiest(self, sent: Sent) -> "Load":
        """Return what a channel has to do at most; of all channels, where they are not `alike`."""
        granule, tensor, (shift, mask) = sent.granule, sent.tensor, self.layout
        load, place = len(granule), np.arange(len(granule))
        if self.alike and load:
            channel = granule >> shift & mask
            here, load = kernel.busiest(granule, tensor, shift, mask)
            granule, tensor = granule[:here], tensor[:here]
            place = np.flatnonzero(channel == granule[0] >> shift & mask)
        return Load(granule.copy(), tensor.astype(np.int8), load, place)

    def play(self, load: Load) -> tuple[float, float]:
        """Return clocks of a granule, and DRAM rows opened for each."""
        if not load.granules:
            return 1.0, 1.0
        m, dram = self._idle.copy(), self.dram
        if self._port > 0:
            due, nothing = (load.place * self._port).astype(np.int64), np.zeros(0, np.int64)
            saturate(m, load.granule * dram.granule_bytes, 1, load.tensor == _WRITTEN, due, nothing, nothing)
            end = int(m[ds.LAST])
        else:
            end = kernel.sustain(m, load.granule, load.tensor)
        begin = dram.nRCD + dram.return_clocks + (dram.nCL if load.tensor[0] != _WRITTEN else dram.nCWL)
        return max(end - begin, 1) / load.granules, int(m[ds.ACTS]) / len(load.granule)


def stretch(
    planes: Mapping[str, Plane], work: RowWork, fetching: Mapping[str, B8], rows: I64, blocks: int, dram: Dram,
    known: dict[Hashable, Any] | None = None,
) -> Stretch:  # fmt: skip
    """Return a stretch of the rows `rows` of one group, each of them cut into so many blocks of queries.

    `fetching` are the `fetching_rows` of `work`. In `known`, what the stretches of these rows share is kept.
    """
    known = {} if known is None else known
    early = bool(work.values_early[rows].all())
    per_line = np.array([planes[name].per_line for name in STREAMS])
    counted = dram.granule_bytes, *per_line.tolist()
    if counted not in known:
        known[counted] = [planes[name].granules(work.ids, dram.granule_bytes, rows).mean() for name in STREAMS]
    sizes = _sizes(dict(zip(STREAMS, known[counted], strict=True)), len(rows) * blocks, blocks, early, dram)
    if sizes not in known:
        known[sizes] = _moves(planes, work, fetching, rows, *sizes)
    whole = np.array([planes[name].whole_lines for name in STREAMS], np.int64)
    return Stretch(known[sizes], per_line, whole, work.ids, early, len(rows) * blocks)


def _sizes(granules: Mapping[str, float], rows: int, blocks: int, early: bool, dram: Dram) -> tuple[int, int, int]:
    """Return `blocks`, the rows of a stretch, and by how much each is cut; `granules` are those of a row, mean."""
    most = MOST_ALIKE if early and in_turn(dram) else MOST
    of_row = (granules["query"] + granules["output"]) / blocks + granules["key"] + granules["value"]
    of_row = of_row / (dram.channels if alike(dram) else 1) + 1
    many = min(int(np.clip(most // of_row, *ROWS)), max(rows, ROWS[0]))
    return blocks, many, max(int(np.ceil(many * of_row / most)), 1)


def _moves(
    planes: Mapping[str, Plane], work: RowWork, fetching: Mapping[str, B8], rows: I64, blocks: int, many: int, cut: int
) -> I64:
    """Return what each tensor moves for each of `many` rows (blocks), as `Stretch.moves`."""
    place = np.arange(many)
    row, block = rows[place // blocks % len(rows)], place % blocks
    fetches = {name: own[row] | (blocks > 1) for name, own in fetching.items()}
    fetches["lsb"] = work.forced[row]
    moves = np.zeros((len(row), len(STREAMS), kernel.N_JOB), np.int64)
    for s, name in enumerate(STREAMS):
        one, move = planes[name], moves[:, s]
        count, begin = one.count[row], 0
        if name in ("query", "output"):
            count = -(-count // blocks)
            begin = np.minimum(block * count, one.count[row] - count)
        part = -(-count // cut)
        move[:, kernel.FIRST] = one.first[row] + begin + np.minimum(place % cut * part, count - part)
        move[:, kernel.COUNT] = np.where(fetches[name] & (one.width[row] > 0), part, 0)
        move[:, kernel.BYTES], move[:, kernel.BASE] = one.width[row], one.base[row]
    return moves
