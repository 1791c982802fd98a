"""Stretches of a run's groups, each played once for all machines on which it comes to the same.

Whether a machine has more room in its SRAMs than the streams use, or another pace of DRAM behind the same addresses,
makes no other order of requests; `kernels.stretch.requests` tells with which room it is the same.
"""

import math
from typing import NamedTuple

import numpy as np

from tokensieve.arch.memory import Dram
from tokensieve.sim.analytic.stretch import ALONE, Sent, Stack, Stretch, stretch
from tokensieve.sim.analytic.traffic import F64, I64, Plane, fetching_rows, planes
from tokensieve.sim.work import RowWork

PLAIN = (1, 1)
"""Vectors of a line of K and V where a stream is alone: its order is the same with any."""


FEW = 4
"""Up to so many blocks of a row are all told apart, of more the powers of two: a block's queries are few by then."""


class _Family(NamedTuple):
    """What the order of a stretch's requests depends on besides the rooms."""

    granule_bytes: int
    channels: int
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
        self._rows: dict[_Family, Stretch] = {}
        self._rooms: dict[_Family, list[I64]] = {}
        self._alone: dict[tuple[int, _Family, tuple[str, ...]], tuple[float, float]] = {}
        self._mixed: dict[tuple[int, _Family, int], tuple[float, float]] = {}

    def stack(self, dram: Dram, fifo: int, work: RowWork) -> int:
        """Return a number for a DRAM, the FIFOs before it and the width of queries and outputs in `work`."""
        key = (*vars(dram).values(), fifo, work.io_bytes)
        if key not in self._numbers:
            self._numbers[key] = len(self._stacks)
            self._stacks.append((Stack(dram, fifo), work))
        return self._numbers[key]

    def of(self, number: int, group: int, lines: tuple[int, int], blocks: int, room: tuple[int, int]) -> F64:
        """Return what the streams of a group come to on a DRAM of `stack`, each alone, then all together.

        That is clocks of a granule and DRAM rows opened for one needed, as `Stack.play`, shape (streams + 1, 2).
        """
        front, *others = ALONE
        alone = [self._by_itself(number, self._family(number, group, PLAIN, blocks), front)]
        alone += [self._by_itself(number, self._family(number, group, PLAIN, 1), names) for names in others]
        return np.array([alone[0], *alone, self._together(number, group, lines, blocks, room)])

    def _by_itself(self, number: int, family: _Family, names: tuple[str, ...]) -> tuple[float, float]:
        key = number, family, names
        if key not in self._alone:
            sent = self._stretch(number, family).only(*names).sent(family.granule_bytes, PLAIN)
            self._alone[key] = self._stacks[number][0].play(sent)
        return self._alone[key]

    def _together(
        self, number: int, group: int, lines: tuple[int, int], blocks: int, room: tuple[int, int]
    ) -> tuple[float, float]:
        family, sent = self._family(number, group, lines, blocks), None
        known = self._rooms.setdefault(family, [])
        which = next((i for i, need in enumerate(known) if (need[0] <= room).all() and (room <= need[1]).all()), -1)
        if which < 0:
            which, sent = len(known), self._sent(number, family, room)
            known.append(sent.need)
        if (number, family, which) not in self._mixed:
            sent = sent or self._sent(number, family, room)
            self._mixed[number, family, which] = self._stacks[number][0].play(sent)
        return self._mixed[number, family, which]

    def _family(self, number: int, group: int, lines: tuple[int, int], blocks: int) -> _Family:
        stack, work = self._stacks[number]
        channels = stack.dram.channels if stack.alike else 1
        near = blocks if blocks <= FEW else 1 << round(math.log2(blocks))
        return _Family(stack.dram.granule_bytes, channels, work.io_bytes, group, lines, near)

    def _sent(self, number: int, family: _Family, room: tuple[int, int]) -> Sent:
        return self._stretch(number, family).sent(family.granule_bytes, room)

    def _stretch(self, number: int, family: _Family) -> Stretch:
        if family not in self._rows:
            stack, work = self._stacks[number]
            key = family.io_bytes, family.lines
            if key not in self._planes:
                self._planes[key] = planes(family.lines, work)
            rows = np.flatnonzero(work.group == self._groups[family.group])
            self._rows[family] = stretch(self._planes[key], work, self._fetching, rows, family.blocks, stack.dram)
        return self._rows[family]
