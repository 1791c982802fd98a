"""Points of a store as columns: what was set, what it cost, and what follows from both."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tokensieve.explore.columns import CLOCK, DERIVED, TOTALS, Kind, derived, look_up
from tokensieve.explore.frame import Chunk, Frame, cast, kind_of
from tokensieve.explore.schema import total_columns
from tokensieve.explore.stored import STATUSES

_ROWS = 4096
"""Points that are read at a time."""

_ABOUT: dict[str, Kind] = {
    "id": "int", "key": "text", "sweep": "int", "arch": "text", "workload": "text", "level": "text", "status": "text",
    "message": "text", "model": "text",
}  # fmt: skip
"""Columns that say which point a row is."""

_FROM = (
    "FROM point JOIN form ON form.id = form JOIN workload ON workload.id = point.workload "
    "JOIN batch ON batch.id = batch JOIN origin ON origin.id = origin LEFT JOIN message ON message.id = point.message"
)
_SELECT = (
    "point.id, lower(hex(point.key)), point.sweep, point.base, workload.name, point.level, point.status, message.text, "
    "origin.model, point.form, point.given"
)


def store_frame(db: sqlite3.Connection, clause: str, values: Sequence[Any]) -> Frame:
    """Return the points for which `clause` holds, by number."""
    bases = {number: json.loads(arch) for number, arch in db.execute("SELECT id, arch FROM base")}
    forms = {number: json.loads(paths) for number, paths in db.execute("SELECT id, paths FROM form")}
    there = total_columns(db)
    given = _parameters(db, clause, values, forms, bases)
    kinds: dict[str, Kind] = {**_ABOUT, **given, **{c.name: c.kind for c in TOTALS}, **dict.fromkeys(DERIVED, "float")}
    totals = ", ".join(f'"{column.name}"' if column.name in there else "NULL" for column in TOTALS)
    statement = f"SELECT {_SELECT}, {totals} {_FROM} WHERE {clause} ORDER BY point.id"

    def chunks() -> Iterator[Chunk]:
        cursor = db.execute(statement, values)
        while rows := cursor.fetchmany(_ROWS):
            yield _chunk(list(zip(*rows, strict=True)), given, forms, bases)

    return Frame(kinds, chunks)


def _parameters(
    db: sqlite3.Connection, clause: str, values: Sequence[Any], forms: dict[int, list[str]], bases: dict[int, Any]
) -> dict[str, Kind]:
    """Return the fields that some point overrides, sorted, and the kind of each."""
    seen: dict[str, dict[Any, None]] = {}
    met = db.execute(f"SELECT DISTINCT form, base FROM point WHERE {clause}", values).fetchall()
    paths = sorted({path for form, _ in met for path in forms[form]})
    for path in paths:
        seen[path] = {_hashable(look_up(bases[base], path)): None for form, base in met if path not in forms[form]}
    cursor = db.execute(f"SELECT form, given FROM point WHERE {clause}", values)
    for form, given in cursor:
        for path, value in zip(forms[form], json.loads(given), strict=True):
            seen[path][_hashable(value)] = None
    return {path: kind_of(one for _, one in seen[path]) for path in paths}


def _hashable(value: Any) -> tuple[type, Any]:
    """Return what tells values apart, and 1 from 1.0 and from True."""
    return (type(value), value if not isinstance(value, list | dict) else repr(value))


def _chunk(
    columns: list[tuple[Any, ...]], given: dict[str, Kind], forms: dict[int, list[str]], bases: dict[int, Any]
) -> Chunk:
    number, key, sweep, base, work, level, status, message, model, form, texts, *figures = columns
    overrides = [dict(zip(forms[f], json.loads(text), strict=True)) for f, text in zip(form, texts, strict=True)]

    def values(path: str) -> list[Any]:
        default = {b: look_up(bases[b], path) for b in set(base)}
        return [own[path] if path in own else default[b] for own, b in zip(overrides, base, strict=True)]

    told: dict[str, Sequence[Any]] = {
        "id": number, "key": key, "sweep": sweep, "arch": values("name"), "workload": work, "level": level,
        "status": [STATUSES[one] for one in status], "message": message, "model": model,
    }  # fmt: skip
    told |= {path: cast(values(path), kind) for path, kind in given.items()}
    totals = {column.name: one for column, one in zip(TOTALS, figures, strict=True)}
    numbers = {c.name: np.array(totals[c.name], float) for c in TOTALS if c.kind != "text"}
    follows = derived(numbers, np.array(values(CLOCK), float))
    return {**told, **totals, **{name: _or_none(follows[name]) for name in DERIVED}}


def _or_none(column: "np.ndarray[Any, np.dtype[np.float64]]") -> list[float | None]:
    return [one if one == one else None for one in column.tolist()]  # NaN is not equal to itself
