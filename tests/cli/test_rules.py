"""``tokensieve run --rules test-bench``: the alias of ``tokensieve replay``."""

import pytest
from bench.requests import csv_text

from tokensieve.cli.app import call
from tokensieve.cli.rules import NOTE

SINGLE = {"key_fetch_num": 128, "value_fetch_num": 128}
TOO_LONG = SINGLE | {"key_fetch_num": 256}
OWN = ("--iteration", "--count-rounding", "--topk-latency", "--rows")


@pytest.fixture
def told(tmp_path, capsys):
    """A function that plays rows by the alias, or by ``replay``, and returns exit code, stdout and stderr."""
    path = tmp_path / "rows.csv"

    def run(*changes, more=(), arch="released-128x8", by="alias"):
        path.write_text(csv_text(*changes))
        head = ["replay", str(path)] if by == "replay" else ["run", "--rules", "test-bench", "--trace", str(path)]
        code = call([*head, "--arch", arch, *more])
        return (code, *capsys.readouterr())

    return run


@pytest.mark.parametrize("second", [SINGLE, TOO_LONG])
@pytest.mark.parametrize(
    "more", [[], ["--json"], ["--json", "--count-rounding", "32", "--set", "dram.channels=4"], ["--iteration", "0"]]
)
def test_the_alias_prints_what_replay_does_and_a_note(more, second, told):
    told(SINGLE, by="replay")  # whoever comes first says that kernels are compiled
    code, out, err = told(SINGLE, second, more=more, by="replay")

    assert told(SINGLE, second, more=more) == (code, out, f"{NOTE}\n{err}")


def test_the_note_names_the_command():
    assert "`tokensieve replay TRACE`" in NOTE


def test_quiet_leaves_the_note_out(told):
    code, out, _ = told(SINGLE, more=["--json"])

    assert told(SINGLE, more=["--json", "--quiet"]) == (code, out, "")
    assert told(SINGLE, more=["-q"]) == (0, "", "")


def test_the_alias_writes_the_rows_and_takes_the_latencies(told, tmp_path):
    latencies = tmp_path / "latencies.txt"
    latencies.write_text("500\n")
    change = {"key_fetch_num": 60, "value_fetch_num": 20}
    for by in ("replay", "alias"):
        told(change, more=["--topk-latency", str(latencies), "--rows", str(tmp_path / by)], by=by)

    assert (tmp_path / "alias").read_text() == (tmp_path / "replay").read_text()
    assert ",500,1," in (tmp_path / "alias").read_text()


def test_help_of_run_lists_everyday_options_only(capsys):
    assert call(["run", "--help"]) == 0
    out = capsys.readouterr().out

    assert "--workload" in out
    assert not any(flag in out for flag in ("--rules", *OWN))


def test_help_of_run_shows_an_example(capsys):
    assert call(["run", "--help"]) == 0

    assert "\n    $ tokensieve run --workload bert-base-squad1" in capsys.readouterr().out


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
        ("released-128x8", ["--iteration", "-1"], "--iteration"),
        ("released-128x8", ["--count-rounding", "0"], "--count-rounding"),
        ("released-128x8", ["--rows", "no/such/place.csv"], "--rows no/such/place.csv: the directory no/such does not"),
        ("released-128x8", ["--rows", ""], "--rows must name a file, got ''"),
    ],
)
def test_what_does_not_fit_is_refused_without_a_note(told, arch, more, message):
    code, out, err = told(SINGLE, arch=arch, more=more)

    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in " ".join(err.split())


def test_a_trace_of_capture_is_refused_as_by_replay(capsys):
    assert call(["run", "--rules", "test-bench", "--trace", "mine.npz"]) == 2
    assert "a CSV file of 17 columns is expected; `tokensieve run --trace` takes an .npz" in capsys.readouterr().err


@pytest.mark.parametrize("flag", OWN)
def test_flags_of_the_rules_need_the_rules(flag, capsys):
    assert call(["run", flag, "8"]) == 2
    assert f"{flag} goes only with --rules test-bench" in " ".join(capsys.readouterr().err.split())


def test_the_rules_need_a_trace(capsys):
    assert call(["run", "--arch", "released-64x2", "--rules", "test-bench"]) == 2
    assert "--rules test-bench needs --trace FILE" in " ".join(capsys.readouterr().err.split())
