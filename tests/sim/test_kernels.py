"""The compiled pipeline against its plain version, and the critical path against what the tables say."""

from dataclasses import replace

import numpy as np
import pytest
from bench.pipeline_cases import ARCHES, Case, cases, simulated
from bench.pipeline_plain import Pipeline, queries
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import load_arch
from tokensieve.arch.timing import StreamWork
from tokensieve.sim.kernels import tables as t
from tokensieve.sim.result import CAUSES
from tokensieve.workloads.complete import complete
from tokensieve.workloads.ragged import Ragged
from tokensieve.workloads.reference import dense
from tokensieve.workloads.workload import workload_from

DRAIN_LATENCY = ARCHES["spatten"].topk.law.drain_latency

MACHINES = st.sampled_from(sorted(ARCHES)).flatmap(lambda name: cases((name,)))


def arrivals(run):
    """Return when K, LSBs and V of each query may be streamed without a gap."""
    row = run.plan.row
    mine = run.plan.query[:, t.Q_ROW]
    keys, values = row[mine, t.R_KEY_OWNER], row[mine, t.R_VALUE_OWNER]
    columns = (row[keys, t.R_KEY_FLOW], row[mine, t.R_LSB_FLOW], row[values, t.R_VALUE_FLOW])
    return list(zip(*(c.tolist() for c in columns), strict=True))


def order(run):
    """Return the passes of a run in the order in which they entered Q x K."""
    ps = run.plan.passes[: run.scalar(t.S_PASSES)]
    return [(q, bool(n)) for q, n in ps[:, [t.P_QUERY, t.P_NUMBER]].tolist()]


def plain(case, run, given_order=True, un_pruned=False):
    """Return the times of the plain version, from the arrivals (and the order of passes) of a run."""
    work = queries(case.arch, case.decisions, arrivals(run), un_pruned)
    return Pipeline(case.arch, case.decisions, work).run(order(run) if given_order else None)


def compare(run, times):
    """Check every stage of every query."""
    ps, query = run.plan.passes[: len(times.passes)], run.plan.query

    assert order(run) == times.passes
    for column, want in ((t.P_QK_AT, times.qk), (t.P_EXP_AT, times.exp), (t.P_DIV_AT, times.div)):
        assert ps[:, column].tolist() == want
    for column, want in ((t.Q_LOAD_AT, times.load), (t.Q_DRAIN_AT, times.drain), (t.Q_PV_AT, times.pv)):
        assert query[:, column].tolist() == want
    assert query[:, t.Q_OUT].tolist() == times.out
    assert run.total == max(times.out[-1] + 1, run.scalar(t.S_LAST_WRITE), *times.ranked)


@settings(max_examples=100)
@given(MACHINES)
def test_every_stage_of_every_query_is_when_the_plain_version_says(case):
    run = simulated(case)

    compare(run, plain(case, run))


@settings(max_examples=40)
@given(MACHINES)
def test_the_reference_runs_through_the_same_stages(case):
    case = replace(case, decisions=dense(case.decisions))
    run = simulated(case, un_pruned=True)

    compare(run, plain(case, run, un_pruned=True))


@settings(max_examples=60)
@given(MACHINES)
def test_without_second_passes_the_order_is_that_of_the_queries(case):
    decisions = replace(case.decisions, lsb_refetch=np.zeros_like(case.decisions.lsb_refetch))
    case = replace(case, decisions=decisions)
    run = simulated(case)

    compare(run, plain(case, run, given_order=False))


@settings(max_examples=100, database=None)
@given(MACHINES)
def test_a_second_pass_goes_first_as_soon_as_it_can(case):
    run = simulated(case)

    assert order(run) == plain(case, run, given_order=False).passes


@settings(max_examples=60)
@given(MACHINES)
def test_keys_are_fetched_once_it_is_known_which(case):
    """After the selection of the layer before, in prefill after its output too, where the machine waits for that."""
    run = simulated(case)
    row, times, barrier = run.plan.row, plain(case, run), case.arch.control.barrier
    prefill, counts = case.decisions.phase == "prefill", case.decisions
    for group, start in zip(row[:, t.R_GROUP].tolist(), row[:, t.R_KEY_FROM].tolist(), strict=True):
        if not group or start < 0 or barrier == "none":
            continue
        ranks = any(kept < of for of, kept in (counts.topk_token_count[group - 1], counts.topk_head_count[group - 1]))
        last = int(counts.query_ptr[np.flatnonzero(counts.row_group == group - 1)[-1] + 1]) - 1

        assert start >= times.ranked[group - 1] * ranks
        assert start >= (times.out[last] + 1) * (prefill and barrier == "output")


@settings(max_examples=60)
@given(MACHINES)
def test_values_and_low_bits_are_fetched_once_it_is_known_which(case):
    run = simulated(case)
    row, query, times = run.plan.row, run.plan.query, plain(case, run)
    decided = {}
    for number, (q, again) in enumerate(times.passes):
        if not again and case.decisions.lsb_refetch[q] == 1:
            pipeline = Pipeline(case.arch, case.decisions, queries(case.arch, case.decisions, arrivals(run)))
            pipeline.times = times
            decided.setdefault(int(query[q, t.Q_ROW]), pipeline.decided(number))

    for r, at in decided.items():
        assert row[r, t.R_LSB_FROM] == at
        assert row[r, t.R_LSB_FLOW] > at
    if case.decisions.phase == "decode":
        drained = np.array(times.drain) + case.arch.topk.law.drain_latency
        first = np.where(query[:, t.Q_PASSES], times.load, drained)
        mine = (row[:, t.R_VALUE_OWNER] == np.arange(len(row))) & (row[:, t.R_VALUES] > 0) & (row[:, t.R_EARLY] == 0)
        assert (row[mine, t.R_VALUE_FROM] >= first[mine]).all()
        assert (row[mine, t.R_VALUE_FLOW] > row[mine, t.R_VALUE_FROM]).all()


@settings(max_examples=60)
@given(MACHINES)
def test_the_srams_never_hold_more_than_they_can(case):
    row = simulated(case).plan.row
    for owner, begin, freed, space, most in (
        (t.R_KEY_OWNER, t.R_KEY_FROM, t.R_KEY_FREED, t.R_KEY_SPACE, case.arch.key_lines),
        (t.R_VALUE_OWNER, t.R_VALUE_FROM, t.R_VALUE_FREED, t.R_VALUE_SPACE, case.arch.value_lines),
    ):
        loads = row[(row[:, owner] == np.arange(len(row))) & (row[:, space] > 0)]
        for i, load in enumerate(loads):
            there = loads[:i][loads[:i, freed] > load[begin], space].sum()
            assert there == 0 or there + load[space] <= most


@settings(max_examples=60)
@given(MACHINES)
def test_what_held_a_stage_back_ended_when_the_stage_began(case):
    """Every reason that the walk along the critical path follows is one that really bound."""
    run = simulated(case)
    ps, query, row, group = run.plan.passes, run.plan.query, run.plan.row, run.plan.group
    ends = {
        t.W_DATA: lambda who: row[who, t.R_KEY_FLOW],
        t.W_LSB: lambda who: row[who, t.R_LSB_FLOW],
        t.W_BARRIER: lambda who: query[group[who, t.G_LAST_QUERY], t.Q_OUT] + 1,
        t.W_RANKED: lambda who: group[who, t.G_RANKED],
        t.W_BUFFER: lambda who: ps[who, t.P_EXP_AT],
        t.W_QUEUE: lambda who: query[who, t.Q_LOAD_AT],
        t.W_FLOW: lambda who: ps[who, t.P_DECIDED],
        t.W_BUSY: lambda who: ps[who, t.P_QK_AT] + ps[who, t.P_QK_LINES] if who >= 0 else 0,
    }
    for one in ps[: run.scalar(t.S_PASSES)]:
        assert one[t.P_QK_AT] == ends[int(one[t.P_QK_WHY])](int(one[t.P_QK_WHO]))
    for q, one in enumerate(query):
        held_by = int(one[t.Q_DRAIN_WHO])
        assert held_by < 0 or one[t.Q_DRAIN_AT] == query[held_by, t.Q_PV_AT]
        if one[t.Q_PV_WHY] == t.W_BUSY:
            assert one[t.Q_PV_AT] == query[q - 1, t.Q_PV_AT] + query[q - 1, t.Q_VALUE_LINES]
        if one[t.Q_PV_WHY] == t.W_DATA:
            assert one[t.Q_PV_AT] == row[row[one[t.Q_ROW], t.R_VALUE_OWNER], t.R_VALUE_FLOW]


@settings(max_examples=60)
@given(MACHINES)
def test_no_cause_is_charged_more_than_its_units_worked(case):
    charge(case, np.full_like(case.decisions.topk_head_count, -1))


@settings(max_examples=100, database=None)
@given(MACHINES)
def test_no_cause_is_charged_more_than_its_units_worked_where_heads_are_selected(case):
    charge(case, case.decisions.topk_head_count)


def charge(case, head_selections):
    """Check the causes of a case against the busy cycles of its units, with other head selections."""
    run = simulated(replace(case, decisions=replace(case.decisions, topk_head_count=head_selections)))
    cause = dict(zip(CAUSES, run.causes.sum(axis=0).tolist(), strict=True))
    ps, query = run.plan.passes[: run.scalar(t.S_PASSES)], run.plan.query
    head = case.arch.importance.law(case.arch.topk).cycles(StreamWork(items=case.decisions.head_dim))
    ranking = run.scalar(t.S_BUSY_RANK) + (3 + head) * len(run.plan.group)

    row = run.plan.row[query[ps[:, t.P_QUERY], t.Q_ROW]]
    scanned = np.where(ps[:, t.P_LINES] > row[:, t.R_LINES], ps[:, t.P_LINES], 0)
    queued = ps[:, t.P_LINES] * row[:, t.R_DECIDE]  # out of the queue behind the decision, past the engine

    assert cause["compute"] <= (ps[:, t.P_QK_LINES] - scanned).sum() + query[:, t.Q_VALUE_LINES].sum()
    assert cause["softmax_stall"] <= (scanned + ps[:, t.P_LINES] + ps[:, t.P_DIV_CYCLES] + queued).sum()
    engine = run.scalar(t.S_BUSY_TOPK) + int(query[:, t.Q_DRAIN].sum())
    assert cause["topk_stall"] <= engine + ranking + ps[:, t.P_DIV_CYCLES].sum()


@settings(max_examples=30)
@given(MACHINES)
def test_the_reference_never_waits_for_a_top_k_engine(case):
    causes = simulated(replace(case, decisions=dense(case.decisions)), un_pruned=True).causes.sum(axis=0)

    assert causes[CAUSES.index("topk_stall")] == 0


def test_the_pipeline_fills_once_for_each_layer_where_nothing_waits_for_anything_else(every_value):
    """With a layer at a time, on a machine whose stages take every query at once: registers are all that is left."""
    run = simulated(Case(ARCHES["spatten"], every_value, "spatten"))
    latencies = [t.S_QK_LATENCY, t.S_SCAN_LATENCY, t.S_EXP_LATENCY, t.S_DIV_LATENCY, t.S_PV_LATENCY]

    assert run.causes[:, CAUSES.index("fill_drain")].sum() <= len(run.plan.group) * sum(map(run.scalar, latencies))


@settings(max_examples=60)
@given(MACHINES)
def test_to_fill_and_drain_is_registers_alone(case):
    run = simulated(case)
    fill = int(run.causes[:, CAUSES.index("fill_drain")].sum())
    latencies = [t.S_QK_LATENCY, t.S_SCAN_LATENCY, t.S_EXP_LATENCY, t.S_DIV_LATENCY, t.S_TREE]
    passes, queries = run.scalar(t.S_PASSES), len(run.plan.query)

    assert fill <= passes * sum(map(run.scalar, latencies)) + queries * run.scalar(t.S_PV_LATENCY)


@pytest.mark.parametrize("engine", ["quickselect", "radix", "bitserial", "bitonic"])
def test_nobody_waits_for_a_top_k_that_has_nothing_to_choose(engine, every_value):
    arch = load_arch("spatten", [f"topk.engine={engine}", "topk.max_tokens=256"])
    run = simulated(Case(arch, every_value, engine))

    assert run.scalar(t.S_BUSY_TOPK) == 0
    assert run.causes[:, CAUSES.index("topk_stall")].sum() == 0


def test_the_stages_of_a_single_query_are_worked_out_by_hand(one_query):
    """One head of 16 keys (2 lines), 4 of whose values (1 line) are kept: nothing overlaps."""
    run = simulated(Case(ARCHES["spatten"], one_query, "spatten"))
    keys, values, drain, search = alone(run)

    # 2 lines of K in, 9 registers of Q x K and 7 of the scan, 2 lines of exponentials and 44 registers, division 36
    # later, whose 2 lines of 8 load the engine.
    assert drain == keys + 2 + 9 + 7 + 2 + 44 + 36 + 2 + search
    # The engine hands out the ids `drain_latency` later; the last output comes 7 cycles after V, and is then written.
    assert values > drain + DRAIN_LATENCY
    assert run.plan.query[0, t.Q_OUT] == values + 7


def test_the_causes_of_a_single_query_are_worked_out_by_hand(one_query):
    run = simulated(Case(ARCHES["spatten"], one_query, "spatten"))
    keys, values, drain, search = alone(run)
    causes = dict(zip(CAUSES, run.causes[0].tolist(), strict=True))

    assert causes["compute"] == 2 + 1
    assert causes["softmax_stall"] == 2
    assert causes["topk_stall"] == 2 + search + DRAIN_LATENCY
    assert causes["fill_drain"] == 9 + 7 + 44 + 36 + 7
    assert causes["dram_stall"] == keys + (values - drain - DRAIN_LATENCY) + (run.total - values - 8)


def test_a_query_that_keeps_no_value_waits_for_the_engine_all_the_same(no_value):
    run = simulated(Case(ARCHES["spatten"], no_value, "spatten"))
    query, causes = run.plan.query[0], dict(zip(CAUSES, run.causes[0].tolist(), strict=True))

    # 2 lines load the engine, which knows the threshold 1 cycle later and drains its one line past the registers.
    assert query[t.Q_SEARCH] == 1
    assert causes["topk_stall"] == 2 + 1 + 1 + DRAIN_LATENCY
    # As below, and Prob x V takes a cycle for an output without a value.
    assert causes["fill_drain"] == 9 + 7 + 44 + 36 + 7 + 1


def test_scores_that_come_slower_than_keys_are_the_softmaxs(one_query):
    """One score a cycle: of 18 cycles at Q x K, none is one that more multipliers would save."""
    slow = load_arch("spatten", ["softmax.lanes=1", "softmax.fifo_lines=1024"])
    run = simulated(Case(slow, one_query, "slow softmax"))
    causes = dict(zip(CAUSES, run.causes[0].tolist(), strict=True))

    assert causes["compute"] == run.plan.query[0, t.Q_VALUE_LINES]
    assert causes["softmax_stall"] == 16 + 16


def alone(run):
    """Return when K and V of the first query stream, when its drain begins, and how long the search takes."""
    row, query = run.plan.row[0], run.plan.query[0]
    return (int(n) for n in (row[t.R_KEY_FLOW], row[t.R_VALUE_FLOW], query[t.Q_DRAIN_AT], query[t.Q_SEARCH]))


@pytest.fixture
def one_query():
    """Decisions of one step, layer and head: 16 keys, 4 values, 8 bits."""
    return small(value=0.25, steps=1)


@pytest.fixture
def no_value(one_query):
    """The same, but no value is kept."""
    empty = Ragged.of([[]])
    kinds = {kind: replace(record, local=empty) for kind, record in one_query.records.items()}
    none = {
        "values_kept": np.zeros(1, np.int32),
        "value_ids": one_query.value_ids[:0],
        "value_ptr": np.zeros(2, np.int64),
    }
    return replace(one_query, records=kinds, **none)


@pytest.fixture
def every_value():
    """Decisions of four steps of one layer and head, whose values are all kept."""
    return small(value=1, steps=4)


def small(value, steps):
    shape = {"name": "toy", "layers": 1, "heads": 1, "head_dim": 64, "hidden": 64, "ffn": 64}
    schedule = {"value": value, "bits": {"key": 8, "value": 8, "lsb": 0}}
    data = {"model": shape, "phase": "decode", "prompt": 15, "steps": steps, "schedule": schedule}
    return complete(workload_from(data).counts(), ARCHES["spatten"].topk, 0)
