"""`tokensieve compare`: what it prints, and what it refuses."""

import inspect
import json

import pytest

from tokensieve.cli import run
from tokensieve.cli.app import call
from tokensieve.validate import table3
from tokensieve.workloads.pairs import shipped_pairs, write_pairs

SHORT = ["--workload", "bert-base-cola"]
FIELDS = {
    "name", "cycles", "seconds", "dram_bytes", "energy_j", "energy_j_interval", "area_mm2", "gop_per_s", "gop_per_j",
    "gop_per_s_mm2", "speedup", "energy_saving", "busy_cycles", "label", "notes",
}  # fmt: skip


def told(capsys, *arguments):
    assert call(["compare", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_machine_comes_first_and_then_all_that_it_is_compared_with(capsys):
    rows = told(capsys, *SHORT, "--roofline", "jetson-nano", "--roofline", "100,25")["rows"]

    assert [row["name"] for row in rows] == [
        "spatten", "a3", "mnnfast", "dense", "dense-int8", "fp32", "jetson-nano roofline",
        "100 GFLOP/s, 25 GB/s roofline",
    ]  # fmt: skip
    assert all(set(row) == FIELDS for row in rows)
    assert rows[0]["speedup"] == rows[0]["energy_saving"] == 1


def test_rates_follow_from_the_same_operations_for_all(capsys):
    result = told(capsys, *SHORT)

    for row in result["rows"]:
        assert row["gop_per_s"] == pytest.approx(result["operations"] / row["seconds"] * 1e-9)
        assert row["gop_per_j"] == pytest.approx(result["operations"] / row["energy_j"] * 1e-9)
        assert row["gop_per_s_mm2"] == pytest.approx(row["gop_per_s"] / row["area_mm2"])
        assert row["speedup"] == pytest.approx(row["seconds"] / result["rows"][0]["seconds"])
        assert row["energy_j_interval"][0] < row["energy_j"] < row["energy_j_interval"][1]


def test_overrides_change_all_machines_alike(capsys):
    eighth = [*SHORT, "--arch", "spatten-eighth"]
    before, after = (told(capsys, *eighth, *sets)["rows"] for sets in ([], ["--set", "clock.mhz=500"]))

    assert all(a["seconds"] > b["seconds"] for a, b in zip(after, before, strict=True))


def test_the_default_machine_is_that_of_a_run_and_times_as_fast_is_ours_over_theirs(capsys):
    ours, mnnfast = told(capsys, *SHORT, "--against", "mnnfast")["rows"]

    assert ours["name"] == inspect.signature(run.run).parameters["arch"].default
    assert mnnfast["speedup"] == pytest.approx(mnnfast["seconds"] / ours["seconds"])
    assert call(["compare", *SHORT, "--against", "mnnfast"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("mnnfast "))
    assert row.split()[3] == f"{mnnfast['speedup']:.2f}"


def test_against_none_leaves_what_else_is_asked_for(capsys):
    rows = told(capsys, *SHORT, "--against", "none", "--roofline", "titan-xp")["rows"]

    assert [row["name"] for row in rows] == ["spatten", "titan-xp roofline"]


def test_the_page_names_machines_basis_and_assumptions(capsys):
    assert call(["compare", *SHORT, "--against", "a3"]) == 0

    page = capsys.readouterr().out
    assert "spatten on bert-base-cola" in page
    assert "spatten is" in page
    assert "times as fast" in page
    assert "a3: assumed: candidates: 28.4% of the keys" in page
    assert "assumed" in next(line for line in page.splitlines() if line.startswith("a3 ") and "assumed" in line)


def test_counts_of_ones_own_are_taken_from_a_file(capsys, tmp_path):
    pairs = shipped_pairs()
    fewer = {name: (counts + 1) // 2 for name, counts in pairs.counts.items()}
    write_pairs(tmp_path / "mine.npz", type(pairs)(pairs.meta, fewer))
    mine, shipped = (told(capsys, *SHORT, *more)["rows"][1] for more in (["--pairs", str(tmp_path / "mine.npz")], []))

    assert mine["energy_j"] < shipped["energy_j"]


def test_table_3_is_printed_with_causes_and_assumptions(capsys, monkeypatch):
    monkeypatch.setattr(table3, "benchmark_names", lambda: ["bert-base-cola"])
    assert call(["compare", "--table3"]) == 0

    page = capsys.readouterr().out
    assert " 4  A3, the paper's own formula" in page
    assert "Causes, by line" in page
    assert "Assumed, by line" in page
    assert call(["compare", "--table3", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows[3]["expected"] == 221
    assert {"deviation", "in_band", "causes", "assumptions"} <= set(rows[3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--against", "a4"], "against must be of a3, a3-aggressive, mnnfast"),
        (["--roofline", "titan"], "did you mean 'titan-xp'?"),
        (["--roofline", "-1,2"], "roofline: gflops must be"),
        (["--roofline", "5e-324,1", "--json"], "roofline: gflops must be"),
        (["--roofline", "1,9.9e-4"], "roofline: gb_per_s must be in 0.001..1000000000.0, got 0.00099"),
        (["--roofline", "1,1e300"], "roofline: gb_per_s must be"),
        (["--roofline", "nan,1"], "roofline: gflops must be a finite number, got nan"),
        (["--workload", "bert", "--trace", "x.csv"], "--workload and --trace exclude each other"),
        (["--workload", "bert-base-col"], "did you mean 'bert-base-cola'?"),
        (["--pairs", "absent.npz"], "absent.npz: no such file"),
        (["--baseline", "absent.json"], "absent.json"),
        (["--table3", "--pairs", "x.npz"], "--table3 runs the named workloads and excludes --pairs"),
        (["--table3", "--workload", "minilm"], "--table3 runs the named workloads and excludes --workload"),
        (["--table3", "--seed", "0"], "--table3 runs the named workloads and excludes --seed"),
        (["--table3", "--against", ""], "--table3 runs the named workloads and excludes --against"),
        (["--table3", "--roofline", "titan-xp"], "--table3 runs the named workloads and excludes --roofline"),
        (["--table3", "--arch", "spatten"], "qk.multipliers + pv.multipliers must be 128 for Table III, got 512 + 512"),
        (["--table3", "--set", "dram.channels=4"], "dram.peak_gb_per_s must be 64 for Table III, got 128"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(arguments, message, capsys):
    assert call(["compare", *arguments]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
