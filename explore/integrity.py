"""Whether the tables of a store hold what we write, row by row; what is not ours is refused by name."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, get_args

from tokensieve.explore.columns import BOTTLENECK, TOTALS, Kind
from tokensieve.explore.damage import RowDamageError, parsed_as
from tokensieve.explore.schema import TableColumn, layout, total_columns
from tokensieve.explore.stored import KEY_BYTES, STATUSES
from tokensieve.sim.result import Level

_PARSED = {
    ("base", "arch"): "machine",
    ("workload", "data"): "work",
    ("sweep", "text"): "sweep",
    ("form", "paths"): "paths",
    ("origin", "made_by"): "object",
}
"""Columns of JSON, and what each must be (`damage.CHECKS`)."""

_LONG = ("point", "whole", "member")
"""Tables with a row for each point."""

_WORDS = {"TEXT": "text", "INTEGER": "a whole number", "BLOB": "bytes"}

_LARGEST = "1.7e308"
"""Numbers above it are infinite. SQLite counts text and bytes as larger than any number."""


class _Rule(NamedTuple):
    """What a column must be."""

    column: str

    broken: str
    """Condition in SQL of the rows that break it."""

    words: str
    """The rule, after the column's name."""


def check_named(db: sqlite3.Connection) -> None:
    """Raise `DamageError` for a row of the tables that points refer to, cells of JSON included."""
    for table in layout():
        if table not in _LONG:
            _check(db, table, _fixed(table))
    for (table, column), kind in _PARSED.items():
        for row, text in db.execute(f"SELECT id, {column} FROM {table} ORDER BY id"):
            parsed_as(kind, text, table, row, column)


def check_references(db: sqlite3.Connection) -> None:
    """Raise `DamageError` for a row with a key, a status or a reference that is none, in a table of points."""
    for table in _LONG:
        _check(db, table, _fixed(table))


def check_points(db: sqlite3.Connection, clause: str, values: Sequence[Any]) -> None:
    """Raise `DamageError` for a point for which `clause` holds and that has a cell which none of ours has."""
    _check(db, "point", [*_fixed("point"), *_totals(total_columns(db))], clause, values)


def _check(
    db: sqlite3.Connection, table: str, rules: Sequence[_Rule], clause: str = "1", values: Sequence[Any] = ()
) -> None:
    cases = " ".join(f"WHEN {rule.broken} THEN {i}" for i, rule in enumerate(rules))
    key = "id" if any(column.name == "id" for column in layout()[table]) else "point"
    rows = f"SELECT {table}.{key}, CASE {cases} END AS broken FROM {table}"
    found = db.execute(f"{rows} WHERE ({clause}) AND broken IS NOT NULL LIMIT 1", values).fetchone()
    if found is not None:
        row, rule = found[0], rules[found[1]]
        got = db.execute(f'SELECT substr(quote("{rule.column}"), 1, 60) FROM {table} WHERE {key} = ?', (row,))
        raise RowDamageError(table, row, f"{rule.column} must be {rule.words}, got {got.fetchone()[0]}")


def _fixed(table: str) -> list[_Rule]:
    """Return the rules of the columns that a table has in every layout."""
    return [rule for column in layout()[table] for rule in _of_column(table, column)]


def _of_column(table: str, column: TableColumn) -> Iterator[_Rule]:
    name = f'"{table}"."{column.name}"'
    null = f"{name} IS NOT NULL AND " if column.nullable else ""
    if column.refers is not None:
        yield _Rule(
            column.name, f"{null}{name} NOT IN (SELECT id FROM {column.refers})", f"a row of table {column.refers}"
        )
    yield _Rule(column.name, f"{null}typeof({name}) <> '{column.type.lower()}'", _WORDS[column.type])
    if (table, column.name) == ("point", "key"):
        yield _Rule(column.name, f"length({name}) <> {KEY_BYTES}", f"{KEY_BYTES} bytes")
    if (table, column.name) == ("point", "status"):
        yield _Rule(column.name, f"{name} NOT BETWEEN 0 AND {len(STATUSES) - 1}", f"in 0..{len(STATUSES) - 1}")
    if (table, column.name) == ("point", "level"):
        known = get_args(Level)
        yield _Rule(column.name, f"{name} NOT IN {known!r}", f"one of {', '.join(known)}")


def _totals(there: Iterable[str]) -> list[_Rule]:
    """Return the rules of figures, as far as the store has them."""
    known: dict[str, Kind] = {column.name: column.kind for column in TOTALS}
    rules = []
    for name in there:
        column = f'point."{name}"'
        if known.get(name) in ("int", "float"):
            rules.append(_Rule(name, f"NOT ({column} BETWEEN 0 AND {_LARGEST})", "a finite number from 0 up, or null"))
        elif name in known:
            null = "point.status <> 0" if name == BOTTLENECK else f"{column} IS NULL"
            rules.append(_Rule(name, f"NOT ({null} OR typeof({column}) = 'text')", "text"))
    return rules
