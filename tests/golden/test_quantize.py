"""Quantization and its bit planes."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch.datapath import Number
from tokensieve.golden.quantize import (
    combine,
    fixed_scale,
    lsb_plane,
    middle_of_msb,
    msb_only,
    msb_plane,
    quantize,
    quantize_with,
)
from tokensieve.golden.rounding import matmul, round_shift

NUMBER = Number()
twelve_bits = st.lists(st.integers(-2048, 2047), min_size=1, max_size=50).map(lambda v: torch.tensor(v))


@given(values=twelve_bits)
def test_planes_that_hold_all_bits_recombine_exactly(values):
    msb, lsb = msb_plane(values, 8, NUMBER), lsb_plane(values, 8, 4, NUMBER)

    assert torch.equal(combine(msb, lsb, 8, 4, NUMBER), values)
    assert int(msb.min()) >= -128
    assert int(msb.max()) <= 127
    assert int(lsb.min()) >= 0
    assert int(lsb.max()) <= 15


@given(values=twelve_bits, bits=st.sampled_from([4, 6, 8, 10, 12]), lsb=st.integers(0, 8))
def test_two_planes_are_the_top_bits_of_both_together(values, bits, lsb):
    lsb = min(lsb, 12 - bits)
    combined = combine(msb_plane(values, bits, NUMBER), lsb_plane(values, bits, lsb, NUMBER), bits, lsb, NUMBER)

    assert torch.equal(combined, msb_only(values, bits + lsb, NUMBER))


@given(values=twelve_bits, bits=st.sampled_from([4, 6, 8, 10, 12]))
def test_the_middle_of_the_msbs_is_off_by_half_a_step_at_most(values, bits):
    error = (middle_of_msb(values, bits, NUMBER) - values).abs().max()

    assert int(error) <= 1 << (12 - bits) >> 1


def test_the_largest_magnitude_becomes_2047_and_halves_round_to_even():
    q = quantize(torch.tensor([-2047.0, 0.5, 1.5, 2.5, -0.5, -1.5]), NUMBER)

    assert q.scale == 1.0
    assert q.values.tolist() == [-2047, 0, 2, 2, 0, -2]


def test_values_beyond_a_fixed_scale_saturate():
    assert quantize_with(torch.tensor([9999.0, -9999.0]), 1.0, 12).tolist() == [2047, -2048]


@pytest.mark.parametrize("shape", [(0, 4), (3, 4)])
def test_a_tensor_of_zeros_quantizes_to_zeros(shape):
    q = quantize(torch.zeros(shape), NUMBER)

    assert q.scale == 0.0
    assert q.values.count_nonzero() == 0


@given(factor=st.floats(1e-12, 1e3), bits=st.integers(8, 24))
def test_a_fixed_scale_is_within_half_a_unit_of_its_multiplier(factor, bits):
    scale = fixed_scale(factor, bits)

    assert scale.multiplier < 1 << bits
    assert 0 <= scale.shift <= 62
    if scale.shift < 62 and factor < 1:
        assert scale.multiplier >= 1 << (bits - 1)
        assert math.ldexp(scale.multiplier, -scale.shift) == pytest.approx(factor, rel=2.0**-bits)


def test_a_scale_too_large_for_its_multiplier_saturates_and_none_is_zero():
    assert fixed_scale(1e30, 16) == fixed_scale(65535.0, 16)
    assert fixed_scale(0.0, 16).multiplier == 0


@given(value=st.integers(-(1 << 40), 1 << 40), shift=st.integers(-3, 45))
def test_shifts_round_halves_to_even(value, shift):
    assert int(round_shift(torch.tensor(value), shift)) == round(math.ldexp(value, -shift))


@given(value=st.integers(-(1 << 40), 1 << 40), shift=st.integers(0, 45))
def test_a_shift_given_as_a_tensor_rounds_alike(value, shift):
    assert int(round_shift(torch.tensor(value), torch.tensor(shift))) == int(round_shift(torch.tensor(value), shift))


def test_a_product_is_exact_at_the_widest_operands():
    a, b = torch.full((1, 4096), (1 << 24) - 1), torch.full((4096, 1), -(1 << 15))

    assert int(matmul(a, b)) == -4096 * ((1 << 24) - 1) * (1 << 15)
