"""A store of design points: one SQLite file that a sweep writes, resumes from, and shares with others.

Points wait in memory until `commit` stores them in one transaction. Whatever is killed, and when: a batch is there
whole or not at all. Only the process that opened a store writes to it.
"""

import os
import platform
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from importlib.metadata import version
from itertools import chain, repeat
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy.typing as npt

from tokensieve.arch.errors import StoreError, nearest
from tokensieve.explore.columns import TOTALS
from tokensieve.explore.merging import merge_attached
from tokensieve.explore.schema import complete, prepare
from tokensieve.explore.sqlite import attached, connect, patiently, transaction, translated
from tokensieve.explore.store_reader import Reader
from tokensieve.explore.stored import STATUSES, Base, Point, Status, Work
from tokensieve.explore.text import encode, plain
from tokensieve.explore.writing import Pending, write_points
from tokensieve.sim.reference.version import PACKAGES, model_version

COMMIT_S = 1.0
"""A point waits no longer than this for its transaction, while points come or `commit_if_due` is called."""

MOST_PENDING = 5000
"""Points that wait at most; some 5 MB of memory."""

_NAMES = tuple(column.name for column in TOTALS)


class Store(Reader):
    """A store that is open. A context: on leaving it, what waits is stored, and the file is closed."""

    def __init__(self, path: Path, write: bool, model: str | None, clock: Callable[[], float]) -> None:
        super().__init__(path, connect(path, write), model)
        self._clock, self._owner = clock, os.getpid()
        self._pending: list[Pending] = []
        self._since = 0.0
        self._write = write
        self.repeated = 0
        """Points handed in whose key was there with a result: computed twice, or by another process meanwhile."""
        try:
            with translated(path):
                patiently(lambda: prepare(self._db, str(path), write))
                patiently(self._check_all)
                if write:
                    patiently(lambda: complete(self._db))
        except BaseException:
            self._db.close()
            raise

    @classmethod
    def open(
        cls,
        path: Path | str,
        write: bool = True,
        *,
        model: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> Self:
        """Open the store at `path`; with `write`, make it where there is none.

        `model` is the version of the cycle model that points are stored under, that of the running code unless given. A
        store for reading has none, and reads points of any one version. `clock` returns seconds. Raises `StoreError`
        where the file cannot be used, and where the code was changed since it was loaded.
        """
        if write and model is None:
            model = model_version()
            if model is None:
                raise StoreError(
                    f"store {path}: which version of the model runs cannot be told, as its sources were changed "
                    "meanwhile; start again"
                )
        return cls(Path(path), write, model, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Store what waits, and close the file; the last one to do so leaves one file, without a log."""
        try:
            self.commit()
        finally:
            self._db.close()

    def base(self, base: Base) -> int:
        """Return the number of a machine, which is stored if it is new."""
        return self._number("base", digest=base.digest, arch=encode(base.arch), text=base.text)

    def workload(self, digest: str, name: str, data: Mapping[str, Any]) -> int:
        """Return the number of a workload, which is stored if it is new; `data` says how it is made (`Work`)."""
        work = Work(digest=digest, name=name, data=data)
        return self._number("workload", digest=work.digest, name=work.name, data=encode(work.data))

    def sweep(self, digest: str, text: str) -> int:
        """Return the number of a sweep, which is stored if it is new; `text` is its file."""
        return self._number("sweep", digest=digest, text=text)

    def _number(self, table: str, **fields: str) -> int:
        self._check_writer()
        names, marks = ", ".join(fields), ", ".join("?" * len(fields))
        with translated(self.path):
            find = f"SELECT id FROM {table} WHERE digest = ?"
            found = self._db.execute(find, (fields["digest"],)).fetchone()
            if found is None:
                with transaction(self._db):
                    insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"
                    self._db.execute(insert, tuple(fields.values()))
                found = self._db.execute(find, (fields["digest"],)).fetchone()
        return int(found[0])

    def known(self, keys: Collection[bytes]) -> dict[bytes, Status]:
        """Return the status of those keys that are stored or wait to be."""
        waiting = {one.key: STATUSES[one.status] for one in self._pending}
        return super().known(keys) | {key: waiting[key] for key in keys if key in waiting}

    def totals_at(self, keys: Collection[bytes]) -> tuple[list[str], dict[bytes, tuple[Any, ...]]]:
        """Return what `Reader.totals_at` does; those of `keys` that wait are stored first."""
        if not {one.key for one in self._pending}.isdisjoint(keys):
            self.commit()
        return super().totals_at(keys)

    def add(self, points: Iterable[Point]) -> None:
        """Take points in; those that are due are stored.

        A point whose key is there with a result changes nothing; one that failed before is replaced. Raises
        `StoreError` for totals of a name that is no column, and where what is due cannot be stored.
        """
        self._check_writer()
        for one in points:
            self._take([Pending.of(one, _row(one.totals))])

    def add_columns(
        self,
        sweep: int,
        base: int,
        workload: int,
        level: str,
        keys: Sequence[bytes],
        overrides: Mapping[str, Sequence[Any] | npt.NDArray[Any]],
        totals: Mapping[str, Sequence[Any] | npt.NDArray[Any]],
    ) -> None:
        """Take in priced points that override the same fields: columns of values and totals, as long as `keys`."""
        self._check_writer()
        _check_names(totals)
        lengths = {name: len(one) for name, one in chain(overrides.items(), totals.items()) if len(one) != len(keys)}
        if lengths:
            name, length = next(iter(lengths.items()))
            raise StoreError(f"column {name} must have {len(keys)} values, one for each key, got {length}")
        paths = encode(list(overrides))
        texts = zip(*map(_texts, overrides.values()), strict=True) if overrides else repeat((), len(keys))
        figures = zip(*(_listed(totals[n]) if n in totals else repeat(None, len(keys)) for n in _NAMES), strict=True)
        self._take(
            [
                Pending(key, base, workload, level, sweep, paths, f"[{','.join(values)}]", 0, None, row, None)
                for key, values, row in zip(keys, texts, figures, strict=True)
            ]
        )

    def _take(self, some: list[Pending]) -> None:
        if not self._pending:
            self._since = self._clock()
        self._pending += some
        self.commit_if_due()

    def commit_if_due(self) -> int:
        """Commit if a point has waited for `COMMIT_S`, or if too many wait; return how many were stored."""
        due = len(self._pending) >= MOST_PENDING or self._clock() - self._since >= COMMIT_S
        return self.commit() if self._pending and due else 0

    def commit(self) -> int:
        """Store all points that wait, in one transaction, and return how many of them are new.

        Raises `StoreError` where that is impossible; then nothing of them is stored and all of them still wait.
        """
        if not self._pending:
            return 0
        self._check_writer()
        with translated(self.path, len(self._pending)), transaction(self._db):
            stored = write_points(self._db, self._pending, str(self.model), _made_by())
        self.repeated += len(self._pending) - stored
        self._pending = []
        return stored

    def join(self, sweep: int, keys: Collection[bytes]) -> None:
        """Note that points which are stored belong to `sweep` as well."""
        self._check_writer()
        with translated(self.path), transaction(self._db):
            statement = "INSERT OR IGNORE INTO member SELECT ?, id FROM point WHERE key = ? AND sweep <> ?"
            self._db.executemany(statement, ((sweep, key, sweep) for key in keys))

    def merge(self, path: Path | str) -> int:
        """Store the points of the store at `path` here as well, in one transaction, and return how many are new.

        A point that is here with a result stays; one that failed here and not there is replaced. Points of another
        version of the cycle model stay told apart. Raises `StoreError` where one of the two cannot be used, and
        `CheckError` where both have a point with different totals.
        """
        self._check_writer()
        other = Path(path)
        if other.exists() and self.path.samefile(other):
            raise StoreError(f"store {other}: cannot be merged into itself")
        self.commit()
        with open_store(other) as opened:  # brings what a killed process left in its log into the file
            opened.check()
        with translated(self.path), attached(self._db, other), transaction(self._db):
            return merge_attached(self._db)

    def _check_writer(self) -> None:
        if not self._write:
            raise StoreError(f"store {self.path}: was opened for reading")
        assert os.getpid() == self._owner, "a store is written by the process that opened it"


def open_store(path: Path | str) -> Store:
    """Open the store at `path` for reading."""
    return Store.open(path, write=False)


def _listed(column: Sequence[Any] | npt.NDArray[Any]) -> Sequence[Any]:
    """Return a column as Python numbers."""
    listed: Sequence[Any] = column.tolist() if hasattr(column, "tolist") else column
    return listed


def _texts(column: Sequence[Any] | npt.NDArray[Any]) -> list[str]:
    """Return the values of a column as JSON; a value that stands often is written once."""
    listed = _listed(column)
    if len({*map(type, listed)}) > 1:  # 1, 1.0 and True are equal, and written in other ways
        return [encode(one) for one in listed]
    known = {one: encode(one) for one in set(listed)}
    return [known[one] for one in listed]


def _row(totals: Mapping[str, Any] | None) -> tuple[Any, ...]:
    _check_names(totals or ())
    return tuple(plain((totals or {}).get(name)) for name in _NAMES)


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        if name not in _NAMES:
            raise StoreError(f"a store has no column {name!r}{nearest(name, _NAMES)}")


def _made_by() -> str:
    """Return the versions of what computes, as they are stored with each batch."""
    versions = {"tokensieve": version("tokensieve"), "python": platform.python_version()}
    return encode(versions | {name: version(name) for name in PACKAGES})
