"""Completes decisions from counts alone, by fixed rules that are listed in the result.

The authors' traces and the named workloads say how many tokens, values and heads are kept, not which, and not what the
top-k engines did. What is missing is made here and nowhere else; the simulator draws nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.datapath import Topk
from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.limits import MAX_TOKENS
from tokensieve.arch.records import KINDS
from tokensieve.workloads.decisions import Decisions, UInt8, WorkRecords
from tokensieve.workloads.distributions import MOST_ORDERED, check_distribution, draw, numbers_held, tallied, tallies
from tokensieve.workloads.generators import generators
from tokensieve.workloads.meta import make_meta
from tokensieve.workloads.ragged import Int32, Int64, Ragged, slabs, spans
from tokensieve.workloads.records import RECORDERS
from tokensieve.workloads.sampling import SAMPLE_RULE, stand_ins
from tokensieve.workloads.scatter import Scatter, places_of
from tokensieve.workloads.tallies import RECORDERS as TALLY_RECORDERS

DEFAULT_SCORES = "minilm-resampled"
"""Distribution that scores are drawn from: of all, the nearest to captured traces (`benchmarks/scores.py`)."""

_RANKED = {"minilm-resampled": "importance-resampled"}
"""Distributions of probabilities, each with that of the sums by which tokens and heads are then ranked."""

RECORDS_RULE = (
    "top-k work records are those of scores drawn from the distribution {scores}, of token and head selections "
    "{rankings} (PCG64 seeded by seed, step, layer, head, query; selections use head = heads, query = 0 and 1)"
)
CONTEXT_RULE = "a token selection that keeps more than its layer has is offered the whole context"
TOKENS_RULE = "kept token ids are evenly spaced over the context"
VALUES_RULE = "kept value ids are evenly spaced over the kept keys"

_CHUNK = 1 << 17
"""Numbers drawn and searched at a time: small enough for the cache."""

_MOST_IDS = 1 << 24
"""Ids of values (64 MiB) above which queries of a layer that keep equally many share one list."""

_LONG = 1 << 12
"""Mean length above which lists are spaced one by one: a division by one number is much faster than by an array."""

_TOKEN_QUERY, _HEAD_QUERY = 0, 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Counts:
    """How much is kept, row by row: R rows in order of step, layer and head, G = steps x layers groups, Q queries."""

    phase: str
    model: str
    head_dim: int
    heads: int
    layers: int
    steps: int

    row_index: Int32
    """Step, layer, head; shape (R, 3)."""

    context: Int32
    keys: Int32
    values: Int32
    """Tokens before pruning, keys and values kept by each query; shape (R,)."""

    lsb_refetch: UInt8
    """As in `Decisions`; shape (Q,)."""

    bits: dict[str, Any]
    """As in `Meta`."""

    token_topk: Int32
    head_topk: Int32
    """Kept by the selection at the end of each group, -1 where none runs; shape (G,)."""

    schedule: dict[str, Any] | None = None
    threshold: float | None = None
    charge_io: bool = True
    pair_shares_values: bool = False
    licence: str = "not stated"
    assumed: tuple[str, ...] = ()
    """What the source itself assumes."""


def rankings_of(scores: str) -> str:
    """Return the distribution that token and head selections go with, where the local top-k goes with `scores`."""
    return _RANKED.get(scores, scores)


def complete(counts: Counts, topk: Topk, seed: int, scores: str | None = None, every: bool = False) -> Decisions:
    """Return decisions with the given counts; ids and work records follow from fixed rules and `seed`.

    `scores` names the distribution that work records are drawn from (`tokensieve.workloads.distributions`), by default
    `DEFAULT_SCORES`. Of a long text, some local searches are drawn and stand for the others
    (`tokensieve.workloads.sampling`), unless `every` one is asked for. Counts that hold together, as those of workloads
    do, give valid decisions.
    """
    scores = DEFAULT_SCORES if scores is None else scores
    check_distribution(scores)
    if not 0 <= seed < 1 << 32:
        raise WorkloadError(f"seed must be in 0..{(1 << 32) - 1}, got {seed}")
    check_context(int(counts.context.max(initial=0)), topk)
    return _Completion(counts, topk, seed, scores, every).decisions()


def check_context(longest: int, topk: Topk) -> None:
    """Raise `WorkloadError` where the machine's engine has no room for the `longest` context."""
    if longest > topk.max_tokens:
        raise WorkloadError(f"the context of {longest} tokens is above topk.max_tokens = {topk.max_tokens}")


class _Completion:
    """One completion: the counts, the engine whose records are made, the seed and the distribution of scores."""

    def __init__(self, counts: Counts, topk: Topk, seed: int, scores: str, every: bool) -> None:
        self.counts, self.topk, self.seed, self.scores, self.every = counts, topk, seed, scores, every
        self.groups = counts.steps * counts.layers
        self.row_group = counts.row_index[:, 0].astype(np.int64) * counts.layers + counts.row_index[:, 1]
        self.first = np.searchsorted(self.row_group, np.arange(self.groups))
        self.fewer = (counts.values > 0) & (counts.values < counts.keys)
        self.queries = counts.keys if counts.phase == "prefill" else np.ones_like(counts.keys)

    def decisions(self) -> Decisions:
        """Return the decisions, not yet validated."""
        c = self.counts
        tokens = self._tokens()
        arrays: dict[str, Any] = {"token_ids": tokens.flat, "token_ptr": tokens.ptr} | self._values(tokens)
        alive = np.zeros((c.steps, c.layers, c.heads), np.uint8)
        alive[tuple(c.row_index.T)] = 1
        token_count, head_count = self._token_count(tokens), self._head_count(alive)
        base = Decisions(
            meta=self._meta(token_count, head_count),
            row_index=c.row_index,
            context=c.context,
            keys_kept=c.keys,
            queries=self.queries,
            query_ptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(self.queries, dtype=np.int64)]),
            values_kept=np.repeat(c.values, self.queries),
            lsb_refetch=c.lsb_refetch,
            heads_alive=alive,
            topk_token_count=token_count,
            topk_head_count=head_count,
            **arrays,
        )
        source = np.where(base.searches, self._source(base), -1)
        drawn = np.flatnonzero(source == np.arange(len(source)))
        sites = {
            "local": self._local(base, drawn, source),
            "token": self._selection(token_count, _TOKEN_QUERY),
            "head": self._selection(head_count, _HEAD_QUERY),
        }
        kinds = {kind: {site: lists[kind] for site, lists in sites.items()} for kind in KINDS}
        return replace(
            base,
            meta=base.meta if len(drawn) == np.count_nonzero(source >= 0) else _with_rule(base.meta, SAMPLE_RULE),
            records={kind: WorkRecords(**lists) for kind, lists in kinds.items()},
        )

    def _tokens(self) -> Ragged:
        """Return the evenly spaced token ids of each group."""
        kept, context = self.counts.keys[self.first], self.counts.context[self.first]
        return _spaced(context, kept)

    def _values(self, tokens: Ragged) -> dict[str, Any]:
        """Return the evenly spaced value ids of each query in decode."""
        if self.counts.phase == "prefill":
            none = Ragged.empty(int(self.queries.sum()))
            return {"value_ids": none.flat, "value_ptr": none.ptr}
        kept, shared = self.counts.values, {}
        row = np.arange(len(kept))
        if kept.sum(dtype=np.int64) > _MOST_IDS:
            kind = self.row_group * (MAX_TOKENS + 1) + kept
            _, row, which = np.unique(kind, return_index=True, return_inverse=True)
            shared = {"value_list": which.astype(np.int32)}
        lists = Ragged(tokens.flat, tokens.ptr[self.row_group[row]])
        values = _spaced(self.counts.keys[row], kept[row], lists)
        return {"value_ids": values.flat, "value_ptr": values.ptr} | shared

    def _token_count(self, tokens: Ragged) -> Int32:
        kept, offered = self.counts.token_topk, tokens.lengths
        offered = np.where(kept > offered, self.counts.context[self.first], offered)
        return np.stack([np.where(kept < 0, -1, offered), kept], axis=1).astype(np.int32)

    def _head_count(self, alive: UInt8) -> Int32:
        kept, offered = self.counts.head_topk, alive.sum(axis=2, dtype=np.int32).reshape(-1)
        return np.stack([np.where(kept < 0, -1, offered), kept], axis=1).astype(np.int32)

    def _selection(self, count: Int32, query: int) -> dict[str, Ragged]:
        """Return the records of the token or head selections; their running number is that of the group."""
        group = np.arange(self.groups)
        heads, which = np.full(self.groups, self.counts.heads), np.full(self.groups, query)
        step_layer = (group // self.counts.layers, group % self.counts.layers)
        entropy = np.stack([np.full(self.groups, self.seed), *step_layer, heads, which], axis=1)
        n, k = count.T.astype(np.int64)
        runs = (k > 0) & (k < n)
        drawn = np.flatnonzero(runs)
        lists = self._records(rankings_of(self.scores), n[drawn], k[drawn], drawn, entropy[drawn])
        return {kind: one.take(places_of(drawn, np.where(runs, group, -1))) for kind, one in lists.items()}

    def _source(self, d: Decisions) -> Int64:
        """Return for each query the one whose record it takes."""
        if self.every:
            return np.arange(len(d.values_kept), dtype=np.int64)
        return stand_ins(self.row_group[d.query_row], d.values_kept.astype(np.int64), d.searches)

    def _local(self, d: Decisions, drawn: Int64, source: Int64) -> dict[str, Ragged]:
        """Return the records of the local value top-k of every query: those of the query `source`, which is `drawn`."""
        row = d.query_row[drawn]
        n, k = d.keys_kept[row].astype(np.int64), d.values_kept[drawn].astype(np.int64)
        entropy = np.stack([np.full(len(row), self.seed), *d.row_index[row].T, drawn - d.query_ptr[row]], axis=1)
        lists = self._records(self.scores, n, k, drawn, entropy)
        places = places_of(drawn, source)
        return {kind: one.take(places) for kind, one in lists.items()}

    def _records(self, scores: str, n: Int64, k: Int64, number: Int64, entropy: Int64) -> dict[str, Ragged]:
        """Return the records of every kind of commands that search; `number` is the running number of each."""
        kinds, bits = {kind: Scatter(len(n)) for kind in KINDS}, self.topk.score_bits
        for commands in _batches(scores, n, k):
            sources, numbers = generators(entropy[commands]), number[commands]
            size, kept = int(n[commands[0]]), int(k[commands[0]])
            if tallied(scores, size):
                tally = tallies(scores, n[commands], bits, sources)
                found = {kind: TALLY_RECORDERS[kind](tally, k[commands], numbers, self.topk) for kind in KINDS}
            else:
                drawn = draw(scores, size, bits, sources)
                found = {kind: RECORDERS[kind](drawn, kept, numbers, self.topk) for kind in KINDS}
            for kind, lists in found.items():
                kinds[kind].put(commands, lists)
        return {kind: records.gather() for kind, records in kinds.items()}

    def _meta(self, token_count: Int32, head_count: Int32) -> dict[str, Any]:
        c = self.counts
        searched = bool(self.fewer.any() or (token_count >= 0).any() or (head_count >= 0).any())
        return make_meta(
            phase=c.phase,
            model=c.model,
            D=c.head_dim,
            heads=c.heads,
            layers=c.layers,
            steps=c.steps,
            topk=self.topk,
            bits=c.bits,
            schedule=c.schedule,
            threshold=c.threshold,
            source="counts",
            licence=c.licence,
            charge_io=c.charge_io,
            pair_shares_values=c.pair_shares_values,
            scores=self.scores if searched else None,
            assumed=[*c.assumed, *self._rules(searched, token_count)],
        )

    def _rules(self, searched: bool, token_count: Int32) -> Iterator[str]:
        """Yield the rules that had something to fill in."""
        c = self.counts
        if searched:
            yield RECORDS_RULE.format(scores=self.scores, rankings=rankings_of(self.scores))
        if (token_count[:, 0] > c.keys[self.first]).any():
            yield CONTEXT_RULE
        if (c.keys < c.context).any():
            yield TOKENS_RULE
        if self.fewer.any() and c.phase == "decode":
            yield VALUES_RULE


def _with_rule(meta: Mapping[str, Any], rule: str) -> dict[str, Any]:
    return {**meta, "assumed": [*meta["assumed"], rule]}


def _batches(scores: str, n: Int64, k: Int64) -> Iterator[Int64]:
    """Yield commands whose n and k are equal, or whose scores are all tallied: a cacheful of numbers at a time."""
    tall = (n > MOST_ORDERED) & tallied(scores, MOST_ORDERED + 1)
    kind = np.where(tall, -1, n), np.where(tall, -1, k)
    order = np.lexsort(kind[::-1])
    edges = np.flatnonzero((np.diff(kind[0][order]) != 0) | (np.diff(kind[1][order]) != 0)) + 1
    for alike in np.split(order, edges) if len(order) else []:
        for start in range(0, len(alike), step := max(1, _CHUNK // numbers_held(scores, int(n[alike[0]])))):
            yield alike[start : start + step]


def _spaced(total: npt.NDArray[Any], kept: npt.NDArray[Any], within: Ragged | None = None) -> Ragged:
    """Return ``floor(i * total / kept)`` for i < kept, for every pair; or what stands there in the lists `within`."""
    total, kept = total.astype(np.int64), kept.astype(np.int64)
    result = Ragged.cut(np.empty(int(kept.sum()), np.int32), kept)
    alone = result.ptr[-1] > _LONG * len(kept)
    for low, high in ((i, i + 1) for i in range(len(kept))) if alone else slabs(result.ptr):
        some = kept[low:high]
        if alone:
            places = np.arange(some[0]) * total[low] // max(some[0], 1)
        else:
            places = spans(np.zeros(len(some), np.int64), some) * np.repeat(total[low:high], some)
            places //= np.repeat(some, some)
        if within is not None:
            places = within.flat[places + (within.ptr[low] if alone else np.repeat(within.ptr[low:high], some))]
        result.flat[result.ptr[low] : result.ptr[high]] = places
    return result
