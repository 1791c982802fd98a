"""The page of the engines with an FPGA's own block memories: measured one placement after another, and shown."""

import json
import sys

from conftest import ROOT

from tokensieve.arch.datapath import Topk
from tokensieve.pages import primitives
from tokensieve.rtl.flow import fpga

FOLDER = ROOT / "docs/reference/units"
SMALL = Topk(engine="radix", lanes=4, max_tokens=64)


def placed(topk, seeds, cells):
    """Return a row as `fpga.measure` does."""
    numbers = dict.fromkeys(("lut4", "ff", "carry", "dpr", "bram", "dsp"), 7)
    told = {"engine": topk.engine, "lanes": topk.lanes, "max_tokens": topk.max_tokens, "primitives": cells}
    return {**told, **numbers, "netlist": f"of {cells}", "fmax_mhz": {str(seed): 100.0 + seed for seed in seeds}}


def test_the_page_shows_what_is_recorded():
    rows = json.loads((FOLDER / "fpga-primitives.json").read_text(encoding="utf-8"))

    assert primitives.show(rows) in (FOLDER / "engines.md").read_text(encoding="utf-8")


def test_a_run_that_was_stopped_goes_on_where_the_netlist_is_the_same(tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(primitives, "configurations", lambda: iter([(SMALL, "ecp5"), (SMALL, "generic")]))
    monkeypatch.setattr(
        fpga, "measure", lambda *told: asked.extend((told[2], seed) for seed in told[1]) or placed(*told)
    )
    monkeypatch.setattr(sys, "argv", ["table", str(tmp_path / "table.json")])
    before = [{**placed(SMALL, (1, 2), "ecp5")}, {**placed(SMALL, (1, 2, 3), "generic"), "netlist": "of another"}]
    (tmp_path / "table.json").write_text(json.dumps(before))
    primitives.main()

    assert asked == [("generic", 1), ("generic", 2), ("ecp5", 3), ("generic", 3)]
    assert "| radix | 4 | 64 | DP16KD with OUTREG | 7 | 7 | 7 | 7 | 101.0 / 102.0 / 103.0 |" in capsys.readouterr().out
