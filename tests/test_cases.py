"""Inputs that once failed, and models that cannot be captured: each is answered as the list beside the repository says.

The list, `../shared/cases`, stands beside the repository and not in it; without it the tests skip.
"""

import shutil
import sys
from pathlib import Path

import pytest

from tokensieve.arch import load_arch
from tokensieve.arch.errors import TokensieveError
from tokensieve.cli.app import call
from tokensieve.workloads.csvtrace import read_csv
from tokensieve.workloads.workload import read_workload


@pytest.fixture(scope="session")
def cases(shared_cases) -> Path:
    """Folder of the inputs."""
    return shared_cases


@pytest.mark.parametrize("name", ["quoted", "floats"])
def test_a_trace_that_another_tool_wrote_is_read_like_the_plain_one(name, cases):
    counts = read_csv(cases / "csv" / f"{name}.csv")

    assert (counts.context.tolist(), counts.keys.tolist(), counts.head_dim) == ([993], [993], 64)


@pytest.mark.parametrize(
    ("name", "what"),
    [("semicolon", "separated by semicolons"), ("thousand", "has grouped digits"), ("utf16", "is UTF-16 text")],
)
def test_a_trace_of_another_form_is_refused_as_what_it_is(name, what, cases):
    with pytest.raises(TokensieveError, match=what):
        read_csv(cases / "csv" / f"{name}.csv")


def test_numbers_in_scientific_notation_are_whole_numbers(cases):
    from tokensieve.arch import load_dram

    assert load_dram(str(cases / "dram" / "sci2.yaml")).nREFI == 10_000
    assert load_arch("spatten", ["topk.lanes=8e0"]).topk.lanes == 8


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("pin", "200 of 200 addresses are above the 8,589,934,592 bytes of DRAM: they wrap"),
        ("dramsim3", "read as a trace of DRAMsim3"),
        ("ramulator-load", "read as a trace of Ramulator"),
        ("ramulator2", "read as a trace of Ramulator"),
    ],
)
def test_request_streams_of_other_tools_run_and_what_was_made_of_them_is_said(name, told, cases, capsys):
    assert call(["dram", "--config", "ddr4-3200", "--trace", str(cases / "dram" / f"{name}.txt")]) == 0
    assert told in capsys.readouterr().err


def test_ratios_that_grow_are_refused(cases):
    with pytest.raises(TokensieveError, match=r"line 5: schedule\.token must not grow from layer to layer"):
        read_workload(cases / "workloads" / "inc.yaml")


def test_work_that_dram_has_no_room_for_is_refused_with_both_sizes(capsys, cases):
    few = ["--set", "dram.rows=1", "--set", "dram.channels=1"]

    assert call(["run", "--workload", "bert-base-cola", "--level", "analytic", *few]) == 2
    assert "got 32,768 bytes" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["rank", "one6", "one66", "vit", "p16384"])
def test_work_that_was_once_answered_wrongly_is_priced(name, cases, tmp_path, capsys):
    """What the answer must be is tested beside the model; here the file goes all the way."""
    run = ["run", "--workload", str(cases / "workloads" / f"{name}.yaml"), "--level", "analytic", "--no-cache"]

    assert call([*run, "--no-advice", "--reference", "none", "--quiet", "--set", "topk.max_tokens=16384",
                 "--set", "softmax.fifo_lines=16384", "--set", "dram.rows=65536"]) == 0  # fmt: skip


REFUSED = {
    "vocab-mismatch": "its tokenizer makes the id",
    "no-kv-cache": "it keeps no cache of keys and values between steps",
    "no-heads": "no-heads cannot be captured: its config has no num_attention_heads",
    "experts": "attend to the last 8 tokens alone (sliding_window)",
    "own-attention": "own-attention cannot be captured|does not call the attention that can be replaced",
    "local-attention": "some of its layers are of kind 'local'",
    "window-unknown": "it keeps no cache of keys and values between steps",
    "base-model": "config.json names GPT2Model; gpt2 generates text",
    "no-architectures": "config.json names no architecture; gpt2 generates text",
    "nan-logits": "it computes logits that are not finite",
    "sliding-window": "attend to the last 8 tokens alone (sliding_window)",
    "lfs-weights": "model.safetensors: is a Git LFS pointer",
    "lfs-tokenizer": "tokenizer.json: is a Git LFS pointer",
}


@pytest.fixture(scope="module")
def make_model(cases):
    """The function that builds one of the models in a folder."""
    pytest.importorskip("transformers")
    sys.path.insert(0, str(cases))
    try:
        import make_models
    finally:
        sys.path.remove(str(cases))
    return lambda name, folder: make_models.MODELS[name](folder)


@pytest.mark.long
@pytest.mark.parametrize("name", REFUSED)
def test_a_model_that_cannot_be_captured_is_refused_with_the_reason_and_leaves_nothing(
    name, make_model, tmp_path, capsys
):
    folder, text, out = tmp_path / name, tmp_path / "text.txt", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    make_model(name, folder)
    text.write_text("few tokens of a text matter to its matter attention " * 4)
    capsys.readouterr()

    assert call(["capture", "--model", str(folder), "--text", str(text), "--out", str(out / "x.npz")]) == 2
    err = capsys.readouterr().err
    assert any(part in err for part in REFUSED[name].split("|")), err
    assert err.startswith(f"error: {name} cannot be captured: ") or name.startswith("lfs-")
    assert err.count("\n") == 1  # nothing that a library says of it
    assert list(out.iterdir()) == []


@pytest.mark.long
@pytest.mark.parametrize("name", ["emoji", "latin1", "nul", "rtl", "surrogate", "utf16"])
def test_odd_texts_are_captured_or_refused_as_what_they_are(name, cases, tmp_path, capsys):
    text = Path(shutil.copy(cases / "texts" / f"{name}.txt", tmp_path / "text.txt"))
    refused = {"latin1": "not UTF-8 text", "surrogate": "not UTF-8 text", "utf16": "is UTF-16 text"}

    code = call(["capture", "--model", "minilm", "--text", str(text), "--out", str(tmp_path / "x.npz")])

    assert code == (2 if name in refused else 0)
    assert refused.get(name, "") in capsys.readouterr().err
