from dataclasses import replace
from typing import get_args

import pytest
from report.sample import ALONE, CAPTURED, COUNTS, RESULT

from tokensieve.report.advice import advice_lines
from tokensieve.report.summary import COUNTS_ONLY, assumptions, bottleneck, header, page
from tokensieve.report.words import MARKS, label
from tokensieve.sim.result import Label
from tokensieve.sim.result_advice import Advice, Change


def test_the_head_names_machine_work_and_source():
    assert header("spatten", COUNTS, "my/trace.csv") == (
        "spatten on my/trace.csv: gpt2-small, decode, 32 steps, 2 layers of 12 heads, D = 64\n"
        "decisions: counts only, top-k work synthesised"
    )


def test_one_is_not_many_and_a_remark_on_the_model_is_left_out():
    one = {"steps": 1, "layers": 1, "heads": 1, "model": "GPT-2 (authors' trace)"}

    assert header("spatten", COUNTS | one, "a.csv").startswith(
        "spatten on a.csv: GPT-2, decode, 1 step, 1 layer of 1 head, D = 64\n"
    )


def test_captured_decisions_are_not_called_synthesised():
    told = header("spatten", CAPTURED, "minilm")

    assert told.startswith("spatten on minilm: prefill, 2 layers of 12 heads, D = 64\n")
    assert COUNTS_ONLY not in told


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("cycles.total", "modelled"),
        ("busy_cycles.topk", "verified"),
        ("busy_cycles.qk", "modelled"),
        ("energy_j", "assumed"),
        ("utilization.qk", "-"),
    ],
)
def test_a_number_has_the_label_of_its_field_or_of_the_group_around_it(field, word):
    assert label(RESULT, field) == word


def test_every_label_has_a_mark_of_its_own():
    assert set(MARKS) == set(get_args(Label))
    assert len(set(MARKS.values())) == len(MARKS)


def test_the_bottleneck_is_one_sentence():
    told = bottleneck(RESULT)

    assert told == "Bottleneck: DRAM, busy 93.0 % of the time; 60.0 % of the cycles are waiting for DRAM."


def test_a_bottleneck_that_is_a_sentence_already_is_kept():
    assert bottleneck(replace(RESULT, bottleneck="DRAM holds it up.")) == "Bottleneck: DRAM holds it up."


CHANGE = Change(unit="topk", set="topk.engine=radix", speedup=1.604, area_mm2=0.021, energy=0.926, level="cycle")


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ("cycle", "Try topk.engine=radix: 1.60x, +0.02 mm2, -7 % energy (DRAM free: at most 2.00x)."),
        ("analytic", "Try topk.engine=radix: 1.60x, +0.02 mm2, -7 % energy, analytic (DRAM free: at most 2.00x)."),
    ],
)
def test_the_best_change_is_told_in_a_line_with_its_price_and_its_level_if_that_is_coarser(level, told):
    advice = Advice(unit="dram", if_free=2.0, changes=(replace(CHANGE, level=level), CHANGE))

    assert advice_lines(replace(RESULT, advice=advice)) == [told]
    assert told in page(replace(RESULT, advice=advice), "", 80).splitlines()


def test_where_no_change_gains_the_line_says_so():
    advice = Advice(unit="qk", if_free=1.012, changes=())

    assert advice_lines(replace(RESULT, advice=advice)) == [
        "Nothing to gain: no single field buys 3 %; Q x K free: at most 1.01x."
    ]
    assert advice_lines(RESULT) == []


@pytest.mark.parametrize(
    ("assumed", "start"), [([], "0 assumptions,"), (["a"], "1 assumption,"), (["a", "b"], "2 assumptions,")]
)
def test_the_assumptions_are_counted(assumed, start):
    assert assumptions(replace(RESULT, provenance={"assumed": assumed})).startswith(start)


@pytest.mark.parametrize("result", [RESULT, ALONE])
@pytest.mark.parametrize("width", [40, 80, 100, 200])
def test_a_page_fits_its_width_and_says_everything(result, width):
    told = page(result, "HEAD", width).splitlines()

    assert told[0] == "HEAD"
    assert told[-2:] == [bottleneck(result), assumptions(result)]
    assert all(len(line) <= max(width, 90) for line in told)


def test_a_run_without_layers_traffic_or_energy_is_still_told():
    nothing = replace(RESULT.traffic, dram_bytes=dict.fromkeys(RESULT.traffic.dram_bytes, 0))
    empty = replace(ALONE, layers=(), traffic=nothing, energy_j={"total": 0.0}, area_mm2={"total": 0.0})

    assert "DRAM traffic             0 B" in page(empty, "", 100)
