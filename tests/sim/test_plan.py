"""Decisions as tables: pairs, blocks and planes in DRAM."""

from dataclasses import replace

import numpy as np
import pytest
from bench.pipeline_cases import ARCHES, cases
from hypothesis import given, settings

from tokensieve.arch import WorkloadError, load_arch
from tokensieve.sim.capacity import check_capacity
from tokensieve.sim.cycle.plan import PLANE_ALIGNMENT, plan
from tokensieve.sim.kernels import tables as t
from tokensieve.sim.work import row_work
from tokensieve.workloads.complete import complete
from tokensieve.workloads.workload import workload_from

SHAPE = {"name": "toy", "layers": 2, "heads": 3, "head_dim": 64, "hidden": 192, "ffn": 192}


def decided(phase="decode", bits=6, arch=None, **own):
    lengths = {"prompt": 40, "steps": 1} if phase == "decode" else {"context": 40}
    schedule = {"value": 0.5, "threshold": 0.1, "bits": {"key": bits, "value": bits, "lsb": 4}}
    data = {"model": SHAPE, "phase": phase, "schedule": schedule, **lengths, **own}
    return complete(workload_from(data).counts(), (arch or load_arch()).topk, 0)


def planned(decisions, *sets):
    arch = load_arch("spatten", sets)
    return plan(arch, row_work(arch, decisions))


def test_six_bit_heads_come_in_pairs_and_the_last_odd_one_alone():
    row = planned(decided()).row

    assert row[:, t.R_KEY_OWNER].tolist() == [0, 0, 2, 3, 3, 5]
    assert row[:, t.R_KEY_BYTES].tolist() == [96] * 6
    assert row[:, t.R_KEY_BASE].tolist()[1::3] == row[:, t.R_KEY_BASE].tolist()[0::3]


def test_in_decode_each_head_of_a_pair_fetches_its_own_values():
    apart = planned(decided()).row
    meta = {**decided().meta, "pair_shares_values": True}
    together = planned(replace(decided(), meta=meta)).row

    assert apart[:, t.R_VALUE_OWNER].tolist() == [0, 1, 2, 3, 4, 5]
    assert apart[1, t.R_VALUE_BASE] == apart[0, t.R_VALUE_BASE]
    assert together[:, t.R_VALUE_OWNER].tolist() == [0, 0, 2, 3, 3, 5]


def test_in_prefill_a_pair_loads_its_values_once():
    assert planned(decided("prefill")).row[:, t.R_VALUE_OWNER].tolist() == [0, 0, 2, 3, 3, 5]


@pytest.mark.parametrize("bits", [4, 8, 10, 12])
def test_heads_of_other_widths_stay_alone(bits):
    row = planned(decided(bits=bits)).row

    assert row[:, t.R_KEY_OWNER].tolist() == list(range(6))
    assert row[:, t.R_KEY_BYTES].tolist() == [bits * 8] * 6


@settings(max_examples=40)
@given(cases(tuple(ARCHES)))
def test_planes_are_aligned_and_never_overlap(case):
    row = plan(case.arch, row_work(case.arch, case.decisions)).row
    longest = int(case.decisions.context.max())
    planes = set()
    for base, width in (
        (t.R_KEY_BASE, t.R_KEY_BYTES),
        (t.R_LSB_BASE, t.R_LSB_BYTES),
        (t.R_VALUE_BASE, t.R_VALUE_BYTES),
        (t.R_QUERY_BASE, t.R_QUERY_BYTES),
        (t.R_OUTPUT_BASE, t.R_OUTPUT_BYTES),
    ):
        planes |= {(int(one[base]), int(one[base] + one[width] * longest)) for one in row if one[width]}

    assert all(begin % PLANE_ALIGNMENT == 0 for begin, _ in planes)
    ordered = sorted(planes)
    merged = [ordered[0]]
    for begin, end in ordered[1:]:
        assert begin == merged[-1][0] or begin >= merged[-1][1]
        merged.append((begin, max(end, merged[-1][1] if begin == merged[-1][0] else 0)))


def test_a_row_longer_than_half_an_sram_is_cut_into_blocks_that_the_softmax_holds():
    sets = ("key_sram.kib=2", "value_sram.kib=2", "topk.max_tokens=64", "softmax.fifo_lines=12")
    decisions = decided("prefill", bits=8, arch=load_arch("spatten", sets))
    cut = planned(decisions, *sets)

    # 40 keys are 5 lines of scores, 12 lines hold 2 queries, and 40 queries make 20 blocks.
    assert np.bincount(cut.source_row).tolist() == [20] * 6
    assert cut.row[:, t.R_QUERIES].tolist() == [2] * 120
    assert cut.row[1:, t.R_Q0].tolist() == cut.row[:-1, t.R_Q1].tolist()


def test_a_decode_row_is_never_cut():
    sets = ("key_sram.kib=2", "value_sram.kib=2", "topk.max_tokens=64", "softmax.fifo_lines=12")

    assert planned(decided(arch=load_arch("spatten", sets)), *sets).source_row.tolist() == list(range(6))


def test_a_head_wider_than_an_array_is_refused():
    with pytest.raises(WorkloadError, match=r"qk\.multipliers must be at least the head width D = 64, got 32"):
        planned(decided(), "qk.multipliers=32")


def test_a_context_longer_than_the_engine_is_refused():
    with pytest.raises(WorkloadError, match=r"context must be at most topk\.max_tokens = 32, got 41"):
        planned(decided(), "topk.max_tokens=32")


def test_recorded_second_passes_are_made_whatever_the_threshold():
    arch = load_arch()
    with_threshold = decided(bits=8, lsb_fraction=1)
    without = replace(with_threshold, meta={**with_threshold.meta, "threshold": None, "schedule": None}).validate()

    assert row_work(arch, without).decide.tolist() == row_work(arch, with_threshold).decide.tolist()


def test_a_dram_holds_planes_up_to_its_last_byte():
    dram = load_arch(sets=["dram.rows=4"]).dram
    last = dram.capacity - 10 * 96
    check_capacity(dram, [(np.array([0, last]), 96), (np.array([0, last]), np.array([96, 95]))], 10)

    for planes in ([(np.array([0, last + 1]), 96)], [(np.array([0, last]), np.array([0, 97]))]):
        with pytest.raises(WorkloadError, match=f"got {dram.capacity:,} bytes"):
            check_capacity(dram, planes, 10)
