"""What a user may expect of the DRAM model: which constraint costs what, and what no stream exceeds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import dram_names, load_arch, load_dram
from tokensieve.arch.mapping import ADDRESS_PARTS
from tokensieve.arch.memory import Dram
from tokensieve.sim.analytic.traffic import begin_of, bits_of
from tokensieve.sim.dram.run import pattern, replay
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels.dram import decoded
from tokensieve.sim.kernels.dram_idle import new_state

SPATTEN = load_arch("spatten").dram
ONE = SPATTEN.model_copy(update={"channels": 1})
SEQUENTIAL = pattern("seq", 8192, 32)
RANDOM = pattern("randchunk", 8192, 32, 32)
FREE_ROWS = {"nRCD": 0, "nRP": 0, "nRAS": 0, "nRC": 0, "nRRD_S": 0, "nRRD_L": 0, "nFAW": 0, "refresh": False}


def capacity(dram):
    """Return the bytes of a stack."""
    return dram.channels * dram.pseudo_channels * dram.banks * dram.rows * dram.row_bytes


def cycles(dram, addresses, **other):
    return replay(dram.model_copy(update=other), addresses).cycles


@pytest.mark.parametrize("addresses", [SEQUENTIAL, RANDOM], ids=["sequential", "random"])
def test_a_window_of_one_is_slower_than_one_of_64(addresses):
    taken = [cycles(ONE, addresses, window=window) for window in (1, 4, 16, 64)]

    assert taken[0] > 1.5 * taken[-1]
    assert taken == sorted(taken, reverse=True)


@pytest.mark.parametrize(
    "without", [{"nRCD": 0, "nRP": 0}, {"refresh": False}, {"nFAW": 0}], ids=["row misses", "refresh", "nFAW"]
)
def test_random_reads_of_32_bytes_on_one_channel_get_faster_without(without):
    assert cycles(ONE, RANDOM, **without) < cycles(ONE, RANDOM)


def test_random_reads_are_held_back_by_four_activates_a_window():
    """Each of the two pseudo-channels opens four DRAM rows in nFAW clocks, and a random read needs one of its own."""
    stats = replay(ONE.model_copy(update={"refresh": False}), RANDOM)

    assert stats.cycles == pytest.approx(len(RANDOM) * ONE.nFAW / 4 / 2, rel=0.02)
    assert stats.row_hits < 0.01 * len(RANDOM)


def test_without_refresh_and_rows_every_stream_comes_close_to_the_peak():
    stats = replay(ONE.model_copy(update=FREE_ROWS), RANDOM)

    assert stats.bytes_per_cycle == pytest.approx(ONE.peak_gb_per_s, rel=0.02)


def test_a_sequential_stream_reaches_the_peak_less_the_refresh():
    """While its banks refresh, which begins with closing them, a pseudo-channel moves nothing."""
    share = 1 - (SPATTEN.nRFC + SPATTEN.nRP) / SPATTEN.nREFI

    assert replay(SPATTEN, pattern("seq", 1 << 19, 32)).bytes_per_cycle == pytest.approx(
        share * SPATTEN.peak_gb_per_s, rel=0.01
    )


def test_twice_the_channels_halve_the_cycles_of_a_saturated_stream():
    addresses = pattern("seq", 1 << 20, 32)

    assert cycles(SPATTEN, addresses, channels=8) / cycles(SPATTEN, addresses) == pytest.approx(2, rel=0.01)


@settings(max_examples=40)
@given(
    name=st.sampled_from(["seq", "stride", "randchunk", "gather", "twostream"]),
    size=st.sampled_from([32, 64]),
    param=st.sampled_from([64, 4096]),
    channels=st.sampled_from([1, 2, 16]),
    mhz=st.sampled_from([250, 1000, 1333]),
    other=st.sampled_from([{}, FREE_ROWS, {"nBL": 1, "nCCD_L": 1, "refresh": False}]),
)
def test_no_stream_exceeds_the_peak(name, size, param, channels, mhz, other):
    dram = SPATTEN.model_copy(update={"channels": channels} | other)
    stats = replay(dram, pattern(name, 2000, size, param if name != "gather" else 60), size, mhz=mhz)

    assert stats.bytes_per_cycle * mhz * 1e-3 <= dram.peak_gb_per_s
    assert stats.reads == 2000 * size // 32 == stats.row_hits + stats.row_misses + stats.row_conflicts


@settings(max_examples=60)
@given(parts=st.permutations(ADDRESS_PARTS), data=st.data())
def test_every_mapping_gives_each_granule_a_place_of_its_own(parts, data):
    size = {p: 1 << data.draw(st.integers(0, 2), label=p) for p in ("ch", "pc", "bg", "ba")}
    rows = 1 << data.draw(st.integers(0, 3), label="ro")
    dram = Dram(
        channels=size["ch"],
        pseudo_channels=size["pc"],
        bank_groups=size["bg"],
        banks_per_group=size["ba"],
        rows=rows,
        row_bytes=64,
        granule_bytes=32,
        mapping="-".join(parts),
        refresh=False,
    )
    places = int(np.prod(list(size.values()))) * rows * 2
    log = replay(dram, np.arange(places) * 32, log=20_000).commands

    reads = log[log[:, ds.LOG_COMMAND] == ds.C_RD]
    reached, times = np.unique(reads[:, [ds.LOG_PSEUDO, ds.LOG_BANK, ds.LOG_ROW]], axis=0, return_counts=True)
    assert (len(reached) * 2, set(times)) == (places, {2})


@pytest.mark.parametrize("name", dram_names())
@pytest.mark.parametrize("times", [1, 3, 64])
def test_an_address_beyond_the_capacity_begins_again_at_the_first_byte(name, times):
    dram = load_dram(name)
    addresses = pattern("randchunk", 500, 64, 64)
    near, far = (replay(dram, addresses + over, 64, log=1 << 13) for over in (0, times * capacity(dram)))

    assert far.commands.tolist() == near.commands.tolist()
    assert [replay(dram, [0, over]).activates for over in (capacity(dram), capacity(dram) // 2)] == [1, 2]


def test_the_closed_form_decodes_an_address_as_the_kernel_does():
    for name in dram_names():
        dram = load_dram(name, ["rows=4"])
        state, granules = new_state(dram, None, 1), np.arange(0, 1 << 22, 977)
        part = {name: (granules & bits_of(dram, name)) >> begin_of(dram, name) for name in ADDRESS_PARTS}
        bank = part["bg"] * dram.banks_per_group + part["ba"]

        assert [decoded(state, g * dram.granule_bytes) for g in granules.tolist()] == list(
            zip(*(x.tolist() for x in (part["ch"], part["pc"], bank, part["ro"])), strict=True)
        )
        assert part["ro"].max() == 3


def test_where_the_bank_group_stands_low_consecutive_granules_use_all_groups():
    low = ONE.model_copy(update={"mapping": "ro-ba-co-bg-pc-ch", "nCCD_L": 8})
    high = ONE.model_copy(update={"nCCD_L": 8})

    assert cycles(low, SEQUENTIAL) < 0.7 * cycles(high, SEQUENTIAL)


def test_writes_take_as_long_as_reads_but_for_the_turns_between_them():
    one_way = [replay(ONE, SEQUENTIAL, writes=np.full(8192, w)) for w in (False, True)]
    mixed = replay(ONE, SEQUENTIAL, writes=np.arange(8192) // 2 % 2 == 0)  # half on each pseudo-channel

    assert one_way[1].cycles == pytest.approx(one_way[0].cycles, rel=0.01)
    assert (mixed.reads, mixed.writes) == (4096, 4096)
    assert mixed.cycles > 1.05 * one_way[0].cycles


def test_the_same_stream_gives_the_same_commands():
    writes = np.random.default_rng(1).random(8192) < 0.3
    one, other = (replay(SPATTEN, RANDOM, writes=writes, log=1 << 16) for _ in range(2))

    assert one == other
    assert one.commands.tobytes() == other.commands.tobytes()


def test_the_counts_are_those_of_the_commands():
    stats = replay(ONE, RANDOM, writes=RANDOM % 96 == 0, log=1 << 16)
    counts = np.bincount(stats.commands[:, ds.LOG_COMMAND], minlength=6)

    assert counts[[ds.C_ACT, ds.C_RD, ds.C_WR]].tolist() == [stats.activates, stats.reads, stats.writes]
    assert stats.refreshes == 2 * (stats.cycles // ONE.nREFI) == counts[ds.C_REF]


def test_a_slower_clock_of_the_accelerator_sees_fewer_cycles():
    taken = [replay(SPATTEN, SEQUENTIAL, mhz=mhz).cycles for mhz in (250, 500, 1000)]

    assert [-(-taken[2] // 4), -(-taken[2] // 2)] == taken[:2]


def test_the_same_clock_on_both_sides_has_the_same_times():
    state = new_state(SPATTEN.model_copy(update={"tCK_ps": 1250}), 800, 1)

    assert (
        [ds.to_dram(state, t) for t in range(1000)] == [ds.to_core(state, t) for t in range(1000)] == list(range(1000))
    )


@given(mhz=st.integers(1, 4000), tck=st.integers(100, 5000), time=st.integers(0, 1 << 30))
def test_a_time_of_one_clock_is_the_first_of_the_other_that_is_not_before(mhz, tck, time):
    """Compared in femtoseconds times MHz, which are whole numbers."""
    state = new_state(ONE.model_copy(update={"tCK_ps": tck}), mhz, 1)
    core, clock = 10**6, tck * mhz
    there, back = ds.to_dram(state, time), ds.to_core(state, time)

    assert (there - 1) * clock < time * core <= there * clock
    assert (back - 1) * core < time * clock <= back * core
    assert ds.to_core(state, there) >= time
    assert ds.to_dram(state, ds.to_core(state, there)) >= there
