"""`Summary`: the work of a run, added up once for each layer of each step, whatever the machine."""

from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tokensieve.arch.datapath import ENGINES, Topk
from tokensieve.arch.machine import Arch
from tokensieve.arch.topklaw import TopkWork
from tokensieve.sim.analytic.beside import beside
from tokensieve.sim.analytic.reads import Answers
from tokensieve.sim.analytic.traffic import Traffic, planes, traffic
from tokensieve.sim.capacity import check_capacity
from tokensieve.sim.cycle.plan import local_selections, vectors_per_line
from tokensieve.sim.work import RowWork, Selection, io_bytes, row_work
from tokensieve.workloads.decisions import Decisions

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

UNRECORDED = next(name for name in ENGINES if Topk(engine=name).record is None)
"""An engine that reads no work records."""


class Summary:
    """Statistics of decisions by *group*, a layer of a step; G groups. Whatever a machine decides of them is cached."""

    def __init__(self, decisions: Decisions, un_pruned: bool = False) -> None:
        """With `un_pruned`, the decisions are a dense reference, as in `row_work`."""
        self._decisions, self._un_pruned = decisions, un_pruned
        self._records: Answers[Topk, RowWork] = Answers()
        self._traffic: Answers[Arch, Traffic] = Answers()
        self._searches: Answers[Topk, F64] = Answers()
        self._search: Answers[Topk, F64] = Answers()

    @cached_property
    def work(self) -> RowWork:
        """Rows for all that is said of no machine: no widths on chip, no work records (a trace may lack any kind)."""
        return self._recorded(Topk(engine=UNRECORDED))

    def _recorded(self, topk: Topk) -> RowWork:
        """Return the rows with the work records of an engine; the rest of the machine is the default one."""

        def rows(topk: Topk) -> RowWork:
            return row_work(Arch().model_copy(update={"topk": topk}), self._decisions, self._un_pruned)

        return self._records.of(rows, topk)

    def row_work(self, arch: Arch) -> RowWork:
        """Return `work` with queries and outputs in the width of `arch`."""
        return replace(self.work, io_bytes=io_bytes(arch, self._decisions, self._un_pruned))

    @cached_property
    def _unique(self) -> tuple[I64, I64]:
        groups, of_row = np.unique(self.work.group, return_inverse=True)
        return groups, of_row

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

    @cached_property
    def again_at(self) -> tuple[F64, F64]:
        """First and last query of each group that is computed again; -1 where none is."""
        at = np.flatnonzero(self.work.redo)
        group = self._query_group[at]
        place = at - np.searchsorted(self._query_group, group)
        first, last = np.full(len(self.groups), np.inf), np.full(len(self.groups), -1.0)
        np.minimum.at(first, group, place)
        np.maximum.at(last, group, place)
        return np.where(last < 0, -1, first), last

    def value_lines(self, per_line: int) -> F64:
        """Return the lines of V that the queries of each group stream."""
        return self.by_query(-(-self.work.values // per_line))

    def check_fit(self, arch: Arch) -> int:
        """Return 0, or raise `WorkloadError` where the work does not fit `arch`: head width, context, DRAM."""
        work = self.row_work(arch)
        per_line = max(vectors_per_line(arch, work))
        every = ((plane.base, plane.width) for plane in planes(arch, work).values())
        check_capacity(arch.dram, every, int(work.context.max()) + per_line - 1)
        return 0

    def traffic(self, arch: Arch) -> Traffic:
        """Return `traffic.traffic` of the work."""
        return self._traffic.of(lambda arch: traffic(arch, self.row_work(arch), self.groups), arch)

    def beside(self, arch: Arch) -> F64:
        """Return `beside.beside` of the first row of each group, shape (2, G); zeros where V is not loaded with K."""
        work, seen = self.row_work(arch), np.zeros((2, len(self.groups)))
        early = np.flatnonzero(self.early > 0)
        if len(early):
            first = np.searchsorted(work.group, self.groups[early])
            seen[:, early] = beside(arch.dram, planes(arch, work), work.ids, first)
        return seen

    def searches(self, topk: Topk) -> F64:
        """Return the cycles of the searches of the local top-k and the scores that they stream, shape (2, G)."""
        return self._searches.of(self._searched, topk)

    def _searched(self, topk: Topk) -> F64:
        streamed = topk.law.streamed(local_selections(self._recorded(topk)))
        return np.stack([self.by_query(values) for values in (self.search(topk), streamed)])

    def search(self, topk: Topk) -> F64:
        """Return the cycles of the search of every query, shape (Q,): 0 where it passes by."""
        return self._search.of(self._search_of_each, topk)

    def _search_of_each(self, topk: Topk) -> F64:
        work = self._recorded(topk)
        return np.where(work.topk_passes, 0, topk.law.search(local_selections(work))).astype(np.float64)

    def selection(self, kind: str, topk: Topk) -> F64:
        """Return cycles, items and scores streamed of the `token` or `head` selections; -1 cycles where none runs."""
        work, nothing = self._recorded(topk), np.tile([[-1.0], [0.0], [0.0]], len(self.groups))
        chosen: Selection | None = getattr(work, f"{kind}_selection")
        if chosen is None:
            return nothing
        items, kept, sizes = (part[self.groups] for part in chosen)
        one = TopkWork(items=np.maximum(items, 0), kept=np.maximum(kept, 0), sizes=sizes)
        law = topk.law
        return np.where(items >= 0, np.stack([law.cycles(one), one.items, law.streamed(one)]), nothing)
