"""From layer to layer: when each stage takes its first and its last job.

Within a layer all jobs are alike. A stage's last job starts a whole number of intervals after its first one, or when
the stage before, the data or the buffers allow it, whichever is last; that is exact for a line of stages that each
take the same time for every job. An interval is the largest mean of a loop of the pipeline: a stage's own cycles, or
the time around a bounded buffer over the jobs that it holds.
"""

from dataclasses import dataclass, fields, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from tokensieve.sim.analytic.batch import F64
from tokensieve.sim.analytic.paths import COMPUTE, DRAM, FILL, SOFTMAX, TOPK, Paths, between, later
from tokensieve.sim.analytic.stages import Stages
from tokensieve.sim.result import CAUSES


@dataclass
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
    """When the first and the last row of K began to be used up and was let go."""

    value_last: F64
    fetched: F64
    """When DRAM has brought the last K."""

    out: F64
    ranked: F64
    rank_free: F64
    written: F64
    busy: F64
    """End of DRAM's work if it never waited."""


def walk(s: Stages, layer: npt.NDArray[np.int64], layers: int, causes: bool) -> F64:
    """Return the end of the run of every design, an event; with `causes` it has those of every layer."""
    designs = s.rows.shape[1]
    begin = Paths(layers * len(CAUSES) if causes else 0, designs).start()
    state = _State(*(begin for _ in fields(_State)))
    rows, ranks = np.ones(designs), False
    for g in range(len(layer)):
        paths = Paths(layers * len(CAUSES) if causes else 0, designs, int(layer[g]) * len(CAUSES) if causes else 0)
        state = _Layer(_group(s, g), paths).step(state, rows, ranks)
        rows, ranks = s.rows[g], bool(s.token_rank[g, 0] >= 0 or s.head_rank[g, 0] >= 0)
    return later(state.out, state.written, state.busy)


def _group(s: Stages, g: int) -> Stages:
    """Return the stages of one group: arrays over designs."""
    own = {f.name: getattr(s, f.name) for f in fields(s)}
    cut = {name: array[g] for name, array in own.items() if isinstance(array, np.ndarray)}
    return cast(Stages, replace(s, **cut))


def _ahead(fetch: F64, lines: F64) -> F64:
    """Return how long a fetch of so many lines goes on before they can be streamed without a bubble."""
    return np.maximum(fetch - (lines - 1), fetch / np.maximum(lines, 1))


class _Layer:
    """One group on every design."""

    def __init__(self, s: Stages, paths: Paths) -> None:
        self.s, self.paths = s, paths
        p = s.pipe
        self.scan = p.qk_latency + p.scan_latency
        self.held = np.maximum(p.buffer_lines // s.soft, 1)
        self.queued = np.maximum(p.queue_lines // np.maximum(s.pv, 1), 1)
        self.again_pass = np.maximum(s.key_lines, s.soft)
        self.full_pass = s.qk + self.scan + 2 * s.soft + p.exp_latency + p.div_latency + p.verdict
        passes = 1 + s.again
        self.i_qk = np.maximum(s.qk + s.again * self.again_pass, (s.qk + self.scan) / self.held)
        self.i_exp = np.maximum(s.soft * passes, (s.soft + p.exp_latency) / self.held)
        self.i_div = np.where(s.decides, s.soft * passes, s.enter)
        self.i_topk = np.zeros_like(s.soft) if s.skip else s.enter + s.search + p.turnaround
        to_pv = np.maximum(p.drain_latency, s.load + p.drain_latency - s.pv)
        if not s.early:
            to_pv = to_pv + s.memory.latency
        self.i_queue = np.where(s.skip, 0, to_pv / self.queued)
        self.i_wait = s.decides * self.full_pass / p.queue_rows
        if s.prefill:
            share = s.again
            stalls = (1 - (1 - share) ** p.queue_rows) / p.queue_rows
            self.i_wait = self.i_wait + stalls * self.full_pass
        self.interval = np.maximum.reduce([self.i_qk, self.i_exp, self.i_div, self.i_topk, self.i_queue, self.i_wait, s.pv])
        self._rows()

    def _rows(self) -> None:
        """Intervals of whole rows."""
        s = self.s
        first_pass = self.i_qk if s.prefill else np.maximum(s.qk, (s.qk + self.scan) / self.held)
        held = np.maximum(s.row_jobs * first_pass, (s.row_jobs - 2 * self.held) * self.interval)
        own = np.maximum(s.row_jobs * s.pv, (s.row_jobs - self.queued) * self.interval)
        both = s.fetch + s.value * s.early
        self.tail = s.decides * (self.full_pass - s.qk)
        self.again_time = s.memory.latency + _ahead(s.lsb, s.key_lines) + self.again_pass + self.tail
        units = np.minimum(s.lsb_rows / s.rows * s.key_members, 1)
        if not s.early:
            both = both + s.value * np.maximum(
                both / (both + held + self.tail / s.key_members),
                np.clip((both - (s.enter + s.search) / s.key_members) / np.maximum(s.value, 1e-9), 0, 1),
            )
        wait = np.maximum(_ahead(s.key_members * both, s.fetch_lines), s.key_members * (both - s.fetch * (1 - s.msb)) - (s.key_lines - 1))
        unit = s.memory.latency + wait + s.key_members * held + self.tail
        hidden = (s.key_members - 1) * s.qk
        exposed = np.maximum(self.again_time - self.again_pass - hidden, 0)
        again = units * exposed + (0 if s.prefill else s.lsb_rows / s.rows * s.key_members * self.again_pass)
        self.r_key = (unit + again) / s.key_room
        if s.early:
            values = both * s.value_members if s.prefill else _ahead(both, s.value_lines)
        else:
            values = _ahead(np.maximum(s.value * s.value_members, s.load), s.value_lines)
        self.r_value = (s.memory.latency + values + s.value_members * own) / s.value_room
        self.r_dram = s.dram

    def step(self, was: _State, rows_before: F64, ranks: bool) -> _State:
        s, p, m, at = self.s, self.s.pipe, self.s.memory, self.paths.after
        begin = self.paths.start()
        output, ranking = p.waits_output > 0, p.waits_ranking > 0
        gate = np.where(ranking, was.ranked, begin) if ranks else begin
        if s.prefill:
            gate = later(gate, np.where(output, was.out, begin))
        query_gate = np.where(output, was.out, begin)
        more = np.clip((rows_before - s.key_room + 1) / rows_before, 0, 1)
        key_start = later(gate, between(was.key_first, was.key_last, more), was.fetched)
        requests = s.front_lines + s.fetch_lines
        with_values = np.minimum(requests / np.maximum(s.value_lines, 1), 1) * s.value if s.early else 0.0
        fetch = s.fetch + with_values
        arrive = at(key_start, m.latency, DRAM)
        first = at(arrive, fetch * (s.front_lines + 1) / requests, DRAM)
        last = at(arrive, fetch, DRAM)
        middle = at(arrive, fetch * s.msb, DRAM)
        streamed = later(first, at(middle, 1 - s.key_lines, DRAM), at(last, 1 - s.fetch_lines, DRAM))
        qk = later(query_gate, was.qk, streamed)
        exp = later(at(at(qk, s.qk, COMPUTE), self.scan, FILL), was.exp)
        div = later(at(at(exp, s.soft, SOFTMAX), p.exp_latency, FILL), was.div)
        topk = self._topk(div, was.topk)
        drain = self.paths.after_either(topk, s.enter + s.search, s.searches, TOPK, FILL)
        jobs = s.jobs - 1
        fetched = later(at(key_start, s.rows * s.fetch, DRAM), at(qk, s.qk + np.maximum(s.rows - s.key_room, 0) * s.fetch, DRAM))
        if not s.early:
            fetched = at(fetched, np.where(fetched[0] > drain[0], (s.rows - 1) * s.value, 0), DRAM)
        else:
            fetched = at(fetched, s.rows * s.value, DRAM)
        # V of the first job
        if s.early:
            values = at(arrive, s.value + np.minimum(s.value_lines / requests, 1) * s.fetch, DRAM)
            if not s.prefill:
                values = at(values, 1 - s.value_lines, DRAM)
        else:
            values = self._values(drain, fetched)
        pv = later(self._kept(topk, drain), was.pv, values)
        # last jobs
        rows = s.rows - 1
        qk_last = later(at(qk, jobs * self.i_qk, COMPUTE), at(at(fetched, m.latency, DRAM), 1 - s.fetch_lines, DRAM),
            at(qk, rows * self.r_key, DRAM))
        exp_last = later(at(at(qk_last, s.qk, COMPUTE), self.scan, FILL), at(exp, jobs * self.i_exp, SOFTMAX))
        div_last = later(at(at(exp_last, s.soft, SOFTMAX), p.exp_latency, FILL), at(div, jobs * self.i_div, SOFTMAX))
        wait = np.maximum(self.i_queue, self.i_wait)
        topk_last = later(self._topk(div_last, begin), self.paths.after_either(topk, jobs * np.maximum(self.i_topk, wait), s.searches, TOPK, FILL))
        topk_last = self._again(topk, topk_last)
        div_last = later(div_last, at(topk_last, -p.div_latency - np.where(s.decides, s.soft + p.verdict, 0), FILL))
        exp_last = later(exp_last, at(div_last, -self.held * self.interval, FILL))
        qk_last = later(qk_last, at(exp_last, -self.held * self.interval, FILL))
        drain_last = self.paths.after_either(topk_last, s.enter + s.search, s.searches, TOPK, FILL)
        values_last = at(values, rows * np.maximum(self.r_value, self.r_dram if s.early else 0.0), DRAM) if s.early else self._values(drain_last, fetched)
        pv_last = later(self._kept(topk_last, drain_last), at(pv, jobs * s.pv, COMPUTE), values_last,
            at(at(pv, rows * np.maximum(self.r_value, self.r_dram if s.early else 0.0), DRAM), (s.row_jobs - 1) * s.pv, COMPUTE))
        out = at(at(pv_last, np.maximum(s.pv, 1), COMPUTE), p.pv_latency, FILL)
        ranked, rank_free = self._ranked(was, div_last, out)
        return _State(
            qk=at(qk_last, s.qk, COMPUTE), exp=at(exp_last, s.soft, SOFTMAX), div=at(div_last, self.i_div, SOFTMAX),
            topk=at(drain_last, p.turnaround, FILL), pv=at(pv_last, s.pv, COMPUTE),
            key_first=at(qk, self.tail, SOFTMAX), key_last=at(at(qk_last, s.qk, COMPUTE), self.tail, SOFTMAX), value_last=at(pv_last, s.pv, COMPUTE),
            fetched=fetched, out=out, ranked=ranked, rank_free=rank_free,
            written=at(out, np.where(s.output > 0, m.write_end + s.output, 0), DRAM),
            busy=at(was.busy, s.rows * s.dram, DRAM),
        )

    def _topk(self, div: F64, free: F64) -> F64:
        """Return when a job enters the top-k engine, given when its division begins and when the engine is free."""
        s, p, at = self.s, self.s.pipe, self.paths.after
        decided = at(div, p.div_latency + np.where(s.decides, s.soft + p.verdict, 0), FILL)
        return decided if s.skip else later(decided, free)

    def _kept(self, topk: F64, drain: F64) -> F64:
        """Return when Prob x V may begin as far as the engine's output goes."""
        s, p, at = self.s, self.s.pipe, self.paths.after
        if s.skip:
            return at(topk, np.maximum(0, s.enter - s.pv), FILL)
        return self.paths.after_either(drain, np.maximum(p.drain_latency, s.load + p.drain_latency - s.pv), s.searches, TOPK, FILL)

    def _values(self, drain: F64, fetched: F64) -> F64:
        """Return from when a job's values may be streamed, where they are fetched once its ids are known."""
        s, m, at = self.s, self.s.memory, self.paths.after
        lines = np.maximum(s.value_lines, 1)
        busy = fetched[0] > drain[0]
        own = s.value * np.where(busy, 2, 1)
        queue = np.where(busy, np.minimum(m.backlog, fetched[0] - drain[0]), 0)
        first = at(drain, s.load / lines + m.latency + own / lines + queue, DRAM)
        last = later(at(drain, s.load + own / lines, DRAM), at(drain, s.load / lines + own, DRAM))
        last = at(last, m.latency + queue, DRAM)
        return later(first, at(last, 1 - lines, DRAM))

    def _again(self, topk: F64, last: F64) -> F64:
        """Return when the last job enters the engine, given the second passes before it."""
        s, at = self.s, self.paths.after
        if s.prefill or not (s.again_last >= 0).any():
            return last
        up = np.maximum(np.maximum(s.qk, s.soft), self.r_key)  # of first passes: second ones fill the gaps
        for place in (s.again_first, s.again_last):
            here = at(at(topk, place * up + self.again_time, DRAM), (s.jobs - 1 - place) * self.i_topk, TOPK)
            last = later(last, here)
        return last

    def _ranked(self, was: _State, div: F64, out: F64) -> tuple[F64, F64]:
        s, p, at = self.s, self.s.pipe, self.paths.after
        done = self.paths.start()
        if s.token_rank[0] >= 0:
            begin = later(at(div, self.i_div - 1 + p.div_latency + p.rank_latency, FILL), was.rank_free)
            done = at(begin, s.token_rank, TOPK)
        if s.head_rank[0] >= 0:
            begin = later(at(out, p.head_latency, FILL), was.rank_free, done)
            done = at(begin, s.head_rank, TOPK)
        return done, later(was.rank_free, done)
