"""``tokensieve capture`` from the command line, on small models with random weights made for the test."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from torch._inductor.runtime.cache_dir_utils import cache_dir

from tokensieve.cli.app import call
from tokensieve.golden.capture.attach import load_model
from tokensieve.workloads.decisions import Decisions


def test_an_encoder_becomes_decisions_and_a_fidelity_beside_a_random_baseline(capture, bert, text, story, tmp_path):
    out = tmp_path / "bert.npz"
    code, printed, _ = capture("--model", bert, "--text", text, "--out", out, "--licence", "mine", "--json")
    told, decisions = json.loads(printed), Decisions.load(out)
    tokens = told["tokens"]

    assert code == 0
    assert tokens > 40  # not cut at the 16 of the tokenizer's file
    assert told["digest"] == decisions.digest
    assert told["kept"]["tokens"] == [tokens, tokens * 9 // 10, tokens // 2]
    assert decisions.phase == "prefill"
    assert decisions.meta["licence"] == "mine"
    assert decisions.heads_alive.sum(axis=2).tolist() == [told["kept"]["heads"]] == [[4, 3, 3]]
    assert set(told["fidelity"]) == {"pruned", "random"}
    assert set(told["fidelity"]["pruned"]) == {"embedding_cosine", "hidden_state_cosine"}
    assert decisions.token_text[:2] == ("[CLS]", "The")
    assert "".join(decisions.token_text[1:-1]) == story


def test_a_causal_model_becomes_decode_steps(capture, gpt2, text, tmp_path):
    out = tmp_path / "gpt2.npz"
    arguments = ("--model", gpt2, "--text", text, "--out", out, "--steps", 4, "--json")
    code, printed, _ = capture(*arguments, "--keep", ".5, 0.5", "--head-keep", "1.", "--value-keep", "0.25")
    told, d = json.loads(printed), Decisions.load(out)
    context = [told["tokens"] + 1 + step for step in range(4)]

    assert code == 0
    assert d.phase == "decode"
    assert d.steps == 4
    assert set(d.queries.tolist()) == {1}
    assert d.context[:: d.layers * d.heads].tolist() == context
    assert d.keys_kept[:: d.heads].tolist() == [k for c in context for k in (c, c // 2)]
    assert all(set(v) <= set(d.ragged("token_ids")[g]) for v, g in zip(d.ragged("value_ids"), d.row_group, strict=True))
    assert len(d.token_text) == context[-1]
    assert set(told["fidelity"]["pruned"]) == {"logits_cosine", "top1_agreement"}
    assert told["fidelity"]["pruned"]["logits_cosine"] > 0.9


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_a_fresh_trace_knows_the_model_whose_other_layers_are_run_too(capture, request, kind, text, tmp_path, capsys):
    out = str(tmp_path / "fresh.npz")
    steps = () if kind == "bert" else ("--steps", 2)
    assert capture("--model", request.getfixturevalue(kind), "--text", text, "--out", out, *steps)[0] == 0

    run = ["run", "--trace", out, "--end-to-end", "--level", "analytic", "--reference", "none", "--no-advice", "--json"]
    assert call(run) == 0
    assert json.loads(capsys.readouterr().out)["end_to_end"]["fc"]["macs"] > 0


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_with_nothing_pruned_the_model_is_as_good_as_dense(capture, request, kind, text, tmp_path):
    schedule = tmp_path / "dense.yaml"
    schedule.write_text("bits: {key: 12, value: 12}\n")
    model, out = request.getfixturevalue(kind), tmp_path / "d.npz"
    code, printed, _ = capture(
        "--model",
        model,
        "--text",
        text,
        "--out",
        out,
        "--schedule",
        schedule,
        "--json",
    )
    fidelity = json.loads(printed)["fidelity"]

    assert code == 0
    assert min(fidelity["pruned"].values()) > 0.999
    assert fidelity["pruned"] == fidelity["random"]


def test_a_capture_repeats_to_the_byte(capture, gpt2, text, tmp_path):
    for name in ("a.npz", "b.npz"):
        capture("--model", gpt2, "--text", text, "--out", tmp_path / name)

    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_page_names_what_was_kept_and_where_it_went(capture, gpt2, text, tmp_path):
    out = tmp_path / "g.npz"
    code, printed, _ = capture("--model", gpt2, "--text", text, "--out", out, "--steps", 2)

    assert code == 0
    assert "decode of" in printed
    assert "top1 agreement" in printed
    assert "random" in printed
    assert f"wrote {out}" in printed


def test_tokens_cuts_a_text_deliberately(capture, bert, text, tmp_path):
    out = tmp_path / "cut.npz"
    code, _, _ = capture("--model", bert, "--text", text, "--out", out, "--tokens", 20)

    assert code == 0
    assert np.unique(Decisions.load(out).context).tolist() == [20]
    assert Decisions.load(out).token_text[-1] == "[SEP]"


@pytest.mark.parametrize("users", [None, "mine"])
def test_the_folder_of_pytorchs_compiler_is_not_left_behind(capture, bert, text, tmp_path, monkeypatch, users):
    """Transformers loads the compiler, which makes a folder, once in a process; here loading a model does."""
    temporary, kept = tmp_path / "temporary", tmp_path / "mine"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    if users is not None:
        monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(kept))
    made = []

    def loading(folder):
        made.append(cache_dir())
        return load_model(folder)

    monkeypatch.setattr("tokensieve.golden.capture.capture.load_model", loading)

    assert capture("--model", bert, "--text", text, "--out", tmp_path / "b.npz", "--tokens", 10)[0] == 0
    assert len(made) == 1
    assert list(temporary.iterdir()) == []
    assert kept.is_dir() == (users is not None)


@pytest.mark.long
def test_a_process_that_captures_leaves_its_trace_alone(bert, text, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    told = [sys.executable, "-m", "tokensieve", "capture", "--model", bert, "--text", text, "--out", tmp_path / "b.npz"]
    environment = {name: value for name, value in os.environ.items() if name != "TORCHINDUCTOR_CACHE_DIR"}
    subprocess.run([*map(str, told)], check=True, capture_output=True, env=environment | {"TMPDIR": str(temporary)})

    assert (tmp_path / "b.npz").is_file()
    assert list(temporary.iterdir()) == []
