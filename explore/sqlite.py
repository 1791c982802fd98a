"""SQLite as the store uses it: how a file is opened, one transaction, and what its errors mean to a user."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from tokensieve.arch.errors import StoreError
from tokensieve.arch.library import check_no_trace
from tokensieve.arch.reading import MOST_WEIGHTS, check_file_read, open_file
from tokensieve.explore.damage import DamageError

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds that a writer waits for another one. A batch takes milliseconds, so that whoever holds a store for so long
is stuck."""

_STEP = 0.1
"""Seconds that SQLite itself waits: it cannot be interrupted meanwhile, and we can between two steps."""

_PAUSE = 0.01
"""Seconds between two tries."""

_CACHE_KIB = 32 * 1024
"""Pages kept in memory. The index of 100,000 keys takes 3 MiB and is written at random."""

MOST_CHECKED = 256 << 20
"""Bytes of the largest store whose pages are all checked when it is opened."""

_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SHUT = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def connect(path: Path, write: bool) -> sqlite3.Connection:
    """Open the file; with `write`, make it where there is none. Transactions are begun by `transaction` alone.

    Raises `StoreError` where there is no store, none that may be written, or a damaged one, which is left as it is.
    """
    address = _address(path, write)
    if path.exists() and not is_store(path):
        check_no_trace(path, "a store", StoreError, "`tokensieve run --trace`")
    with translated(path):
        _check_pages(path)
        db = sqlite3.connect(address, uri=True, timeout=_STEP, isolation_level=None)
        patiently(lambda: db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}"))  # the first to read the file
        # A process that is killed loses nothing of what it committed; a power cut may take the last batches.
        db.execute("PRAGMA synchronous = NORMAL")
        if not write:
            db.execute("PRAGMA query_only = ON")
        return db


def is_store(path: Path) -> bool:
    """Return whether the file at `path` is a store, or at least a database of SQLite."""
    with open_file(path, StoreError, MOST_WEIGHTS) as file:
        return file.read(16) == b"SQLite format 3\0"


def _check_pages(path: Path) -> None:
    """Raise `sqlite3.DatabaseError` where pages of the file are damaged, before anything is written into it."""
    if path.exists():
        check_file_read(path, StoreError)
    if not path.exists() or not 0 < path.stat().st_size <= MOST_CHECKED:
        return
    before, mode = path.stat(), _reading(path)
    found = _damage(path, mode)
    now = path.stat()
    if found and (before.st_mtime_ns, before.st_size) != (now.st_mtime_ns, now.st_size):
        found = _damage(path, "mode=ro")  # another process wrote meanwhile; now its writes are waited for
    if found:
        raise found


def _damage(path: Path, mode: str) -> sqlite3.DatabaseError | None:
    """Return what SQLite finds wrong in a file that it opens for reading alone, or None."""
    db = sqlite3.connect(f"file:{quote(os.fsencode(os.path.abspath(path)))}?{mode}", uri=True, timeout=PATIENCE)
    try:
        told = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as problem:
        return problem
    finally:
        db.close()
    if told == "ok":
        return None
    damaged = sqlite3.DatabaseError(" ".join(told.split()))
    damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return damaged


@contextmanager
def attached(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Have the tables of the store at `path` as `other` during a block."""
    db.execute("ATTACH DATABASE ? AS other", (_address(path, write=False),))
    try:
        yield
    finally:
        db.execute("DETACH DATABASE other")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Run a block as one transaction: all of it is stored, or nothing."""
    patiently(lambda: db.execute("BEGIN IMMEDIATE"))
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextmanager
def translated(path: Path, kept: int = 0) -> Iterator[None]:
    """Raise what SQLite or we find wrong with the store at `path` as a `StoreError`.

    `kept` points are in memory, not yet stored.
    """
    try:
        yield
    except DamageError as problem:
        raise StoreError(f"store {path}: is damaged ({problem}); nothing was changed") from None
    except sqlite3.DatabaseError as problem:
        raise StoreError(f"store {path}: {_meaning(problem, kept)}") from problem


def _meaning(problem: sqlite3.DatabaseError, kept: int) -> str:
    code = _code(problem)
    lost = f"; {kept} points since the last commit are not in it" if kept else ""
    safe = f"what was committed is safe{lost}. Running the same again goes on from there"
    if code in _FULL:
        return f"cannot be written, the disk is full or takes no more ({problem}); {safe}, once there is room"
    if code in _LOCKED:
        return f"another process has held it for more than {PATIENCE:.0f} s; {safe}, once that one is done"
    if code in _SHUT:
        return f"cannot be opened or written ({problem}); {safe}, where you may write"
    if code in _DAMAGED:
        return f"is no SQLite file, or is damaged ({problem})"
    return str(problem) if code else f"is damaged ({problem})"


def _code(problem: sqlite3.DatabaseError) -> int:
    """Return SQLite's code of an error; 0 where Python raised it, for text that is no UTF-8."""
    return getattr(problem, "sqlite_errorcode", 0) & 0xFF


def patiently(act: Callable[[], T]) -> T:
    """Return what `act` does, waiting for another process that holds the store; it may be begun anew."""
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except sqlite3.OperationalError as problem:
            if _code(problem) not in _LOCKED or time.monotonic() > limit:
                raise
            time.sleep(_PAUSE)  # SQLite does not wait itself for all locks


def _address(path: Path, write: bool) -> str:
    """Return the name that SQLite opens the file by. Raises `StoreError` where it cannot be opened as asked."""
    if "\0" in str(path):
        raise StoreError(f"store must be the name of a file, without a NUL, got {str(path)!r}")
    if str(path) in ("-", ":memory:"):
        raise StoreError(f"store must be a file, got {str(path)!r}")
    if path.is_dir():
        raise StoreError(f"store {path}: is a folder; name a file")
    place = Path(os.path.realpath(path)) if path.is_symlink() else path
    if not place.parent.is_dir():
        raise StoreError(f"store {path}: the folder {place.parent} does not exist")
    if not write and not path.exists():
        raise StoreError(f"store {path}: there is no such file")
    open_to_us = _writable(path)
    if write and not open_to_us:
        raise StoreError(f"store {path}: is read-only; copy it to where you may write, or name another file")
    mode = "mode=rwc" if write else "mode=rw" if open_to_us else _reading(path)
    return f"file:{quote(os.fsencode(os.path.abspath(path)))}?{mode}"


def _writable(path: Path) -> bool:
    """Return whether the file, and in its folder the files of its log, may be written."""
    return os.access(path.parent, os.W_OK | os.X_OK) and (not path.exists() or os.access(path, os.W_OK))


def _reading(path: Path) -> str:
    """Return how a file is opened that we may not write: without a log beside it, as one that nobody changes."""
    log = path.with_name(f"{path.name}-wal")
    return "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"
