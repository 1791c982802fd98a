"""Figures of every design of a batch that do not depend on the work, as arrays over designs."""

from dataclasses import dataclass

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.arch.timing import StreamWork
from tokensieve.sim.analytic.batch import F64, Batch, each
from tokensieve.sim.cost.cells import ARRAYS


@dataclass(frozen=True)
class Pipeline:
    """Latencies and capacities of the pipeline of every design, shape (designs,), as level `cycle` takes them."""

    per_key: F64
    per_value: F64
    soft_lanes: F64
    topk_lanes: F64
    qk_latency: F64
    scan_latency: F64
    streamed: F64
    """1 where exponentials follow the scores as these come, else 0."""

    exp_latency: F64
    div_latency: F64
    verdict: F64
    pv_latency: F64
    drain_latency: F64
    turnaround: F64
    rank_latency: F64
    head_latency: F64
    key_lines: F64
    value_lines: F64
    key_shared: F64
    value_shared: F64
    """1 where reads and writes of an SRAM take turns, else 0."""

    queue_lines: F64
    buffer_lines: F64
    queue_rows: F64
    waits_output: F64
    waits_ranking: F64
    """1 where a layer waits for the outputs (or for the selections) of the layer before, else 0."""


def pipeline(batch: Batch, dim: int) -> Pipeline:
    """Return the pipeline of every design for heads of width `dim`."""
    column = _Columns(batch)
    barrier = batch.column("control.barrier")
    drain, turnaround = each(batch, lambda arch: [arch.topk.drain_latency, arch.topk.turnaround]).astype(np.float64)
    ranks = each(batch, lambda arch: _rank_latencies(arch, dim))
    return Pipeline(
        per_key=column("qk.multipliers") // dim,
        per_value=column("pv.multipliers") // dim,
        soft_lanes=column("softmax.lanes"),
        topk_lanes=column("topk.lanes"),
        qk_latency=_latency(batch, "qk", "key_sram", dim),
        scan_latency=column("softmax.dequant_latency"),
        streamed=(batch.column("softmax.scan") == "streamed").astype(np.float64),
        exp_latency=column("softmax.exp_latency") + column("softmax.accumulate_latency"),
        div_latency=column("softmax.divide_latency") + column("softmax.quantize_latency"),
        verdict=column("requant.tree_stages"),
        pv_latency=_latency(batch, "pv", "value_sram", dim),
        drain_latency=drain,
        turnaround=turnaround,
        rank_latency=ranks[0],
        head_latency=ranks[1],
        key_lines=each(batch, lambda arch: arch.key_lines, ARRAYS).astype(np.float64),
        value_lines=each(batch, lambda arch: arch.value_lines, ARRAYS).astype(np.float64),
        key_shared=each(batch, lambda arch: not arch.key_sram.writes_beside_reads).astype(np.float64),
        value_shared=each(batch, lambda arch: not arch.value_sram.writes_beside_reads).astype(np.float64),
        queue_lines=column("topk.queue_lines"),
        buffer_lines=column("softmax.fifo_lines"),
        queue_rows=column("requant.queue_rows"),
        waits_output=(barrier == "output").astype(np.float64),
        waits_ranking=(barrier != "none").astype(np.float64),
    )


class _Columns:
    """Columns of a batch as floating point, exact for whole numbers below 2^53."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def __call__(self, path: str) -> F64:
        return self._batch.column(path).astype(np.float64)


def _latency(batch: Batch, array: str, sram: str, dim: int) -> F64:
    """Return the latency of an array's law; the tree of Prob x V is over the vectors of a line, of Q x K over D."""

    def latency(arch: Arch) -> int:
        unit = getattr(arch, array)
        terms = dim if array == "qk" else unit.vectors_per_cycle(dim)
        return int(unit.law(dim, terms=terms, read_latency=getattr(arch, sram).read_latency).latency)

    return each(batch, latency).astype(np.float64)


def _rank_latencies(arch: Arch, dim: int) -> F64:
    law = arch.importance.law(arch.topk)
    return np.array([law.latency, int(law.cycles(StreamWork(items=dim))) - 1], np.float64)
