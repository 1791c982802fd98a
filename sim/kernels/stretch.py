"""A stretch of the fetcher's requests with nothing behind it: rows are used up as soon as they have been sent (numba).

The three streams take turns as in `fetch`: queries, K and low bits of a row one after the other, V, and outputs. Level
`analytic` times DRAM by such stretches.
"""

import numba
import numpy as np
import numpy.typing as npt

from tokensieve.sim.kernels import dram as d
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels.columns import I32, I64, Columns
from tokensieve.sim.kernels.step import kernel, step
from tokensieve.sim.kernels.stream import SLICE

# What a tensor moves for a row: `COUNT` ids from `FIRST` on, of so many bytes each, in a plane that begins at `BASE`.
_job = Columns()
FIRST, COUNT, BYTES, BASE = _job.block(4)
N_JOB = _job.count

FRONT, VALUE, OUTPUT = range(3)
TENSORS = ((0, 3), (3, 4), (4, 5))
"""Tensors of each stream, in the order query, key, lsb, value, output."""


def requests(
    jobs: I64, per_line: I64, whole: I64, ids: I32, shift: int, early: bool, begun: bool, pace: float,
    room: I64, granule: I64, tensor: I64, most: int = SLICE,
) -> int:  # fmt: skip
    """Put the number of each granule, in the order sent, and its tensor into two arrays; return how many there are.

    `jobs` has shape (rows, tensors, N_JOB). Tensors marked `whole` fill their last line with the ids that follow. With
    `early`, V does not wait for K. `room` says of how many rows the K and the V SRAM hold; a row's V leaves it once its
    K is there too, and so does K where there are other queries to come (`early`). Outputs of a row come evenly
    while `pace` of the next row's K is sent. With `begun`, rows are those of different jobs: V and outputs go beside
    the K of their line in the table, as after a long time, and V once `pace` of K has been sent (at 1, with the next).
    A call goes through `most` granules.
    """
    lines = _lines(jobs, per_line)
    row, at, line = np.zeros(3, np.int64), np.array([0, 3, 4]), np.zeros(3, np.int64)
    n = idle = turn = 0
    while idle < 3:
        n, idle, turn = _requests(
            jobs, lines, per_line, whole, ids, shift, early, begun, pace, room, granule, tensor,
            row, at, line, n, idle, turn, n + most,
        )  # fmt: skip
    return n


@kernel
def _requests(
    jobs: I64, lines: I64, per_line: I64, whole: I64, ids: I32, shift: int, early: bool, begun: bool, pace: float,
    room: I64, granule: I64, tensor: I64, row: I64, at: I64, line: I64, n: int, idle: int, turn: int, until: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Go on until there are `until` granules; return how many there are, and which stream has its turn.

    `row`, `at` and `line` tell where each stream is; 3 streams are `idle` once all is sent.
    """
    while idle < 3 and n < until:
        for s in range(3):
            _skip(jobs, per_line, row, at, line, s)
        if _may_go(lines, row, at, line, turn, early, begun, pace, room):
            k, last = at[turn], -1
            low, per, job = line[turn] * per_line[k], per_line[k], jobs[row[turn], k]
            high = low + per if whole[k] else min(low + per, job[COUNT])
            for i in range(low, high):
                beyond = max(i - job[COUNT] + 1, 0)
                address = job[BASE] + (ids[job[FIRST] + i - beyond] + beyond) * job[BYTES]
                for number in range(max(address >> shift, last + 1), ((address + job[BYTES] - 1) >> shift) + 1):
                    granule[n], tensor[n], last = number, k, number
                    n += 1
            line[turn] += 1
            idle = 0
        else:
            idle += 1
        turn = (turn + 1) % 3
    return n, idle, turn


@step
def _skip(jobs, per_line, row, at, line, s):
    """Turn a stream to its next line; `row` is beyond the last one where there is none."""
    while row[s] < len(jobs) and line[s] * per_line[at[s]] >= jobs[row[s], at[s], COUNT]:
        line[s] = 0
        at[s] += 1
        if at[s] == TENSORS[s][1]:
            at[s] = TENSORS[s][0]
            row[s] += 1


@numba.njit(cache=True)
def _lines(jobs, per_line):
    """Return the requests of every row before each tensor of its stream, and of the stream; (rows, tensors + 3)."""
    lines = np.zeros((len(jobs), len(per_line) + 3), np.int64)
    for r in range(len(jobs)):
        for s in range(3):
            for k in range(TENSORS[s][0], TENSORS[s][1]):
                lines[r, k] = lines[r, len(per_line) + s]
                lines[r, len(per_line) + s] += -(-jobs[r, k, COUNT] // per_line[k])
    return lines


@step
def _done(lines, row, at, line, s):
    """Return how many rows of a stream have been sent, with the part of one that is under way."""
    if row[s] >= len(lines):
        return float(len(lines) + 1)
    of_row = lines[row[s], lines.shape[1] - 3 + s]
    return row[s] + (lines[row[s], at[s]] + line[s]) / max(of_row, 1)


@step
def _may_go(lines, row, at, line, s, early, begun, pace, room):
    """Return whether a stream may go on with its row: there is room, and what has to be there before has been sent."""
    if row[s] >= len(lines):
        return False
    late = pace if begun and early and pace < 1 else 0.0
    if s == FRONT:
        return not early or row[FRONT] - row[VALUE] < (room[0] if not begun else 2 if late > 0 else 1)
    ahead = _done(lines, row, at, line, FRONT)
    if s == VALUE:
        if not begun:
            return row[VALUE] - row[FRONT] < (room[1] if early else 0)
        return row[VALUE] + (late if line[VALUE] == 0 else 0.0) <= max(ahead, row[FRONT])
    part = _done(lines, row, at, line, OUTPUT) - row[OUTPUT]
    if begun:
        return row[OUTPUT] + part * min(pace, 1.0) <= ahead
    return 1 + max(row[OUTPUT] + part * pace, (row[OUTPUT] + part) * pace) <= min(
        ahead, _done(lines, row, at, line, VALUE)
    )


@numba.njit(cache=True)
def busiest(granule: I64, tensor: I64, shift: int, mask: int) -> tuple[int, int]:
    """Leave of some granules those of the channel that has most; return how many, and the load of a channel at most.

    Bits `mask` of a granule's number from `shift` on are its channel. Of every tensor the load takes the busiest one.
    """
    moved = np.zeros((TENSORS[-1][1] + 1, mask + 1), np.int64)  # of every tensor, and of all
    for i in range(len(granule)):
        moved[tensor[i], (granule[i] >> shift) & mask] += 1
        moved[-1, (granule[i] >> shift) & mask] += 1
    here, load, n = moved[-1].argmax(), 0, 0
    for of_tensor in moved[:-1]:
        load += of_tensor.max()
    for i in range(len(granule)):
        if (granule[i] >> shift) & mask == here:
            granule[n], tensor[n] = granule[i], tensor[i]
            n += 1
    return n, load


def sustain(m: I64, granule: I64, tensor: npt.NDArray[np.int8], most: int = SLICE) -> int:
    """Send granules, each as soon as its channel takes it after the one before; return the clock of the last data.

    `tensor` is that of each; the last one is written. A call sends `most` granules.
    """
    m[m[ds.O_SLOT] + ds.LEFT] = ds.FAR  # all share slot 0, which never completes
    clock, clocked = 0, d.clocked(m)
    for low in range(0, len(granule), most):
        clock = _sustain(m, granule, tensor, clock, low, min(low + most, len(granule)), clocked)
    return int(m[ds.LAST])


@kernel
def _sustain(
    m: I64, granule: I64, tensor: npt.NDArray[np.int8], clock: int, begin: int, end: int, clocked: bool | None
) -> int:
    """Send granules `begin` to `end` - 1 from `clock` on; return the clock after them."""
    slot = np.int64(0)  # not a literal: `push` is compiled for each kind of number
    for i in range(begin, end):
        write = np.int64(tensor[i] == TENSORS[-1][0])
        clock = d.push(m, granule[i] << m[ds.GRANULE_SHIFT], clock, slot, write, clocked)
    if end == len(granule):
        d.advance_all(m, ds.FAR, clocked)
    return clock
