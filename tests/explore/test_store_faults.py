"""Whatever happens to a store, what was committed is there and running again completes it."""

import os
import resource
import shutil
import signal
import sqlite3
import tempfile
from pathlib import Path

import pytest
from bench.stores import fill, in_a_process, key, numbers, opened, point, resume, rows, without_rights

from tokensieve.arch import StoreError
from tokensieve.explore import open_store, sqlite, writing

FIRST, ALL = range(40), range(200)
PAGE = 4096
"""Bytes of a page of SQLite."""
LEAST_LOG = 30_000
"""Bytes that the second batch adds to the log, at least."""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "designs.store"


def killed_while_it_commits(path, instructions):
    """Store one batch, and be killed after so many of SQLite's instructions of the next."""
    with opened(path) as store:
        where = numbers(store)
        store.add(point(number, where) for number in FIRST)
        store.commit()
        store.add(point(number, where) for number in ALL if number not in FIRST)
        store._db.set_progress_handler(lambda: os.kill(os.getpid(), signal.SIGKILL), instructions)
        store.commit()


def killed_while_it_writes_the_log(path, more):
    """Store one batch, and be killed by the kernel in the midst of writing the next, after so many bytes of its log."""
    with opened(path) as store:
        where = numbers(store)
        store.add(point(number, where) for number in FIRST)
        store.commit()
        store.add(point(number, where) for number in ALL if number not in FIRST)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (log(path) + more,) * 2)
        store.commit()


def log(path):
    """Bytes of the log beside a store."""
    return path.with_name(f"{path.name}-wal").stat().st_size


def completes(path, tmp_path):
    """Check that the first batch alone is there, and that running again makes the store of an undisturbed run."""
    with open_store(path) as store:
        assert {one.key for one in store.points()} == {key(number) for number in FIRST}
    assert resume(path, ALL) == len(FIRST)
    fill(tmp_path / "undisturbed.store", ALL)
    assert rows(path) == rows(tmp_path / "undisturbed.store")


@pytest.mark.parametrize("instructions", [5, 500, 5_000, 15_000])
def test_kill_9_within_a_commit_loses_that_batch_alone(path, tmp_path, instructions):
    assert in_a_process(killed_while_it_commits, path, instructions) == -signal.SIGKILL

    completes(path, tmp_path)


@pytest.mark.parametrize("more", [0, 100, 4_096 + 24, LEAST_LOG])
def test_being_killed_while_the_log_is_written_loses_that_batch_alone(path, tmp_path, more):
    assert in_a_process(killed_while_it_writes_the_log, path, more) == -signal.SIGXFSZ

    completes(path, tmp_path)


def full_disk(path):
    """Fill a store until the disk takes no more; then make room and go on."""
    with opened(path) as store:
        where = numbers(store)
        store.add(point(number, where) for number in FIRST)
        store.commit()
        store.add(point(number, where) for number in ALL if number not in FIRST)
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (log(path) + 5_000, most))
        with pytest.raises(
            StoreError, match=r"disk is full or takes no more.*160 points since the last commit are not in it"
        ):
            store.commit()
        assert store.count() == len(FIRST)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        assert store.commit() == len(ALL) - len(FIRST)


def test_a_full_disk_is_named_and_the_batch_is_stored_once_there_is_room(path, tmp_path):
    assert in_a_process(full_disk, path) == 0

    fill(tmp_path / "undisturbed.store", ALL)
    assert rows(path) == rows(tmp_path / "undisturbed.store")


def test_a_writer_waits_for_another_and_nothing_is_lost(path):
    def add(numbers_of_points):
        fill(path, numbers_of_points)

    with opened(path) as store:
        store.add(point(number, numbers(store)) for number in range(30))
        assert in_a_process(add, range(20, 60)) == 0  # commits while this one's batch waits

    with open_store(path) as store:
        assert {one.key for one in store.points()} == {key(number) for number in range(60)}


def test_a_writer_that_another_one_locks_out_says_so_and_keeps_its_points(path, monkeypatch):
    monkeypatch.setattr(sqlite, "PATIENCE", 0.1)
    with opened(path) as store, opened(path) as other:
        store.add([point(1, numbers(store))])
        with (
            sqlite.transaction(other._db),
            pytest.raises(StoreError, match=r"another process has held it.*1 points since"),
        ):
            store.commit()

        assert store.commit() == 1


def test_a_commit_that_is_interrupted_stores_nothing_and_keeps_its_points(path, monkeypatch):
    def interrupted(*arguments):
        writing.write_points(*arguments)
        raise KeyboardInterrupt

    with opened(path) as store:
        store.add(point(number, numbers(store)) for number in range(5))
        monkeypatch.setattr("tokensieve.explore.store.write_points", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.commit()
        monkeypatch.undo()

        assert store.count() == 0
        assert store.commit() == 5


def spoilt(path, page):
    """Spoil a page of a store, and return all its bytes."""
    content = bytearray(path.read_bytes())
    start = page * PAGE + (100 if page == 0 else 0)  # the header is kept
    content[start : (page + 1) * PAGE] = bytes(255 - one for one in content[start : (page + 1) * PAGE])
    path.write_bytes(content)
    return bytes(content)


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("page", [0, 1, 12, 30])
def test_a_store_with_a_damaged_page_is_refused_and_left_as_it_is(path, page, write):
    fill(path, ALL)
    before = spoilt(path, page)

    with pytest.raises(StoreError, match="is no SQLite file, or is damaged"):
        opened(path) if write else open_store(path)

    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_damage_under_a_log_of_a_killed_writer_is_not_written_over(path):
    fill(path, range(1000, 2000))
    in_a_process(killed_while_it_commits, path, 500)
    before = spoilt(path, 100)

    assert log(path) > 0
    with pytest.raises(StoreError, match="is no SQLite file, or is damaged"):
        opened(path)

    assert path.read_bytes() == before


def test_a_store_that_another_process_is_making_is_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "designs.store"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    waits = []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            other.execute("ROLLBACK")

    monkeypatch.setattr(sqlite.time, "sleep", wait)
    with opened(path) as store:
        numbers(store)
    other.close()

    assert len(waits) == 2


def test_a_store_that_holds_nothing_yet_is_called_empty(tmp_path):
    (tmp_path / "designs.store").touch()

    with pytest.raises(StoreError, match=r"designs\.store: is empty, nothing has been stored in it yet"):
        open_store(tmp_path / "designs.store")


@pytest.fixture
def public():
    """A folder that every user may look into."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def reads_and_cannot_write(path, wanted):
    without_rights()
    with pytest.raises(StoreError, match=r"is read-only; copy it to where you may write"):
        opened(path)
    with open_store(path) as store:
        assert store.count() == len(wanted)
        assert len(store.frame().columns()["id"]) == len(wanted)


def test_a_read_only_store_is_read_and_not_written(public):
    fill(public / "designs.store", FIRST)
    (public / "designs.store").chmod(0o444)
    public.chmod(0o555)

    assert in_a_process(reads_and_cannot_write, public / "designs.store", FIRST) == 0
    assert [one.name for one in public.iterdir()] == ["designs.store"]


def test_a_read_only_store_of_a_killed_writer_has_what_was_committed(public):
    path = public / "designs.store"
    in_a_process(killed_while_it_commits, path, 500)
    for one in public.iterdir():
        one.chmod(0o444)
    public.chmod(0o555)

    assert log(path) > 0
    assert in_a_process(reads_and_cannot_write, path, FIRST) == 0
