"""What a batch says of each of its machines is what `sim.cost` and level `analytic` say of that machine alone."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import Arch, load_arch
from tokensieve.arch.technology import load_technology, technology_names
from tokensieve.sim.analytic.asked import distinct, identity
from tokensieve.sim.analytic.batch import Designs, Sweep, each
from tokensieve.sim.analytic.costs import areas
from tokensieve.sim.analytic.estimate import estimate
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.cost.area import area
from tokensieve.sim.cost.cells import ARRAYS
from tokensieve.sim.result import CAUSES
from tokensieve.validate.designs import random_designs
from tokensieve.validate.levels import beginning
from tokensieve.workloads.benchmarks import load_workload

DEPTHS = {
    "key_sram.kib": [64, 65, 300, 4096, 192, 192],
    "value_sram.kib": [64, 1024, 77, 192, 192, 64],
    "softmax.fifo_lines": [128, 129, 4000, 777, 128, 65536],
    "requant.queue_rows": [1, 2, 16, 1000, 16, 16],
    "fetcher.fifo_depth": [1, 2, 64, 63, 4096, 64],
    "clock.mhz": [1, 333, 1000, 1001, 10_000, 1000],
    "topk.engine": ["quickselect", "radix", "bitserial", "bitonic", "quickselect", "radix"],
}
"""Machines of which the fields that are taken as arrays all differ, from small to large."""


def decode():
    return beginning(load_workload("gpt2-small-wikitext2", Arch()), 1)


def batches():
    sweep = Sweep(Arch(), {path: values for path, values in DEPTHS.items() if path != "clock.mhz"} | {
        "clock.mhz": [200, 333, 1000, 1001, 3000, 1000]})  # fmt: skip
    technologies = [technology_names()[i % len(technology_names())] for i in range(6)]
    return [Designs(random_designs(20, seed=7)), sweep, Sweep(Arch(), {**DEPTHS, "technology": technologies})]


@pytest.mark.parametrize("batch", batches(), ids=["designs", "depths", "technologies"])
def test_areas_of_a_batch_are_those_of_sim_cost_design_by_design(batch):
    found = areas(batch)
    for i in range(len(batch)):
        alone = area(batch.arch(i), load_technology(batch.arch(i).technology)).mm2

        assert {unit: values[i] for unit, values in found.items()} == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("batch", batches(), ids=["designs", "depths", "technologies"])
@pytest.mark.parametrize("work", ["minilm", "decode"])
def test_an_estimate_holds_the_figures_of_the_result_of_each_machine(batch, work):
    decisions = decode() if work == "decode" else beginning(load_workload(work, Arch()), 2)
    found = estimate(Summary(decisions), batch, allow_rough=True)
    for i in range(len(batch)):
        result = analytic_result(batch.arch(i), decisions)

        assert found.seconds[i] == result.seconds
        assert found.cycles["total"][i] == result.cycles["total"]
        assert found.dram_bytes[i] == result.traffic.dram_bytes["total"]
        for figures, alone in ((found.energy_j, result.energy_j), (found.area_mm2, result.area_mm2)):
            # Actions are whole in a result and means in a batch: half an activate is 0.6 nJ.
            assert {unit: values[i] for unit, values in figures.items()} == pytest.approx(alone, rel=1e-5, abs=1e-9)
        causes = {cause: found.cycles[cause][i] for cause in CAUSES}
        # A result rounds layer by layer, and counts what is below zero in a layer as nothing.
        assert causes == pytest.approx(
            {cause: result.cycles[cause] for cause in CAUSES}, abs=0.01 * result.cycles["total"] + 2
        )
        assert sum(causes.values()) == result.cycles["total"]
        assert min(causes.values()) >= 0
        assert found.bottleneck[i] == result.bottleneck


def test_an_estimate_is_the_same_in_parts_of_any_size(monkeypatch):
    summary = Summary(decode())
    whole = estimate(summary, batches()[1])
    monkeypatch.setattr("tokensieve.sim.analytic.estimate._DESIGNS", 4)
    parts = estimate(summary, batches()[1])

    for name in ("cycles", "energy_j", "area_mm2"):
        assert {unit: n.tolist() for unit, n in getattr(parts, name).items()} == {
            unit: n.tolist() for unit, n in getattr(whole, name).items()
        }
    assert parts.bottleneck.tolist() == whole.bottleneck.tolist()


def test_of_fields_that_are_taken_as_arrays_designs_are_asked_for_together():
    asked = []

    def lines(arch):
        asked.append(arch.topk.engine)
        return arch.key_lines * (2 if arch.topk.engine == "radix" else 1)

    sweep = Sweep(Arch(), DEPTHS)

    assert each(sweep, lines, ARRAYS).tolist() == [lines(sweep.arch(i)) for i in range(len(sweep))]
    assert len(asked) - len(sweep) == 2 * 4  # once for what is read and once for all, for each engine


def test_a_batch_remembers_an_answer_by_what_the_function_does_and_holds():
    def latency(unit):
        return lambda arch: getattr(arch, unit).read_latency

    sweep, kept = Sweep(Arch(), {"key_sram.read_latency": [1, 2], "value_sram.read_latency": [3, 3]}), []
    for unit in ("key_sram", "value_sram", "key_sram"):
        kept.append(each(sweep, latency(unit)).tolist())

    assert kept == [[1, 2], [3, 3], [1, 2]]
    assert identity(latency("key_sram")) == identity(latency("key_sram")) != identity(latency("value_sram"))


def test_what_follows_from_clocks_alone_is_asked_once_for_each_pace_of_reads():
    mhz, asked = list(range(400, 1200)), []
    sweep = Sweep(Arch(), {"clock.mhz": mhz})
    answers = each(sweep, lambda arch: asked.append(arch.read_clocks) or arch.column_clocks)

    assert answers.T.tolist() == [list(sweep.arch(i).column_clocks) for i in range(len(sweep))]
    assert len(asked) == len(set(asked)) < 10


@given(
    mhz=st.integers(1, 10_000),
    tck=st.integers(100, 5_000),
    latency=st.integers(1, 60),
    outstanding=st.sampled_from([1, 2, 16, 64]),
    lanes=st.sampled_from([1, 4, 32]),
)
def test_reads_are_paced_by_the_converter_or_by_the_places_of_the_gather(mhz, tck, latency, outstanding, lanes):
    """In exact fractions of a clock."""
    base = Arch()
    arch = base.model_copy(update={
        "clock": base.clock.model_copy(update={"mhz": mhz}),
        "dram": base.dram.model_copy(update={"tCK_ps": tck, "nCL": latency}),
        "gather": base.gather.model_copy(update={"outstanding": outstanding}),
        "converter": base.converter.model_copy(update={"lanes": lanes}),
    })  # fmt: skip
    dram, clocks = arch.dram, Fraction(1_000_000, tck * mhz)
    held = ceil((latency + dram.nBL + dram.return_clocks) / clocks) + arch.fetcher.return_stages
    places = Fraction(held + arch.gather.law.place_cycles, outstanding)
    converter = Fraction(-(-dram.granule_bytes // arch.converter.plane_bytes))

    assert arch.read_clocks == ceil(dram.pseudo_channels * max(places, converter) * clocks)


@pytest.mark.parametrize("name", technology_names())
def test_a_curve_has_the_same_figure_at_a_place_alone_and_among_many(name):
    technology = load_technology(name)
    for curve in (technology.sram.access_energy, technology.logic.multiply_energy):
        known = [float(point.at) for point in curve.points]
        places = np.array([0.5, *known, *(1.3 * at for at in known), 1e9])
        many = curve.at(places)
        alone = [curve.at(place) for place in places.tolist()]

        assert many.value == pytest.approx([one.value for one in alone], rel=1e-14)
        assert many.half_width == pytest.approx([one.half_width for one in alone], rel=1e-14)


def test_a_sweep_names_the_first_rule_that_a_combination_of_its_fields_breaks():
    with pytest.raises(Exception, match=r"key_sram\.kib must hold at least two tiles of 768 bytes"):
        Sweep(load_arch("spatten"), {"key_sram.kib": [192, 1], "qk.multipliers": [512, 512]})


@pytest.mark.parametrize("scale", [1, 1 << 40])
def test_combinations_of_columns_are_told_apart_however_wide_their_values_are(scale):
    rng = np.random.default_rng(3)
    columns = [rng.integers(-2, 3, 200) * scale for _ in range(3)]
    first, which = distinct(columns)

    rows = np.stack(columns, axis=1)
    assert (rows[first][which] == rows).all()
    assert len(first) == len({tuple(row) for row in rows.tolist()})
