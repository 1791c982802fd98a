"""Constants of a technology: where they come from, and the two rules that combine them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import ArchError
from tokensieve.arch.base import build
from tokensieve.arch.macros import fit
from tokensieve.arch.technology import Constant, Curve, Quantity, load_technology, technology_names

TSMC40, PUBLIC45, SCALED7 = (load_technology(name) for name in ("tsmc40", "public45", "scaled7"))
POINT = {"unit": "pJ", "uncertainty": 0.3, "source": "a book", "confidence": "recalled"}

figures = st.floats(min_value=0, max_value=1e6)
quantities = st.builds(lambda value, share: Quantity(value, value * share), figures, st.floats(0, 1))


def curve(*points):
    """Return a curve through (at, value) points."""
    return build(Curve, {"points": [POINT | {"at": at, "value": value} for at, value in points]}, ArchError)


def test_three_technologies_ship():
    assert technology_names() == ["public45", "scaled7", "tsmc40"]


def test_unknown_technology_is_refused_with_the_names_there_are():
    with pytest.raises(ArchError, match=r"\(public45, scaled7, tsmc40\) or a .*, got 'tsmc4'; did you mean 'tsmc40'\?"):
        load_technology("tsmc4")


@pytest.mark.parametrize("technology", [TSMC40, PUBLIC45, SCALED7], ids=["tsmc40", "public45", "scaled7"])
def test_every_constant_has_a_source_and_an_honest_interval(technology):
    least = {"V": 0, "1": 0}  # supplies and the shape of a cell are exact

    for name, constant in technology.constants():
        assert len(constant.source) > 10, name
        assert constant.uncertainty >= least.get(constant.unit, 0.2), name


@pytest.mark.parametrize("standard", ["HBM2", "DDR4", "LPDDR4"])
def test_every_standard_of_dram_has_constants_that_no_node_scales(standard):
    constants = {name: one for name, one in TSMC40.constants() if name.startswith(f"dram.{standard}.")}

    assert len(constants) == 6
    assert constants == {name: one for name, one in SCALED7.constants() if name in constants}


def test_read_energy_of_hbm2_is_the_sum_of_the_parts_that_its_source_prints():
    assert TSMC40.dram.of("HBM2").read.value == pytest.approx(1.51 + 1.17 + 0.80)


def test_ddr4_constants_follow_from_the_currents_of_the_data_sheet():
    """A row: IDD0 less the standby that flows anyway, for tRC; eight chips of 8 bit at 1.2 V."""
    dram, tck = TSMC40.dram.of("DDR4"), 0.63
    row = 8 * 1.2 * tck * (57 * 74 - 52 * 52 - 37 * 22)
    read = 1.2 * (168 - 52) * 4 * tck / 64

    assert dram.activate.value == pytest.approx(row, rel=1e-3)
    assert dram.read.value == pytest.approx(read + 5, abs=0.05)
    assert (dram.standby.value, dram.refresh.value) == (8 * 52, 8 * 250)


def test_lpddr4_constants_follow_from_the_currents_of_the_data_sheet():
    """Milliwatts of the three supplies of 1.8, 1.1 and 1.1 V; a clock of 0.625 ns, 256 bit in 8 clocks."""
    dram, tck = TSMC40.dram.of("LPDDR4"), 0.625
    idd0, idd2n, idd3n, idd4r, idd4w, idd5 = (
        1.8 * a + 1.1 * b + 1.1 * c
        for a, b, c in (
            (3.5, 45, 0.75), (2, 27, 0.75), (2.25, 30, 0.75), (2.25, 275, 150), (2.25, 210, 55), (10, 90, 0.75),
        )
    )  # fmt: skip

    assert dram.activate.value == pytest.approx(tck * (idd0 * 97 - idd3n * 68 - idd2n * 29), rel=2e-3)
    assert dram.read.value == pytest.approx((idd4r - idd3n) * 8 * tck / 256, abs=0.05)
    assert dram.write.value == pytest.approx((idd4w - idd3n) * 8 * tck / 256, abs=0.05)
    assert dram.standby.value == pytest.approx(idd3n / 1.1, abs=0.1)
    assert dram.refresh.value == pytest.approx(idd5 / 1.1, abs=0.2)


def test_an_extended_technology_differs_only_where_its_file_says():
    mine, other = dict(TSMC40.constants()), dict(PUBLIC45.constants())
    changed = {name for name in mine if mine[name] != other[name]}

    assert {name.split(".")[1].split("_")[0] for name in changed} == {"compare", "select", "register"}


def test_scaled_constants_are_those_they_come_from_times_a_factor():
    multiply = "logic.multiply_energy[8]"
    before, after = dict(PUBLIC45.constants())[multiply], dict(SCALED7.constants())[multiply]

    assert after.value == pytest.approx(before.value * SCALED7.scaling.energy.value)
    assert after.uncertainty == pytest.approx(math.hypot(before.uncertainty, SCALED7.scaling.energy.uncertainty))
    assert after.confidence == "derived"


def test_energy_factor_holds_both_published_ones():
    """Stillmaker and Baas's polynomials at 0.9 and 0.7 V, and the mean of Jouppi's eight ratios of operations."""
    fitted = (0.1776 * 0.7**2 - 0.09097 * 0.7 + 0.02447) / (1.018 * 0.9**2 - 0.3107 * 0.9 + 0.1539)
    ratios = [0.03 / 0.007, 0.1 / 0.03, 0.4 / 0.16, 0.9 / 0.38, 0.2 / 0.07, 3.1 / 1.48, 1.1 / 0.34, 3.7 / 1.31]
    silicon = math.prod(ratios) ** (-1 / len(ratios))
    low, high = SCALED7.scaling.energy.quantity.interval

    assert [round(one, 2) for one in (fitted, silicon)] == [0.07, 0.35]
    assert low < fitted < silicon < high
    assert SCALED7.scaling.energy.value == pytest.approx((fitted + silicon) / 2, abs=0.005)


@pytest.mark.parametrize("older", [TSMC40, PUBLIC45], ids=["tsmc40", "public45"])
def test_seven_nanometres_take_less_of_everything_on_chip(older):
    before = dict(older.constants())

    for name, one in SCALED7.constants():
        ratio = one.unit == "1"
        assert name.startswith("dram.") or ratio or one.quantity.value < before[name].quantity.value, name


@pytest.mark.parametrize("macro", TSMC40.sram.macros, ids=lambda one: f"{one.words}x{one.bits}")
def test_every_macro_lies_in_the_interval_of_the_fit(macro):
    low, high = fit(TSMC40.sram.macros).at(macro.words, macro.bits).interval

    assert low < macro.value / (macro.words * macro.bits) < high


@given(words=st.integers(1, 1 << 16), bits=st.integers(1, 1 << 12), more=st.integers(1, 64))
def test_more_words_and_wider_words_never_take_less_area(words, bits, more):
    def um2(words, bits):
        return words * bits * TSMC40.sram.bit_um2(words, bits, 1).value

    assert um2(words, bits) <= um2(words + more, bits) * (1 + 1e-9)
    assert um2(words, bits) <= um2(words, bits + more) * (1 + 1e-9)


def test_a_port_grows_both_sides_of_a_cell_by_two_wires():
    """146 F^2, sides of 10 and 14.6 F, a pitch of 2.5 F: (10 + 5) x (14.6 + 5) F^2 with two ports."""
    square = 0.045**2

    assert TSMC40.sram.cell_um2(1).value == pytest.approx(146 * square)
    assert TSMC40.sram.cell_um2(2).value == pytest.approx(15 * 19.6 * square)
    assert TSMC40.sram.cell_um2(3).value == pytest.approx(20 * 24.6 * square)


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
