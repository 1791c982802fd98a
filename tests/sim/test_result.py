"""The result as an object and as JSON."""

import json
from dataclasses import replace

import pytest
from report.sample import ALONE, RESULT

from tokensieve.sim.result import CAUSES, SCHEMA_VERSION, TENSORS, Result
from tokensieve.sim.result_part import figures


def test_the_order_of_the_keys_never_changes():
    keys = list(RESULT.to_dict())

    assert keys[:6] == ["schema_version", "level", "seconds", "cycles", "busy_cycles", "layers"]
    assert keys == list(ALONE.to_dict())
    assert RESULT.to_dict()["schema_version"] == SCHEMA_VERSION


def test_figures_are_labelled_and_what_is_no_figure_is_not():
    assert figures(Result) == [
        "seconds", "cycles", "busy_cycles", "layers", "traffic", "actions", "energy_j", "energy_j_interval", "power_w",
        "area_mm2", "area_mm2_interval", "throughput_gops", "utilization", "advice", "reference", "speedup",
        "dram_reduction", "energy_saving",
    ]  # fmt: skip


def test_causes_and_tensors_are_the_keys_of_their_groups():
    assert tuple(RESULT.cycles)[:-1] == CAUSES
    assert tuple(RESULT.traffic.dram_bytes)[:-1] == TENSORS


def test_two_levels_are_compared_by_the_coarser_one_s_deviation():
    confirmed = replace(RESULT, level_cycles={"analytic": 900, "cycle": 1_000})

    assert confirmed.to_dict()["levels"] == {"analytic": 900, "cycle": 1_000, "deviation": pytest.approx(-0.1)}
    assert RESULT.to_dict()["levels"] is None


def test_json_reads_back_as_the_object():
    assert json.loads(RESULT.to_json()) == RESULT.to_dict()
    assert RESULT.to_json().endswith("}\n")


def test_ratios_are_reference_over_run():
    shown = RESULT.to_dict()

    assert shown["speedup"] == 4_500 / 1_000
    assert shown["dram_reduction"] == 16_000_000 / 4_000_000
    assert shown["energy_saving"] == pytest.approx(14e-6 / 4e-6)
    assert shown["throughput_gops"] == pytest.approx({"effective": 1_000.0, "dense_equivalent": 12_000.0})


def test_a_run_without_dram_traffic_has_no_dram_reduction():
    none = replace(RESULT.traffic, dram_bytes=dict.fromkeys(RESULT.traffic.dram_bytes, 0))

    assert replace(RESULT, traffic=none).to_dict()["dram_reduction"] is None


def test_what_is_no_number_never_reaches_a_file():
    with pytest.raises(ValueError, match="Out of range float"):
        replace(RESULT, seconds=float("nan")).to_json()
