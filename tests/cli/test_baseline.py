"""`tokensieve baseline`: a measured time, and the modelled speedup over it."""

import json
import os
import sys

import pytest

from tokensieve.cli.app import call

SHORT = ["--workload", "bert-base-cola", "--threads", "1", "--repeats", "3", "--warmup", "0"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A file of a measurement."""
    pytest.importorskip("torch")
    file = tmp_path_factory.mktemp("baseline") / "cpu.json"

    assert call(["baseline", *SHORT, "--out", str(file)]) == 0
    return file


def test_the_speedup_is_measured_over_modelled_time(written):
    told = json.loads(written.read_text())

    assert (told["label"], told["modelled"]["label"]) == ("measured", "modelled")
    assert told["modelled"]["speedup"] == pytest.approx(told["seconds"]["median"] / told["modelled"]["seconds"])
    assert told["modelled"]["speedup_quartiles"][0] <= told["modelled"]["speedup"]


def test_compare_takes_the_file_as_a_measured_machine(written, capsys):
    assert call(["compare", *SHORT[:2], "--against", "none", "--baseline", str(written), "--json"]) == 0

    ours, cpu = json.loads(capsys.readouterr().out)["rows"]
    told = json.loads(written.read_text())
    assert (cpu["label"], cpu["seconds"], cpu["dram_bytes"]) == ("measured", told["seconds"]["median"], None)
    assert cpu["speedup"] == pytest.approx(cpu["seconds"] / ours["seconds"])
    assert cpu["gop_per_s"] == pytest.approx(told["operations"] / cpu["seconds"] * 1e-9)


def test_other_work_than_was_measured_is_refused(written, capsys):
    assert call(["compare", "--workload", "bert-base-sst2", "--baseline", str(written)]) == 2
    assert "the baseline was measured for prefill of 11 tokens" in capsys.readouterr().err


def test_the_page_has_both_labels(capsys):
    pytest.importorskip("torch")
    assert call(["baseline", *SHORT, "--arch", "spatten-eighth"]) == 0

    page = capsys.readouterr().out
    assert "measured, quartiles" in page
    assert "modelled, pruned" in page
    assert "1 thread, float32" in page
    assert "median of 3 repetitions after 0" in page


def test_without_torch_the_exit_code_is_3(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)

    assert call(["baseline", *SHORT]) == 3
    assert "baseline needs torch: pip install -e '.[golden]'" in capsys.readouterr().err


def test_without_a_gpu_cuda_is_a_missing_tool(monkeypatch, capsys):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert call(["baseline", *SHORT, "--device", "cuda"]) == 3
    assert "finds no CUDA device" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "x.txt"], "--out must be a file that ends in .json, got 'x.txt'"),
        (["--out", "absent/x.json"], "there is no folder 'absent'"),
        (["--repeats", "0"], "--repeats"),
        (["--repeats", "1000001"], "--repeats"),
        (["--warmup", "1000001"], "--warmup"),
        (["--threads", "0"], "--threads"),
        (["--threads", "20000"], "--threads must be in 1..8, the processors of this host, got 20000"),
        (["--threads", "3000000000"], "--threads must be in 1..8, the processors of this host, got 3000000000"),
        (["--seed", str(1 << 64)], "--seed must be 4294967295 at most, got '18446744073709551616'"),
        (["--device", "tpu"], "--device"),
        (["--set", "topk.max_tokens=8"], "is above topk.max_tokens = 8"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(arguments, message, monkeypatch, capsys):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert call(["baseline", *SHORT, *arguments]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
