"""The rules that every `Decisions` obeys, checked one by one and named where broken."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.limits import MAX_TOKENS
from tokensieve.arch.records import KINDS, RecordKind
from tokensieve.workloads.followed import check_followed
from tokensieve.workloads.fused import FUSED_BITS
from tokensieve.workloads.layout import ARRAYS, RAGGED, RECORD_ARRAYS, SELECTIONS, SITES, VALUE_LIST, record_names
from tokensieve.workloads.meta import check_bits, check_meta
from tokensieve.workloads.ragged import Ragged, slabs

if TYPE_CHECKING:
    from tokensieve.workloads.decisions import Decisions


_SPARSE = 32
"""Numbers among which one is looked for in a table, and not by bisection, are at least one of so many."""


def check(d: "Decisions") -> None:
    """Raise `WorkloadError` naming the array and the rule unless `d` is consistent."""
    check_meta(d.meta)
    _check_types(d)
    _check_shapes(d)
    check_bits(d.meta["bits"], len(d.row_index))
    _check_heads(d)
    _check_rows(d)
    _check_queries(d)
    _check_refetch(d)
    _check_tokens(d)
    _check_values(d)
    _check_local_records(d)
    for site in SELECTIONS:
        _check_selection(d, site)
    _check_chain(d)
    _check_text(d)
    check_followed(d)


def _require(ok: Any, array: str, rule: str, first: int = 0) -> None:
    """Raise `WorkloadError` with the place of the first False in `ok`, whose first place in the array is `first`."""
    ok = np.asarray(ok)
    if not ok.all():
        place = np.unravel_index(int(np.argmin(ok)) + first, ok.shape if ok.ndim != 1 else (len(ok) + first,))
        where = f"[{', '.join(str(int(i)) for i in place)}]" if ok.ndim else ""
        raise WorkloadError(f"decisions: {array}{where} {rule}")


def _check_types(d: "Decisions") -> None:
    if set(d.records) != set(d.meta["records"]):
        named, there = (", ".join(some) or "none" for some in (d.meta["records"], d.records))
        raise WorkloadError(f"decisions: records must be of the kinds that meta.records names, {named}, got {there}")
    arrays = d.number_arrays()
    for name, (kind, dimensions) in _types(d).items():
        array = arrays[name]
        if array.dtype != kind or array.ndim != dimensions:
            want = f"{np.dtype(kind)} with {dimensions} dimension{'s' if dimensions > 1 else ''}"
            raise WorkloadError(f"decisions: {name} must be {want}, got {array.dtype} of shape {array.shape}")


def _types(d: "Decisions") -> dict[str, tuple[type, int]]:
    """Return item type and number of dimensions of every array."""
    names = [record_names(kind, site) for kind in d.records for site in SITES]
    shared = {} if d.value_list is None else {VALUE_LIST: (np.int32, 1)}
    return ARRAYS | shared | {name: (item, 1) for pair in names for name, item in zip(pair, RECORD_ARRAYS, strict=True)}


def _check_shapes(d: "Decisions") -> None:
    rows, groups = len(d.row_index), d.steps * d.layers
    shapes: dict[str, tuple[int, ...]] = {"row_index": (rows, 3), "heads_alive": (d.steps, d.layers, d.heads)}
    shapes |= dict.fromkeys(("context", "keys_kept", "queries"), (rows,))
    shapes |= {"query_ptr": (rows + 1,), "token_ptr": (groups + 1,)}
    _expect(d, shapes)
    _check_ptr(d.query_ptr, "query_ptr", len(d.values_kept), "values_kept")
    queries = len(d.values_kept)
    shapes = {"lsb_refetch": (queries,)}
    if d.value_list is None:
        shapes["value_ptr"] = (queries + 1,)
    else:
        shapes |= {VALUE_LIST: (queries,), "value_ptr": (max(len(d.value_ptr), 1),)}
    records = [(record_names(kind, site), site) for kind in d.records for site in SITES]
    shapes |= {ptr: (queries + 1 if site == "local" else groups + 1,) for (_, ptr), site in records}
    shapes |= {f"topk_{site}_count": (groups, 2) for site in SELECTIONS}
    _expect(d, shapes)
    arrays = d.number_arrays()
    for flat, ptr in (*RAGGED.items(), *(names for names, _ in records)):
        _check_ptr(arrays[ptr], ptr, len(arrays[flat]), flat)


def _expect(d: "Decisions", shapes: dict[str, tuple[int, ...]]) -> None:
    arrays = d.number_arrays()
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise WorkloadError(f"decisions: {name} must have shape {shape}, got {arrays[name].shape}")


def _check_ptr(ptr: npt.NDArray[np.int64], name: str, end: int, flat: str) -> None:
    _require(ptr[:1] == 0, name, f"must be 0, got {ptr[0]}")
    _require(np.diff(ptr) >= 0, name, "must not be above the next entry")
    _require(ptr[-1] == end, name, f"must end with the length of {flat}, {end}, got {ptr[-1]}")


def _check_heads(d: "Decisions") -> None:
    alive = d.heads_alive
    _require(alive <= 1, "heads_alive", "must be 0 or 1")
    _require(alive.any(axis=2), "heads_alive", "must have a live head")
    _require(alive[:, 1:] <= alive[:, :-1], "heads_alive", "comes back to life in the next layer of a step")
    expected = np.argwhere(alive)
    if expected.shape != d.row_index.shape:
        raise WorkloadError(
            f"decisions: row_index must have a row per live head, {len(expected)}, got {len(d.row_index)}"
        )
    _require(d.row_index == expected, "row_index", "must name the live heads of heads_alive in ascending order")


def _check_rows(d: "Decisions") -> None:
    _require((d.context >= 1) & (d.context <= MAX_TOKENS), "context", f"must be in 1..{MAX_TOKENS}")
    _require((d.keys_kept >= 1) & (d.keys_kept <= d.context), "keys_kept", "must be in 1..context")
    step, group = d.row_index[:, 0], d.row_group
    _require((np.diff(d.context) == 0) | (np.diff(step) > 0), "context", "must be the same for all rows of a step")
    same = (np.diff(d.keys_kept) == 0) | (np.diff(group) > 0)
    _require(same, "keys_kept", "must be the same for all rows of a layer")
    shrinks = (np.diff(d.keys_kept) <= 0) | (np.diff(step) > 0)
    _require(shrinks, "keys_kept", "grows in the next layer of a step")


def _check_queries(d: "Decisions") -> None:
    want = d.keys_kept if d.phase == "prefill" else np.ones_like(d.keys_kept)
    rule = "must equal keys_kept in prefill" if d.phase == "prefill" else "must be 1 in decode"
    _require(d.queries == want, "queries", rule)
    _require(np.diff(d.query_ptr) == d.queries, "query_ptr", "must step by queries")
    row = d.query_row
    _require((d.values_kept >= 0) & (d.values_kept <= d.keys_kept[row]), "values_kept", "must be in 0..keys_kept")
    _require(d.lsb_refetch <= 2, "lsb_refetch", "must be 0, 1 or 2")
    alone = d.key_bits[row] != FUSED_BITS
    _require((d.lsb_refetch != 2) | alone, "lsb_refetch", "must not be 2 in a fused row of 6 bits")
    _require((d.lsb_refetch == 0) | (d.bits("lsb")[row] > 0), "lsb_refetch", "must be 0 where meta.bits.lsb is 0")


def _check_refetch(d: "Decisions") -> None:
    """Check that LSBs are fetched by decision only where the schedule of the file has them decided upon."""
    schedule = d.meta["schedule"]
    if schedule is None:
        return
    progressive, bits = schedule.get("progressive"), schedule.get("bits")
    for name, off in (
        (f"progressive.{d.phase} is false", isinstance(progressive, dict) and progressive.get(d.phase) is False),
        ("threshold is null", "threshold" in schedule and schedule["threshold"] is None),
        ("bits.lsb is 0", isinstance(bits, dict) and bits.get("lsb") == 0),
    ):
        if off:
            _require(d.lsb_refetch != 1, "lsb_refetch", f"must not be 1 where meta.schedule says that {name}")


def _check_tokens(d: "Decisions") -> None:
    first = _first_rows(d)
    lengths = np.diff(d.token_ptr)
    _require(lengths == d.keys_kept[first], "token_ptr", "must step by the keys_kept of the layer")
    for low, high in slabs(d.token_ptr):
        keys, begin = _keyed(d.token_ids, d.token_ptr, low, high), int(d.token_ptr[low])
        ids, context = d.token_ids[begin : begin + len(keys)], np.repeat(d.context[first[low:high]], lengths[low:high])
        _require((ids >= 0) & (ids < context), "token_ids", "must be in 0..context-1", begin)
        _require(np.diff(keys) > 0, "token_ids", "must be below the next id of its layer", begin)
    if d.meta["source"] == "captured":
        keys = _keyed(d.token_ids, d.token_ptr, 0, len(first))
        outer = keys // MAX_TOKENS % d.layers == 0
        _require(_found(keys, keys - MAX_TOKENS) | outer, "token_ids", "was pruned in the layer before")


def _keyed(ids: npt.NDArray[np.int32], ptr: npt.NDArray[np.int64], low: int, high: int) -> npt.NDArray[np.int64]:
    """Return the items of lists `low` to before `high`, each with its list in front."""
    keys: npt.NDArray[np.int64] = np.repeat(np.arange(low, high) * MAX_TOKENS, np.diff(ptr[low : high + 1]))
    keys += ids[ptr[low] : ptr[high]]
    return keys


def _first_rows(d: "Decisions") -> npt.NDArray[np.int64]:
    """Return the first row of each group."""
    return np.searchsorted(d.row_group, np.arange(d.steps * d.layers))


def _found(keys: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return for each of `wanted` whether it is among the ascending `keys`."""
    if len(keys) and keys[-1] - keys[0] < _SPARSE * len(keys):
        return np.isin(wanted, keys, kind="table")
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    found: npt.NDArray[np.bool_] = keys[place] == wanted
    return found


def _check_values(d: "Decisions") -> None:
    if d.phase == "prefill":
        _require(len(d.value_ids) == 0, "value_ids", "must be empty in prefill")
        return
    lengths, group = np.diff(d.value_ptr), _group_of_list(d)
    _require(lengths[d.list_of_query] == d.values_kept, "value_ptr", "must step by values_kept")
    for low, high in slabs(d.value_ptr):
        keys, begin = _keyed(d.value_ids, d.value_ptr, low, high), int(d.value_ptr[low])
        ids = d.value_ids[begin : begin + len(keys)]
        _require((ids >= 0) & (ids < MAX_TOKENS), "value_ids", "must be a token id", begin)
        _require(np.diff(keys) > 0, "value_ids", "must be below the next id of its query", begin)
        kept = _keyed(d.token_ids, d.token_ptr, int(group[low]), int(group[high - 1]) + 1)
        wanted = np.repeat(group[low:high] * MAX_TOKENS, lengths[low:high])
        wanted += ids
        _require(_found(kept, wanted), "value_ids", "must be among token_ids", begin)
    if d.meta["pair_shares_values"]:
        _check_pairs(d)


def _group_of_list(d: "Decisions") -> npt.NDArray[np.int64]:
    """Return the layer of a step that each list of value ids belongs to; in decode a row has one query."""
    if d.value_list is None:
        return d.row_group
    lists = d.list_of_query
    used, first = np.unique(lists, return_index=True)
    _require((lists >= 0) & (lists < len(d.value_ptr) - 1), VALUE_LIST, "must be one of the lists of value_ptr")
    _require(len(used) == len(d.value_ptr) - 1, VALUE_LIST, "must use every list of value_ptr")
    group = d.row_group[first]
    _require(d.row_group == group[lists], VALUE_LIST, "must be a list of the query's layer")
    _require(np.diff(group) >= 0, VALUE_LIST, "must number the lists layer by layer")
    return group


def _check_pairs(d: "Decisions") -> None:
    second = np.flatnonzero(d.pair_second)
    _require(d.values_kept[second] == d.values_kept[second - 1], "values_kept", "must be the same for both of a pair")
    lists, which = d.ragged("value_ids"), d.list_of_query.tolist()
    alike = all(np.array_equal(lists[which[i]], lists[which[i - 1]]) for i in second.tolist())
    _require(alike, "value_ids", "must be the same for a pair")


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
    _require(none | ((n >= 1) & (k >= 0) & (k <= n)), name, "must be (-1, -1) or n >= 1 and 0 <= k <= n")
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
    _require((lists.lengths > 0) == runs, f"{array}_ptr", "must give a record exactly where 0 < k < n")
    _require(lists.flat >= 1, array, "must be at least 1")
    heads = lists.ptr[:-1][runs]
    _require(first(lists.flat[heads], n[runs]), f"{array} (record)", f"must {begins}")
    inner = np.ones(len(lists.flat), bool)
    inner[heads] = False
    _require(then(lists.flat[1:], lists.flat[:-1]) | ~inner[1:], array, f"must {falls} the next size of its record")


def _check_chain(d: "Decisions") -> None:
    """Check that what a selection keeps is what the next layer of the step works with."""
    tokens, heads = np.diff(d.token_ptr), d.heads_alive.sum(axis=2, dtype=np.int64).reshape(-1)
    inner = np.arange(1, len(tokens)) % d.layers != 0
    for name, size in (("topk_token_count", tokens), ("topk_head_count", heads)):
        kept = getattr(d, name)[:-1, 1]
        rule = "must keep as many as the next layer of the step has"
        _require((kept == size[1:]) | (kept < 0) | ~inner, name, rule)
    offered = d.topk_token_count[:, 0]
    fits = (offered < 0) | (offered == tokens) | (offered == d.context[_first_rows(d)])
    _require(fits, "topk_token_count", "must offer the layer's kept tokens, or the whole context")
    offered = d.topk_head_count[:, 0]
    fits = (offered < 0) | (offered == heads) | (offered == d.heads)
    _require(fits, "topk_head_count", "must offer the layer's live heads, or all heads")


def _check_text(d: "Decisions") -> None:
    if d.token_text is None:
        return
    longest = int(d.context.max(initial=0))
    if len(d.token_text) < longest:
        raise WorkloadError(f"decisions: token_text must have at least {longest} tokens, got {len(d.token_text)}")
    if any("\0" in word for word in d.token_text):
        raise WorkloadError("decisions: token_text must hold no NUL character")
