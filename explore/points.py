"""Points as they are read from a store's tables, every cell checked."""

import sqlite3
from collections.abc import Iterator
from typing import Any

from tokensieve.explore.columns import TOTALS
from tokensieve.explore.damage import DamageError, given_values, parsed
from tokensieve.explore.integrity import check_points
from tokensieve.explore.schema import FIXED, total_columns
from tokensieve.explore.stored import STATUSES, Point, Status


def read_points(db: sqlite3.Connection, clause: str, values: list[Any]) -> Iterator[Point]:
    """Yield the points for which `clause` holds, by number, whole results included.

    Raises `DamageError` for a row that no store of ours has.
    """
    check_points(db, clause, values)
    names = known_totals(db)
    columns = ", ".join(f"point.{one}" for one in FIXED if one not in ("message", "batch"))
    figures = "".join(f', "{one}"' for one in names)
    statement = (
        f"SELECT point.id, paths, message.text, data, {columns}{figures} "
        "FROM point JOIN form ON form.id = form LEFT JOIN message ON message.id = message "
        f"LEFT JOIN whole ON whole.point = point.id WHERE {clause} ORDER BY point.id"
    )
    for row in db.execute(statement, values):
        number, paths, message, full, key, base, workload, level, sweep, form, given, status, *totals = row
        fields = parsed(paths, "form", form, "paths")
        (own,) = given_values([number], [form], [given], {form: fields})
        yield Point(
            key=key, base=base, workload=workload, level=level, sweep=sweep,
            overrides=dict(zip(fields, own, strict=True)),
            status=status_of(status), message=message, full=full, id=number,
            totals=dict(zip(names, totals, strict=True)) if status_of(status) == "ok" else None,
        )  # fmt: skip


def status_of(number: int) -> Status:
    """Return the status of a number. Raises `DamageError` where it stands for none."""
    if number not in range(len(STATUSES)):
        raise DamageError(f"table point: status must be in 0..{len(STATUSES) - 1}, got {number!r}")
    return STATUSES[number]


def known_totals(db: sqlite3.Connection) -> list[str]:
    """Return the columns of totals that are there and that this version knows."""
    return [name for name in total_columns(db) if name in _KNOWN]


_KNOWN = {column.name for column in TOTALS}
