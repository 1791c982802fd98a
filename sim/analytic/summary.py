"""`Summary`: the work of a run, added up once for each layer of each step, whatever the machine."""

from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tokensieve.arch.datapath import ENGINES, Topk
from tokensieve.arch.machine import Arch
from tokensieve.arch.memory import Dram
from tokensieve.arch.topklaw import TopkWork
from tokensieve.sim.analytic.longrows import part
from tokensieve.sim.analytic.played import Stretches
from tokensieve.sim.analytic.reads import Answers
from tokensieve.sim.analytic.stretch import KINDS, alike, stack
from tokensieve.sim.analytic.traffic import planes, traffic
from tokensieve.sim.capacity import check_capacity
from tokensieve.sim.cycle.plan import vectors_per_line
from tokensieve.sim.work import RowWork, io_bytes, record_sizes, row_work, selection
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.excerpt import excerpt
from tokensieve.workloads.reference import Kind, dense
from tokensieve.workloads.sampling import sources

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

UNRECORDED = next(name for name in ENGINES if Topk(engine=name).record is None)
"""An engine that reads no work records."""


class Summary:
    """Statistics of decisions by *group*, a layer of a step; G groups. Whatever a machine decides of them is cached."""

    def __init__(self, decisions: Decisions, un_pruned: bool = False) -> None:
        """With `un_pruned`, the decisions are a dense reference, as in `row_work`."""
        self._decisions, self._un_pruned = decisions, un_pruned
        self._traffic: Answers[Arch, F64] = Answers()
        self._of_order: dict[tuple[object, ...], Answers[Dram, F64]] = {}
        self._searches: Answers[Topk, F64] = Answers()
        self._excerpts: dict[tuple[int, int, int | None], Summary] = {}
        self._selections: dict[str, Answers[Topk, F64]] = {"token": Answers(), "head": Answers()}

    @cached_property
    def _references(self) -> dict[Kind, "Summary"]:
        return {}

    def reference(self, kind: Kind) -> "Summary":
        """Return the summary of the un-pruned reference of the same work."""
        if kind not in self._references:
            self._references[kind] = Summary(dense(self._decisions, kind), un_pruned=True)
        return self._references[kind]

    @cached_property
    def work(self) -> RowWork:
        """Rows for all that is said of no machine: no widths on chip, no work records (a trace may lack any kind)."""
        machine = Arch().model_copy(update={"topk": Topk(engine=UNRECORDED)})
        return row_work(machine, self._decisions, self._un_pruned)

    def row_work(self, arch: Arch) -> RowWork:
        """Return `work` with queries and outputs in the width of `arch`."""
        return replace(self.work, io_bytes=io_bytes(arch, self._decisions, self._un_pruned))

    @cached_property
    def _unique(self) -> tuple[I64, I64]:
        groups, of_row = np.unique(self.work.group, return_inverse=True)
        return groups, of_row

    def excerpt(self, begin: int, end: int, most: int | None = None) -> "Summary":
        """Return the summary of some rows as a run of their own, as `workloads.excerpt` makes it."""
        rows = begin, end, most
        if rows not in self._excerpts:
            self._excerpts[rows] = Summary(excerpt(self._decisions, *rows), self._un_pruned)
        return self._excerpts[rows]

    def fitted(self, arch: Arch) -> RowWork:
        """Return the work of level `cycle` on `arch`."""
        return row_work(arch, self._decisions, self._un_pruned)

    @property
    def groups(self) -> I64:
        """Number of each group, ``step * layers + layer``."""
        return self._unique[0]

    def by_row(self, values: npt.ArrayLike) -> F64:
        """Return the sums of what the rows hold, shape (G,)."""
        return np.bincount(self._unique[1], np.asarray(values, np.float64), len(self.groups)).astype(np.float64)

    def by_query(self, values: npt.ArrayLike) -> F64:
        """Return the sums of what the queries hold, shape (G,)."""
        return np.bincount(self._query_group, np.asarray(values, np.float64), len(self.groups)).astype(np.float64)

    @cached_property
    def _query_group(self) -> I64:
        return np.repeat(self._unique[1], self.work.queries)

    @cached_property
    def layer(self) -> I64:
        """Layer of each group."""
        return self.groups % self.work.layers

    @cached_property
    def rows(self) -> F64:
        """Rows (live heads)."""
        return self.by_row(np.ones(len(self.work.group)))

    @cached_property
    def keys(self) -> F64:
        """Keys of each row: the most that a row of the group has."""
        most = np.zeros(len(self.groups))
        np.maximum.at(most, self._unique[1], self.work.keys.astype(np.float64))
        return most

    @cached_property
    def queries(self) -> F64:
        """Queries of all rows."""
        return self.by_row(self.work.queries)

    @cached_property
    def key_owners(self) -> F64:
        """Rows that fetch K, for themselves or for a pair."""
        return self.by_row(~self.work.key_second)

    @cached_property
    def value_owners(self) -> F64:
        """Rows that fetch V."""
        return self.by_row(~self.work.value_shared)

    @cached_property
    def engaged(self) -> F64:
        """Queries that go through the local top-k; the others pass it by."""
        return self.by_query(~self.work.topk_passes)

    @cached_property
    def early(self) -> F64:
        """1 where V of every row is loaded with K."""
        early: F64 = (self.by_row(~self.work.values_early) == 0).astype(np.float64)
        return early

    @cached_property
    def forced(self) -> F64:
        """Rows whose format forces a second pass."""
        return self.by_row(self.work.forced)

    @cached_property
    def decided(self) -> F64:
        """Rows that pass the decision."""
        return self.by_row(self.work.decide)

    @cached_property
    def redone(self) -> F64:
        """Queries that are computed again."""
        return self.by_query(self.work.redo)

    @cached_property
    def lsb_rows(self) -> F64:
        """Rows whose low bits a decision fetches."""
        return self.by_row(np.add.reduceat(self.work.redo, self.work.query_ptr[:-1]) > 0)

    def lsb_blocks(self, arch: Arch) -> F64:
        """Return the low bits that decisions fetch where every row is cut into blocks, shape (G,): a block each.

        Of `arch`, softmax lanes and lines count: a block is as many queries as these hold.
        """
        work, at = self.work, np.flatnonzero(self.work.redo)
        row = work.query_row[at]
        size = np.maximum(arch.softmax.fifo_lines // np.maximum(-(-work.keys // arch.softmax.lanes), 1), 1)
        block = (at - work.query_ptr[row]) // size[row]
        asked = np.unique(np.stack([row, block]), axis=1)[0]
        return self.by_row(np.bincount(asked, minlength=len(work.group)))

    def value_lines(self, per_line: int) -> F64:
        """Return the lines of V that the queries of each group stream."""
        return self.by_query(-(-self.work.values // per_line))

    def check_fit(self, arch: Arch) -> int:
        """Return 0, or raise `WorkloadError` where the work does not fit `arch`: head width, context, DRAM."""
        work = self.row_work(arch)
        lines = vectors_per_line(arch, work)
        every = ((plane.base, plane.width) for plane in planes(lines, work).values())
        check_capacity(arch.dram, every, int(work.context.max()) + max(lines) - 1)
        return 0

    def traffic(self, arch: Arch) -> F64:
        """Return `traffic.traffic` of the work."""
        return self._traffic.of(self._traffic_of, arch)

    def _traffic_of(self, arch: Arch) -> F64:
        """Answer once for all machines whose lines hold other vectors, but read the same granules."""
        whole = self.row_work(arch)
        cut = part(whole, self.groups)
        work = cut.work if cut else whole
        every = planes(vectors_per_line(arch, work), work)
        order = work.io_bytes, *(one.order(arch.dram.granule_bytes) for one in every.values())
        known: Answers[Dram, F64] = self._of_order.setdefault(order, Answers())
        seen = known.of(lambda dram: traffic(dram, every, work, self.groups), arch.dram)
        return np.concatenate([seen[:-1] * cut.scale, seen[-1:]]) if cut else seen

    @cached_property
    def kinds(self) -> I64:
        """Group that stands for each group in `stretches`: a few of all sizes, each for those nearest to it."""
        size, stands = (
            self.keys + self.by_query(self.work.values) / self.queries + self.queries / self.rows,
            self.groups * 0,
        )
        for which in (np.flatnonzero(self.early > 0), np.flatnonzero(self.early == 0)):
            if len(which):
                sizes, first = np.unique(size[which], return_index=True)
                chosen = np.unique(np.linspace(0, len(sizes) - 1, KINDS).round().astype(np.int64))
                stands[which] = which[first[chosen[np.abs(size[which][:, None] - sizes[chosen]).argmin(axis=1)]]]
        return stands

    def stack(self, arch: Arch) -> int:
        """Return a number of the DRAM of `arch` and of how the fetcher's requests fall on it, for `stretches`."""
        dram = stack(arch)
        fifo = 1 if alike(dram) else arch.fetcher.fifo_depth
        return self.stretches.stack(dram, fifo, self.row_work(arch))

    @cached_property
    def stretches(self) -> Stretches:
        """What DRAM makes of stretches of the groups."""
        return Stretches(self.work, self.groups)

    def searches(self, topk: Topk) -> F64:
        """Return the cycles of the searches of the local top-k and the scores that they stream, shape (2, G)."""
        group, stands_for, figures = self.search_times(topk)
        return np.stack([np.bincount(group, stands_for * one, len(self.groups)) for one in figures])

    def search_times(self, topk: Topk) -> tuple[I64, I64, F64]:
        """Return the searches of the local top-k that may differ: of which group each is, and for how many queries.

        Last come their cycles and the scores that they stream, shape (2, searches). Whoever passes by takes 0 cycles.
        """
        which, stands_for, _ = self._apart
        return self._query_group[which], stands_for, self._searches.of(self._searched, topk)

    def _searched(self, topk: Topk) -> F64:
        work, law, which = self.work, topk.law, self._apart[0]
        one = TopkWork(
            items=work.keys[np.searchsorted(work.query_ptr, which, side="right") - 1],
            kept=np.where(work.topk_runs, work.values, 0)[which],
            sizes=record_sizes(topk, self._decisions, "local", which),
        )
        cycles = np.where(work.topk_passes[which], 0, law.search(one))
        return np.stack([cycles, np.asarray(law.streamed(one))]).astype(np.float64)

    @cached_property
    def _apart(self) -> tuple[I64, I64, I64]:
        """Queries whose searches may differ, in order, for how many queries each stands, and which one for each."""
        work, source = self.work, sources(self._decisions)
        idle = np.flatnonzero(~work.topk_runs)
        if len(idle):
            _, first, kind = np.unique(
                2 * self._query_group[idle] + work.topk_passes[idle], return_index=True, return_inverse=True
            )
            source[idle] = idle[first[kind]]
        which, of_query, stands_for = np.unique(source, return_inverse=True, return_counts=True)
        return which, stands_for.astype(np.int64), of_query

    def search(self, topk: Topk, which: I64 | slice = slice(None)) -> F64:
        """Return the cycles of the search of every query, or of those at `which`: 0 where it passes by."""
        cycles: F64 = self.search_times(topk)[2][0][self._apart[2][which]]
        return cycles

    def selection(self, kind: str, topk: Topk) -> F64:
        """Return cycles, items and scores streamed of the `token` or `head` selections; -1 cycles where none runs."""
        return self._selections[kind].of(lambda topk: self._selected(kind, topk), topk)

    def _selected(self, kind: str, topk: Topk) -> F64:
        nothing = np.tile([[-1.0], [0.0], [0.0]], len(self.groups))
        chosen = selection(topk, self._decisions, kind)
        if chosen is None:
            return nothing
        items, kept, sizes = (one[self.groups] for one in chosen)
        one = TopkWork(items=np.maximum(items, 0), kept=np.maximum(kept, 0), sizes=sizes)
        law = topk.law
        return np.where(items >= 0, np.stack([law.cycles(one), one.items, law.streamed(one)]), nothing)
