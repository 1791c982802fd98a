"""Counts out of the checked rows of an authors' CSV trace.

Bits of -1, 10 and 12 mean, as in the authors' test bench, K in 8 bits plus a forced pass over 4 more, and V in 8 bits.
"""

import numpy as np

from tokensieve.workloads.columns import Value
from tokensieve.workloads.complete import Counts
from tokensieve.workloads.decisions import UInt8
from tokensieve.workloads.ragged import Int32

HEADS_RULE = "head ids are running numbers of live heads, taken as original ids"
WIDE_RULE = "bits of -1, 10 and 12 mean K in 8 bits and a forced second pass over 4 more, and V in 8 bits"
HEADS_TOPK_RULE = "a head selection runs where the number of live heads falls (the format does not say)"
PREFILL_LSB_RULE = "the queries that need the LSBs are spread evenly over a head (the format gives their number)"

WIDE = (-1, 10, 12)
"""Bits that stand for a row of two passes."""

Row = dict[str, Value]
"""One row: the 17 columns by name, with those that a 15-column file lacks filled in."""


def place(row: Row) -> tuple[int, int, int]:
    """Return iteration, layer and head of a row."""
    return int(row["iteration_id"]), int(row["layer_id"]), int(row["head_id"])


def csv_counts(rows: list[Row], decode: bool) -> Counts:
    """Return the counts that checked rows hold."""
    index = np.array([place(row) for row in rows], np.int32)
    steps, layers, heads = (int(n) + 1 for n in index.max(axis=0))
    wide = bool(np.isin(_column(rows, "quant_key_bit"), WIDE).any())
    alive = np.zeros((steps, layers, heads), np.int32)
    alive[tuple(index.T)] = 1
    assumed = [HEADS_RULE]
    assumed += [WIDE_RULE] if wide else []
    head_topk = _head_topk(alive.sum(axis=2, dtype=np.int32))
    assumed += [HEADS_TOPK_RULE] if (head_topk >= 0).any() else []
    lsb = [_lsb(row, decode) for row in rows]
    assumed += [] if decode or not any(0 < one.sum() < len(one) for one in lsb) else [PREFILL_LSB_RULE]
    last = np.append(np.flatnonzero(np.diff(index[:, 0] * layers + index[:, 1])), len(rows) - 1)
    thresholds = {row["auto_requant_thres"] for row in rows} - {-1}
    return Counts(
        phase="decode" if decode else "prefill",
        model="GPT-2 (authors' trace)" if decode else "BERT (authors' trace)",
        head_dim=int(rows[0]["embedding_length_D"]),
        heads=heads,
        layers=layers,
        steps=steps,
        row_index=index,
        context=_column(rows, "sentence_length_L"),
        keys=_column(rows, "key_fetch_num"),
        values=_column(rows, "value_fetch_num"),
        lsb_refetch=np.concatenate(lsb),
        bits=_bits(rows),
        token_topk=_column(rows, "topk")[last],
        head_topk=head_topk,
        threshold=float(thresholds.pop()) if thresholds else None,
        charge_io=False,
        pair_shares_values=True,
        assumed=tuple(assumed),
    )


def _column(rows: list[Row], name: str) -> Int32:
    return np.array([row[name] for row in rows], np.int32)


def _bits(rows: list[Row]) -> dict[str, int | list[int]]:
    """Return the widths in DRAM, one for all rows where they are alike."""
    query, key, value = (_column(rows, f"quant_{name}_bit") for name in ("query", "key", "value"))
    lsb = np.maximum(_column(rows, "auto_requant_incre"), 0)
    wide = np.isin(key, WIDE)
    widths = {
        "query": np.where(query < 0, 12, query),
        "key": np.where(wide, 8, key),
        "value": np.where(np.isin(value, WIDE), 8, value),
        "lsb": np.where(wide, 4, lsb),
    }
    return {name: int(w[0]) if (w == w[0]).all() else w.tolist() for name, w in widths.items()}


def _lsb(row: Row, decode: bool) -> UInt8:
    """Return for each query of a row whether it makes a second pass, and why."""
    queries = 1 if decode else int(row["key_fetch_num"])
    if row["quant_key_bit"] in WIDE:
        return np.full(queries, 2, np.uint8)
    result = np.zeros(queries, np.uint8)
    if row["if_requant"]:
        number = int(row.get("auto_requant_num", -1))
        number = queries if number < 0 else number
        result[np.arange(number) * queries // max(number, 1)] = 1
    return result


def _head_topk(live: Int32) -> Int32:
    """Return the heads kept at the end of each group where the next layer of the iteration has fewer, else -1."""
    kept = np.full_like(live, -1)
    falls = live[:, 1:] < live[:, :-1]
    kept[:, :-1][falls] = live[:, 1:][falls]
    return kept.reshape(-1)
