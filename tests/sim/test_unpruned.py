"""Nothing pruned costs what the dense reference costs: a comparison is fair only if that holds to the cycle."""

from dataclasses import replace

import numpy as np
import pytest
from bench.pipeline_cases import ARCHES
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tokensieve.arch import load_arch
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.cycle.run import run_cycles
from tokensieve.sim.kernels import tables
from tokensieve.sim.work import row_work
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.complete import complete
from tokensieve.workloads.reference import dense
from tokensieve.workloads.workload import workload_from

MACHINES = [*ARCHES, "sieve"]


def nothing_pruned(arch, phase, tokens, head_dim, layers, heads):
    """Return decisions that record a selection of everything in every layer, in 12 bits and one pass."""
    width = {"name": "toy", "layers": layers, "heads": heads, "head_dim": head_dim, "hidden": 64, "ffn": 64}
    keep = {"token": [1] * layers, "head": [1] * layers, "value": [1] * layers, "interpolation": "list"}
    shape = {"context": tokens} if phase == "prefill" else {"prompt": tokens, "steps": 2}
    bits = {"query": 12, "key": 12, "value": 12, "lsb": 0}
    counts = workload_from({"phase": phase, "model": width, "schedule": keep | {"bits": bits}} | shape).counts()
    asked = {"token_topk": counts.context[::heads], "head_topk": np.full(len(counts.context[::heads]), heads, np.int32)}
    return complete(replace(counts, **asked), arch.topk, 0)


@settings(max_examples=40)
@given(
    st.sampled_from(MACHINES),
    st.sampled_from(["prefill", "decode"]),
    st.integers(2, 50),
    st.sampled_from([32, 64]),
    st.integers(1, 3),
    st.integers(1, 4),
)
@example("sieve", "decode", 992, 64, 2, 2)
@example("spatten", "prefill", 384, 128, 1, 2)
@example("spatten", "decode", 1000, 128, 2, 2)
@example("spatten", "prefill", 10, 32, 2, 2)
def test_nothing_pruned_equals_dense_to_the_cycle(machine, phase, tokens, head_dim, layers, heads):
    arch = ARCHES[machine] if machine in ARCHES else load_arch(machine)
    decisions = nothing_pruned(arch, phase, tokens, head_dim, layers, heads)

    for level in (cycle_result, analytic_result):
        own, reference = level(arch, decisions), level(arch, dense(decisions), un_pruned=True)

        assert own.cycles == reference.cycles
        assert own.actions == reference.actions
        assert own.energy_j == reference.energy_j


@pytest.mark.parametrize("queue_lines", [64, 512])
def test_probabilities_that_pass_by_wait_in_no_more_lines_than_the_queue_before_prob_x_v_has(queue_lines):
    arch = load_arch("spatten", [f"topk.queue_lines={queue_lines}", "pv.multipliers=128", "value_sram.kib=32"])
    whole = dense(load_workload("bert-base-cola", arch))

    ran = run_cycles(arch, row_work(arch, whole, un_pruned=True))

    query, passes = ran.plan.query, ran.plan.passes[: len(ran.plan.query)]
    there = passes[:, tables.P_DIV_AT] + ran.scalar(tables.S_DIV_LATENCY)
    waiting = [
        query[:q, tables.Q_VALUE_LINES][query[:q, tables.Q_PV_AT] > there[q]].sum() for q in range(len(query))
    ]  # fmt: skip
    lines = query[:, tables.Q_VALUE_LINES]
    assert max(waiting) > 0
    assert ((np.array(waiting) == 0) | (waiting + lines <= queue_lines)).all()
