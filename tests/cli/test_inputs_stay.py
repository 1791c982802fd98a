"""A command that is told to write over a file that it reads refuses, and leaves the file as it was."""

import pytest
from bench.requests import csv_text

from tokensieve.cli.app import call

ALIAS = "run --rules test-bench --arch released-64x2 --trace x.csv --rows x.csv"
ARCH = "extend: spatten\n"


@pytest.mark.parametrize(
    ("name", "content", "arguments", "option", "given"),
    [
        ("x.csv", csv_text({}), "replay x.csv --rows x.csv", "--rows", "TRACE"),
        ("x.csv", csv_text({}), "replay x.csv --rows ./here/../x.csv", "--rows", "TRACE"),
        (
            "x.csv",
            csv_text({}),
            ALIAS,
            "--rows",
            "TRACE",
        ),
        ("x.txt", "9\n", "replay t.csv --topk-latency x.txt --rows x.txt", "--rows", "--topk-latency"),
        ("x.yaml", "extend: released-64x2\n", "replay t.csv --arch x.yaml --rows x.yaml", "--rows", "--arch"),
        ("x.txt", "0 R\n", "dram --trace x.txt --commands x.txt", "--commands", "--trace"),
        ("x.yaml", "extend: hbm2\n", "dram --config x.yaml --commands x.yaml", "--commands", "--config"),
        ("x.yaml", ARCH, "dram --arch x.yaml --commands x.yaml", "--commands", "--arch"),
        ("x.json", "{}", "baseline --workload x.json --out x.json", "--out", "--workload"),
        ("x.json", ARCH, "baseline --arch x.json --out x.json", "--out", "--arch"),
        ("x.npz", "text", "capture --model minilm --text x.npz --out x.npz", "--out", "--text"),
        ("x.npz", "{}", "capture --model minilm --text t --schedule x.npz --out x.npz", "--out", "--schedule"),
        ("result.json", ARCH, "run --arch result.json --out .", "--out", "--arch"),
        ("here/result.json", "{}", "run --workload here/result.json --out here", "--out", "--workload"),
        ("cycles.png", "{}", "run --end-to-end --model cycles.png --out .", "--out", "--model"),
        ("x.yaml", ARCH, "emit requant-decision --arch x.yaml -o x.yaml", "--out", "--arch"),
    ],
)
def test_a_file_that_is_read_is_not_written_over(
    name, content, arguments, option, given, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / name).write_text(content)

    assert call(arguments.split()) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {option} must not name a file that is read, got '")
    assert err.endswith(f"{name.rpartition('/')[2]}', also given as {given}\n")
    assert (tmp_path / name).read_text() == content
    assert sorted(p.name for p in tmp_path.rglob("*")) == sorted({"here", name.rpartition("/")[2]})


def test_a_link_to_a_file_that_is_read_is_that_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text(csv_text({}))
    (tmp_path / "link.csv").symlink_to("x.csv")

    assert call(["replay", "x.csv", "--rows", "link.csv"]) == 2
    assert "got 'link.csv', also given as TRACE" in capsys.readouterr().err


def test_a_file_called_like_a_preset_is_no_file_that_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    for _ in range(2):
        assert call(["dram", "--config", "hbm2", "--requests", "1", "--commands", "hbm2", "--json"]) == 0
