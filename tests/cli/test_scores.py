"""`--scores`: the distribution that work records are drawn from where only counts are known."""

import json

import pytest

from tokensieve.cli.app import call
from tokensieve.workloads.distributions import distribution_names

WORKLOAD = """\
model: {name: toy, layers: 2, heads: 2, head_dim: 64, hidden: 128, ffn: 128}
phase: decode
prompt: 300
steps: 2
schedule: {interpolation: list, token: [0.9, 0.5], value: 0.2}
"""


@pytest.fixture
def decode(tmp_path):
    file = tmp_path / "decode.yaml"
    file.write_text(WORKLOAD, encoding="utf-8")
    return str(file)


def told(capsys, *arguments):
    assert call([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_run_of_counts_says_what_its_records_were_drawn_from_and_how_near_that_is(capsys, decode):
    records = told(capsys, "run", "--workload", decode)["provenance"]["records"]

    assert (records["scores"], records["rankings"]) == ("minilm-resampled", "importance-resampled")
    assert records["searches"] == 2 * 2 * 2
    assert set(records["rounds"]) == set(records["ratio"]) == {"quick", "radix"}
    assert 0.9 < records["ratio"]["quick"] < 1.1
    assert 0.9 < records["ratio"]["radix"] < 1.1


def test_scores_chooses_the_distribution_and_what_the_search_costs(capsys, decode):
    near, far = (
        told(capsys, "run", "--workload", decode, "--scores", name) for name in ("minilm-resampled", "uniform")
    )
    records = far["provenance"]["records"]

    assert (records["scores"], records["rankings"]) == ("uniform", "uniform")
    assert records["rounds"]["quick"] > near["provenance"]["records"]["rounds"]["quick"]
    assert far["cycles"]["total"] > near["cycles"]["total"]
    assert near["cycles"] == told(capsys, "run", "--workload", decode)["cycles"]


def test_compare_draws_from_the_distribution_that_is_named(capsys, decode):
    near, far = (
        told(capsys, "compare", "--workload", decode, "--against", "none", *scores)["rows"][0]["cycles"]
        for scores in ([], ["--scores", "uniform"])
    )

    assert far > near


@pytest.mark.parametrize("command", ["run", "compare", "baseline"])
def test_an_unknown_name_is_refused_with_all_names(capsys, decode, command):
    assert call([command, "--workload", decode, "--scores", "unifrm"]) == 2

    err = capsys.readouterr().err
    assert "got 'unifrm'; did you mean 'uniform'?" in err
    assert ", ".join(distribution_names()) in err


@pytest.mark.parametrize("source", [[], ["--workload", "minilm"]])
@pytest.mark.parametrize("command", ["run", "compare", "baseline"])
def test_scores_are_refused_where_the_records_were_captured(capsys, command, source):
    assert call([command, *source, "--scores", "uniform"]) == 2

    assert "holds its work records, so --scores must not be given, got 'uniform'" in capsys.readouterr().err


def test_a_captured_run_names_no_distribution(capsys):
    asked = ["run", "--workload", "minilm-values", "--level", "analytic", "--reference", "none"]
    records = told(capsys, *asked)["provenance"]["records"]

    assert (records["scores"], records["rankings"], records["ratio"]) == (None, None, {})
    assert records["rounds"]["quick"] == pytest.approx(3.064, abs=0.001)
