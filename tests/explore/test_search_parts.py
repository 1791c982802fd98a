"""The parts of a guided search: steps from a front, hypervolume, the study."""

import numpy as np
import pytest

from tokensieve.explore.hypervolume import hypervolume
from tokensieve.explore.steps import Steps
from tokensieve.explore.study import Study


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


def test_a_study_asks_first_for_what_it_is_given_and_then_for_the_same_with_the_same_seed():
    pytest.importorskip("optuna")
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


def test_a_study_learns_which_designs_are_none():
    pytest.importorskip("optuna")
    study = Study("nsga2", 0, [50, 3, 3, 3], [True] * 4, 2, population=10)  # of one dimension all would be mutated
    for _ in range(12):
        designs = study.ask(10)
        study.tell([[1.0 + d[0], 60.0 - d[0]] for d in designs], [2 * (d[0] >= 10) for d in designs])

    assert np.mean([d[0] < 10 for d in study.ask(10)]) > 0.6  # of chance: 0.2
