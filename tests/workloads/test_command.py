import json

import pytest

from tokensieve.cli.app import call
from tokensieve.workloads.benchmarks import find_workload, workload_names


def test_every_workload_is_listed(capsys):
    assert call(["workloads"]) == 0

    out = capsys.readouterr().out
    assert all(f"\n{name} " in out for name in workload_names())


def test_the_list_as_json_has_every_name(capsys):
    assert call(["workloads", "--json"]) == 0

    assert list(json.loads(capsys.readouterr().out)) == workload_names()


@pytest.mark.parametrize("name", ["bert-base-squad1", "gpt2-medium-ptb"])
def test_every_assumption_is_marked(capsys, name):
    assert call(["workloads", "show", name]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert {f"assumed: {line}" for line in find_workload(name).assumed} < set(lines)
    assert any(line.startswith("assumed: top-k work records") for line in lines)
    assert {f"published: {line}" for line in find_workload(name).published} <= set(lines)


def test_what_is_shown_as_json_has_what_each_layer_keeps(capsys):
    assert call(["workloads", "show", "gpt2-small-wikitext2", "--json"]) == 0

    shown = json.loads(capsys.readouterr().out)
    assert [layer["keys"] for layer in shown["kept"]] == [921, 716, *[204] * 4, *[102] * 6]
    assert [layer["values"] for layer in shown["kept"]] == [184, 143, *[40] * 4, *[20] * 6]
    assert shown["schedule"]["token"][0] == "0.9"


def test_a_file_is_shown_too(capsys, tmp_path):
    path = tmp_path / "long.yaml"
    path.write_text("model: minilm\nphase: prefill\ncontext: 2000\n")

    assert call(["workloads", "show", str(path)]) == 0
    assert capsys.readouterr().out.startswith("long: prefill of 2000 tokens, 6 layers x 12 heads of 32")


def test_one_layer_and_one_head_are_no_plural(capsys, tmp_path):
    path = tmp_path / "one.yaml"
    shape = "{name: one, layers: 1, heads: 1, head_dim: 64, hidden: 64, ffn: 256}"
    path.write_text(f"model: {shape}\nphase: prefill\ncontext: 200\n")

    assert call(["workloads", "show", str(path)]) == 0
    assert capsys.readouterr().out.startswith("one: prefill of 200 tokens, 1 layer x 1 head of 64\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "bert-base-colaa"], "did you mean 'bert-base-cola'?"),
        (["show", "absent.yaml"], "absent.yaml: no such file"),
        (["--json", "show", "minilm"], "--json goes behind 'show'"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(capsys, arguments, message):
    assert call(["workloads", *arguments]) == 2

    told = capsys.readouterr()
    assert message in told.err
    assert told.out == ""
