"""What ``tokensieve capture`` refuses: one message, exit code 2, nothing left behind."""

import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from tokensieve.arch import WorkloadError
from tokensieve.golden.capture.depth import check_counts
from tokensieve.golden.capture.foreign import foreign
from tokensieve.workloads.decisions import Decisions

transformers = pytest.importorskip("transformers")


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


TEXTS = {
    "empty": (b"", "holds no text"),
    "only blanks": (b" \n\t\n", "holds no text"),
    "not UTF-8": (b"caf\xe9 au lait", "not UTF-8 text (byte 3)"),
    "too long": (b"Down, down, down. " * 50, "are above the window of bert, 128; --tokens 128 cuts it there"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_cannot_be_read_is_refused_and_leaves_nothing(capture, bert, tmp_path, name):
    content, message = TEXTS[name]
    folder = tmp_path / "out"
    folder.mkdir()
    code, printed, err = capture(
        "--model", bert, "--text", write(tmp_path / "t.txt", content), "--out", folder / "x.npz"
    )

    assert (code, printed) == (2, "")
    assert message in err
    assert list(folder.iterdir()) == []


def broken(bert: Path, tmp_path: Path, name: str, content: bytes | None) -> Path:
    folder = Path(shutil.copytree(bert, tmp_path / "broken"))
    (folder / name).unlink()
    return folder if content is None else write(folder / name, content).parent


MODELS = {
    "no config": ("config.json", None, "not a model's folder: it has no config.json"),
    "no tokenizer": ("tokenizer.json", None, "not a model's folder: it has no tokenizer.json"),
    "config is no JSON": ("config.json", b"{", "config.json: not valid JSON"),
    "architectures are no list": (
        "config.json",
        b'{"architectures": 5}',
        "config.json: architectures must be a list of names, got 5",
    ),
    "config is a list": ("config.json", b"[]", "a JSON object is expected, got list"),
    "unknown kind of model": (
        "config.json",
        b'{"model_type": "abacus"}',
        "broken cannot be captured: it cannot be loaded",
    ),
    "tokenizer is no JSON": (
        "tokenizer.json",
        b"?",
        "broken cannot be captured: its tokenizer.json cannot be",
    ),
    "a tokenizer that knows no word": (
        "tokenizer.json",
        b'{"model": {"type": "WordLevel", "vocab": {"few": 0}, "unk_token": "[UNK]"}}',
        "broken cannot be captured: its tokenizer fails on ",
    ),
    "code of its own": (
        "config.json",
        b'{"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config", "AutoModel": "mine.Model"}}',
        "broken cannot be captured: it cannot be loaded",
    ),
    "no weights": ("model.safetensors", None, "broken cannot be captured: it cannot be loaded"),
    "damaged weights": ("model.safetensors", b"nonsense", "broken cannot be captured: it cannot be loaded"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_folder_that_is_no_model_is_refused(capture, bert, text, tmp_path, name):
    file, content, message = MODELS[name]
    folder, out = broken(bert, tmp_path, file, content), tmp_path / "x.npz"
    code, _, err = capture("--model", folder, "--text", text, "--out", out)

    assert code == 2
    assert message in err
    assert not out.exists()


CONFIGS = {
    "sizes of other weights": ({"vocab_size": 1}, "its weights do not have the sizes that its config.json says"),
    "a function that is not known": ({"hidden_act": "abacus"}, "it cannot be loaded: KeyError: 'abacus'"),
    "a number that is none": ({"num_hidden_layers": "two"}, "for field 'num_hidden_layers': TypeError: Field"),
    "a decoder without a head": ({"is_decoder": True}, "its config.json sets is_decoder"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_wrong_with_a_configuration_is_said_in_one_line(capture, bert, text, tmp_path, name):
    changed, message = CONFIGS[name]
    config = json.loads((bert / "config.json").read_text()) | changed
    folder = broken(bert, tmp_path, "config.json", json.dumps(config).encode())
    code, _, err = capture("--model", folder, "--text", text, "--out", tmp_path / "x.npz")

    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("num_hidden_layers", "num_hidden_layers"),
        ("n_layer", "n_layer"),
        ("num_local_experts", "num_local_experts"),
        ("decoder_layers", "decoder_layers"),
        ("num_hidden_groups", "num_hidden_groups"),
        ({"text_config": {"num_layers": 10**7}}, "text_config.num_layers"),
    ],
)
def test_more_layers_than_the_weights_hold_are_refused_before_they_are_built(
    capture, bert, text, tmp_path, field, named
):
    added = {field: 10**7} if isinstance(field, str) else field
    config = json.loads((bert / "config.json").read_text()) | added
    folder = broken(bert, tmp_path, "config.json", json.dumps(config).encode())
    code, _, err = capture("--model", folder, "--text", text, "--out", tmp_path / "x.npz")

    assert code == 2
    assert f"config.json: {named} must be at most 256, its weights hold no more, got 10000000" in err


def test_as_many_layers_as_the_weights_hold_are_taken(tmp_path):
    names = json.dumps({f"h.{n}.bias": {} for n in range(300)}).encode()
    write(tmp_path / "model.safetensors", len(names).to_bytes(8, "little") + names)

    check_counts("deep", tmp_path, {"n_layer": 300, "vocab_size": 10**6, "num_labels": 1000})
    with pytest.raises(WorkloadError, match="n_layer must be at most 300, its weights hold no more, got 301"):
        check_counts("deep", tmp_path, {"n_layer": 301})


ARGUMENTS = {
    "no such model": ({"--model": "nowhere"}, "--model must be 'minilm' or a model's folder, got 'nowhere'"),
    "no such text": ({"--text": "nowhere.txt"}, "nowhere.txt: no such file"),
    "text is a folder": ({"--text": "."}, "is a directory, a file is expected"),
    "no such folder": ({"--out": "nowhere/x.npz"}, "there is no folder 'nowhere'"),
    "not an npz": ({"--out": "x.csv"}, "--out must be a file that ends in .npz, got 'x.csv'"),
    "steps of an encoder": ({"--steps": "3"}, "--steps is for causal models, bert is an encoder"),
    "tokens below the special ones": ({"--tokens": "2"}, "--tokens must be above the 2 special tokens"),
    "a ratio above one": ({"--keep": "1.5"}, "--keep: token is invalid (a keep ratio is above 0 and at most 1)"),
    "a ratio that is no number": ({"--value-keep": "half"}, "--value-keep: value is invalid (a decimal number"),
    "a point alone": ({"--head-keep": "."}, "--head-keep: head is invalid (a decimal number"),
    "ratios that grow": ({"--keep": "0.5,.9"}, "--keep: token must not grow from layer to layer"),
    "too many ratios": ({"--head-keep": "1,0.9,0.8"}, "--head-keep must be one or two ratios, of the first and the"),
    "schedule and ratios": ({"--schedule": "s.yaml", "--keep": "2"}, "--schedule excludes --keep"),
    "no such schedule": ({"--schedule": "s.yaml"}, "s.yaml: no such file"),
    "context above the engine": ({"--set": "topk.max_tokens=32"}, "are above topk.max_tokens, 32; --tokens 32 cuts"),
    "unknown field": ({"--set": "topk.lane=3"}, "topk.lane is not a known field"),
    "unknown preset": ({"--arch": "spaten"}, "did you mean 'spatten'?"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_wrong_argument_is_refused_and_leaves_nothing(capture, monkeypatch, bert, text, tmp_path, name):
    changed, message = ARGUMENTS[name]
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    given = {"--model": str(bert), "--text": str(text), "--out": "x.npz", **changed}
    code, printed, err = capture(*(part for pair in given.items() for part in pair))

    assert (code, printed) == (2, "")
    assert message in err
    assert list(folder.iterdir()) == []


def test_a_schedule_file_that_is_wrong_is_named_with_its_line(capture, bert, text, tmp_path):
    schedule = write(tmp_path / "s.yaml", b"token: 0.5\nhaed: 0.5\n")
    code, _, err = capture("--model", bert, "--text", text, "--out", tmp_path / "x.npz", "--schedule", schedule)

    assert code == 2
    assert "s.yaml, line 2: haed is not a known field; did you mean 'head'?" in err


EARLY = {
    "a start step of an encoder": (
        "bert",
        ["--schedule", "s.yaml"],
        "s.yaml, line 2: start_step must be 0 for an encoder, which runs in one step, got 2",
    ),
    "a start step after the last one": (
        "gpt2",
        ["--schedule", "s.yaml", "--steps", "2"],
        "s.yaml, line 2: start_step must be below --steps = 2, or no step prunes a token, got 2",
    ),
    "a pipe as the text": ("bert", ["--text", "pipe"], "pipe: is not a regular file (a pipe or a device)"),
    "a text in UTF-16": ("bert", ["--text", "wide.txt"], "wide.txt: is UTF-16 text, UTF-8 is expected (byte 0)"),
    "steps of an encoder": ("bert", ["--steps", "3"], "--steps is for causal models, bert is an encoder"),
    "steps above the model's window": (
        "gpt2",
        ["--steps", "128"],
        "--steps must be below the window of gpt2, 128, got 128",
    ),
    "steps above the machine's": (
        "gpt2",
        ["--steps", "99", "--set", "topk.max_tokens=16"],
        "--steps must be below topk.max_tokens, 16, got 99",
    ),
    "a trace as the schedule": (
        "bert",
        ["--schedule", "x.npz"],
        "x.npz: this is a trace, not a schedule: `tokensieve run --trace` takes one",
    ),
}


def test_what_needs_no_torch_is_refused_before_it_is_loaded(bert, gpt2, text, tmp_path):
    """All in one process, which takes a second to start."""
    write(tmp_path / "s.yaml", b"token: 0.5\nstart_step: 2\n")
    write(tmp_path / "wide.txt", "few".encode("utf-16"))
    os.mkfifo(tmp_path / "pipe")
    folders, common = {"bert": bert, "gpt2": gpt2}, ["--text", str(text), "--out", "made.npz"]
    lines = [["capture", *common, "--model", str(folders[model]), *more] for model, more, _ in EARLY.values()]
    watched = (
        "import json, sys; from tokensieve.cli.app import call\n"
        "print([call(one) for one in json.loads(sys.argv[1])], 'torch' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", watched, json.dumps(lines)], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert told.stderr.splitlines() == [f"error: {message}" for _, _, message in EARLY.values()]
    assert told.stdout == f"{[2] * len(EARLY)} False\n"


def test_a_schedule_that_the_model_cannot_follow_is_named_with_its_line(capture, bert, text, tmp_path):
    schedule = write(tmp_path / "s.yaml", b"interpolation: list\ntoken: [1, 0.5]\n")
    code, _, err = capture("--model", bert, "--text", text, "--out", tmp_path / "x.npz", "--schedule", schedule)

    assert code == 2
    assert "s.yaml, line 2: token must have one ratio, or one per layer (3), got 2" in err


def test_decode_steps_before_the_start_step_keep_all_tokens(capture, gpt2, text, tmp_path):
    schedule, out = write(tmp_path / "s.yaml", b"token: 0.5\nstart_step: 2\n"), tmp_path / "x.npz"
    code, _, err = capture("--model", gpt2, "--text", text, "--out", out, "--schedule", schedule, "--steps", 3)
    decisions = Decisions.load(out)
    last_layer = decisions.row_index[:, 1] == decisions.layers - 1

    assert (code, err) == (0, "")
    assert (decisions.keys_kept == decisions.context)[last_layer].tolist() == [True] * 4 + [False] * 2


def test_a_prompt_that_leaves_no_room_for_its_steps_is_refused(capture, gpt2, text, tmp_path):
    code, _, err = capture("--model", gpt2, "--text", text, "--out", tmp_path / "x.npz", "--steps", 100)

    assert code == 2
    assert "and 100 generated ones are above the window of gpt2, 128; --tokens 28 cuts it there" in err


def test_attention_of_another_kind_is_refused(capture, save_model, tmp_path, text):
    torch.manual_seed(0)
    common = {"vocab_size": 300, "bos_token_id": 1, "eos_token_id": 2}
    odd = transformers.GPT2Config(
        n_layer=2, n_head=2, n_embd=32, n_positions=128, scale_attn_by_inverse_layer_idx=True, **common
    )
    grouped = transformers.LlamaConfig(
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        hidden_size=32,
        intermediate_size=32,
        **common,
    )
    scaled = save_model(tmp_path / "scaled", transformers.GPT2LMHeadModel(odd), special=False)
    shared = save_model(tmp_path / "shared", transformers.LlamaForCausalLM(grouped), special=False)

    for folder, message in (
        (scaled, "scaled cannot be captured: it scales scores by"),
        (shared, "shared cannot be captured: it has 2 key heads for 4 query heads"),
    ):
        code, _, err = capture("--model", folder, "--text", text, "--out", tmp_path / "x.npz")
        assert code == 2
        assert message in err


class PanicException(BaseException):
    """What a library written in Rust raises where it fails."""


@pytest.mark.parametrize("problem", [KeyError("x"), AssertionError(), PanicException("index out of bounds\nmore")])
def test_whatever_foreign_code_raises_is_said_of_the_model_in_one_line(problem):
    kind = type(problem).__name__

    with pytest.raises(WorkloadError, match=f"^mine cannot be captured: {kind}: [^\\n]+$"), foreign("mine"):
        raise problem


def test_ctrl_c_in_foreign_code_is_ctrl_c():
    with pytest.raises(KeyboardInterrupt), foreign("mine"):
        raise KeyboardInterrupt


def test_what_foreign_code_warns_of_is_not_for_the_user(recwarn):
    with foreign("mine"):
        warnings.warn("will be removed in version 9", FutureWarning, stacklevel=1)

    assert len(recwarn) == 0


def test_a_missing_package_is_named_with_how_to_get_it(capture, monkeypatch, bert, text, tmp_path):
    from importlib import util

    real = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == "transformers" else real(name))
    code, _, err = capture("--model", bert, "--text", text, "--out", tmp_path / "x.npz")

    assert code == 3
    assert "capture needs transformers: pip install -e '.[golden,models]'" in err
