"""The tutorial that puts the pruner on a board: its figures are the law's, its script talks to a board."""

import doctest
import json
import re

import pytest
from bench.hostlinks import BoardStub
from conftest import ROOT

from tokensieve.arch import load_arch
from tokensieve.arch.host_frames import PrunerFormat
from tokensieve.host import board
from tokensieve.report import bitstream

PAGE = (ROOT / "docs/tutorial/pruner-on-a-ulx3s.md").read_text(encoding="utf-8")
LAW, SCRIPT = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def pruner(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "pruner.yaml").write_text(text, encoding="utf-8")
    return load_arch("pruner.yaml").pruner


def test_the_law_is_the_pruners(pruner):
    test = doctest.DocTestParser().get_doctest(LAW, {}, "tutorial", None, 0)

    assert doctest.DocTestRunner(verbose=False).run(test) == doctest.TestResults(failed=0, attempted=4)


def test_the_script_gets_the_tokens_that_are_kept(pruner, tmp_path, monkeypatch, capsys):
    stub = BoardStub(pruner)
    monkeypatch.setattr(board, "SerialTransport", stub)
    told = {
        "parameters": pruner.model_dump(mode="json") | {"engines": pruner.engine_count}, "clock_mhz": 100.0,
        "digest": PrunerFormat(pruner).digest.hex(), "baud": 1_000_000, "host_link": {"divisor": 100},
    }  # fmt: skip
    (tmp_path / "ulx3s").mkdir()
    (tmp_path / "ulx3s/report.json").write_text(json.dumps(told), encoding="utf-8")

    exec(SCRIPT)

    assert stub.opened == ("/dev/ttyUSB0", 1_000_000)
    assert capsys.readouterr().out.startswith("[(10, 5), (11, 900), (12, 3), (13, 41)]\n{'sequences': 1, ")


def test_the_report_is_the_one_on_record():
    [row] = [
        one
        for one in json.loads((ROOT / "docs/reference/fpga.json").read_text())
        if (one["device"], one["parameters"]["max_tokens"]) == ("ecp5-85k", 128)
    ]
    [report] = re.findall(r"```text\n(Resources.*?)\n```", PAGE, re.DOTALL)

    assert report in bitstream.page({**row, "seconds": 0, "stage_seconds": {}}, 100)
