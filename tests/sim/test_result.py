"""The result as an object and as JSON."""

import json
from dataclasses import replace

import pytest
from report.sample import ALONE, RESULT

from tokensieve.sim.result import SCHEMA_VERSION


def test_the_order_of_the_keys_never_changes():
    keys = list(RESULT.to_dict())

    assert keys[:6] == ["schema_version", "level", "seconds", "cycles", "busy_cycles", "layers"]
    assert keys == list(ALONE.to_dict())
    assert RESULT.to_dict()["schema_version"] == SCHEMA_VERSION


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
    none = dict.fromkeys(RESULT.dram_bytes, 0)

    assert replace(RESULT, dram_bytes=none).to_dict()["dram_reduction"] is None


def test_what_is_no_number_never_reaches_a_file():
    with pytest.raises(ValueError, match="Out of range float"):
        replace(RESULT, seconds=float("nan")).to_json()
