"""Stable top-k: the k largest of n scores, in their original order, ties to the lowest index (paper IV-B).

This is what every engine must find, by definition rather than by an engine's steps; those are in `golden.records`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Selection:
    """What a top-k of each row of an array of scores found."""

    kept: Tensor
    """Indices of the kept scores, ascending, int64 of shape ``(rows, k)``."""

    threshold: Tensor
    """The k-th largest score of each row, int64 of shape ``(rows,)``; 0 where k = 0."""

    ties: Tensor
    """How many scores equal to the threshold are kept, the first ones in order; int64 of shape ``(rows,)``."""


def top_k(scores: Tensor, k: int) -> Selection:
    """Return the `k` largest scores of each row of `scores`, int64 of shape ``(rows, n)``; all of them where k >= n.

    >>> found = top_k(torch.tensor([[5, 9, 5, 1, 5]]), 3)
    >>> found.kept.tolist(), found.threshold.tolist(), found.ties.tolist()
    ([[0, 1, 2]], [5], [2])
    """
    rows, n = scores.shape
    if k == 0:
        none = torch.zeros(rows, dtype=torch.int64)
        return Selection(torch.zeros(rows, 0, dtype=torch.int64), none, none)
    if k >= n:
        least = scores.amin(dim=-1)
        return Selection(torch.arange(n).expand(rows, n), least, (scores == least[:, None]).sum(dim=-1))
    ordered, index = torch.sort(scores, dim=-1, descending=True, stable=True)
    threshold = ordered[:, k - 1]
    ties = (ordered[:, :k] == threshold[:, None]).sum(dim=-1)
    return Selection(index[:, :k].sort(dim=-1).values, threshold, ties)


def kept_mask(selection: Selection, n: int) -> Tensor:
    """Return a selection as a boolean mask of shape ``(rows, n)``."""
    mask = torch.zeros(selection.kept.shape[0], n, dtype=torch.bool)
    return mask.scatter_(1, selection.kept, value=True)


def ranking_scores(importance: Tensor, score_bits: int) -> Tensor:
    """Return importance sums of the alive as unsigned scores of `score_bits`, as the top-k engine takes them.

    `importance` is int64, >= 0. It is shifted right by the smallest amount that makes its largest entry fit; what falls
    off the end is lost, and ties go to the lowest index. (Our choice: the paper gives no width.)
    """
    shift = max(int(importance.max()).bit_length() - score_bits, 0) if importance.numel() else 0
    return importance >> shift
