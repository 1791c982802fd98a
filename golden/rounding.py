"""Integer rounding: the one rule, half to even, that every unit of the golden model uses."""

import torch
from torch import Tensor


def round_shift(value: Tensor, shift: int | Tensor) -> Tensor:
    """Return ``value / 2**shift`` rounded to the nearest integer, halves to even.

    `value` is int64, of either sign and any shape; `shift` is an integer or an int64 tensor that broadcasts with it,
    at most 62. A negative integer `shift` multiplies by a power of two.

    >>> round_shift(torch.tensor([-6, -2, 1, 2, 3, 6]), 2).tolist()
    [-2, 0, 0, 0, 1, 2]
    """
    if isinstance(shift, int):
        return _rounded(value, shift, (1 << shift >> 1) - 1) if shift > 0 else value << -shift
    return torch.where(shift > 0, _rounded(value, shift, (torch.ones_like(value) << shift >> 1) - 1), value)


def _rounded(value: Tensor, shift: int | Tensor, below_half: int | Tensor) -> Tensor:
    """Return `value` shifted right after adding just below a half, and one more where that makes the result even."""
    odd = (value >> shift) & 1
    return (value + below_half + odd) >> shift


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """Return the exact product of two int64 matrices.

    It goes through float64, which is exact while every partial sum stays below 2^53: the widest product here is
    24-bit probabilities times 16-bit values over 2^12 rows.
    """
    return (a.to(torch.float64) @ b.to(torch.float64)).to(torch.int64)
