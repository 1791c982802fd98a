"""A guided search end to end: what it finds, how it goes on, which designs it reports as invalid."""

import numpy as np
import pytest

from tokensieve.arch.errors import SweepError
from tokensieve.explore.evaluate import Analytic
from tokensieve.explore.front import front
from tokensieve.explore.promote import promote, ranked
from tokensieve.explore.search import METHODS, Options, run_search
from tokensieve.explore.spec import sweep_from
from tokensieve.explore.store import Store
from tokensieve.explore.sweep import run_sweep
from tokensieve.report.search import cost, search_object, search_page

SPACE = {
    "workload": "bert-base-cola",
    "axes": {
        "topk.lanes": [4, 8, 16],
        "topk.engine": ["quickselect", "radix"],
        "dram.channels": [2, 4, 8, 16],
        "softmax.lanes": [2, 4, 8],
        "key_sram.kib": [48, 96, 196],
    },
    "derived": {"softmax.fifo_lines": "max_tokens / lanes"},
    "objectives": ["seconds", "area_mm2.total", "energy_j.total"],
}
"""216 designs."""

FEW = Options(evaluations=60, seed=1, batch=6)


class Counting(Analytic):
    """Counts the designs that it prices, and may be stopped after some of them."""

    def __init__(self, stop=None):
        self.asked, self._stop = 0, stop

    def price(self, work, summary, designs):
        if self._stop is not None and self.asked + len(designs) > self._stop:
            raise KeyboardInterrupt
        self.asked += len(designs)
        return super().price(work, summary, designs)


@pytest.fixture(scope="module")
def spec():
    return sweep_from(SPACE)


@pytest.fixture(scope="module")
def whole(spec):
    return run_search(spec, Analytic(), Options(evaluations=216))


@pytest.fixture(scope="module")
def found(spec):
    return run_search(spec, Analytic(), FEW)


def points(one):
    return {tuple(row.wanted) for row in one.outcome.rows}


def told(one):
    return search_object(one, None, None, "t")


def test_a_space_that_may_be_tried_whole_is_and_its_front_is_that_of_all_designs(spec, whole):
    grid = run_sweep(spec, Analytic())

    assert (len(whole.tried), whole.asked, whole.outcome.valid) == (216, 216, grid.valid)
    assert whole.tried.designs[:2] == [(0, 0, 0, 0, 0), (0, 0, 0, 0, 1)]
    every = whole.archive.small(whole.wanted)
    beaten = [any((every <= one[:, None]).all(axis=0) & (every < one[:, None]).any(axis=0)) for one in every.T]
    assert points(whole) == {tuple(one) for one, is_beaten in zip(every.T, beaten, strict=True) if not is_beaten}
    assert whole.outcome.best.wanted[:2] == grid.best.wanted[:2]


def test_a_quarter_of_the_designs_finds_most_of_the_front_and_more_than_chance(spec, whole, found):
    by_chance = run_search(spec, Analytic(), Options(evaluations=60, seed=1, batch=6, method="random"))

    share, chance = (len(points(one) & points(whole)) / len(points(whole)) for one in (found, by_chance))
    assert len(found.tried) == 60
    assert share >= 0.7
    assert share > chance
    assert [row.wanted[i] for i, row in enumerate(found.best)] == [row.wanted[i] for i, row in enumerate(whole.best)]


def test_a_search_never_tries_a_design_twice_and_the_same_seed_tries_the_same(spec, found):
    again, other = run_search(spec, Analytic(), FEW), run_search(spec, Analytic(), Options(60, 2, batch=6))

    assert len(set(found.tried.designs)) == 60
    assert again.tried.designs == found.tried.designs
    assert told(again) == told(found)
    assert other.tried.designs != found.tried.designs


@pytest.mark.parametrize("method", [one for one in METHODS if not one.startswith("gp")])
def test_every_sampler_tries_as_many_designs_as_it_may(spec, method):
    found = run_search(spec, Analytic(), Options(evaluations=30, method=method, batch=10, population=10))

    assert len(set(found.tried.designs)) == 30
    assert found.asked >= 30


def test_a_search_that_was_stopped_goes_on_from_its_store_and_prices_nothing_twice(spec, found, tmp_path):
    first, second, third = Counting(stop=33), Counting(), Counting()
    with Store.open(tmp_path / "s.db") as store, pytest.raises(KeyboardInterrupt):
        run_search(spec, first, FEW, store=store)
    with Store.open(tmp_path / "s.db") as store:
        resumed = run_search(spec, second, FEW, store=store)
        repeated = run_search(spec, third, FEW, store=store)
        assert store.repeated == 0

    assert first.asked + second.asked == 60
    assert first.asked >= 30
    assert (resumed.outcome.from_store, repeated.outcome.from_store, third.asked) == (first.asked, 60, 0)
    assert points(resumed) == points(repeated) == points(found)
    assert resumed.tried.designs == found.tried.designs
    assert resumed.outcome.best == found.outcome.best


def test_what_a_sweep_left_in_a_store_is_not_priced_by_a_search(spec, found, tmp_path):
    evaluator = Counting()
    with Store.open(tmp_path / "s.db") as store:
        run_sweep(spec, Analytic(), store=store)
        after = run_search(spec, evaluator, FEW, store=store)
        assert len(store.info()["sweeps"]) == 1

    assert evaluator.asked == 0
    assert points(after) == points(found)


def test_designs_that_are_no_machine_are_stored_with_the_rule_and_the_rest_is_searched(tmp_path):
    axes = {**SPACE["axes"], "topk.lanes": [4, 6, 8, 12, 16]}
    with Store.open(tmp_path / "s.db") as store:
        found = run_search(sweep_from({**SPACE, "axes": axes}), Analytic(), FEW, store=store)
        refused = [one for one in store.points() if one.status == "refused"]

    assert found.outcome.designs == 60
    assert found.outcome.refused == {"topk.lanes must be a power of two in 1..64": len(refused)}
    assert 0 < len(refused) < 30
    assert {one.overrides["topk.lanes"] for one in refused} <= {6, 12}
    assert {row.values["topk.lanes"] for row in found.outcome.rows} <= {4, 8, 16}


def test_constraints_are_obeyed_and_those_of_the_design_alone_cost_no_pricing():
    limits = ["area_mm2.total < 8", "dram.channels <= 8"]
    evaluator = Counting()
    found = run_search(sweep_from({**SPACE, "constraints": limits}), evaluator, FEW)

    assert found.outcome.rows
    assert all(row.fits and row.figures["area_mm2.total"] < 8 for row in found.outcome.rows)
    assert all(row.values["dram.channels"] <= 8 for row in found.outcome.rows)
    assert found.outcome.excluded + found.outcome.broken + found.outcome.valid == 60
    assert evaluator.asked == 60 - found.outcome.excluded


def test_a_figure_that_is_wanted_large_is_searched_upwards(spec):
    upwards = {**SPACE, "objectives": ["max tokens_per_second", "area_mm2.total"]}
    found, whole = (run_search(sweep_from(upwards), Analytic(), Options(many)) for many in (80, 216))

    assert found.best[0].wanted[0] == whole.best[0].wanted[0] == np.nanmax(whole.wanted[0])


def test_axes_that_move_together_are_one_step_and_unordered_values_are_all_one_step_away():
    axes = {"topk.lanes": [16, 4, 8], "key_sram.kib": [48, 96], "value_sram.kib": [48, 96], "dram.channels": [2, 4, 8]}
    data = {**SPACE, "axes": axes, "derived": {}, "zip": [["key_sram.kib", "value_sram.kib"]]}
    found = run_search(sweep_from(data), Analytic(), Options(evaluations=12, batch=4))

    assert found.size == 18
    assert all(row.values["key_sram.kib"] == row.values["value_sram.kib"] for row in found.outcome.rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "nsga"}, "--sampler must be one of .*, got 'nsga'; did you mean"),
        ({"evaluations": 0}, r"--evaluations must be in 1\.\.10000000, got 0"),
        ({"batch": 0}, r"--batch must be in 1\.\.65536, got 0"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(SweepError, match=message):
        Options(**options)


def test_an_axis_without_steps_is_refused():
    axes = {"topk.lanes": [4, 8], "clock.mhz": {"low": 500.0, "high": 1000.0}}
    data = {**SPACE, "axes": axes, "derived": {}, "sampler": {"kind": "random", "points": 4}}

    with pytest.raises(SweepError, match=r"axes.clock.mhz must be a list, or have step, times or count"):
        run_search(sweep_from(data), Analytic(), FEW)


class Off(Analytic):
    """Says that every design takes a tenth longer, and four times as long with 16 channels; refuses some."""

    level = "cycle"

    def price(self, work, summary, designs):
        figures = super().price(work, summary, designs)
        slow = np.where(designs.column("dram.channels") == 16, 4, 1.1)
        cycles = (figures.totals["cycles.total"] * slow).astype(np.int64)
        return type(figures)({**figures.totals, "cycles.total": cycles})


def test_promoted_designs_are_priced_at_the_closer_level_and_the_distance_is_told(spec, whole, tmp_path):
    with Store.open(tmp_path / "s.db") as store:
        first = promote(whole, spec, Off(), 12, store=store)
        again = promote(whole, spec, Off(), 12, store=store)
        assert {one.level for one in store.points()} == {"cycle"}

    time, area, energy = first.apart
    fronts = whole.wanted[:, first.numbers[: first.of_front]], first.closer[:, : first.of_front]
    assert time.median == pytest.approx(np.median(abs(fronts[0][0] / fronts[1][0] - 1)))
    assert time.largest == pytest.approx(0.75, abs=1e-3) or first.of_front < 12
    assert (area.largest, area.lost, energy.largest) == (0, 0, 0)
    best = min(range(12), key=lambda i: tuple(first.screened[:, i]))
    assert time.lost == pytest.approx(first.closer[0, best] / first.closer[0].min() - 1)
    assert {row.number for row in first.outcome.rows} <= set(first.numbers.tolist())
    assert again.outcome.from_store == 12
    assert again.apart == first.apart


def test_a_row_of_a_promoted_front_is_the_same_design_as_in_the_search(spec, whole):
    promoted = promote(whole, spec, Off(), 12)

    for row in promoted.outcome.rows:
        assert dict(row.values) == dict(whole.archive.row(row.number).values)
    machine, [case] = promoted.archive.machine(0)
    assert machine.topk.lanes == whole.archive.row(int(promoted.numbers[0])).values["topk.lanes"]
    assert case.name == "bert-base-cola"


def test_what_is_promoted_is_the_front_then_the_front_of_the_rest():
    small = np.array([[1.0, 2.0, 3.0, 2.0, 3.0, np.nan], [3.0, 2.0, 1.0, 3.0, 3.0, 0.0]])

    assert front(small).tolist() == [0, 1, 2]
    assert [ranked(small, most)[0].tolist() for most in (2, 3, 4, 9)] == [
        [0, 2],
        [0, 1, 2],
        [0, 1, 2, 3],
        [0, 1, 2, 3, 4],
    ]
    assert [ranked(small, most)[1] for most in (2, 9)] == [2, 3]


def test_the_page_says_what_was_found_and_what_it_cost(spec, whole, found):
    page = search_page(found, promote(found, spec, Off(), 8), None, "a title", 100)

    assert page.startswith("a title, then cycle: the front, the best first")
    assert "A space of 216 designs, 60 tried, 28 %, by nsga2+steps with seed 1." in page.replace("\n", " ")
    assert "Priced again at level cycle: 8 designs" in page
    assert page.count("\nBest ") == 3
    assert "\nTake " in page
    assert "all of them" in cost(whole)
