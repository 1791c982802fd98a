"""The points of one store into another, in one transaction."""

import sqlite3

from tokensieve.arch.errors import CheckError
from tokensieve.explore.schema import FIXED, add_columns, total_columns
from tokensieve.explore.stored import STATUSES

_NAMED = {
    "base": ("digest", "arch", "text"),
    "workload": ("digest", "name", "data"),
    "sweep": ("digest", "text"),
    "form": ("paths",),
    "message": ("text",),
    "origin": ("model", "made_by"),
}
"""Tables whose rows are told apart by a text; the columns of each."""

_OK, _FAILED = STATUSES.index("ok"), STATUSES.index("failed")

_JOINS = (
    "JOIN other.base ob ON ob.id = p.base JOIN main.base mb ON mb.digest = ob.digest "
    "JOIN other.workload ow ON ow.id = p.workload JOIN main.workload mw ON mw.digest = ow.digest "
    "JOIN other.sweep os ON os.id = p.sweep JOIN main.sweep ms ON ms.digest = os.digest "
    "JOIN other.form xf ON xf.id = p.form JOIN main.form mf ON mf.paths = xf.paths "
    "LEFT JOIN other.message om ON om.id = p.message LEFT JOIN main.message mm ON mm.text = om.text"
)
"""From a point `p` of the other store to the rows of this one that it refers to."""


def merge_attached(db: sqlite3.Connection) -> int:
    """Store the points of the database attached as `other`, and return how many are new here.

    A point that is here with a result stays; one that failed here and not there is replaced. Raises `CheckError` where
    a point is in both with different totals.
    """
    columns = total_columns(db, "other")
    add_columns(db, columns)
    quoted = [f'"{name}"' for name in columns]
    _check_alike(db, quoted)
    for table, names in _NAMED.items():
        told = ", ".join(names)
        db.execute(f"INSERT OR IGNORE INTO main.{table} ({told}) SELECT {told} FROM other.{table} ORDER BY id")
    (last,) = db.execute("SELECT COALESCE(MAX(id), 0) FROM main.batch").fetchone()
    same_origin = "JOIN main.origin mo ON mo.model = oo.model AND mo.made_by = oo.made_by"
    batches = f"FROM other.batch b JOIN other.origin oo ON oo.id = b.origin {same_origin}"
    db.execute(f"INSERT INTO main.batch (id, origin, committed) SELECT b.id + ?, mo.id, b.committed {batches}", (last,))
    stored = _insert_points(db, quoted, last)
    db.execute("DELETE FROM main.batch WHERE id > ? AND id NOT IN (SELECT batch FROM main.point)", (last,))
    db.execute(
        "INSERT OR IGNORE INTO main.whole SELECT mp.id, w.data FROM other.whole w "
        "JOIN other.point p ON p.id = w.point JOIN main.point mp ON mp.key = p.key"
    )
    _join_sweeps(db)
    return stored


def _check_alike(db: sqlite3.Connection, columns: list[str]) -> None:
    differs = " OR ".join(f"a.{name} IS NOT b.{name}" for name in columns)
    both = f"main.point a JOIN other.point b ON a.key = b.key WHERE a.status = {_OK} AND b.status = {_OK}"
    count, key = db.execute(f"SELECT COUNT(*), MIN(hex(a.key)) FROM {both} AND ({differs})").fetchone()
    if count:
        raise CheckError(
            f"{count} points are in both stores with different totals, such as {key.lower()}; nothing was merged"
        )


def _insert_points(db: sqlite3.Connection, columns: list[str], last: int) -> int:
    names = [*FIXED, *columns]
    replaced = ", ".join(f"{name} = excluded.{name}" for name in names if name != "key")
    before = db.total_changes
    db.execute(
        f"INSERT INTO main.point ({', '.join(names)}) SELECT p.key, mb.id, mw.id, p.level, ms.id, mf.id, p.given, "
        f"p.status, mm.id, p.batch + ?{''.join(f', p.{name}' for name in columns)} FROM other.point p {_JOINS} "
        f"WHERE TRUE ORDER BY p.id ON CONFLICT (key) DO UPDATE SET {replaced} "
        f"WHERE point.status = {_FAILED} AND excluded.status <> {_FAILED}",
        (last,),
    )
    return db.total_changes - before


def _join_sweeps(db: sqlite3.Connection) -> None:
    """Note which points belong to sweeps that did not store them here."""
    belongs = "SELECT sweep, id AS point FROM other.point UNION SELECT sweep, point FROM other.member"
    db.execute(
        f"INSERT OR IGNORE INTO main.member SELECT ms.id, mp.id FROM ({belongs}) m "
        "JOIN other.sweep os ON os.id = m.sweep JOIN main.sweep ms ON ms.digest = os.digest "
        "JOIN other.point p ON p.id = m.point JOIN main.point mp ON mp.key = p.key WHERE mp.sweep <> ms.id"
    )
