"""Stretches of a run's groups, each played once for all machines on which it comes to the same.

Whether a machine has more room in its SRAMs than the streams use, or another pace of DRAM behind the same addresses,
makes no other order of requests; `Stretch.order` tells with which room it is the same. Nor do lines and blocks always:
of requests that come out alike, one is played.
"""

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from tokensieve.arch.memory import Dram
from tokensieve.sim.analytic.stretch import ALONE, PACE, Load, Stack, Stretch, stretch
from tokensieve.sim.analytic.traffic import F64, I64, Plane, fetching_rows, planes
from tokensieve.sim.work import RowWork

PLAIN = (1, 1)
"""Vectors of a line of K and V where a stream is alone: its order is the same with any."""


FEW = 2
"""Up to so many blocks of a row and rows in an SRAM are all told apart: of more, each of them counts for less."""


def told_apart(count: F64) -> I64:
    """Return the numbers of blocks, or of rows, that are played: of more than `FEW` the nearest power of two.

    >>> told_apart(np.array([1.0, 3, 7, 23])).tolist()
    [1, 4, 8, 32]
    """
    whole = np.floor(count)
    return np.where(whole <= FEW, whole, 2 ** np.rint(np.log2(whole))).astype(np.int64)


class _Family(NamedTuple):
    """What the order of a stretch's requests depends on besides the rooms."""

    granule_bytes: int
    channels: int
    """0 where these are not `alike`."""

    in_turn: bool
    io_bytes: int
    group: int
    lines: tuple[int, int]
    blocks: int


class Stretches:
    """Stretches of the work of a run; `groups` are its groups by number."""

    def __init__(self, work: RowWork, groups: I64) -> None:
        self._work, self._groups, self._fetching = work, groups, fetching_rows(work)
        self._numbers: dict[tuple[object, ...], int] = {}
        self._stacks: list[tuple[Stack, RowWork]] = []
        self._planes: dict[tuple[int, tuple[int, int]], dict[str, Plane]] = {}
        self._parts: dict[tuple[int, int], dict[Hashable, Any]] = {}
        self._rows: dict[_Family, Stretch] = {}
        self._known: dict[tuple[int, int, tuple[int, int], int, tuple[int, int], int], F64] = {}
        self._alone: dict[tuple[int, _Family], F64] = {}
        self._loads: dict[tuple[tuple[int, int, int], _Family, tuple[int, ...]], int] = {}
        self._distinct: dict[bytes, int] = {}
        self._load: list[Load] = []
        self._mixed: dict[tuple[int, int], tuple[float, float]] = {}

    def stack(self, dram: Dram, fifo: int, work: RowWork) -> int:
        """Return a number for a DRAM, the FIFOs before it and the width of queries and outputs in `work`."""
        key = (*vars(dram).values(), fifo, work.io_bytes)
        if key not in self._numbers:
            self._numbers[key] = len(self._stacks)
            self._stacks.append((Stack(dram, fifo), work))
        return self._numbers[key]

    def of(self, number: int, group: int, lines: tuple[int, int], blocks: int, room: tuple[int, int], pace: int) -> F64:
        """Return what the streams of a group come to on a DRAM of `stack`, each alone, then all together.

        That is clocks of a granule and DRAM rows opened for one needed, as `Stack.play`, shape (streams + 1, 2).
        """
        key = number, group, lines, blocks, room, pace
        if key not in self._known:
            alone = self._of_each(number, self._family(number, group, PLAIN, blocks))
            mixed = self._together(number, self._family(number, group, lines, blocks), room, pace)
            self._known[key] = np.concatenate([alone, [mixed]])
        return self._known[key]

    def _of_each(self, number: int, family: _Family) -> F64:
        if (number, family) not in self._alone:
            stack, rows = self._stacks[number][0], self._stretch(number, family)
            sent = (rows.only(*names).sent(family.granule_bytes, PLAIN, PACE) for names in ALONE)
            alone = [stack.play(stack.busiest(one)) for one in sent]
            self._alone[number, family] = np.array([alone[0], *alone])
        return self._alone[number, family]

    def _together(self, number: int, family: _Family, room: tuple[int, int], pace: int) -> tuple[float, float]:
        stack, rows = self._stacks[number][0], self._stretch(number, family)
        order = stack.layout, family, rows.order(room, pace)
        if order not in self._loads:
            load = stack.busiest(rows.sent(family.granule_bytes, room, pace))
            self._loads[order] = self._distinct.setdefault(load.digest, len(self._load))
            self._load += [load][: len(self._distinct) - len(self._load)]
        key = number, self._loads[order]
        if key not in self._mixed:
            self._mixed[key] = stack.play(self._load[key[1]])
        return self._mixed[key]

    def _family(self, number: int, group: int, lines: tuple[int, int], blocks: int) -> _Family:
        stack, work = self._stacks[number]
        channels = stack.dram.channels if stack.alike else 0
        return _Family(stack.dram.granule_bytes, channels, stack.in_turn, work.io_bytes, group, lines, blocks)

    def _stretch(self, number: int, family: _Family) -> Stretch:
        if family not in self._rows:
            stack, work = self._stacks[number]
            key = family.io_bytes, family.lines
            if key not in self._planes:
                self._planes[key] = planes(family.lines, work)
            known = self._parts.setdefault((family.io_bytes, family.group), {})
            rows = np.flatnonzero(work.group == self._groups[family.group])
            self._rows[family] = stretch(
                self._planes[key], work, self._fetching, rows, family.blocks, stack.dram, known
            )
        return self._rows[family]
