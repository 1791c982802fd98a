"""A search for less area at equal cycles, and its benchmark on small workloads."""

import importlib.util

import pytest

from tokensieve.arch import Arch
from tokensieve.arch.presets import all_fields
from tokensieve.run.changes import changed
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.validate.optimise import Search, value
from tokensieve.workloads.complete import complete
from tokensieve.workloads.workload import workload_from

MODEL = {"name": "m", "layers": 2, "heads": 2, "head_dim": 64, "hidden": 128, "ffn": 512}
BITS = {"query": 12, "key": 8, "value": 8, "lsb": 0}
SCHEDULE = {"interpolation": "list", "token": [1, 0.5], "value": 0.5, "bits": BITS}
WORKLOADS = {
    name: complete(workload_from({"name": name, "model": MODEL, "schedule": SCHEDULE, **rest}).counts(), Arch().topk, 0)
    for name, rest in {
        "prefill": {"phase": "prefill", "context": 48},
        "decode": {"phase": "decode", "prompt": 300, "steps": 1},
    }.items()
}


@pytest.fixture
def optimiser(root):
    """The benchmark, on small workloads."""
    spec = importlib.util.spec_from_file_location("optimiser", root / "benchmarks" / "optimiser.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.workloads = lambda arch: WORKLOADS
    return module


def test_what_is_found_is_smaller_and_no_slower():
    search = Search(Arch(), WORKLOADS, seed=0)
    found = search.run(120)

    assert found.trials == 120
    assert 0 < found.no_slower < 120
    assert search.area(found.best) < 0.95 * search.area(Arch())
    for name, decisions in WORKLOADS.items():
        before, after = (analytic_result(arch, decisions) for arch in (Arch(), found.best))
        assert after.cycles["total"] <= before.cycles["total"], name
        assert max(after.utilization.values()) <= 1, name
    assert {name for name, _, _ in all_fields() if value(found.best, name) != value(Arch(), name)} == set(found.saved)


def test_the_same_seed_finds_the_same():
    assert Search(Arch(), WORKLOADS, seed=1).run(40) == Search(Arch(), WORKLOADS, seed=1).run(40)


def test_the_edge_of_a_field_is_where_halving_it_costs_cycles():
    search = Search(Arch(), WORKLOADS, seed=0)
    low, cost = search.edge(Arch(), "qk.multipliers")

    less = changed(Arch(), "qk.multipliers", 256)
    slower = [
        analytic_result(less, one).cycles["total"] / analytic_result(Arch(), one).cycles["total"]
        for one in WORKLOADS.values()
    ]

    assert low == 256
    assert cost == pytest.approx(max(slower) - 1)
    assert search.edge(Arch(), "topk.engine") == (None, 0.0)


def test_the_benchmark_runs_and_the_page_explains_what_it_finds(optimiser, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["optimiser.py", "60", "2"])

    assert optimiser.main() == 0
    printed = capsys.readouterr().out
    assert "60 trials" in printed
    assert "not explained: none" in printed


def test_a_field_that_no_page_explains_fails(optimiser, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["optimiser.py", "60", "2"])
    monkeypatch.setattr(optimiser, "SECTION", "## No such section")

    assert optimiser.main() == 1
    assert "not explained: none" not in capsys.readouterr().out
