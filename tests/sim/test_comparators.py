"""A3, MNNFast and rooflines cost what their dataflows say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import load_arch
from tokensieve.arch.device import find_device
from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.technology import load_technology
from tokensieve.sim.comparators.a3 import Room, Search, a3_areas_mm2, a3_cost
from tokensieve.sim.comparators.base import DenseRows, Stages, dense_rows, register_cycles, sequential, total_cycles
from tokensieve.sim.comparators.mnnfast import mnnfast_cost
from tokensieve.sim.comparators.parts import bill, memory
from tokensieve.sim.comparators.roofline import roofline_cost
from tokensieve.sim.cost.energy import energy_per_action
from tokensieve.workloads.benchmarks import load_workload

EIGHTH = load_arch("spatten-eighth")
NO_BARRIER = load_arch("spatten-eighth", ["control.barrier=none"])
TWICE = ["qk.multipliers=128", "pv.multipliers=128", "softmax.lanes=2"]
REGISTERS = register_cycles(EIGHTH, 64)


def rows_of(keys, layers=1, heads=1, prefill=True, dim=64, charge_io=True):
    """Return the rows of `layers` x `heads` heads that see `keys` keys each."""
    count = layers * heads
    return DenseRows(
        head_dim=dim,
        prefill=prefill,
        group=np.repeat(np.arange(layers), heads),
        keys=np.full(count, keys),
        queries=np.full(count, keys if prefill else 1),
        charge_io=charge_io,
    )


def search_of(rows, steps, candidates, used):
    """Return the same outcome for each query."""
    total = int(rows.queries.sum())
    return Search(steps=np.full(total, steps), candidates=np.full(total, candidates), used=np.full(total, used))


def test_the_work_is_that_of_all_heads_tokens_and_values():
    rows = dense_rows(load_workload("gpt2-small-wikitext2", EIGHTH))

    assert len(rows.keys) == 32 * 12 * 12
    assert rows.pairs == rows.keys.sum() == 4_647_168  # as the authors' un-pruned trace has it
    assert rows.operations == 4 * 64 * rows.pairs
    assert not rows.prefill


def test_a3_reads_a_sorted_copy_with_k_and_v_and_takes_the_slowest_stage_for_each_query():
    """16 keys, in the copy with key numbers of 10 bits; 16 queries of 8 steps; the last leaves three stages behind."""
    rows, stream = rows_of(16), sequential(EIGHTH)
    cost = a3_cost(EIGHTH, rows, search_of(rows, steps=8, candidates=5, used=3))

    moved = 2 * 16 * 96 + 16 * 64 * (12 + 10) // 8 + 2 * 16 * 96
    assert cost.dram_bytes == moved
    load = int(np.ceil(moved / 32 * stream.cycles_per_granule))
    assert cost.busy_cycles == {"dram": load, "queries": 16 * 8}
    assert cost.cycles == load + stream.latency + 16 * 8 + (5 + 5 + 3) + REGISTERS


@pytest.mark.parametrize(("steps", "candidates", "slowest"), [(8, 5, 8), (2, 11, 11)])
def test_a_query_of_a3_costs_the_search_or_its_candidates(steps, candidates, slowest):
    rows = rows_of(16)

    cost = a3_cost(EIGHTH, rows, search_of(rows, steps, candidates, used=1))
    assert cost.busy_cycles["queries"] == 16 * slowest


def test_units_side_by_side_take_queries_in_turn():
    """Three queries on two units: the first unit has two of them."""
    rows = replace(rows_of(16), queries=np.array([3]))
    found = Search(steps=np.array([4, 9, 2]), candidates=np.array([1, 1, 1]), used=np.array([1, 1, 1]))
    twice = load_arch("spatten-eighth", TWICE)

    assert a3_cost(EIGHTH, rows, found).busy_cycles["queries"] == 4 + 9 + 2
    assert a3_cost(twice, rows, found).busy_cycles["queries"] == max(4 + 2, 9)


def test_in_its_base_design_a3_looks_at_all_keys_and_reads_no_sorted_copy():
    rows = rows_of(100, heads=3, prefill=False, charge_io=False)
    cost = a3_cost(EIGHTH, rows, None)

    assert cost.dram_bytes == 3 * 2 * 100 * 96
    assert cost.busy_cycles["queries"] == 3 * 100


def test_mnnfast_saves_no_cycles_in_prefill_and_fetches_in_decode_what_it_uses():
    prefill, decode = rows_of(64), rows_of(64, prefill=False, charge_io=False)
    few, many = (mnnfast_cost(EIGHTH, prefill, np.full(64, used)) for used in (3, 64))

    assert (few.cycles, few.dram_bytes) == (many.cycles, many.dram_bytes)
    assert few.energy_j < many.energy_j
    assert few.busy_cycles["queries"] == 64 * 64
    assert mnnfast_cost(EIGHTH, decode, np.array([16])).dram_bytes == (64 + 16) * 96


ROWS = st.builds(
    rows_of, st.integers(2, 200), st.integers(1, 3), st.integers(1, 4), st.booleans(), st.sampled_from([32, 64])
)


@given(rows=ROWS, data=st.data())
def test_fewer_candidates_never_cost_a3_cycles_or_energy(rows, data):
    keys = int(rows.keys[0])
    many = data.draw(st.integers(1, keys))
    less = data.draw(st.integers(1, many))
    costs = [a3_cost(EIGHTH, rows, search_of(rows, max(keys // 2, 1), n, min(n, less))) for n in (less, many)]

    assert costs[0].cycles <= costs[1].cycles
    assert costs[0].energy_j <= costs[1].energy_j
    assert costs[0].dram_bytes == costs[1].dram_bytes


@given(rows=ROWS, more=st.sampled_from([["dram.channels=4"], TWICE, TWICE[2:], ["control.barrier=none"]]))
def test_more_of_anything_never_costs_a_comparator_cycles(rows, more):
    """But for the levels by which the adder tree of a wider array grows, once a layer."""
    bigger, used = load_arch("spatten-eighth", more), np.ones(int(rows.queries.sum()), np.int64)
    found = search_of(rows, 1, 1, 1)
    deeper = register_cycles(bigger, rows.head_dim) - register_cycles(EIGHTH, rows.head_dim)
    allowed = deeper * len(np.unique(rows.group))

    for run in (lambda a: a3_cost(a, rows, found), lambda a: mnnfast_cost(a, rows, used)):
        assert run(bigger).cycles <= run(EIGHTH).cycles + allowed


@given(rows=ROWS)
def test_no_comparator_beats_its_arrays_or_its_dram(rows):
    used = np.ones(int(rows.queries.sum()), np.int64)
    least = 32 * EIGHTH.clock.mhz * 1e-3 / EIGHTH.dram.peak_gb_per_s

    for cost in (a3_cost(EIGHTH, rows, None), mnnfast_cost(EIGHTH, rows, used)):
        assert cost.cycles >= cost.dram_bytes / 32 * least
        assert cost.cycles >= rows.pairs


def test_a_layer_of_a_prefill_is_loaded_when_the_one_before_has_ended():
    """Two layers of one head each; both stages take 10 cycles, the way out 7, the first data 5."""
    rows, ten = rows_of(4, layers=2), np.full(2, 10)
    stages = Stages(load=ten, work=ten, fill=np.full(2, 7))

    assert total_cycles(EIGHTH, rows, stages, latency=5) == 2 * (10 + 5 + 10 + 7)
    assert total_cycles(NO_BARRIER, rows, stages, latency=5) == 10 + 5 + 10 + 10 + 7


def test_a_layer_of_a_decode_is_loaded_early_and_its_query_waits():
    rows, ten = rows_of(4, layers=2, prefill=False), np.full(2, 10)
    stages = Stages(load=ten, work=ten, fill=np.full(2, 7))

    assert total_cycles(EIGHTH, rows, stages, latency=5) == 10 + 5 + 10 + 7 + 10 + 7
    assert total_cycles(NO_BARRIER, rows, stages, latency=5) == 10 + 5 + 10 + 10 + 7


def test_the_third_row_is_loaded_when_the_first_has_left_its_half_of_the_memories():
    rows = rows_of(4, heads=3, prefill=False)
    stages = Stages(load=np.full(3, 2), work=np.full(3, 50), fill=np.zeros(3, int))

    assert total_cycles(EIGHTH, rows, stages, latency=1) == 2 + 1 + 3 * 50
    slow = replace(stages, load=np.array([2, 2, 90]))
    assert total_cycles(EIGHTH, rows, slow, latency=1) == (2 + 1 + 50) + 90 + 1 + 50


def test_heads_wider_than_the_arrays_are_refused():
    with pytest.raises(WorkloadError, match=r"qk\.multipliers and pv\.multipliers must be at least D = 128, got 64"):
        mnnfast_cost(EIGHTH, rows_of(4, dim=128), np.ones(4, np.int64))


def test_energy_is_the_sum_of_actions_at_the_prices_of_all_machines_and_what_flows_with_time():
    technology = load_technology(EIGHTH.technology)
    parts = {"keys": memory(128, 768, 1, technology)}
    counts = {"qk": {"multiply": 1000}, "keys": {"read_row": 10}}
    nothing = bill(EIGHTH, parts, {}, 0.0).energy_j

    assert nothing == 0
    assert bill(EIGHTH, parts, counts, 0.0).energy_j == pytest.approx(
        1000 * energy_per_action(EIGHTH, technology)["qk", "multiply"][0]
        + 10 * parts["keys"].energy["read_row"].value * 1e-12
    )
    assert bill(EIGHTH, parts, {}, 2.0).energy_j == pytest.approx(2 * bill(EIGHTH, parts, {}, 1.0).energy_j)


def test_what_the_units_take_adds_up_to_the_energy_and_what_they_cover_to_the_area():
    rows = rows_of(64)
    for cost in (a3_cost(EIGHTH, rows, search_of(rows, 32, 9, 3)), mnnfast_cost(EIGHTH, rows, np.full(64, 3))):
        assert sum(cost.energy_j_of.values()) == pytest.approx(cost.energy_j)
        assert cost.energy_j_of["standing"] > 0
    areas = a3_areas_mm2(EIGHTH, 64, Room(EIGHTH.topk.max_tokens))

    assert set(areas) == {"qk", "softmax", "pv", "keys", "values", "greedy"}
    assert sum(areas.values()) == pytest.approx(a3_cost(EIGHTH, rows, None).area_mm2)


def test_less_room_takes_less_of_the_memories_alone():
    large, small = (a3_areas_mm2(EIGHTH, 64, room) for room in (Room(1024), Room(320, rows=1)))

    assert {unit for unit in large if small[unit] < large[unit]} == {"keys", "values", "greedy"}
    assert all(small[unit] == large[unit] for unit in ("qk", "softmax", "pv"))


def test_a_sequential_stream_never_beats_the_peak_and_comes_near_it():
    stream = sequential(EIGHTH)

    assert 1 <= stream.cycles_per_granule * EIGHTH.dram.peak_gb_per_s / 32 <= 1.2
    assert stream.activates_per_granule == pytest.approx(32 / 1024, rel=0.05)


def test_a_roofline_is_the_longer_of_arithmetic_and_compulsory_traffic_layer_by_layer():
    rows = replace(rows_of(10, layers=2), keys=np.array([10, 1000]), queries=np.array([10, 1]))
    cost = roofline_cost(find_device("1,2"), rows)

    compute, traffic = 4 * 64 * 10 * 10 * 1e-9, 2 * 4 * 64 * (1000 + 1) / 2 * 1e-9
    assert cost.seconds == pytest.approx(compute + traffic)
    assert cost.dram_bytes == 2 * 4 * 64 * (20 + 1001)
    assert cost.energy_j is None
    assert cost.gops_per_watt is None
