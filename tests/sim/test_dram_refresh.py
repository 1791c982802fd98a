"""Refresh: nothing that is accepted keeps a request waiting for ever, and a long rest is passed over exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import ArchError, dram_names, load_dram
from tokensieve.arch.memory import Dram
from tokensieve.sim.dram.run import replay
from tokensieve.sim.kernels import dram as d
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels.dram_idle import new_state
from tokensieve.sim.kernels.dram_rest import LONG

NAMES = ("nCL", "nCWL", "nRCD", "nRP", "nRAS", "nRC", "nCCD_S", "nCCD_L", "nRRD_S", "nRRD_L", "nFAW", "nRTP", "nWR",
         "nWTR_S", "nWTR_L", "nRFC")  # fmt: skip
CONTROLLERS = [("frfcfs", "pseudo-channel")] + [
    (name, bus) for name in ("bank-queues", "active-buffer") for bus in ("channel", "single")
]


def served(dram, addresses, writes, clocks):
    """Return how many of the requests, all sent at once, are served within some clocks."""
    state = new_state(dram, None, len(addresses))
    slots = state[state[ds.O_SLOT] : state[ds.O_DONE]].reshape(-1, ds.N_SLOT)
    slots[: len(addresses), ds.LEFT] = 1
    for slot, (address, write) in enumerate(zip(addresses, writes, strict=True)):
        d.push(state, address, 0, slot, int(write), d.clocked(state))
    d.advance_all(state, clocks, d.clocked(state))
    return state[ds.DONE]


def tightest(place, timings, controller, **more):
    """Return a stack whose nREFI is the smallest that is accepted."""
    one = Dram(channels=1, controller=controller[0], command_bus=controller[1], row_bytes=64, granule_bytes=32, **place)
    loose = one.model_copy(update=timings | more)
    return Dram(**loose.model_dump() | {"nREFI": max(100, loose.least_nREFI)})


places = st.fixed_dictionaries(
    {"pseudo_channels": st.sampled_from([1, 2, 4]), "bank_groups": st.sampled_from([1, 2]),
     "banks_per_group": st.sampled_from([1, 2, 4]), "mapping": st.sampled_from(["RoBaRaCoCh", "ro-ba-bg-co-pc-ch"]),
     "window": st.integers(1, 12), "bank_queue": st.integers(1, 4), "row_hit_limit": st.integers(0, 2),
     "act_clocks": st.sampled_from([1, 2, 16]), "page": st.sampled_from(["open", "closed"])}
)  # fmt: skip
timings = st.fixed_dictionaries({name: st.just(0) | st.integers(0, 300) for name in NAMES})


@settings(max_examples=300, deadline=None)
@given(
    place=places, timings=timings, controller=st.sampled_from(CONTROLLERS), write_rcd=st.none() | st.integers(0, 300),
    stream=st.lists(st.tuples(st.integers(0, 255), st.booleans()), min_size=1, max_size=40),
)  # fmt: skip
def test_no_request_waits_for_ever_where_refreshes_follow_one_another_as_fast_as_is_accepted(
    place, timings, controller, write_rcd, stream
):
    dram = tightest(place, timings, controller, nRCD_WR=write_rcd)
    addresses, writes = zip(*((granule * 32, write) for granule, write in stream), strict=True)

    assert served(dram, addresses, writes, 20 * (len(stream) + 5) * (dram.nREFI + 2000)) == len(stream)


def test_what_is_just_below_the_bound_is_refused_by_name_rule_and_value():
    with pytest.raises(ArchError, match=r"nREFI must be at least 371 for a row to be opened, .*, got 275"):
        load_dram("dramsim3", ["nREFI=275"])
    with pytest.raises(ArchError, match="got 370"):
        load_dram("dramsim3", ["nREFI=370"])

    assert load_dram("dramsim3", ["nREFI=371"]).nREFI == 371
    assert load_dram("dramsim3", ["nREFI=275", "refresh=false"]).nREFI == 275


@pytest.mark.parametrize("name", dram_names())
def test_a_configuration_that_refreshes_as_often_as_it_may_still_answers_every_request(name):
    least = load_dram(name).least_nREFI
    stats = replay(load_dram(name, ["refresh=true", f"nREFI={least}"]), np.arange(3000) * 4096, mhz=None)

    assert stats.reads == 3000


@pytest.mark.parametrize("past", [-1, 0, 5, 60, 777])
@pytest.mark.parametrize("name", ["hbm2", "dramsim3", "ddr4-3200"])
def test_a_long_rest_changes_the_times_after_it_by_its_length_alone(name, past):
    """A rest that is passed over, beside one that is just short enough to be carried out; it ends near a refresh."""
    dram = load_dram(name)
    near, far = (k * dram.nREFI + past for k in (LONG - 20, 10 * LONG))
    draw = np.random.default_rng(3)
    addresses, writes = draw.integers(1 << 20, size=200) * 64, draw.random(200) < 0.3
    short, long = (
        replay(dram, addresses, writes=writes, earliest=np.repeat([0, rest], 100), mhz=None, times=True)
        for rest in (near, far)
    )
    moved = np.repeat([0, far - near], 100)

    assert (long.completed - short.completed == moved).all()
    assert (long.issued - short.issued == moved).all()
    periods = (long.cycles - 1) // dram.nREFI - (short.cycles - 1) // dram.nREFI
    assert long.refreshes - short.refreshes == periods * dram.channels * dram.pseudo_channels
    assert (long.row_hits, long.row_conflicts, long.activates) == (short.row_hits, short.row_conflicts, short.activates)


@pytest.mark.parametrize("name", dram_names())
def test_the_latest_cycle_of_a_trace_is_reached_at_once(name):
    dram, last = load_dram(name), 1 << 40
    stats = replay(dram, [0, 0], earliest=[0, last], mhz=None, times=True)

    assert last < stats.cycles < last + 1000 + dram.nRFC
    stacks = dram.channels * dram.pseudo_channels * dram.refresh
    assert stats.refreshes == pytest.approx(stacks * (last // dram.nREFI), abs=stacks)
