"""From layer to layer: when each stage takes its first and its last query.

Within a layer of a longer prefill all queries are alike; only their searches differ. A stage's last query starts a
whole number of intervals after its first one, or when the stage before, the data or the buffers allow it, whichever is
last; that is exact for a line of stages that each take the same time for every query.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from tokensieve.sim.analytic.batch import F64
from tokensieve.sim.analytic.booking import Booking
from tokensieve.sim.analytic.paths import COMPUTE, DRAM, FILL, SOFTMAX, TOPK, Paths, between, later
from tokensieve.sim.analytic.short import Single
from tokensieve.sim.analytic.stages import Stages
from tokensieve.sim.kernels.short import short
from tokensieve.sim.kernels.short_tables import GROUP, MACHINE, R_GROUP, R_LAYER
from tokensieve.sim.result import CAUSES


@dataclass(frozen=True)
class _State:
    """Events that a layer leaves to the next one."""

    qk: F64
    exp: F64
    div: F64
    topk: F64
    pv: F64
    """When each stage is free."""

    key_first: F64
    key_last: F64
    """When the K of the first row began to be used up, and when that of the last one was let go."""

    fetched: F64
    """When DRAM has brought the last K."""

    out: F64
    ranked: F64
    held: F64
    """When the selections of the layer before that one ended."""

    rank_free: F64
    written: F64
    qk_busy: F64
    pv_busy: F64
    dram_busy: F64
    """When the arrays and DRAM would be done if they never waited: no run ends before."""


@dataclass(frozen=True)
class _Starts:
    """Starts of the first (or of the last) query of a layer at each stage."""

    qk: F64
    exp: F64
    div: F64
    topk: F64
    drain: F64
    pv: F64


def walk(s: Stages, layer: npt.NDArray[np.int64], layers: int, causes: bool) -> F64:
    """Return the end of the run of every design, an event; with `causes` it has those of every layer."""
    designs = s.rows.shape[1]
    slots = layers * len(CAUSES) if causes else 0
    if s.single is not None:
        return _one_by_one(s, s.single, layer, slots)
    begin = Paths(slots, designs).start()
    state = _State(*(begin for _ in fields(_State)))
    rows, ranks = np.ones(designs), False
    for g, number in enumerate(layer.tolist()):
        paths = Paths(slots, designs, number * len(CAUSES) if causes else 0)
        state = _Layer(of_group(s, g), paths).step(state, rows, ranks)
        rows, ranks = s.rows[g], bool(s.token_rank[g, 0] >= 0 or s.head_rank[g, 0] >= 0)
    return later(state.out, state.written, state.rank_free, state.qk_busy, state.pv_busy, state.dram_busy)


def _one_by_one(s: Stages, one: Single, layer: npt.NDArray[np.int64], slots: int) -> F64:
    """Return what `walk` does where layers are short: it follows every query."""
    groups = np.stack([np.broadcast_to(getattr(s, name), s.dram.shape) for name in GROUP], axis=-1)
    machines = [getattr(s.pipe if hasattr(s.pipe, name) else s.memory, name) for name in MACHINE]
    ends = np.zeros((1 + slots, s.dram.shape[1]))
    share, work = np.stack([one.search_share, one.lines_share]), one.work.copy()
    work[:, R_LAYER - R_GROUP] = layer[work[:, 0]]  # where causes go, which may be one place for all layers
    short(work, one.asks, np.stack(machines, axis=-1), np.ascontiguousarray(groups.transpose(1, 0, 2)),
          one.search, one.lines, one.kind, share, ends)  # fmt: skip
    return ends


def of_group(s: Stages, g: int) -> Stages:
    """Return the stages of one group: arrays over designs."""
    own = {f.name: getattr(s, f.name) for f in fields(s)}
    arrays = {name: array[g] for name, array in own.items() if isinstance(array, np.ndarray)}
    return replace(s, searches=s.searches and s.searches.of_group(g), **arrays)


class _Layer(Booking):
    """One group on every design."""

    def __init__(self, s: Stages, paths: Paths) -> None:
        super().__init__(s, paths)
        self.engaged = bool(s.engaged[0])

    def step(self, was: _State, rows_before: F64, ranks: bool) -> _State:
        """Return what this group leaves behind, given what the one before left and whether it ended with a ranking."""
        s, p, every, at = self.s, self.s.pipe, self.every, self.paths.after
        key_start = self._key_start(was, rows_before, ranks)
        first, values = self._first(was, key_start)
        fetched = self._fetched(key_start, first.qk)
        last = self._last(first, values, fetched)
        out = at(at(last.pv, np.maximum(s.pv, 1), COMPUTE), p.pv_latency, FILL)
        ranked, rank_free = self._ranked(was, last.div, out)
        return _State(
            qk=self.streamed(last.qk, s.qk),
            exp=at(last.exp, s.soft, SOFTMAX),
            div=at(last.div, every.div, SOFTMAX),
            topk=at(last.drain, p.turnaround, TOPK),
            pv=at(last.pv, s.pv, COMPUTE),
            key_first=at(first.qk, every.verdict, SOFTMAX),
            key_last=at(self.streamed(last.qk, s.qk), every.verdict, SOFTMAX),
            fetched=fetched,
            out=out,
            ranked=ranked,
            held=was.ranked,
            rank_free=rank_free,
            written=at(out, np.where(s.output > 0, s.memory.write_end + s.output, 0), DRAM),
            qk_busy=at(
                self.streamed(was.qk_busy, s.queries * (s.qk + s.again * every.again_pass)), s.key_turns, COMPUTE
            ),
            pv_busy=at(was.pv_busy, s.queries * s.pv + s.value_turns, COMPUTE),
            dram_busy=at(was.dram_busy, s.rows * every.dram, DRAM),
        )

    def _key_start(self, was: _State, rows_before: F64, ranks: bool) -> F64:
        """Return when the fetch of the first row's K begins: once it may, there is room, and the one before ended."""
        s, begin = self.s, self.paths.start()
        gate = np.where(s.pipe.waits_ranking > 0, was.ranked, begin) if ranks else begin
        gate = later(gate, np.where(s.pipe.waits_output > 0, was.out, begin))
        must = np.clip((rows_before - s.key_room + 1) / rows_before, None, 1)
        return later(gate, np.where(must > 0, between(was.key_first, was.key_last, must), begin), was.fetched)

    def _first(self, was: _State, key_start: F64) -> tuple[_Starts, F64]:
        """Return the starts of the first query, and from when its values may be streamed."""
        s, p, at = self.s, self.s.pipe, self.paths.after
        arrives = at(key_start, s.memory.latency, DRAM)
        query = np.where(p.waits_output > 0, was.out, self.paths.start())
        query = later(query, np.where(p.waits_ranking > 0, self.paths.start(), was.held))
        qk = later(query, was.qk, self._keys(arrives))
        qk = np.where(s.decides > 0, later(qk, self._waiting(was.topk)), qk)
        exp = later(self._to_exp(qk), was.exp)
        div = later(self._to_div(exp), was.div)
        topk = self._to_topk(div, was.topk)
        topk = later(topk, self._queued(was.pv))
        drain = self._to_drain(topk)
        values = self._values(arrives)
        return _Starts(qk, exp, div, topk, drain, later(self._to_pv(topk, drain), was.pv, values)), values

    def _keys(self, arrives: F64) -> F64:
        """Return from when the first row's K may be streamed, given when its fetch begins to arrive.

        V is loaded too: the two streams take turns, request by request.
        """
        s, at = self.s, self.paths.after
        requests = s.front_lines + s.fetch_lines
        fetch = s.fetch + np.minimum(requests / np.maximum(s.value_lines, 1), 1) * s.value
        first = at(arrives, fetch * (s.front_lines + 1) / requests, DRAM)
        plane = at(arrives, fetch * s.msb + 1 - s.key_lines, DRAM)
        return later(first, plane, at(arrives, fetch + 1 - s.fetch_lines, DRAM))

    def _values(self, arrives: F64) -> F64:
        """Return from when the first row's V may be streamed: once all of it is there."""
        s = self.s
        beside = np.minimum(s.value_lines / (s.front_lines + s.fetch_lines), 1) * s.fetch
        return self.paths.after(arrives, s.value + beside, DRAM)

    def _fetched(self, key_start: F64, qk: F64) -> F64:
        """Return when DRAM has brought K and V of all rows; rows beyond the SRAM wait for room."""
        s, at = self.s, self.paths.after
        beyond = np.maximum(s.rows - s.key_room, 0)
        alone = at(key_start, s.rows * s.fetch, DRAM)
        alone = np.where(beyond > 0, later(alone, at(qk, s.qk + beyond * s.fetch, DRAM)), alone)
        return at(alone, s.rows * s.value, DRAM)

    def _last(self, first: _Starts, values: F64, fetched: F64) -> _Starts:
        """Return the starts of the last query."""
        s, p, every, at = self.s, self.s.pipe, self.every, self.paths.after
        queries, rows, nothing = s.queries - 1, s.rows - 1, self.paths.start()
        data = at(fetched, s.memory.latency + 1 - s.fetch_lines, DRAM)
        passes = queries * (s.qk + s.again * every.again_pass)
        paced = self.streamed(first.qk, queries * every.qk, queries * every.qk - passes)
        qk = later(paced, data, self.keys_by_row(first.qk, rows))
        lines = queries * s.soft * (1 + s.again)
        exp = later(self._to_exp(qk), at(first.exp, queries * every.exp, FILL, {SOFTMAX: lines}))
        div = later(self._to_div(exp), at(first.div, queries * every.div, SOFTMAX))
        pace = np.maximum(every.topk, every.queue)
        busy = at(first.topk, queries * pace, TOPK if self.engaged else SOFTMAX, self.waited_for(queries))
        topk = later(self._to_topk(div, nothing), busy)
        div = later(div, self._decided(topk, -1))
        exp = later(exp, self.held(div))
        qk = later(qk, self.held(exp))
        qk = np.where((s.decides > 0) & (s.queries > p.queue_rows), later(qk, self._waiting(topk)), qk)
        drain = self._to_drain(topk)
        brought = self.values_by_row(values, rows)
        whole_rows = at(self.values_by_row(first.pv, rows), (s.row_queries - 1) * s.pv, COMPUTE)
        pv = later(self._to_pv(topk, drain), at(first.pv, queries * every.pv, COMPUTE), brought, whole_rows)
        return _Starts(qk, exp, div, topk, drain, pv)

    def _to_exp(self, qk: F64) -> F64:
        p, at = self.s.pipe, self.paths.after
        scan = self.s.qk - p.streamed * self.s.soft
        return at(self.streamed(qk, scan), p.qk_latency + p.scan_latency, FILL)

    def _to_div(self, exp: F64) -> F64:
        p, lines = self.s.pipe, self.s.soft
        follow = p.streamed * (lines <= self.s.key_lines)
        divides = self.paths.after(exp, lines, SOFTMAX, {COMPUTE: lines * follow})
        return self.paths.after(divides, p.exp_latency, FILL)

    def _to_topk(self, div: F64, free: F64) -> F64:
        """Return when a query enters the top-k engine, given when its division begins and when the engine is free."""
        there = self._decided(div)
        return later(there, free) if self.engaged else there

    def _decided(self, div: F64, sign: int = 1) -> F64:
        """Return when a query's probabilities are there, and decided upon where a decision follows; -1 goes back."""
        s, p = self.s, self.s.pipe
        cycles = sign * (p.div_latency + s.decides * (s.divide + p.verdict))
        return self.paths.after(div, cycles, FILL, {SOFTMAX: sign * s.decides * s.divide})

    def _waiting(self, topk: F64) -> F64:
        """Return from when a query may enter Q x K so that no more wait than a decision allows.

        `topk` is when that query, or the one before, enters the engine; others follow at the engine's pace.
        """
        return self.paths.after(topk, -self.s.pipe.queue_rows * self.every.topk, TOPK)

    def _queued(self, pv: F64) -> F64:
        """Return from when a query may enter the top-k, or pass it by, to find room behind it.

        `pv` is when the query before leaves Prob x V.
        """
        s = self.s
        lines = np.maximum(s.pv, 1)
        held = np.maximum(s.pipe.queue_lines // lines, 1)
        engine = (s.enter + s.search) * self.engaged
        cycles = -lines - (held - 1) * self.every.query - engine
        return self.paths.after(pv, cycles, COMPUTE, {TOPK: -engine})

    def _to_drain(self, topk: F64) -> F64:
        s = self.s
        return self.paths.after(topk, s.enter + s.search, TOPK if self.engaged else SOFTMAX)

    def _to_pv(self, topk: F64, drain: F64) -> F64:
        """Return when Prob x V may begin as far as the engine's output goes."""
        s, p = self.s, self.s.pipe
        if not self.engaged:
            return self.paths.after(topk, np.maximum(0, s.enter - s.pv), SOFTMAX)
        cycles = np.maximum(p.drain_latency, s.load + p.drain_latency - s.pv)
        return self.paths.after(drain, cycles, TOPK)

    def _ranked(self, was: _State, div: F64, out: F64) -> tuple[F64, F64]:
        """Return when the selections at the end of the group are done, and when their engine is free."""
        s, p, at = self.s, self.s.pipe, self.paths.after
        done = self.paths.start()
        if s.token_rank[0] >= 0:
            cycles = self.every.div - 1 + p.div_latency + p.rank_latency
            parts = {SOFTMAX: self.every.div - 1, TOPK: p.rank_latency}
            begin = later(at(div, cycles, FILL, parts), was.rank_free)
            done = at(begin, s.token_rank, TOPK)
        if s.head_rank[0] >= 0:
            begin = later(at(out, p.head_latency, TOPK), was.rank_free, done)
            done = at(begin, s.head_rank, TOPK)
        return done, later(was.rank_free, done)
