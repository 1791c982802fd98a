"""MNNFast's column-based attention (ISCA 2019): keys pass in chunks, and values of small weight are skipped.

No chunk waits for the sum over all keys: the exponentials are added up as they come, the output is divided by the sum
at the end, and whether a value is worth multiplying is decided with the sum so far.
"""

from fractions import Fraction

import torch
from torch import Tensor

from tokensieve.arch.machine import Arch
from tokensieve.golden.attention import scaled_scores
from tokensieve.golden.quantize import Quantized
from tokensieve.golden.softmax import exp_of_minus

THRESHOLD = Fraction(1, 1000)
"""Smallest weight of a value that is used. Our choice: the paper's own figure is not at hand."""

CHUNK = 128
"""Keys of a chunk. Our choice, likewise."""


def used_values(q: Quantized, k: Quantized, arch: Arch, threshold: Fraction = THRESHOLD, chunk: int = CHUNK) -> Tensor:
    """Return the values that each query uses, bool of shape ``(queries, keys)``.

    `q` has shape ``(queries, D)``, `k` ``(keys, D)``. The sum so far is at most the whole one, so that no value is
    skipped whose probability reaches the threshold.
    """
    factor = q.scale * k.scale / q.values.shape[-1] ** 0.5
    scores = scaled_scores(q.values, k.values, factor, arch)
    used = torch.zeros(scores.shape, dtype=torch.bool)
    for begin in range(0, scores.shape[1], chunk):
        seen = scores[:, : begin + chunk]
        weights = exp_of_minus(seen.amax(dim=1, keepdim=True) - seen, arch.softmax)
        large = weights * threshold.denominator >= weights.sum(dim=1, keepdim=True) * threshold.numerator
        used[:, begin : begin + chunk] = large[:, begin:]
    return used
