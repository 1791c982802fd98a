"""What DRAM makes of a stretch of the request stream, played on the commands of level `cycle`.

Of each kind of group a few rows are sent as the fetcher sends them, each request as soon as its channel takes it: all
streams in turn, as far as the SRAMs have room, and each stream alone. Fetcher and accelerator take no time: `memory`
adds theirs, and that of refreshes.

Where consecutive granules go to consecutive channels these do alike, and only the busiest one is played. Of rows that
are longer than `MOST` granules of a channel, every stream is cut by the same factor.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.arch.memory import Dram
from tokensieve.sim.analytic.traffic import I64, STREAMS, Plane, address, fetching_rows
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels import stretch as kernel
from tokensieve.sim.kernels.dram_idle import new_state, set_address
from tokensieve.sim.work import RowWork

ROWS = (4, 12)
"""Least and most rows of a stretch."""

MOST = 4096
"""Granules of a channel that a stretch holds at most."""

PACE = 4
"""Steps in which the time from a row's K to its last output is told apart, of the time that DRAM takes for a row."""

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


def alike(dram: Dram) -> bool:
    """Return whether consecutive granules go to consecutive channels, so that all channels do the same."""
    order = dram.order
    return set(order[order.index("ch") + 1 :]) <= {"pc", "bg"}


@dataclass(frozen=True)
class Stretch:
    """Rows of one kind, ready to be sent."""

    jobs: I64
    """What each tensor moves for each row, as `kernels.stretch`, shape (rows, streams, columns)."""

    per_line: I64
    whole: I64
    ids: I64
    early: bool
    rows: int
    """Rows of the group."""

    def only(self, *streams: str) -> "Stretch":
        """Return the same rows with some streams alone; low bits are those of all their keys."""
        jobs, key, low = self.jobs.copy(), STREAMS.index("key"), STREAMS.index("lsb")
        if streams == ("lsb",):
            jobs[:, low, kernel.COUNT] = jobs[:, key, kernel.COUNT] * (jobs[:, low, kernel.BYTES] > 0)
        jobs[:, [s for s, name in enumerate(STREAMS) if name not in streams], kernel.COUNT] = 0
        return Stretch(jobs, self.per_line, self.whole, self.ids, self.early, self.rows)

    def play(self, dram: Dram, fifo: int, room: tuple[int, int], pace: int = PACE) -> tuple[float, float]:
        """Return clocks of a granule, and how often a DRAM row was opened for each one that was needed.

        The granules are those of the busiest channel, if channels are `alike`. `fifo` requests wait in front of a
        channel's window; the SRAMs have `room` for so many rows of K and V; `pace` as in `kernels.stretch`, in parts of
        `PACE`.
        """
        granule, tensor = self._sent(dram.granule_bytes.bit_length() - 1, room, pace)
        if not len(granule):
            return 1.0, 1.0
        part, load, one = address(dram, granule), len(granule), dram
        bank = (part["ro"] * dram.bank_groups + part["bg"]) * dram.banks_per_group + part["ba"]
        row = (bank * dram.channels + part["ch"]) * dram.pseudo_channels + part["pc"]
        if alike(dram):
            moved = np.bincount(tensor * dram.channels + part["ch"], minlength=len(STREAMS) * dram.channels)
            moved = moved.reshape(len(STREAMS), dram.channels)
            load, here = int(moved.max(axis=1).sum()), part["ch"] == moved.sum(axis=0).argmax()
            granule, tensor, row = granule[here], tensor[here], row[here]
            one = dram.model_copy(update={"channels": 1})
        m = new_state(one, None, fifo)
        set_address(m, dram)
        m[ds.MASK + ds.CH_] = one.channels - 1
        end = kernel.sustain(m, granule, (tensor == _WRITTEN).astype(np.int64))
        begin = dram.nRCD + dram.return_clocks + (dram.nCL if tensor[0] != _WRITTEN else dram.nCWL)
        return max(end - begin, 1) / load, int(m[ds.ACTS]) / len(np.unique(row))

    def _sent(self, shift: int, room: tuple[int, int], pace: int) -> tuple[I64, I64]:
        """Return granules of 2^`shift` bytes in the order in which they are sent, and the stream of each."""
        lines = -(-self.jobs[:, :, kernel.COUNT] // self.per_line) * self.per_line
        most = int((((self.jobs[:, :, kernel.BYTES] >> shift) + 2) * lines).sum())
        granule, tensor = np.empty(most, np.int64), np.empty(most, np.int64)
        rooms = np.array(room, np.int64)
        begun = min(room) < self.rows or not self.early
        n = kernel.requests(
            self._aligned(room) if begun else self.jobs, self.per_line, self.whole, self.ids, shift, self.early, begun,
            pace / PACE, rooms, granule, tensor,
        )  # fmt: skip
        return granule[:n], tensor[:n]

    def _aligned(self, room: tuple[int, int]) -> I64:
        """Return `jobs`, beside each row's queries and K the V and outputs that are sent at the same time.

        V on demand is that of the row before; else the stream that has less to send is as far ahead as it has room.
        """
        jobs, requests = self.jobs.copy(), -(-self.jobs[:, :, kernel.COUNT] // self.per_line)
        ahead = -1
        if self.early:
            ahead = room[1] - 1 if requests[:, 3].sum() < requests[:, :3].sum() else 1 - room[0]
        jobs[:, 3] = np.roll(jobs[:, 3], -ahead, axis=0)
        jobs[:, 4] = np.roll(jobs[:, 4], 1 - min(ahead, 0), axis=0)
        return jobs


def stretch(planes: Mapping[str, Plane], work: RowWork, rows: I64, blocks: int, dram: Dram) -> Stretch:
    """Return a stretch of the rows `rows` of one group, each of them cut into so many blocks of queries."""
    counts = {name: one.granules(work.ids, dram.granule_bytes)[rows].mean() for name, one in planes.items()}
    of_row = (counts["query"] + counts["output"]) / blocks + counts["key"] + counts["value"]
    of_row = of_row / (dram.channels if alike(dram) else 1) + 1
    many = min(int(np.clip(MOST // of_row, *ROWS)), max(len(rows) * blocks, ROWS[0]))
    cut, place = max(int(np.ceil(many * of_row / MOST)), 1), np.arange(many)
    row, block = rows[place // blocks % len(rows)], place % blocks
    fetches = {name: own[row] | (blocks > 1) for name, own in fetching_rows(work).items()}
    fetches["lsb"] = work.forced[row]
    jobs = np.zeros((len(row), len(STREAMS), kernel.N_JOB), np.int64)
    for s, name in enumerate(STREAMS):
        one, job = planes[name], jobs[:, s]
        count, begin = one.count[row], 0
        if name in ("query", "output"):
            count = -(-count // blocks)
            begin = np.minimum(block * count, one.count[row] - count)
        part = -(-count // cut)
        job[:, kernel.FIRST] = one.first[row] + begin + np.minimum(place % cut * part, count - part)
        job[:, kernel.COUNT] = np.where(fetches[name] & (one.width[row] > 0), part, 0)
        job[:, kernel.BYTES], job[:, kernel.BASE] = one.width[row], one.base[row]
    per_line = np.array([planes[name].per_line for name in STREAMS])
    whole = np.array([planes[name].whole_lines for name in STREAMS], np.int64)
    return Stretch(jobs, per_line, whole, work.ids, bool(work.values_early[rows].all()), len(rows) * blocks)
