"""Where K and V meet in DRAM, level `analytic` follows a few rows of level `cycle`."""

import numpy as np
import pytest

from tokensieve.arch import load_arch
from tokensieve.sim.analytic import closeblocks, closeup
from tokensieve.sim.analytic.batch import Designs
from tokensieve.sim.analytic.estimate import estimate
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.validate.levels import beginning, bert_layer
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.reference import dense

SIXTEEN = ["dram.channels=16", "dram.mapping=ro-co-ba-bg-pc-ch", "dram.window=4"]
"""All of a DRAM row lies in other banks than its neighbours, and few requests are seen at a time."""

ONE = ["dram.channels=1", "dram.mapping=ro-ba-co-bg-pc-ch", "dram.window=8", "key_sram.kib=32"]
CLOSED = ["dram.channels=4", "dram.mapping=RoBaRaCoCh", "dram.window=8", "dram.page=closed"]
ALIKE = ["qk.multipliers=64", "pv.multipliers=64"]
"""The arrays are slower than DRAM, whatever K and V do there."""


@pytest.fixture(scope="module")
def work():
    arch = load_arch("spatten")
    return dense(beginning(load_workload("gpt2-small-wikitext2", arch), 1), "dense")


@pytest.fixture
def without(monkeypatch):
    """Estimates without a closeup."""

    def priced(machines, work):
        with monkeypatch.context() as patch:
            patch.setattr(closeup, "APART", {})
            return estimate(Summary(work, un_pruned=True), Designs(machines)).cycles["total"]

    return priced


@pytest.mark.parametrize("sets", [SIXTEEN, ONE])
def test_the_estimate_comes_close_to_level_cycle_where_a_stretch_alone_does_not(work, without, sets):
    machine = load_arch("spatten", sets)
    exact = cycle_result(machine, work, un_pruned=True).cycles["total"]

    found = estimate(Summary(work, un_pruned=True), Designs([machine]))

    assert abs(found.cycles["total"][0] / exact - 1) < 0.14
    assert abs(without([machine], work)[0] / exact - 1) > 0.2


def test_causes_add_up_to_the_total_and_what_is_more_is_the_wait_for_dram(work, without):
    machine = load_arch("spatten", CLOSED)

    cycles = estimate(Summary(work, un_pruned=True), Designs([machine])).cycles

    assert sum(cycles[cause][0] for cause in cycles if cause != "total") == cycles["total"][0]
    assert max(cycles, key=lambda cause: 0 if cause == "total" else cycles[cause][0]) == "dram_stall"


def test_machines_that_do_not_wait_for_dram_are_not_looked_at(work, without):
    machine = load_arch("spatten", ALIKE)

    found = estimate(Summary(work, un_pruned=True), Designs([machine])).cycles["total"]

    assert found.tolist() == without([machine], work).tolist()


def test_a_machine_is_estimated_alike_alone_and_beside_others(work):
    machines = [load_arch("spatten", sets) for sets in (ALIKE, CLOSED, SIXTEEN)]
    summary = Summary(work, un_pruned=True)

    together = estimate(summary, Designs(machines)).cycles["total"]

    assert together.tolist() == [estimate(summary, Designs([one])).cycles["total"][0] for one in machines]


BLOCKS = ["dram.channels=2", "dram.window=16", "dram.page=closed", "dram.mapping=ro-ba-bg-co-pc-ch", "key_sram.kib=64",
          "value_sram.kib=96", "softmax.fifo_lines=256"]  # fmt: skip


def test_blocks_that_fill_an_sram_are_those_of_level_cycle_where_k_and_v_meet(monkeypatch):
    machine = load_arch("spatten", BLOCKS)
    work = bert_layer(machine)
    exact = cycle_result(machine, work).cycles["total"]

    found = estimate(Summary(work), Designs([machine])).cycles["total"][0]
    monkeypatch.setattr(closeblocks, "_meet", lambda batch, s: np.zeros(s.dram.shape, np.bool_))
    alone = estimate(Summary(work), Designs([machine])).cycles["total"][0]

    assert abs(found / exact - 1) < 0.1
    assert abs(alone / exact - 1) > 0.2


@pytest.mark.parametrize(
    "sets",
    [
        ["dram.window=4", "key_sram.kib=32", "value_sram.kib=96", "softmax.fifo_lines=256"],
        ["dram.window=8", "value_sram.kib=32", "softmax.fifo_lines=1024"],
    ],
)
def test_layers_in_which_k_and_v_meet_otherwise_are_looked_at_on_their_own(sets):
    """What the first layer takes for a block was four times too much for the second, whose keys lie otherwise."""
    machine = load_arch("spatten", ["dram.page=closed", "dram.channels=4", *sets])
    work = beginning(load_workload("minilm", machine), 2)

    found = estimate(Summary(work), Designs([machine])).cycles["total"][0]

    assert abs(found / cycle_result(machine, work).cycles["total"] - 1) < 0.2
