"""``tokensieve replay``, from the command line to the cycles."""

import csv
import json
from dataclasses import replace

import pytest
from bench.requests import csv_text

from tokensieve.arch import load_arch
from tokensieve.cli.app import call
from tokensieve.run.released import run_released
from tokensieve.sim.released.hang import Hang
from tokensieve.workloads.columns import BERT

SINGLE = {"key_fetch_num": 128, "value_fetch_num": 128}
TOO_LONG = SINGLE | {"key_fetch_num": 256}


@pytest.fixture
def bench(tmp_path, capsys):
    """A function that writes a CSV file, replays it, and returns exit code, stdout and stderr."""

    def replay(*changes, arch="released-128x8", more=()):
        path = tmp_path / "rows.csv"
        path.write_text(csv_text(*changes))
        code = call(["replay", str(path), "--arch", arch, *more])
        return (code, *capsys.readouterr())

    return replay


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

    code = call(["replay", str(trace), "--arch", "released-64x2", "--iteration", "31", "--json", "--rows", str(rows)])

    told = json.loads(capsys.readouterr().out)
    with rows.open(newline="") as file:
        cycles = [(int(r["accept_cycle"]), int(r["response_cycle"])) for r in csv.DictReader(file)]
    assert (code, told["cycles"]["total"], told["traffic"]["dram_bytes"]["total"]) == (0, 93134, 2151936)
    assert (len(cycles), cycles[0], cycles[-1]) == (144, (32, 4824), (92318, 93134))


def test_a_trace_alone_is_played_on_the_design_in_full(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    path.write_text(csv_text(SINGLE))

    assert call(["replay", str(path)]) == 0

    out = capsys.readouterr().out
    assert out.startswith(f"released-512x16, {path}, by the rules of the authors' test bench\n")
    assert "rounded up to multiples of 32\n" in out


def test_quiet_prints_only_the_object_that_is_asked_for(bench):
    _, told, _ = bench(SINGLE, more=["--json"])

    assert bench(SINGLE, more=["--quiet"]) == (0, "", "")
    assert bench(SINGLE, more=["-q", "--json"]) == (0, told, "")


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
    assert told["provenance"]["count_rounding"] == 32
    assert told["traffic"]["dram_reads"] == 2 * (64 + 32)
    assert told["topk_latency_sum"] == 500
    assert told["cycles"]["total"] > 500


def test_second_passes_are_counted(bench):
    again = SINGLE | {"if_requant": True}

    _, out, _ = bench(again, SINGLE, again, more=["--json"])
    _, page, _ = bench(again, SINGLE, again)

    assert json.loads(out)["second_passes"] == 2
    assert "second passes  2\n" in page


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
    code, out, err = bench(SINGLE, TOO_LONG, more=["--json"])

    told = json.loads(out)
    assert (code, told["responses"], told["first_response_cycle"]) == (1, 1, 374)
    assert (told["cycles"]["total"], told["seconds"]) == (None, None)
    assert "hung after 1 of 2 responses, at row 1 (line 3): it needs 128 lines for 256 keys, key_sram holds 64" in err


def test_the_page_of_a_hung_run_has_no_cycles(bench):
    _, out, _ = bench(SINGLE, TOO_LONG)

    assert "cycles         none, as it hung\n" in out
    assert "1 of 2, the first in cycle 374" in out


def test_a_hang_that_nothing_explains_is_told_without_a_reason(bench, tmp_path):
    bench(SINGLE)
    run = run_released(load_arch("released-128x8"), tmp_path / "rows.csv")

    hung = replace(run, hang=Hang(row=0, reason=None))

    assert hung.hang_message == "the modelled design hung after 1 of 1 responses, at row 0 (line 2); why is not known"


@pytest.mark.parametrize(
    ("arch", "more", "message"),
    [
        ("spatten", [], "dram.controller must be bank-queues or active-buffer under the rules of the test bench"),
        ("spatten", [], "arch must be one of released-128x8, released-512x16, released-64x2 or a YAML file"),
        ("released-128x9", [], "arch must be a preset"),
        ("released-128x8", ["--iteration", "4"], "iteration must be one of those in it (0), got 4"),
        ("released-128x8", ["--count-rounding", "0"], "--count-rounding"),
        ("released-128x8", ["--topk-latency", "none.txt"], "none.txt: no such file"),
        ("released-128x8", ["--set", "topk.lans=8"], "topk.lans is not a known field"),
        ("released-128x8", ["--rows", "no/such/place.csv"], "--rows no/such/place.csv: the directory no/such does not"),
        ("released-128x8", ["--rows", ""], "--rows must name a file, got ''"),
    ],
)
def test_what_does_not_fit_is_refused(bench, arch, more, message):
    refused_with(message, bench(SINGLE, arch=arch, more=more))


@pytest.mark.parametrize("flag", ["--seed", "--level", "--workload", "--out", "--rules", "--trace"])
def test_flags_of_run_are_not_known(bench, flag):
    refused_with(f"error: no such option: {flag}", bench(SINGLE, more=[flag, "1"]))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "none.csv: no such file"),
        ("mine.npz", None, "mine.npz: a CSV file of 17 columns is expected; `tokensieve run --trace` takes an .npz"),
        ("mine.csv", "", "mine.csv: is empty"),
        ("mine.csv", csv_text(), "mine.csv: has a header and no rows"),
        ("mine.csv", csv_text(header=tuple(BERT)), "17 columns of a decode trace are expected, got 15"),
        ("mine.csv", "a,b\n1,2\n", "mine.csv, line 1: column 1 must be 'layer_id', got 'a'"),
        ("mine.csv", csv_text({"quant_key_bit": 7}), "mine.csv, line 2: quant_key_bit must be one of"),
    ],
)
def test_a_trace_of_another_kind_is_refused(name, content, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / name).write_text(content)

    refused_with(message, (call(["replay", name, "--quiet"]), *capsys.readouterr()))


def test_a_trace_has_to_be_named(capsys):
    refused_with("error: missing argument 'TRACE'", (call(["replay"]), *capsys.readouterr()))


def test_where_rows_go_is_looked_at_before_anything_runs(bench, monkeypatch):
    monkeypatch.setattr("tokensieve.run.released.replay", None)

    assert bench(SINGLE, more=["--rows", "no/such/place.csv"])[0] == 2


def test_the_help_text_lists_the_options_and_shows_an_example(capsys):
    assert call(["replay", "--help"]) == 0
    out = capsys.readouterr().out

    assert all(flag in out for flag in ("--iteration", "--count-rounding", "--topk-latency", "--rows"))
    assert out.startswith("Usage: tokensieve replay [OPTIONS] TRACE\n")
    assert "--count-rounding N " in out
    assert "[default: released-512x16]" in " ".join(out.split())
    assert "\n    $ tokensieve replay trace.csv\n" in out


def test_the_interface_gives_what_the_command_line_prints(bench, tmp_path):
    _, out, _ = bench(SINGLE, SINGLE, more=["--json"])

    run = run_released(load_arch("released-128x8"), tmp_path / "rows.csv")

    assert run.to_dict() == json.loads(out)
    assert run.response.tolist()[-1] == run.total_cycles


def refused_with(message, told):
    """Check that nothing was printed but one message, with `message` in it, and that the exit code is 2."""
    code, out, err = told

    assert (code, out) == (2, "")
    assert message in " ".join(err.split())
    assert err.count("error: ") == 1
