"""Initiation intervals of a layer, in cycles: between its queries at each stage, and between its rows at each SRAM.

An interval is the largest mean of a loop of the pipeline: a stage's own cycles, or the time around a bounded buffer
over what the buffer holds.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokensieve.sim.analytic import blocks
from tokensieve.sim.analytic.batch import F64
from tokensieve.sim.analytic.stages import Stages

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Intervals:
    """Intervals of one group on every design."""

    qk: F64
    exp: F64
    div: F64
    topk: F64
    topk_waits: F64
    """Of `topk`, the cycles in which the engine waits for other stages."""

    pv: F64
    queue: F64
    """Of the queue between the top-k and Prob x V, and of the queries that may wait for a verdict."""

    query: F64
    """The largest of all."""

    key_row: F64
    """Of rows, around the room in the K SRAM: fetch, passes, verdict, and again where low bits are fetched."""

    key_used: F64
    key_slowed: F64
    """Of `key_row`, the cycles in which Q x K uses the row, and whether a later stage sets their pace."""

    value_row: F64
    """Of rows, around the room in the V SRAM."""

    value_used: F64
    value_slowed: F64
    """As `key_used` and `key_slowed`, at Prob x V."""

    dram: F64
    """Cycles of DRAM for all that a row moves: no more than `key_row` where an SRAM holds one row."""

    held: F64
    """Queries that a line buffer of the softmax holds."""

    verdict: F64
    """Cycles from the end of a pass at Q x K to its verdict; 0 without decision."""

    again_pass: F64
    """Cycles of a second pass at Q x K."""


def intervals(s: Stages) -> Intervals:
    """Return the intervals of one group."""
    p = s.pipe
    to_exp = p.qk_latency + p.scan_latency - p.streamed * s.soft  # from the end of a pass at Q x K
    held = np.maximum(p.buffer_lines // s.soft, 1)
    again_pass = np.maximum(s.key_lines, s.soft)
    after_qk = to_exp + s.soft + s.divide + p.exp_latency + p.div_latency + p.verdict
    verdict = s.decides * after_qk
    passes = 1 + s.again
    qk = np.maximum(s.qk + s.again * again_pass + s.key_turns / s.queries, (s.qk + to_exp) / held)
    exp = np.maximum(s.soft * passes, (s.soft + p.exp_latency) / held)
    div = np.where(s.decides, s.divide * passes, s.enter)
    # One that passes by behind one that does not waits for the drain of that one.
    waits = s.engaged * (1 - s.engaged) * (s.load + p.drain_latency)
    pv = s.pv + s.value_turns / s.queries
    topk, topk_waits = _topk(s, waits, {"qk": qk, "to_exp": to_exp, "exp": exp, "div": div, "held": held, "pv": pv})
    again = s.lsb_latency + streamable(s.lsb, s.key_lines) + again_pass + verdict
    queue = np.maximum(_queue(s), _waiting(s, s.qk + after_qk))
    query = np.maximum.reduce([qk, exp, div, topk, queue, pv])
    ahead = np.where(s.decides > 0, np.minimum(p.queue_rows, 2 * held), 2 * held)
    own_use, slowed = s.row_queries * qk, (s.row_queries - ahead) * query
    used = np.maximum(own_use, slowed)
    value_own, value_slowed = _value_use(s, query)
    value_used = np.maximum(value_own, value_slowed)
    one = blocks.alone(s)
    block = s.held_up * blocks.between(s, one, _machine(s, to_exp, div, held, verdict))
    return Intervals(
        qk=qk,
        exp=exp,
        div=div,
        topk=topk,
        topk_waits=topk_waits,
        pv=pv,
        queue=queue,
        query=query,
        key_row=np.where(one, block, _key_row(s, used, verdict, again, again_pass)),
        key_used=s.key_members * used / s.key_room,
        key_slowed=(slowed > own_use).astype(np.float64),
        value_row=np.where(one, block, _value_row(s, value_used)),
        dram=np.where(one, np.minimum(block, s.dram), s.dram),
        value_used=s.value_members * value_used / s.value_room,
        value_slowed=(value_slowed > value_own).astype(np.float64),
        held=held,
        verdict=verdict,
        again_pass=again_pass,
    )


def _machine(s: Stages, to_exp: F64, div: F64, held: F64, verdict: F64) -> dict[str, F64]:
    """Return what `blocks.between` takes of the pipeline."""
    p = s.pipe
    again = s.again * np.maximum(s.key_lines, s.soft)
    return {
        "verdict": verdict,
        "enter": s.enter,
        "search": s.search,
        "turnaround": s.engaged * p.turnaround,
        "qk": s.qk + again + s.key_turns / s.queries,
        "pass_qk": s.qk,
        "to_exp": to_exp,
        "exp": s.soft * (1 + s.again),
        "to_div": s.soft + p.exp_latency,
        "div": div,
        "to_topk": p.div_latency + s.decides * (s.divide + p.verdict),
        "decides": s.decides,
        "held": held,
        "waiting": p.queue_rows,
        "pv": s.pv + s.value_turns / s.queries,
        "to_pv": _to_pv(s) * (s.engaged > 0),
        "queued": _queued(s),
    }


def streamable(fetch: F64, lines: F64) -> F64:
    """Return how long a fetch of so many lines goes on before they can be streamed without a bubble."""
    return np.maximum(fetch - (lines - 1), fetch / np.maximum(lines, 1))


def _topk(s: Stages, waits: F64, known: dict[str, F64]) -> tuple[F64, F64]:
    """Return the interval of the top-k, and how much of it is for other stages; `known` are figures for `Searches`."""
    p = s.pipe
    mean = np.where(s.engaged > 0, s.enter + s.search + s.engaged * p.turnaround + waits, 0)
    if s.searches is None:
        return mean, np.zeros_like(mean)
    enter, turnaround = s.enter + waits, s.engaged * p.turnaround
    decision = s.decides * (s.divide + p.verdict)
    machine = {
        "enter": enter, "search": s.search, "turnaround": turnaround, "pass_qk": s.qk, "to_div": s.soft + p.exp_latency,
        "to_topk": p.div_latency + decision, "decides": s.decides, "waiting": p.queue_rows, "to_pv": _to_pv(s),
        "queued": _queued(s),
    }  # fmt: skip
    return s.searches.between(machine | known, mean)


def _to_pv(s: Stages) -> F64:
    """Return the cycles from the drain of a query to its start at Prob x V."""
    drained: F64 = np.maximum(s.pipe.drain_latency, s.load + s.pipe.drain_latency - s.pv)
    return drained


def _queued(s: Stages) -> F64:
    """Return the queries that the queue before Prob x V holds."""
    held: F64 = np.maximum(s.pipe.queue_lines // np.maximum(s.pv, 1), 1)
    return held


def _queue(s: Stages) -> F64:
    """Return the interval of the queue before Prob x V: from entering it to the start, over the queries it holds."""
    return np.where(s.engaged > 0, _to_pv(s), np.maximum(s.enter - s.pv, 0)) / _queued(s)


def _waiting(s: Stages, full_pass: F64) -> F64:
    """Return the interval of the queries between Q x K and the top-k, where a decision bounds their number.

    A query that is computed again stops the top-k for a pass; those that wait behind it share that time.
    """
    alone = s.decides * full_pass / s.pipe.queue_rows
    stops: F64 = (1 - (1 - s.again) ** s.pipe.queue_rows) / s.pipe.queue_rows
    return alone + stops * full_pass


def _key_row(s: Stages, used: F64, verdict: F64, again: F64, again_pass: F64) -> F64:
    """Return the interval of rows around the K SRAM; `used` is how long Q x K needs a row's lines.

    The loops of the two SRAMs run beside each other, and their fetches fall into each other's gaps; that DRAM has to
    serve both is an interval of its own (`Stages.dram`).
    """
    members = s.key_members
    wait = np.maximum(streamable(members * s.fetch, s.fetch_lines), members * s.fetch * s.msb - (s.key_lines - 1))
    once = s.memory.latency + wait + members * used + verdict
    asked = s.lsb_rows / s.rows * members
    exposed = np.minimum(asked, 1) * np.maximum(again - again_pass - (members - 1) * s.qk, 0)
    interval: F64 = (once + exposed) / s.key_room
    return interval


def _value_use(s: Stages, query: F64) -> tuple[F64, F64]:
    """Return how long Prob x V needs a row's lines: by itself, and at the pace of the slowest stage."""
    return s.row_queries * s.pv, (s.row_queries - _queued(s)) * query


def _value_row(s: Stages, used: F64) -> F64:
    """Return the interval of rows around the V SRAM; `used` is how long Prob x V needs a row's lines."""
    interval: F64 = (s.value_latency + s.value_members * (s.value + used)) / s.value_room
    return interval
