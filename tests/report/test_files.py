import multiprocessing
import os

import pytest

from tokensieve.arch import TokensieveError
from tokensieve.report.files import check_file, check_folder, replaced, write_file, write_folder

FILES = {"result.json": b"{}\n", "cycles.png": b"png"}


def test_files_are_written_whole_and_nothing_else_is_left(tmp_path):
    written = write_folder(tmp_path / "out", FILES)

    assert written == [tmp_path / "out" / name for name in FILES]
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == FILES


def test_files_that_were_there_are_replaced(tmp_path):
    (tmp_path / "result.json").write_text("old")
    write_folder(tmp_path, FILES)

    assert (tmp_path / "result.json").read_bytes() == b"{}\n"


def test_a_failure_leaves_the_old_files_and_no_new_ones(tmp_path, monkeypatch):
    (tmp_path / "result.json").write_text("old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))

    with pytest.raises(TokensieveError, match=r"--out .*: cannot be written: No space left on device"):
        write_folder(tmp_path, FILES)

    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"result.json": "old"}


def test_a_failure_takes_the_folder_that_was_made_away_again(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))

    with pytest.raises(TokensieveError, match="No space left"):
        write_folder(tmp_path / "out", FILES)

    assert not list(tmp_path.iterdir())


def write_often(place, barrier, number):
    """Write one folder after another, each at the same time as the other processes."""
    try:
        for name in range(40):
            barrier.wait()
            write_folder(place / str(name), {f"{n}": str(number).encode() for n in range(6)})
    except BaseException:
        barrier.abort()
        raise


def test_files_of_a_folder_are_of_one_process_even_where_several_write_there(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    processes = [context.Process(target=write_often, args=(tmp_path, barrier, n)) for n in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0] * 4
    assert [len({file.read_bytes() for file in folder.iterdir()}) for folder in tmp_path.iterdir()] == [1] * 40


def test_one_file_may_have_to_go_nowhere(tmp_path):
    with pytest.raises(TokensieveError, match="none does not exist"):
        write_file(tmp_path / "none" / "a.json", b"")


def test_a_file_that_is_there_or_whose_folder_is_there_will_do(tmp_path):
    (tmp_path / "old").write_text("old")

    check_file(tmp_path / "old", "--rows")
    check_file(tmp_path / "new", "--rows")

    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"old": "old"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "--rows must name a file, got ''"),
        (".", "--rows must name a file, got '.'"),
        ("..", "--rows ..: is not a file"),
        ("/dev/null", "--rows /dev/null: is not a file"),
        ("none/a.csv", "--rows none/a.csv: the directory none does not exist"),
        ("x" * 250, "--rows x*: cannot be written: File name too long"),
    ],
)
def test_what_cannot_be_a_file_is_refused(name, message):
    with pytest.raises(TokensieveError, match=message):
        check_file(name, "--rows")


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_written_through_and_stays_a_link(there, tmp_path):
    (tmp_path / "far").mkdir()
    if there:
        (tmp_path / "far" / "a.csv").write_text("old")
    (tmp_path / "link").symlink_to("far/a.csv")
    (tmp_path / "other").symlink_to("link")

    write_file(tmp_path / "other", b"new", "--rows")
    with replaced(tmp_path / "link", "--rows") as part:
        part.write_bytes((tmp_path / "link").read_bytes() + b"er")

    assert (tmp_path / "far" / "a.csv").read_text() == "newer"
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "other").is_symlink()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.csv", "far", "link", "other"]


@pytest.mark.parametrize(
    ("target", "message"), [("nowhere/a.csv", "the directory .*nowhere does not exist"), ("link", "is not a file")]
)
def test_a_link_that_leads_nowhere_is_refused(target, message, tmp_path):
    (tmp_path / "link").symlink_to(target)

    for write in (write_file, lambda path, data, option: check_file(path, option)):
        with pytest.raises(TokensieveError, match=f"--rows .*link: {message}"):
            write(tmp_path / "link", b"", "--rows")
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


def test_a_folder_that_is_there_or_whose_parent_is_there_will_do(tmp_path):
    check_folder(tmp_path)
    check_folder(tmp_path / "new")

    assert not list(tmp_path.iterdir())


def test_a_file_a_lost_link_and_a_folder_without_a_parent_will_not_do(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")

    with pytest.raises(TokensieveError, match="file: is not a directory"):
        check_folder(tmp_path / "file")
    with pytest.raises(TokensieveError, match="link: is not a directory"):
        check_folder(tmp_path / "link")
    with pytest.raises(TokensieveError, match=r"a/b: the directory .*a does not exist"):
        check_folder(tmp_path / "a" / "b")


def test_a_folder_that_may_not_be_written_to_will_not_do(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(TokensieveError, match="is not writable"):
        check_folder(tmp_path / "new")
