"""From decisions to tables: what the cycle level's kernels run on, priced by the timing laws of an arch."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.machine import Arch
from tokensieve.arch.timing import StreamWork
from tokensieve.arch.topklaw import TopkWork
from tokensieve.sim.capacity import check_capacity
from tokensieve.sim.kernels import tables as t
from tokensieve.sim.result import TENSORS
from tokensieve.sim.work import Ids, RowWork

I64 = npt.NDArray[np.int64]

PLANE_ALIGNMENT = 4 * 1024
"""Alignment of the planes in DRAM, in bytes (contracts, section 3): found by `benchmarks/plane_alignment.py`."""


@dataclass(frozen=True)
class Plan:
    """Tables of one run; the kernels write into `row`, `query`, `passes`, `group` and `scalars`."""

    row: I64
    query: I64
    passes: I64
    group: I64
    redo: I64
    ids: Ids
    scalars: I64
    source_row: I64
    """Row of the work that each row of the table belongs to; a row is cut where its K or V exceed half an SRAM."""


def plan(arch: Arch, work: RowWork) -> Plan:
    """Return the tables of `work` on `arch`.

    Raises `WorkloadError` where the work does not fit the machine.
    """
    per_key, per_value = vectors_per_line(arch, work)
    cut, q0, q1 = _blocks(arch, work, per_key, per_value)
    row = np.zeros((len(cut), t.N_ROW), np.int64)
    row[:, t.R_Q0], row[:, t.R_Q1] = q0, q1
    groups, group_of = np.unique(work.group[cut], return_inverse=True)
    row[:, t.R_GROUP], row[:, t.R_LAYER] = group_of, work.layer[cut]
    row[:, t.R_LINES] = -(-work.keys[cut] // per_key)
    row[:, t.R_SOFT_LINES] = -(-work.keys[cut] // arch.softmax.lanes)
    row[:, t.R_SUM_LINES] = -(-work.keys[cut] // arch.importance.lanes)
    row[:, t.R_PASSES] = 1 + work.forced[cut]
    row[:, t.R_DECIDE], row[:, t.R_EARLY] = work.decide[cut], work.values_early[cut]
    row[:, t.R_KEYS], row[:, t.R_KEY_IDS] = work.keys[cut], work.key_ids[cut]
    row[:, t.R_QUERIES] = q1 - q0
    row[:, t.R_QUERY_IDS] = work.query_ids[cut] + q0 - work.query_ptr[cut]
    row[:, t.R_VALUES] = np.where(work.values_early[cut], work.keys[cut], work.values[q0])
    row[:, t.R_VALUE_IDS] = np.where(work.values_early, work.key_ids, work.value_ids)[cut]
    _share(row, work, cut)
    _memory_map(row, work, cut)
    planes = ((row[:, t.R_BASE + k], row[:, t.R_BYTES + k]) for k in range(len(TENSORS)))
    check_capacity(arch.dram, planes, int(work.context.max()) + max(per_key, per_value) - 1)
    _space(row, arch, work, per_key, per_value)
    for column in (t.R_KEY_FROM, t.R_VALUE_FROM, t.R_LSB_NEXT, t.R_KEY_WHO, t.R_VALUE_WHO, t.R_LSB_WHO):
        row[:, column] = -1
    query = _queries(arch, work, row, per_value)
    scalars = _scalars(arch, work, row, query, len(groups), per_key, per_value)
    return Plan(
        row=row,
        query=query,
        passes=np.zeros((len(query) + int(query[:, t.Q_REDO].sum()), t.N_PASS), np.int64),
        group=_groups(arch, work, row, groups),
        redo=np.zeros(int(query[:, t.Q_REDO].sum()) + 1, np.int64),
        ids=work.ids,
        scalars=scalars,
        source_row=cut,
    )


def vectors_per_line(arch: Arch, work: RowWork) -> tuple[int, int]:
    """Return the vectors of a line of K and of V, or raise `WorkloadError` where the work does not fit the machine."""
    dim = work.head_dim
    for name, array in (("qk", arch.qk), ("pv", arch.pv)):
        if array.vectors_per_cycle(dim) < 1:
            raise WorkloadError(
                f"{name}.multipliers must be at least the head width D = {dim}, got {array.multipliers}"
            )
    longest = int(work.context.max())
    if longest > arch.topk.max_tokens:
        raise WorkloadError(f"context must be at most topk.max_tokens = {arch.topk.max_tokens}, got {longest}")
    return arch.qk.vectors_per_cycle(dim), arch.pv.vectors_per_cycle(dim)


def _blocks(arch: Arch, work: RowWork, per_key: int, per_value: int) -> tuple[I64, I64, I64]:
    """Return (row, first query, end) of each block of queries.

    A prefill row whose K or V exceed half an SRAM is streamed again for every block; a block is as many queries as the
    softmax can hold the scores of.
    """
    lines = -(-work.keys // per_key)
    too_long = (lines > arch.key_lines // 2) | (-(-work.keys // per_value) > arch.value_lines // 2)
    per_block = np.maximum(arch.softmax.fifo_lines // np.maximum(-(-work.keys // arch.softmax.lanes), 1), 1)
    size = np.where(too_long & (work.queries > 1), per_block, work.queries)
    blocks = -(-work.queries // size)
    row = np.repeat(np.arange(len(blocks)), blocks)
    index = np.arange(len(row)) - np.repeat(np.cumsum(blocks) - blocks, blocks)
    first = work.query_ptr[row] + index * size[row]
    return row, first, np.minimum(first + size[row], work.query_ptr[row + 1])


def _share(row: I64, work: RowWork, cut: I64) -> None:
    """Set which row loads the K and V of each: the first of a 6-bit pair for both, where neither is cut."""
    me = np.arange(len(cut))
    whole = np.bincount(cut, minlength=len(work.keys))[cut] == 1
    for owner, second in ((t.R_KEY_OWNER, work.key_second), (t.R_VALUE_OWNER, work.value_shared)):
        joins = second[cut] & whole & np.roll(whole, 1)
        row[:, owner] = np.where(joins, me - 1, me)
    row[:, t.R_KEY_USERS] = np.bincount(row[:, t.R_KEY_OWNER], row[:, t.R_QUERIES], len(me)).astype(np.int64)
    row[:, t.R_VALUE_USERS] = np.bincount(row[:, t.R_VALUE_OWNER], row[:, t.R_QUERIES], len(me)).astype(np.int64)


def _memory_map(row: I64, work: RowWork, cut: I64) -> None:
    """Place the planes: K MSB, K LSB, V of each layer and head (or pair) in that order, then those of Q and output."""
    row[:, t.R_KEY_BYTES], row[:, t.R_LSB_BYTES] = work.key_bytes[cut], work.lsb_bytes[cut]
    row[:, t.R_VALUE_BYTES] = work.value_bytes[cut]
    row[:, t.R_QUERY_BYTES] = row[:, t.R_OUTPUT_BYTES] = work.io_bytes
    tokens = int(work.context.max())

    def plane(width: npt.ArrayLike) -> int:
        return -(-int(np.max(width)) * tokens // PLANE_ALIGNMENT) * PLANE_ALIGNMENT

    key, lsb, value = plane(work.key_bytes), plane(work.lsb_bytes), plane(work.value_bytes)
    io, units = plane(work.io_bytes), int(work.layers * work.heads)
    unit = work.layer * work.heads + work.head
    io_from = units * (key + lsb + value)
    for columns, second in ((t.R_KEY_BASE, work.key_second), (t.R_VALUE_BASE, work.value_second)):
        home = np.where(second, np.roll(unit, 1), unit)[cut] * (key + lsb + value)
        row[:, columns] = home + (key + lsb if columns == t.R_VALUE_BASE else 0)
    row[:, t.R_LSB_BASE] = unit[cut] * (key + lsb + value) + key
    row[:, t.R_QUERY_BASE] = io_from + unit[cut] * 2 * io
    row[:, t.R_OUTPUT_BASE] = row[:, t.R_QUERY_BASE] + io
    row[:, t.R_QUERY_BASE_2] = -1
    follower = np.flatnonzero(row[:, t.R_KEY_OWNER] != np.arange(len(row)))
    if work.io_bytes:
        row[row[follower, t.R_KEY_OWNER], t.R_QUERY_BASE_2] = row[follower, t.R_QUERY_BASE]


def _space(row: I64, arch: Arch, work: RowWork, per_key: int, per_value: int) -> None:
    """Set lines outstanding and SRAM lines of each job; a row longer than the SRAM streams through all of it."""
    members = np.bincount(row[:, t.R_KEY_OWNER], minlength=len(row))
    row[:, t.R_KEY_SPACE] = np.minimum(row[:, t.R_LINES] * members, arch.key_lines)
    front = np.where(row[:, t.R_QUERY_BYTES] > 0, -(-row[:, t.R_QUERIES] // per_key), 0)
    front = front * np.where(row[:, t.R_QUERY_BASE_2] >= 0, 2, 1)
    row[:, t.R_KEY_LEFT] = front + row[:, t.R_LINES] * row[:, t.R_PASSES]
    lines = -(-row[:, t.R_VALUES] // per_value)
    members = np.bincount(row[:, t.R_VALUE_OWNER], minlength=len(row))
    row[:, t.R_VALUE_SPACE] = np.minimum(lines * members, arch.value_lines)
    row[:, t.R_VALUE_LEFT] = lines


def _queries(arch: Arch, work: RowWork, row: I64, per_value: int) -> I64:
    """Return the query table: lines at Prob x V and what the top-k law charges."""
    query = np.zeros((len(work.values), t.N_QUERY), np.int64)
    query[:, t.Q_ROW] = np.repeat(np.arange(len(row)), row[:, t.R_QUERIES])
    query[:, t.Q_VALUE_LINES] = -(-work.values // per_value)
    query[:, t.Q_REDO] = work.redo
    query[:, t.Q_PASS] = query[:, t.Q_LOAD_WHO] = -1
    query[:, t.Q_PASSES] = work.topk_passes
    in_engine = np.where(work.topk_passes, -1, np.arange(len(query)))
    query[:, t.Q_BEHIND] = np.concatenate([[-1], np.maximum.accumulate(in_engine)[:-1]])
    law, selection = arch.topk.law, local_selections(work)
    for column, cycles in ((t.Q_LOAD, law.load), (t.Q_SEARCH, law.search), (t.Q_DRAIN, law.drain)):
        query[:, column] = np.where(work.topk_passes, 0, cycles(selection))
    return query


def local_selections(work: RowWork) -> TopkWork:
    """Return what every query asks of the local top-k; one that passes by, or has its choice, searches nothing."""
    return TopkWork(
        items=work.keys[work.query_row], kept=np.where(work.topk_runs, work.values, 0), sizes=work.topk_sizes
    )


def _groups(arch: Arch, work: RowWork, row: I64, groups: I64) -> I64:
    """Return the group table: last query and cycles of the selections at the end of each layer."""
    table = np.full((len(groups), t.N_GROUP), -1, np.int64)
    table[row[:, t.R_GROUP], t.G_LAST_QUERY] = row[:, t.R_Q1] - 1
    for column, selection in ((t.G_TOKEN_RANK, work.token_selection), (t.G_HEAD_RANK, work.head_selection)):
        if selection is None:
            continue
        items, kept, sizes = (a[groups] for a in selection)
        runs = items >= 0
        cycles = arch.topk.law.cycles(TopkWork(items=np.maximum(items, 0), kept=np.maximum(kept, 0), sizes=sizes))
        table[:, column] = np.where(runs, cycles, -1)
    return table


def _scalars(arch: Arch, work: RowWork, row: I64, query: I64, groups: int, per_key: int, per_value: int) -> I64:
    dim = work.head_dim
    st = np.zeros(t.N_SCALAR, np.int64)
    st[t.S_ROWS], st[t.S_QUERIES], st[t.S_GROUPS] = len(row), len(query), groups
    st[t.S_PHASE_PREFILL], st[t.S_BARRIER] = work.prefill, t.BARRIERS.index(arch.control.barrier)
    st[t.S_PER_LINE], st[t.S_PER_VALUE_LINE], st[t.S_PORTS] = per_key, per_value, arch.fetcher.ports
    st[t.S_REQUEST], st[t.S_RETURN] = arch.fetcher.request_stages, arch.fetcher.return_stages
    st[t.S_KEY_RING + t.RING_CAP], st[t.S_VALUE_RING + t.RING_CAP] = arch.key_lines, arch.value_lines
    st[t.S_PROB_RING + t.RING_CAP] = arch.topk.queue_lines
    st[t.S_KEY_PORT + t.PORT_SHARED] = not arch.key_sram.writes_beside_reads
    st[t.S_VALUE_PORT + t.PORT_SHARED] = not arch.value_sram.writes_beside_reads
    st[t.S_FIFO_LINES], st[t.S_QUEUE_ROWS] = arch.softmax.fifo_lines, arch.requant.queue_rows
    softmax = arch.softmax.law
    st[t.S_QK_LATENCY] = arch.qk.law(dim, terms=dim, read_latency=arch.key_sram.read_latency).latency
    st[t.S_SCAN_LATENCY], st[t.S_EXP_LATENCY] = softmax.scan_latency, softmax.exp_latency
    st[t.S_STREAMED] = softmax.streamed
    st[t.S_DIV_LATENCY], st[t.S_TREE] = softmax.divide_latency, arch.requant.tree_stages
    st[t.S_PV_LATENCY] = arch.pv.law(dim, terms=per_value, read_latency=arch.value_sram.read_latency).latency
    st[t.S_DRAIN_LATENCY], st[t.S_TURNAROUND] = arch.topk.law.drain_latency, arch.topk.law.turnaround
    importance = arch.importance.law(arch.topk)
    st[t.S_RANK_LATENCY], st[t.S_HEAD_LATENCY] = importance.latency, int(importance.cycles(StreamWork(items=dim))) - 1
    st[t.S_LSB_HEAD], st[t.S_ORIGIN] = -1, -1
    return st
