"""One head in integers: against plain attention, the progressive decision, local value pruning."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import ArchError, load_arch
from tokensieve.golden.attention import Head, Precision, attend, causal_mask, threshold_integer, times
from tokensieve.golden.quantize import Quantized, Scale, quantize
from tokensieve.golden.reference import closeness, dense_attention

ARCH = load_arch("spatten")
FULL = Precision(12, 12, 12)
seeds = st.integers(0, 1 << 30)


def operands(
    seed: int, queries: int = 20, keys: int = 30, head_dim: int = 16
) -> tuple[Quantized, Quantized, Quantized]:
    lot = torch.Generator().manual_seed(seed)
    q, k, v = (torch.randn(n, head_dim, generator=lot, dtype=torch.float64) for n in (queries, keys, keys))
    return quantize(2 * q, ARCH.number), quantize(k, ARCH.number), quantize(v, ARCH.number)


def run(qkv: tuple[Quantized, Quantized, Quantized], precision: Precision = FULL, values: int = 30, **more) -> Head:
    return attend(*qkv, ARCH, precision, values, qkv[2].scale, **more)


def as_real(q: Quantized) -> torch.Tensor:
    return q.values[None].double() * q.scale


@settings(max_examples=20)
@given(seed=seeds)
def test_a_head_with_nothing_pruned_is_dense_attention(seed):
    qkv = operands(seed)
    dense = dense_attention(*map(as_real, qkv))[0]
    near = closeness(run(qkv).output * qkv[2].scale, dense)

    assert near.cosine > 0.9999
    assert near.error < 0.02


def test_a_causal_head_is_causal_dense_attention():
    qkv = operands(3, queries=30)
    dense = dense_attention(*map(as_real, qkv), causal=True)[0]

    assert closeness(run(qkv, mask=causal_mask(30, 30)).output * qkv[2].scale, dense).cosine > 0.9999


@settings(max_examples=20)
@given(seed=seeds, values=st.integers(1, 30))
def test_only_the_kept_values_reach_the_output_and_nothing_is_renormalised(seed, values):
    q, k, v = operands(seed)
    head = run((q, k, v), values=values)
    p = torch.zeros_like(head.probabilities).scatter_(1, head.values, head.probabilities.gather(1, head.values))
    exact = p @ v.values  # int64 all the way

    assert head.values.shape == (20, values)
    assert bool(((head.output * 4096 - exact).abs() <= 2048 + exact.abs() // 20000).all())


@settings(max_examples=20)
@given(seed=seeds, threshold=st.fractions(0, 1, max_denominator=1000))
def test_exactly_the_flat_queries_are_computed_again_with_the_low_bits(seed, threshold):
    qkv, bits = operands(seed), Precision(12, 8, 8, 4)
    first, both = run(qkv, bits).probabilities, run(qkv, Precision(12, 12, 8)).probabilities
    head = run(qkv, Precision(12, 8, 8, 4, threshold))
    flat = [Fraction(int(p.max()), 4096) < threshold for p in first]

    assert head.refetch.tolist() == flat
    assert torch.equal(head.probabilities, torch.where(torch.tensor(flat)[:, None], both, first))


def test_a_query_at_the_threshold_is_not_computed_again_and_one_just_below_is():
    qkv = operands(0)
    peak = int(run(qkv, Precision(12, 8, 8)).probabilities[0].max())

    assert not run(qkv, Precision(12, 8, 8, 4, Fraction(peak, 4096))).refetch[0]
    assert run(qkv, Precision(12, 8, 8, 4, Fraction(2 * peak + 1, 8192))).refetch[0]


@pytest.mark.parametrize("bits", [Precision(12, 12, 8, 4, Fraction(1)), Precision(12, 8, 8, 0, Fraction(1))])
def test_without_low_bits_there_is_nothing_to_fetch_again(bits):
    assert not run(operands(0), bits).refetch.any()


@given(p=st.integers(0, 4095), threshold=st.decimals(0, 1, places=4))
def test_the_threshold_compares_exactly(p, threshold):
    assert (p < threshold_integer(Fraction(threshold), 12)) == (Fraction(p, 4096) < Fraction(threshold))


def test_outputs_saturate_at_their_width():
    q, k, v = operands(1)
    head = attend(q, k, v, ARCH, FULL, 30, v.scale / 50)  # a step far too fine for these values

    assert int(head.output.max()) <= 2047
    assert int(head.output.min()) == -2048


def test_formats_whose_products_would_overflow_are_refused():
    with pytest.raises(ArchError, match=r"number.onchip_bits, number.scale_bits and .* are too wide together"):
        times(torch.tensor([1 << 50]), Scale(1 << 15, 0))


def test_a_head_of_zeros_attends_evenly_and_gives_zeros():
    zero = quantize(torch.zeros(8, 4), ARCH.number)
    head = attend(zero, zero, zero, ARCH, Precision(), 8, 1.0)

    assert set(head.probabilities.flatten().tolist()) == {512}
    assert head.output.count_nonzero() == 0


def test_the_score_scale_contains_one_over_the_root_of_d():
    q = Quantized(torch.tensor([[2047, 0, 0, 0]]), 1 / 2047)
    k = Quantized(torch.tensor([[2047, 0, 0, 0], [0, 0, 0, 0]]), 1 / 2047)
    p = run((q, k, Quantized(k.values, 1.0)), values=2).probabilities[0]

    assert float(p[0]) / 4096 == pytest.approx(1 / (1 + math.exp(-0.5)), abs=2 / 4096)
