"""The table of all engines on all distributions, and what the engine `radix` promises of it."""

import json
import sys

import numpy as np
import pytest
from conftest import ROOT

from tokensieve.arch.datapath import Topk
from tokensieve.pages import fpga as fpga_page
from tokensieve.pages import resources
from tokensieve.pages.engines import BITS, DISTRIBUTIONS, engine, markdown, select_cycles
from tokensieve.rtl.flow import fpga
from tokensieve.workloads.distributions import most_scores, scores

PAGE = ROOT / "docs" / "reference" / "units" / "engines.md"
ROWS = 40


def drawn(name, bits, n):
    return np.stack([scores(name, n, bits, seed) for seed in range(ROWS)]).astype(np.int64)


@pytest.mark.parametrize("name", ["softmax-sigma3", "minilm"])
def test_the_page_shows_what_the_command_prints(name):
    page = PAGE.read_text()
    lines = markdown([name], vectors=1000, seed=1, lanes=16).splitlines()

    assert all(line in page for line in lines)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_radix_with_a_log_digit_is_quick_on_every_distribution(name, bits):
    n = min(1024, most_scores(name))
    k = np.where(np.arange(ROWS) % 2 == 0, n // 2, n // 5)
    cycles = select_cycles(engine("radix log", n, bits, 16), drawn(name, bits, n), k)

    assert cycles.mean() <= 195
    assert cycles.max() <= 240
    assert cycles.max() <= n // 16 + (1 + -(-(bits - 2) // 4)) * (n // 16 + 14)


@pytest.mark.parametrize("bits", BITS)
def test_bit_serial_takes_the_same_time_whatever_the_data(bits):
    topk = engine("bitserial", 1024, bits, 16)
    cycles = [select_cycles(topk, drawn(name, bits, 1024), np.full(ROWS, 204)) for name in ("uniform", "softmax")]

    assert len(set(np.concatenate(cycles).tolist())) == 1
    assert cycles[0][0] + 64 + topk.drain_latency <= 2 * 64 + bits * (1 + topk.count_stages) + 24


@pytest.mark.parametrize(("module", "file"), [(fpga_page, "fpga.json"), (resources, "resources.json")])
def test_the_page_shows_what_is_recorded(module, file, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["table", "--show", str(PAGE.parent / file)])
    module.main()

    assert capsys.readouterr().out in PAGE.read_text()


def test_a_recorded_table_is_measured_written_and_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fpga_page, "configurations", lambda: [(Topk(lanes=4), (1,)), (Topk(lanes=8), (1,))])
    monkeypatch.setattr(fpga, "measure", lambda topk, seeds: recorded_row(topk.lanes, seeds))
    monkeypatch.setattr(sys, "argv", ["table", str(tmp_path / "fpga.json")])
    fpga_page.main()

    assert [row["lut4"] for row in json.loads((tmp_path / "fpga.json").read_text())] == [4000, 8000]
    assert "| quickselect | 8 | 1,024 | 8,000 |" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["fpga.json"]


def recorded_row(lanes, seeds):
    cells = dict.fromkeys(("ff", "carry", "dpr", "bram", "dsp"), 1)
    clocks = {str(seed): 100.0 for seed in seeds}
    return {
        "engine": "quickselect",
        "lanes": lanes,
        "max_tokens": 1024,
        "lut4": 1000 * lanes,
        **cells,
        "fmax_mhz": clocks,
    }
