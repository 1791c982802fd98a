"""More of a unit never costs cycles, less to do is never more work: where that holds, and by how much it does not.

docs/explanation/laws.md says why.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from bench.pipeline_cases import ARCHES, cases, simulated
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import Arch, load_arch
from tokensieve.sim.cycle.run import run_cycles
from tokensieve.sim.dram.run import replay
from tokensieve.sim.kernels import dram_state, tables
from tokensieve.sim.work import row_work
from tokensieve.verify.units.base import with_fields
from tokensieve.workloads.benchmarks import load_workload

LANES = (("topk", "lanes"), ("softmax", "lanes"), ("importance", "lanes"))
BUFFERS = (
    ("key_sram", "kib"), ("value_sram", "kib"), ("softmax", "fifo_lines"), ("topk", "queue_lines"),
    ("requant", "queue_rows"),
)  # fmt: skip
BANDWIDTH = (("dram", "channels"), ("dram", "window"), ("fetcher", "ports"), ("fetcher", "fifo_depth"))
SMALL = tuple(name for name in ARCHES if name != "wide softmax")
"""Machines that can be doubled: the other one has as many lanes of top-k as there can be."""

ORDER_MAY_COST = 0.25
"""Share of the cycles of runs of some thousand cycles at most: other times mean another order of DRAM commands. 1 in
155 of 4,800 comparisons costs anything; the largest found was 4 %, with planes aligned to 128 KiB 19 %."""

LAWS = Path(__file__).parents[2] / "docs" / "explanation" / "laws.md"

few = settings(max_examples=25)
machines = st.sampled_from(SMALL).flatmap(lambda name: cases((name,)))


def doubled(arch, *fields):
    """Return `arch` with twice as much of each field, (group, name)."""
    for group, name in fields:
        arch = with_fields(arch, group, **{name: 2 * getattr(getattr(arch, group), name)})
    return arch


def unhindered(case):
    """Return `case` on its machine at 1 MHz: a thousand DRAM commands fit into a cycle."""
    arch = with_fields(case.arch, "clock", mhz=1)
    return replace(case, arch=with_fields(arch, "fetcher", ports=256, fifo_depth=4096))


def taken_at_once(test: Callable[..., None]) -> Callable[..., None]:
    """Run `test` with converters and gathers that take any number of granules in a cycle.

    They have the clock of the arrays, and so at 1 MHz DRAM waits for them, and a wider line, which may fetch more, for
    more of them.
    """

    @wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Arch, "read_clocks", 0)
            test(*args, **kwargs)

    return run


def cycles(case, arch):
    return simulated(replace(case, arch=arch)).total


def test_the_page_counts_the_machines():
    page = LAWS.read_text(encoding="utf-8")

    assert f"{len(ARCHES)} machines" in page
    assert f"{len(SMALL)} of them" in page


@few
@given(machines)
@taken_at_once
def test_more_lanes_or_memory_never_cost_a_cycle_where_dram_is_never_waited_for(case):
    case = unhindered(case)
    usual = cycles(case, case.arch)

    for field in (*LANES, *BUFFERS):
        assert cycles(case, doubled(case.arch, field)) <= usual, field


@few
@given(machines.filter(lambda case: case.arch.topk.lanes > 1))
@taken_at_once
def test_a_wider_array_costs_one_level_of_its_adder_tree_for_each_layer(case):
    """With as many lines of memory as before; the last output of each layer and step waits for the new level.

    An engine that hands out one id a cycle completes a longer line later, and costs more.
    """
    case = unhindered(case)
    usual = simulated(case)
    key = cycles(case, doubled(case.arch, ("key_sram", "kib"), ("qk", "multipliers")))
    arch = doubled(case.arch, ("value_sram", "kib"), ("topk", "queue_lines"), ("pv", "multipliers"))

    assert key <= usual.total
    assert cycles(case, arch) <= usual.total + len(usual.plan.group)


@few
@given(machines)
def test_more_of_anything_hardly_ever_costs_cycles_where_dram_is_waited_for(case):
    usual = cycles(case, case.arch)

    for field in (*LANES, *BUFFERS, *BANDWIDTH):
        assert cycles(case, doubled(case.arch, field)) <= usual * (1 + ORDER_MAY_COST), field


DECODE = """\
model: bert-base
layers: 2
phase: decode
prompt: 256
steps: 4
schedule: {interpolation: list, token: [1, 0.7], value: 0.5, bits: {query: 12, key: 8, value: 8, lsb: 0}}
"""


@pytest.mark.parametrize(
    ("field", "values", "step_may_cost"),
    [
        ("dram.channels", (1, 2, 4, 8, 16, 32, 64), 0),
        ("dram.tCK_ps", (4000, 2000, 1000, 500), 0.004),
        ("dram.window", (1, 4, 16, 64), 0.001),
        ("fetcher.ports", (1, 2, 8, 32), 0.001),
        ("topk.lanes", (1, 2, 4, 8, 16, 32, 64), 0),
        ("softmax.lanes", (8, 16, 32), 0.002),
        ("key_sram.kib", (32, 64, 128, 192, 512), 0.03),
        ("value_sram.kib", (16, 32, 192, 512), 0.03),
    ],
)
def test_a_run_of_usual_size_is_faster_the_more_there_is(tmp_path, field, values, step_may_cost):
    """But for another order of DRAM commands: what a step costs at most is of twelve draws of scores (laws.md)."""
    (tmp_path / "decode.yaml").write_text(DECODE)
    totals = []
    for value in values:
        arch = load_arch("spatten", [f"{field}={value}"])
        totals.append(run_cycles(arch, row_work(arch, load_workload(str(tmp_path / "decode.yaml"), arch))).total)

    assert all(more <= less * (1 + step_may_cost) for less, more in pairwise(totals)), totals
    assert totals[-1] < totals[0]


streams = st.lists(st.integers(0, 1 << 12), min_size=1, max_size=200)


@few
@given(streams, st.sampled_from([2, 4, 16]), st.booleans())
def test_one_channel_of_many_does_its_share_in_the_same_time(granules, channels, refresh):
    """A stream that gives every channel the same requests ends as that of one channel does, with so many times less."""
    one = with_fields(ARCHES["spatten"], "dram", channels=1, refresh=refresh).dram
    many = with_fields(ARCHES["spatten"], "dram", channels=channels, refresh=refresh).dram
    alone = np.array(granules)
    together = (alone[:, None] * channels + np.arange(channels)).reshape(-1)
    share, whole = (replay(dram, places * dram.granule_bytes) for dram, places in ((one, alone), (many, together)))

    assert many.peak_gb_per_s == channels * one.peak_gb_per_s
    assert whole.cycles == share.cycles
    for count in ("reads", "activates", "row_hits", "row_misses", "row_conflicts"):
        assert getattr(whole, count) == channels * getattr(share, count)


@few
@given(machines, st.sampled_from([1, 2, 8]))
def test_what_crosses_dram_does_not_hang_on_the_channels(case, channels):
    fewer = simulated(replace(case, arch=with_fields(case.arch, "dram", channels=channels)))

    assert np.array_equal(fewer.granules, simulated(case).granules)
    assert fewer.scalar(tables.S_BUSY_QK) == simulated(case).scalar(tables.S_BUSY_QK)


TINY = """\
model: {name: tiny, layers: 2, heads: 1, head_dim: 64, hidden: 64, ffn: 64}
phase: decode
prompt: 3
steps: 1
schedule: {interpolation: list, token: [1, 0.5], value: 1, bits: {query: 12, key: 6, value: 4, lsb: 0}}
"""


def test_more_channels_cost_cycles_where_a_run_is_hardly_more_than_opening_dram_rows(tmp_path):
    """The page's smallest case: the query of the second layer lies where no DRAM row has been opened yet."""
    totals, activates, granules = [], [], []
    for channels in (8, 16):
        (tmp_path / "tiny.yaml").write_text(TINY)
        arch = load_arch("spatten", [f"dram.channels={channels}"])
        run = run_cycles(arch, row_work(arch, load_workload(str(tmp_path / "tiny.yaml"), arch)))
        totals.append(run.total)
        activates.append(int(run.dram[dram_state.ACTS]))
        granules.append(int(run.granules.sum()))

    assert totals[0] < totals[1]
    assert activates[0] < activates[1]
    assert len(set(granules)) == 1
