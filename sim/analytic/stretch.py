"""What DRAM makes of a stretch of the request stream, played on the commands of level `cycle`.

Of each kind of group a few rows are sent as the fetcher sends them, each request as soon as its channel takes it: the
queries and K of a row in turn with V and with the outputs of the row before, and each stream alone. The clocks between
two completions in the middle of the stretch are what rows take in a run without end, so that neither the way to DRAM
nor what is still on its way at the end is counted. Fetcher and accelerator take no time: `memory` adds theirs.

Where consecutive granules go to consecutive channels these do alike, and only the busiest one is played. Of rows that
are longer than `MOST` granules of a channel, every stream is cut by the same factor.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.arch.memory import Dram
from tokensieve.sim.analytic.traffic import STREAMS, F64, I64, Plane, address, fetching_rows
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels.dram_idle import new_state
from tokensieve.sim.kernels.stream import saturate
from tokensieve.sim.work import RowWork

ROWS, FIRST, END = 4, 1, 3
"""Rows of a stretch, and those of them that are timed: what lies before and behind keeps DRAM in its stride."""

MOST = 1024
"""Granules of a channel that a stretch holds at most."""

KINDS = 3
"""Kinds of groups that are played at most; other groups are timed by the one nearest in size."""

_UNREAD = ("standard", "refresh", "nRFC", "nREFI", "tCK_ps", "nCCD_S", "nCCD_L")
_FRONT = ("query", "key", "lsb")
"""Streams that the fetcher sends one after the other: they have one turn."""

_NO_TIMES = np.zeros(0, np.int64)


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
class Requests:
    """Granules in the order in which the fetcher sends them."""

    granule: I64
    place: I64
    """Row of the stretch that each is sent beside."""

    stream: I64

    def only(self, which: npt.NDArray[np.bool_]) -> "Requests":
        """Return some of them."""
        return Requests(self.granule[which], self.place[which], self.stream[which])


def sent(
    dram: Dram, planes: Mapping[str, Plane], ids: I64, rows: Mapping[str, I64], later: Mapping[str, int]
) -> Requests:
    """Return the requests of a stretch: row after row, and within a row the streams in turn, line by line.

    `rows` holds the row of the work that each row of the stretch is, by stream, -1 where it fetches nothing of its own.
    Some streams go so many rows `later` than queries and K.
    """
    parts, front = [], np.zeros(ROWS, np.int64)
    for name in rows:
        own = np.flatnonzero(rows[name] >= 0)
        plane, which = planes[name], rows[name][own]
        at, low, granules = plane.spans(ids, dram.granule_bytes, which)
        line = (np.arange(len(at)) - np.searchsorted(at, np.arange(len(own)))[at]) // plane.per_line
        if name in _FRONT:
            line = line + front[own][at]
            front[own] += -(-np.bincount(at, minlength=len(own)) // plane.per_line)
        start = low + plane.base[which][at] // dram.granule_bytes
        of = np.repeat(np.arange(len(at)), granules)
        number = start[of] + np.arange(len(of)) - np.repeat(np.cumsum(granules) - granules, granules)
        turn = np.full(len(of), max(STREAMS.index(name), len(_FRONT) - 1))
        parts.append(np.stack([own[at][of] + later.get(name, 0), line[of], turn, number, turn * 0 + STREAMS.index(name)]))
    place, line, turn, number, stream = np.concatenate(parts, axis=1)
    order = np.lexsort((turn, line, place))
    order = order[place[order] < ROWS]
    return Requests(number[order], place[order], stream[order])


def one_channel(dram: Dram, requests: Requests) -> tuple[Dram, Requests]:
    """Return the channel that has most to do as a stack of its own, with its requests; all of them if not `alike`."""
    if dram.channels == 1 or not alike(dram):
        return dram, requests
    part = address(dram, requests.granule)
    lane = part["ch"] * dram.pseudo_channels + part["pc"]
    here = part["ch"] == np.bincount(lane).argmax() // dram.pseudo_channels
    sizes = {"ro": dram.rows, "co": dram.columns, "pc": dram.pseudo_channels, "ch": 1}
    sizes |= {"bg": dram.bank_groups, "ba": dram.banks_per_group}
    part["ch"], number = part["ch"] * 0, np.zeros_like(requests.granule)
    for name in dram.order:
        number = number * sizes[name] + part[name]
    one = dram.model_copy(update={"channels": 1})
    return one, Requests(number, requests.place, requests.stream).only(here)


@dataclass(frozen=True)
class Played:
    """What a stretch came to."""

    clocks: float
    """Clocks of a granule (of the busiest pseudo-channel, if channels are alike)."""

    opened: float
    """How often a DRAM row was opened for each one that was needed."""


def play(dram: Dram, requests: Requests, fifo: int) -> Played:
    """Return what `dram` makes of `requests`, with so many in front of a channel's window."""
    one, some = one_channel(dram, requests)
    count = len(some.granule)
    m = new_state(one, None, fifo, requests=count)
    taken, there = np.zeros(count, np.int64), np.zeros(count, np.int64)
    write = some.stream == STREAMS.index("output")
    saturate(m, some.granule * one.granule_bytes, one.granule_bytes, write, _NO_TIMES, taken, there)
    there.sort()
    ends = [there[max(np.count_nonzero(some.place < place) - 1, 0)] for place in (FIRST, END)]
    part = address(one, some.granule)
    lane = part["ch"] * one.pseudo_channels + part["pc"]
    rows = ((part["ro"] * one.bank_groups + part["bg"]) * one.banks_per_group + part["ba"]) * (lane.max() + 1) + lane
    timed = (some.place >= FIRST) & (some.place < END)
    if alike(dram):
        lanes = one.pseudo_channels
        load = sum(np.bincount(lane[timed & (some.stream == s)], minlength=lanes).max() for s in range(len(STREAMS)))
    else:
        load = np.count_nonzero(timed)
    return Played(float(ends[1] - ends[0]) / max(load, 1), int(m[ds.ACTS]) / len(np.unique(rows)))


def stretches(dram: Dram, fifo: int, planes: Mapping[str, Plane], work: RowWork, granules: F64, groups: I64) -> F64:
    """Return what each stream comes to alone, then the mix of them, shape (streams + 1, 2, G): the fields of `Played`.

    `granules` holds those of a row by stream and group; queries stand for themselves and the K behind them.
    """
    kinds = _kinds(granules, np.array([work.values_early[work.group == g].all() for g in groups]))
    told = {group: _kind(dram, fifo, planes, work, np.flatnonzero(work.group == groups[group]), turn)
            for turn, group in enumerate(np.unique(kinds))}  # fmt: skip
    return np.stack([told[group] for group in kinds], axis=-1)


def _kinds(granules: F64, early: npt.NDArray[np.bool_]) -> I64:
    """Return the group that stands for each group: a few of all sizes, each for those nearest to it."""
    size, stands = granules.sum(axis=0), np.zeros(len(early), np.int64)
    for which in (np.flatnonzero(early), np.flatnonzero(~early)):
        sizes, first = np.unique(size[which], return_index=True)
        if len(sizes):
            chosen = np.unique(np.linspace(0, len(sizes) - 1, KINDS).round().astype(np.int64))
            nearest = np.abs(size[which][:, None] - sizes[chosen]).argmin(axis=1)
            stands[which] = which[first[chosen[nearest]]]
    return stands


def _kind(dram: Dram, fifo: int, planes: Mapping[str, Plane], work: RowWork, of_group: I64, turn: int) -> F64:
    """Return what a group comes to, whose rows are `of_group`; `turn` varies which of them are played."""
    begin = turn * ROWS % max(len(of_group) - ROWS + 1, 1) // 2 * 2
    row = of_group[(begin + np.arange(ROWS)) % len(of_group)]
    fetches = fetching_rows(work)
    fetched = {name: np.where(fetches[name][row], row, -1) for name in STREAMS if planes[name].width[row].any()}
    fetched = {name: rows for name, rows in fetched.items() if (rows >= 0).any()}
    mixed = dict(fetched)
    if "lsb" in mixed:
        mixed["lsb"] = np.where(work.forced[row], row, -1)
    later = {"output": 1} | ({} if work.values_early[row].all() else {"value": 1})
    counts = {name: planes[name].granules(work.ids, dram.granule_bytes)[row].sum() for name in mixed}
    share = sum(counts.values()) / (dram.channels if alike(dram) else 1) / MOST
    if share > 1:
        planes = {name: replace(one, count=-(-one.count // int(np.ceil(share)))) for name, one in planes.items()}
    alone = [{n: mixed[n] for n in _FRONT if n in mixed}, *({name: row} for name in STREAMS[2:] if name in fetched)]
    table = np.ones((len(STREAMS) + 1, 2))
    for names in [*alone, mixed]:
        one = play(dram, sent(dram, planes, work.ids, names, later if names is mixed else {}), fifo)
        where = [STREAMS.index(name) for name in names] if names is not mixed else [len(STREAMS)]
        table[where] = one.clocks, one.opened
    return table
