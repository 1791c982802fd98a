"""A sweep end to end: in this process, through the pool, with and without a store."""

from itertools import pairwise

import numpy as np
import pytest
from bench.evaluators import Killing

from tokensieve.arch import Arch, load_arch
from tokensieve.arch.errors import SweepError
from tokensieve.explore.chunks import DIED, Chunks, Losses
from tokensieve.explore.columns import FPGA, totals_of
from tokensieve.explore.evaluate import Analytic, Figures
from tokensieve.explore.pool import Pool
from tokensieve.explore.price import FAILED, OK, REFUSED, Priced, Pricer
from tokensieve.explore.spec import sweep_from
from tokensieve.explore.store import Store
from tokensieve.explore.sweep import run_sweep
from tokensieve.explore.tasks import InProcess, Task
from tokensieve.report.sweep import answer, nothing_valid, sweep_page
from tokensieve.run.points import Cycle
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.sim.cost.fpga import fpga_figures

SMALL = {
    "workload": "bert-base-cola",
    "axes": {"topk.lanes": [4, 8, 16], "topk.engine": ["quickselect", "radix"], "dram.channels": [4, 16]},
}


class Counting(Analytic):
    """Counts the designs that it is asked for, and breaks down at some."""

    batch = 5

    def __init__(self, breaks=()):
        self.asked, self._breaks = 0, breaks

    def price(self, work, summary, designs):
        broken = np.isin(designs.column("topk.lanes"), self._breaks)
        if broken.any():
            raise ZeroDivisionError("made to break")
        self.asked += len(designs)
        return super().price(work, summary, designs)


def rows(store):
    return sorted((one.key, one.status, one.message, one.totals, dict(one.overrides)) for one in store.points())


def test_every_total_is_that_of_a_run_of_the_design():
    pricer = Pricer(sweep_from(SMALL), Analytic())

    [priced] = pricer.price(0, len(pricer.space))

    case, own = pricer.space.cases.case(0, 0), pricer.space.designs(0, 12).columns
    for i in (0, 5, 11):
        data = Arch().model_dump()
        for path, column in own.items():
            group, field = path.split(".")
            data[group][field] = column.item(i)
        machine = Arch.model_validate(data)
        wanted = totals_of(analytic_result(machine, case.decisions(machine.topk)))
        wanted |= zip((column.name for column in FPGA), fpga_figures(machine), strict=True)
        for name, column in priced.totals.items():
            if isinstance(wanted[name], str):
                assert column[i] == wanted[name], name
            elif name.startswith("cycles.") and name != "cycles.total":  # rounded layer by layer there
                assert abs(column[i] - wanted[name]) <= 12, name
            elif name != "operations.dense_equivalent":  # told by the reference there
                assert column[i] == pytest.approx(wanted[name], rel=1e-9), name


@pytest.mark.parametrize(("fixed", "sums"), [({}, [16, 32]), ({"importance.lanes": 4}, [4, 4])])
def test_importance_lanes_follow_an_axis_of_softmax_lanes_as_they_follow_set(fixed, sums):
    spec = sweep_from({"workload": "bert-base-cola", "axes": {"softmax.lanes": [16, 32]}, "set": fixed})
    pricer = Pricer(spec, Analytic())
    [priced] = pricer.price(0, 2)
    case = pricer.space.cases.case(0, 0)

    for i, (lanes, wanted) in enumerate(zip([16, 32], sums, strict=True)):
        machine = load_arch("spatten", [f"softmax.lanes={lanes}", *(f"{name}={one}" for name, one in fixed.items())])
        assert machine.importance.lanes == wanted
        assert (
            priced.totals["cycles.total"][i] == analytic_result(machine, case.decisions(machine.topk)).cycles["total"]
        )


def test_a_sweep_does_not_depend_on_how_it_is_cut():
    pricer = Pricer(sweep_from(SMALL), Analytic())

    [whole] = pricer.price(0, 12)
    parts = [pricer.price(low, high)[0] for low, high in ((0, 1), (1, 6), (6, 12))]

    for name, column in whole.totals.items():
        assert np.concatenate([part.totals[name] for part in parts]).tolist() == column.tolist(), name


def test_what_a_machine_refuses_is_counted_by_rule_and_stops_nothing(tmp_path):
    spec = sweep_from({**SMALL, "axes": {"topk.lanes": [8, 12, 16], "softmax.lanes": [1, 8]}})

    with Store.open(tmp_path / "s.db") as store:
        outcome = run_sweep(spec, Analytic(), store=store)
        stored = list(store.points())

    assert (outcome.designs, outcome.valid) == (6, 2)
    assert outcome.refused == {
        "softmax.fifo_lines x softmax.lanes must be at least topk.max_tokens = 1024": 2,
        "topk.lanes must be a power of two in 1..64": 2,
    }
    assert sorted(one.status for one in stored) == ["ok"] * 2 + ["refused"] * 4
    assert {one.message for one in stored if one.overrides["topk.lanes"] == 12} == {
        "topk.lanes must be a power of two in 1..64, got 12"
    }


def test_what_the_work_does_not_fit_is_refused_design_by_design():
    spec = sweep_from({"workload": "bert-base-cola", "axes": {"topk.max_tokens": [8, 1024]}})

    outcome = run_sweep(spec, Analytic())

    assert outcome.valid == 1
    assert list(outcome.refused.values()) == [1]
    assert "above topk.max_tokens = 8" in next(iter(outcome.refused))


def test_what_level_analytic_takes_for_something_else_is_refused_unless_allowed_whatever_the_store_holds(tmp_path):
    axes = {"workload": "bert-base-cola", "axes": {"dram.mapping": ["RoRaBgBaChCo", "RoBaRaCoCh"]}}
    with Store.open(tmp_path / "s.db") as store:
        careful, allowed, again = (
            run_sweep(sweep_from({**axes, "allow_rough": rough}), Analytic(), store=store)
            for rough in (False, True, False)
        )

    assert (careful.valid, allowed.valid, again.valid) == (1, 2, 1)
    assert "dram.mapping must be one whose consecutive granules" in next(iter(careful.refused))
    assert careful.refused == again.refused


def test_a_design_that_breaks_the_evaluator_is_kept_with_its_error(tmp_path):
    with Store.open(tmp_path / "s.db") as store:
        outcome = run_sweep(sweep_from(SMALL), Counting(breaks=[8]), store=store)
        failed = [one for one in store.points() if one.status == "failed"]

    assert outcome.valid == 8
    assert [one.overrides["topk.lanes"] for one in failed] == [8] * 4
    assert "ZeroDivisionError: made to break (price, line" in failed[0].message


def test_a_sweep_goes_on_from_its_store_and_prices_nothing_twice(tmp_path):
    part = {**SMALL, "axes": {**SMALL["axes"], "topk.lanes": [8, 16]}}
    with Store.open(tmp_path / "s.db") as store:
        run_sweep(sweep_from(part), Analytic(), store=store)
        counting = Counting()
        outcome = run_sweep(sweep_from(SMALL), counting, store=store)
        again = Counting()
        run_sweep(sweep_from(SMALL), again, store=store)
        resumed = rows(store)
    with Store.open(tmp_path / "other.db") as store:
        alone = run_sweep(sweep_from(SMALL), Analytic(), store=store)
        undisturbed = rows(store)

    assert (counting.asked, outcome.from_store, again.asked) == (4, 8, 0)
    assert resumed == undisturbed
    assert outcome.best == alone.best
    assert outcome.rows == alone.rows


def test_the_pool_finds_what_one_process_finds_and_outlives_a_worker():
    spec = sweep_from({**SMALL, "axes": {"topk.lanes": [4, 8, 16]}})
    tasks = [Task(low, low + 1, [np.ones(1, bool)], _Cut()) for low in range(3)]

    here = {task.low: priced for task, priced in InProcess(Pricer(spec, Analytic())).run(tasks)}
    pool = Pool(spec, Killing(), 1)
    there = {task.low: priced for task, priced in pool.run(tasks)}

    for low in (0, 2):
        assert there[low][0].status.tolist() == [OK]
        for name, column in here[low][0].totals.items():
            assert there[low][0].totals[name].tolist() == column.tolist()
    assert there[1][0].status.tolist() == [FAILED]
    assert there[1][0].messages == {0: DIED}
    assert pool.pids == []


def test_a_task_that_kills_two_workers_is_cut_in_halves():
    task, losses = Task(3, 6, [np.array([True, False, True])], _Cut()), Losses(2)

    [again], halves = losses.again(task), losses.again(task)

    assert again is task
    assert [(one.low, one.high, one.wanted[0].tolist()) for one in halves] == [(3, 4, [True]), (4, 6, [False, True])]


class _Cut:
    def part(self, low, high):
        return self


def test_level_cycle_keeps_the_whole_result(tmp_path):
    spec = sweep_from({"workload": "bert-base-cola", "level": "cycle", "axes": {"topk.lanes": [8, 16]}})

    with Store.open(tmp_path / "s.db") as store:
        outcome = run_sweep(spec, Cycle(), store=store)
        points = list(store.points())

    assert outcome.valid == 2
    assert all(one.full for one in points)
    assert outcome.best.figures["seconds"] == min(one.totals["cycles.total"] for one in points) / 1e9


def test_the_knee_gives_away_at_most_one_percent_for_less_area():
    outcome = run_sweep(sweep_from({**SMALL, "axes": {"topk.lanes": [1, 2, 4, 8, 16, 32, 64]}}), Analytic())

    seconds = {row.values["topk.lanes"]: row.wanted[0] for row in outcome.rows}
    near = [lanes for lanes, one in seconds.items() if one <= 1.01 * min(seconds.values())]
    assert outcome.best.values["topk.lanes"] == min(seconds, key=seconds.get)
    assert outcome.knee.values["topk.lanes"] == min(near)
    assert answer(outcome).startswith(f"Take topk.lanes {min(near)}; topk.lanes ")
    assert " more area." in answer(outcome)


def test_a_large_sweep_shows_its_front():
    axes = {"topk.lanes": [1, 2, 4, 8, 16, 32, 64], "dram.channels": [1, 2, 4, 8, 16, 32]}
    outcome = run_sweep(sweep_from({**SMALL, "axes": axes}), Analytic())

    wanted = [row.wanted for row in outcome.rows]
    assert not outcome.whole
    assert 1 < len(wanted) < 42
    assert all(a[0] < b[0] and a[1] > b[1] for a, b in pairwise(wanted))
    assert "the front, the best first" in sweep_page(outcome, "a sweep", 100)


def test_an_objective_may_be_wanted_large_and_be_a_formula():
    spec = {**SMALL, "objectives": ["max operations.effective / seconds", "energy_j.total"]}

    outcome = run_sweep(sweep_from(spec), Analytic())

    assert outcome.best.wanted[0] == max(row.wanted[0] for row in outcome.rows)


def test_constraints_keep_designs_out_before_and_after_they_are_priced():
    spec = {**SMALL, "constraints": ["topk.lanes > 4", "area_mm2.total < 12"]}

    outcome = run_sweep(sweep_from(spec), Analytic())

    assert (outcome.excluded, outcome.broken, outcome.valid) == (4, 4, 4)
    assert outcome.best.values["dram.channels"] == 4
    assert outcome.held["area_mm2.total < 12"] == 4


def test_constraints_that_nothing_satisfies_are_named():
    spec = {**SMALL, "constraints": ["area_mm2.total < 5", "area_mm2.total > 6"]}

    outcome = run_sweep(sweep_from(spec), Analytic())

    assert outcome.best is None
    assert "area_mm2.total < 5: 0 of 12 satisfy it" in nothing_valid(outcome)


def test_a_suite_is_judged_by_the_weighted_geometric_mean():
    alone = [
        run_sweep(sweep_from({**SMALL, "workload": name}), Analytic()).rows[0].wanted[0]
        for name in ("bert-base-cola", "bert-base-rte")
    ]
    suite = {"workloads": {"bert-base-cola": 3, "bert-base-rte": 1}, "axes": SMALL["axes"]}

    outcome = run_sweep(sweep_from(suite), Analytic())

    assert outcome.rows[0].wanted[0] == pytest.approx(alone[0] ** 0.75 * alone[1] ** 0.25)


def test_a_figure_that_does_not_exist_is_refused_with_the_nearest():
    with pytest.raises(SweepError, match=r"objectives: energy_j.totl is neither .* did you mean 'energy_j.total'"):
        run_sweep(sweep_from({**SMALL, "objectives": ["energy_j.totl"]}), Analytic())


def test_ctrl_c_keeps_what_is_done(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with Store.open(tmp_path / "s.db") as store, pytest.raises(KeyboardInterrupt):
        run_sweep(sweep_from(SMALL), Counting(), store=store, progress=stop)

    with Store.open(tmp_path / "s.db") as store:
        assert store.count() == 5


def test_status_numbers_are_those_of_a_store():
    from tokensieve.explore.stored import STATUSES

    assert (STATUSES[OK], STATUSES[REFUSED], STATUSES[FAILED]) == ("ok", "refused", "failed")


def test_an_evaluator_may_tell_of_single_failures():
    class Odd(Analytic):
        def price(self, work, summary, designs):
            figures = super().price(work, summary, designs)
            return Figures(figures.totals, failed={0: "no"} if designs.column("topk.lanes")[0] == 4 else {})

    outcome = run_sweep(sweep_from({**SMALL, "axes": {"topk.lanes": [4, 8, 16]}}), Odd())

    assert (outcome.valid, outcome.failed) == (2, {"no": 1})


def test_a_design_that_is_drawn_twice_is_priced_once_and_counted_twice(tmp_path):
    spec = {**SMALL, "axes": {"topk.lanes": [8, 16]}, "sampler": {"kind": "random", "points": 20}}
    counting = Counting()

    with Store.open(tmp_path / "s.db") as store:
        outcome = run_sweep(sweep_from(spec), counting, store=store)
        count = store.count()

    assert (outcome.valid, count) == (20, 2)
    assert counting.asked == 5


def test_tasks_are_about_a_second_of_work_and_enough_for_all_workers():
    def took(seconds, designs):
        return [Priced(np.full(designs, OK, np.int8), {}, {}, {}, seconds)]

    chunks = Chunks(batch=64, trial=1)
    sizes = [chunks.size(10_000, 2, 0.0)]
    for seconds, designs in ((4.0, 4), (0.1, 1), (0.001, 10)):
        chunks.took(took(seconds, designs))
        sizes.append(chunks.size(10_000, 2, 0.0))
    few = [Chunks(batch=64, trial=64) for _ in range(2)]
    few[1].took(took(0.1, 10))

    assert sizes == [1, 1, 10, 64]
    assert few[0].size(40, 2, 0.0) == 5
    assert (few[1].size(40, 2, 0.0), few[1].size(40, 2, 0.25)) == (5, 25)
