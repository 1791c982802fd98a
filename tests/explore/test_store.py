"""A store keeps points once, tells what it has, and says what it cannot do."""

import sqlite3

import numpy as np
import pytest
from bench.stores import MODEL, fill, key, numbers, opened, point, resume, rows, totals

from tokensieve.arch import CheckError, StoreError
from tokensieve.explore import Store, Where, open_store
from tokensieve.explore.columns import TOTALS
from tokensieve.explore.stored import Base, packed, point_key, unpacked


@pytest.fixture
def path(tmp_path):
    return tmp_path / "designs.store"


def test_points_come_out_as_they_went_in(path):
    fill(path, range(30))

    with open_store(path) as store:
        found = list(store.points())
        where = {"base": found[0].base, "workload": found[0].workload, "sweep": found[0].sweep}

        assert found == [point(number, where, id=number + 1) for number in range(30)]


def test_a_store_is_one_file_once_it_is_closed(path):
    fill(path, range(3))
    open_store(path).close()

    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_columns_of_arrays_are_the_same_points_as_one_by_one(path, tmp_path):
    lanes = np.array([1, 2, 4])
    with opened(path) as store:
        where = numbers(store)
        columns = {name: [totals(i)[name] for i in range(3)] for name in totals(0)}
        columns["cycles.total"] = np.array(columns["cycles.total"])
        store.add_columns(
            where["sweep"], where["base"], where["workload"], "analytic", [key(i) for i in range(3)],
            {"topk.lanes": lanes, "topk.engine": ["radix"] * 3}, columns,
        )  # fmt: skip
    with opened(tmp_path / "other.store") as store:
        where = numbers(store)
        overrides = [{"topk.lanes": n, "topk.engine": "radix"} for n in lanes]
        store.add(point(i, where, overrides=overrides[i], full=None) for i in range(3))

    assert rows(path) == rows(tmp_path / "other.store")


def test_running_again_finds_what_is_there_and_adds_the_rest(path, tmp_path):
    fill(path, range(20))

    assert resume(path, range(35)) == 20

    fill(tmp_path / "undisturbed.store", range(35))
    assert rows(path) == rows(tmp_path / "undisturbed.store")


def test_points_that_wait_are_known_and_their_status_with_them(path):
    with opened(path) as store:
        store.add([point(i, numbers(store)) for i in (8, 9)])

        assert store.known([key(8), key(9), key(10)]) == {key(8): "ok", key(9): "refused"}


def test_a_point_that_is_there_is_not_replaced_and_is_counted(path):
    fill(path, [1])
    with opened(path) as store:
        store.add([point(1, numbers(store), totals=totals(5)), point(2, numbers(store))])

        assert (store.commit(), store.repeated) == (1, 1)
        assert (store.commit(), store.repeated) == (0, 1)
        assert store.get([key(1)])[key(1)].totals == totals(1)


def test_a_point_that_failed_is_stored_with_its_error_and_replaced_once_it_is_priced(path):
    with opened(path) as store:
        where = numbers(store)
        store.add([point(1, where, status="failed", message="MemoryError", totals=None, full=None), point(2, where)])
        store.commit()
        failed = store.get([key(1)])[key(1)]
        store.add([point(1, where)])
        store.commit()

        assert (failed.status, failed.message, failed.totals) == ("failed", "MemoryError", None)
        assert store.get([key(1)])[key(1)] == point(1, where, id=failed.id)


def test_a_batch_is_committed_when_its_first_point_has_waited_for_a_second(path):
    now = [100.0]
    with opened(path, clock=lambda: now[0]) as store:
        where = numbers(store)
        store.add([point(1, where)])
        now[0] = 100.9
        store.add([point(2, where)])
        waiting = store.count()
        now[0] = 101.0
        store.commit_if_due()

        assert (waiting, store.count()) == (0, 2)


def test_a_sweep_has_the_points_that_it_found_in_the_store(path):
    fill(path, range(5))
    with opened(path) as store:
        where = numbers(store, "second")
        store.join(where["sweep"], [key(1), key(2)])
        store.add([point(7, where)])
        store.commit()

        assert [one.key for one in store.points(Where(sweep=where["sweep"]))] == [key(1), key(2), key(7)]
        assert store.count(Where(sweep=1)) == 5


def test_points_of_two_versions_of_the_model_are_never_mixed_unasked(path):
    fill(path, [1])
    fill(path, [2, 3], model="b" * 64)
    with open_store(path) as store:
        with pytest.raises(StoreError, match=r"2 versions of the cycle model.*aaaaaaaaaaaa \(1 points\), bbbbbbbbbbbb"):
            list(store.points())
        with pytest.raises(StoreError, match="no single version of the cycle model is 'c'"):
            store.count(Where(model="c"))

        assert [one.key for one in store.points(Where(model="bb"))] == [key(2), key(3)]
        assert store.count(Where(model="all")) == 3
    with opened(path) as store:
        assert [one.key for one in store.points()] == [key(1)]


def test_the_key_of_a_point_changes_with_all_that_its_figures_follow_from(arch):
    told = {"workload": "w", "level": "analytic", "model": MODEL}
    changes = {"workload": "v", "level": "cycle", "model": "b", "reference": "dense", "seed": 1, "scores": "uniform"}
    changed = [{name: value} for name, value in changes.items()]
    others = [arch.model_copy(update={"technology": "scaled7"}), arch.model_copy(update={"name": "mine"})]
    found = [point_key(arch, **told | one) for one in ({}, *changed)] + [point_key(one, **told) for one in others]

    assert len(set(found)) == len(found)
    assert point_key(arch, **told) == found[0]


def test_a_point_is_found_by_its_number_and_by_digits_of_its_key(path):
    fill(path, range(3))
    with open_store(path) as store:
        assert store.find("2").key == store.find(key(1).hex()[:8]).key == key(1)
        for name, told in (("9", "no point '9'"), ("zz", "8 or more digits"), ("0" * 8, "no point")):
            with pytest.raises(StoreError, match=told):
                store.find(name)


def test_a_whole_result_comes_back_as_the_same_text():
    assert unpacked(packed('{"cycles": 1}\n')) == '{"cycles": 1}\n'


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"key": b"short"}, "key of a point must have 16 bytes, got 5"),
        ({"status": "lost"}, "must be one of ok, refused, failed, got 'lost'"),
        ({"totals": None}, "has totals if it was priced"),
    ],
)
def test_a_point_that_no_store_could_keep_is_refused(change, told):
    with pytest.raises(StoreError, match=told):
        point(1, {"base": 1, "workload": 1, "sweep": 1}, **change)


def test_a_total_that_is_no_column_is_refused_with_the_nearest_name(path):
    with (
        opened(path) as store,
        pytest.raises(StoreError, match=r"no column 'cycle.total'; did you mean 'cycles.total'"),
    ):
        store.add([point(1, numbers(store), totals={"cycle.total": 1})])


def test_columns_of_another_length_are_refused(path):
    with opened(path) as store, pytest.raises(StoreError, match=r"column topk.lanes must have 2 values.* got 1"):
        store.add_columns(1, 1, 1, "analytic", [key(1), key(2)], {"topk.lanes": [8]}, {})


def test_a_point_takes_a_kilobyte_on_disk_at_most(path):
    """Twelve fields and all columns; fewer points are mostly empty pages."""
    with opened(path) as store:
        fields = {f"group{i}.field_of_the_machine": [1000 + i] * 3000 for i in range(12)}
        figures = {
            c.name: ["softmax"] * 3000 if c.kind == "text" else [10_000_019] * 3000 if c.kind == "int" else [0.1] * 3000
            for c in TOTALS
        }
        where = numbers(store)
        names = [key(i) for i in range(3000)]
        store.add_columns(where["sweep"], where["base"], where["workload"], "analytic", names, fields, figures)

    assert path.stat().st_size / 3000 <= 1000


class TestOpening:
    """What is no store, or not one of this version, is refused and left as it is."""

    @pytest.mark.parametrize("write", [True, False])
    def test_a_later_layout_is_refused(self, path, write):
        fill(path, [1])
        change(path, "PRAGMA user_version = 2")
        before = path.read_bytes()

        with pytest.raises(
            StoreError, match="its layout is version 2, and this tokensieve knows 1 alone; nothing was changed"
        ):
            Store.open(path, write, model=MODEL)
        assert path.read_bytes() == before

    def test_columns_that_an_older_store_lacks_are_added_and_null(self, path):
        fill(path, [1])
        change(path, 'ALTER TABLE point DROP COLUMN "reference.kind"')
        with open_store(path) as store:
            assert "reference.kind" not in next(store.points()).totals
        fill(path, [2])

        with open_store(path) as store:
            assert [one.totals["reference.kind"] for one in store.points()] == [None, "softmax"]

    @pytest.mark.parametrize("statement", ["PRAGMA journal_mode = WAL", "PRAGMA user_version = 0"])
    def test_a_store_whose_making_was_cut_short_is_made(self, path, statement):
        change(path, statement)

        assert resume(path, range(3)) == 0
        assert len(rows(path)) == 3

    def test_another_database_is_refused(self, path):
        change(path, "CREATE TABLE mine (a)")

        with pytest.raises(StoreError, match="is a SQLite file, but no store"):
            opened(path)

    def test_a_file_that_is_no_database_is_refused(self, path):
        path.write_text("lanes,cycles\n" * 100)

        with pytest.raises(StoreError, match="is no SQLite file, or is damaged"):
            opened(path)
        assert path.read_text() == "lanes,cycles\n" * 100

    @pytest.mark.parametrize(
        ("name", "told"),
        [(".", "is a folder"), ("none/a.store", "folder .* does not exist"), ("a.store", "no such file")],
    )
    def test_a_place_without_a_store_is_named(self, tmp_path, name, told):
        with pytest.raises(StoreError, match=told):
            open_store(tmp_path / name)

    def test_a_store_for_reading_takes_nothing_in(self, path):
        fill(path, [1])
        with open_store(path) as store, pytest.raises(StoreError, match="was opened for reading"):
            store.add([point(2, {"base": 1, "workload": 1, "sweep": 1})])


class TestMerging:
    """What two stores hold, once."""

    def test_merged_stores_are_as_one_that_was_filled_at_once(self, path, tmp_path):
        fill(path, range(20))
        fill(tmp_path / "other.store", range(10, 40))
        fill(tmp_path / "whole.store", range(40))
        with opened(path) as store:
            assert store.merge(tmp_path / "other.store") == 20
            assert store.merge(tmp_path / "other.store") == 0

        assert rows(path) == rows(tmp_path / "whole.store")

    def test_numbers_of_machines_and_sweeps_are_those_of_the_store(self, path, tmp_path):
        with opened(path) as store:
            store.base(Base(digest="another", arch={"name": "another", "clock": {"mhz": 1000}}, text="another"))
            numbers(store, "first")
        with opened(tmp_path / "other.store", model="b" * 64) as store:
            store.add([point(1, numbers(store, "second"))])
        with opened(path) as store:
            store.merge(tmp_path / "other.store")
            (found,) = store.points(Where(model="b"))

            assert (store.base_of(found).text, found.sweep) == ("spatten", 2)
            assert store.origin_of(found)["model"] == "b" * 64

    def test_a_point_that_differs_is_named_and_nothing_is_merged(self, path, tmp_path):
        fill(path, [1])
        with opened(tmp_path / "other.store") as store:
            where = numbers(store)
            store.add([point(1, where, totals=totals(5)), point(2, where)])
        with opened(path) as store:
            with pytest.raises(
                CheckError, match=f"1 points are in both stores with different totals, such as {key(1).hex()}"
            ):
                store.merge(tmp_path / "other.store")

            assert store.count() == 1

    def test_a_store_is_not_merged_into_itself(self, path):
        fill(path, [1])
        with opened(path) as store, pytest.raises(StoreError, match="into itself"):
            store.merge(path)


@pytest.fixture
def arch():
    from tokensieve.arch import Arch

    return Arch()


def change(path, statement):
    """Change a file behind the store's back."""
    db = sqlite3.connect(path)
    with db:
        db.execute(statement)
    db.close()
