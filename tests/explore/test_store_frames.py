"""Points and results as data frames and files, under the names of `result.json`."""

import hashlib
import json
import re
import sys
from importlib.util import find_spec

import pytest
from bench.stores import fill, numbers, opened, point
from conftest import lacking

import tokensieve
from tokensieve.arch import CheckError, StoreError, ToolError, load_arch
from tokensieve.cli.app import call
from tokensieve.explore import Where, open_store
from tokensieve.explore.again import check_same, decisions_of
from tokensieve.explore.columns import DERIVED, ENERGY_UNITS, TOTALS, look_up, totals_of
from tokensieve.explore.stored import Base, Work
from tokensieve.run.simulate import run
from tokensieve.sim.reference.version import model_version
from tokensieve.workloads.benchmarks import find_workload, load_workload
from tokensieve.workloads.traces import default_trace, load_trace

RUN = ("run", "--workload", "bert-base-cola", "--set", "topk.lanes=8", "--level", "analytic", "--no-advice")
WORK = {"workload": find_workload("bert-base-cola").model_dump(mode="json"), "seed": 0, "scores": None}


@pytest.fixture
def frames():
    """The packages of the extra; without one the test is skipped, or fails in continuous integration."""
    for package in ("pandas", "polars", "pyarrow"):
        if find_spec(package) is None:
            lacking(f"{package} is missing: pip install -e '.[explore]'")


@pytest.fixture(scope="module")
def result():
    arch = load_arch("spatten", ["topk.lanes=8"])
    return run(arch, load_workload("bert-base-cola", arch), level="analytic", sets=["topk.lanes=8"])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "designs.store"


@pytest.fixture
def real(path, result):
    """A store with the totals of a run, of the version that runs."""
    store_result(path, result)
    return path


def store_result(path, result, **changes):
    with opened(path, model=model_version()) as store:
        arch = load_arch("spatten")
        base = store.base(Base(digest=arch.digest, arch=arch.model_dump(mode="json"), text="spatten"))
        where = numbers(store) | {"base": base, "workload": store.workload("real", "bert-base-cola", WORK)}
        told = {"overrides": {"topk.lanes": 8}, "totals": totals_of(result), "full": None} | changes
        store.add([point(1, where, **told)])


def test_a_run_has_every_column_and_every_figure_of_a_unit_has_one(result):
    told = result.to_dict()

    assert set(told["energy_j"]) == {*ENERGY_UNITS, "total"}
    assert [name for name, value in totals_of(result).items() if value is None] == []
    groups = ("cycles", "energy_j", "area_mm2", "reference")
    names = {f"{group}.{name}" for group in groups for name in told[group] if not name.startswith("layer_")}
    assert names <= {column.name for column in TOTALS}


def test_what_follows_from_totals_has_the_bits_of_the_result(real, result):
    with open_store(real) as store:
        columns = store.frame().columns()

    told = result.to_dict()
    assert {name: columns[name] for name in DERIVED} == {name: [look_up(told, name)] for name in DERIVED}


def test_time_follows_from_a_clock_that_is_swept(path, result):
    store_result(path, result, overrides={"clock.mhz": 500})
    with open_store(path) as store:
        assert store.frame().columns()["seconds"] == [result.cycles["total"] / 500e6]


def test_pandas_and_polars_have_the_same_rows_and_names(path, frames):
    fill(path, range(20))
    with open_store(path) as store:
        pandas, polars = store.to_pandas(), store.to_polars()

    assert list(pandas) == polars.columns
    assert pandas["topk.lanes"].tolist() == polars["topk.lanes"].to_list() == [i % 64 + 1 for i in range(20)]
    assert pandas["cycles.total"].isna().tolist() == [i % 10 == 9 for i in range(20)]
    assert (str(pandas["cycles.total"].dtype), str(pandas["id"].dtype)) == ("Int64", "int64")
    assert polars["cycles.total"].to_list() == [None if i % 10 == 9 else i + 1 for i in range(20)]
    assert set(polars["message"]) == {None, "topk.lanes must be a power of two"}


def test_a_field_that_some_points_leave_at_its_base_has_the_value_of_the_base(path):
    with opened(path) as store:
        where = numbers(store)
        given = [{"topk.lanes": 8}, {"topk.engine": "radix", "topk.comparators": 4}, {}]
        store.add(point(i, where, overrides=one) for i, one in enumerate(given))
        store.commit()
        columns = store.frame().columns()

    assert columns["topk.lanes"] == [8, 16, 16]
    assert columns["topk.engine"] == ["quickselect", "radix", "quickselect"]
    assert columns["topk.comparators"] == [None, 4, None]


def test_values_of_several_kinds_are_text(path):
    with opened(path) as store:
        where = numbers(store)
        store.add(point(i, where, overrides={"x.y": one}) for i, one in enumerate([1, "all", True, [1, 2]]))
        store.commit()

        assert store.frame().columns()["x.y"] == ["1", "all", "true", "[1,2]"]


def test_exported_files_hold_what_the_frame_holds(path, tmp_path, frames, capsys):
    import pandas

    fill(path, range(20))
    csv, parquet = tmp_path / "out.csv", tmp_path / "out.parquet"

    assert call(["store", "export", str(path), "--csv", str(csv)]) == 0
    assert call(["store", "export", str(path), "--parquet", str(parquet)]) == 0
    with open_store(path) as store:
        whole = store.to_pandas()
    read = pandas.read_csv(csv)
    assert list(read) == list(whole)
    assert read["energy_j.total"].equals(whole["energy_j.total"])
    assert read["key"].tolist() == whole["key"].tolist()
    assert pandas.read_parquet(parquet)["energy_j.total"].equals(whole["energy_j.total"])
    assert f"wrote 20 points to {csv}" in capsys.readouterr().out


def test_an_export_of_one_sweep_has_its_points_alone(path, tmp_path):
    fill(path, range(3))
    with opened(path) as store:
        store.add([point(5, numbers(store, "second"))])

    assert call(["store", "export", str(path), "--csv", str(tmp_path / "a.csv"), "--sweep", "2"]) == 0
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "one of --csv and --parquet must be given"),
        (["--csv", "a", "--parquet", "b"], "one of --csv and --parquet must be given"),
        (["--csv", "designs.store"], "--csv must not name a file that is read"),
        (["--csv", "none/a.csv"], "the directory none does not exist"),
        (["--csv", "a.csv", "--sweep", "7"], "--sweep must be one of 1, got 7"),
        (["--csv", "a.csv", "--model", "f"], "no single version of the cycle model is 'f'"),
    ],
)
def test_an_export_that_cannot_be_is_refused(path, monkeypatch, capsys, options, told):
    fill(path, [1])
    monkeypatch.chdir(path.parent)

    assert call(["store", "export", path.name, *options]) == 2
    assert told in capsys.readouterr().err
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("package", ["pandas", "polars", "pyarrow"])
def test_a_package_that_is_missing_is_named_with_what_installs_it(path, tmp_path, monkeypatch, capsys, package):
    fill(path, [1])
    monkeypatch.setitem(sys.modules, package, None)
    told = f"{package} is missing: pip install -e '.[explore]'"
    if package == "pyarrow":
        assert call(["store", "export", str(path), "--parquet", str(tmp_path / "a.parquet")]) == 3
        assert told in capsys.readouterr().err
        assert not (tmp_path / "a.parquet").exists()
        return
    with open_store(path) as store, pytest.raises(ToolError) as problem:
        getattr(store, f"to_{package}")()
    assert str(problem.value) == told


def test_info_counts_what_a_store_holds(path, capsys):
    fill(path, range(20))

    assert call(["store", "info", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["points"] == 20
    assert told["status"] == {"ok": 18, "refused": 2}
    assert told["bytes"] == path.stat().st_size
    assert told["workloads"] == [{"id": 1, "name": "bert-base-cola", "points": 20}]
    assert call(["store", "info", str(path)]) == 0
    assert "points, refused" in capsys.readouterr().out


def test_a_point_shows_what_was_set_and_what_it_cost(real, result, capsys):
    assert call(["store", "show", str(real), "1", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["set"] == {"topk.lanes": 8}
    assert told["totals"]["cycles.total"] == result.cycles["total"]
    assert told["totals"]["seconds"] == result.seconds
    assert told["provenance"]["model"] == model_version()


def test_a_point_in_full_has_the_bytes_of_the_run(real, capsys):
    assert call(["store", "show", str(real), "1", "--full", "--quiet"]) == 0
    shown = capsys.readouterr().out
    assert call([*RUN, "--json"]) == 0

    assert without_times(shown) == without_times(capsys.readouterr().out)


def test_the_trace_of_a_point_is_read_where_its_bytes_are_those_of_the_sweep(tmp_path):
    arch, shipped = load_arch(), default_trace()
    digest = hashlib.sha256(shipped.read_bytes()).hexdigest()
    (tmp_path / "other.npz").write_bytes(b"")

    work = Work(digest="w", name="/gone/mine.npz", data={"trace": digest})
    assert decisions_of(work, arch).digest == load_trace(shipped, arch).digest
    work = Work(digest="w", name="/gone/mine.npz", data={"trace": "0" * 64})
    with pytest.raises(StoreError, match=r"mine.npz: the trace with SHA-256 0{12}... is not there; name its file"):
        decisions_of(work, arch)
    with pytest.raises(StoreError, match=r"is not .*other.npz"):
        decisions_of(work, arch, tmp_path / "other.npz")


def test_a_whole_result_that_is_stored_is_printed_as_it_is(path, capsys):
    fill(path, [0])

    assert call(["store", "show", str(path), "1", "--full"]) == 0
    assert capsys.readouterr().out == '{"n": 0}'


def test_a_point_of_another_version_is_not_computed_anew(path, capsys):
    fill(path, [1])

    assert call(["store", "show", str(path), "1", "--full"]) == 2
    assert "was made by version aaaaaaaaaaaa of the cycle model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "distance", "same"),
    [
        ("cycles.total", 1, False),
        ("cycles.compute", 12, True),
        ("cycles.compute", 50, False),
        ("traffic.lsb_rows", 1, False),
        ("energy_j.ranking", 1e-9, True),
        ("energy_j.total", 1e-6, False),
        ("area_mm2.topk", 1e-6, False),
        ("bottleneck", None, True),
    ],
)
def test_a_point_computed_anew_is_the_stored_one_but_for_how_a_batch_rounds(result, name, distance, same):
    """On the shortest workload: 4,060 cycles in 12 layers."""
    stored = totals_of(result)
    changed = "pv" if distance is None else stored[name] + distance
    one = point(1, {"base": 1, "workload": 1, "sweep": 1}, totals=stored | {name: changed}, id=7)
    if same:
        check_same(one, result)
    else:
        with pytest.raises(
            CheckError, match=re.escape(f"point 7: {name} is {changed} in the store, and {stored[name]}")
        ):
            check_same(one, result)


def test_a_point_that_comes_out_otherwise_is_a_failed_check(path, result, capsys):
    store_result(path, result, totals=totals_of(result) | {"cycles.total": 1})

    assert call(["store", "show", str(path), "1", "--full"]) == 1
    assert f"cycles.total is 1 in the store, and {result.cycles['total']} computed anew" in capsys.readouterr().err


def test_a_refused_point_has_no_result_but_its_rule(path, capsys):
    fill(path, [9])

    assert call(["store", "show", str(path), "1", "--full"]) == 2
    assert "it was refused: topk.lanes must be a power of two" in capsys.readouterr().err


def test_stores_are_merged_by_the_command(path, tmp_path, capsys):
    other = tmp_path / "other.store"
    fill(other, range(5))

    assert call(["store", "merge", str(path), str(other)]) == 0
    assert f"5 points from {other}" in capsys.readouterr().out
    assert call(["store", "merge", str(tmp_path / "new.store"), str(tmp_path / "none.store")]) == 2
    assert not (tmp_path / "new.store").exists()


class TestResultFile:
    """A folder of `run --out`, read as a store is."""

    @pytest.fixture
    def folder(self, tmp_path, result):
        (tmp_path / "result.json").write_text(result.to_json())
        return tmp_path

    def test_its_totals_have_the_names_and_values_of_a_store(self, folder, real, frames):
        read = tokensieve.open_result(folder).to_pandas()
        with open_store(real) as store:
            stored = store.to_pandas(Where())

        names = [name for name in read if name != "workload"]
        assert {*DERIVED, "topk.lanes", "cycles.total", "arch", "level"} <= set(names) <= set(stored)
        assert read[names].iloc[0].tolist() == stored[names].iloc[0].tolist()

    def test_layers_and_units_are_tables_of_their_own(self, folder, result, frames):
        read = tokensieve.open_result(folder / "result.json")

        assert read.to_pandas("layers")["cycles.total"].tolist() == [one.cycles["total"] for one in result.layers]
        units = read.to_polars("units")
        assert dict(zip(units["unit"], units["energy_j"], strict=True))["dram"] == result.energy_j["dram"]
        with pytest.raises(StoreError, match="must be one of totals, layers, units, got 'rows'"):
            read.to_pandas("rows")

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            (None, "is a folder without a result.json"),
            ("{", "is no JSON"),
            ("{}", "is no result of tokensieve run"),
            ('{"level": "cycle", "schema_version": 2}', "schema_version must be 1, got 2"),
        ],
    )
    def test_what_is_no_result_is_refused(self, tmp_path, text, told):
        if text is not None:
            (tmp_path / "result.json").write_text(text)

        with pytest.raises(StoreError, match=told):
            tokensieve.open_result(tmp_path)


def without_times(text):
    told = json.loads(text)
    del told["provenance"]["times"]
    return json.dumps(told)
