"""A store that somebody changed with SQL is refused by the name of the row, and nothing is written or lost."""

import sqlite3
from contextlib import closing
from shutil import copy

import pytest

from tokensieve.arch import StoreError
from tokensieve.cli.app import call
from tokensieve.explore import Store, open_store, store_reader
from tokensieve.explore.stored import packed

SWEEP = ("sweep", "--set", "topk.lanes=8,16", "--set", "topk.max_tokens=8,1024", "--workload", "bert-base-cola")
LANES = ("sweep", "--set", "topk.lanes=8,32", "--workload", "bert-base-cola")
BYTES, BRACE, INFINITE, DEEP, DIGITS = b"\xff\x00", "{", 9e999, "[" * 5000, f"[{'9' * 5000}]"
TEXTS = (BYTES, 9e999, "", DEEP, DIGITS, "[NaN]", BRACE)

CELLS = {
    "base.arch": (*TEXTS, "{}", "5", '{"name": 1, "clock": {"mhz": 1}}', '{"name": "x", "clock": {"mhz": 1e999}}'),
    "workload.data": (*TEXTS, "{}", "[]", '{"trace": 5}', '{"trace": "", "tokens": "x"}', '{"trace": "", "seed": -1}'),
    "sweep.text": (*TEXTS, "[]", '{"constraints": [1]}', '{"workloads": {"bert-base-cola": 0}}'),
    "form.paths": (*TEXTS, "{}", "[1, 2]"),
    "origin.made_by": (*TEXTS, "[]"),
    "origin.model": (BYTES,),
    "batch.origin": (BYTES, 77, "x"),
    "batch.committed": (BYTES,),
    "workload.name": (BYTES,),
    "message.text": (BYTES,),
    "point.key": ("x", b"x", 5),
    "point.base": (77, "x", BYTES, 1.5),
    "point.workload": (77, "x"),
    "point.sweep": (77, "x"),
    "point.form": (77, "x"),
    "point.batch": (77, "x"),
    "point.message": (77, "x"),
    "point.status": (3, -1, "x", 0.5),
    "point.level": (BYTES, "rough"),
    "point.given": (*TEXTS, "[8]", "[8],[8", '["8", 8]', "[true, 8]", "[9223372036854775808, 8]", "5"),
    "point.cycles.total": ("x", BYTES, INFINITE, -1),
    "point.energy_j.total": ("x", BYTES, INFINITE),
    "point.bottleneck": (None, BYTES),
    "whole.point": (77,),
    "member.point": (77,),
    "member.sweep": (77,),
}  # fmt: skip
"""Wrong values of each column."""

TABLES = (*dict.fromkeys(name.partition(".")[0] for name in CELLS),)
DROPPED = ("base.arch", "base.text", "workload.name", "workload.data", "sweep.text", "whole.data")
EMPTIED = ("base", "workload", "sweep", "form", "message", "origin", "batch", "point")


def few(names):
    """The first of some names, and the others in long runs."""
    return [pytest.param(one, marks=[pytest.mark.long] if place > 1 else []) for place, one in enumerate(names)]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A store of two sweeps that share points, some of them refused, and one of them with its whole result."""
    path = tmp_path_factory.mktemp("good") / "designs.store"
    assert call([*SWEEP, "--quiet", "--store", str(path)]) == 0
    assert call([*LANES, "--quiet", "--store", str(path)]) == 0
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO whole VALUES (1, ?)", (packed('{"level": "analytic"}'),))
        assert all(db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in TABLES)
    return path


@pytest.fixture
def path(good, tmp_path):
    return copy(good, tmp_path / "designs.store")


def damage(path, statement, *values):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement, values)


def answers(path, capsys):
    """What every command that reads a store says of one: exit code and message."""
    csv = path.with_name("designs.csv")
    csv.write_text("kept")
    store, found = str(path), {}
    commands = {
        "best": ("best", store),
        "pareto": ("pareto", store, "--mark", "none"),
        "export": ("store", "export", store, "--csv", str(csv)),
        "info": ("store", "info", store, "--json"),
        "show": ("store", "show", store, "2"),
        "full": ("store", "show", store, "1", "--full"),
        "diff": ("diff", f"{store}#1", f"{store}#2"),
        "merge": ("store", "merge", str(path.with_name("all.store")), store),
        "sweep": (*SWEEP, "--quiet", "--store", store),
    }
    before = path.read_bytes()
    for name, command in commands.items():
        found[name] = call(list(command)), capsys.readouterr().err
        if found[name][0]:
            assert path.read_bytes() == before
    assert csv.read_text() == "kept" or found["export"][0] == 0
    assert not path.with_name("all.store").exists() or found["merge"][0] == 0
    return found


def refused(found, told):
    """Check that all commands go well or refuse the store, and that those do that read all of it."""
    assert {code for code, _ in found.values()} <= {0, 2}
    assert all(told in text for code, text in found.values() if code)
    assert found["best"][0] == found["export"][0] == found["merge"][0] == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(name, one, id=f"{name}-{place}", marks=[pytest.mark.long] if place > 0 else [])
        for name in CELLS
        for place, one in enumerate(CELLS[name])
    ],
)
def test_a_wrong_cell_is_refused_by_its_row(path, capsys, name, value):
    table, _, column = name.partition(".")
    key = "id" if table not in ("whole", "member") else "point"
    damage(path, f'UPDATE {table} SET "{column}" = ? WHERE {key} = (SELECT MIN({key}) FROM {table})', value)

    refused(answers(path, capsys), f"designs.store: is damaged (table {table}, row ")


def test_a_form_of_another_length_is_refused(path, capsys):
    damage(path, "UPDATE form SET paths = '[\"softmax.lanes\"]' WHERE id = 1")

    assert call(["best", str(path)]) == 2
    assert "table point, row 1: given must be a list of 1, as form 1 has fields, got" in capsys.readouterr().err


def test_a_damaged_sweep_is_refused_where_its_axes_are_asked_for(path, capsys):
    damage(path, "UPDATE sweep SET text = '[]' WHERE id = 1")

    assert call(["sensitivity", str(path), "--sweep", "1"]) == 2
    assert "is damaged (table sweep, row 1: text must be an object, got '[]')" in capsys.readouterr().err


@pytest.mark.parametrize("table", few(EMPTIED))
def test_rows_that_are_gone_are_missed(path, capsys, table):
    damage(path, f"DELETE FROM {table}")

    refused(answers(path, capsys), {"point": "designs.store: "}.get(table, "designs.store: is damaged (table "))


@pytest.mark.parametrize("table", few(TABLES))
def test_a_table_that_is_gone_is_named(path, capsys, table):
    damage(path, f"DROP TABLE {table}")

    refused(answers(path, capsys), f"designs.store: is damaged (table {table} is missing)")


@pytest.mark.parametrize("name", few(DROPPED))
def test_a_column_that_is_gone_is_named(path, capsys, name):
    table, _, column = name.partition(".")
    damage(path, f"ALTER TABLE {table} DROP COLUMN {column}")

    refused(answers(path, capsys), f"designs.store: is damaged (table {table}: column {column} is missing)")


def test_a_column_of_another_kind_is_named(path, capsys):
    damage(path, "ALTER TABLE point ADD COLUMN note VARCHAR")

    found = answers(path, capsys)

    assert "table point: column note must be one of INTEGER, REAL, TEXT, got 'VARCHAR'" in found["best"][1]
    assert {code for code, _ in found.values()} <= {0, 2}


def test_text_that_is_no_utf_8_is_refused(path, capsys):
    damage(path, "UPDATE base SET arch = CAST(x'ff41' AS TEXT)")

    refused(answers(path, capsys), "designs.store: is damaged (Could not decode to UTF-8 column 'arch'")


@pytest.mark.parametrize("value", [b"x", b"", packed("no JSON"), packed("[]"), packed('{"a": 1}')[:-5]])
def test_a_whole_result_that_is_none_is_refused(path, capsys, value):
    damage(path, "UPDATE whole SET data = ?", value)

    assert call(["store", "show", str(path), "1", "--full"]) == 2
    assert "is damaged (table whole, row 1: data must be" in capsys.readouterr().err


@pytest.mark.parametrize("name", few(["point.batch", "point.cycles.total", "point.base", "point.form", "point.status"]))
def test_points_of_a_store_too_large_to_be_checked_whole_are_checked_when_read(path, capsys, monkeypatch, name):
    monkeypatch.setattr(store_reader, "MOST_CHECKED", 0)
    damage(path, f'UPDATE point SET "{name.partition(".")[2]}" = -77 WHERE id = 2')

    refused(answers(path, capsys), "designs.store: is damaged (table point")


def test_a_machine_that_no_longer_fits_is_said_to_be_the_store_s(path, capsys):
    damage(path, "UPDATE point SET given = '[99999, 1024]' WHERE id = 2")

    for command in (["store", "show", str(path), "2", "--full"], ["diff", f"{path}#1", f"{path}#2"]):
        assert call(command) == 2
        assert "point 2: is no machine of this version: topk.lanes must be" in capsys.readouterr().err


def test_a_store_without_points_leaves_the_file_that_it_would_replace(path, tmp_path, capsys):
    damage(path, "DELETE FROM member")
    damage(path, "DELETE FROM whole")
    damage(path, "DELETE FROM point")
    (tmp_path / "good.csv").write_text("kept")

    assert call(["store", "export", str(path), "--csv", str(tmp_path / "good.csv")]) == 2
    assert "has no point that is asked for" in capsys.readouterr().err
    assert (tmp_path / "good.csv").read_text() == "kept"


def test_a_trace_is_taken_with_full_alone_and_must_be_that_of_the_point(path, capsys):
    assert call(["store", "show", str(path), "1", "--trace", "x.npz"]) == 2
    assert "--trace is read with --full alone" in capsys.readouterr().err
    assert call(["store", "show", str(path), "1", "--full", "--trace", "x.npz"]) == 2
    assert (
        "--trace must not be given, as the point was priced on the workload bert-base-cola" in capsys.readouterr().err
    )


def test_a_damaged_store_is_not_merged(path, good, tmp_path):
    damage(path, 'UPDATE point SET "cycles.total" = -1 WHERE id = 2')

    with open_store(good) as before:
        count = before.count()
    with (
        Store.open(copy(good, tmp_path / "all.store")) as store,
        pytest.raises(StoreError, match=r"table point, row 2: cycles.total must be a finite number from 0 up"),
    ):
        store.merge(path)
    with open_store(tmp_path / "all.store") as after:
        assert after.count() == count
