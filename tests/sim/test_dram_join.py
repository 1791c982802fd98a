"""Requests to an address that waits already share its access in `bank-queues`, as in DRAMsim3."""

from dataclasses import replace

import numpy as np
import pytest
from bench.pipeline_cases import cases, simulated
from hypothesis import given, settings

from tokensieve.arch import load_dram
from tokensieve.sim.cycle.count import actions
from tokensieve.sim.dram.run import pattern, replay
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels.tables import T_OUTPUT
from tokensieve.sim.work import row_work

DRAM = load_dram("dramsim3")
READ = 1 + DRAM.nRCD  # clock of the first RD: a clock to reach the queue of the bank, then ACT
BACK = READ + DRAM.nCL + DRAM.nBL + DRAM.return_clocks


def times(addresses, size=32, dram=DRAM, **more):
    stats = replay(dram, addresses, size, mhz=None, times=True, **more)
    return stats, stats.completed.tolist()


def test_two_reads_of_an_address_share_one_access():
    stats, completed = times([0, 0])

    assert (stats.reads, stats.joined, stats.row_hits + stats.row_misses) == (1, 1, 1)
    assert completed == [BACK, BACK]
    assert stats.bytes_per_cycle == 64 / BACK


def test_the_halves_of_a_granule_are_two_addresses():
    stats, completed = times([0, 32, 32, 0])

    assert (stats.reads, stats.joined) == (2, 2)
    assert completed == [BACK, BACK + DRAM.nCCD_L, BACK + DRAM.nCCD_L, BACK]


@pytest.mark.parametrize(("came", "accesses"), [(1, 1), (READ - 1, 1), (READ, 1), (READ + 1, 2), (BACK, 2)])
def test_a_read_waits_until_its_command_is_issued(came, accesses):
    stats, completed = times([0, 0], earliest=[0, came])

    assert (stats.reads, stats.joined) == (accesses, 2 - accesses)
    assert completed[1] == (BACK if accesses == 1 else came + 1 + DRAM.nCL + DRAM.nBL + DRAM.return_clocks)


@pytest.mark.parametrize("requests", [40, 5000, 200_000])
def test_reads_that_join_take_no_place_in_a_queue(requests):
    """As many as come: `stride` with 0 bytes between the requests."""
    stats, completed = times(pattern("stride", requests, 32, 0))

    assert (stats.reads, stats.joined, stats.cycles) == (1, requests - 1, BACK)
    assert not stats.issued.any()
    assert set(completed) == {BACK}


def test_a_read_waits_for_room_even_where_it_would_join():
    """Whether there is room is asked before anybody looks at the address."""
    full = DRAM.model_copy(update={"window": 1})
    stats, _ = times([0, 0, 64, 64], dram=full)

    assert stats.issued.tolist() == [0, 1, 1, 2]
    assert (stats.reads, stats.joined) == (2, 2)


def test_two_streams_at_one_place_take_as_long_as_one():
    both, _ = times(pattern("twostream", 8192, 32, 0))
    one, _ = times(pattern("seq", 4096, 32))

    assert (both.reads, both.joined, both.cycles) == (4096, 4096, one.cycles)


def test_a_stream_close_behind_another_finds_most_of_what_it_reads_waiting():
    near, _ = times(pattern("twostream", 8192, 32, 256))
    far, _ = times(pattern("twostream", 8192, 32, 65536))

    assert near.joined > 2000
    assert far.joined == 0
    assert near.reads + near.joined == far.reads == 8192


def test_every_answer_goes_through_the_port():
    stats, completed = times([0] * 40, issue="axi16")

    assert stats.reads + stats.joined == 40
    assert stats.joined >= 15
    assert min(completed) > 0


def test_a_read_for_which_a_write_waits_is_answered_in_the_next_clock():
    stats, completed = times([0, 0, 32], writes=[True, False, False], earliest=[0, 3, 3])

    assert (stats.reads, stats.writes, stats.joined) == (1, 1, 1)
    assert completed[1] == 3 + 1 + DRAM.return_clocks
    assert completed[0] == READ + DRAM.nCWL + DRAM.nBL + DRAM.return_clocks


def test_writes_of_an_address_that_waits_are_written_once():
    stats, completed = times([0, 0, 0], writes=[True] * 3)

    assert (stats.writes, stats.joined) == (1, 2)
    assert len(set(completed)) == 1


def test_an_address_above_the_capacity_is_another_address():
    stats, completed = times([0, 1 << 30])

    assert (stats.reads, stats.activates, stats.joined) == (2, 1, 0)
    assert completed == [BACK, BACK + DRAM.nCCD_L]


@pytest.mark.parametrize("name", ["ramulator-release", "ddr4-3200", "hbm2"])
def test_other_controllers_read_what_they_are_asked_for(name):
    stats, _ = times(np.zeros(100, np.int64), dram=load_dram(name))

    assert (stats.reads, stats.joined) == (100, 0)


@settings(max_examples=30)
@given(cases())
def test_a_machine_gets_every_granule_back_by_an_access_of_its_own_or_of_another(case):
    case = replace(case, arch=case.arch.model_copy(update={"dram": load_dram("dramsim3", ["channels=2"])}))
    run = simulated(case)
    written = run.granules[:, T_OUTPUT].sum()
    read = run.granules.sum() - written

    assert run.dram[ds.READS] + run.dram[ds.JOINED_READS] == read
    assert run.dram[ds.WRITES] + run.dram[ds.JOINED_WRITES] == written
    assert actions(case.arch, row_work(case.arch, case.decisions), run)["fetcher"]["return"] == read
