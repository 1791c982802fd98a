"""The attention pipeline once more: per query, in plain Python, from decisions, machine and the arrival of the data.

When K, LSBs and V arrive is given (DRAM is not modelled here), and so is the order in which first and second passes
enter Q x K, if wanted. All stage times follow, by these rules:

* Q x K takes a pass at a time, a line a cycle, at least as many cycles as the softmax takes lines. A pass begins when
  the array is free, its K streams without a gap, its group's queries are there, and the softmax's line buffer has room;
  a query that will be decided upon also waits for the query `queue_rows` before it to have left for the top-k engine.
* A line buffer holds as many packets of scores as fit; one leaves when the next stage begins to read it.
* Exponentials begin when the whole packet is scanned, or with `softmax.scan` = streamed so that the last score is taken
  as it comes; division when all exponentials are accumulated; each takes a line
  a cycle. Probabilities that no decision waits for go straight into the top-k engine, which must be free by then.
* A query that keeps all its values passes the engine by, once the last one that went through it has been drained and
  the queue before Prob x V has room for its probabilities.
* A division goes no faster than the accumulator of importance takes the probabilities.
* A decision falls after the last probability has gone through the tree. The first that asks for them fetches the LSBs;
  the query goes through Q x K again, and goes first as soon as it can.
* The engine loads, searches and drains; the next load begins with the drain. It drains when the queue before Prob x V
  has room for all that is kept.
* Prob x V takes a line a cycle, and its last line not before the last kept probability has come.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tokensieve.arch import Arch
from tokensieve.arch.timing import StreamWork
from tokensieve.arch.topklaw import TopkWork
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.ragged import Ragged


@dataclass
class Query:
    """What one query has to go through, and when its data come."""

    group: int
    lines: int
    """Lines of K."""

    soft: int
    """Lines of scores."""

    sums: int
    """Beats of probabilities at the accumulator of importance."""

    first_pass: int
    """Cycles of the first pass through Q x K."""

    values: int
    """Lines of V."""

    load: int
    search: int
    drain: int
    passes: bool
    """Whether it passes the top-k engine by."""

    decides: bool
    redo: bool
    key_at: int
    lsb_at: int
    value_at: int


@dataclass
class Times:
    """Start of each stage; passes in order of Q x K, queries in order."""

    passes: list[tuple[int, bool]] = field(default_factory=list)
    """Query, and whether it is its second pass."""

    qk: list[int] = field(default_factory=list)
    exp: list[int] = field(default_factory=list)
    div: list[int] = field(default_factory=list)
    load: list[int] = field(default_factory=list)
    drain: list[int] = field(default_factory=list)
    pv: list[int] = field(default_factory=list)
    out: list[int] = field(default_factory=list)
    """Last output."""

    ranked: list[int] = field(default_factory=list)
    """End of the selections of each group, 0 where none runs."""


def queries(arch: Arch, d: Decisions, arrivals: Sequence[tuple[int, int, int]], dense: bool = False) -> list[Query]:
    """Return the queries of `d`, with the arrivals of K, LSB and V of each; in a `dense` run nothing is decided."""
    per_key, per_value = arch.qk.multipliers // d.head_dim, arch.pv.multipliers // d.head_dim
    records = recorded(arch, d, "local", len(d.query_row))
    result = []
    for q, row in enumerate(d.query_row.tolist()):
        keys, kept, sizes = int(d.keys_kept[row]), int(d.values_kept[q]), tuple(records[q].tolist())
        mine = d.lsb_refetch[d.query_ptr[row] : d.query_ptr[row + 1]]
        forced = bool((mine == 2).any())
        lines, soft = -(-keys // per_key), -(-keys // arch.softmax.lanes)
        work = TopkWork(items=keys, kept=kept if sizes else 0, sizes=sizes or (0,))
        law, passes = arch.topk.law, kept >= keys
        own = (0, 0, 0) if passes else tuple(int(f(work)) for f in (law.load, law.search, law.drain))
        key_at, lsb_at, value_at = arrivals[q]
        result.append(
            Query(
                group=int(d.row_group[row]),
                lines=lines,
                soft=soft,
                sums=-(-keys // arch.importance.lanes),
                first_pass=lines * forced + max(lines, soft),
                values=-(-kept // per_value),
                load=own[0],
                search=own[1],
                drain=own[2],
                passes=passes,
                decides=_decides(d) and not forced and not dense,
                redo=int(d.lsb_refetch[q]) == 1,
                key_at=key_at,
                lsb_at=lsb_at,
                value_at=value_at,
            )
        )
    return result


def recorded(arch: Arch, d: Decisions, site: str, count: int) -> Ragged:
    """Return the work records of the engine; for one without a kind those of another, which say what searches."""
    kind = arch.topk.record or next(iter(d.records), None)
    return getattr(d.records[kind], site) if kind in d.records else Ragged.empty(count)


def _decides(d: Decisions) -> bool:
    """Return whether rows pass the progressive-quantization decision; in prefill it is off unless it was used."""
    used = d.phase == "decode" or bool((d.lsb_refetch == 1).any())
    return d.meta["threshold"] is not None and used


class Pipeline:
    """The stages of one machine with their latencies."""

    def __init__(self, arch: Arch, d: Decisions, work: list[Query]) -> None:
        self.arch, self.d, self.work = arch, d, work
        per_value = arch.pv.multipliers // d.head_dim
        self.qk_latency = arch.qk.law(d.head_dim, d.head_dim, arch.key_sram.read_latency).latency
        self.pv_latency = arch.pv.law(d.head_dim, per_value, arch.value_sram.read_latency).latency
        self.law = arch.softmax.law
        self.times = Times()
        self.pending: list[int] = []
        self.final: dict[int, int] = {}
        """Pass whose probabilities each query uses."""

        self.ranking_free = 0

    def run(self, order: Sequence[tuple[int, bool]] | None = None) -> Times:
        """Return all times; passes enter Q x K in `order`, or as soon as they can."""
        while len(self.times.passes) < len(self.work) + sum(q.redo and q.decides for q in self.work):
            number = len(self.times.passes)
            fresh = sum(not again for _, again in self.times.passes)
            first = self.first_pass(fresh) if fresh < len(self.work) else None
            second = self.second_pass() if self.pending else None
            wants = second is not None and (first is None or second <= first)
            again = wants if order is None else order[number][1]
            start = second if again else first
            assert start is not None, "the given order cannot be"
            self.enter(self.pending.pop(0) if again else fresh, again, start)
        return self.times

    def cycles(self, number: int) -> int:
        """Return the cycles that a pass takes in Q x K."""
        query, again = self.times.passes[number]
        q = self.work[query]
        return max(q.lines, q.soft) if again else q.first_pass

    def array_free(self) -> int:
        """Return when Q x K is free."""
        return self.times.qk[-1] + self.cycles(len(self.times.qk) - 1) if self.times.qk else 0

    def room(self, begun: list[int], lines: int, number: int) -> int:
        """Return when a line buffer, which packets leave in order at the times `begun`, has room for pass `number`."""
        left = 0
        while sum(self.soft(n) for n in range(left, number)) + lines > self.arch.softmax.fifo_lines:
            left += 1
        return begun[left - 1] if left else 0

    def soft(self, number: int) -> int:
        """Return the lines of scores of a pass."""
        return self.work[self.times.passes[number][0]].soft

    def first_pass(self, query: int) -> int | None:
        """Return when a query can enter, or None while it waits for one that has to go through again."""
        q, behind = self.work[query], query - self.arch.requant.queue_rows
        ready = [self.array_free(), q.key_at, self.queries_from(q.group)]
        ready.append(self.room(self.times.exp, q.soft, len(self.times.passes)))
        if q.decides and behind >= 0:
            if behind >= len(self.times.load):
                return None
            ready.append(self.times.load[behind])
        return max(ready)

    def second_pass(self) -> int:
        """Return when the oldest query that asked for its LSBs can enter again."""
        query = self.pending[0]
        q, before = self.work[query], self.times.passes.index((query, False))
        room = self.room(self.times.exp, q.soft, len(self.times.passes))
        return max(self.array_free(), q.lsb_at, self.decided(before), room)

    def queries_from(self, group: int) -> int:
        """Return from when the queries of a group can be computed, and their sums be kept (without a barrier)."""
        if self.arch.control.barrier == "none" and group > 1:
            return self.times.ranked[group - 2] if group - 2 < len(self.times.ranked) else 1 << 60
        if group == 0 or self.arch.control.barrier != "output":
            return 0
        last = max(i for i, q in enumerate(self.work) if q.group == group - 1)
        return self.times.out[last] + 1 if last < len(self.times.out) else 1 << 60

    def enter(self, query: int, again: bool, start: int) -> None:
        """Take a pass through Q x K and all that can follow."""
        times, q = self.times, self.work[query]
        number = len(times.passes)
        times.passes.append((query, again))
        times.qk.append(start)
        scanned = start + self.cycles(number) + self.qk_latency + self.law.scan_latency
        if self.arch.softmax.scan == "streamed":
            scanned -= self.soft(number)
        busy = times.exp[-1] + self.soft(number - 1) if number else 0
        times.exp.append(max(scanned, busy, self.room(times.div, q.soft, number)))
        accumulated = times.exp[number] + q.soft + self.law.exp_latency
        times.div.append(max(accumulated, self.divider_free(number), self.engine_free(query) - self.law.divide_latency))
        if q.decides and q.redo and not again:
            self.pending.append(query)
            return
        self.final[query] = number
        while len(times.load) in self.final:
            self.select(len(times.load))

    def divider_free(self, number: int) -> int:
        """Return when the divider is done with the pass before."""
        return self.times.div[number - 1] + self.division(number - 1) if number else 0

    def division(self, number: int) -> int:
        """Return the cycles of a division: of the slowest of softmax, importance, and a top-k engine that it feeds."""
        q = self.work[self.times.passes[number][0]]
        return max(q.soft, q.sums, 0 if q.decides else q.load)

    def engine_free(self, query: int) -> int:
        """Return when the probabilities of a query may come straight from the division."""
        if self.work[query].decides:
            return 0
        if self.work[query].passes:
            return max(self.engine_empty(query), self.queue_room(query))
        return self.next_load()

    def engine_empty(self, query: int) -> int:
        """Return when all that went through the engine before a query has been drained."""
        through = [i for i in range(query) if not self.work[i].passes]
        return self.times.drain[through[-1]] + self.work[through[-1]].drain if through else 0

    def next_load(self) -> int:
        """Return when the top-k engine takes the next query's first beat."""
        if not self.times.drain:
            return 0
        before = self.work[len(self.times.drain) - 1]
        return self.times.drain[-1] + (0 if before.passes else self.arch.topk.law.turnaround)

    def decided(self, number: int) -> int:
        """Return when the decision upon a pass falls."""
        return self.times.div[number] + self.division(number) + self.law.divide_latency + self.arch.requant.tree_stages

    def select(self, query: int) -> None:
        """Take a query through the top-k engine and Prob x V."""
        times, q, number = self.times, self.work[query], self.final[query]
        if q.decides:
            by = max(self.engine_empty(query), self.queue_room(query)) if q.passes else 0
            free = max(self.next_load(), by)
            load, cycles = max(self.decided(number), free), max(q.soft, q.load)
        else:
            load, cycles = times.div[number] + self.law.divide_latency, self.division(number)
        times.load.append(load)
        times.drain.append(max(load + cycles + q.search, self.queue_room(query)))
        self.multiply(query)

    def queue_room(self, query: int) -> int:
        """Return when what a query keeps finds room before Prob x V, in order."""
        at = 0
        for oldest in range(query):
            waiting = sum(self.work[i].values for i in range(oldest, query))
            if not waiting or waiting + self.work[query].values <= self.arch.topk.queue_lines:
                break
            at = self.times.pv[oldest]
        before = self.queue_room_before
        self.queue_room_before = max(before, at)
        return self.queue_room_before

    queue_room_before = 0

    def multiply(self, query: int) -> None:
        """Take a query through Prob x V, and its group through the selections if it is the last one."""
        times, q = self.times, self.work[query]
        picked = times.drain[query] + q.drain
        first = times.load[query] if q.passes else times.drain[query] + self.arch.topk.law.drain_latency
        ready = [first, picked - q.values, q.value_at if q.values else 0]
        ready.append(times.pv[-1] + self.work[query - 1].values if query else 0)
        times.pv.append(max(ready))
        times.out.append(times.pv[query] + max(q.values, 1) - 1 + self.pv_latency)
        if query + 1 == len(self.work) or self.work[query + 1].group != q.group:
            self.rank(q.group, times.out[query] + 1)

    def rank(self, group: int, out: int) -> None:
        """Select tokens after a group's last probability, then heads after its last output."""
        d = self.d
        of_group = [number for query, number in self.final.items() if self.work[query].group == group]
        last = max(self.times.div[n] + self.division(n) - 1 for n in of_group) + self.law.divide_latency
        importance = self.arch.importance.law(self.arch.topk)
        heads = int(importance.cycles(StreamWork(items=d.head_dim))) - 1
        end = 0
        for kind, ready in (("token", last + importance.latency), ("head", out + heads)):
            items, kept = (int(n) for n in getattr(d, f"topk_{kind}_count")[group])
            if kept < items:
                sizes = tuple(recorded(self.arch, d, kind, d.steps * d.layers)[group].tolist()) or (0,)
                work = TopkWork(items=items, kept=kept, sizes=sizes)
                end = max(ready, self.ranking_free, end) + int(self.arch.topk.law.cycles(work))
        self.ranking_free = max(self.ranking_free, end)
        self.times.ranked.append(end)
