"""The rules that the selections of a `Decisions` and their work records obey."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tokensieve.arch.records import KINDS, RecordKind
from tokensieve.workloads.layout import SELECTIONS, record_names
from tokensieve.workloads.ragged import Ragged
from tokensieve.workloads.rules import first_rows, require

if TYPE_CHECKING:
    from tokensieve.workloads.decisions import Decisions


def check_selections(d: "Decisions") -> None:
    """Raise `WorkloadError` naming the array and the rule unless counts and work records of all selections hold."""
    _check_local_records(d)
    for site in SELECTIONS:
        _check_selection(d, site)
    _check_chain(d)


def _check_local_records(d: "Decisions") -> None:
    n = d.keys_kept[d.query_row].astype(np.int64)
    runs = (d.values_kept > 0) & (d.values_kept < n)
    if d.meta["pair_shares_values"]:
        runs &= ~d.pair_second[d.query_row]
    _check_records(d, "local", n, runs)


def _check_selection(d: "Decisions", site: str) -> None:
    name = f"topk_{site}_count"
    n, k = getattr(d, name).T.astype(np.int64)
    none = (n == -1) & (k == -1)
    require(
        none | ((n >= 1) & (k >= 0) & (k <= n)), name, "must be (-1, -1) or n >= 1 and 0 <= k <= n, got {}, {}", n, k
    )
    _check_records(d, site, n, ~none & (k > 0) & (k < n))


def _check_records(d: "Decisions", site: str, n: npt.NDArray[np.int64], runs: npt.NDArray[np.bool_]) -> None:
    """Check the records of every kind: there where something is searched, within n, and shrinking."""
    for name, records in d.records.items():
        _check_record(KINDS[name], record_names(name, site)[0], getattr(records, site), n, runs)


def _check_record(
    kind: RecordKind, array: str, lists: Ragged, n: npt.NDArray[np.int64], runs: npt.NDArray[np.bool_]
) -> None:
    """Check records of one kind: each begins with n or at most with it, and then falls, strictly or not."""
    begins = "begin with n, the items offered" if kind.whole_first else "not begin above n"
    falls = "be above" if kind.shrinks else "not be below"
    first, then = (np.equal if kind.whole_first else np.less_equal), (np.less if kind.shrinks else np.less_equal)
    require((lists.lengths > 0) == runs, f"{array}_ptr", "must give a record exactly where 0 < k < n")
    require(lists.flat >= 1, array, "must be at least 1, got {}", lists.flat)
    heads = lists.ptr[:-1][runs]
    require(
        first(lists.flat[heads], n[runs]),
        f"{array} (record)",
        f"must {begins}, {{}}, got {{}}",
        n[runs],
        lists.flat[heads],
    )
    inner = np.ones(len(lists.flat), bool)
    inner[heads] = False
    require(
        then(lists.flat[1:], lists.flat[:-1]) | ~inner[1:],
        array,
        f"must {falls} the next size of its record, got {{}}, then {{}}",
        lists.flat[:-1],
        lists.flat[1:],
    )


def _check_chain(d: "Decisions") -> None:
    """Check that what a selection keeps is what the next layer of the step works with."""
    tokens, heads = np.diff(d.token_ptr), d.heads_alive.sum(axis=2, dtype=np.int64).reshape(-1)
    inner = np.arange(1, len(tokens)) % d.layers != 0
    for name, size in (("topk_token_count", tokens), ("topk_head_count", heads)):
        kept = getattr(d, name)[:-1, 1]
        rule = "must keep as many as the next layer of the step has, {}, got {}"
        require((kept == size[1:]) | (kept < 0) | ~inner, name, rule, size[1:], kept)
    offered = d.topk_token_count[:, 0]
    fits = (offered < 0) | (offered == tokens) | (offered == d.context[first_rows(d)])
    require(
        fits,
        "topk_token_count",
        "must offer the layer's kept tokens, {}, or the whole context, got {}",
        tokens,
        offered,
    )
    offered = d.topk_head_count[:, 0]
    fits = (offered < 0) | (offered == heads) | (offered == d.heads)
    require(
        fits,
        "topk_head_count",
        f"must offer the layer's live heads, {{}}, or all heads, {d.heads}, got {{}}",
        heads,
        offered,
    )
