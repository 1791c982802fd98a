"""The result as an object and as JSON."""

import json
from dataclasses import replace

import pytest
from report.sample import ALONE, RESULT

from tokensieve.arch import Arch
from tokensieve.arch.technology import load_technology
from tokensieve.sim.cost.energy import energy
from tokensieve.sim.result import CAUSES, SCHEMA_VERSION, TENSORS, Result
from tokensieve.sim.result_part import figures


def test_the_order_of_the_keys_never_changes():
    keys = list(RESULT.to_dict())

    assert keys[:6] == ["schema_version", "level", "seconds", "cycles", "busy_cycles", "layers"]
    assert keys == list(ALONE.to_dict())
    assert RESULT.to_dict()["schema_version"] == SCHEMA_VERSION


NO_FIGURES = {"schema_version", "level", "bottleneck", "end_to_end", "levels", "inert", "labels", "provenance"}
"""Keys without the label `modelled`: what is no number, and groups of numbers that have labels of their own."""


def test_every_key_is_a_figure_except_those_that_have_no_label_by_default():
    assert figures(Result) == [name for name in RESULT.to_dict() if name not in NO_FIGURES]
    assert RESULT.to_dict().keys() > NO_FIGURES


SHARES = {
    "compute": {"fetcher", "qk", "softmax", "requant", "topk", "pv", "ranking", "importance", "leakage"},
    "sram": {"key_sram", "value_sram"},
    "dram": {"dram", "dram_background"},
}
"""Units of each share of the power, as the paper's Table II splits it."""


def test_each_share_of_the_power_is_the_sum_of_its_units():
    """The energy of each unit is another power of two, so that a sum tells its parts."""
    units = sorted(set().union(*SHARES.values()))
    joules = {unit: 2.0**n for n, unit in enumerate(units)}
    run = replace(RESULT, seconds=1.0, energy_j={**joules, "total": sum(joules.values())})

    watts = run.to_dict()["power_w"]

    assert joules.keys() == energy(Arch(), load_technology(), {}, 1.0).joules.keys()
    assert watts.pop("total") == sum(joules.values())
    assert watts == {share: sum(joules[unit] for unit in members) for share, members in SHARES.items()}


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
