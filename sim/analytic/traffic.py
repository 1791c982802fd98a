"""What each stream fetches: granules, exactly, and how they fall on the pseudo-channels, from the token ids.

Granules are counted for every row. Their pattern (the busiest channel, the DRAM rows that are touched) is that of
the first head of each layer: all heads of a layer attend to the same tokens. Planes of several heads may lie in one
DRAM row; it is opened once for all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tokensieve.arch.memory import Dram
from tokensieve.sim.cycle.plan import PLANE_ALIGNMENT
from tokensieve.sim.work import Ids, RowWork

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

STREAMS = ("query", "key", "lsb", "value", "output")


@dataclass(frozen=True)
class Plane:
    """Vectors that one stream reads: for each of R rows those of `count` ids from `first` on, each `width` bytes."""

    first: I64
    count: I64
    width: I64
    base: I64
    """Where the plane begins in DRAM."""

    per_line: int
    whole_lines: bool
    """Whether the last line of a row is filled up with the ids after the last one."""

    @cached_property
    def sent(self) -> I64:
        """Vectors that are sent for each row, those that fill up its last line included."""
        return -(-self.count // self.per_line) * self.per_line if self.whole_lines else self.count

    def order(self, granule: int) -> tuple[int, bytes]:
        """Return what tells the granules of two planes of the same ids and widths apart, if anything does.

        Of vectors that begin with a granule, lines share none, however wide they are.
        """
        return self.per_line if (self.width % granule).any() else 0, self.sent.tobytes()

    def spans(self, ids: Ids, granule: int, which: I64) -> tuple[I64, I64, I64]:
        """Return the row, first granule and granules of the vector of every token of the rows `which`.

        A granule that two tokens of a line touch belongs to the first of them.
        """
        count, per, sent = self.count[which], self.per_line, self.sent[which]
        row = np.repeat(np.arange(len(which)), sent)
        place = np.arange(len(row)) - np.repeat(np.cumsum(sent) - sent, sent)
        last = count[row] - 1
        token = ids[self.first[which][row] + np.minimum(place, last)] + np.maximum(place - last, 0)
        width = self.width[which][row]
        low, high = token * width // granule, (token * width + width - 1) // granule
        follows = (place % per > 0)[1:]
        low[1:] = np.where(follows, np.maximum(low[1:], high[:-1] + 1), low[1:])
        return row, low, high - low + 1

    def granules(self, ids: Ids, granule: int, which: I64) -> I64:
        """Return the granules of each of the rows `which`."""
        width = self.width[which]
        if not (width % granule).any():
            return self.sent[which] * (width // granule)
        row, _, granules = self.spans(ids, granule, which)
        return np.bincount(row, granules, len(which)).astype(np.int64)


def planes(lines: tuple[int, int], work: RowWork) -> dict[str, Plane]:
    """Return what each stream reads for every row, whether the row is fetched on its own or not.

    `lines` are the vectors of a line of K and of V.
    """
    per_key, per_value = lines
    io = np.full_like(work.keys, work.io_bytes)
    values = np.where(work.values_early, work.keys, work.values[work.query_ptr[:-1]])
    value_ids = np.where(work.values_early, work.key_ids, work.value_ids)
    base = plane_bases(work)
    return {
        "query": Plane(work.query_ids, work.queries, io, base["query"], per_key, False),
        "key": Plane(work.key_ids, work.keys, work.key_bytes, base["key"], per_key, True),
        "lsb": Plane(work.key_ids, work.keys, work.lsb_bytes, base["lsb"], per_key, True),
        "value": Plane(value_ids, values, work.value_bytes, base["value"], per_value, True),
        "output": Plane(work.query_ids, work.queries, io, base["output"], per_value, False),
    }


def plane_bases(work: RowWork) -> dict[str, I64]:
    """Return where the planes of each row begin: K, LSB and V of each layer and head, then queries and outputs."""
    tokens = int(work.context.max())

    def plane(width: npt.ArrayLike) -> int:
        return -(-int(np.max(width)) * tokens // PLANE_ALIGNMENT) * PLANE_ALIGNMENT

    key, lsb, value, io = (plane(w) for w in (work.key_bytes, work.lsb_bytes, work.value_bytes, work.io_bytes))
    unit = work.layer * work.heads + work.head
    home, io_home = unit * (key + lsb + value), work.layers * work.heads * (key + lsb + value) + unit * 2 * io
    return {"query": io_home, "key": home, "lsb": home + key, "value": home + key + lsb, "output": io_home + io}


def traffic(dram: Dram, planes: Mapping[str, Plane], work: RowWork, groups: I64) -> F64:
    """Return the traffic of the rows of G groups by stream, shape (3, streams, G); `planes` are those of `work`.

    That is granules of a row, those of its busiest channel, and of the DRAM rows that it touches the share that nobody
    has touched before in its group. Granules are the mean over the rows of the group that fetch on their own, those of
    the busiest channel are of the first such row.
    """
    fetches = fetching_rows(work)
    table = np.zeros((3, len(STREAMS), len(groups)))
    opened = np.zeros(0, np.int64)
    for s, (name, plane) in enumerate(planes.items()):
        own = np.flatnonzero(fetches[name])
        if len(own) == 0 or not plane.width.any():
            continue
        group = np.searchsorted(groups, work.group[own])
        counts = plane.granules(work.ids, dram.granule_bytes, own)
        table[0, s] = np.bincount(group, counts, len(groups)) / np.maximum(np.bincount(group, minlength=len(groups)), 1)
        here, first = np.unique(group, return_index=True)
        table[1, s, here], samples = _pattern(dram, plane, work.ids, own[first])
        moved = _moved(dram, samples, plane.base[own], np.searchsorted(here, group), group)
        before, opened = opened, _distinct(np.concatenate([opened, moved]))
        table[2, s] = _fresh(dram, (before, opened, moved), len(groups))
    return table


def fetching_rows(work: RowWork) -> dict[str, npt.NDArray[np.bool_]]:
    """Return which rows fetch something of their own in each stream."""
    every = np.ones(len(work.group), bool)
    again = np.add.reduceat(work.redo, work.query_ptr[:-1]) > 0
    return {
        "query": every,
        "key": ~work.key_second,
        "lsb": work.forced | again,
        "value": ~work.value_shared,
        "output": every,
    }


def _pattern(dram: Dram, plane: Plane, ids: Ids, sample: I64) -> tuple[F64, tuple[I64, I64]]:
    """Return the granules of the busiest channel for the rows `sample`, and the DRAM rows that they touch.

    Those are a (row of `sample`, granule) for each DRAM row, whichever pseudo-channel opens it.
    """
    row, low, granules = plane.spans(ids, dram.granule_bytes, sample)
    row = np.repeat(row, granules)
    number = np.repeat(low, granules) + np.arange(len(row)) - np.repeat(np.cumsum(granules) - granules, granules)
    channels = number & bits_of(dram, "ch")
    channels >>= begin_of(dram, "ch")
    channel = np.bincount(row * dram.channels + channels, minlength=len(sample) * dram.channels)
    most = channel.reshape(len(sample), -1).max(axis=1, initial=0)
    # Of a plane, every pseudo-channel opens the same DRAM rows, where a row touches them all.
    # Granules of one DRAM row follow each other, and the first of them is as good as any.
    key = row << _bits(dram) | number & bits_of(dram, *_ROW)
    begins = np.flatnonzero(np.diff(key, prepend=-1))
    rows_opened = begins[np.unique(key[begins], return_index=True)[1]]
    return most.astype(np.float64), (row[rows_opened], number[rows_opened])


def _distinct(values: I64) -> I64:
    """Return the different values, in order; in sorting them lies most of the time that traffic takes."""
    ordered = np.sort(values)
    return ordered[np.flatnonzero(np.diff(ordered, prepend=-1))]


def _moved(dram: Dram, samples: tuple[I64, I64], base: I64, sample_of: I64, group: I64) -> I64:
    """Return a number for group, bank and DRAM row of what all rows open, whose planes begin at `base`.

    The group is above `_bits`.
    """
    order = np.argsort(samples[0], kind="stable")
    number = samples[1][order]
    count = np.bincount(samples[0], minlength=int(sample_of.max()) + 1)
    begin = np.cumsum(count) - count
    which = np.repeat(np.arange(len(base)), count[sample_of])
    place = np.arange(len(which)) - np.repeat(np.cumsum(count[sample_of]) - count[sample_of], count[sample_of])
    here = number[begin[sample_of][which] + place] + base[which] // dram.granule_bytes
    moved: I64 = group[which] << _bits(dram) | here & bits_of(dram, *_ROW)
    return moved


def _fresh(dram: Dram, opened: tuple[I64, I64, I64], groups: int) -> F64:
    """Return by group the share of the DRAM rows moved (the last of `opened`) that are in the second, not in the first.

    The first two hold each once.
    """
    count = [np.bincount(rows >> _bits(dram), minlength=groups) for rows in opened]
    share: F64 = (count[1] - count[0]) / np.maximum(count[2], 1)
    return share


_ROW = ("bg", "ba", "ro")
"""Parts of an address that tell a DRAM row of a pseudo-channel."""


def _sizes(dram: Dram) -> dict[str, int]:
    """Return the bits of each part of a granule's number; sizes are powers of two."""
    sizes = {"ch": dram.channels, "pc": dram.pseudo_channels, "co": dram.columns}
    sizes |= {"bg": dram.bank_groups, "ba": dram.banks_per_group, "ro": dram.rows}
    return {name: size.bit_length() - 1 for name, size in sizes.items()}


def _bits(dram: Dram) -> int:
    """Return the bits of a granule's number."""
    return sum(_sizes(dram).values())


def begin_of(dram: Dram, part: str) -> int:
    """Return the bits of a granule's number below those of a part of its address."""
    sizes, order = _sizes(dram), dram.order
    return sum(sizes[name] for name in order[order.index(part) + 1 :])


def bits_of(dram: Dram, *parts: str) -> int:
    """Return a mask of those bits of a granule's number that are these parts of its address."""
    sizes = _sizes(dram)
    return sum(((1 << sizes[part]) - 1) << begin_of(dram, part) for part in parts)
