"""``tokensieve run --rules test-bench``, from the command line to the cycles."""

import csv
import json
from dataclasses import replace

import pytest
from bench.requests import csv_text

from tokensieve.arch import load_arch
from tokensieve.cli.app import call
from tokensieve.run.released import run_testbench
from tokensieve.sim.released.hang import Hang

SINGLE = {"key_fetch_num": 128, "value_fetch_num": 128}


@pytest.fixture
def bench(tmp_path, capsys):
    """A function that writes a CSV file, runs it by the rules, and returns exit code, stdout and stderr."""

    def run(*changes, arch="released-128x8", more=()):
        path = tmp_path / "rows.csv"
        path.write_text(csv_text(*changes))
        code = call(["run", "--arch", arch, "--trace", str(path), "--rules", "test-bench", *more])
        return (code, *capsys.readouterr())

    return run


def test_the_single_request_takes_the_374_cycles_of_the_rtl(bench):
    code, out, _ = bench(SINGLE, more=["--json"])

    told = json.loads(out)
    assert code == 0
    assert told["cycles"]["total"] == told["first_response_cycle"] == 374
    assert (told["rows"], told["responses"], told["first_accept_cycle"]) == (1, 1, 32)
    assert told["traffic"] == {"dram_bytes": {"total": 2 * 128 * 64}, "dram_reads": 512}
    assert told["labels"]["cycles"] == "modelled"


def test_a_trace_and_an_iteration_give_the_cycles_of_the_rtl(shared_data, tmp_path, capsys):
    trace, rows = shared_data / "spatten-traces" / "gpt2-small-wikitext2-per8.csv", tmp_path / "cycles.csv"

    flags = ["--rules", "test-bench", "--iteration", "31", "--json", "--rows", str(rows)]
    code = call(["run", "--arch", "released-64x2", "--trace", str(trace), *flags])

    told = json.loads(capsys.readouterr().out)
    with rows.open(newline="") as file:
        cycles = [(int(r["accept_cycle"]), int(r["response_cycle"])) for r in csv.DictReader(file)]
    assert (code, told["cycles"]["total"], told["traffic"]["dram_bytes"]["total"]) == (0, 93134, 2151936)
    assert (len(cycles), cycles[0], cycles[-1]) == (144, (32, 4824), (92318, 93134))


def test_the_page_names_cycles_and_bytes(bench):
    code, out, _ = bench(SINGLE)

    assert code == 0
    assert "374 (modelled, reset included)" in out
    assert "512 reads, 16,384 bytes" in out


def test_flags_change_rounding_and_latencies(bench, tmp_path):
    file = tmp_path / "latencies.txt"
    file.write_text("500\n")
    change = {"key_fetch_num": 60, "value_fetch_num": 20}

    _, out, _ = bench(change, more=["--json", "--count-rounding", "32", "--topk-latency", str(file)])

    told = json.loads(out)
    assert told["traffic"]["dram_reads"] == 2 * (64 + 32)
    assert told["topk_latency_sum"] == 500
    assert told["cycles"]["total"] > 500


def test_a_design_that_hangs_says_so_and_exits_with_1(bench):
    code, out, err = bench({"key_fetch_num": 8, "value_fetch_num": 8}, more=["--json"])

    assert code == 1
    assert json.loads(out)["responses"] == 0
    assert json.loads(out)["hung"]
    assert "the modelled design hung after 0 of 1 responses, at row 0 (line 2); likely because of row 0 (line 2)" in err
    assert "as the RTL" not in err


def test_what_a_hung_run_does_not_have_is_null(bench):
    _, out, _ = bench({"key_fetch_num": 256}, more=["--json"])

    told = json.loads(out)
    assert told["cycles"] == {"total": None}
    assert [told[name] for name in ("seconds", "first_accept_cycle", "first_response_cycle")] == [None] * 3
    assert told["last_accept_cycle"] is None


def test_a_run_that_hangs_after_some_responses_has_no_total(bench):
    code, out, err = bench(SINGLE, SINGLE | {"key_fetch_num": 256}, more=["--json"])

    told = json.loads(out)
    assert (code, told["responses"], told["first_response_cycle"]) == (1, 1, 374)
    assert (told["cycles"]["total"], told["seconds"]) == (None, None)
    assert "hung after 1 of 2 responses, at row 1 (line 3): it needs 128 lines for 256 keys, key_sram holds 64" in err


def test_the_page_of_a_hung_run_has_no_cycles(bench):
    _, out, _ = bench(SINGLE, SINGLE | {"key_fetch_num": 256})

    assert "cycles         none, as it hung\n" in out
    assert "1 of 2, the first in cycle 374" in out


def test_a_hang_that_nothing_explains_is_told_without_a_reason(bench, tmp_path):
    bench(SINGLE)
    run = run_testbench(load_arch("released-128x8"), tmp_path / "rows.csv")

    hung = replace(run, hang=Hang(row=0, reason=None))

    assert hung.hang_message == "the modelled design hung after 1 of 1 responses, at row 0 (line 2); why is not known"


@pytest.mark.parametrize(
    ("arch", "more", "message"),
    [
        ("spatten", [], "dram.controller must be bank-queues or active-buffer under the rules of the test bench"),
        ("released-128x8", ["--seed", "3"], "--seed does not go with --rules test-bench"),
        ("released-128x8", ["--seed", "0"], "--seed does not go with --rules test-bench"),
        ("released-128x8", ["--level", "cycle"], "--level does not go with --rules test-bench"),
        ("released-128x8", ["--reference", "dense"], "--reference does not go with --rules test-bench"),
        ("released-128x8", ["--end-to-end"], "--end-to-end does not go with --rules test-bench"),
        ("released-128x8", ["--fc-bits", "8"], "--fc-bits does not go with --rules test-bench"),
        ("released-128x8", ["--model", "gpt2-small"], "--model does not go with --rules test-bench"),
        ("released-128x8", ["--confirm"], "--confirm does not go with --rules test-bench"),
        ("released-128x8", ["--workload", "x.yaml"], "--workload does not go with --rules test-bench"),
        ("released-128x8", ["--out", "x"], "--out does not go with --rules test-bench"),
        ("released-128x8", ["--iteration", "4"], "iteration must be one of those in it (0), got 4"),
        ("released-128x8", ["--rows", "no/such/place.csv"], "--rows no/such/place.csv: the directory no/such does not"),
        ("released-128x8", ["--rows", ""], "--rows must name a file, got ''"),
    ],
)
def test_what_does_not_fit_is_refused(bench, arch, more, message):
    code, out, err = bench(SINGLE, arch=arch, more=more)

    assert (code, out) == (2, "")
    assert message in " ".join(err.split())


def test_where_rows_go_is_looked_at_before_anything_runs(bench, monkeypatch):
    monkeypatch.setattr("tokensieve.run.released.replay", None)

    assert bench(SINGLE, more=["--rows", "no/such/place.csv"])[0] == 2


@pytest.mark.parametrize("flag", ["--iteration", "--count-rounding", "--topk-latency", "--rows"])
def test_flags_of_the_rules_need_the_rules(flag, capsys):
    assert call(["run", flag, "8"]) == 2
    assert f"{flag} goes only with --rules test-bench" in " ".join(capsys.readouterr().err.split())


def test_the_rules_need_a_trace(capsys):
    assert call(["run", "--arch", "released-64x2", "--rules", "test-bench"]) == 2
    assert "--rules test-bench needs --trace FILE" in " ".join(capsys.readouterr().err.split())


def test_the_interface_gives_what_the_command_line_prints(bench, tmp_path):
    _, out, _ = bench(SINGLE, SINGLE, more=["--json"])

    run = run_testbench(load_arch("released-128x8"), tmp_path / "rows.csv")

    assert run.to_dict() == json.loads(out)
    assert run.response.tolist()[-1] == run.total_cycles
