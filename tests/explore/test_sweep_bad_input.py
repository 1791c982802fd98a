"""Mistakes in a sweep that would give a wrong answer, or none, are refused in words."""

import numpy as np
import pytest

import tokensieve
from tokensieve.arch.errors import SweepError, TokensieveError
from tokensieve.explore.evaluate import Analytic
from tokensieve.explore.expression import Formula
from tokensieve.explore.flags import with_flags
from tokensieve.explore.schedulers import connected
from tokensieve.explore.search import Options, run_search
from tokensieve.explore.spec import sweep_from
from tokensieve.explore.sweep import run_sweep
from tokensieve.report.sweep import counts_line, nothing_valid

LANES = {"workload": "bert-base-cola", "axes": {"topk.lanes": [8, 16]}}
HUGE = 10**400


def outcome(**keys):
    return run_sweep(sweep_from({**LANES, **keys}), Analytic())


@pytest.mark.parametrize(
    "name", ["workload.context", "policy.token", "trace", "workload", "arch", "dram.extend", "technology"]
)
def test_only_a_field_of_the_machine_is_derived(name):
    with pytest.raises(SweepError, match=f"derived.{name} must be a field of the machine"):
        sweep_from({**LANES, "workload": None, "derived": {name: "topk.lanes"}})


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([[8], [16]], r"must have numbers, text, true or false as values, got \[8\]"),
        ([float("nan"), 100], "a list of values .finite numbers"),
        ([float("inf"), 100], "a list of values .finite numbers"),
        ([HUGE], "a list of values .finite numbers"),
        ([8, 8.0], "a value is given twice"),
        ([1, True], "a value is given twice"),
        ({"low": 1, "high": HUGE, "count": 3}, "high must be below 1.8e308, got a number of 401 digits"),
        ({"low": 1, "high": HUGE, "step": 3}, "high must be below 1.8e308"),
        ({"low": -HUGE, "high": 1}, "low must be below 1.8e308"),
        ({"low": 1, "high": 2, "step": HUGE}, "step must be below 1.8e308"),
        ({"low": 1, "high": 10**30}, r"high must be within 2\^53 where all values are whole, got 1e\+30"),
        ({"low": -1e308, "high": 1e308}, "high must be less than 1.8e308 above low"),
        ({"low": 1e-200, "high": 1e200, "times": 2}, "high must be below 1.8e308 times low"),
    ],
)
@pytest.mark.parametrize("place", ["axes", "parameters"])
def test_values_are_finite_numbers_text_or_truths(place, values, told):
    name = {"axes": "topk.lanes", "parameters": "p"}[place]
    with pytest.raises(SweepError, match=rf"{place}\.{name}.*{told}"):
        sweep_from({**LANES, place: {name: values}})


@pytest.mark.parametrize("name", ["arch", "trace", "workload", "technology", "seconds", "bottleneck", "edp_js"])
def test_a_parameter_is_not_called_as_an_axis_or_a_figure_is(name):
    with pytest.raises(SweepError, match=f"parameters.{name} must not be called as an axis or a figure is"):
        sweep_from({**LANES, "parameters": {name: [1, 2]}})


ENGINES = {"axes": {"topk.lanes": [8], "topk.engine": ["radix", "quickselect"]}}


@pytest.mark.parametrize(
    "formula",
    [
        "topk.engine * 2", "'a' + 1", "-topk.engine", "not topk.engine", "min(topk.engine, 1)", "abs('a')",
        "topk.engine and 1",
    ],
)  # fmt: skip
def test_text_is_not_computed_with(formula):
    with pytest.raises(SweepError, match=r"derived.softmax.fifo_lines: .*a number is expected, and .* is text"):
        outcome(**ENGINES, derived={"softmax.fifo_lines": formula})


@pytest.mark.parametrize("limit", ["topk.engine < 1", "bottleneck < 1", "1 == bottleneck", "seconds < 1 < bottleneck"])
def test_text_is_compared_with_text_alone(limit):
    with pytest.raises(SweepError, match=r"constraints: .*compared with text alone, and (topk.engine|bottleneck) is"):
        outcome(**ENGINES, constraints=[limit])
    assert outcome(**ENGINES, constraints=["topk.engine == 'radix'"]).valid == 1


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (["bottleneck"], "objectives: .*a number is expected, and bottleneck is text"),
        (["topk.engine", "seconds"], "a number is expected, and topk.engine is text"),
        (["min(bottleneck, 1)"], "a number is expected, and bottleneck is text"),
        (["reference.kind"], "objectives: reference.kind is text that no formula reads"),
    ],
)
def test_an_objective_is_a_number(wanted, told):
    with pytest.raises(SweepError, match=told):
        outcome(**ENGINES, objectives=wanted)


def test_the_kind_of_reference_is_no_name_of_a_constraint():
    with pytest.raises(SweepError, match=r"constraints: reference\.kind is text that no formula reads"):
        outcome(reference="dense", constraints=["reference.kind == 'dense'"])


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("sqrt(1, 2, 3)", "sqrt takes one argument, got 3"),
        ("abs(1, 2, 3, 4)", "abs takes one argument, got 4"),
        ("sqrt(seconds, area_mm2.total)", "sqrt takes one argument, got 2"),
        ("round(3.5, 1)", "round takes one argument, got 2"),
        ("log2()", "log2 takes one argument, got 0"),
        ("1" + "0" * 400, "a number must be below 1.8e308"),
        ("1e999", "a number must be below 1.8e308"),
        ("-" * 490 + "1", "a formula nests at most 100 deep"),
    ],
)
def test_a_formula_that_cannot_be_computed_is_none(formula, told):
    with pytest.raises(SweepError, match=told):
        Formula(formula)


def test_a_formula_may_be_long_and_a_name_of_many_parts_is_read_at_once():
    assert Formula("+".join(["1"] * 90)).value({}) == 90
    assert Formula("min(3, 2, a)").value({"a": np.array([1, 5])}).tolist() == [1, 2]
    assert Formula(".".join(["a"] * 250)).names == (".".join(["a"] * 250),)


@pytest.mark.parametrize(
    ("objectives", "constraints", "counts"),
    [
        (["seconds", "area_mm2.total", "sqrt(-seconds)"], [], "0 valid, 2 whose objective is no number"),
        (["seconds / 0"], [], "0 valid, 2 whose objective is no number"),
        (["seconds / (topk.lanes - 8)"], [], "1 valid, 1 whose objective is no number"),
        (["seconds / 0"], ["area_mm2.total < 0"], "0 valid, 2 that break a constraint"),
    ],
)
def test_a_design_is_valid_if_all_its_objectives_are_numbers(objectives, constraints, counts):
    keys = {"objectives": objectives, "constraints": constraints}
    swept = outcome(**keys)
    searched = run_search(sweep_from({**LANES, **keys}), Analytic(), Options(evaluations=2)).outcome

    assert counts_line(swept) == counts_line(searched) == f"2 designs: {counts}."
    if not swept.valid:
        assert counts in nothing_valid(swept)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        *(({"workers": n}, "workers must be a whole number of at least 1") for n in (0, -1, 1.5, "2", None, True)),
        ({"store": 3}, "store must be the name of a file, got 3"),
        ({"store": ""}, "store must be the name of a file, got ''"),
        ({"store": "a\0b"}, "store must be the name of a file, without a NUL"),
        ({"sets": [3]}, r"sets must be a list of texts .* got \[3\]"),
        ({"sets": "topk.lanes=8,16"}, "sets must be a list of texts"),
    ],
)
def test_arguments_of_another_type_are_named(keys, told):
    with pytest.raises(TokensieveError, match=told):
        tokensieve.sweep(**{**LANES, **keys})


def test_an_axis_is_set_once():
    for second in ("topk.lanes=2,4", "topk.lanes=2"):
        with pytest.raises(SweepError, match=r"topk.lanes must be given once"):
            with_flags(None, ["topk.lanes=1,16", second], {"workload": "bert-base-cola"})


def test_a_scheduler_without_a_name_is_refused():
    with pytest.raises(SweepError, match=r"--scheduler must be an address .* got ''"), connected(""):
        pass
