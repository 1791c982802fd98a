"""From when on a row's K and V stream out of SRAM."""

from bench.pipeline_cases import ARCHES, Case, simulated

from tokensieve.sim.kernels import tables as t
from tokensieve.workloads.complete import complete
from tokensieve.workloads.workload import workload_from


def fetched(phase, length):
    """Return the row of a run of one head of 64 tokens that fetches K and V."""
    shape = {"name": "toy", "layers": 1, "heads": 1, "head_dim": 64, "hidden": 64, "ffn": 64}
    schedule = {"value": 1, "bits": {"key": 8, "value": 8, "lsb": 0}}
    work = workload_from({"model": shape, "phase": phase, **length, "schedule": schedule})
    return simulated(Case(ARCHES["spatten"], complete(work.counts(), ARCHES["spatten"].topk, 0), "spatten")).plan.row[0]


def test_a_single_query_streams_v_line_by_line_as_it_comes():
    row = fetched("decode", {"prompt": 63, "steps": 1})

    assert row[t.R_QUERIES] == 1
    assert row[t.R_VALUE_FROM] < row[t.R_VALUE_FLOW] < row[t.R_VALUE_LAST]


def test_many_queries_wait_for_the_whole_of_v_but_not_of_k():
    row = fetched("prefill", {"context": 64})

    assert row[t.R_QUERIES] == 64
    assert row[t.R_VALUE_FLOW] == row[t.R_VALUE_LAST]
    assert row[t.R_KEY_FLOW] < row[t.R_KEY_LAST]
