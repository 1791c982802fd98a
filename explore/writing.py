"""One batch of points into a store's tables, within a transaction of the caller."""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

from tokensieve.explore.columns import TOTALS
from tokensieve.explore.schema import FIXED
from tokensieve.explore.stored import STATUSES, Point
from tokensieve.explore.text import encode

FAILED = STATUSES.index("failed")


class Pending(NamedTuple):
    """A point that waits for its transaction."""

    key: bytes
    base: int
    workload: int
    level: str
    sweep: int
    paths: str
    """JSON array of the fields that it overrides."""

    given: str
    """JSON array of their values."""

    status: int
    message: str | None
    totals: tuple[Any, ...]
    full: bytes | None

    @classmethod
    def of(cls, point: Point, totals: tuple[Any, ...]) -> Self:
        """Return a point as it waits."""
        return cls(
            point.key, point.base, point.workload, point.level, point.sweep,
            encode(list(point.overrides)), encode(list(point.overrides.values())),
            STATUSES.index(point.status), point.message, totals, point.full,
        )  # fmt: skip


def write_points(db: sqlite3.Connection, pending: Sequence[Pending], model: str, made_by: str) -> int:
    """Store points and return how many are new; one whose key is there with a result changes nothing."""
    forms = _numbers(db, "form", "paths", (one.paths for one in pending))
    messages = _numbers(db, "message", "text", (one.message for one in pending if one.message is not None))
    batch = _batch(db, model, made_by)
    before = db.total_changes
    db.executemany(
        _INSERT,
        (
            (
                one.key, one.base, one.workload, one.level, one.sweep, forms[one.paths], one.given, one.status,
                None if one.message is None else messages[one.message], batch, *one.totals,
            )
            for one in pending
        ),
    )  # fmt: skip
    stored = db.total_changes - before
    whole = "INSERT OR IGNORE INTO whole SELECT id, ? FROM point WHERE key = ?"
    db.executemany(whole, ((one.full, one.key) for one in pending if one.full is not None))
    return stored


def _batch(db: sqlite3.Connection, model: str, made_by: str) -> int:
    db.execute("INSERT OR IGNORE INTO origin (model, made_by) VALUES (?, ?)", (model, made_by))
    (origin,) = db.execute("SELECT id FROM origin WHERE model = ? AND made_by = ?", (model, made_by)).fetchone()
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    added = db.execute("INSERT INTO batch (origin, committed) VALUES (?, ?)", (origin, now))
    assert added.lastrowid is not None
    return added.lastrowid


def _numbers(db: sqlite3.Connection, table: str, column: str, texts: Iterable[str]) -> dict[str, int]:
    """Return the number of each text in a table of texts, where those that are new are stored."""
    found = {}
    for text in dict.fromkeys(texts):
        db.execute(f"INSERT OR IGNORE INTO {table} ({column}) VALUES (?)", (text,))
        (found[text],) = db.execute(f"SELECT id FROM {table} WHERE {column} = ?", (text,)).fetchone()
    return found


_COLUMNS = [*FIXED, *(f'"{column.name}"' for column in TOTALS)]
REPLACE_FAILED = (
    "ON CONFLICT (key) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "key")
    + f" WHERE point.status = {FAILED}"
)
_INSERT = f"INSERT INTO point ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) {REPLACE_FAILED}"
