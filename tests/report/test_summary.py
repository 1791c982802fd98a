from dataclasses import replace
from typing import get_args

import pytest
from report.sample import ALONE, CAPTURED, COUNTS, RESULT

from tokensieve.report.advice import advice_lines
from tokensieve.report.summary import COUNTS_ONLY, assumptions, bottleneck, header, page, played
from tokensieve.report.words import exceptions, label
from tokensieve.sim.result import Label
from tokensieve.sim.result_advice import Advice, Change


def test_the_head_names_machine_work_and_source():
    assert header("spatten", COUNTS, "my/trace.csv") == (
        "spatten on my/trace.csv: gpt2-small, decode, 32 steps, 2 layers of 12 heads, D = 64, level cycle\n"
        "decisions: counts only; records: synthesised, scores minilm-resampled"
    )


def test_one_is_not_many_and_a_remark_on_the_model_is_left_out():
    one = {"steps": 1, "layers": 1, "heads": 1, "model": "GPT-2 (authors' trace)"}

    assert header("spatten", COUNTS | one, "a.csv").startswith(
        "spatten on a.csv: GPT-2, decode, 1 step, 1 layer of 1 head, D = 64, level cycle\n"
    )


def test_counts_without_a_search_need_no_records():
    assert header("spatten", COUNTS | {"scores": None}, "x.csv").endswith(
        "decisions: counts only; records: none needed"
    )


def test_captured_decisions_are_not_called_synthesised():
    told = header("spatten", CAPTURED, "minilm")

    assert told.startswith("spatten on minilm: prefill, 2 layers of 12 heads, D = 64, level cycle\n")
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


@pytest.mark.parametrize("word", get_args(Label))
def test_only_a_label_that_is_not_usual_is_told(word):
    told = exceptions(replace(RESULT, labels={"cycles": word}), {"cycles": "cycles.total", "time": "seconds"})

    assert told == ("" if word == "modelled" else f"cycles {word}")


def test_the_head_names_overrides_and_level():
    told = header("spatten", COUNTS, "a.csv", "rtl", ["topk.lanes=64", "clock.mhz=500"])

    assert told.startswith("spatten with topk.lanes=64, clock.mhz=500 on a.csv: ")
    assert told.splitlines()[0].endswith(", level rtl")


RTL = {
    "commands": {"topk": 12, "ranking": 1},
    "engine": "radix",
    "verilog_sha256": "ab" * 32,
}


def test_level_rtl_says_how_many_commands_were_played_on_which_verilog():
    (told,) = played(replace(RESULT, provenance={"rtl": RTL}))

    assert "12 local selections and 1 token selection played on the Verilog of radix, SHA-256 " + "ab" * 32 in told
    assert told in page(replace(RESULT, provenance={"assumed": [], "rtl": RTL}), "HEAD", 100)
    assert played(RESULT) == []


def test_level_rtl_that_played_nothing_says_so():
    (told,) = played(replace(RESULT, provenance={"rtl": {"commands": {"topk": 0, "ranking": 0}}}))

    assert "no selection of this run searches" in told


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
    ("others", "reason"),
    [
        ({"softmax": 0.91}, ", as softmax is about as busy; Q x K free"),
        ({"softmax": 0.91, "pv": 0.92}, ", as softmax and Prob x V are about as busy; Q x K free"),
        ({"softmax": 0.5}, "3 %; Q x K free"),
    ],
)
def test_where_units_keep_pace_with_the_bottleneck_the_line_names_them(others, reason):
    told = replace(RESULT, bottleneck="qk", utilization={"qk": 0.92, **others})

    (tied,) = advice_lines(replace(told, advice=Advice(unit="qk", if_free=1.0, changes=())))
    (loose,) = advice_lines(replace(told, advice=Advice(unit="qk", if_free=1.3, changes=())))

    assert reason in tied
    assert "as busy" not in loose


def test_a_change_elsewhere_that_gains_more_is_not_above_an_upper_bound():
    advice = Advice(unit="dram", if_free=1.5, changes=(CHANGE,))

    (told,) = advice_lines(replace(RESULT, advice=advice))

    assert told == "Try topk.engine=radix: 1.60x, +0.02 mm2, -7 % energy (DRAM alone free: at most 1.50x)."


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

    assert "DRAM traffic B 0 modelled" in " ".join(page(empty, "", 100).split())
