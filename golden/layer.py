"""One layer: every live head over the live tokens, quantized, attended to and written down."""

from dataclasses import dataclass, field
from fractions import Fraction

import torch
from torch import Tensor

from tokensieve.arch.datapath import Number
from tokensieve.arch.machine import Arch
from tokensieve.golden.attention import Head, Precision, attend
from tokensieve.golden.cascade import Cascade
from tokensieve.golden.quantize import Quantized, quantize, quantize_with, scale_of


@dataclass(frozen=True)
class LayerPlan:
    """What a schedule says of one layer of one step."""

    tokens: int
    """Tokens alive."""

    heads: int
    """Heads alive."""

    values: int
    """Values that a query keeps of them."""

    precision: Precision = field(default_factory=Precision)
    """Bits."""


@dataclass(frozen=True)
class LayerInput:
    """Q, K and V of one layer in floating point, as the model computes them.

    `key` and `value` have shape ``(heads, context, D)``; `query` the same in prefill, ``(heads, 1, D)`` in decode.
    """

    query: Tensor
    key: Tensor
    value: Tensor


@dataclass(frozen=True)
class CacheScales:
    """Scales of K and V of every head, fixed when the prompt fills the cache; later vectors saturate."""

    key: tuple[float, ...]
    value: tuple[float, ...]

    @classmethod
    def of(cls, x: LayerInput, number: Number) -> "CacheScales":
        """Return the scales that fit the given keys and values."""
        bits = number.onchip_bits
        return cls(tuple(scale_of(k, bits) for k in x.key), tuple(scale_of(v, bits) for v in x.value))


def run_layer(
    x: LayerInput,
    cascade: Cascade,
    plan: LayerPlan,
    cache: CacheScales | None = None,
    mask: Tensor | None = None,
) -> dict[int, tuple[Head, float]]:
    """Return the result of every live head and the step of its output, after adding both to the importance sums.

    All heads of a layer share one output step, that of the coarsest V among the live ones.
    """
    operands = {h: quantized(x, h, cascade.tokens, cascade.arch.number, cache) for h in cascade.heads.tolist()}
    output_step = max(v.scale for _, _, v in operands.values())
    results = {}
    for h, (q, k, v) in operands.items():
        head = attend(q, k, v, cascade.arch, plan.precision, plan.values, output_step, mask)
        cascade.add(h, head)
        results[h] = (head, real_step(output_step, cascade.arch))
    return results


def quantized(
    x: LayerInput, head: int, tokens: Tensor, number: Number, cache: CacheScales | None
) -> tuple[Quantized, Quantized, Quantized]:
    """Return Q, K and V of one head over the live tokens; scales are those of `cache`, or made from these tokens."""
    one_query = x.query.shape[1] == 1
    q = quantize(x.query[head] if one_query else x.query[head, tokens], number)
    k, v = x.key[head, tokens], x.value[head, tokens]
    if cache is None:
        return q, quantize(k, number), quantize(v, number)
    return q, in_steps_of(cache.key[head], k, number), in_steps_of(cache.value[head], v, number)


def in_steps_of(scale: float, x: Tensor, number: Number) -> Quantized:
    """Return `x` quantized with a given scale."""
    return Quantized(quantize_with(x, scale, number.onchip_bits), scale)


def real_step(output_step: float, arch: Arch) -> float:
    """Return the real value of one step of the output, which may have more bits than a value."""
    return output_step * float(Fraction(2) ** (arch.number.onchip_bits - arch.number.output_bits))


def assembled(results: dict[int, tuple[Head, float]], shape: torch.Size, ran: Tensor) -> Tensor:
    """Return the layer's output as real values of shape `shape`, ``(heads, queries, D)``; what was pruned is 0.

    `ran` are the positions whose queries ran. This is the way out of the integers: what the model computes its next
    layer from.
    """
    output = torch.zeros(shape, dtype=torch.float64)
    for h, (head, step) in results.items():
        output[h, ran] = head.output.to(torch.float64) * step
    return output
