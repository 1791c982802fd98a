"""Fixed-point softmax: the maximum subtracted first, exp of the rest, an integer sum and an integer division.

The paper's unit is floating point with a fifth-order Taylor series (IV-F); the formats are `arch.softmax`, this
project's own. Every step is monotone: a larger score never gets a smaller probability.
"""

from decimal import Decimal, localcontext
from functools import lru_cache

import torch
from torch import Tensor

from tokensieve.arch.datapath import Softmax
from tokensieve.golden.rounding import round_shift

_DIGITS = 50
_LOG2E_BITS = 24  # of 1 / ln 2 in the table's address: its error stays far below a table step, products below 2^63


def softmax(scores: Tensor, arch: Softmax, mask: Tensor | None = None) -> Tensor:
    """Return the probabilities of each row of `scores`, unsigned integers of `arch.probability_bits`.

    `scores` is int64, shape ``(..., keys)``, with `arch.exp_frac_bits` fraction bits. Where the boolean `mask` is False
    a key takes no part and gets 0; every row needs one key that does. The result is saturated at 2^probability_bits -
    1.
    """
    if mask is not None:
        scores = scores.masked_fill(~mask, int(scores.min()))
    distance = scores.amax(dim=-1, keepdim=True) - scores
    e = exp_of_minus(distance, arch)
    if mask is not None:
        e = e.masked_fill(~mask, 0)
    return divide(e, e.sum(dim=-1, keepdim=True), arch)


def exp_of_minus(distance: Tensor, arch: Softmax) -> Tensor:
    """Return exp(-distance), both with `exp_frac_bits` fraction bits; `distance` >= 0, result 0 .. 2^exp_frac_bits."""
    return _taylor5(distance, arch) if arch.kind == "taylor5" else _table(distance, arch)


def _taylor5(distance: Tensor, arch: Softmax) -> Tensor:
    """Return exp(-d) = 2^-n exp(t), n = ceil(d / ln 2), t = n ln 2 - d in 0 .. ln 2, the series by Horner's rule.

    With t >= 0 all terms are positive and the truncated series stays below exp(t), so that the steps where n changes go
    down too; rounding up to n instead of down is what makes the whole monotone.
    """
    frac = arch.exp_frac_bits
    ln2 = fixed_ln2(frac)
    n = (distance + ln2 - 1) // ln2
    t = n * ln2 - distance
    series = torch.full_like(t, _inverse_factorial(5, frac))
    for k in (4, 3, 2, 1, 0):
        series = round_shift(series * t, frac) + _inverse_factorial(k, frac)
    return round_shift(series, n.clamp(max=frac + 2))


def _table(distance: Tensor, arch: Softmax) -> Tensor:
    """Return exp(-d) = 2^-n T[i], where d / ln 2, rounded to `table_bits` fraction bits, is n + i / 2^table_bits."""
    frac, bits = arch.exp_frac_bits, arch.table_bits
    far = (frac + 2) * fixed_ln2(frac)  # exp is 0 from here on
    steps = round_shift(distance.clamp(max=far) * fixed_log2e(_LOG2E_BITS), frac + _LOG2E_BITS - bits)
    table = torch.tensor(exp_table(frac, bits), dtype=torch.int64)
    return round_shift(table[steps & ((1 << bits) - 1)], steps >> bits)


def divide(e: Tensor, total: Tensor, arch: Softmax) -> Tensor:
    """Return ``e / total`` as probabilities: a quotient of `divider_bits`, one before the point, rounded and saturated.

    Long division, so that no intermediate exceeds 63 bits: `total` is at most 2^20 keys x 2^30.
    """
    if e.numel() == 0:
        return e
    fraction = arch.divider_bits - 1
    quotient = torch.div(e, total, rounding_mode="floor")
    rest = e - quotient * total
    chunk = 62 - int(total.max()).bit_length()
    for done in range(0, fraction, chunk):
        step = min(chunk, fraction - done)
        rest = rest << step
        digit = torch.div(rest, total, rounding_mode="floor")
        rest = rest - digit * total
        quotient = (quotient << step) + digit
    probability = round_shift(quotient, fraction - arch.probability_bits)
    return probability.clamp(max=(1 << arch.probability_bits) - 1)


@lru_cache
def fixed_ln2(frac: int) -> int:
    """Return ln 2 with `frac` fraction bits, rounded."""
    with localcontext(prec=_DIGITS):
        return int((Decimal(2).ln() * 2**frac).to_integral_value())


@lru_cache
def fixed_log2e(frac: int) -> int:
    """Return 1 / ln 2 with `frac` fraction bits, rounded."""
    with localcontext(prec=_DIGITS):
        return int((2**frac / Decimal(2).ln()).to_integral_value())


@lru_cache
def _inverse_factorial(k: int, frac: int) -> int:
    """Return 1 / k! with `frac` fraction bits, rounded down so that the series never overshoots."""
    return (1 << frac) // (1, 1, 2, 6, 24, 120)[k]


@lru_cache
def exp_table(frac: int, bits: int) -> tuple[int, ...]:
    """Return 2^(-i / 2^bits) for i in 0 .. 2^bits - 1, with `frac` fraction bits, rounded half to even."""
    with localcontext(prec=_DIGITS):
        return tuple(round(Decimal(2) ** (Decimal(-i) / 2**bits) * 2**frac) for i in range(1 << bits))
