"""How far level `analytic` is from level `cycle` on two hundred random machines and short works."""

import numpy as np
import pytest

from tokensieve.arch import Arch
from tokensieve.sim.analytic.rough import reasons
from tokensieve.sim.analytic.summary import Summary
from tokensieve.validate.designs import random_designs
from tokensieve.validate.levels import beginning, deviations, rank_correlation
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.complete import complete
from tokensieve.workloads.workload import workload_from

ARCH = Arch()

PREFILL = {
    "model": "bert-base", "layers": 2, "phase": "prefill", "context": 100,
    "schedule": {
        "interpolation": "list", "token": [1, 0.8], "value": 0.6,
        "bits": {"query": 12, "key": 8, "value": 8, "lsb": 4},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def compared():
    """Two hundred machines, a third of them on each work: few tokens, a step of decode, and a hundred tokens.

    Of each work also which machines a sweep takes, and does not refuse as rough.
    """
    machines = random_designs(200, seed=77)
    works = (
        load_workload("bert-base-cola", ARCH),
        beginning(load_workload("gpt2-small-wikitext2", ARCH), 1),
        complete(workload_from(PREFILL, source="hundred").counts(), ARCH.topk, 0),
    )
    found = []
    for i, work in enumerate(works):
        some, summary = machines[i::3], Summary(work)
        swept = np.array([next(reasons(machine, summary), None) is None for machine in some])
        found.append((deviations(some, work), swept))
    return found


def test_errors_of_cycles_are_small_in_the_median_at_the_95th_percentile_and_at_most(compared):
    errors = np.abs(np.concatenate([one.cycles[swept] for one, swept in compared]))

    assert len(errors) >= 150
    assert np.median(errors) <= 0.02
    assert np.percentile(errors, 95) <= 0.12
    assert errors.max() <= 0.30


def test_errors_of_cycles_of_rough_designs_are_bounded_too(compared):
    errors = np.abs(np.concatenate([one.cycles for one, _ in compared]))

    assert np.median(errors) <= 0.02
    assert np.percentile(errors, 95) <= 0.15
    assert errors.max() <= 0.40


def test_machines_rank_as_at_level_cycle(compared):
    for one, swept in compared:
        assert rank_correlation(one.analytic_cycles[swept], one.cycle_cycles[swept]) >= 0.98


def test_no_machine_is_below_its_bounds(compared):
    for one, _ in compared:
        assert (one.analytic_cycles >= np.floor(one.least_cycles)).all()
