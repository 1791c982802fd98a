"""What is wrong is said of the field, the flag or the line that it is wrong with."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from bench.hostile import CSV

from tokensieve.cli.app import call
from tokensieve.workloads.traces import local_trace

FEW = ("--level", "analytic", "--reference", "none", "--quiet")
ONE = ("run", "--workload", "bert-base-cola", *FEW)
COMMANDS = {
    "a list for an axis": (
        ("sweep", "--set", "topk.lanes=[8,16]"),
        "--set topk.lanes must be values without brackets, for example topk.lanes=8,16; ",
    ),
    "a span for an axis": (("sweep", "--set", "topk.lanes={low: 1, high: 4}"), "spans and lists as values go into"),
    "too many digits, one machine": (
        ("run", "--set", f"topk.lanes={'9' * 5000}"),
        "--set topk.lanes must be a number of at most 300 digits, got one of 5,000",
    ),
    "too many digits, a sweep": (
        ("sweep", "--set", f"topk.lanes=8,{'9' * 5000}"),
        "--set topk.lanes must be a number of at most 300 digits, got one of 5,000",
    ),
    "extend in a group": (
        ("run", "--set", "dram={extend: ddr4-3200}"),
        "--set dram: extend must be given as dram.extend=ddr4-3200, got",
    ),
    "a field of another unit": (
        ("dram", "--config", "hbm2", "--set", "topk.lanes=8"),
        "--set must name a field of the DRAM configuration, such as nFAW, got topk.lanes",
    ),
    "a folder without a result": (("diff", ".", "."), ".: is a folder without a result.json, which `tokensieve run"),
    "a mark between digits": ((*ONE, "--seed", "1_000"), "--seed must be a whole number, got '1_000'"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), COMMANDS.values(), ids=COMMANDS)
def test_a_flag_is_refused_with_its_rule(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    assert call(list(arguments)) == 2
    assert message in capsys.readouterr().err


def test_a_hint_lists_no_hidden_option(capsys):
    assert call(["run", "--lev", "analytic"]) == 2

    err = capsys.readouterr().err
    assert "--level" in err
    assert "--rules" not in err


def test_a_shell_s_question_without_its_words_is_refused():
    told = subprocess.run(
        [sys.executable, "-m", "tokensieve"],
        env={**os.environ, "_TOKENSIEVE_COMPLETE": "complete_bash"},
        capture_output=True,
        check=False,
    )

    assert (told.returncode, told.stdout) == (2, b"")
    assert told.stderr.startswith(b"error: _TOKENSIEVE_COMPLETE is for shells, which set COMP_WORDS and COMP_CWORD")


@pytest.mark.parametrize(
    ("store", "kept"),
    [(["--store", "my.store"], "what is done is in my.store, and the same command goes on"), ([], "nothing is kept")],
)
def test_a_sweep_that_is_stopped_says_what_is_kept(store, kept, tmp_path, monkeypatch, capsys):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tokensieve.explore.sweep.run_sweep", stopped)

    assert call(["sweep", "--set", "topk.lanes=8,16", "--workload", "bert-base-cola", *store]) == 130
    assert f"stopped before the first designs were counted; {kept}" in capsys.readouterr().err


SWEEPS = {
    "axes: {topk.lanes: {low: .nan, high: 5, count: 3}}": "axes.topk.lanes.low must be a finite number, got nan\n",
    "axes:\n  topk.lanes: {low: 1, high: .inf, step: 1}": "line 2: axes.topk.lanes.high must be a finite number, got",
    "axes: {topk.lanes: {low: 1, high: 1e300, step: 1}}": (
        "step must give at most 100,000 values from low = 1 to high = 1e+300, got 1e+300\n"
    ),
    "axes: {topk.lanes: {low: 1, high: 9, times: 1.000001}}": "axes.topk.lanes.times must give at most 100,000 values",
    "axes: {topk.lanes: [8]}\nconstraints: ['seconds <']": "line 2: constraints.0: 'seconds <' is no formula",
    "axes: {topk.lanes: [8]}\n---\naxes: {}": "s.yaml, line 2: a second YAML document begins, a file holds one",
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), SWEEPS.items())
def test_a_sweep_file_is_refused_by_the_field(text, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yaml").write_text(text)

    assert call(["sweep", "s.yaml"]) == 2
    assert message in capsys.readouterr().err


TRACES = {
    "a line for Excel": (f"sep=,\n{CSV}", "line 1: the header comes first: remove this line, 'sep='"),
    "a comment": (f"# of a run\n{CSV}", "line 1: the header comes first: remove this line, '# of a run'"),
    "an open quote": (CSV.replace("0,0,0,64.0", '0,0,"0,64.0'), "line 2: a quotation mark is not closed"),
    "an open quote in the header": (f'"{CSV}', "line 1: a quotation mark is not closed"),
    "no threshold to fall below": (
        CSV.replace("0.05,", "0,"),
        "line 3: auto_requant_thres must be above 0 where if_requant is True, got 0",
    ),
}


@pytest.mark.parametrize(("text", "message"), TRACES.values(), ids=TRACES)
def test_a_csv_trace_is_refused_by_what_is_wrong(text, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(text)

    assert call(["run", "--trace", "t.csv", *FEW]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": "uniform"}, "meta: scores must be left out where source is captured, got 'uniform'"),
        ({"model": "a\nb"}, "meta: model is invalid (no control or direction-turning characters are taken"),
    ],
)
def test_meta_data_that_contradict_themselves_or_are_not_plain_are_refused(change, message, tmp_path, capsys):
    with np.load(local_trace()) as file:
        arrays = dict(file)
    meta = json.loads(arrays["meta"].tobytes()) | change
    np.savez(tmp_path / "t.npz", **arrays | {"meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)})

    assert call(["run", "--trace", str(tmp_path / "t.npz"), *FEW]) == 2
    assert message in capsys.readouterr().err


def test_counts_of_other_accelerators_are_no_trace(capsys):
    assert call(["run", "--trace", str(local_trace().with_name("minilm-pairs.npz")), *FEW]) == 2
    assert "unknown array 'a3_aggressive_candidates.npy'; a trace of decisions is expected" in capsys.readouterr().err
