"""A file of another kind than the one that is asked for is named as what it is."""

import shutil

import pytest

from tokensieve.cli.app import call
from tokensieve.workloads.traces import local_trace

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 90000000\n"
READ = {
    "run --trace": "npz",
    "run --trace ": "csv",
    "run --workload": "yaml",
    "run --arch": "yaml",
    "run --end-to-end --model": "yaml",
    "compare --trace": "npz",
    "replay": "csv",
    "sweep": "yaml",
    "search": "yaml",
    "diff here": "json",
    "best": "db",
    "store info": "db",
    "dram --config": "yaml",
    "dram --trace": "txt",
}
"""Commands whose next word is a file that they read, and its ending."""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", READ)
def test_a_pointer_of_git_lfs_is_named_as_what_it_is(command, folder, capsys):
    (folder / f"x.{READ[command]}").write_text(POINTER)
    given = [one.replace("here", f"x.{READ[command]}") for one in command.split()]

    assert call([*given, f"x.{READ[command]}"]) == 2
    assert capsys.readouterr() == (
        "", f"error: x.{READ[command]}: is a Git LFS pointer, not the file: fetch it with `git lfs pull`\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("sweep x.npz", "a sweep: --trace takes one"),
        ("search x.npz", "a sweep: --trace takes one"),
        ("diff x.npz x.npz", "a result: `tokensieve run --trace` takes one"),
        ("best x.npz", "a store: `tokensieve run --trace` takes one"),
        ("pareto x.npz", "a store: `tokensieve run --trace` takes one"),
        ("sweep --set topk.lanes=8,16 --store x.npz", "a store: `tokensieve run --trace` takes one"),
        ("run --workload x.npz", "a workload: --trace takes one"),
        ("run --arch x.npz", "an architecture: --trace takes one"),
    ],
)
def test_a_trace_in_the_place_of_something_else_is_called_a_trace(command, told, folder, capsys):
    shutil.copy(local_trace(), folder / "x.npz")

    assert call(command.split()) == 2
    assert capsys.readouterr() == ("", f"error: x.npz: this is a trace, not {told}\n")
    assert [path.name for path in folder.iterdir()] == ["x.npz"]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("sweep x.yaml", "this is a workload, not a sweep"),
        ("run --end-to-end --model x.yaml", "this is a workload, not a model's shape"),
    ],
)
def test_a_workload_in_the_place_of_something_else_is_called_a_workload(command, told, folder, capsys):
    (folder / "x.yaml").write_text("phase: decode\nmodel: minilm\nprompt: 4\nsteps: 1\n")

    assert call(command.split()) == 2
    assert capsys.readouterr().err == f"error: x.yaml: {told}\n"


@pytest.mark.parametrize("content", ["", "\n# nothing\n", "{}\n"])
@pytest.mark.parametrize("command", ["run --arch", "run --workload", "sweep", "dram --config"])
def test_a_file_without_any_field_is_refused_as_empty(command, content, folder, capsys):
    (folder / "x.yaml").write_text(content)

    assert call([*command.split(), "x.yaml"]) == 2
    assert capsys.readouterr() == ("", "error: x.yaml: is empty, it must have at least one field\n")
