"""`Summary`: the work of a run, added up once for each layer of each step, whatever the machine."""

from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.arch.topklaw import QuickselectLaw, RadixLaw, TopkLaw, TopkWork
from tokensieve.sim.analytic.beside import beside
from tokensieve.sim.analytic.traffic import Traffic, planes, traffic
from tokensieve.sim.work import RowWork, Selection, io_bytes, row_work
from tokensieve.workloads.decisions import Decisions

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

SEARCH_TERMS = ("searches", "bypasses", "rounds", "rows", "streamed")
"""What a group's searches come to: how many there are and how many selections have nothing to search, and for the
engines with a work record its rounds, the rows of `lanes` scores that these stream, and the scores in them."""


class Summary:
    """Statistics of decisions by *group*, a layer of a step; G groups. Whatever a machine decides of them is cached."""

    def __init__(self, decisions: Decisions, un_pruned: bool = False) -> None:
        """With `un_pruned`, the decisions are a dense twin, as in `row_work`."""
        self._decisions, self._un_pruned = decisions, un_pruned
        self._works: dict[str, RowWork] = {}
        self._searches: dict[tuple[str, int], F64] = {}
        self._traffic: dict[object, Traffic] = {}

    def row_work(self, arch: Arch) -> RowWork:
        """Return the rows as `arch` has them: with its engine's work records, queries and outputs in its width."""
        key = arch.topk.engine
        if key not in self._works:
            self._works[key] = row_work(arch, self._decisions, self._un_pruned)
        return replace(self._works[key], io_bytes=io_bytes(arch, self._decisions, self._un_pruned))

    @cached_property
    def work(self) -> RowWork:
        """Rows of the default machine, for all that is said of no machine: no work records, no widths on chip."""
        return self.row_work(Arch())

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
    def jobs(self) -> F64:
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
        """First and last job of each group that is computed again; -1 where none is."""
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

    def traffic(self, arch: Arch) -> Traffic:
        """Return `traffic.traffic` of the work, which depends on `traffic.FIELDS` alone."""
        dram = arch.dram
        key = (dram.channels, dram.pseudo_channels, dram.bank_groups, dram.banks_per_group, dram.row_bytes,
               dram.granule_bytes, dram.mapping, arch.qk.multipliers, arch.pv.multipliers,
               arch.number.onchip_bits)  # fmt: skip
        if key not in self._traffic:
            self._traffic[key] = traffic(arch, self.row_work(arch), self.groups)
        return self._traffic[key]

    def beside(self, arch: Arch) -> F64:
        """Return `beside.beside` of the first row of each group, shape (2, G); zeros where V is not loaded with K."""
        if not self.work.values_early:
            return np.zeros((2, len(self.groups)))
        work = self.row_work(arch)
        first = np.searchsorted(work.group, self.groups)
        return beside(arch.dram, planes(arch, work), work.ids, first)

    def searches(self, arch: Arch) -> F64:
        """Return `SEARCH_TERMS` of the local top-k by group, shape (5, G); they depend on engine and lanes alone."""
        key = (arch.topk.engine, arch.topk.lanes)
        if key not in self._searches:
            work = self.row_work(arch)
            keys = work.keys[work.query_row]
            kept = np.where(work.topk_runs, work.values, keys)
            terms = search_terms(arch.topk.law, TopkWork(items=keys, kept=kept, sizes=work.topk_sizes))
            self._searches[key] = np.stack([self.by_query(term) for term in terms])
        return self._searches[key]

    def selection(self, kind: str, arch: Arch) -> F64:
        """Return cycles, items and scores streamed of the `token` or `head` selections; -1 cycles where none runs."""
        work, nothing = self.row_work(arch), np.tile([[-1.0], [0.0], [0.0]], len(self.groups))
        chosen: Selection | None = getattr(work, f"{kind}_selection")
        if chosen is None:
            return nothing
        items, kept, sizes = (part[self.groups] for part in chosen)
        one = TopkWork(items=np.maximum(items, 0), kept=np.maximum(kept, 0), sizes=sizes)
        law = arch.topk.law
        return np.where(items >= 0, np.stack([law.cycles(one), one.items, law.streamed(one)]), nothing)


def search_terms(law: TopkLaw, work: TopkWork) -> F64:
    """Return `SEARCH_TERMS` of each command, shape (5, commands), from the law with its own cycles taken out.

    >>> law = Arch().topk.law
    >>> search_terms(law, TopkWork(items=np.array([64]), kept=np.array([20]), sizes=np.array([[64, 30, 7]]))).ravel()
    array([  1.,   0.,   3.,   7., 101.])
    """
    items, kept = np.asarray(work.items), np.asarray(work.kept)
    searches = (kept > 0) & (kept < items)
    rows, rounds = np.zeros(len(items)), np.zeros(len(items))
    bare: QuickselectLaw | RadixLaw | None = None
    if isinstance(law, QuickselectLaw):
        bare = replace(law, bypass_cycles=0, start_cycles=0, round_cycles=0)
    elif isinstance(law, RadixLaw):
        bare = replace(law, bypass_cycles=0, first_cycles=0, round_cycles=0)
    if bare is not None:
        rows = np.asarray(bare.search(work))
        rounds = np.asarray(replace(bare, round_cycles=1).search(work)) - rows
    return np.stack([searches, ~searches, rounds, rows, np.asarray(law.streamed(work))]).astype(np.float64)


def search_cycles(law: TopkLaw) -> tuple[int, int, int]:
    """Return what a law charges for a search, for a bypass and for a round, beyond the rows that it streams."""
    if isinstance(law, QuickselectLaw):
        return law.start_cycles, law.bypass_cycles, law.round_cycles
    if isinstance(law, RadixLaw):
        return law.first_cycles, law.bypass_cycles, law.round_cycles
    return int(law.search(TopkWork(items=2, kept=1, sizes=()))), law.bypass_cycles, 0
