"""A few rows of decisions as a run of their own."""

from typing import Any

import numpy as np

from tokensieve.workloads.decisions import Decisions, WorkRecords


def excerpt(decisions: Decisions, begin: int, end: int, most: int | None = None) -> Decisions:
    """Return rows `begin` to `end` - 1, all of one group, as the one layer of a run of one step.

    Of each row the first `most` queries, or all of them; its keys stay as they are. The schedule is left out where the
    run has other layers: it is one of whole runs.
    """
    groups = np.unique(decisions.row_group[begin:end])
    assert len(groups) == 1, f"rows {begin} to {end} are not of one group"
    group = slice(int(groups[0]), int(groups[0]) + 1)
    of_row = decisions.queries[begin:end]
    of_row = of_row if most is None else np.minimum(of_row, most)
    ends = np.cumsum(of_row, dtype=np.int64)
    queries = np.arange(ends[-1]) + np.repeat(decisions.query_ptr[begin:end] - (ends - of_row), of_row)
    lists, of_query = np.unique(decisions.list_of_query[queries], return_inverse=True)
    values, tokens = decisions.ragged("value_ids").take(lists), decisions.ragged("token_ids").take(groups)
    index = decisions.row_index[begin:end].copy()
    alive = np.zeros((1, 1, decisions.heads), np.uint8)
    alive[0, 0, index[:, 2]] = 1
    index[:, :2] = 0
    bits = {
        tensor: width if np.ndim(width) == 0 else list(width)[begin:end]
        for tensor, width in decisions.meta["bits"].items()
    }
    schedule = decisions.meta["schedule"] if decisions.steps * decisions.layers == 1 else None
    arrays: dict[str, Any] = {
        "row_index": index,
        "queries": of_row,
        "query_ptr": np.concatenate([np.zeros(1, np.int64), ends]),
        **{name: getattr(decisions, name)[begin:end] for name in ("context", "keys_kept")},
        **{name: getattr(decisions, name)[queries] for name in ("values_kept", "lsb_refetch")},
        **{name: getattr(decisions, name)[group] for name in ("topk_token_count", "topk_head_count")},
        "value_ids": values.flat,
        "value_ptr": values.ptr,
        "token_ids": tokens.flat,
        "token_ptr": tokens.ptr,
    }
    records = {
        kind: WorkRecords(
            local=one.local.take(queries),
            token=one.token.take(groups),
            head=one.head.take(groups),
        )
        for kind, one in decisions.records.items()
    }
    return Decisions(
        meta={**decisions.meta, "bits": bits, "steps": 1, "layers": 1, "schedule": schedule},
        heads_alive=alive,
        records=records,
        value_list=None if decisions.value_list is None else of_query.astype(np.int32),
        **arrays,
    )
