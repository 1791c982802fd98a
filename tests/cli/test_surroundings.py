"""What surrounds a command: the encoding of its output, its working folder, names that mean something elsewhere."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tokensieve.cli.app import call
from tokensieve.workloads.traces import local_trace

ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def program(*arguments, **more):
    """Run a command line in a process of its own."""
    return subprocess.run([sys.executable, "-m", "tokensieve", *arguments], capture_output=True, check=False, **more)


def test_an_output_of_ascii_alone_takes_any_name(tmp_path):
    (tmp_path / "f.yaml").write_text("name: ünï\n", encoding="utf-8")

    shown = program("presets", "show", str(tmp_path / "f.yaml"), "--json", env={**os.environ, **ASCII})

    assert (shown.returncode, shown.stderr) == (0, b"")
    assert json.loads(shown.stdout.decode("ascii"))["name"] == "ünï"


def test_a_working_folder_that_is_gone_is_named(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "import os, sys; os.rmdir(os.getcwd()); from tokensieve.cli.app import call; sys.exit(call(sys.argv[1:]))"

    told = subprocess.run(
        [sys.executable, "-c", code, "presets", "show", "x.yaml"], cwd=gone, capture_output=True, check=False
    )

    assert told.returncode == 2
    assert told.stderr.startswith(b"error: ")
    assert b"folder" in told.stderr or b"no such file" in told.stderr


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["schema", "arch", "--out", "-"], "--out must name a file, got '-'"),
        (["store", "info", ":memory:"], "store must be a file, got ':memory:'"),
    ],
)
def test_names_that_mean_no_file_elsewhere_make_none_here(command, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    assert call(command) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("topk: &a\n  lanes: 8\nqk:\n  <<: *a\n", "x.yaml, line 4: merge keys (<<) are not supported"),
        ("topk:\t{lanes: 8}\n", "x.yaml, line 1: not valid YAML: a tab where spaces are expected"),
    ],
)
def test_yaml_that_is_not_taken_is_called_what_it_is(text, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(text)

    assert call(["presets", "show", "x.yaml"]) == 2
    assert message in capsys.readouterr().err


def test_json_may_be_indented_with_tabs(tmp_path, capsys):
    (tmp_path / "x.yaml").write_text(json.dumps({"topk": {"lanes": 8}}, indent="\t"))

    assert call(["presets", "show", str(tmp_path / "x.yaml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["topk"]["lanes"] == 8


def test_a_trace_that_was_packed_again_is_read_or_refused_by_what_is_wrong(tmp_path, capsys):
    unpacked, trace = tmp_path / "u", tmp_path / "x.npz"
    shutil.unpack_archive(local_trace(), unpacked, "zip")
    (unpacked / "__MACOSX").mkdir()
    (unpacked / "__MACOSX" / "._context.npy").write_bytes(b"x")
    shutil.move(shutil.make_archive(str(tmp_path / "again"), "zip", unpacked), trace)

    assert call(["run", "--trace", str(trace), "--level", "analytic", "--quiet"]) == 0

    (unpacked / "context.npy").rename(unpacked / "context")
    shutil.move(shutil.make_archive(str(tmp_path / "again"), "zip", unpacked), trace)

    assert call(["run", "--trace", str(trace)]) == 2
    assert "array 'context' must be called context.npy" in capsys.readouterr().err


def test_a_dry_run_that_is_to_be_quiet_prints_nothing(capsys):
    sweep = ["sweep", "--set", "topk.lanes=8,16", "--workload", "bert-base-cola", "--dry-run", "--quiet"]

    assert call(sweep) == 0
    assert capsys.readouterr().out == ""
