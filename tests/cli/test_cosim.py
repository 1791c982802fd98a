import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tokensieve.cli.app import call
from tokensieve.rtl.flow import tools
from tokensieve.verify.cosim import Cosim
from tokensieve.verify.request import SIMULATORS
from tokensieve.verify.units import UNITS

SMALL = ["--vectors", "12", "--set", "topk.lanes=4", "--set", "topk.max_tokens=32"]
DONE = Cosim(
    unit="topk", engine="radix", vectors=1, mismatches=0, cycle_differences=0, work_differences=0, stall_cases=0,
    stall_differences=0, reset_cases=0, reset_differences=0, select_mean=None, select_max=None, total_mean=None,
    total_max=None, rtl_cycles_total=0, law_cycles_total=0, simulator="verilator", verilog_sha256=None,
    vectors_file="",
)  # fmt: skip
ZERO = ["cosim", "zero-eliminator", *SMALL]
KEYS = {
    "unit", "engine", "vectors", "mismatches", "cycle_differences", "work_differences", "stall_cases",
    "stall_differences", "reset_cases", "reset_differences",
    "select_mean", "select_max", "total_mean", "total_max", "rtl_cycles_total", "simulator",
    "verilog_sha256",
}  # fmt: skip


@pytest.fixture(scope="module")
def compiler(needs_tool):
    for tool, package in (("c++", "g++"), ("make", "make"), ("perl", "perl")):
        needs_tool(tool, package)


def test_equal_units_are_exit_code_0_and_told_in_words(capsys):
    code = call([*ZERO, "--simulator", "amaranth"])

    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert out.startswith("zero-eliminator on amaranth: equal\n  vectors 12, mismatches 0, differences in work 0\n")
    assert "stalled cases 7, differences from the twin 0\n  reset cases 33, differences 0\n" in out


def test_the_object_has_the_keys_that_are_promised(capsys):
    assert call([*ZERO, "--simulator", "amaranth", "--json"]) == 0

    (told,) = json.loads(capsys.readouterr().out)["results"]
    assert told.keys() == KEYS | {"law_cycles_total", "vectors_file"}
    assert (told["unit"], told["engine"], told["select_max"], told["verilog_sha256"]) == (
        "zero-eliminator",
        None,
        None,
        None,
    )
    assert told["rtl_cycles_total"] == told["law_cycles_total"] > 0
    assert Path(told["vectors_file"]).exists()


def test_a_planted_fault_is_exit_code_1(capsys):
    code = call([*ZERO, "--simulator", "amaranth", "--mutant", "rest-lost", "--json"])

    (told,) = json.loads(capsys.readouterr().out)["results"]
    assert code == 1
    assert told["mutant"] == "rest-lost"
    assert told["mismatches"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zero-eliminatr"], "did you mean 'zero-eliminator'?"),
        (["zero-eliminator", "--mutant", "rest-losd"], "did you mean 'rest-lost'?"),
        (["zero-eliminator", "--engine", "radix"], "engine cannot be given, zero-eliminator has none, got 'radix'"),
        (["topk", "--engine", "radx"], "did you mean 'radix'?"),
        (["zero-eliminator", "--scores", "unifrm"], "did you mean 'uniform'?"),
        (["zero-eliminator", "--simulator", "icarus"], "--simulator must be one of verilator, amaranth, got 'icarus'"),
        (["--vectors", "5"], "name a unit, or 'all'"),
        (["zero-eliminator", "--vectors", "0"], "--vectors must be 1 or more, got '0'"),
    ],
)
def test_what_is_not_there_is_a_users_error(arguments, message, capsys):
    assert call(["cosim", *arguments]) == 2

    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "engines"),
    [
        ([], ["quickselect"]),
        (["--set", "topk.engine=radix"], ["radix"]),
        (["--set", "topk.engine=radix", "--engine", "bitonic"], ["bitonic"]),
        (["--engine", "all"], ["quickselect", "radix", "bitserial", "bitonic"]),
    ],
)
@pytest.mark.parametrize("unit", ["topk", "axi-topk"])
def test_the_machines_engine_runs_unless_another_or_all_are_asked_for(unit, arguments, engines, capsys, monkeypatch):
    """A wrapped unit follows the machine too; of all engines it has the first, since the wrapper is the same."""
    ran = []
    monkeypatch.setattr("tokensieve.verify.cosim.cosim", lambda request, tell: ran.append(request.engine) or DONE)

    assert call(["cosim", unit, *arguments, "--json"]) == 0
    assert ran == (engines[:1] if unit == "axi-topk" else engines)
    assert len(json.loads(capsys.readouterr().out)["results"]) == len(ran)


def test_a_missing_compiler_is_exit_code_3(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nowhere")

    assert call(ZERO) == 3
    assert "apt-get install g++" in capsys.readouterr().err


def test_the_list_names_units_engines_and_mutants(capsys):
    assert call(["cosim", "--list", "--json"]) == 0

    told = {one["unit"]: one for one in json.loads(capsys.readouterr().out)["units"]}
    assert told.keys() == UNITS.keys()
    assert told["topk"]["engines"] == ["quickselect", "radix", "bitserial", "bitonic"]
    assert "rest-lost" in told["zero-eliminator"]["mutants"]


def test_verilator_runs_from_any_folder_without_an_activated_venv(compiler, tmp_path):
    """With a bare PATH, below /tmp, where YoWASP's tools see no absolute path."""
    keep = {name: os.environ[name] for name in ("HOME", tools.CACHE, "YOWASP_CACHE_DIR") if name in os.environ}
    command = [Path(sys.executable).parent / "tokensieve", *ZERO, "--json", "--waves"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **keep},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout)["results"]
    assert (told["simulator"], len(told["verilog_sha256"]), told["mismatches"]) == ("verilator", 64, 0)
    assert (tmp_path / told["waves_file"]).stat().st_size > 1000


def test_both_simulators_tell_the_same(compiler, capsys):
    objects = []
    for simulator in SIMULATORS:
        assert call([*ZERO, "--simulator", simulator, "--json"]) == 0
        objects += json.loads(capsys.readouterr().out)["results"]

    ignored = ("simulator", "verilog_sha256")
    first, second = ({key: value for key, value in one.items() if key not in ignored} for one in objects)
    assert first == second


def test_a_situation_that_no_case_was_in_fails_the_run_and_is_named(capsys):
    few = ["cosim", "zero-eliminator", *SMALL, "--vectors", "1", "--simulator", "amaranth"]

    assert call([*few, "--coverage"]) == 1
    assert "MISSING: no case of 'a packet without marks'; more --vectors may have one" in capsys.readouterr().out
    assert call(few) == 0


def test_coverage_tells_lines_kinds_and_situations(compiler, capsys):
    assert call([*ZERO, "--coverage", "--json", "--vectors", "24"]) == 0

    (told,) = json.loads(capsys.readouterr().out)["results"]
    assert told["lines"]["lines_hit"] > 0.7 * told["lines"]["lines"]
    assert told["bins"]["o.stalled"] > 0
    assert told["bins"]["expected.index.none"] > 0
    assert told["situations"]["a packet begins as another ends"] > 0


def test_the_waves_of_amaranths_simulator_are_where_it_says(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert call([*ZERO, "--simulator", "amaranth", "--waves", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["results"]
    assert Path(told["waves_file"]).read_text().count("$var") > 10
