"""Attention in floating point, and how far the integers are from it. These floats decide nothing."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


def dense_attention(q: Tensor, k: Tensor, v: Tensor, causal: bool = False) -> Tensor:
    """Return softmax(q k^T / sqrt(D)) v in float64; shapes ``(heads, queries, D)`` and ``(heads, keys, D)``.

    With `causal`, query i of the last ``queries`` positions sees the keys up to its own.
    """
    q, k, v = q.double(), k.double(), v.double()
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if causal:
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril(k.shape[-2] - q.shape[-2])
        scores = scores.masked_fill(~seen, -math.inf)
    return torch.softmax(scores, dim=-1) @ v


@dataclass(frozen=True)
class Closeness:
    """How close an output is to its reference."""

    cosine: float
    """Cosine of the angle between both, all entries taken as one vector."""

    worst_row_cosine: float
    """Smallest cosine of a row."""

    error: float
    """Largest error of an entry, relative to the largest magnitude of its row of the reference."""


def closeness(came: Tensor, wanted: Tensor) -> Closeness:
    """Return how close `came` is to `wanted`, both of shape ``(rows, columns)``."""
    a, b = came.double(), wanted.double()
    row_error = (a - b).abs().amax(dim=-1) / b.abs().amax(dim=-1)
    rows = torch.cosine_similarity(a, b, dim=-1)
    return Closeness(cosine(a, b), float(rows.min()), float(row_error.max()))


def cosine(a: Tensor, b: Tensor) -> float:
    """Return the cosine of the angle between `a` and `b`, each taken as one vector; 0 where one is zero."""
    return float(torch.cosine_similarity(a.double().flatten(), b.double().flatten(), dim=0))


def concatenated(heads: Tensor) -> Tensor:
    """Return ``(heads, rows, D)`` as ``(rows, heads * D)``: a layer's attention output as its next matrix takes it."""
    return heads.transpose(0, 1).reshape(heads.shape[1], -1)
