"""`RowWork`: the work of a run as flat arrays, made from `Decisions`."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokensieve.arch.datapath import Topk
from tokensieve.arch.machine import Arch
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fused import second_of_pair, stored_bits
from tokensieve.workloads.ragged import Ragged

I64 = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Selection = tuple[I64, I64, I64]
"""Items and kept by group, -1 where none runs, and the padded work records."""


@dataclass(frozen=True, kw_only=True)
class RowWork:
    """R rows (one live head of a layer and step each), Q queries. All widths are bytes, all ids index `ids`."""

    prefill: bool
    head_dim: int
    heads: int
    layers: int
    group: I64
    layer: I64
    head: I64
    context: I64
    keys: I64
    queries: I64
    query_ptr: I64
    values: I64
    """Values that each query uses, shape (Q,)."""

    redo: Flags
    """Queries that a decision sends through Q x K again, shape (Q,)."""

    forced: Flags
    """Rows whose K comes as two planes for two passes, shape (R,)."""

    decide: Flags
    """Rows that pass the progressive-quantization decision, shape (R,)."""

    key_second: Flags
    value_second: Flags
    """Rows whose K or V lies fused with that of the row before (6-bit pairs)."""

    value_shared: Flags
    """Rows that use the V that the row before fetched."""

    key_bytes: I64
    lsb_bytes: I64
    value_bytes: I64
    io_bytes: int
    """Bytes of one query or output vector in DRAM; 0 where they do not cross it."""

    ids: Ids
    key_ids: I64
    value_ids: I64
    query_ids: I64
    """Where the ids of the row's keys, values (decode) and queries begin in `ids`, shape (R,)."""

    values_early: Flags
    """Rows whose V is loaded with K, because it is reused (prefill) or all of it is kept, shape (R,)."""

    topk_passes: Flags
    """Queries that pass the local top-k by because they keep all their values, shape (Q,): in the reference, all."""

    topk_runs: Flags
    """Queries whose local top-k searches, shape (Q,): those that have a work record, whatever the engine."""

    topk_sizes: I64
    """Padded work records of the local top-k, shape (Q, rounds); empty for engines whose time no data change."""

    token_selection: Selection | None
    head_selection: Selection | None

    @property
    def query_row(self) -> I64:
        """Row of each query."""
        return np.repeat(np.arange(len(self.queries)), self.queries)


def _vector_bytes(head_dim: int, bits: npt.ArrayLike) -> I64:
    """Return the bytes of one vector of `head_dim` elements."""
    return -(-np.asarray(bits, np.int64) * head_dim // 8)


def _stored_bytes(head_dim: int, bits: npt.ArrayLike) -> I64:
    """Return the bytes of one vector of K or V in DRAM; 6-bit vectors lie fused with those of another head."""
    return _vector_bytes(head_dim, stored_bits(bits))


def row_work(arch: Arch, d: Decisions, un_pruned: bool = False) -> RowWork:
    """Return the work that `d` records, its work records those of the kind that the arch's engine has.

    With `un_pruned`, `d` is the dense reference, whose queries and outputs are as wide as its queries.
    """
    prefill = d.phase == "prefill"
    index = d.row_index.astype(np.int64)
    group = index[:, 0] * d.layers + index[:, 1]
    query_ptr = d.query_ptr.astype(np.int64)
    lsb = np.maximum.reduceat(d.lsb_refetch, query_ptr[:-1]) if len(group) else d.lsb_refetch
    ids, of_group, of_query, every = _ids(d)
    key_ids = of_group[group]
    value_second = second_of_pair(d.value_bits, group)
    passes = d.values_kept >= d.keys_kept[np.repeat(np.arange(len(d.queries)), d.queries)]
    value_shared = value_second & (prefill or d.meta["pair_shares_values"])
    return RowWork(
        prefill=prefill,
        head_dim=d.head_dim,
        heads=d.heads,
        layers=d.layers,
        group=group,
        layer=index[:, 1],
        head=index[:, 2],
        context=d.context.astype(np.int64),
        keys=d.keys_kept.astype(np.int64),
        queries=d.queries.astype(np.int64),
        query_ptr=query_ptr,
        values=d.values_kept.astype(np.int64),
        redo=d.lsb_refetch == 1,
        forced=lsb == 2,
        decide=(decides(d) | (lsb == 1)) & (lsb != 2),
        key_second=d.pair_second,
        value_second=value_second,
        value_shared=value_shared,
        key_bytes=_stored_bytes(d.head_dim, d.key_bits),
        lsb_bytes=_vector_bytes(d.head_dim, np.maximum(d.bits("lsb"), 0)),
        value_bytes=_stored_bytes(d.head_dim, d.value_bits),
        io_bytes=io_bytes(arch, d, un_pruned),
        ids=ids,
        key_ids=key_ids,
        value_ids=of_query[query_ptr[:-1]],
        query_ids=key_ids if prefill else every + d.context.astype(np.int64) - 1,
        values_early=_values_early(prefill, passes, query_ptr, value_shared),
        topk_passes=passes,
        topk_runs=d.searches,
        topk_sizes=record_sizes(arch.topk, d, "local"),
        token_selection=selection(arch.topk, d, "token"),
        head_selection=selection(arch.topk, d, "head"),
    )


def _ids(d: Decisions) -> tuple[Ids, I64, I64, int]:
    """Return `RowWork.ids`, where the tokens of each group and the values of each query begin in it, and where all do.

    A group that keeps its whole context has the ids 0, 1, ..., which stand there once.
    """
    lengths, contexts = np.diff(d.token_ptr), np.zeros(d.steps * d.layers, np.int64)
    contexts[d.row_group] = d.context
    pruned = lengths < contexts
    tokens = [d.token_ids[d.token_ptr[g] : d.token_ptr[g + 1]] for g in np.flatnonzero(pruned).tolist()]
    ends = np.cumsum(np.where(pruned, lengths, 0))
    count = int(ends[-1]) if len(ends) else 0
    every = count + len(d.value_ids)
    of_group = np.where(pruned, ends - lengths, every)
    of_query = count + d.value_ptr[:-1][d.list_of_query].astype(np.int64)
    counting = np.arange(int(d.context.max(initial=0)), dtype=np.int32)
    ids = np.concatenate([*tokens, d.value_ids, counting], dtype=np.int32)
    return ids, of_group, of_query, every


def io_bytes(arch: Arch, d: Decisions, un_pruned: bool = False) -> int:
    """Return `RowWork.io_bytes`: queries and outputs are as wide as the datapath, in the reference as its queries."""
    bits = int(d.bits("query").max(initial=0)) if un_pruned else arch.number.onchip_bits
    return int(_vector_bytes(d.head_dim, bits)) if d.meta["charge_io"] else 0


def decides(d: Decisions) -> bool:
    """Return whether rows pass the progressive-quantization decision whatever it says."""
    schedule = d.meta["schedule"] or {}
    in_prefill = bool((schedule.get("progressive") or {}).get("prefill")) or bool((d.lsb_refetch == 1).any())
    return d.meta["threshold"] is not None and (d.phase == "decode" or in_prefill)


def _values_early(prefill: bool, passes: Flags, query_ptr: I64, shared: Flags) -> Flags:
    """Return which rows need not wait for ids of values; two heads that share V wait where either does."""
    if prefill:
        return np.ones(len(shared), np.bool_)
    alone: Flags = np.logical_and.reduceat(passes, query_ptr[:-1]) if len(shared) else passes
    before = alone & np.roll(alone, 1)
    both = np.where(shared, before, alone)
    return np.where(np.roll(shared, -1), np.roll(both, -1), both)


def record_sizes(topk: Topk, d: Decisions, site: str, which: I64 | None = None) -> I64:
    """Return the padded work records of one site, of all commands or of those numbered `which`.

    Empty ones for an engine that has no kind, and for the reference.
    """
    kind = topk.record
    if kind is not None and kind in d.records:
        lists: Ragged = getattr(d.records[kind], site)
        return (lists if which is None else lists.take(which)).padded().astype(np.int64)
    assert kind is None or not d.records, f"decisions without records of kind {kind} are refused by check_fit"
    commands = len(d.values_kept) if site == "local" else d.steps * d.layers
    return np.zeros((commands if which is None else len(which), 1), np.int64)


def selection(topk: Topk, d: Decisions, site: str) -> Selection | None:
    """Return the selections of one site; one that keeps all it is offered is not asked of the engine."""
    counts = getattr(d, f"topk_{site}_count").astype(np.int64)
    counts = np.where(counts[:, 1:] >= counts[:, :1], -1, counts)
    if not (counts >= 0).any():
        return None
    return counts[:, 0], counts[:, 1], record_sizes(topk, d, site)
