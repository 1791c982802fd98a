"""What follows from the counts of a level is the same for every level."""

from dataclasses import replace

import numpy as np
import pytest

from tokensieve.arch import load_arch
from tokensieve.arch.technology import load_technology
from tokensieve.sim.assemble import assemble
from tokensieve.sim.cost.energy import energy
from tokensieve.sim.result import CAUSES, Traffic
from tokensieve.sim.work import row_work
from tokensieve.workloads.complete import complete
from tokensieve.workloads.workload import workload_from

ARCH = load_arch("spatten")
MODEL = {"name": "small", "layers": 2, "heads": 3, "hidden": 192, "head_dim": 64, "ffn": 768}
WORKLOAD = {"model": MODEL, "phase": "prefill", "context": 16}
WORK = row_work(ARCH, complete(workload_from(WORKLOAD).counts(), ARCH.topk, 0))
CYCLES = np.array([[10, 5, 0, 0, 1], [4, 20, 0, 0, 0]])
GRANULES = np.array([[1, 2, 3, 4, 5], [0, 0, 0, 1, 0]])
COUNTED = {
    "busy_cycles": {"dram": 30, "qk": 12, "pv": 8, "softmax": 9, "importance": 9, "topk": 3, "ranking": 4},
    "traffic": Traffic(vectors={"key": 6, "value": 5}, lsb_rows=0, dram_bytes={"total": 512}),
    "actions": {"qk": {"multiply": 1_000}, "dram": {"activate": 3}, "fetcher": {"request": 640}},
}


def assembled(level="cycle", cycles=CYCLES, counted=COUNTED):
    return assemble(level, ARCH, WORK, cycles, GRANULES, **counted)


def test_levels_differ_in_nothing_but_their_name():
    coarse, fine = assembled("analytic"), assembled("cycle")

    assert (coarse.level, fine.level) == ("analytic", "cycle")
    assert replace(coarse, level="cycle") == fine


def test_what_a_level_counts_is_kept():
    result = assembled()

    assert {name: getattr(result, name) for name in COUNTED} == COUNTED


def test_cycles_are_the_sum_of_the_layers():
    result = assembled()

    assert result.cycles == {
        "compute": 14, "dram_stall": 25, "topk_stall": 0, "softmax_stall": 0, "fill_drain": 1, "total": 40,
    }  # fmt: skip
    assert [one.cycles["total"] for one in result.layers] == [16, 24]
    assert result.seconds == 40 / (ARCH.clock.mhz * 1e6)


def test_layers_have_their_own_bytes_and_what_is_alive_in_them():
    first, second = assembled().layers

    assert first.dram_bytes["total"] == 15 * ARCH.dram.granule_bytes
    assert second.dram_bytes["value"] == second.dram_bytes["total"] == ARCH.dram.granule_bytes
    assert (first.heads, second.heads) == (3, 3)
    assert (first.tokens, second.tokens) == (16, 16)


def test_utilization_is_busy_cycles_over_all_cycles():
    assert assembled().utilization == {
        "dram": 0.75,
        "qk": 0.3,
        "pv": 0.2,
        "softmax": 0.225,
        "importance": 0.225,
        "topk": 0.075,
        "ranking": 0.1,
    }


def test_energy_is_that_of_the_actions_and_of_the_time():
    result = assembled()
    spent = energy(ARCH, load_technology(ARCH.technology), COUNTED["actions"], result.seconds)

    assert result.energy_j == {**spent.joules, "total": spent.total}
    assert result.energy_j_interval == spent.interval


@pytest.mark.parametrize(
    ("cause", "busy", "unit"),
    [
        ("compute", {}, "qk"),
        ("compute", {"pv": 13}, "pv"),
        ("dram_stall", {}, "dram"),
        ("dram_stall", {"dram": 19}, "fetcher"),  # 640 addresses at 32 ports
        ("topk_stall", {}, "ranking"),
        ("topk_stall", {"topk": 9}, "topk"),
        ("softmax_stall", {}, "softmax"),
        ("softmax_stall", {"importance": 10_000}, "importance"),
        ("fill_drain", {}, "pipeline"),
        ("fill_drain", {"topk": 100}, "topk"),
        ("fill_drain", {"importance": 110, "softmax": 105}, "softmax"),
    ],
)
def test_the_bottleneck_is_the_unit_behind_the_largest_cause(cause, busy, unit):
    cycles = np.ones_like(CYCLES)
    cycles[:, CAUSES.index(cause)] = 50

    assert assembled(cycles=cycles, counted=COUNTED | {"busy_cycles": COUNTED["busy_cycles"] | busy}).bottleneck == unit
