"""DRAM at level `analytic`: stretches of requests played on the commands of level `cycle`."""

from itertools import product

import numpy as np
import pytest

from tokensieve.arch import Arch, load_arch
from tokensieve.sim.analytic.batch import Designs
from tokensieve.sim.analytic.level import taken_for
from tokensieve.sim.analytic.memory import memory
from tokensieve.sim.analytic.stages import stages
from tokensieve.sim.analytic.stretch import PACE, Stack, stack, stretch
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.analytic.traffic import STREAMS, fetching_rows, planes
from tokensieve.sim.cycle.plan import vectors_per_line
from tokensieve.sim.kernels import stretch as kernel
from tokensieve.sim.kernels.dram import decoded
from tokensieve.sim.kernels.dram_idle import new_state
from tokensieve.validate.designs import random_designs
from tokensieve.validate.levels import beginning, deviations, rank_correlation
from tokensieve.workloads.benchmarks import load_workload

MEMORIES = ("ddr4-2400", "ddr4-3200", "dramsim3", "hbm2", "lpddr4-3200", "ramulator-release", "ramulator-v21")


@pytest.fixture(scope="module")
def summary():
    return Summary(load_workload("bert-base-cola", Arch()))


def played(summary, sets, room=(12, 12), blocks=1):
    arch = load_arch("spatten", sets)
    work, dram = summary.row_work(arch), stack(arch)
    rows = np.flatnonzero(work.group == 0)
    one = stretch(planes(vectors_per_line(arch, work), work), work, fetching_rows(work), rows, blocks, dram)
    return one, play(one, dram, arch.fetcher.fifo_depth, room)


def play(one, dram, fifo, room):
    there = Stack(dram, fifo)
    return there.play(there.busiest(one.sent(dram.granule_bytes, room, PACE)))


def around(summary, *sets):
    """Return what is added to stretches of a machine whose SRAMs hold 12 rows."""
    one = np.ones((len(summary.kinds), 1))
    return memory(summary, Designs([load_arch("spatten", sets)]), one, 12 * one, 12 * one, 100 * one)


def test_what_waits_before_a_channel_is_its_window_and_its_fifo(summary):
    backlogs = [around(summary, f"dram.window={w}", f"fetcher.fifo_depth={f}").backlog for w, f in ((8, 24), (16, 48))]

    assert backlogs[1] == pytest.approx(2 * backlogs[0])


def test_a_write_ends_after_the_latency_of_a_write(summary):
    late = around(summary, "dram.nCWL=14")
    assert late.write_end - around(summary).write_end == pytest.approx(10 * late.cycles_per_clock)
    assert around(summary, "dram.nCL=30").write_end == around(summary).write_end


def test_a_refresh_takes_the_rows_time_to_close_and_to_open(summary):
    dram = load_arch("spatten").dram
    key = STREAMS.index("key")
    never = around(summary, "dram.refresh=false").mixed[key] / around(summary).mixed[key]

    assert never == pytest.approx(1 - (dram.nRFC + dram.nRP + dram.nRCD) / dram.nREFI)


@pytest.mark.parametrize("workload", ["bert-base-mrpc", "bert-base-cola"])
def test_on_every_shipped_memory_cycles_are_within_10_percent_and_energy_within_5(workload):
    machines = [load_arch("spatten", [f"dram.extend={name}"]) for name in MEMORIES]
    told = deviations(machines, load_workload(workload, Arch()))

    assert np.abs(told.cycles).max() <= 0.10
    assert np.abs(told.energy).max() <= 0.05


def test_no_machine_with_a_small_window_or_another_controller_is_below_the_bounds():
    machines = random_designs(60, seed=21)
    told = deviations(machines, beginning(load_workload("bert-base-squad1", Arch()), 2))

    assert (told.analytic_cycles >= np.floor(told.least_cycles)).all()
    assert rank_correlation(told.analytic_cycles, told.cycle_cycles) >= 0.95
    assert np.median(np.abs(told.cycles)) <= 0.02


@pytest.mark.parametrize(
    ("field", "slow", "fast"),
    [
        ("window", 1, 64),
        ("nRCD_WR", 60, 1),
        ("nWTR_L", 60, 1),
        ("nRC", 400, 48),
    ],
)
def test_a_field_that_holds_dram_up_holds_the_stretch_up(field, slow, fast, summary):
    few = ["dram.channels=1", "dram.pseudo_channels=1", "dram.window=4", "dram.mapping=ro-ba-bg-co-pc-ch"]
    clocks = [played(summary, [*few, f"dram.{field}={value}"])[1][0] for value in (slow, fast)]

    assert clocks[0] > clocks[1]


def test_the_controllers_make_different_things_of_the_same_requests(summary):
    kinds = {"frfcfs": "pseudo-channel", "bank-queues": "channel", "active-buffer": "channel"}
    sets = [[f"dram.controller={one}", f"dram.command_bus={bus}", "dram.channels=2"] for one, bus in kinds.items()]

    assert len({played(summary, one)[1] for one in sets}) == 3


def test_two_planes_in_turn_in_the_same_bank_open_more_rows_than_they_need(summary):
    few = ["dram.channels=1", "dram.pseudo_channels=1", "dram.mapping=ro-co-ba-bg-pc-ch", "dram.window=4"]
    both, (_, opened) = played(summary, few)
    dram = stack(load_arch("spatten", few))
    alone = play(both.only("value"), dram, 1, (12, 12))[1]
    granule = both.sent(dram.granule_bytes, (12, 12), PACE).granule
    state = new_state(dram, None, 1)
    needed = len({decoded(state, number * dram.granule_bytes)[2:] for number in granule})

    assert opened * len(granule) > 2 * needed
    assert alone < opened


def test_a_fetcher_slower_than_the_data_buses_opens_a_closed_page_more_often(summary):
    few = ["dram.channels=16", "dram.page=closed", "dram.mapping=ro-ba-co-bg-pc-ch"]
    one, (clocks, opened) = played(summary, few)
    dram = stack(load_arch("spatten", few))
    there = Stack(dram, 1, port=3)
    slower, often = there.play(there.busiest(one.sent(dram.granule_bytes, (12, 12), PACE)))

    assert often > opened
    assert slower > clocks


def test_a_stretch_moves_the_granules_of_its_rows_each_stream_in_its_own_order(summary):
    arch = load_arch("spatten", ["dram.channels=16"])
    work = summary.row_work(arch)
    one, _ = played(summary, ["dram.channels=16"])
    sent_all = one.sent(32, (12, 12), PACE)
    rows = np.flatnonzero(work.group == 0)

    for s, name in enumerate(STREAMS):
        plane, sent = planes(vectors_per_line(arch, work), work)[name], sent_all.granule[sent_all.tensor == s]
        if not plane.width.any() or name == "lsb":
            assert len(sent) == 0
            continue
        row, low, many = plane.spans(work.ids, 32, rows)
        first = low + plane.base[rows][row] // 32
        wanted = [f + i for f, n in zip(first, many, strict=True) for i in range(n)]
        assert sent.tolist() == wanted


def test_v_is_as_many_rows_ahead_of_k_as_its_sram_holds(summary):
    one, _ = played(summary, [])
    key, value, output = (STREAMS.index(name) for name in ("key", "value", "output"))
    beside = one._aligned((12, 2))[:, :, kernel.BASE]
    alone = (one.only(name).sent(32, (1, 1), PACE).tensor for name in ("key", "value"))
    of_key, of_value = (len(sent) / len(one.moves) for sent in alone)
    tensor = one.sent(32, (12, 2), PACE).tensor
    further = np.cumsum(tensor == value) / of_value - np.cumsum(tensor == key) / of_key

    assert beside[0, key] == one.moves[0, key, kernel.BASE]
    assert beside[0, value] == one.moves[1, value, kernel.BASE]
    assert beside[1, output] == one.moves[0, output, kernel.BASE]
    assert 0 < further.max() <= 1 + 1e-9


def test_rooms_and_paces_of_one_order_send_the_same_requests_and_others_may_not(summary):
    one, _ = played(summary, ["dram.channels=1"])
    sent = {}
    for asked in product(product((1, 2, 4, 8, 12), repeat=2), (1, PACE, 2 * PACE)):
        granule = one.sent(32, *asked).granule.tobytes()
        assert sent.setdefault(one.order(*asked), granule) == granule

    assert 1 < len(set(sent.values())) <= len(sent) < 75


def test_a_stretch_is_played_once_for_all_machines_that_ask_it_alike(summary):
    machines = [load_arch("spatten", [f"topk.lanes={n}", f"dram.nCL={clocks}"]) for n in (4, 16) for clocks in (14, 20)]
    stages(summary, Designs(machines))
    known = len(summary.stretches._known)
    stages(summary, Designs([load_arch("spatten", ["topk.lanes=8", "softmax.lanes=16", "dram.nRFC=100"])]))

    assert len(summary.stretches._known) == known


def test_the_way_back_from_dram_includes_the_controllers_clocks(summary):
    machines = [load_arch("spatten", [f"dram.return_clocks={clocks}", "clock.mhz=2000"]) for clocks in (0, 5)]
    near, far = stages(summary, Designs(machines)).memory.latency

    assert far - near == 5 * 2


def test_a_mapping_whose_rows_may_share_a_channel_says_so():
    cola = load_workload("bert-base-cola", Arch())

    assert taken_for(load_arch("spatten", ["dram.mapping=ro-ba-co-bg-pc-ch"]), cola) == []
    assert "dram.mapping" in taken_for(load_arch("spatten", ["dram.mapping=RoRaBgBaChCo"]), cola)[0]
