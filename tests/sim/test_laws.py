"""Laws that every run of the cycle level obeys, on small random decisions and many machines."""

from dataclasses import replace
from itertools import pairwise
from math import fsum

import numpy as np
import pytest
from bench.pipeline_cases import ARCHES, cases, simulated
from bench.pipeline_count import TENSORS, granules
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch.technology import load_technology
from tokensieve.sim.cost.energy import background_watts, energy_per_action
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.kernels import dram_state
from tokensieve.sim.kernels import tables as t
from tokensieve.workloads.reference import dense

EVENTS = 1 << 14
FEW = settings(max_examples=60)
MACHINES = st.sampled_from(sorted(ARCHES)).flatmap(lambda name: cases((name,)))
"""Cases with every machine as likely as every other."""
ONE_PASS = st.sampled_from(sorted(ARCHES)).flatmap(lambda name: cases((name,), refetch=False))


@FEW
@given(MACHINES)
def test_bytes_and_cycles_add_up(case):
    result = cycle_result(case.arch, case.decisions)
    moved = result.traffic.dram_bytes

    for parts in (result.cycles, moved, *(c for y in result.layers for c in (y.cycles, y.dram_bytes))):
        assert min(parts.values()) >= 0
        assert sum(parts.values()) == 2 * parts["total"]
    for whole, name in ((result.cycles, "cycles"), (moved, "dram_bytes")):
        summed = {part: sum(getattr(layer, name)[part] for layer in result.layers) for part in whole}
        assert summed == whole
    assert result.seconds == result.cycles["total"] / (case.arch.clock.mhz * 1e6)


@FEW
@given(MACHINES)
def test_the_granules_are_those_of_the_decisions(case):
    run = simulated(case)

    expected = granules(case.arch, case.decisions)
    assert dict(zip(TENSORS, run.granules.T.tolist(), strict=True)) == {k: v.tolist() for k, v in expected.items()}


@settings(max_examples=30)
@given(MACHINES, st.sampled_from(["dense", "fp32"]))
def test_the_granules_of_the_reference_are_those_of_everything(case, kind):
    reference = replace(case, decisions=dense(case.decisions, kind))
    run = simulated(reference, un_pruned=True)

    expected = granules(case.arch, reference.decisions, un_pruned=True)
    assert dict(zip(TENSORS, run.granules.T.tolist(), strict=True)) == {k: v.tolist() for k, v in expected.items()}


@settings(max_examples=40)
@given(cases(("little memory",)))
def test_rows_longer_than_half_an_sram_are_streamed_again_for_every_block(case):
    run = simulated(case)

    expected = granules(case.arch, case.decisions)
    assert dict(zip(TENSORS, run.granules.T.tolist(), strict=True)) == {k: v.tolist() for k, v in expected.items()}


@FEW
@given(MACHINES)
def test_every_granule_crosses_dram_once(case):
    run = simulated(case)
    written = run.granules[:, t.T_OUTPUT].sum()
    read = run.granules.sum() - written

    assert (run.dram[dram_state.READS], run.dram[dram_state.WRITES]) == (read, written)
    assert run.scalar(t.S_PUSHED) == read + written


@FEW
@given(MACHINES)
def test_vectors_and_second_passes_are_those_of_the_decisions(case):
    d, result = case.decisions, cycle_result(case.arch, case.decisions)
    if len(simulated(case).plan.source_row) > len(d.row_index):
        return

    second = np.maximum.reduceat(d.lsb_refetch == 1, d.query_ptr[:-1])
    values = d.keys_kept.sum() if d.phase == "prefill" else d.values_kept.sum()
    assert dict(result.traffic.vectors) == {"key": d.keys_kept.sum(), "value": values}
    assert result.traffic.lsb_rows == second.sum()


@FEW
@given(MACHINES)
def test_no_run_beats_a_unit_that_never_waits(case):
    arch, d = case.arch, case.decisions
    result = cycle_result(arch, d)
    per_key, per_value = arch.qk.multipliers // d.head_dim, arch.pv.multipliers // d.head_dim
    keys, total = d.keys_kept[d.query_row], result.cycles["total"]
    passes = 1 + (d.lsb_refetch > 0)

    assert total >= result.traffic.dram_bytes["total"] / arch.dram.peak_gb_per_s * arch.clock.mhz * 1e-3
    assert total > int((-(-keys // per_key) * passes).sum())
    assert total > int((-(-d.values_kept // per_value)).sum())
    assert total > int((-(-keys // arch.softmax.lanes)).sum())
    assert total >= max(result.busy_cycles.values())


@FEW
@given(MACHINES)
def test_pruning_never_adds_lines(case):
    """Second passes aside: they are the price of fetching few bits first."""
    d, reference = case.decisions, dense(case.decisions)
    pruned, whole = simulated(case), simulated(replace(case, decisions=reference), un_pruned=True)
    again = int((-(-d.keys_kept // (case.arch.qk.multipliers // d.head_dim)))[d.query_row[d.lsb_refetch > 0]].sum())

    assert pruned.scalar(t.S_BUSY_QK) - again <= whole.scalar(t.S_BUSY_QK)
    assert pruned.scalar(t.S_BUSY_PV) <= whole.scalar(t.S_BUSY_PV)


@FEW
@given(MACHINES)
def test_recording_events_changes_nothing(case):
    silent, told, short = (simulated(case, events=n) for n in (0, EVENTS, 3))

    assert silent.total == told.total == short.total
    assert np.array_equal(silent.causes, told.causes)
    assert np.array_equal(silent.plan.query, told.plan.query)
    assert len(silent.events) == 0
    assert np.array_equal(short.events, told.events[:3])


@FEW
@given(MACHINES)
def test_events_lie_within_the_run_and_name_all_work(case):
    run, d = simulated(case, events=EVENTS), case.decisions
    unit, start, end, row, query = run.events.T
    count = dict(zip(*(x.tolist() for x in np.unique(unit, return_counts=True)), strict=True))
    again = int((d.lsb_refetch == 1).sum())
    owners = [int((run.plan.row[:, c] == np.arange(len(run.plan.row))).sum()) for c in (t.R_KEY_OWNER, t.R_VALUE_OWNER)]

    assert (start >= 0).all()
    assert (end > start).all()
    assert end.max() <= run.total
    assert ((row >= 0) & (row < len(run.plan.row))).all()
    assert count[t.E_QK] == count[t.E_SOFTMAX] == len(d.values_kept) + again
    assert count[t.E_PV] == len(d.values_kept)
    assert count.get(t.E_TOPK, 0) == int((d.values_kept < d.keys_kept[d.query_row]).sum())
    assert sorted(query[unit == t.E_PV]) == list(range(len(d.values_kept)))
    assert count[t.E_KEY] == owners[0]
    assert count.get(t.E_VALUE, 0) <= owners[1]
    selections = sum(int((counts[:, 1] < counts[:, 0]).sum()) for counts in (d.topk_token_count, d.topk_head_count))
    assert count.get(t.E_RANK, 0) == selections


@FEW
@given(MACHINES)
def test_an_array_works_on_one_query_at_a_time(case):
    """Q x K streams its lines one query after another; in Prob x V the adder tree of one query overlaps the next."""
    run = simulated(case, events=EVENTS)
    unit, start, end, _, query = run.events.T

    qk = sorted(zip(start[unit == t.E_QK].tolist(), end[unit == t.E_QK].tolist(), strict=True))
    assert all(before[1] <= after[0] for before, after in pairwise(qk))
    lines = run.plan.query[query[unit == t.E_PV], t.Q_VALUE_LINES]
    pv = sorted(zip(start[unit == t.E_PV].tolist(), lines.tolist(), strict=True))
    assert all(at + n <= after for (at, n), (after, _) in pairwise(pv))
    ranking = sorted(zip(start[unit == t.E_RANK].tolist(), end[unit == t.E_RANK].tolist(), strict=True))
    assert all(before[1] <= after[0] for before, after in pairwise(ranking))


@settings(max_examples=30)
@given(MACHINES)
def test_the_same_case_gives_the_same_run(case):
    a, b = cycle_result(case.arch, case.decisions), cycle_result(case.arch, case.decisions)

    assert a.to_json() == b.to_json()


@FEW
@given(MACHINES)
def test_the_multiplications_are_those_of_the_decisions(case):
    """A score is D of them, twice where it is computed again or its two planes are streamed; a kept value D."""
    d, result = case.decisions, cycle_result(case.arch, case.decisions)
    keys, values = d.keys_kept[d.query_row].astype(np.int64), int(d.values_kept.sum())
    multiplied = int((keys * (1 + (d.lsb_refetch > 0))).sum())

    assert result.actions["qk"]["multiply"] == d.head_dim * multiplied
    assert result.actions["pv"]["multiply"] == d.head_dim * values
    assert result.operations["effective"] == 2 * d.head_dim * (int(keys.sum()) + values)


@FEW
@given(ONE_PASS)
def test_pruning_never_adds_work(case):
    """Multiplications and bytes. The reference lacks the second pass, which is the price of fetching few bits first."""
    pruned = cycle_result(case.arch, case.decisions)
    whole = cycle_result(case.arch, dense(case.decisions), un_pruned=True)

    for unit in ("qk", "pv"):
        assert pruned.actions[unit]["multiply"] <= whole.actions[unit]["multiply"]
    assert pruned.operations["effective"] <= whole.operations["effective"]
    for tensor, moved in pruned.traffic.dram_bytes.items():
        assert moved <= whole.traffic.dram_bytes[tensor], tensor


@FEW
@given(MACHINES)
def test_the_energy_is_that_of_the_actions_and_of_the_seconds(case):
    result, technology = cycle_result(case.arch, case.decisions), load_technology(case.arch.technology)
    table = energy_per_action(case.arch, technology)
    spent = fsum(n * table[unit, one][0] for unit, counts in result.actions.items() for one, n in counts.items())
    flowing = fsum(watts.value for watts in background_watts(case.arch, technology).values()) * result.seconds

    assert result.energy_j["total"] == pytest.approx(spent + flowing, rel=1e-12)
    assert result.energy_j["total"] == pytest.approx(fsum(j for unit, j in result.energy_j.items() if unit != "total"))


@pytest.mark.parametrize("name", sorted(ARCHES))
def test_no_machine_is_left_out(name):
    assert ARCHES[name].key_lines >= 2
