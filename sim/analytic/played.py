"""Stretches of a run's groups, each played once for all machines on which it comes to the same.

Whether a machine has more room in its SRAMs than the streams use, or another pace of DRAM behind the same addresses,
makes no other order of requests; `kernels.stretch.requests` tells with which room it is the same.
"""

from typing import NamedTuple

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
    pace: int


class Stretches:
    """Stretches of the work of a run; `groups` are its groups by number."""

    def __init__(self, work: RowWork, groups: I64) -> None:
        self._work, self._groups, self._fetching = work, groups, fetching_rows(work)
        self._numbers: dict[tuple[object, ...], int] = {}
        self._stacks: list[tuple[Stack, RowWork]] = []
        self._planes: dict[tuple[int, tuple[int, int]], dict[str, Plane]] = {}
        self._rows: dict[_Family, Stretch] = {}
        self._rooms: dict[_Family, list[tuple[int, ...]]] = {}
        self._known: dict[tuple[int, int, tuple[int, int], int, tuple[int, int], int], F64] = {}
        self._alone: dict[tuple[int, _Family], F64] = {}
        self._loads: dict[tuple[tuple[int, int], _Family, int], Load] = {}
        self._mixed: dict[tuple[int, _Family, int], tuple[float, float]] = {}

    def stack(self, dram: Dram, fifo: int, port: float, work: RowWork) -> int:
        """Return a number for a DRAM, FIFOs and fetcher before it, and the width of queries and outputs in `work`."""
        key = (*vars(dram).values(), fifo, port, work.io_bytes)
        if key not in self._numbers:
            self._numbers[key] = len(self._stacks)
            self._stacks.append((Stack(dram, fifo, port), work))
        return self._numbers[key]

    def of(self, number: int, group: int, lines: tuple[int, int], blocks: int, room: tuple[int, int], pace: int) -> F64:
        """Return what the streams of a group come to on a DRAM of `stack`, each alone, then all together.

        That is clocks of a granule and DRAM rows opened for one, as `Stack.play`, shape (streams + 1, 2).
        """
        key = number, group, lines, blocks, room, pace
        if key not in self._known:
            alone = self._of_each(number, self._family(number, group, PLAIN, blocks))
            mixed = self._together(number, self._family(number, group, lines, blocks, pace), room)
            self._known[key] = np.concatenate([alone, [mixed]])
        return self._known[key]

    def _of_each(self, number: int, family: _Family) -> F64:
        if (number, family) not in self._alone:
            stack, rows = self._stacks[number][0], self._stretch(number, family)
            sent = (rows.only(*names).sent(family.granule_bytes, PLAIN, PACE) for names in ALONE)
            alone = [stack.play(stack.busiest(one)) for one in sent]
            self._alone[number, family] = np.array([alone[0], *alone])
        return self._alone[number, family]

    def _together(self, number: int, family: _Family, room: tuple[int, int]) -> tuple[float, float]:
        known, (key, value) = self._rooms.setdefault(family, []), room
        which = next((i for i, (a, b, c, d) in enumerate(known) if a <= key <= c and b <= value <= d), len(known))
        if (number, family, which) not in self._mixed:
            stack = self._stacks[number][0]
            load = self._loads.get((stack.layout, family, which))
            if load is None:
                sent = self._stretch(number, family).sent(family.granule_bytes, room, family.pace)
                load = self._loads[stack.layout, family, which] = stack.busiest(sent)
                if which == len(known):
                    known.append(tuple(sent.need.ravel().tolist()))
            self._mixed[number, family, which] = stack.play(load)
        return self._mixed[number, family, which]

    def _family(self, number: int, group: int, lines: tuple[int, int], blocks: int, pace: int = PACE) -> _Family:
        stack, work = self._stacks[number]
        channels = stack.dram.channels if stack.alike else 0
        return _Family(stack.dram.granule_bytes, channels, stack.in_turn, work.io_bytes, group, lines, blocks, pace)

    def _stretch(self, number: int, family: _Family) -> Stretch:
        if family not in self._rows:
            stack, work = self._stacks[number]
            key = family.io_bytes, family.lines
            if key not in self._planes:
                self._planes[key] = planes(family.lines, work)
            rows = np.flatnonzero(work.group == self._groups[family.group])
            self._rows[family] = stretch(self._planes[key], work, self._fetching, rows, family.blocks, stack.dram)
        return self._rows[family]
