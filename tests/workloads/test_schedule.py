from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import WorkloadError
from tokensieve.workloads.schedule import decimal, fraction, schedule_from


@pytest.mark.parametrize("typed", [0.7, "0.7", "7/10", "7e-1", Fraction(7, 10)])
def test_seven_tenths_are_seven_tenths(typed):
    assert schedule_from({"token": typed}).token == (Fraction(7, 10),)


@given(st.integers(1, 10**9), st.integers(0, 9))
def test_a_decimal_survives_being_written_and_read(digits, places):
    value = Fraction(digits, 10**places)

    assert fraction(decimal(value)) == value


@given(st.integers(1, 999), st.integers(1, 999))
def test_a_schedule_survives_being_written_and_read(a, b):
    schedule = schedule_from({"token": [1, Fraction(min(a, b), max(a, b))], "value": 0.3, "threshold": 0.05})

    assert schedule_from(schedule.as_json()) == schedule


@pytest.mark.parametrize(("rounding", "kept"), [("floor", [70, 71]), ("round", [71, 71]), ("ceil", [71, 72])])
def test_counts_are_made_whole_as_the_schedule_says(rounding, kept):
    schedule = schedule_from({"interpolation": "list", "token": 0.7, "rounding": rounding})

    assert [schedule.keys_kept(context, 0, 1)[0] for context in (101, 102)] == kept  # of 70.7 and 71.4


def test_no_token_is_lost_to_binary_floats():
    schedule = schedule_from({"interpolation": "list", "token": 0.29})  # 0.29 * 100 is 28.999... in binary

    assert schedule.keys_kept(100, 0, 1) == [29]


def test_the_paper_s_interpolation_runs_from_the_first_ratio_to_the_second():
    schedule = schedule_from({"token": [0.9, 0.5], "head": [0.8, 0.4]})

    assert schedule.ratios("token", 12) == (1, 1, *(Fraction(9, 10) - Fraction(4, 90) * i for i in range(10)))
    assert schedule.ratios("head", 12)[:5] == (1, 1, 1, 1, Fraction(4, 5))
    assert schedule.ratios("head", 12)[-1] == Fraction(2, 5)


def test_the_ltp_interpolation_meets_its_published_row():
    ratios = schedule_from({"interpolation": "ltp", "token": 0.5}).ratios("token", 12)

    assert [round(float(r), 3) for r in ratios] == [
        1,
        1,
        1,
        0.944,
        0.889,
        0.833,
        0.778,
        0.722,
        0.667,
        0.611,
        0.556,
        0.5,
    ]


def test_models_with_fewer_layers_than_stay_unpruned_keep_everything():
    assert schedule_from({"interpolation": "ltp", "token": 0.5}).ratios("token", 2) == (1, 1)
    assert schedule_from({"token": [0.5, 0.2]}).ratios("token", 1) == (1,)


def test_a_base_of_current_takes_a_part_of_what_is_alive():
    schedule = schedule_from({"interpolation": "list", "token": 0.5, "value": 0.5, "base": "current"})

    assert schedule.keys_kept(100, 0, 4) == [50, 25, 12, 6]
    assert schedule.values_kept(100, 0, 4) == [25, 12, 6, 3]


def test_local_values_of_decode_alone_leave_a_prefill_whole():
    ratios = {"interpolation": "list", "token": [1, 0.5], "value": 0.5}
    both, decode = (schedule_from(ratios | {"local_values": one}) for one in ("both", "decode"))

    assert schedule_from(ratios) == both
    assert [one.values_kept(100, 0, 2, "prefill") for one in (both, decode)] == [[50, 25], [100, 50]]
    assert [one.values_kept(100, 0, 2, "decode") for one in (both, decode)] == [[50, 25], [50, 25]]


def test_a_fixed_base_is_capped_by_what_is_alive():
    schedule = schedule_from({"interpolation": "list", "token": [1, 0.9], "value": 0.2, "base": 1024, "start_step": 1})

    assert (schedule.keys_kept(993, 0, 2), schedule.values_kept(993, 0, 2)) == ([993, 993], [204, 204])
    assert (schedule.keys_kept(994, 1, 2), schedule.values_kept(994, 1, 2)) == ([994, 921], [204, 184])


def test_a_head_ratio_of_a_quarter_thins_the_heads_out_layer_by_layer():
    schedule = schedule_from({"head": [1, 0.25]})
    kept = schedule.heads_kept(12, 12)

    assert kept[0] == 12
    assert kept[-1] == 3
    assert kept == sorted(kept, reverse=True)


@given(
    st.lists(st.fractions(Fraction(1, 100), 1), min_size=6, max_size=6),
    st.fractions(Fraction(1, 100), 1),
    st.integers(1, 300),
    st.sampled_from(["initial", "current", 64]),
    st.sampled_from(["floor", "round", "ceil"]),
)
def test_kept_counts_only_shrink_and_never_vanish(ratios, value, context, base, rounding):
    kept = ratios if base == "current" else sorted(ratios, reverse=True)
    given_ratios = {"interpolation": "list", "token": kept, "head": kept, "value": value}
    schedule = schedule_from(given_ratios | {"base": base, "rounding": rounding})
    keys, values, heads = (
        schedule.keys_kept(context, 0, 6),
        schedule.values_kept(context, 0, 6),
        schedule.heads_kept(8, 6),
    )

    assert keys == sorted(keys, reverse=True)
    assert heads == sorted(heads, reverse=True)
    assert all(1 <= v <= k <= context for v, k in zip(values, keys, strict=True))
    assert min(heads) >= 1


BAD = {
    "an unknown field": ({"tokn": 1}, "tokn is not a known field; did you mean 'token'?"),
    "a ratio above 1": ({"token": 1.5}, "token is invalid (a keep ratio is above 0 and at most 1), got 1.5"),
    "a ratio of 0": ({"value": 0}, "value is invalid (a keep ratio is above 0 and at most 1), got 0"),
    "a negative ratio": ({"head": -0.5}, "head is invalid (a keep ratio"),
    "a word": ({"token": "half"}, "token is invalid (a decimal number is expected), got 'half'"),
    "a flag": ({"token": True}, "token is invalid (a decimal number is expected), got True"),
    "not a number": ({"token": float("nan")}, "token is invalid (a decimal number is expected)"),
    "a number too long to read": ({"token": "1e999999999"}, "token is invalid (a decimal number is expected)"),
    "no ratios": ({"token": []}, "token is invalid (at least one keep ratio is expected)"),
    "an unknown width": ({"bits": {"key": 7}}, "bits.key must be one of 4, 6, 8, 10, 12, got 7"),
    "an unknown base": (
        {"base": "first"},
        "base is invalid (initial, current or a number of tokens up to 1048576 is expected)",
    ),
    "a base of nothing": ({"base": 0}, "base is invalid"),
    "an unknown rounding": (
        {"rounding": "flor"},
        "rounding must be one of floor, round, ceil, got 'flor'; did you mean 'floor'?",
    ),
    "a high threshold": ({"threshold": 2}, "threshold is invalid (a share is in 0..1), got 2"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_field_is_refused_in_words(kind):
    data, message = BAD[kind]

    with pytest.raises(WorkloadError) as caught:
        schedule_from(data)
    assert str(caught.value).startswith(f"schedule: {message}")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"interpolation": "list", "token": [1, 0.5]},
            r"schedule\.token must have one ratio, or one per layer \(12\), got 2",
        ),
        ({"interpolation": "spatten", "token": [1, 0.5, 0.2]}, r"schedule\.token must have one or two ratios .* got 3"),
        (
            {"interpolation": "ltp", "token": [1, 0.5]},
            r"schedule\.token must have one ratio with interpolation ltp, got 2",
        ),
        ({"value": [1, 0.5]}, r"schedule\.value must have one ratio, or one per layer \(12\), got 2"),
    ],
)
def test_a_wrong_number_of_ratios_is_refused(data, message):
    with pytest.raises(WorkloadError, match=message):
        schedule_from(data).values_kept(100, 0, 12)


@pytest.mark.parametrize("text", [".5", "0.5", "5.e-1", "50e-2", "1/2"])
def test_a_ratio_may_be_written_in_all_the_ways_of_decimal_numbers(text):
    assert schedule_from({"token": text}).token == (Fraction(1, 2),)


@pytest.mark.parametrize("text", [".", "e1", ".e1", "", "+", "0x1", "1_0"])
def test_a_text_that_is_no_number_is_no_ratio(text):
    with pytest.raises(WorkloadError, match="a decimal number is expected"):
        schedule_from({"token": text})
