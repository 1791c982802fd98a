"""What a store answers: its front, its best design, and the paper's machine beside them."""

import json
import sys

import numpy as np
import pytest

from tokensieve.arch.errors import StoreError, SweepError
from tokensieve.cli.app import call
from tokensieve.explore import Store, open_store
from tokensieve.explore.evaluate import Analytic
from tokensieve.explore.front import front
from tokensieve.explore.marked import marked
from tokensieve.explore.spec import sweep_from
from tokensieve.explore.sweep import run_sweep

AXES = {"topk.lanes": [4, 12, 16], "topk.engine": ["quickselect", "radix"], "dram.channels": [8, 16]}


def swept(path, **changes):
    spec = sweep_from({"workload": "bert-base-cola", "axes": AXES, **changes})
    with Store.open(path) as store:
        return run_sweep(spec, Analytic(), store=store)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A store of a sweep of twelve designs, four of which are refused."""
    path = tmp_path_factory.mktemp("answers") / "designs.store"
    swept(path)
    return path


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """A store of eight designs on two workloads, the first of which counts twice, and what the sweep said of them."""
    path = tmp_path_factory.mktemp("answers") / "suite.store"
    spec = {"workload": None, "workloads": {"bert-base-cola": 2, "bert-base-rte": 1}}
    return path, swept(path, **spec)


def told(capsys, *arguments):
    assert call([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def beats(a, b):
    return (a <= b).all() and (a < b).any()


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_the_front_has_what_no_other_beats_and_one_of_equals(objectives):
    points = np.random.default_rng(objectives).integers(0, 6, (objectives, 60)).astype(float)
    points[0, 7] = np.nan

    places = front(points).tolist()

    alive = [i for i in range(60) if i != 7 and not any(beats(points[:, j], points[:, i]) for j in range(60))]
    assert {tuple(points[:, i]) for i in places} == {tuple(points[:, i]) for i in alive}
    assert len(places) == len({tuple(points[:, i]) for i in places})
    assert points[0, places].tolist() == sorted(points[0, places])


def test_the_front_of_a_store_is_that_of_its_points(path):
    with open_store(path) as store:
        found = store.pareto("energy_j.total", "seconds")
        frame = store.frame().columns()

    good = [i for i, status in enumerate(frame["status"]) if status == "ok"]
    both = {frame["id"][i]: np.array([frame["energy_j.total"][i], frame["seconds"][i]]) for i in good}
    wanted = {n for n, one in both.items() if not any(beats(other, one) for other in both.values())}
    assert {row["ids"][0] for row in found.rows()} == wanted
    assert found.others.shape == (2, 8)


def test_what_is_wanted_large_turns_the_front_around(path):
    with open_store(path) as store:
        slow = store.pareto("seconds", "area_mm2.total").rows()
        fast = store.pareto("max tokens_per_second", "area_mm2.total").rows()

    assert [row["ids"] for row in fast] == [row["ids"] for row in slow]


def test_a_condition_may_name_a_field_that_nobody_set(path):
    with open_store(path) as store:
        some = store.pareto("seconds", "edp_js", where="topk.engine == 'radix' and topk.lanes < 16").rows()
        none_lost = store.pareto("seconds", "edp_js", where=["softmax.lanes == 8"]).rows()
        with pytest.raises(StoreError, match=r"no design satisfies softmax\.lanes < 8"):
            store.pareto("seconds", "edp_js", where="softmax.lanes < 8")

    assert {(row["values"]["topk.engine"], row["values"]["topk.lanes"]) for row in some} == {("radix", 4)}
    assert none_lost


def test_rates_follow_from_time_energy_area_and_tokens(path):
    with open_store(path) as store:
        row = {name: column[0] for name, column in store.frame().columns().items()}

    assert row["tokens"] == 11
    assert row["tokens_per_second"] == pytest.approx(11 / row["seconds"])
    assert row["ms_per_token"] * row["tokens_per_second"] == pytest.approx(1000)
    assert row["joules_per_token"] == pytest.approx(row["energy_j.total"] / 11)
    assert row["edp_js"] == pytest.approx(row["energy_j.total"] * row["seconds"])
    assert row["gops_per_watt"] == pytest.approx(row["operations.effective"] / row["energy_j.total"] * 1e-9)
    assert row["gops_per_mm2"] == pytest.approx(row["throughput_gops.effective"] / row["area_mm2.total"])


def test_tokens_of_a_decode_are_those_that_it_generates(tmp_path):
    work = {"workload": "gpt2-small-wikitext2", "axes": {"topk.lanes": [16]}, "objectives": ["max tokens_per_second"]}
    outcome = swept(tmp_path / "s.db", **work)
    with open_store(tmp_path / "s.db") as store:
        row = {name: column[0] for name, column in store.frame().columns().items()}

    assert row["tokens"] == 32
    assert outcome.best.wanted[0] == row["tokens_per_second"] == 32 / row["seconds"]


def test_means_over_a_suite_are_those_of_its_sweep(suite):
    path, outcome = suite
    with open_store(path) as store:
        best = store.best("seconds", "area_mm2.total")
        one = store.best("seconds", workload="bert-base-rte")

    assert best.best["figures"]["seconds"] == pytest.approx(outcome.best.figures["seconds"], rel=1e-12)
    assert best.best["values"] == dict(outcome.best.values)
    assert best.knee["values"] == dict(outcome.knee.values)
    assert len(best.best["ids"]) == 2
    assert one.best["figures"]["seconds"] > best.best["figures"]["seconds"]


def test_designs_that_are_not_on_all_workloads_are_left_out_and_counted(tmp_path, capsys):
    path = tmp_path / "s.db"
    swept(path)
    swept(path, workload="bert-base-rte", axes={"topk.lanes": [4]}, set={"dram.channels": 8})

    both = told(capsys, "pareto", str(path))
    assert (both["compared"], both["partial"]) == (1, 7)
    assert call(["pareto", str(path), "--where", "dram.channels == 16"]) == 2
    assert "no design satisfies dram.channels == 16" in capsys.readouterr().err
    assert told(capsys, "pareto", str(path), "--workload", "bert-base-cola")["compared"] == 8
    assert told(capsys, "pareto", str(path), "--sweep", "2")["compared"] == 1


def test_constraints_are_kept_or_counted(path, capsys):
    free, tight = told(capsys, "best", str(path)), told(capsys, "best", str(path), "--constraint", "dram.channels < 16")

    assert free["best"]["values"]["dram.channels"] == 16
    assert tight["best"]["values"]["dram.channels"] == 8
    assert (tight["compared"], tight["fitting"], tight["held"]) == (8, 4, {"dram.channels < 16": 4})
    assert free["knee"]["figures"]["seconds"] <= 1.01 * free["best"]["figures"]["seconds"]
    assert call(["best", str(path), "--constraint", "area_mm2.total < 1"]) == 2
    assert "area_mm2.total < 1: 0 of 8 satisfy it" in capsys.readouterr().err


def test_constraints_of_the_sweep_that_are_not_given_anew_are_named(tmp_path, capsys):
    path, held = tmp_path / "held.store", ["area_mm2.total < 12.7", "topk.lanes <= 16"]
    swept(path, constraints=held)
    swept(path, workload="bert-base-rte")

    def noted(*arguments):
        assert call([*arguments[:1], str(path), "--json", *arguments[1:]]) == 0
        return capsys.readouterr().err

    both = f"the sweep's constraints ({'; '.join(held)}) are not applied here"
    assert noted("best") == f"{both}; --constraint adds them\n"
    assert noted("pareto", "--mark", "none") == f"{both}; --where adds them\n"
    assert noted("best", "--constraint", "area_mm2.total<12.7") == (
        "the sweep's constraints (topk.lanes <= 16) are not applied here; --constraint adds them\n"
    )
    assert noted("best", "--constraint", held[0], "--where", held[1]) == ""
    assert noted("best", "--sweep", "2") == noted("best", "--quiet") == ""


def test_the_marked_machine_costs_what_its_own_point_costs(path):
    with open_store(path) as store:
        found = store.pareto("energy_j.total", "seconds").designs
        beside = marked(store, found, "spatten")
        own = store.best("seconds", where=["topk.lanes == 16", "topk.engine == 'quickselect'", "dram.channels == 16"])

    assert beside.columns["seconds"][0] == own.best["figures"]["seconds"]
    assert beside.columns["tokens"][0] == 11


def test_points_of_two_levels_are_not_mixed(path, tmp_path, capsys):
    import sqlite3
    from shutil import copy

    mixed = tmp_path / "mixed.store"
    copy(path, mixed)
    with sqlite3.connect(mixed) as db:
        db.execute("UPDATE point SET level = 'cycle' WHERE id % 2 = 0")
    db.close()

    assert call(["pareto", str(mixed)]) == 2
    assert "holds points of levels" in capsys.readouterr().err
    assert told(capsys, "pareto", str(mixed), "--level", "analytic")["level"] == "analytic"


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_front_is_drawn_with_units_and_the_same_bytes(path, kind, tmp_path, capsys):
    files = [tmp_path / f"{name}.{kind}" for name in "ab"]
    for file in files:
        assert call(["pareto", str(path), "--plot", str(file)]) == 0

    first, again = (file.read_bytes() for file in files)
    assert first == again
    assert first.startswith(b"\x89PNG" if kind == "png" else b"<?xml")
    if kind == "svg":
        assert all(text in first for text in (b"energy, uJ", b"time, us", b"spatten", b"front"))
    assert "as good as spatten or better" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pareto", "STORE", "--x", "energy.total"), "pareto: energy.total is neither a figure of the result nor"),
        (("pareto", "STORE", "--x", "secnds"), "did you mean 'seconds'?"),
        (("pareto", "STORE", "--where", "topk.lane < 8"), "did you mean 'topk.lanes'?"),
        (("pareto", "STORE", "--where", "topk.lanes"), "--where: a comparison is expected"),
        (("pareto", "STORE", "--workload", "bert-base-col"), "did you mean 'bert-base-cola'?"),
        (("pareto", "STORE", "--sweep", "7"), "--sweep must be one of 1, got 7"),
        (("pareto", "STORE", "--level", "rtl"), "--level must be one of analytic, got 'rtl'"),
        (("pareto", "STORE", "--plot", "front.pdf"), "--plot must end in .png or .svg, got 'front.pdf'"),
        (("pareto", "STORE", "--mark", "spaten"), "did you mean 'spatten'?"),
        (("pareto", "STORE", "--x", "speedup"), "no point has speedup"),
        (("best", "STORE", "--objective", "max token_per_second"), "did you mean 'tokens_per_second'?"),
        (("best", "STORE", "--constraint", "area < 5"), "--constraint: area is neither a figure"),
        (("best", "nowhere.store"), "nowhere.store"),
    ],
)
def test_a_question_that_has_no_answer_is_refused_in_words(path, arguments, message, capsys):
    assert call([str(path) if one == "STORE" else one for one in arguments]) == 2

    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert message in err


def test_one_objective_makes_no_front(path):
    with open_store(path) as store, pytest.raises(SweepError, match="two objectives or more"):
        store.pareto("seconds")


def test_asking_needs_no_plotting_and_no_frames(path, monkeypatch, capsys):
    for name in ("matplotlib", "pandas", "polars"):
        monkeypatch.setitem(sys.modules, name, None)

    assert call(["pareto", str(path)]) == call(["best", str(path)]) == 0
    assert capsys.readouterr().out
