"""Layout of a store's file, its version, and how an older one is brought up to it."""

import sqlite3
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from tokensieve.arch.errors import StoreError
from tokensieve.explore.columns import TOTALS, Kind
from tokensieve.explore.damage import DamageError
from tokensieve.explore.sqlite import transaction

APPLICATION_ID = 0x54536956
"""Marks a SQLite file as a store of ours ("TSiV")."""

SCHEMA_VERSION = 1
"""Version of the layout. A column of totals that is new is no new version: it is added, and null in older rows."""

_SQL_TYPES: dict[Kind, str] = {"int": "INTEGER", "float": "REAL", "text": "TEXT", "bool": "INTEGER"}

FIXED = ("key", "base", "workload", "level", "sweep", "form", "given", "status", "message", "batch")
"""Columns of a point that every layout has, in the order in which they are written."""

_TABLES = (
    # Which version of the cycle model, by which versions of which packages (JSON).
    "CREATE TABLE origin (id INTEGER PRIMARY KEY, model TEXT NOT NULL, made_by TEXT NOT NULL, UNIQUE (model, made_by))",
    # One row for each transaction that stored points.
    "CREATE TABLE batch (id INTEGER PRIMARY KEY, origin INTEGER NOT NULL REFERENCES origin, committed TEXT NOT NULL)",
    "CREATE TABLE base (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, arch TEXT NOT NULL, text TEXT NOT NULL)",
    "CREATE TABLE workload (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, name TEXT NOT NULL, "
    "data TEXT NOT NULL)",
    "CREATE TABLE sweep (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, text TEXT NOT NULL)",
    # Which fields points override (JSON array of paths); a point has the values alone, in that order.
    "CREATE TABLE form (id INTEGER PRIMARY KEY, paths TEXT NOT NULL UNIQUE)",
    "CREATE TABLE message (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",
    "CREATE TABLE point (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, base INTEGER NOT NULL REFERENCES base, "
    "workload INTEGER NOT NULL REFERENCES workload, level TEXT NOT NULL, sweep INTEGER NOT NULL REFERENCES sweep, "
    "form INTEGER NOT NULL REFERENCES form, given TEXT NOT NULL, status INTEGER NOT NULL, "
    "message INTEGER REFERENCES message, batch INTEGER NOT NULL REFERENCES batch)",
    # Whole results, apart from the totals, so that a scan of these does not read them.
    "CREATE TABLE whole (point INTEGER PRIMARY KEY REFERENCES point, data BLOB NOT NULL)",
    # Points of a sweep that another sweep had stored before it.
    "CREATE TABLE member (sweep INTEGER NOT NULL REFERENCES sweep, point INTEGER NOT NULL REFERENCES point, "
    "PRIMARY KEY (sweep, point)) WITHOUT ROWID",
)


class TableColumn(NamedTuple):
    """A column that a table has in every layout."""

    name: str

    type: str
    """As SQL calls it."""

    nullable: bool

    refers: str | None
    """Table whose rows it names, by number."""


@cache
def layout() -> dict[str, tuple[TableColumn, ...]]:
    """Return the columns of each table, those of totals left out."""
    db = sqlite3.connect(":memory:")
    try:
        for table in _TABLES:
            db.execute(table)
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: _columns(db, name) for name in names}
    finally:
        db.close()


def _columns(db: sqlite3.Connection, table: str) -> tuple[TableColumn, ...]:
    refers = {own: other for _, _, other, own, *_ in db.execute(f"PRAGMA foreign_key_list({table})")}
    rows = db.execute(f"PRAGMA table_info({table})").fetchall()
    return tuple(TableColumn(name, sql, not (full or key), refers.get(name)) for _, name, sql, full, _, key in rows)


def prepare(db: sqlite3.Connection, path: str, write: bool) -> None:
    """Check that `db` is a store of this layout; with `write`, make it one if it is empty.

    Raises `StoreError` for a file of another kind or of a later layout, and `DamageError` where a table or a column is
    missing.
    """
    if write and _is_empty(db):
        db.execute("PRAGMA journal_mode = WAL")
        with transaction(db):
            _create(db)
    mark, version = _pragma(db, "application_id"), _pragma(db, "user_version")
    if _is_empty(db):
        raise StoreError(f"store {path}: is empty, nothing has been stored in it yet")
    if mark != APPLICATION_ID:
        raise StoreError(f"store {path}: is a SQLite file, but no store of tokensieve")
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"store {path}: its layout is version {version}, and this tokensieve knows {SCHEMA_VERSION} alone; nothing "
            "was changed. Use the version that wrote it, or `tokensieve store export` there and go on in a new file"
        )
    for table, columns in layout().items():
        there = {name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")}
        if not there:
            raise DamageError(f"table {table} is missing")
        for column in columns:
            if column.name not in there:
                raise DamageError(f"table {table}: column {column.name} is missing")


def complete(db: sqlite3.Connection) -> None:
    """Add the columns of totals that the points of `db` lack. Raises `DamageError` where a column is none of ours."""
    if missing(db, (column.name for column in TOTALS)):
        with transaction(db):
            add_columns(db, {column.name: column.kind for column in TOTALS})


def add_columns(db: sqlite3.Connection, columns: dict[str, Kind]) -> None:
    """Add those of `columns` that the points of `db` lack; null in the rows that are there."""
    for name in missing(db, columns):
        db.execute(f'ALTER TABLE point ADD COLUMN "{name}" {_SQL_TYPES[columns[name]]}')


def missing(db: sqlite3.Connection, names: Iterable[str]) -> list[str]:
    """Return the columns of totals that the points of `db` lack."""
    there = total_columns(db)
    return [name for name in names if name not in there]


def total_columns(db: sqlite3.Connection, schema: str = "main") -> dict[str, Kind]:
    """Return the columns of totals that are there, also those that this version does not know."""
    kinds = {sql: kind for kind, sql in _SQL_TYPES.items() if kind != "bool"}
    rows = db.execute(f"PRAGMA {schema}.table_info(point)").fetchall()
    there = {name: sql for _, name, sql, *_ in rows if name not in (*FIXED, "id")}
    for name, sql in there.items():
        if sql not in kinds:
            raise DamageError(f"table point: column {name} must be one of {', '.join(kinds)}, got {sql!r}")
    return {name: kinds[sql] for name, sql in there.items()}


def _create(db: sqlite3.Connection) -> None:
    if _is_empty(db):  # another process may have been faster
        for table in _TABLES:
            db.execute(table)
        add_columns(db, {column.name: column.kind for column in TOTALS})
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _is_empty(db: sqlite3.Connection) -> bool:
    return not db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() and not _pragma(db, "application_id")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])
