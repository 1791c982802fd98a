"""The whole model in JSON, on its page and in the schema, with figures that can be checked by eye."""

import json
from dataclasses import replace

import pytest
from report.sample import ALONE, RESULT
from report.test_docs import keys
from report.test_schema import JUDGE

from tokensieve.pages import result as result_page
from tokensieve.report.schema import result_schema
from tokensieve.report.summary import page
from tokensieve.report.wholemodel import fc_sentence, whole_model_table
from tokensieve.sim.result_fc import EndToEnd, FcResult

WHOLE = EndToEnd(
    model="gpt2-small",
    weight_bits=8,
    mhz=1000,
    attention_cycles=1_000,
    attention_operations=1_000_000,
    attention_energy_j=4e-6,
    fc=FcResult(
        macs=4_500_000,
        weight_bytes=1_500_000,
        dram_bytes={"weights": 1_500_000, "activations_read": 0, "activations_written": 500_000, "total": 2_000_000},
        cycles={"qkv": 1_000, "output": 500, "ffn_in": 1_200, "ffn_out": 1_300, "total": 4_000},
        busy_cycles={"dram": 3_600, "arrays": 2_000},
        bound="dram",
        stream={"bytes_per_cycle": 472.8, "efficiency": 0.9234, "spread": 0.005},
        actions={"qk": {"multiply": 4_500_000}},
        energy_j={"dram": 1e-5, "qk": 6e-6, "total": 1.6e-5},
        energy_j_interval=(1e-5, 2e-5),
    ),
    reference={"attention": 4_500, "fc": 5_500, "total": 10_000},
)
BOTH = replace(RESULT, end_to_end=WHOLE, labels=RESULT.labels | {"end_to_end": "modelled"})


def test_parts_add_up():
    told = WHOLE.to_dict()

    assert (told["attention_cycles"], told["fc_cycles"], told["total_cycles"]) == (1_000, 4_000, 5_000)
    assert told["total_seconds"] == 5e-6
    assert told["operations"] == {"attention": 1_000_000, "fc": 9_000_000, "total": 10_000_000}
    assert told["speedup"] == 2.0


def test_the_table_has_a_row_for_each_part():
    table = whole_model_table(BOTH, WHOLE)

    assert table.title == "Whole model: gpt2-small, 8-bit weights (modelled)"
    assert table.rows == (
        ("attention", "0.001", "10.0 %", "0.001", "20.0 %", "4 uJ", "20.0 %"),
        ("fully connected", "0.009", "90.0 %", "0.004", "80.0 %", "16 uJ", "80.0 %"),
        ("total", "0.01", "100.0 %", "0.005", "100.0 %", "20 uJ", "100.0 %"),
    )


def test_the_sentence_says_what_binds_and_what_pruning_brings():
    told = fc_sentence(WHOLE).splitlines()

    assert told == [
        "Fully connected layers: bound by DRAM; DRAM busy 90.0 % of the time with 2 MB "
        "(a stream gets 92.3 % of the peak), arrays 50.0 %.",
        "Whole model: 2.00x faster than un-pruned.",
    ]
    assert len(fc_sentence(replace(WHOLE, reference=None)).splitlines()) == 1


@pytest.mark.parametrize(("bound", "words"), [("dram", "DRAM"), ("compute", "the arrays"), ("latency", "latency")])
def test_every_bound_has_its_words_and_is_in_the_schema(bound, words):
    whole = replace(WHOLE, fc=replace(WHOLE.fc, bound=bound))

    assert f"bound by {words}; " in fc_sentence(whole)
    assert JUDGE.is_valid(json.loads(replace(BOTH, end_to_end=whole).to_json()))


def test_the_page_has_it_only_where_it_was_asked_for():
    assert "Whole model" in page(BOTH, "head", 100)
    assert "Whole model" not in page(RESULT, "head", 100)


@pytest.mark.parametrize("result", [BOTH, replace(BOTH, end_to_end=replace(WHOLE, reference=None)), ALONE])
def test_a_result_with_it_meets_the_schema(result):
    JUDGE.validate(json.loads(result.to_json()))


def test_the_schema_refuses_what_is_no_whole_model():
    told = BOTH.to_dict()
    told["end_to_end"]["fc"]["more"] = 1

    assert not JUDGE.is_valid(told)


def test_every_key_of_it_is_on_the_reference_page():
    documented = {name for name, _, _ in result_page.fields(result_schema())}

    assert keys(BOTH.to_dict(), documented) == set()
