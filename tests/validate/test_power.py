"""Power and area beside the paper's."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import load_arch
from tokensieve.arch.technology import Quantity
from tokensieve.cli.app import call
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.validate.power import area_rows, mean, power_of, share_of
from tokensieve.workloads.benchmarks import load_workload

SPATTEN = load_arch("spatten")
DECISIONS = load_workload("bert-base-cola", SPATTEN)

watts = st.builds(lambda value, share: Quantity(value, value * share), st.floats(0.01, 10), st.floats(0, 1))


def test_shares_of_a_run_are_those_of_its_result():
    result, power = cycle_result(SPATTEN, DECISIONS), power_of("cola", SPATTEN, DECISIONS)

    assert {share: one.value for share, one in power.shares.items()} | {"total": power.total.value} == pytest.approx(
        result.power_w
    )
    assert power.total.value * result.seconds == pytest.approx(result.energy_j["total"])
    assert [one * result.seconds for one in power.total.interval] == pytest.approx(result.energy_j_interval)
    assert 0 < power.topk.value < power.shares["compute"].value


def test_mean_counts_every_run_once():
    one = power_of("cola", SPATTEN, DECISIONS)
    other = power_of("mrpc", SPATTEN, load_workload("bert-base-mrpc", SPATTEN))
    both = mean([one, other], "both")

    assert both.total.value == pytest.approx((one.total.value + other.total.value) / 2)
    assert both.dram_gb_per_s == pytest.approx((one.dram_gb_per_s + other.dram_gb_per_s) / 2)


def test_a_mean_by_time_is_energy_by_time():
    cola = power_of("cola", SPATTEN, DECISIONS)
    mrpc = power_of("mrpc", SPATTEN, load_workload("bert-base-mrpc", SPATTEN))
    both = mean([cola, mrpc], "both", by_time=True)
    joules = sum(one.total.value * one.seconds for one in (cola, mrpc))

    assert both.total.value == pytest.approx(joules / (cola.seconds + mrpc.seconds))
    assert cola.total.value != pytest.approx(mrpc.total.value)


def test_areas_hold_their_figure_in_the_interval_and_name_the_paper_s():
    rows = area_rows()

    assert [row.expected for row in rows] == [18.71, 1.55, 2.7]
    assert all(row.interval[0] < row.modelled < row.interval[1] for row in rows)
    assert all(row.band.low < row.expected < row.band.high for row in rows)
    assert all(row.causes for row in rows if row.verdict == "out")


def test_paper_s_area_lies_in_the_modelled_interval():
    full = area_rows()[0]

    assert full.interval[0] < 18.71 < full.interval[1]


@given(part=watts, rest=watts)
def test_share_lies_in_its_interval(part, rest):
    value, (low, high) = share_of(part, part + rest)

    assert 0 <= low <= value + 1e-9
    assert value - 1e-9 <= high <= 100 + 1e-9


def test_share_is_lowest_where_the_part_is_low_and_the_rest_high():
    value, (low, high) = share_of(Quantity(2.0, 1.0), Quantity(2.0, 1.0) + Quantity(6.0, 3.0))

    assert value == 25
    assert (low, high) == pytest.approx((100 * 1 / 10, 100 * 3 / 6))


@pytest.mark.parametrize("technology", ["public45", "scaled7"])
def test_command_line_prices_a_run_in_any_technology(technology, capsys):
    def priced(name):
        call(["run", "--workload", "bert-base-cola", "--set", f"technology={name}", "--reference", "none", "--json"])
        return json.loads(capsys.readouterr().out)

    default, other = priced("tsmc40"), priced(technology)

    assert other["cycles"] == default["cycles"]
    assert other["area_mm2"]["total"] < default["area_mm2"]["total"]
    assert other["area_mm2_interval"][0] <= other["area_mm2"]["total"] <= other["area_mm2_interval"][1]
    assert other["power_w"]["dram"] == default["power_w"]["dram"]
    assert sum(other["power_w"][share] for share in ("compute", "sram", "dram")) == pytest.approx(
        other["power_w"]["total"]
    )
    assert other["provenance"]["technology"] == technology


@pytest.mark.parametrize("level", ["cycle", "analytic"])
def test_command_line_prices_a_run_in_a_technology_of_the_users(level, tmp_path, capsys):
    """DRAM energies of HBM2 tenfold, in a file that holds only them."""
    told = "{value: 34.8, unit: pJ/bit, uncertainty: 0.5, source: here, confidence: derived}"
    file = tmp_path / "mine.yaml"
    file.write_text(f"extend: tsmc40\nname: mine\nnote: mine\ndram: {{HBM2: {{read: {told}, write: {told}}}}}\n")
    options = ["--workload", "bert-base-cola", "--level", level, "--reference", "none", "--json"]

    def priced(name):
        assert call(["run", *options, "--set", f"technology={name}"]) == 0
        return json.loads(capsys.readouterr().out)

    default, other = priced("tsmc40"), priced(file)
    moved = sum(default["actions"]["dram"][f"{kind}_granule"] for kind in ("read", "write")) * 32 * 8

    assert other["energy_j"]["dram"] - default["energy_j"]["dram"] == pytest.approx(moved * 9 * 3.48e-12)
    assert re.fullmatch(r"mine\.yaml@[0-9a-f]{16}", other["provenance"]["technology"])
    assert other["provenance"]["digest"] != default["provenance"]["digest"]
