"""The reference of decisions: the same layers and steps with nothing pruned, which every run is compared with."""

from typing import Any, Literal

import numpy as np

from tokensieve.workloads.container import Arrays
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.layout import ARRAYS
from tokensieve.workloads.ragged import Ragged

Kind = Literal["dense", "dense-int8", "fp32"]

BITS = {"dense": 12, "dense-int8": 8, "fp32": 32}
"""Width of Q, K and V in DRAM; `dense` is the on-chip width."""


def dense(decisions: Decisions, kind: Kind = "dense") -> Decisions:
    """Return `decisions` with all tokens, heads and values, K and V in one pass of 12 (or 8, or 32) bits, and no top-k.

    For the simulator alone: `value_ids` stays empty in decode too (every token's value is fetched), and 32 bits are no
    width that `validate` or `save` take.
    """
    d, groups = decisions, decisions.steps * decisions.layers
    context = d.context[np.searchsorted(d.row_group, np.arange(groups))]
    rows = np.repeat(context, d.heads)
    queries = rows if d.phase == "prefill" else np.ones_like(rows)
    total = int(queries.sum())
    every = np.arange(int(context.max(initial=0)), dtype=np.int32)
    tokens = Ragged.cut(np.concatenate([every[:0], *(every[:n] for n in context.tolist())]), context)
    index = np.stack(np.unravel_index(np.arange(len(rows)), (d.steps, d.layers, d.heads)), axis=1)
    arrays: Arrays = {name: np.zeros(0, item) for name, (item, _) in ARRAYS.items()}
    arrays["value_ptr"] = np.zeros(total + 1, np.int64)
    arrays |= dict.fromkeys(("topk_token_count", "topk_head_count"), np.full((groups, 2), -1, np.int32))
    arrays |= dict.fromkeys(("context", "keys_kept"), rows)
    arrays |= {
        "row_index": index.astype(np.int32),
        "queries": queries,
        "query_ptr": np.concatenate([np.zeros(1, np.int64), np.cumsum(queries, dtype=np.int64)]),
        "values_kept": np.repeat(rows, queries),
        "lsb_refetch": np.zeros(total, np.uint8),
        "heads_alive": np.ones((d.steps, d.layers, d.heads), np.uint8),
        "token_ids": tokens.flat,
        "token_ptr": tokens.ptr,
    }
    bits = {"query": BITS[kind], "key": BITS[kind], "value": BITS[kind], "lsb": 0}
    own: dict[str, Any] = {
        "bits": bits,
        "schedule": None,
        "threshold": None,
        "pair_shares_values": False,
        "assumed": [],
        "records": {},
    }
    meta = {name: value for name, value in d.meta.items() if name != "scores"} | own
    return Decisions(meta=meta, token_text=d.token_text, records={}, **arrays)


def dense_operations(decisions: Decisions) -> int:
    """Return the arithmetic operations of the un-pruned work: two per multiply-accumulate of Q x K and Prob x V."""
    whole = dense(decisions)
    return int(4 * decisions.head_dim * (whole.keys_kept * whole.queries.astype(np.int64)).sum())
