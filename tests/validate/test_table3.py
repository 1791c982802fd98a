"""Table III: its rows, and what they are made of."""

import pytest

from tokensieve.arch import load_arch
from tokensieve.arch.errors import ArchError
from tokensieve.compare.machines import compare
from tokensieve.sim.comparators.a3 import Room, a3_areas_mm2
from tokensieve.validate import table3
from tokensieve.validate.record import table3_object
from tokensieve.validate.row import Row, within
from tokensieve.validate.table3 import COUNTING, table3_rows
from tokensieve.workloads.benchmarks import load_workload

EIGHTH = load_arch("spatten-eighth")
FEW = ["bert-base-sst2", "bert-large-squad1"]


@pytest.fixture(scope="module")
def rows():
    """Rows over two workloads in place of thirty, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table3, "benchmark_names", lambda: FEW)
        return {row.name: row for row in table3_rows()}


def test_all_figures_of_the_paper_are_there(rows):
    assert sorted({row.expected for row in rows.values()}) == [1.6, 1.73, 3.0, 106, 120, 221, 238, 269, 360, 382]


def test_rates_are_means_over_the_workloads(rows):
    each = [compare(EIGHTH, load_workload(name, EIGHTH), ["a3", "mnnfast"]) for name in FEW]
    ours = [one.ours for one in each]
    a3, mnnfast = zip(*(one.others for one in each), strict=True)

    assert rows["SpAtten-1/8, throughput"].modelled == pytest.approx(sum(c.gops for c in ours) / 2)
    assert rows["SpAtten-1/8, energy efficiency"].modelled == pytest.approx(sum(c.gops_per_watt for c in ours) / 2)
    assert rows["A3, throughput at two operations per MAC"].modelled == pytest.approx(sum(c.gops for c in a3) / 2)
    assert rows["MNNFast, throughput at two operations per MAC"].modelled == pytest.approx(
        sum(c.gops for c in mnnfast) / 2
    )


@pytest.mark.parametrize("machine", ["A3", "MNNFast"])
def test_a_row_by_the_papers_count_is_half_of_the_other_and_says_why(machine, rows):
    half, whole = (
        rows[f"{machine}, throughput by the row's count"],
        rows[f"{machine}, throughput at two operations per MAC"],
    )

    assert 2 * half.modelled == pytest.approx(whole.modelled)
    assert COUNTING in half.causes
    assert whole.verdict == "printed"


def test_the_formula_of_the_paper_needs_no_assumption(rows):
    formula = rows["A3, the paper's own formula"]

    assert formula.modelled == pytest.approx(221.44)
    assert formula.verdict == "in"
    assert formula.assumptions == ()
    assert all(row.assumptions for row in rows.values() if row is not formula)


def test_every_row_that_is_out_of_its_band_names_a_cause(rows):
    assert all(row.causes for row in rows.values() if row.verdict == "out")


def test_the_area_of_a3_is_told_by_its_parts_and_for_the_published_memories(rows):
    (cause,) = rows["A3, throughput by area and the row's count"].causes[1:]
    areas = a3_areas_mm2(EIGHTH, 64, Room(1024))
    whole = compare(EIGHTH, load_workload(FEW[0], EIGHTH), ["a3"]).others[0].area_mm2

    assert f"of {whole:.2f} mm2 the search with its sorted columns takes {areas['greedy']:.2f}, K" in cause
    assert f"K {areas['keys']:.2f} and V {areas['values']:.2f}, for 1,024 keys twice" in cause
    assert f"the model has {sum(a3_areas_mm2(EIGHTH, 64, Room(320, 1)).values()):.2f} mm2" in cause


def test_the_power_of_a3_is_told_with_shares_of_the_units(rows):
    costs = [compare(EIGHTH, load_workload(name, EIGHTH), ["a3"]).others[0] for name in FEW]
    (cause,) = rows["A3, energy efficiency by the row's count"].causes[1:]
    shares = [100 * sum(one.energy_j_of[unit] / one.energy_j for one in costs) / 2 for unit in ("dram", "standing")]

    assert (
        f"power: {sum(one.energy_j / one.seconds for one in costs) / 2:.2f} W, where the paper's row implies 0.82"
        in cause
    )
    assert f"{shares[0]:.0f} % of the energy is DRAM's" in cause
    assert f"{shares[1]:.0f} % what flows with time" in cause


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["qk.multipliers=128"], r"qk\.multipliers \+ pv\.multipliers must be 128 for Table III, got 128 \+ 64"),
        (["dram.channels=4"], r"dram\.peak_gb_per_s must be 64 for Table III, got 128"),
    ],
)
def test_a_machine_of_another_size_is_no_machine_of_the_table(sets, message):
    with pytest.raises(ArchError, match=message):
        table3_rows(load_arch("spatten-eighth", sets))


@pytest.mark.parametrize(("modelled", "inside"), [(85.1, True), (84.9, False), (114.9, True), (115.1, False)])
def test_json_gives_the_band_as_a_share_and_says_whether_the_figure_is_within(modelled, inside):
    row = Row(name="x", expected=100, modelled=modelled, unit="", band=within(100, 0.15), source="")
    told = table3_object(row)

    assert (told["band"], told["in_band"]) == (0.15, inside)


def test_json_of_a_row_that_is_only_printed_has_no_band():
    told = table3_object(Row(name="x", expected=100, modelled=50, unit="", source="", causes=("why",)))

    assert (told["band"], told["in_band"], told["deviation"], told["causes"]) == (None, None, -0.5, ("why",))


def test_workloads_alike_are_run_once(monkeypatch):
    seen = []
    monkeypatch.setattr(table3, "benchmark_names", lambda: ["bert-base-squad1", "bert-base-squad2"])
    monkeypatch.setattr(table3, "compare", lambda *a: seen.append(a) or compare(*a))
    table3_rows()

    assert len(seen) == 1
