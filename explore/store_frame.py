"""Points of a store as columns: what was set, what it cost, and what follows from both."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tokensieve.explore.columns import CLOCK, FIGURES, TOTALS, Kind, derived, look_up
from tokensieve.explore.damage import given_values
from tokensieve.explore.frame import Chunk, Frame, cast, kind_of
from tokensieve.explore.integrity import check_points
from tokensieve.explore.schema import total_columns
from tokensieve.explore.stored import STATUSES

_ROWS = 4096
"""Points that are read at a time."""

_ABOUT: dict[str, Kind] = {
    "id": "int", "key": "text", "sweep": "int", "arch": "text", "workload": "text", "level": "text", "status": "text",
    "message": "text", "model": "text",
}  # fmt: skip
"""Columns that say which point a row is."""

Forms = Mapping[int, list[str]]
"""Which fields the points of a form override, by its number."""

Bases = Mapping[int, Mapping[str, Any]]
"""Machines, by their numbers."""

_FROM = (
    "FROM point JOIN form ON form.id = form JOIN workload ON workload.id = point.workload "
    "JOIN batch ON batch.id = batch JOIN origin ON origin.id = origin LEFT JOIN message ON message.id = point.message"
)
_SELECT = (
    "point.id, lower(hex(point.key)), point.sweep, point.base, workload.name, point.level, point.status, message.text, "
    "origin.model, point.form, point.given, point.workload"
)


def store_frame(db: sqlite3.Connection, clause: str, values: Sequence[Any], also: Iterable[str] = ()) -> Frame:
    """Return the points for which `clause` holds, by number; with the fields of the machine in `also`, set or not."""
    (last,) = db.execute("SELECT COALESCE(MAX(id), 0) FROM point").fetchone()
    clause = f"{clause} AND point.id <= {last}"  # what a writer adds from now on has fields that are not looked at
    check_points(db, clause, values)
    bases = {number: json.loads(arch) for number, arch in db.execute("SELECT id, arch FROM base")}
    tokens = {number: json.loads(data).get("tokens") for number, data in db.execute("SELECT id, data FROM workload")}
    forms = {number: json.loads(paths) for number, paths in db.execute("SELECT id, paths FROM form")}
    there = total_columns(db)
    given = _parameters(db, clause, values, forms, bases, also)
    kinds: dict[str, Kind] = {**_ABOUT, **given, **{c.name: c.kind for c in TOTALS}, **dict.fromkeys(FIGURES, "float")}
    totals = ", ".join(f'"{column.name}"' if column.name in there else "NULL" for column in TOTALS)
    statement = f"SELECT {_SELECT}, {totals} {_FROM} WHERE {clause} ORDER BY point.id"

    def chunks() -> Iterator[Chunk]:
        cursor = db.execute(statement, values)
        while rows := cursor.fetchmany(_ROWS):
            yield _chunk(list(zip(*rows, strict=True)), given, forms, bases, tokens)

    return Frame(kinds, chunks)


def _parameters(
    db: sqlite3.Connection, clause: str, values: Sequence[Any], forms: Forms, bases: Bases, also: Iterable[str]
) -> dict[str, Kind]:
    """Return the fields that some point overrides and those in `also`, sorted, and the kind of each."""
    met = db.execute(f"SELECT DISTINCT form, base FROM point WHERE {clause}", values).fetchall()
    types: dict[str, set[type]] = {
        path: set() for path in sorted({*also, *(path for form, _ in met for path in forms[form])})
    }
    cursor = db.execute(f"SELECT id, form, base, given FROM point WHERE {clause}", values)
    while rows := cursor.fetchmany(_ROWS):
        numbers, form, base, texts = zip(*rows, strict=True)
        for path, column in _given(types, numbers, form, base, texts, forms, bases).items():
            types[path].update(map(type, column))
    return {path: kind_of(some) for path, some in types.items()}


def _given(
    paths: Iterable[str],
    numbers: Sequence[int],
    form: Sequence[int],
    base: Sequence[int],
    texts: Sequence[str],
    forms: Forms,
    bases: Bases,
) -> dict[str, list[Any]]:
    """Return the value of each field of `paths` for some points: what a point overrides, and else what its base has.

    `numbers`, `form`, `base` and `texts` (JSON arrays of overrides) have one entry for each point.
    """
    found = {}
    for path in paths:
        default = {number: look_up(bases[number], path) for number in set(base)}
        found[path] = [default[number] for number in base]
    parsed = given_values(numbers, form, texts, forms)
    for one in set(form):
        rows = [row for row, its in enumerate(form) if its == one]
        for path, column in zip(forms[one], zip(*(parsed[row] for row in rows), strict=True), strict=False):
            for row, value in zip(rows, column, strict=True) if path in found else ():
                found[path][row] = value
    return found


def _chunk(
    columns: list[tuple[Any, ...]],
    given: Mapping[str, Kind],
    forms: Forms,
    bases: Bases,
    tokens: Mapping[int, int | None],
) -> Chunk:
    number, key, sweep, base, work, level, status, message, model, form, texts, works, *figures = columns
    values = _given({*given, CLOCK}, number, form, base, texts, forms, bases)
    told: dict[str, Sequence[Any]] = {
        "id": number, "key": key, "sweep": sweep, "arch": [bases[one]["name"] for one in base], "workload": work,
        "level": level, "status": [STATUSES[one] for one in status], "message": message, "model": model,
    }  # fmt: skip
    told |= {path: cast(values[path], kind) for path, kind in given.items()}
    totals = {column.name: one for column, one in zip(TOTALS, figures, strict=True)}
    numbers = {c.name: np.array(totals[c.name], float) for c in TOTALS if c.kind != "text"}
    follows = derived(numbers, np.array(values[CLOCK], float), np.array([tokens[one] for one in works], float))
    return {**told, **totals, **{name: _or_none(follows[name]) for name in FIGURES}}


def _or_none(column: "np.ndarray[Any, np.dtype[np.float64]]") -> list[float | None]:
    return [one if one == one else None for one in column.tolist()]  # NaN is not equal to itself
