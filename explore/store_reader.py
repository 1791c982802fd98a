"""What an open store tells: points, counts, frames."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokensieve.arch.errors import StoreError
from tokensieve.explore.columns import FIGURES, TOTALS, flat
from tokensieve.explore.damage import RowDamageError, parsed_as
from tokensieve.explore.frame import Chunk, Frame, to_pandas, to_polars
from tokensieve.explore.integrity import check_named, check_points, check_references
from tokensieve.explore.points import known_totals, read_points, status_of
from tokensieve.explore.schema import SCHEMA_VERSION
from tokensieve.explore.sqlite import MOST_CHECKED, translated
from tokensieve.explore.store_frame import store_frame
from tokensieve.explore.stored import STATUSES, Base, Point, Status, Work, unpacked

if TYPE_CHECKING:
    from tokensieve.explore.answers import Best, Front

ALL = "all"
"""In the place of a version of the cycle model: points of all of them."""

_TOGETHER = 500
"""Keys that are looked up in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which points are read; None stands for any."""

    sweep: int | None = None
    """Number of a sweep: its own points, and those that it found in the store."""

    workload: int | None = None
    """Number of a workload."""

    level: str | None = None
    """Level of fidelity."""

    status: Status | None = None
    """How they ended."""

    model: str | None = None
    """Version of the cycle model, or as many of its digits as tell it apart; `all`. Unless given, a store that holds
    several refuses."""


EVERYTHING = Where()


class Reader:
    """A store for reading. What it reads is checked: rows that no store of ours has are refused by name."""

    def __init__(self, path: Path, db: sqlite3.Connection, model: str | None) -> None:
        self.path, self.model = path, model
        self._db = db

    def _check_all(self) -> None:
        """Raise `DamageError` for a damaged row; figures, and the points of a large store, are checked when read."""
        check_named(self._db)
        if self.path.stat().st_size <= MOST_CHECKED:
            check_references(self._db)

    def check(self) -> None:
        """Raise `StoreError` where any point is damaged."""
        self.frame(Where(model=ALL))

    def known(self, keys: Collection[bytes]) -> dict[bytes, Status]:
        """Return the status of those `keys` that are stored."""
        found: dict[bytes, Status] = {}
        with translated(self.path):
            for some in _some(keys):
                marks = ",".join("?" * len(some))
                rows = self._db.execute(f"SELECT key, status FROM point WHERE key IN ({marks})", some)
                found |= {key: status_of(status) for key, status in rows}
        return found

    def get(self, keys: Collection[bytes]) -> dict[bytes, Point]:
        """Return those of `keys` that are stored, whole results included."""
        found: dict[bytes, Point] = {}
        for some in _some(keys):
            clause = f"point.key IN ({','.join('?' * len(some))})"
            found |= {one.key: one for one in self._points(clause, list(some))}
        return found

    def totals_at(self, keys: Collection[bytes]) -> tuple[list[str], dict[bytes, tuple[Any, ...]]]:
        """Return the names of the totals, and status (in `STATUSES`), message and totals of those `keys` stored."""
        found: dict[bytes, tuple[Any, ...]] = {}
        with translated(self.path):
            names = known_totals(self._db)
            columns = "".join(f', "{one}"' for one in names)
            for some in _some(keys):
                clause = f"key IN ({','.join('?' * len(some))})"
                check_points(self._db, clause, some)
                statement = (
                    f"SELECT key, status, message.text{columns} FROM point LEFT JOIN message ON message.id = message "
                    f"WHERE {clause}"
                )
                found |= {row[0]: row[1:] for row in self._db.execute(statement, some)}
        return names, found

    def points(self, where: Where = EVERYTHING) -> Iterator[Point]:
        """Yield points in the order in which they were stored, whole results included."""
        yield from self._points(*self.clause(where))

    def find(self, name: str) -> Point:
        """Return the point of a number, or of the first digits of a key in hexadecimal, 8 or more.

        Raises `StoreError` where there is none, or more than one.
        """
        if name.isdecimal() and len(name) < 8:
            found = list(self._points("point.id = ?", [int(name)]))
        else:
            found = list(self._points("hex(point.key) LIKE ?", [f"{_hexadecimal(name)}%"]))
        if len(found) != 1:
            told = "no point" if not found else f"{len(found)} points"
            raise StoreError(f"store {self.path}: has {told} {name!r}; name one by its number or by digits of its key")
        return found[0]

    def count(self, where: Where = EVERYTHING) -> int:
        """Return how many points there are."""
        clause, values = self.clause(where)
        with translated(self.path):
            return int(self._db.execute(f"SELECT COUNT(*) FROM point WHERE {clause}", values).fetchone()[0])

    def base_of(self, point: Point) -> Base:
        """Return the machine that a point differs from."""
        digest, arch, text = self._one("SELECT digest, arch, text FROM base WHERE id = ?", point.base)
        return Base(digest=digest, arch=json.loads(arch), text=text)

    def work_of(self, point: Point) -> Work:
        """Return what a point was priced on."""
        digest, name, data = self._one("SELECT digest, name, data FROM workload WHERE id = ?", point.workload)
        return Work(digest=digest, name=name, data=json.loads(data))

    def machines(self) -> list[dict[str, Any]]:
        """Return the machines that points differ from, each as fields by dotted path."""
        with translated(self.path):
            return [flat(json.loads(arch)) for (arch,) in self._db.execute("SELECT arch FROM base ORDER BY id")]

    def sweep_texts(self) -> dict[int, str]:
        """Return the sweeps by number, each as the JSON text of its file."""
        with translated(self.path):
            return dict(self._db.execute("SELECT id, text FROM sweep ORDER BY id"))

    def origin_of(self, point: Point) -> dict[str, Any]:
        """Return which version of the cycle model made a stored point, with which packages, and when it was stored."""
        statement = (
            "SELECT model, made_by, committed FROM point JOIN batch ON batch.id = batch "
            "JOIN origin ON origin.id = origin WHERE point.id = ?"
        )
        model, made_by, committed = self._one(statement, point.id)
        return {"model": model, **json.loads(made_by), "stored": committed}

    def models(self) -> dict[str, int]:
        """Return how many points there are of each version of the cycle model."""
        statement = (
            "SELECT model, COUNT(*), MIN(point.id) AS first FROM point LEFT JOIN batch ON batch.id = batch "
            "LEFT JOIN origin ON origin.id = origin GROUP BY model ORDER BY first"
        )
        with translated(self.path):
            told = self._db.execute(statement).fetchall()
            for model, _, first in told:
                if model is None:
                    raise RowDamageError("point", first, "batch must be a row of table batch")
        return {model: count for model, count, _ in told}

    def info(self) -> dict[str, Any]:
        """Return what the store holds, in counts, as JSON has it."""
        count = self.count(Where(model=ALL))
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        size = sum(one.stat().st_size for one in files if one.exists())
        return {
            "path": str(self.path),
            "schema_version": SCHEMA_VERSION,
            "bytes": size,
            "points": count,
            "bytes_per_point": size / count if count else None,
            "status": self._statuses(),
            "level": dict(self._counts("level")),
            "model": self.models(),
            "sweeps": self._named("sweep", "digest"),
            "workloads": self._named("workload", "name"),
            "bases": self._named("base", "text"),
        }

    def frame(self, where: Where = EVERYTHING, also: Iterable[str] = ()) -> Frame:
        """Return points as columns: parameters, totals and what follows from them.

        `also` names fields of the machine that are wanted, whether or not some point sets them.
        """
        clause, values = self.clause(where)
        with translated(self.path):
            frame = store_frame(self._db, clause, values, also)

        def chunks() -> Iterator[Chunk]:
            with translated(self.path):
                yield from frame.chunks()

        return Frame(frame.kinds, chunks)

    def figures(self, point: Point) -> dict[str, Any]:
        """Return the totals of a stored point and what follows from them, without those that are null."""
        with translated(self.path):
            columns = store_frame(self._db, "point.id = ?", [point.id]).columns()
        names = (*(column.name for column in TOTALS), *FIGURES)
        return {name: columns[name][0] for name in names if columns[name][0] is not None}

    def full_of(self, point: Point) -> str:
        """Return the text of a point's whole result, which it must have."""
        assert point.full is not None
        with translated(self.path):
            try:
                text = unpacked(point.full)
            except ValueError as problem:
                raise RowDamageError("whole", point.id, f"data must be a result, packed: {problem}") from None
            parsed_as("object", text, "whole", point.id, "data")
        return text

    def to_pandas(self, where: Where = EVERYTHING) -> Any:
        """Return points as a `pandas.DataFrame`, one row each. Raises `ToolError` without pandas."""
        return to_pandas(self.frame(where))

    def to_polars(self, where: Where = EVERYTHING) -> Any:
        """Return points as a `polars.DataFrame`, one row each. Raises `ToolError` without polars."""
        return to_polars(self.frame(where))

    def pareto(self, *objectives: str, **choice: Any) -> "Front":
        """Return the designs that no other beats in all `objectives`: figures or formulas, wanted small, or `max`.

        `choice` holds the fields of `tokensieve.explore.selection.Choice`: `where`, `workload`, `sweep`, `level`,
        `model`. Raises `SweepError` for a name that means nothing, `StoreError` where no point is asked for.
        """
        from tokensieve.explore.answers import pareto

        return pareto(self, objectives, **choice)

    def best(self, *objectives: str, constraints: Sequence[str] = (), **choice: Any) -> "Best":
        """Return the design that is best in the first of `objectives` and satisfies `constraints`, and the knee.

        The rest is as for `pareto`.
        """
        from tokensieve.explore.answers import best

        return best(self, objectives, constraints, **choice)

    def clause(self, where: Where) -> tuple[str, list[Any]]:
        """Return the condition of `where` in SQL, and its values."""
        told: dict[str, Any] = {}
        if where.sweep is not None:
            told["(point.sweep = ?1 OR point.id IN (SELECT point FROM member WHERE sweep = ?1))"] = where.sweep
        if where.workload is not None:
            told["point.workload = ?"] = where.workload
        if where.level is not None:
            told["point.level = ?"] = where.level
        if where.status is not None:
            told["point.status = ?"] = STATUSES.index(where.status)
        model = self._model(where.model)
        if model is not None:
            origins = "SELECT id FROM origin WHERE model = ?"
            told[f"point.batch IN (SELECT id FROM batch WHERE origin IN ({origins}))"] = model
        return " AND ".join(told) or "1", list(told.values())

    def _model(self, asked: str | None) -> str | None:
        """Return the version of the cycle model whose points are read; None for all."""
        if asked == ALL:
            return None
        if asked is None and self.model is not None:
            return self.model
        there = self.models()
        fitting = [one for one in there if one.startswith(asked or "")]
        if len(fitting) == 1 or not there:
            return fitting[0] if fitting else None
        told = ", ".join(f"{one[:12]} ({count} points)" for one, count in there.items())
        if asked is None:
            raise StoreError(
                f"store {self.path}: holds points of {len(there)} versions of the cycle model, which are not "
                f"comparable: {told}; name one of them, or '{ALL}'"
            )
        raise StoreError(f"store {self.path}: no single version of the cycle model is {asked!r}; there are {told}")

    def _points(self, clause: str, values: list[Any]) -> Iterator[Point]:
        with translated(self.path):
            yield from read_points(self._db, clause, values)

    def _statuses(self) -> dict[str, int]:
        counts = self._counts("status")
        with translated(self.path):
            return {status_of(one): count for one, count in counts}

    def _counts(self, column: str) -> list[tuple[Any, int]]:
        with translated(self.path):
            return self._db.execute(f"SELECT {column}, COUNT(*) FROM point GROUP BY 1 ORDER BY 1").fetchall()

    def _named(self, table: str, column: str) -> list[dict[str, Any]]:
        """Return the rows of a table with how many points each has."""
        statement = (
            f"SELECT id, {column}, (SELECT COUNT(*) FROM point WHERE {table} = {table}.id) FROM {table} ORDER BY id"
        )
        with translated(self.path):
            rows = self._db.execute(statement).fetchall()
        return [{"id": number, column: name, "points": points} for number, name, points in rows]

    def _one(self, statement: str, number: int | None) -> Any:
        with translated(self.path):
            return self._db.execute(statement, (number,)).fetchone()


def _some(keys: Collection[bytes]) -> Iterator[list[bytes]]:
    """Yield keys, so many at a time."""
    listed = list(keys)
    yield from (listed[low : low + _TOGETHER] for low in range(0, len(listed), _TOGETHER))


def _hexadecimal(name: str) -> str:
    """Return `name` as digits of a key."""
    if len(name) < 8 or not set(name.lower()) <= set("0123456789abcdef"):
        raise StoreError(f"a point is named by its number, or by 8 or more digits of its key, got {name!r}")
    return name
