"""Stretches of a run's groups, each played once for all machines on which it comes to the same.

Whether a machine has more room in its SRAMs than the streams use, or another pace of DRAM behind the same addresses,
makes no other order of requests; `Stretch.order` tells with which room it is the same. Nor do lines and blocks always:
of requests that come out alike, one is played.
"""

from collections.abc import Hashable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from tokensieve.arch.memory import Dram
from tokensieve.sim.analytic.stretch import ALONE, PACE, Load, Sent, Stack, Stretch, stretch
from tokensieve.sim.analytic.traffic import F64, I64, STREAMS, Plane, fetching_rows, planes
from tokensieve.sim.work import RowWork

PLAIN = (1, 1)
"""Vectors of a line of K and V where a stream is alone: its order is the same with any."""

APART = 0
"""Pace of rows whose streams come one after another."""

FEW = 2
"""Up to so many blocks of a row and rows in an SRAM are all told apart: of more, each of them counts for less."""


def told_apart(count: F64) -> I64:
    """Return the numbers of blocks, or of rows, that are played: of more than `FEW` the nearest power of two.

    >>> told_apart(np.array([1.0, 3, 7, 23])).tolist()
    [1, 4, 8, 32]
    """
    whole = np.floor(count)
    return np.where(whole <= FEW, whole, 2 ** np.rint(np.log2(whole))).astype(np.int64)


class _Kind(NamedTuple):
    """Of a DRAM and of the work's widths, what the requests of a stretch and the busiest channel depend on."""

    granule_bytes: int
    channels: int
    in_turn: bool
    layout: tuple[int, int]
    io_bytes: int


class _Family(NamedTuple):
    """Stretches that differ in nothing but rooms and pace."""

    kind: int
    group: int
    lines: tuple[int, int]
    blocks: int


class Stretches:
    """Stretches of the work of a run; `groups` are its groups by number."""

    def __init__(self, work: RowWork, groups: I64) -> None:
        self._work, self._groups, self._fetching = work, groups, fetching_rows(work)
        self._numbers: dict[tuple[object, ...], int] = {}
        self._stacks: list[tuple[Stack, int]] = []  # and the number of its kind
        self._given: list[tuple[Dram, int, RowWork]] = []
        self._kinds: dict[_Kind, int] = {}
        self._of_kind: list[tuple[Stack, RowWork]] = []
        self._planes: dict[tuple[int, tuple[int, int]], dict[str, Plane]] = {}
        self._shared: dict[tuple[int, int], dict[Hashable, Any]] = {}
        self._rows: dict[_Family, Stretch] = {}
        self._known: dict[tuple[int, ...], tuple[float, ...]] = {}
        self._orders: dict[tuple[_Family, tuple[int, ...]], int] = {}
        self._asked: dict[tuple[_Family, tuple[int, int], int], int] = {}
        self._alone: dict[tuple[int, int, int], tuple[float, ...]] = {}
        self._turns: dict[tuple[int, int, int], tuple[float, float]] = {}
        self._apart: dict[_Family, list[int]] = {}
        self._distinct: dict[bytes, int] = {}
        self._loads: list[Load] = []
        self._played: dict[tuple[int, int], tuple[float, float]] = {}

    def stack(self, dram: Dram, fifo: int, work: RowWork, port: int = 0) -> int:
        """Return a number for a DRAM, FIFOs and fetcher before it, and the width of queries and outputs in `work`.

        `port` is the fetcher's step of `port_steps`.
        """
        key = (*vars(dram).values(), fifo, port, work.io_bytes)
        if key not in self._numbers:
            one = Stack(dram, fifo, port)
            channels = dram.channels if one.alike else 0
            kind = _Kind(dram.granule_bytes, channels, one.in_turn, one.layout, work.io_bytes)
            if kind not in self._kinds:
                self._kinds[kind] = len(self._of_kind)
                self._of_kind.append((one, work))
            self._numbers[key] = len(self._stacks)
            self._stacks.append((one, self._kinds[kind]))
            self._given.append((dram, fifo, work))
        return self._numbers[key]

    def of(self, group: int, asked: Sequence[I64]) -> F64:
        """Return what the streams of a group come to, each alone, then all together, shape (streams + 1, 2, asked).

        That is clocks of a granule and DRAM rows opened for one, as `Stack.play`. What is asked stands in eight
        arrays: a number that `stack` gave, the fetcher's step, vectors of a line of K and of V, blocks of a row, rows
        for which the K and the V SRAM have room, and the pace.
        """
        known, rows = self._known, []
        for key in zip([group] * len(asked[0]), *(column.tolist() for column in asked), strict=True):
            row = known.get(key)
            if row is None:
                row = known[key] = self._told(*key)
            rows.append(row)
        return np.ascontiguousarray(np.array(rows).T).reshape(len(STREAMS) + 1, 2, -1)

    def _told(
        self, group: int, one: int, port: int, key: int, value: int, blocks: int, keys: int, values: int, pace: int
    ) -> tuple[float, ...]:
        """Return the answer to one line of what is asked of `of`."""
        number = self.stack(*self._given[one], port) if port else one
        kind, apart = self._stacks[number][1], (number, group, blocks)
        if apart not in self._alone:
            played = [self._play(number, load) for load in self._each(_Family(kind, group, PLAIN, blocks))]
            self._alone[apart] = tuple(chain(played[0], *played))
            self._turns[apart] = self._in_turn(number, _Family(kind, group, PLAIN, blocks))
        if pace == APART:
            return self._alone[apart] + self._turns[apart]
        mixed = self._together(_Family(kind, group, (key, value), blocks), (keys, values), pace)
        return self._alone[apart] + self._play(number, mixed)

    def _in_turn(self, number: int, family: _Family) -> tuple[float, float]:
        """Return `Stack.play` of queries and K, V, and outputs one after another."""
        loads = [self._each(family)[ALONE.index(names)] for names in ALONE if names != ("lsb",)]
        granules = [self._loads[load].granules for load in loads]
        played, total = [self._play(number, load) for load in loads], max(sum(granules), 1)
        clocks, opened = (sum(n * one[i] for n, one in zip(granules, played, strict=True)) / total for i in (0, 1))
        return clocks, opened

    def _play(self, number: int, load: int) -> tuple[float, float]:
        """Return `Stack.play` of a load on a DRAM, both by number."""
        key = number, load
        if key not in self._played:
            self._played[key] = self._stacks[number][0].play(self._loads[load])
        return self._played[key]

    def _each(self, family: _Family) -> list[int]:
        """Return the number of the load of each of `ALONE`."""
        if family not in self._apart:
            rows, granule_bytes = self._stretch(family), self._of_kind[family.kind][0].dram.granule_bytes
            sent = (rows.only(*names).sent(granule_bytes, PLAIN, PACE) for names in ALONE)
            self._apart[family] = [self._load(family.kind, one) for one in sent]
        return self._apart[family]

    def _together(self, family: _Family, room: tuple[int, int], pace: int) -> int:
        """Return the number of the load of all streams."""
        asked = family, room, pace
        if asked not in self._asked:
            rows, granule_bytes = self._stretch(family), self._of_kind[family.kind][0].dram.granule_bytes
            order = family, rows.order(room, pace)
            if order not in self._orders:
                self._orders[order] = self._load(family.kind, rows.sent(granule_bytes, room, pace))
            self._asked[asked] = self._orders[order]
        return self._asked[asked]

    def _load(self, kind: int, sent: Sent) -> int:
        """Return the number of what is played of a stretch, the same for all that are the same."""
        load = self._of_kind[kind][0].busiest(sent)
        number = self._distinct.setdefault(load.digest, len(self._loads))
        if number == len(self._loads):
            self._loads.append(load)
        return number

    def _stretch(self, family: _Family) -> Stretch:
        if family not in self._rows:
            stack, work = self._of_kind[family.kind]
            key = work.io_bytes, family.lines
            if key not in self._planes:
                self._planes[key] = planes(family.lines, work)
            shared = self._shared.setdefault((work.io_bytes, family.group), {})
            rows = np.flatnonzero(work.group == self._groups[family.group])
            self._rows[family] = stretch(
                self._planes[key], work, self._fetching, rows, family.blocks, stack.dram, shared
            )
        return self._rows[family]
