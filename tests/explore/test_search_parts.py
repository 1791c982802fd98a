"""The parts of a guided search: steps from a front, hypervolume, the study."""

from importlib.util import find_spec

import numpy as np
import pytest
from conftest import lacking

from tokensieve.explore import search
from tokensieve.explore.archive import scaled
from tokensieve.explore.axes import Axis
from tokensieve.explore.evaluate import Analytic
from tokensieve.explore.front import knee_of
from tokensieve.explore.hypervolume import hypervolume
from tokensieve.explore.search import Options, as_told, is_ordered, run_search
from tokensieve.explore.spec import sweep_from
from tokensieve.explore.steps import Steps
from tokensieve.explore.study import Study


@pytest.fixture
def optuna():
    """The package of the extra; without it the test is skipped, or fails in continuous integration."""
    if find_spec("optuna") is None:
        lacking("Optuna is missing: pip install -e '.[explore]'")


def test_steps_are_neighbours_of_the_front_that_were_not_tried():
    steps = Steps([4, 3], [True, False])
    tried = [(1, 0), (3, 2)]

    proposed = steps.next(tried, np.array([[1.0, 5.0], [1.0, 5.0]]), 99)

    assert sorted(proposed) == [(0, 0), (1, 1), (1, 2), (2, 0)]
    assert steps.next(tried, np.full((2, 2), np.nan), 99) == []
    assert len(steps.next(tried, np.array([[1.0, 5.0], [1.0, 5.0]]), 2)) == 2


def test_a_step_passes_over_what_is_known_not_to_be_valid():
    steps = Steps([5], [True])

    assert steps.next([(1,)], np.array([[1.0], [1.0]]), 9) == [(0,), (2,)]
    points = np.array([[1.0, np.nan, np.nan], [1.0, np.nan, np.nan]])
    assert steps.next([(1,), (2,), (0,)], points, 9) == [(3,)]


def test_a_step_that_gained_elsewhere_comes_before_one_that_lost():
    steps = Steps([3, 3], [True, True])
    tried = [(0, 2), (1, 2), (0, 1), (0, 0)]
    # Up on the first dimension halves both figures; from (1, 2) down on the second doubles them, as from (0, 2).
    points = np.log(np.array([[4.0, 2.0, 8.0, 16.0], [4.0, 2.0, 8.0, 16.0]]))

    assert steps.next([*tried, (2, 2)], np.c_[points, np.log([[1.0], [1.0]])], 2)[0] == (2, 1)
    assert steps.next(tried, points, 2)[0] == (2, 2)  # never seen, so it is tried


def test_hypervolume_of_boxes_is_their_union():
    assert hypervolume(np.array([[1.0], [1.0], [1.0]]), np.array([3.0, 2.0, 4.0])) == 6.0
    two = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert hypervolume(two, np.array([2.0, 2.0, 2.0])) == 3.0
    assert hypervolume(np.array([[3.0], [0.0]]), np.array([2.0, 2.0])) == 0.0
    assert hypervolume(np.array([[np.nan, 0.0], [0.0, 0.0]]), np.array([2.0, 2.0])) == 4.0


def test_hypervolume_agrees_with_counting_cells():
    points = np.random.default_rng(5).integers(0, 6, (3, 9)).astype(float)
    cells = np.stack(np.meshgrid(*[np.arange(6)] * 3, indexing="ij")).reshape(3, -1)

    covered = (points[:, :, None] <= cells[:, None, :]).all(axis=0).any(axis=0).sum()

    assert hypervolume(points, np.full(3, 6.0)) == covered


def test_a_study_asks_first_for_what_it_is_given_and_then_for_the_same_with_the_same_seed(optuna):
    asked = []
    for _ in range(2):
        study = Study("nsga2", 3, [4, 3], [True, False], 2)
        asked.append(study.ask(5, [(3, 2), (0, 1)]))
        study.tell([[float(sum(one)), 1.0] for one in asked[-1]], [0] * 5)
        asked.append(study.ask(5))
        assert study.asked == 10

    assert asked[0][:2] == [(3, 2), (0, 1)]
    assert asked[:2] == asked[2:]
    assert all(0 <= a < 4 and 0 <= b < 3 for a, b in asked[0])


def test_a_study_learns_which_designs_are_none(optuna):
    study = Study("nsga2", 0, [50, 3, 3, 3], [True] * 4, 2, population=10)  # of one dimension all would be mutated
    for _ in range(12):
        designs = study.ask(10)
        study.tell([[1.0 + d[0], 60.0 - d[0]] for d in designs], [2 * (d[0] >= 10) for d in designs])

    assert np.mean([d[0] < 10 for d in study.ask(10)]) > 0.6  # of chance: 0.2


def test_the_knee_is_the_cheapest_near_the_best_and_of_equal_prices_the_best():
    assert knee_of(np.array([[100.0, 100.5, 101.0, 101.1], [9.0, 8.0, 7.0, 1.0]]), 0.01) == 2
    assert knee_of(np.array([[101.0, 100.0, 100.5], [7.0, 9.0, 7.0]]), 0.01) == 2
    assert knee_of(np.array([[-100.0, -99.5, -98.0], [9.0, 8.0, 7.0]]), 0.01) == 1


def test_figures_are_on_a_logarithmic_scale_on_whichever_side_of_0_they_are():
    rows = scaled(np.array([[1.0, np.e, np.nan], [-1.0, -np.e, np.nan], [-1.0, 1.0, np.nan]]))

    assert rows[:, :2].tolist() == [[0.0, 1.0], [0.0, -1.0], [-1.0, 1.0]]
    assert np.isnan(rows[:, 2]).all()


def test_a_design_that_is_no_machine_is_further_from_valid_than_one_that_breaks_a_constraint():
    axes = {"topk.lanes": [8, 6], "dram.channels": [2, 16]}
    limits = ["area_mm2.total > 0 and dram.channels < 8"]  # names a figure, and so is checked of priced designs
    data = {"workload": "bert-base-cola", "axes": axes, "constraints": limits}

    found = run_search(sweep_from(data), Analytic(), Options(4))

    kinds = {design: found.archive.broken(number) for number, design in enumerate(found.tried.designs)}
    assert kinds == {(0, 0): 0, (0, 1): 1, (1, 0): 2, (1, 1): 2}


def test_a_sampler_is_told_the_worst_figures_so_far_of_a_design_that_is_not_valid():
    points = np.array([[1.0, np.nan, 3.0], [5.0, np.nan, 4.0]])

    assert as_told(points).tolist() == [[1.0, 3.0, 3.0], [5.0, 5.0, 4.0]]
    assert as_told(np.full((2, 2), np.nan)).tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_steps_begin_when_a_quarter_of_the_designs_is_tried(optuna, monkeypatch):
    tried = []

    class Noted(Steps):
        def next(self, designs, points, count):
            tried.append(len(designs))
            return super().next(designs, points, count)

    monkeypatch.setattr(search, "Steps", Noted)
    axes = {"topk.lanes": [4, 8, 16], "dram.channels": [2, 4, 8, 16], "key_sram.kib": [48, 96, 196, 256]}
    run_search(sweep_from({"workload": "bert-base-cola", "axes": axes}), Analytic(), Options(evaluations=40, batch=4))

    assert 10 <= min(tried) < 14


@pytest.mark.parametrize(
    ("values", "ordered"),
    [
        ([(1, 2, 4)], True),
        ([(4, 2, 1)], True),
        ([(1, 2, 4), (3, 2, 1)], True),
        ([(1, 2, 4), (1, 3, 2)], False),
        ([(1, 2, 4), ("a", "b", "c")], False),
        ([(False, True)], False),
    ],
)
def test_a_dimension_is_ordered_if_all_its_axes_are(values, ordered):
    assert is_ordered([Axis("topk.lanes", one) for one in values]) == ordered
