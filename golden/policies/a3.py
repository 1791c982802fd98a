"""A3's approximate attention (HPCA 2020): which keys a query looks at, and which of them it uses.

The columns of K are sorted once. For each query, two queues over the columns hand out the largest and the smallest
products of one element of the query and one of a key, and what a key collected from both is its greedy score. Keys
with a positive score are candidates; exact scores are computed for them alone, and those too far below the best
candidate are dropped.
"""

from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from tokensieve.arch.machine import Arch
from tokensieve.golden.attention import scaled_scores
from tokensieve.golden.quantize import Quantized
from tokensieve.golden.softmax import exp_of_minus


@dataclass(frozen=True)
class Knobs:
    """How far A3 goes (M and T of its paper)."""

    iterations: Fraction
    """M: steps of the greedy search, as a share of the keys, rounded down but at least one."""

    weight: Fraction
    """T: smallest weight of a candidate that is used, relative to the best one's."""


CONSERVATIVE = Knobs(iterations=Fraction(1, 2), weight=Fraction(1, 20))
AGGRESSIVE = Knobs(iterations=Fraction(1, 8), weight=Fraction(1, 10))


@dataclass(frozen=True)
class Selected:
    """Keys of each query, both bool of shape ``(queries, keys)``; what is used is a candidate."""

    candidates: Tensor
    used: Tensor


def select(q: Quantized, k: Quantized, arch: Arch, knobs: Knobs) -> Selected:
    """Return the candidates and the used keys of ``q``, shape ``(queries, D)``, among ``k``, ``(keys, D)``.

    A query without a candidate takes the key of the largest greedy score, the first of equal ones, so that its softmax
    has something to divide by.
    """
    steps = max(1, int(knobs.iterations * len(k.values)))
    greedy = greedy_scores(q.values, k.values, steps)
    candidates = greedy > 0
    candidates[torch.arange(len(greedy)), greedy.argmax(dim=1)] |= ~candidates.any(dim=1)
    return Selected(candidates, candidates & heavy(q, k, arch, candidates, knobs.weight))


def greedy_scores(q: Tensor, k: Tensor, steps: int) -> Tensor:
    """Return what each key collects in `steps` steps of both queues, int64 of shape ``(queries, keys)``.

    `steps` is at most the number of products, keys x D.
    """
    ascending = torch.argsort(k, dim=0, stable=True)
    descending = torch.argsort(k, dim=0, stable=True, descending=True)
    largest_first = torch.where((q >= 0)[:, None, :], descending, ascending)  # (queries, keys, D)
    smallest_first = torch.where((q >= 0)[:, None, :], ascending, descending)
    scores = torch.zeros(len(q), len(k), dtype=torch.int64)
    take(scores, q, k, largest_first, steps, sign=1)
    take(scores, q, k, smallest_first, steps, sign=-1)
    return scores


def take(scores: Tensor, q: Tensor, k: Tensor, order: Tensor, steps: int, sign: int) -> None:
    """Add to `scores` the first `steps` products of a queue: the largest for `sign` 1, the smallest for -1.

    The head of a column is the next key of its order, `order` of shape ``(queries, keys, D)``. In every step the column
    with the best head, the first of equal ones, gives it away.
    """
    query, column = torch.arange(len(q)), torch.arange(q.shape[1])
    place = torch.zeros_like(q)
    heads = q * k[order[:, 0], column]
    for _ in range(steps):
        best = (sign * heads).argmax(dim=1)
        row = order[query, place[query, best], best]
        scores[query, row] += heads[query, best]
        place[query, best] += 1
        heads[query, best] = next_head(q, k, order, place, best, sign)


def next_head(q: Tensor, k: Tensor, order: Tensor, place: Tensor, best: Tensor, sign: int) -> Tensor:
    """Return the new heads of the columns that gave one away; an empty column has one that is never the best."""
    query, keys = torch.arange(len(q)), order.shape[1]
    at = place[query, best]
    row = order[query, at.clamp(max=keys - 1), best]
    return torch.where(at < keys, q[query, best] * k[row, best], -sign * (1 << 62))


def heavy(q: Quantized, k: Quantized, arch: Arch, candidates: Tensor, weight: Fraction) -> Tensor:
    """Return which keys weigh at least `weight` times as much as the best candidate, bool ``(queries, keys)``."""
    factor = q.scale * k.scale / q.values.shape[-1] ** 0.5
    scores = scaled_scores(q.values, k.values, factor, arch)
    best = scores.masked_fill(~candidates, int(scores.min())).amax(dim=1, keepdim=True)
    relative = exp_of_minus((best - scores).clamp(min=0), arch.softmax)
    return relative * weight.denominator >= weight.numerator << arch.softmax.exp_frac_bits
