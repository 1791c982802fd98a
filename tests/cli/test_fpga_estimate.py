"""`tokensieve fpga estimate`: what an engine would take, and what is refused."""

import json
import re

import pytest

from tokensieve.cli.app import call


def test_the_object_has_figures_errors_and_whether_it_fits(capsys):
    assert call(["fpga", "estimate", "topk", "--arch", "sieve", "--device", "ecp5-25k", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert (told["label"], told["device"], told["parameters"]["engine"]) == ("modelled", "ecp5-25k", "radix")
    assert told["bram"] == 22
    assert told["fits"] is (told["lut"] <= told["available"]["lut"] == 24288)
    assert set(told["errors"]) == {"lut", "ff", "bram", "dsp", "fmax_mhz"}


def test_what_does_not_fit_and_what_was_not_recorded_is_said(capsys):
    sets = [
        "--set",
        "topk.engine=bitserial",
        "--set",
        "topk.lanes=64",
        "--set",
        "topk.max_tokens=4096",
        "--set",
        "softmax.fifo_lines=512",
    ]
    assert call(["fpga", "estimate", "topk", "--device", "ecp5-25k", *sets]) == 0
    told = capsys.readouterr().out

    assert "Extrapolated, errors may be larger: topk.lanes = 64 (recorded: 1.." in told
    assert "It does not fit ecp5-25k." in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["topk", "--device", "ecp5-86k"], "--device must be one of .* did you mean 'ecp5-85k'"),
        (["topk", "--device", "gw2a-18c"], "for an estimate, as runs of no other family are recorded, got 'gw2a-18c'"),
        (["radix"], "unit must be topk or fixed-length-pruner for an estimate"),
        (["topk", "--arch", "spatten-paper"], "topk.round_cycles must be 6 or null for the RTL"),
    ],
)
def test_what_there_is_no_model_of_ends_with_exit_code_2(arguments, message, capsys):
    assert call(["fpga", "estimate", *arguments]) == 2
    told = " ".join(capsys.readouterr().err.split())

    assert re.search(message, told)


def test_a_build_of_an_engine_whose_luts_cannot_fit_is_refused_with_what_would(tmp_path, capsys):
    sets = ["--set", "topk.engine=bitonic", "--set", "topk.lanes=4"]
    assert call(["fpga", "build", "topk", "--device", "ecp5-25k", *sets, "--out", str(tmp_path / "out")]) == 2
    told = " ".join(capsys.readouterr().err.split())

    assert re.search(
        r"topk takes about [\d,]+ LUTs or more, and it has 24,288; it would fit with --device ecp5-85k", told
    )
    assert "--set topk.max_tokens=512" in told
    assert "gw2a" not in told


@pytest.mark.parametrize(
    ("sets", "device", "fits", "says"),
    [
        (["max_tokens=64", "keep=32", "engines=1"], "ice40-hx8k", "yes", "It fits ice40-hx8k."),
        (["max_tokens=256", "keep=64", "engines=1"], "ice40-hx8k", "perhaps", "It may fit ice40-hx8k: a build tells."),
        (["max_tokens=512", "keep=128"], "ice40-hx8k", "no", "It does not fit ice40-hx8k."),
        (["max_tokens=512", "keep=128"], "ecp5-85k", "yes", "It fits ecp5-85k."),
    ],
)
def test_a_pruner_is_told_to_fit_where_it_does(sets, device, fits, says, capsys):
    words = [word for one in sets for word in ("--set", f"pruner.{one}")]

    assert call(["fpga", "estimate", "fixed-length-pruner", "--device", device, *words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert call(["fpga", "estimate", "fixed-length-pruner", "--device", device, *words]) == 0

    assert (told["fits"], told["label"]) == (fits, "modelled")
    assert told["lut"]["least"] < told["lut"]["most"]
    assert told["interval"] >= told["parameters"]["max_tokens"] / told["parameters"]["lanes"]
    assert says in capsys.readouterr().out


def test_a_pruner_that_is_not_built_is_not_estimated(capsys):
    words = ["--set", "pruner.score_source=embedding_norm", "--set", "pruner.embedding_beats=2"]

    assert call(["fpga", "estimate", "fixed-length-pruner", *words]) == 2
    assert "pruner.score_source must be given" in capsys.readouterr().err
