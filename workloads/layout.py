"""Names, types and dimensions of the arrays of a `Decisions` file, version 1."""

import numpy as np

RAGGED = {
    "value_ids": "value_ptr",
    "token_ids": "token_ptr",
    "topk_local_radix": "topk_local_radix_ptr",
    "topk_local_quick": "topk_local_quick_ptr",
    "topk_token_radix": "topk_token_radix_ptr",
    "topk_token_quick": "topk_token_quick_ptr",
    "topk_head_radix": "topk_head_radix_ptr",
    "topk_head_quick": "topk_head_quick_ptr",
}
"""Arrays that hold lists of unequal length, and the array that says where each list begins."""

SELECTIONS = ("topk_token", "topk_head")
"""The selections that run at the end of a layer."""

ARRAYS: dict[str, tuple[type, int]] = {
    "row_index": (np.int32, 2),
    "context": (np.int32, 1),
    "keys_kept": (np.int32, 1),
    "queries": (np.int32, 1),
    "query_ptr": (np.int64, 1),
    "values_kept": (np.int32, 1),
    "lsb_refetch": (np.uint8, 1),
    "heads_alive": (np.uint8, 3),
    "topk_token_count": (np.int32, 2),
    "topk_head_count": (np.int32, 2),
    **{flat: (np.int32, 1) for flat in RAGGED},
    **{ptr: (np.int64, 1) for ptr in RAGGED.values()},
}
"""Item type and number of dimensions of each array."""
