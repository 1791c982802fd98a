"""Constants of a technology: where they come from, and the two rules that combine them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import ArchError
from tokensieve.arch.base import build
from tokensieve.arch.technology import Constant, Curve, Quantity, load_technology, technology_names

TSMC40 = load_technology("tsmc40")
POINT = {"unit": "pJ", "uncertainty": 0.3, "source": "a book", "confidence": "recalled"}

figures = st.floats(min_value=0, max_value=1e6)
quantities = st.builds(lambda value, share: Quantity(value, value * share), figures, st.floats(0, 1))


def curve(*points):
    """Return a curve through (at, value) points."""
    return build(Curve, {"points": [POINT | {"at": at, "value": value} for at, value in points]}, ArchError)


def test_default_architecture_names_a_technology_that_ships():
    assert "tsmc40" in technology_names()


def test_unknown_technology_is_refused_with_the_names_there_are():
    with pytest.raises(ArchError, match=r"technology must be one of tsmc40, got 'tsmc4'; did you mean 'tsmc40'\?"):
        load_technology("tsmc4")


@pytest.mark.parametrize(("name", "constant"), TSMC40.constants(), ids=lambda x: x if isinstance(x, str) else "")
def test_every_constant_has_a_source_and_an_honest_interval(name, constant):
    exact = {"dram.supply"}

    assert len(constant.source) > 10
    assert constant.confidence in {"confirmed", "restated", "recalled", "paper"}
    assert constant.uncertainty >= (0 if name in exact else 0.2)


@pytest.mark.parametrize("name", ["add_energy", "multiply_energy", "add_area", "multiply_area", "fp_multiply_energy"])
def test_curve_meets_its_points(name):
    one = getattr(TSMC40.logic, name)

    for point in one.points:
        assert one.at(point.at) == point.quantity


def test_twelve_bit_multiplication_lies_on_the_line_from_8_to_32_bit():
    slope = math.log(3.1 / 0.2) / math.log(32 / 8)

    assert TSMC40.logic.multiply_energy.at(12).value == pytest.approx(0.2 * (12 / 8) ** slope)
    assert slope == pytest.approx(2, abs=0.05)


def test_curve_goes_through_the_segment_it_is_asked_for():
    bent = curve((8, 1.0), (16, 2.0), (32, 8.0))

    assert [bent.at(n).value for n in (4, 12, 24, 64)] == pytest.approx([0.5, 1.5, 4.5, 32.0])


@given(place=st.floats(min_value=1, max_value=1 << 24), more=st.floats(min_value=1.001, max_value=8))
def test_larger_memories_take_more_energy(place, more):
    memory = TSMC40.sram.access_energy

    assert memory.at(place * more).value > memory.at(place).value


def test_uncertainty_is_doubled_beyond_the_points():
    one = curve((8, 1.0), (32, 4.0))

    assert [one.at(n).uncertainty for n in (8, 20, 32, 7, 33)] == pytest.approx([0.3, 0.3, 0.3, 0.6, 0.6])


def test_points_out_of_order_are_refused():
    with pytest.raises(ArchError, match=r"ascending order of at, got \[32, 8\]"):
        curve((32, 1.0), (8, 2.0))


def test_points_of_two_units_are_refused():
    points = [POINT | {"at": 8, "value": 1.0}, POINT | {"at": 16, "value": 2.0, "unit": "um2"}]

    with pytest.raises(ArchError, match=r"share one unit, got \['pJ', 'um2'\]"):
        build(Curve, {"points": points}, ArchError)


@pytest.mark.parametrize("field", ["source", "uncertainty", "confidence"])
def test_a_constant_without_provenance_is_refused(field):
    data = {key: value for key, value in POINT.items() if key != field} | {"value": 1.0}

    with pytest.raises(ArchError, match=f"{field} is required"):
        build(Constant, data, ArchError)


def test_a_printed_figure_for_many_bits_counts_for_one():
    one = build(Constant, POINT | {"value": 310.0, "per": 2560, "unit": "pJ/bit/mm"}, ArchError)

    assert one.quantity.value == 310 / 2560
    assert one.quantity.uncertainty == pytest.approx(0.3)


@given(a=quantities, b=quantities, factor=st.floats(0, 1e3))
def test_intervals_of_a_sum_add(a, b, factor):
    both = a + factor * b

    assert both.value == a.value + factor * b.value
    assert both.interval[1] == pytest.approx(a.interval[1] + factor * b.interval[1])


def test_difference_keeps_both_intervals():
    assert (Quantity(5.0, 1.0) - Quantity(2.0, 0.5)).interval == (1.5, 4.5)


def test_no_interval_goes_below_zero():
    assert (Quantity(5.0, 3.0) - Quantity(4.0, 3.0)).interval == (0.0, 7.0)
