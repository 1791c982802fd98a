"""What a layer asks of each stage of each design: arrays over (groups, designs), in cycles unless told otherwise.

Where K or V exceed half an SRAM, a row is cut into *blocks* of queries that load both again
(`docs/explanation/pipeline.md`); `rows` counts blocks.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tokensieve.sim.analytic.batch import F64, Batch, each
from tokensieve.sim.analytic.memory import Memory, memory
from tokensieve.sim.analytic.pipeline import Pipeline, pipeline
from tokensieve.sim.analytic.searches import Searches, searches
from tokensieve.sim.analytic.short import Single, single
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.analytic.traffic import STREAMS


@dataclass(frozen=True)
class Stages:
    """Work of each group on each design."""

    pipe: Pipeline
    memory: Memory
    single: Single | None
    """Rows and queries one by one, where all layers are short."""

    searches: Searches | None
    """Searches of some queries of longer layers, where any are searched."""

    engaged: F64
    """Share of the queries that go through the top-k engine, shape (G, 1); the others pass it by."""

    decides: F64
    """1 where rows pass the progressive-quantization decision, shape (G, 1)."""

    queries: F64
    again: F64
    """Second passes for one query, on average."""

    blocks: F64
    rows: F64
    row_queries: F64
    key_lines: F64
    """Lines of K of a row."""

    qk: F64
    """Lines that a pass takes at Q x K, the softmax's if these are more."""

    soft: F64
    sums: F64
    """Beats of probabilities at the importance accumulator."""

    load: F64
    """Lines of probabilities at the top-k engine."""

    load_cycles: F64
    """Cycles in which the probabilities enter the engine: not faster than the softmax delivers them."""

    enter: F64
    """Cycles in which they enter it or pass it by, mean over the queries."""

    search: F64
    """Cycles of a search, mean over the queries; those that pass by count as 0."""

    pv: F64
    """Lines of V that a query streams, mean."""

    value_lines: F64
    """Lines of V that a row fetches."""

    key_room: F64
    value_room: F64
    """Rows that the K and V SRAM hold."""

    key_members: F64
    value_members: F64
    """Rows that one fetch of K or V serves: 2 for fused pairs."""

    key_turns: F64
    value_turns: F64
    """Cycles of all rows in which lines are written to the K or V SRAM and none can be read."""

    fetch: F64
    """Cycles of DRAM for queries and K of a row, its second plane included where the format forces one."""

    msb: F64
    """Share of that fetch that goes before the second plane."""

    fetch_lines: F64
    front_lines: F64
    """Requests of that fetch, and those of its queries in front."""

    lsb: F64
    """Cycles of DRAM for the low bits of a row."""

    value: F64
    output: F64
    """Cycles of DRAM for the values and for the outputs of a row; values that come with K take less where DRAM serves
    both faster than one after the other."""

    value_alone: F64
    both: F64
    """Cycles of DRAM for the values of a row if it serves nothing else, and for K and V of a row while it serves
    both."""

    key_granules: F64
    value_granules: F64
    """Granules that a row fetches with its K, and of its values."""

    lsb_latency: F64
    value_latency: F64
    """Cycles from a request for low bits, or for values, to its first data."""

    backlog: F64
    """Cycles that a request waits behind K in windows and FIFOs: those by which the fetcher is faster than DRAM."""

    dram: F64
    """Cycles of DRAM for all that a row moves, mean."""

    value_turn: F64
    lsb_turn: F64
    output_turn: F64
    """Share of the fetcher that values, low bits or outputs have beside K, which takes turns request by request."""

    held_up: F64
    """By how much longer blocks that fill an SRAM take than they are found to take, as a closeup tells."""

    lsb_rows: F64
    """Rows (blocks) whose low bits are fetched on demand."""

    token_rank: F64
    head_rank: F64
    """Cycles of the selections at the end of the group, -1 where none runs."""

    @property
    def divide(self) -> F64:
        """Cycles of a division: no faster than the importance accumulator takes the probabilities."""
        return np.maximum(self.soft, self.sums)


def stages(summary: Summary, batch: Batch) -> Stages:
    """Return the work of `summary` on every design of the batch."""
    work = summary.work
    each(batch, summary.check_fit)
    pipe = pipeline(batch, work.head_dim)
    keys, queries, live = (_column(a) for a in (summary.keys, summary.queries, summary.rows))
    lines, soft = np.ceil(keys / pipe.per_key), np.ceil(keys / pipe.soft_lanes)
    load, sums = np.ceil(keys / pipe.topk_lanes), np.ceil(keys / pipe.sum_lanes)
    decides = (_column(summary.decided) > 0).astype(np.float64)
    delivered = np.where(decides > 0, soft, np.maximum(soft, sums))
    pv = each(batch, lambda arch: summary.value_lines(arch.pv.vectors_per_cycle(work.head_dim))) / queries
    early, engaged = _column(summary.early), _column(summary.engaged) / queries
    value_lines = np.where(early > 0, np.ceil(keys / pipe.per_value), pv)
    forced = _column(summary.forced) / live
    key_owners, value_owners = _column(summary.key_owners), _column(summary.value_owners)
    of_row = queries / live
    blocks = _blocks(pipe, lines, value_lines, soft, of_row)
    share = {name: np.where(blocks > 1, 1.0, owners / live) for name, owners in
             (("key", key_owners), ("value", value_owners))}  # fmt: skip
    key_room = np.maximum(pipe.key_lines // np.maximum(lines / share["key"], 1), 1) / share["key"]
    value_room = np.maximum(pipe.value_lines // np.maximum(value_lines / share["value"], 1), 1) / share["value"]
    search = _search(summary, batch) / queries
    enter = engaged * np.maximum(delivered, load) + (1 - engaged) * delivered
    lag = _lag(pipe, soft, enter + search, engaged, pv)
    slowest = np.maximum.reduce([lines, soft, enter + search, pv])
    dram = memory(summary, batch, blocks, key_room, value_room, lag + (of_row / blocks - 1) * slowest)
    lsb_rows = _lsb_rows(summary, batch, blocks)
    asked = lsb_rows / (live * blocks)
    of_stream = {"query": 1 / blocks, **share, "lsb": forced + asked, "output": 1 / blocks}
    parts = {name: dram.stream(name) for name in STREAMS}
    front = {"query": 1 / blocks, "key": share["key"], "lsb": forced}
    fetch = dram.in_turn(front)
    value = parts["value"] * share["value"]
    idle = [lag, dram.latency + of_row / blocks * lines, dram.latency + of_row / blocks * pv]
    apart = _apart(key_room, value_room, idle, fetch, value)
    together = apart * sum(of_stream[name] * parts[name] for name in STREAMS) + (1 - apart) * dram.together(of_stream)
    both = dram.together({**front, "value": share["value"]})
    beside = np.where(early > 0, np.minimum(value, apart * value + (1 - apart) * (both - fetch)), value)
    one = single(summary, batch)
    turn = _turns(dram.granules, lines, value_lines, np.ceil(of_row / blocks / pipe.per_value))
    return Stages(
        pipe=pipe,
        memory=dram,
        single=one,
        searches=None if one else searches(summary, batch),
        engaged=engaged,
        decides=decides,
        queries=queries,
        again=_column(summary.redone) / queries,
        blocks=blocks,
        rows=live * blocks,
        row_queries=of_row / blocks,
        key_lines=lines,
        qk=forced * lines + np.maximum(lines, soft),
        soft=soft,
        sums=sums,
        load=load,
        load_cycles=np.maximum(delivered, load),
        enter=enter,
        search=search,
        pv=pv,
        value_lines=value_lines,
        key_room=key_room,
        value_room=value_room,
        key_members=1 / share["key"],
        value_members=1 / share["value"],
        key_turns=pipe.key_shared * lines * (live * blocks * (1 + forced) + lsb_rows),
        value_turns=pipe.value_shared * value_lines * live * blocks,
        fetch=fetch,
        msb=_msb_share(parts, blocks, share["key"], forced),
        fetch_lines=lines * (1 + forced),
        front_lines=np.ceil(of_row / blocks / pipe.per_key) * (1.0 if work.io_bytes else 0.0),
        lsb=parts["lsb"],
        value=beside,
        output=parts["output"] / blocks,
        value_alone=value,
        both=both,
        key_granules=sum((dram.granules[STREAMS.index(name)] * part for name, part in front.items()), np.zeros(1)),
        value_granules=dram.granules[STREAMS.index("value")] * share["value"],
        lsb_latency=dram.on_demand("lsb"),
        value_latency=dram.on_demand("value"),
        backlog=np.minimum(dram.backlog, fetch - dram.sent(front)),
        dram=together,
        value_turn=turn["value"],
        lsb_turn=turn["lsb"],
        output_turn=turn["output"],
        held_up=np.ones_like(queries),
        lsb_rows=lsb_rows,
        token_rank=each(batch, lambda arch: summary.selection("token", arch.topk)[0]),
        head_rank=each(batch, lambda arch: summary.selection("head", arch.topk)[0]),
    )


def _blocks(pipe: Pipeline, lines: F64, value_lines: F64, soft: F64, of_row: F64) -> F64:
    """Return the blocks of queries that a row is cut into: one unless its K or V exceed half an SRAM."""
    too_long = (lines > pipe.key_lines // 2) | (value_lines > pipe.value_lines // 2)
    per_block = np.maximum(pipe.buffer_lines // np.maximum(soft, 1), 1)
    return np.where(too_long & (of_row > 1), np.ceil(of_row / per_block), 1.0)


def _apart(key_room: F64, value_room: F64, idle: list[F64], fetch: F64, value: F64) -> F64:
    """Return the share of K and V that DRAM serves one after the other, where an SRAM holds one row.

    V comes that much later than K, or one of the two falls into the time in which the other's SRAM is used: `idle` are
    the cycles between both, and those in which K and V are used.
    """
    one_key, one_value = key_room < 2, value_room < 2
    between = np.where(one_value, idle[0], idle[1]) / np.maximum(np.where(one_value, fetch, value), 1e-9)
    between = np.where(one_value & ~one_key, idle[2] / np.maximum(fetch, 1e-9), between)
    share: F64 = np.where(one_key | one_value, np.minimum(between, 1), 0)
    return share


def _turns(granules: F64, key_lines: F64, value_lines: F64, output_lines: F64) -> dict[str, F64]:
    """Return the share of the fetcher that each stream has beside K: the granules of one of its requests of both's."""
    lines = {"key": key_lines, "lsb": key_lines, "value": value_lines, "output": output_lines}
    each = {name: granules[STREAMS.index(name)] / np.maximum(count, 1) for name, count in lines.items()}
    return {name: np.clip(one / np.maximum(one + each["key"], 1e-9), 0.01, 0.99) for name, one in each.items()}


def _lag(pipe: Pipeline, soft: F64, engine: F64, engaged: F64, pv: F64) -> F64:
    """Return the cycles from when a query has gone through Q x K to when it has gone through Prob x V."""
    softmax = pipe.qk_latency + pipe.scan_latency + soft + pipe.exp_latency + pipe.div_latency
    cycles: F64 = softmax + engine + engaged * pipe.drain_latency + pv
    return cycles


def _msb_share(parts: Mapping[str, F64], blocks: F64, share: F64, forced: F64) -> F64:
    """Return which part of the fetch of a row is over before its second plane begins."""
    low = forced * parts["lsb"]
    whole = parts["query"] / blocks + parts["key"] * share + low
    return 1 - low / np.maximum(whole, 1e-9)


def _column(values: F64) -> F64:
    """Return a figure of each group as a column beside those of the designs."""
    return values[:, None]


def _lsb_rows(summary: Summary, batch: Batch, blocks: F64) -> F64:
    """Return how often a decision fetches low bits: once for each row, or for each block that asks."""
    rows = _column(summary.lsb_rows) * np.ones_like(blocks)
    if not (summary.work.prefill and rows.any()):
        return rows
    return np.where(blocks > 1, each(batch, summary.lsb_blocks), rows)


def _search(summary: Summary, batch: Batch) -> F64:
    """Return the search cycles of each group."""
    if not summary.engaged.any():
        return np.zeros(1)
    cycles: F64 = each(batch, lambda arch: summary.searches(arch.topk))[0]
    return cycles
