"""The fixed-point softmax."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch.datapath import Softmax
from tokensieve.golden.softmax import divide, exp_of_minus, softmax

KINDS = ["taylor5", "lut"]
kinds = st.sampled_from(KINDS)
score_rows = st.lists(st.integers(-(40 << 20), 40 << 20), min_size=1, max_size=64)


@given(row=score_rows, kind=kinds)
def test_a_larger_score_never_gets_a_smaller_probability(row, kind):
    scores = torch.tensor(sorted(row))
    p = softmax(scores[None], Softmax(kind=kind))[0]

    assert bool((p.diff() >= 0).all())


@given(row=score_rows, kind=kinds, bits=st.integers(8, 24))
def test_probabilities_sum_to_one_within_their_rounding(row, kind, bits):
    arch = Softmax(kind=kind, probability_bits=bits)
    p = softmax(torch.tensor([row]), arch)

    assert abs(int(p.sum()) - (1 << bits)) <= len(row) / 2 + 1 + len(row) * 2 ** (bits - 31)
    assert int(p.min()) >= 0
    assert int(p.max()) < 1 << bits


@given(row=score_rows, kind=kinds)
def test_probabilities_are_those_of_the_real_softmax_within_the_formats(row, kind):
    p = softmax(torch.tensor([row]), Softmax(kind=kind))[0]
    exact = torch.softmax(torch.tensor(row, dtype=torch.float64) * 2.0**-20, 0)
    relative = 1e-4 if kind == "taylor5" else 2 * math.log(2) / 512

    assert bool(((p / 4096.0 - exact).abs() <= 0.51 / 4096 + 2 * relative * exact + 1 / 4096 * (exact > 0.999)).all())


@given(row=score_rows, shift=st.integers(-(1 << 30), 1 << 30), kind=kinds)
def test_a_constant_on_all_scores_changes_nothing(row, shift, kind):
    scores, arch = torch.tensor([row]), Softmax(kind=kind)

    assert torch.equal(softmax(scores, arch), softmax(scores + shift, arch))


@given(row=score_rows, hidden=st.lists(st.booleans(), min_size=64, max_size=64), kind=kinds)
def test_masked_keys_might_as_well_not_be_there(row, hidden, kind):
    seen = ~torch.tensor(hidden[: len(row)])
    seen[0] = True
    scores, arch = torch.tensor([row]), Softmax(kind=kind)
    p = softmax(scores, arch, seen[None])

    assert torch.equal(p[:, seen], softmax(scores[:, seen], arch))
    assert int(p[:, ~seen].sum()) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frac", [8, 12, 20, 30])
def test_exp_falls_from_exactly_one_to_zero_without_ever_rising(kind, frac):
    arch = Softmax(kind=kind, exp_frac_bits=frac)
    joints = [round(n * math.log(2) * 2**frac / 2) for n in range(1, 68)]  # wherever a range might end
    around = torch.cat([torch.arange(-300, 300) + joint for joint in joints])
    distance = torch.cat([torch.arange(2000), around.clamp(min=0), torch.arange(1 << 12) << (frac - 7)]).sort().values
    e = exp_of_minus(distance, arch)

    assert int(e[0]) == 1 << frac
    assert int(e[-1]) == 0
    assert bool((e.diff() <= 0).all())


@given(kind=kinds, distance=st.integers(0, 20 << 20))
def test_exp_is_close_to_the_real_one(kind, distance):
    came = int(exp_of_minus(torch.tensor(distance), Softmax(kind=kind))) / 2**20

    assert came == pytest.approx(math.exp(-distance / 2**20), rel=1e-4 if kind == "taylor5" else 1.4e-3, abs=2e-6)


@given(total=st.integers(1, 1 << 46), share=st.fractions(0, 1), bits=st.integers(16, 48))
def test_the_divider_is_a_long_division_of_its_width(total, share, bits):
    arch = Softmax(divider_bits=bits, probability_bits=15)
    e = int(share * total)
    quotient = (e << (bits - 1)) // total

    want = min(round(quotient / 2 ** (bits - 16)), 32767)
    assert int(divide(torch.tensor(e), torch.tensor(total), arch)) == want


def test_one_key_takes_the_largest_probability_there_is():
    assert softmax(torch.tensor([[-7]]), Softmax()).tolist() == [[4095]]
