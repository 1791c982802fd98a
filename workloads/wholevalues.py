"""Decisions without local value pruning: the same tokens and heads, and every query uses the values of all its keys."""

from dataclasses import replace

import numpy as np

from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.ragged import Ragged, spans

RULE = "all values are kept: the tokens and heads are those that were chosen while local value pruning was on"


def prunes_values(decisions: Decisions) -> bool:
    """Return whether some query uses fewer values than it has keys."""
    return bool((decisions.values_kept < decisions.keys_kept[decisions.query_row]).any())


def with_whole_values(decisions: Decisions) -> Decisions:
    """Return `decisions` with local value pruning taken out.

    Exact for counts. For captured decisions it is an assumption, and becomes one: which heads were kept rests on the
    outputs, and so on the values that were left (golden.cascade).
    """
    d = decisions
    queries = len(d.values_kept)
    kept, values, shared = d.keys_kept[d.query_row], Ragged(d.value_ids, d.value_ptr), d.value_list
    if shared is not None:
        values, shared = Ragged(d.token_ids, d.token_ptr), d.row_group.astype(np.int32)  # a query per row
    elif d.phase == "decode":
        flat = d.token_ids[spans(d.token_ptr[d.row_group[d.query_row]], kept)]
        values = Ragged.cut(flat, kept)
    records = {kind: replace(one, local=Ragged.empty(queries)) for kind, one in d.records.items()}
    schedule = d.meta["schedule"]
    meta = dict(d.meta)
    if schedule is not None:
        meta["schedule"] = {**schedule, "value": ["1"]}
    if meta["source"] == "captured":
        meta["assumed"] = [*meta["assumed"], RULE]
    whole = replace(
        d,
        meta=meta,
        values_kept=kept.astype(np.int32),
        value_ids=values.flat,
        value_ptr=values.ptr,
        value_list=shared,
        records=records,
    )
    return whole.validate()
