"""Request lists for the released design, and CSV files that make them."""

import csv
import io

import numpy as np

from tokensieve.workloads.columns import GPT2
from tokensieve.workloads.released import Requests

NAMES = ("keys", "values", "key_bits", "value_bits", "second_pass", "latency", "last")
PLAIN = {
    "iteration_id": 0, "layer_id": 0, "head_id": 0, "embedding_length_D": "64.0", "sentence_length_L": 1024,
    "key_fetch_num": 64, "quant_key_bit": 8, "quant_query_bit": 16, "auto_requant_thres": -1, "if_requant": False,
    "auto_requant_incre": -1, "value_fetch_num": 32, "quant_value_bit": 8, "if_accumulate_importance": False,
    "if_rescale_previous_importance": False, "if_topk": False, "topk": -1,
}  # fmt: skip


def requests(rows):
    """Requests of rows of seven numbers each, in the order of `NAMES`."""
    table = np.array(rows, np.int64).reshape(-1, len(NAMES))
    return Requests(**dict(zip(NAMES, table.T, strict=True)))


def uniform(count, keys, values, bits=8, second_pass=0, latency=40):
    """Requests of `count` heads that are all alike; those of 6 bits in pairs."""
    pair = bits == 6
    return requests(
        [
            (keys, values, bits, bits, second_pass, 0 if pair and n % 2 else latency, not pair or n % 2)
            for n in range(count)
        ]
    )


def csv_text(*changes, header=tuple(GPT2)):
    """Text of a CSV file with one row for each of `changes`, which say what differs from `PLAIN`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([str(value) for value in (PLAIN | change).values()] for change in changes)
    return out.getvalue()
