"""Names, types and dimensions of the arrays of a `Decisions` file."""

import numpy as np

RAGGED = {
    "value_ids": "value_ptr",
    "token_ids": "token_ptr",
}
"""Arrays that hold lists of unequal length, and the array that says where each list begins."""

SELECTIONS = ("token", "head")
"""What the selections at the end of a layer choose among."""

SITES = ("local", *SELECTIONS)
"""Top-k commands that have work records: those for local values, one a query, and the selections, one a group."""

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
"""Item type and number of dimensions of each array, without those of the work records."""

VALUE_LIST = "value_list"
"""Array that is there only where queries share lists of `value_ids`: 32-bit numbers, which list each query uses."""

RECORD_ARRAYS = (np.int32, np.int64)
"""Item types of the two arrays of a list of work records: sizes, and where each record begins."""


def record_names(kind: str, site: str) -> tuple[str, str]:
    """Return the names of the two arrays that hold the work records of one kind at one site.

    >>> record_names("quick", "local")
    ('topk_local_quick', 'topk_local_quick_ptr')
    """
    return f"topk_{site}_{kind}", f"topk_{site}_{kind}_ptr"
