"""Level `analytic`: close to level `cycle`, never below what is physically possible, and equal in its sums."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import Arch, load_arch
from tokensieve.arch.errors import ArchError, WorkloadError
from tokensieve.arch.technology import load_technology
from tokensieve.sim.analytic.batch import Designs, Sweep
from tokensieve.sim.analytic.costs import energies
from tokensieve.sim.analytic.estimate import detail, estimate, whole
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.cost.energy import energy
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.result import CAUSES
from tokensieve.validate.designs import FIELDS, random_designs
from tokensieve.validate.levels import beginning, bert_layer, deviations, rank_correlation
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.complete import complete
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.reference import dense
from tokensieve.workloads.workload import workload_from

ARCH = Arch()


def gpt2(steps: int = 1, scores: str | None = None) -> Decisions:
    return beginning(load_workload("gpt2-small-wikitext2", ARCH, scores=scores), steps)


NEAR = [("uniform", 0.03), (None, 0.04)]
"""How near the levels are by the scores of the records. Searches of `uniform` scores are long, so that one unit sets
the pace; those of the default are short and differ, and the unit that sets it changes from query to query."""


@pytest.fixture(scope="module")
def compared():
    """Forty random machines on a prefill layer, twelve shorter ones and a step of decode; `test_analytic_designs` has
    two hundred on shorter works."""
    machines = random_designs(40, seed=5)
    works = (bert_layer(ARCH), load_workload("bert-base-squad1", ARCH), gpt2())
    return [deviations(machines, decisions) for decisions in works]


@pytest.mark.long
def test_the_median_error_of_the_cycles_is_at_most_5_percent_and_the_95th_percentile_at_most_15(compared):
    errors = np.abs(np.concatenate([one.cycles for one in compared]))

    assert np.median(errors) <= 0.05
    assert np.percentile(errors, 95) <= 0.15


@pytest.mark.long
def test_cycles_and_energy_rank_machines_as_level_cycle_does(compared):
    for one in compared:
        assert rank_correlation(one.analytic_cycles, one.cycle_cycles) >= 0.95
        assert rank_correlation(one.analytic_joules, one.cycle_joules) >= 0.95


@pytest.mark.long
def test_no_machine_is_faster_than_its_dram_at_peak_or_its_arrays(compared):
    for one in compared:
        assert (one.analytic_cycles >= np.floor(one.least_cycles)).all()


@pytest.mark.parametrize("barrier", ["output", "ranking", "none"])
@pytest.mark.parametrize(("scores", "near"), NEAR)
def test_on_the_papers_design_a_step_of_decode_is_near(barrier, scores, near):
    arch, decisions = load_arch("spatten", [f"control.barrier={barrier}"]), gpt2(2, scores)

    assert analytic_result(arch, decisions).cycles["total"] == pytest.approx(
        cycle_result(arch, decisions).cycles["total"], rel=near
    )


@pytest.mark.parametrize("sets", [["topk.lanes=8", "topk.comparators=1"], ["topk.lanes=8", "topk.comparators=16"]])
@pytest.mark.parametrize(("scores", "near"), NEAR)
def test_a_search_of_another_width_is_near_and_moves_only_its_engines(sets, scores, near):
    arch, decisions = load_arch("spatten", sets), gpt2(2, scores)
    coarse, fine, usual = (
        *(level(arch, decisions) for level in (analytic_result, cycle_result)),
        cycle_result(load_arch("spatten", sets[:1]), decisions),
    )

    assert coarse.cycles["total"] == pytest.approx(fine.cycles["total"], rel=near)
    assert coarse.busy_cycles["topk"] == fine.busy_cycles["topk"] != usual.busy_cycles["topk"]
    assert fine.actions["topk"] == usual.actions["topk"]


@pytest.mark.parametrize(("barrier", "near"), [("output", 0.03), ("none", 0.03)])
def test_with_streamed_exponentials_a_run_is_shorter_and_does_the_same(barrier, near):
    same = [f"control.barrier={barrier}", "dram.refresh=false"]  # a refresh may hide what the last write gained
    machines = [load_arch("spatten", [*same, f"softmax.scan={scan}"]) for scan in ("pass", "streamed")]
    for decisions in (gpt2(2), bert_layer(ARCH)):
        usual, fine = (cycle_result(machine, decisions) for machine in machines)
        coarse = analytic_result(machines[1], decisions)

        assert coarse.cycles["total"] == pytest.approx(fine.cycles["total"], rel=near)
        assert fine.cycles["total"] < usual.cycles["total"]
        assert {unit: n for unit, n in fine.actions.items() if unit != "dram"} == {
            unit: n for unit, n in usual.actions.items() if unit != "dram"
        }
        for one in (fine, coarse):
            assert sum(n for cause, n in one.cycles.items() if cause != "total") == one.cycles["total"]


@pytest.mark.parametrize("preset", ["spatten", "spatten-paper", "spatten-eighth", "sieve"])
@pytest.mark.parametrize("un_pruned", [False, True])
def test_traffic_arithmetic_and_all_actions_but_those_of_dram_are_those_of_level_cycle(preset, un_pruned):
    arch = load_arch(preset)
    decisions = dense(gpt2()) if un_pruned else gpt2()
    coarse, fine = analytic_result(arch, decisions, un_pruned), cycle_result(arch, decisions, un_pruned)

    for field in ("traffic", "operations", "area_mm2"):
        assert getattr(coarse, field) == getattr(fine, field), field
    for unit, counts in fine.actions.items():
        unsure = {"activate", "refresh"} if unit == "dram" else set()
        assert {n: c for n, c in coarse.actions[unit].items() if n not in unsure} == {
            n: c for n, c in counts.items() if n not in unsure
        }, unit
    for unit in ("qk", "softmax", "requant", "topk", "pv", "ranking", "importance"):
        assert coarse.busy_cycles[unit] == fine.busy_cycles[unit], unit


@pytest.mark.parametrize("decisions", [bert_layer(ARCH), gpt2()], ids=["prefill", "decode"])
def test_causes_and_bottleneck_are_booked_as_level_cycle_does(decisions):
    """Half the sum of the differences is what is booked under another cause."""
    levels = [[price(m, decisions) for m in random_designs(16, seed=11)] for price in (cycle_result, analytic_result)]
    shares = [[[one.cycles[c] / one.cycles["total"] for c in CAUSES] for one in level] for level in levels]
    moved = np.abs(np.subtract(*shares)).sum(axis=1) / 2

    assert np.median(moved) < 0.15
    assert sum(fine.bottleneck == coarse.bottleneck for fine, coarse in zip(*levels, strict=True)) >= 13
    assert not any(one.bottleneck == "pipeline" for level in levels for one in level)


def test_the_causes_add_up_to_the_total_in_the_run_and_in_every_layer():
    result = analytic_result(ARCH, gpt2(2))

    assert sum(n for cause, n in result.cycles.items() if cause != "total") == result.cycles["total"]
    assert sum(layer.cycles["total"] for layer in result.layers) == result.cycles["total"]
    assert all(n >= 0 for layer in result.layers for n in layer.cycles.values())


def test_a_machine_costs_the_same_alone_in_a_batch_and_in_a_sweep():
    lanes, channels = [1, 4, 16, 32], [4, 16, 2, 8]
    machines = [
        load_arch("spatten", [f"topk.lanes={p}", f"dram.channels={c}"]) for p, c in zip(lanes, channels, strict=True)
    ]
    summary = Summary(gpt2())
    batch = estimate(summary, Designs(machines))
    sweep = estimate(summary, Sweep(ARCH, {"topk.lanes": lanes, "dram.channels": channels}))

    assert batch.cycles["total"].tolist() == sweep.cycles["total"].tolist()
    assert batch.energy_j["total"].tolist() == sweep.energy_j["total"].tolist()
    assert batch.cycles["total"].tolist() == [analytic_result(machine, gpt2()).cycles["total"] for machine in machines]


def test_energies_of_a_batch_are_those_of_sim_energy_design_by_design():
    machines, summary = random_designs(25, seed=3), Summary(gpt2())
    one = detail(summary, Designs(machines))
    joules = energies(Designs(machines), one.actions, one.seconds)
    for i, machine in enumerate(machines):
        counts = {unit: {name: n[i] for name, n in of.items()} for unit, of in one.actions.items()}
        alone = energy(machine, load_technology(machine.technology), counts, one.seconds[i]).joules

        assert {unit: values[i] for unit, values in joules.items()} == pytest.approx(alone, rel=1e-9)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"topk.lanes": [16, 12]}, "topk.lanes must be a power of two in 1..64, got 12"),
        ({"topk.lanes": [16], "dram.channels": [1, 2]}, "equally many values, got 1 of topk.lanes, 2 of dram.channels"),
        ({"softmax.lanes": [8, 1]}, "softmax.fifo_lines x softmax.lanes must be at least"),
        ({"topk.lanez": [1, 2]}, "topk.lanez is not a known field; did you mean 'lanes'?"),
        ({"topc.lanes": [1, 2]}, "topc.lanes is not a known field; did you mean 'topk'?"),
        ({"technologie": ["tsmc40"]}, "technologie is not a known field; did you mean 'technology'?"),
        ({"topk.lanes.x": [1]}, "topk.lanes.x is not a known field"),
        ({"topk": [1]}, "topk must be a single field in a sweep, got a group of"),
        ({"topk.lanes": []}, "topk.lanes must have a list of at least 1 value in a sweep, got []"),
        ({"topk.lanes": 4}, "topk.lanes must have a list of at least 1 value in a sweep, got 4"),
        ({}, "a sweep's fields must have equally many values, got no field"),
    ],
)
def test_a_sweep_with_a_machine_that_cannot_be_is_refused_in_the_words_of_the_arch(fields, message):
    with pytest.raises(ArchError, match=re.escape(message)):
        Sweep(ARCH, fields)


def test_a_sweep_of_a_field_beside_the_groups_prices_each_machine_as_if_it_were_alone():
    technologies = ["tsmc40", "scaled7"]
    machines = [ARCH.model_copy(update={"technology": name}) for name in technologies]
    summary = Summary(gpt2())
    sweep = estimate(summary, Sweep(ARCH, {"technology": technologies, "topk.lanes": [16, 16]}))

    assert sweep.energy_j["total"].tolist() == estimate(summary, Designs(machines)).energy_j["total"].tolist()
    assert len(set(sweep.energy_j["total"].tolist())) == 2


def test_work_that_does_not_fit_one_machine_of_a_batch_is_refused_naming_the_field():
    with pytest.raises(WorkloadError, match=r"qk\.multipliers must be at least the head width D = 64, got 32"):
        estimate(Summary(gpt2()), Sweep(ARCH, {"qk.multipliers": [512, 32]}))


def low_bits(
    phase: str, fraction: float, bits: int = 8, value: float = 0.3, prompt: int = 100, heads: int = 3
) -> Decisions:
    """Three heads of 100 tokens in two layers, a share of whose queries asks for low bits."""
    shape = {"context": prompt} if phase == "prefill" else {"prompt": prompt, "steps": 3}
    work = {
        "model": {"name": "m", "layers": 2, "heads": heads, "head_dim": 64, "hidden": 64 * heads, "ffn": 768},
        "phase": phase,
        "lsb_fraction": fraction,
        "schedule": {
            "interpolation": "list", "token": 1, "value": value, "threshold": 0.1, "progressive": {phase: True},
            "bits": {"query": 12, "key": bits, "value": bits, "lsb": 4},
        },
    }  # fmt: skip
    return complete(workload_from(work | shape, source="low-bits").counts(), ARCH.topk, 0)


@given(
    sets=st.fixed_dictionaries({
        "value_sram.kib": st.sampled_from([2, 8, 192]),
        "key_sram.kib": st.sampled_from([2, 8, 192]),
        "softmax.fifo_lines": st.sampled_from([128, 200, 1024]),
        "dram.channels": st.sampled_from([1, 2, 4, 16]),
        "dram.pseudo_channels": st.sampled_from([1, 2]),
        "dram.banks_per_group": st.sampled_from([1, 4]),
        "fetcher.ports": st.sampled_from([1, 2, 32]),
        "qk.multipliers": st.sampled_from([64, 512]),
        "pv.multipliers": st.sampled_from([64, 512]),
        "topk.engine": st.sampled_from(["quickselect", "radix"]),
        "number.onchip_bits": st.sampled_from([8, 12, 16]),
        "control.barrier": st.sampled_from(["output", "ranking", "none"]),
        "clock.mhz": st.sampled_from([200, 1000, 3000]),
    }),
    phase=st.sampled_from(["prefill", "decode"]),
    fraction=st.sampled_from([0.0, 0.03, 1.0]),
    bits=st.sampled_from([6, 8]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_low_bits_fetched_block_by_block_cost_no_less_than_dram_at_peak_and_keep_no_unit_busy_beyond_the_run(
    sets, phase, fraction, bits
):
    arch, decisions = (
        load_arch("spatten", [f"{path}={value}" for path, value in sets.items()]),
        low_bits(phase, fraction, bits),
    )
    result = analytic_result(arch, decisions)
    peak = result.traffic.dram_bytes["total"] / arch.dram.peak_gb_per_s * arch.clock.mhz * 1e-3

    assert result.cycles["total"] >= np.floor(max(peak, result.busy_cycles["qk"], result.busy_cycles["pv"]))
    assert max(result.utilization.values()) <= 1


@pytest.mark.parametrize("phase", ["prefill", "decode"])
@pytest.mark.parametrize("fraction", [0.03, 1])
@pytest.mark.parametrize("sets", [(), ("value_sram.kib=2",), ("value_sram.kib=2", "softmax.fifo_lines=200")])
def test_low_bits_are_fetched_once_for_each_block_that_asks(phase, fraction, sets):
    arch, decisions = load_arch("spatten", list(sets)), low_bits(phase, fraction)
    coarse, fine = analytic_result(arch, decisions), cycle_result(arch, decisions)

    assert coarse.traffic.dram_bytes == fine.traffic.dram_bytes
    assert coarse.actions["key_sram"] == fine.actions["key_sram"]


def test_a_decision_that_lets_one_query_wait_pays_for_low_bits_query_by_query():
    arch, decisions = load_arch("spatten", ["control.barrier=none", "requant.queue_rows=1"]), low_bits("decode", 0.5, 6)

    assert analytic_result(arch, decisions).cycles["total"] == pytest.approx(
        cycle_result(arch, decisions).cycles["total"], rel=0.25
    )


@pytest.mark.parametrize("sets", [(), ("clock.mhz=50",), ("key_sram.ports=1",)])
@pytest.mark.parametrize(
    ("heads", "value", "fraction", "near"), [(3, 0.3, 0.5, 0.1), (12, 0.3, 1, 0.1), (3, 1.0, 0, 0.2)]
)
def test_short_layers_that_nothing_holds_apart_overlap_as_at_level_cycle(sets, heads, value, fraction, near):
    arch = load_arch("spatten", ["control.barrier=none", *sets])
    decisions = low_bits("decode", fraction, value=value, heads=heads)

    assert analytic_result(arch, decisions).cycles["total"] == pytest.approx(
        cycle_result(arch, decisions).cycles["total"], rel=near
    )


def test_a_single_query_waits_for_its_own_data_once():
    arch = load_arch("spatten", ["dram.refresh=false"])
    decisions = beginning(low_bits("decode", 0, prompt=1, heads=1), 1)

    assert analytic_result(arch, decisions).cycles["total"] == pytest.approx(
        cycle_result(arch, decisions).cycles["total"], rel=0.25
    )


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("un_pruned", [False, True])
def test_queries_and_outputs_cross_dram_in_the_width_of_the_datapath(bits, un_pruned):
    arch, decisions = load_arch("spatten", [f"number.onchip_bits={bits}"]), bert_layer(ARCH)
    decisions = dense(decisions) if un_pruned else decisions
    fine = cycle_result(arch, decisions, un_pruned).traffic.dram_bytes
    sweep = estimate(Summary(decisions, un_pruned), Sweep(ARCH, {"number.onchip_bits": [12, bits]}))

    assert analytic_result(arch, decisions, un_pruned).traffic.dram_bytes == fine
    assert sweep.dram_bytes[1] == fine["total"]


def test_more_bandwidth_lanes_or_sram_never_costs_cycles():
    summary = Summary(gpt2())
    for path, values in {"dram.channels": [1, 2, 4, 8, 16, 32], "key_sram.kib": [48, 96, 192, 384]}.items():
        cycles = estimate(summary, Sweep(ARCH, {path: values})).cycles["total"]

        assert (np.diff(cycles) <= 0).all(), path


def test_random_designs_are_valid_differ_and_follow_from_the_seed():
    machines = random_designs(30, seed=11)

    assert machines == random_designs(30, seed=11)
    assert machines != random_designs(30, seed=12)
    assert len({machine.digest for machine in machines}) == 30
    for path, values in FIELDS.items():
        group, field = path.split(".")
        assert len({getattr(getattr(machine, group), field) for machine in machines}) > 1 or len(values) == 1, path


@given(parts=st.lists(st.floats(-5, 1e6), min_size=1, max_size=20), total=st.integers(1, 10**7))
def test_rounded_parts_are_whole_and_add_up(parts, total):
    rounded = whole(np.array([*parts, 1.0]), total)

    assert rounded.sum() == total
    assert (rounded >= 0).all()


def test_the_beginning_of_a_trace_is_a_trace_of_its_own():
    steps, layers = gpt2(2), beginning(load_workload("minilm", ARCH), 2)

    assert (steps.validate().steps, layers.validate().layers) == (2, 2)
