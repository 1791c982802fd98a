"""Whatever comes in is answered: with figures, or with one message, exit code 2 and nothing left behind.

The inputs are drawn anew from the same seed each time (`tests.bench.hostile`).
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from bench.hostile import KINDS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokensieve.cli.app import call

ANSWERS = (0, 2)
BYTES, SECONDS = 2 << 30, 20
FEW, MANY = 34, 300
"""Inputs of each kind that are tried in every run of the tests, or as processes; and in the long one."""


def tree(folder):
    """Return all names below `folder`."""
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))


def check_answered(one, run):
    """Check the answer of `run` to an input, in a folder of its own, and what is left there."""
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        arguments = one.written(Path(place))
        before = tree(place)
        code = run(arguments)

        made = ["made", "made/cycles.png", "made/result.json"] if code == 0 and "made" in arguments else []
        assert code in ANSWERS, f"{code} of {arguments}"
        assert tree(place) == sorted([*before, *made])


def in_a_process(arguments):
    """Run a command line with bounded memory and CPU, and return its exit code."""

    def bound():
        resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))

    command = [sys.executable, "-m", "tokensieve", *arguments]
    return subprocess.run(command, capture_output=True, check=False, preexec_fn=bound).returncode


def seeded(examples):
    """Return the settings of so many examples."""
    return settings(max_examples=examples, suppress_health_check=list(HealthCheck), database=None)


@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_input_is_answered(kind, examples, capsys):
    @seeded(examples)
    @given(KINDS[kind])
    def every(one):
        check_answered(one, call)

    every()


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_input_of_a_process_takes_bounded_memory_and_time(kind):
    priced = ["run", "--no-advice", "--reference", "none", "--quiet", "--workload"]
    by_level = [[*priced, name, "--level", "analytic"] for name in ("bert-base-cola", "gpt2-small-wikitext2")]
    for warm in (["dram", "--requests", "4"], [*priced, "bert-base-cola"], *by_level):
        assert call(warm) == 0  # the kernels are there before their time is taken

    @seeded(FEW)
    @given(KINDS[kind])
    def every(one):
        check_answered(one, in_a_process)

    every()


@pytest.mark.long
def test_a_model_folder_with_damaged_files_is_refused(bert_folder, capsys):
    @seeded(40)
    @given(st.sampled_from(["config.json", "tokenizer.json", "model.safetensors"]), st.data())
    def every(name, data):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(shutil.copytree(bert_folder, Path(place, "model")))
            content = (folder / name).read_bytes()
            a = data.draw(st.integers(0, min(len(content), 4000)))
            piece = data.draw(st.sampled_from([b"", b"\xff", b"0", b"null", b"{}", b"-1", b'"x"', os.urandom(0)]))
            (folder / name).write_bytes(content[:a] + piece + content[a + data.draw(st.integers(0, 9)) :])
            text, out = Path(place, "text.txt"), Path(place, "x.npz")
            text.write_text("few tokens of a text")

            assert call(["capture", "--model", str(folder), "--text", str(text), "--out", str(out)]) in ANSWERS

    every()


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory, shared_cases):
    """Folder of a tiny encoder, random weights."""
    sys.path.insert(0, str(shared_cases))
    try:
        import make_models
    finally:
        sys.path.remove(str(shared_cases))
    return make_models.bert(tmp_path_factory.mktemp("bert"))
