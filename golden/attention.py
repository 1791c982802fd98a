"""Attention of one head over one block of queries, in integers: Q x K, softmax, decision, Prob x V (paper IV)."""

import math
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from tokensieve.arch.datapath import Number
from tokensieve.arch.errors import ArchError
from tokensieve.arch.machine import Arch
from tokensieve.golden.quantize import (
    Quantized,
    Scale,
    combine,
    fixed_scale,
    lsb_plane,
    middle_of_msb,
    msb_only,
    msb_plane,
)
from tokensieve.golden.rounding import matmul, round_shift
from tokensieve.golden.softmax import softmax
from tokensieve.golden.topk import kept_mask, top_k


@dataclass(frozen=True)
class Precision:
    """Bits of Q, K and V that are fetched at first, and when the rest of K is."""

    query_bits: int = 12
    key_bits: int = 8
    value_bits: int = 8
    lsb_bits: int = 4
    """Bits of K's LSB plane, at most; where fewer are left below the MSBs, those."""

    threshold: Fraction | None = None
    """Queries whose largest probability is below it are computed again with the LSBs of K; None switches that off."""


@dataclass(frozen=True)
class Head:
    """What one head made of a block of queries."""

    probabilities: Tensor
    """After any recomputation, unsigned `probability_bits`, int64 of shape ``(queries, keys)``."""

    refetch: Tensor
    """Whether a query was computed again with the LSBs of K, bool of shape ``(queries,)``."""

    values: Tensor
    """Positions of the values that take part, ascending, int64 of shape ``(queries, values)``."""

    output: Tensor
    """Attention output, two's complement `output_bits`, int64 of shape ``(queries, D)``."""


def attend(
    q: Quantized,
    k: Quantized,
    v: Quantized,
    arch: Arch,
    precision: Precision,
    values_kept: int,
    output_scale: float,
    mask: Tensor | None = None,
) -> Head:
    """Return one head's attention: `q` of shape ``(queries, D)`` over `k` and `v` of shape ``(keys, D)``.

    Of each query's probabilities only the `values_kept` largest reach Prob x V; they are not renormalised. The output
    is in steps of `output_scale`. Where `mask`, bool of shape ``(queries, keys)``, is False, a query does not see a
    key.
    """
    probabilities, refetch = progressive(q, k, arch, precision, mask)
    chosen = top_k(probabilities, values_kept)
    used = torch.where(kept_mask(chosen, k.values.shape[0]), probabilities, 0)
    weighted = matmul(used, middle_of_msb(v.values, precision.value_bits, arch.number))
    output = rescale(weighted, v.scale / output_scale if output_scale else 0.0, arch)
    return Head(probabilities, refetch, chosen.kept, output)


def progressive(
    q: Quantized, k: Quantized, arch: Arch, precision: Precision, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the probabilities, and which queries needed K's LSB plane for them (paper III-D, Fig. 6).

    A query whose largest probability with the MSBs alone is below the threshold has a flat distribution, where errors
    of the scores hurt; its scores and probabilities are computed once more with both planes.
    """
    number, bits = arch.number, precision.key_bits
    below = min(precision.lsb_bits, number.onchip_bits - bits)
    query = msb_only(q.values, precision.query_bits, number)
    factor = q.scale * k.scale / math.sqrt(q.values.shape[-1])
    first = softmax(scaled_scores(query, msb_only(k.values, bits, number), factor, arch), arch.softmax, mask)
    if precision.threshold is None or below == 0:
        return first, torch.zeros(first.shape[0], dtype=torch.bool)
    flat = first.amax(dim=-1) < threshold_integer(precision.threshold, arch.softmax.probability_bits)
    planes = msb_plane(k.values, bits, number), lsb_plane(k.values, bits, below, number)
    both = combine(*planes, bits, below, number)
    again = softmax(scaled_scores(query[flat], both, factor, arch), arch.softmax, None if mask is None else mask[flat])
    return first.index_copy(0, flat.nonzero().flatten(), again), flat


def scaled_scores(q: Tensor, k: Tensor, factor: float, arch: Arch) -> Tensor:
    """Return ``q k^T`` times `factor` with `exp_frac_bits` fraction bits, int64 of shape ``(queries, keys)``.

    The product of 12-bit vectors of 64 fits 29 bits; the multiplier of `number.scale_bits` makes at most 53 of them.
    """
    scale = fixed_scale(math.ldexp(factor, arch.softmax.exp_frac_bits), arch.number.scale_bits)
    return times(matmul(q, k.T), scale)


def rescale(weighted: Tensor, ratio: float, arch: Arch) -> Tensor:
    """Return Prob x V sums as outputs of `number.output_bits`, rounded half to even and saturated.

    `ratio` is the step of this head's values over the step of the layer's outputs, at most 1: outputs of all heads of a
    layer are in one step, so that the sums of their magnitudes can be compared.
    """
    number = arch.number
    points = output_shift(number) - arch.softmax.probability_bits
    scaled = times(weighted, fixed_scale(math.ldexp(ratio, points), number.scale_bits))
    return scaled.clamp(-(1 << (number.output_bits - 1)), (1 << (number.output_bits - 1)) - 1)


def output_shift(number: Number) -> int:
    """Return by how many bits an output is finer than a value."""
    return number.output_bits - number.onchip_bits


def times(value: Tensor, scale: Scale) -> Tensor:
    """Return `value` times a fixed-point factor, rounded half to even; a product of 62 bits or more is refused."""
    if value.numel() and (int(value.abs().max()) * scale.multiplier) >> 62:
        raise ArchError("number.onchip_bits, number.scale_bits and softmax.probability_bits are too wide together")
    return round_shift(value * scale.multiplier, scale.shift)


def threshold_integer(threshold: Fraction, probability_bits: int) -> int:
    """Return the integer t with ``p < t`` exactly where ``p / 2^probability_bits < threshold``.

    >>> threshold_integer(Fraction("0.1"), 12)
    410
    """
    return math.ceil(threshold * (1 << probability_bits))


def causal_mask(queries: int, keys: int) -> Tensor:
    """Return which keys each of the last `queries` positions of `keys` sees, bool of shape ``(queries, keys)``."""
    position = torch.arange(keys - queries, keys)
    return torch.arange(keys)[None, :] <= position[:, None]
