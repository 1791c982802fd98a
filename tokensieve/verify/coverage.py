"""Functional coverage: how many vectors and stalled cases were of each kind that a unit may get wrong."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.case import Record


def bins(arch: Arch, vectors: Vectors, stalled: Sequence[tuple[Sequence[int], "Record"]]) -> dict[str, int]:
    """Return the counts, 0 where a kind never came."""
    counts: Counter[str] = Counter()
    _lists(counts, vectors.inputs, "inputs", arch.topk.lanes)
    _lists(counts, vectors.expected, "expected", arch.topk.lanes)
    if {"n", "k"} <= vectors.inputs.keys():
        _commands(counts, np.asarray(vectors.inputs["n"]), np.asarray(vectors.inputs["k"]), arch.topk.lanes)
    counts["cases.back_to_back"] = sum(len(which) > 1 for which, _ in stalled)
    for _, record in stalled:
        _pauses(counts, record)
    return dict(counts)


def _lists(counts: Counter[str], group: Mapping[str, np.ndarray], kind: str, lanes: int) -> None:
    """Count the lengths of ragged arrays."""
    for name in sorted(name for name in group if f"{name}_ptr" in group):
        lengths = np.diff(group[f"{name}_ptr"])
        at = f"{kind}.{name}"
        counts[f"{at}.none"] = int((lengths == 0).sum())
        counts[f"{at}.one"] = int((lengths == 1).sum())
        counts[f"{at}.longest"] = int((lengths == lengths.max(initial=0)).sum())
        counts[f"{at}.part_of_a_row"] = int((lengths % lanes != 0).sum())


def _commands(counts: Counter[str], n: np.ndarray, k: np.ndarray, lanes: int) -> None:
    """Count lengths and numbers to keep."""
    kinds = {
        "k=0": k == 0, "k=1": k == 1, "k=n": k == n, "k=n-1": k == n - 1, "k>n": k > n, "0<k<n": (k > 0) & (k < n),
        "n=1": n == 1, "n%lanes=0": n % lanes == 0, "n%lanes>0": n % lanes > 0,
    }  # fmt: skip
    counts.update({name: int(found.sum()) for name, found in kinds.items()})


def _pauses(counts: Counter[str], record: "Record") -> None:
    """Count the cases in which a stream waited for its sink, and those in which a sink waited for it."""
    for name in record.transfers:
        valid, ready = record.valid[name], record.ready[name]
        counts[f"{name}.stalled"] += bool((valid & ~ready).any())
        counts[f"{name}.starved"] += bool((ready & ~valid).any())
