"""The rules that every `Decisions` obeys, checked one by one and named where broken."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.limits import MAX_TOKENS
from tokensieve.workloads.followed import check_followed
from tokensieve.workloads.fused import FUSED_BITS
from tokensieve.workloads.layout import ARRAYS, RAGGED, RECORD_ARRAYS, SELECTIONS, SITES, VALUE_LIST, record_names
from tokensieve.workloads.meta import check_bits, check_meta
from tokensieve.workloads.ragged import slabs
from tokensieve.workloads.rules import first_rows, require
from tokensieve.workloads.selectionrules import check_selections

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
    check_selections(d)
    _check_text(d)
    check_followed(d)


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
    require(ptr[:1] == 0, name, f"must be 0, got {ptr[0]}")
    require(np.diff(ptr) >= 0, name, "must not be above the next entry, got {}, then {}", ptr[:-1], ptr[1:])
    require(ptr[-1] == end, name, f"must end with the length of {flat}, {end}, got {ptr[-1]}")


def _check_heads(d: "Decisions") -> None:
    alive = d.heads_alive
    require(alive <= 1, "heads_alive", "must be 0 or 1, got {}", alive)
    require(alive.any(axis=2), "heads_alive", "must have a live head")
    require(alive[:, 1:] <= alive[:, :-1], "heads_alive", "comes back to life in the next layer of a step")
    expected = np.argwhere(alive)
    if expected.shape != d.row_index.shape:
        raise WorkloadError(
            f"decisions: row_index must have a row per live head, {len(expected)}, got {len(d.row_index)}"
        )
    require(
        d.row_index == expected,
        "row_index",
        "must name the live heads of heads_alive in ascending order, here {}, got {}",
        expected,
        d.row_index,
    )


def _check_rows(d: "Decisions") -> None:
    require((d.context >= 1) & (d.context <= MAX_TOKENS), "context", f"must be in 1..{MAX_TOKENS}, got {{}}", d.context)
    require(
        (d.keys_kept >= 1) & (d.keys_kept <= d.context),
        "keys_kept",
        "must be in 1..context = {}, got {}",
        d.context,
        d.keys_kept,
    )
    step, group = d.row_index[:, 0], d.row_group
    require(
        (np.diff(d.context) == 0) | (np.diff(step) > 0),
        "context",
        "must be the same for all rows of a step, got {}, then {}",
        d.context[:-1],
        d.context[1:],
    )
    keys = d.keys_kept[:-1], d.keys_kept[1:]
    same = (np.diff(d.keys_kept) == 0) | (np.diff(group) > 0)
    require(same, "keys_kept", "must be the same for all rows of a layer, got {}, then {}", *keys)
    shrinks = (np.diff(d.keys_kept) <= 0) | (np.diff(step) > 0)
    require(shrinks, "keys_kept", "grows in the next layer of a step, from {} to {}", *keys)


def _check_queries(d: "Decisions") -> None:
    want = d.keys_kept if d.phase == "prefill" else np.ones_like(d.keys_kept)
    rule = "must equal keys_kept in prefill, {}, got {}" if d.phase == "prefill" else "must be {} in decode, got {}"
    require(d.queries == want, "queries", rule, want, d.queries)
    require(
        np.diff(d.query_ptr) == d.queries,
        "query_ptr",
        "must step by queries, {}, got {}",
        d.queries,
        np.diff(d.query_ptr),
    )
    row = d.query_row
    kept, keys = d.values_kept, d.keys_kept[row]
    require((kept >= 0) & (kept <= keys), "values_kept", "must be in 0..keys_kept = {}, got {}", keys, kept)
    require(d.lsb_refetch <= 2, "lsb_refetch", "must be 0, 1 or 2, got {}", d.lsb_refetch)
    alone = d.key_bits[row] != FUSED_BITS
    require((d.lsb_refetch != 2) | alone, "lsb_refetch", "must not be 2 in a fused row of 6 bits")
    require(
        (d.lsb_refetch == 0) | (d.bits("lsb")[row] > 0),
        "lsb_refetch",
        "must be 0 where meta.bits.lsb is 0, got {}",
        d.lsb_refetch,
    )


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
            require(d.lsb_refetch != 1, "lsb_refetch", f"must not be 1 where meta.schedule says that {name}")


def _check_tokens(d: "Decisions") -> None:
    first = first_rows(d)
    lengths = np.diff(d.token_ptr)
    require(
        lengths == d.keys_kept[first],
        "token_ptr",
        "must step by the keys_kept of the layer, {}, got {}",
        d.keys_kept[first],
        lengths,
    )
    for low, high in slabs(d.token_ptr):
        keys, begin = _keyed(d.token_ids, d.token_ptr, low, high), int(d.token_ptr[low])
        ids, context = d.token_ids[begin : begin + len(keys)], np.repeat(d.context[first[low:high]], lengths[low:high])
        require(
            (ids >= 0) & (ids < context),
            "token_ids",
            "must be in 0..context-1 with a context of {}, got {}",
            context,
            ids,
            first=begin,
        )
        _require_ascending(keys, "token_ids", "layer", ids, begin)
    if d.meta["source"] == "captured":
        keys = _keyed(d.token_ids, d.token_ptr, 0, len(first))
        outer = keys // MAX_TOKENS % d.layers == 0
        require(
            _found(keys, keys - MAX_TOKENS) | outer, "token_ids", "was pruned in the layer before, got {}", d.token_ids
        )


def _require_ascending(
    keys: npt.NDArray[np.int64], array: str, owner: str, ids: npt.NDArray[np.int32], begin: int
) -> None:
    """Raise `WorkloadError` where an id is not below the next one of the same `owner`; `begin` is the first's place."""
    rule = f"must be below the next id of its {owner}, got {{}}, then {{}}"
    require(np.diff(keys) > 0, array, rule, ids[:-1], ids[1:], first=begin)


def _keyed(ids: npt.NDArray[np.int32], ptr: npt.NDArray[np.int64], low: int, high: int) -> npt.NDArray[np.int64]:
    """Return the items of lists `low` to before `high`, each with its list in front."""
    keys: npt.NDArray[np.int64] = np.repeat(np.arange(low, high) * MAX_TOKENS, np.diff(ptr[low : high + 1]))
    keys += ids[ptr[low] : ptr[high]]
    return keys


def _found(keys: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return for each of `wanted` whether it is among the ascending `keys`."""
    if len(keys) and keys[-1] - keys[0] < _SPARSE * len(keys):
        return np.isin(wanted, keys, kind="table")
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    found: npt.NDArray[np.bool_] = keys[place] == wanted
    return found


def _check_values(d: "Decisions") -> None:
    if d.phase == "prefill":
        require(len(d.value_ids) == 0, "value_ids", "must be empty in prefill")
        return
    lengths, group = np.diff(d.value_ptr), _group_of_list(d)
    require(
        (got := lengths[d.list_of_query]) == d.values_kept,
        "value_ptr",
        "must step by values_kept, {}, got {}",
        d.values_kept,
        got,
    )
    for low, high in slabs(d.value_ptr):
        keys, begin = _keyed(d.value_ids, d.value_ptr, low, high), int(d.value_ptr[low])
        ids = d.value_ids[begin : begin + len(keys)]
        require(
            (ids >= 0) & (ids < MAX_TOKENS),
            "value_ids",
            f"must be a token id, in 0..{MAX_TOKENS - 1}, got {{}}",
            ids,
            first=begin,
        )
        _require_ascending(keys, "value_ids", "query", ids, begin)
        kept = _keyed(d.token_ids, d.token_ptr, int(group[low]), int(group[high - 1]) + 1)
        wanted = np.repeat(group[low:high] * MAX_TOKENS, lengths[low:high])
        wanted += ids
        require(_found(kept, wanted), "value_ids", "must be among token_ids of its layer, got {}", ids, first=begin)
    if d.meta["pair_shares_values"]:
        _check_pairs(d)


def _group_of_list(d: "Decisions") -> npt.NDArray[np.int64]:
    """Return the layer of a step that each list of value ids belongs to; in decode a row has one query."""
    if d.value_list is None:
        return d.row_group
    lists = d.list_of_query
    used, first = np.unique(lists, return_index=True)
    require((lists >= 0) & (lists < len(d.value_ptr) - 1), VALUE_LIST, "must be one of the lists of value_ptr")
    require(len(used) == len(d.value_ptr) - 1, VALUE_LIST, "must use every list of value_ptr")
    group = d.row_group[first]
    require(d.row_group == group[lists], VALUE_LIST, "must be a list of the query's layer")
    require(np.diff(group) >= 0, VALUE_LIST, "must number the lists layer by layer")
    return group


def _check_pairs(d: "Decisions") -> None:
    second = np.flatnonzero(d.pair_second)
    require(d.values_kept[second] == d.values_kept[second - 1], "values_kept", "must be the same for both of a pair")
    lists, which = d.ragged("value_ids"), d.list_of_query.tolist()
    alike = all(np.array_equal(lists[which[i]], lists[which[i - 1]]) for i in second.tolist())
    require(alike, "value_ids", "must be the same for a pair")


def _check_text(d: "Decisions") -> None:
    if d.token_text is None:
        return
    longest = int(d.context.max(initial=0))
    if len(d.token_text) < longest:
        raise WorkloadError(f"decisions: token_text must have at least {longest} tokens, got {len(d.token_text)}")
    if any("\0" in word for word in d.token_text):
        raise WorkloadError("decisions: token_text must hold no NUL character")
