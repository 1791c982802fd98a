"""References in a sweep: the figures of `run`, each distinct dense machine priced once."""

import pytest

from tokensieve.arch import load_arch
from tokensieve.arch.errors import StoreError, SweepError
from tokensieve.arch.presets import all_fields
from tokensieve.explore.columns import TOTALS, totals_of
from tokensieve.explore.evaluate import Analytic
from tokensieve.explore.price import Pricer
from tokensieve.explore.spec import sweep_from
from tokensieve.explore.store import Store
from tokensieve.explore.stored import unpacked
from tokensieve.explore.sweep import run_sweep
from tokensieve.run.points import Cycle
from tokensieve.run.simulate import run
from tokensieve.sim.reference import shared
from tokensieve.sim.reference.price import reference_result
from tokensieve.sim.reference.shared import UNREAD, Shared
from tokensieve.workloads.benchmarks import load_workload

SMALL = {
    "workload": "bert-base-cola",
    "reference": "dense",
    "axes": {"topk.lanes": [4, 16], "topk.engine": ["quickselect", "radix"], "dram.channels": [4, 16]},
}
OTHER = {
    "name": "mine", "technology": "public45", "topk.engine": "radix", "topk.lanes": 2, "topk.comparators": 4,
    "topk.round_cycles": 9, "topk.score_bits": 16, "topk.digit_bits": 2, "topk.first_digit": "linear",
    "topk.count_stages": 5, "topk.compactor": "max_frequency", "requant.tree_stages": 4, "importance.token_bits": 30,
    "importance.head_bits": 50, "importance.max_heads": 16,
}  # fmt: skip


@pytest.fixture
def priced(monkeypatch):
    """A list that grows by one for each reference that is priced at level `cycle`."""
    runs, plain = [], shared.reference_result
    monkeypatch.setattr(shared, "reference_result", lambda *a, **k: runs.append(1) or plain(*a, **k))
    return runs


@pytest.mark.parametrize("kind", ["dense", "dense-int8", "fp32"])
@pytest.mark.parametrize("work", ["bert-base-cola", "minilm-values"])
def test_the_reference_of_a_design_is_that_of_its_run(kind, work):
    pricer = Pricer(sweep_from({**SMALL, "workload": work, "reference": kind}), Analytic())
    [found] = pricer.price(0, 8)
    designs, case = pricer.space.designs(0, 8), pricer.space.cases.case(0, 0)

    for i in (0, 3, 6):
        machine = load_arch("spatten", [f"{name}={column.item(i)}" for name, column in designs.columns.items()])
        wanted = totals_of(run(machine, case.decisions(machine.topk), level="analytic", reference=kind))
        for name in (column.name for column in TOTALS if column.name.startswith("reference.")):
            told = found.totals[name][i]
            assert told == (pytest.approx(wanted[name], rel=1e-12) if name.endswith("_j") else wanted[name]), name


def test_without_a_reference_there_is_no_figure_of_one(tmp_path):
    with Store.open(tmp_path / "s.db") as store:
        run_sweep(sweep_from({**SMALL, "reference": "none"}), Analytic(), store=store)
        frame = store.to_pandas()

    assert frame[["speedup", "dram_reduction", "energy_saving", "reference.kind"]].isna().all(axis=None)


@pytest.mark.parametrize("place", ["objectives", "constraints"])
def test_a_ratio_without_a_reference_is_refused_and_says_what_is_missing(place):
    text = {"objectives": "max speedup", "constraints": "speedup > 2"}[place]

    with pytest.raises(SweepError, match=f"{place}: speedup needs an un-pruned run .* give reference: dense"):
        run_sweep(sweep_from({**SMALL, "reference": "none", place: [text]}), Analytic())


def test_ratios_are_objectives_constraints_and_columns():
    spec = sweep_from({**SMALL, "objectives": ["max speedup"], "constraints": ["dram_reduction > 1"]})

    outcome = run_sweep(spec, Analytic())

    fastest = max(outcome.rows, key=lambda row: row.figures["speedup"])
    assert outcome.valid == 8
    assert outcome.best.number == fastest.number
    assert outcome.best.wanted[0] == fastest.figures["speedup"] > 1
    assert min(row.figures["energy_saving"] for row in outcome.rows) > 1


def test_points_with_and_without_a_reference_are_apart_in_a_store_and_one_design_in_an_answer(tmp_path):
    with Store.open(tmp_path / "s.db") as store:
        for kind in ("none", "dense"):
            run_sweep(sweep_from({**SMALL, "reference": kind}), Analytic(), store=store)
        again = run_sweep(sweep_from(SMALL), Analytic(), store=store)
        best = store.best("max speedup")
        run_sweep(sweep_from({**SMALL, "reference": "fp32"}), Analytic(), store=store)
        with pytest.raises(StoreError, match="references dense and fp32; choose a sweep with --sweep"):
            store.best("max speedup")

    assert again.from_store == 8
    assert best.compared == 8
    assert best.wanted[0, 0] == max(row.figures["speedup"] for row in again.rows)


def test_at_level_cycle_each_distinct_dense_machine_is_priced_once_and_figures_are_those_of_a_run(tmp_path, priced):
    spec = sweep_from({**SMALL, "level": "cycle"})
    with Store.open(tmp_path / "s.db") as store:
        run_sweep(spec, Cycle(), store=store)
        points = list(store.points())

    assert len(points) == 8
    assert len(priced) == 2  # 4 and 16 channels
    for point in points[:3]:
        machine = load_arch("spatten", [f"{name}={value}" for name, value in point.overrides.items()])
        wanted = run(machine, load_workload("bert-base-cola", machine))
        assert {name: point.totals[name] for name in totals_of(wanted)} == totals_of(wanted)
        assert f'"speedup": {wanted.to_dict()["speedup"]!r}' in unpacked(point.full)


@pytest.mark.parametrize("work", ["bert-base-cola", "minilm-values"])
@pytest.mark.parametrize("level", ["cycle", "analytic"])
@pytest.mark.parametrize("field", UNREAD)
def test_a_field_that_no_reference_reads_leaves_it_as_it_is_but_for_energy_and_area(field, level, work):
    machine, other = load_arch(), load_arch("spatten", [f"{field}={OTHER[field]}"])
    decisions, kept = load_workload(work, machine), Shared()

    kept.result(machine, decisions, "dense", level)

    assert other != machine
    assert kept.result(other, decisions, "dense", level) == reference_result(other, decisions, "dense", level)


@pytest.mark.parametrize("field", ["dram.channels=8", "softmax.lanes=16", "key_sram.kib=96", "clock.mhz=500"])
def test_any_other_field_makes_another_reference(field, priced):
    machine, other, kept = load_arch(), load_arch("spatten", [field]), Shared()
    decisions = load_workload("bert-base-cola", machine)

    for one in (machine, other, machine):
        kept.result(one, decisions, "dense", "cycle")

    assert len(priced) == 2


def test_the_fields_that_no_reference_reads_are_fields():
    assert set(UNREAD) <= {name for name, _, _ in all_fields()}
