import json

import pytest

from tokensieve.arch import Arch, load_arch, preset_names
from tokensieve.cli.app import call


def test_every_preset_is_listed(capsys):
    assert call(["presets"]) == 0

    lines = capsys.readouterr().out.splitlines()[4:]
    rows = [line.split() for line in lines[: len(preset_names())]]
    assert [row[0] for row in rows] == preset_names()
    assert ["spatten", "1,024", "1,000", "2.048", "393,216", "16", "512", "16"] in rows


def test_the_list_says_what_each_preset_is_for(capsys):
    assert call(["presets"]) == 0

    told = " ".join(capsys.readouterr().out.split())
    assert all(f" {name}: " in told for name in preset_names())
    assert "spatten-paper: The paper's full design as the authors' test bench and latency model charge;" in told
    assert "spatten-eighth: The paper's 1/8 design as Table III prices it, on BERT: 128 multipliers" in told


def test_the_list_as_json_holds_the_peaks_of_the_paper(capsys):
    assert call(["presets", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)["spatten"]
    assert (told["peak_tflops"], told["dram_gb_per_s"], told["sram_bytes"]) == (pytest.approx(2.048), 512, 2 * 196_608)


@pytest.mark.parametrize("name", preset_names())
def test_what_show_prints_is_a_file_of_an_equal_arch(name, capsys, tmp_path):
    assert call(["presets", "show", name, "--set", "topk.lanes=4"]) == 0

    (tmp_path / "mine.yaml").write_text(capsys.readouterr().out)
    assert load_arch(str(tmp_path / "mine.yaml")) == load_arch(name, ["topk.lanes=4"])


def test_show_says_what_fields_mean_in_which_unit(capsys):
    assert call(["presets", "show", "spatten"]) == 0

    out = capsys.readouterr().out
    assert "  kib: 192  # Capacity, in KiB (1,024 bytes).\n" in out
    assert "  tCK_ps: 1000  # DRAM clock period, in ps.\n" in out


def test_show_as_json_holds_every_field(capsys, tmp_path):
    (tmp_path / "mine.yaml").write_text("extend: spatten\nname: mine\n")

    assert call(["presets", "show", str(tmp_path / "mine.yaml"), "--json"]) == 0
    assert Arch.model_validate(json.loads(capsys.readouterr().out)) == load_arch("spatten", ["name=mine"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["show", "spaten"],
            f"error: arch must be a preset ({', '.join(preset_names())}) or a YAML file, got 'spaten'",
        ),
        (["show"], "error: missing argument 'NAME|FILE'"),
        (["sho", "spatten"], "error: no such command 'sho'"),
        (["--json", "show", "spatten"], "error: invalid value: --json goes behind 'show'"),
        (
            ["show", "spatten", "--set", "dram.channels=3"],
            "error: dram.channels must be a power of two in 1..256",
        ),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(arguments, message, capsys):
    assert call(["presets", *arguments]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)
