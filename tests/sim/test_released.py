"""The released design beside the authors' RTL, and laws that hold on any request list.

The RTL's own runs stand in for a plain version: a second model of all blocks would be a copy of the first, while these
runs were made by the RTL itself, and every row of them is met to the cycle. The FIFO, on whose timing all blocks rest,
has a plain version here.
"""

import csv
from collections import deque

import numpy as np
import pytest
from bench.requests import requests, uniform
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import ArchError, load_arch
from tokensieve.sim.kernels import released_fifo as fifo
from tokensieve.sim.kernels import released_state as s
from tokensieve.sim.released.replay import replay
from tokensieve.workloads.javarandom import JavaRandom
from tokensieve.workloads.released import topk_latency

DESIGNS = {"64mult_2ch": "released-64x2", "512mult_16ch": "released-512x16"}
GIVEN = ("key_fetch", "val_fetch", "key_bits", "val_bits")
UNIFORM = ("requests", "key_fetch", "val_fetch", "key_bits", "val_bits", "requant_forced")


@pytest.fixture(scope="module")
def oracle(shared_data):
    """A function that reads a file of the RTL's runs."""

    def read(name):
        with (shared_data / "spatten-rtl" / name).open(newline="") as file:
            return list(csv.DictReader(file))

    return read


@pytest.mark.parametrize(
    ("design", "name", "passes", "seed"),
    [
        ("64mult_2ch", "small8_i1", "requant_asked", 0),
        ("64mult_2ch", "small8_i1", "requant_done_seed1", 1),
        ("64mult_2ch", "small8_i31", "requant_asked", 0),
        ("64mult_2ch", "uni_1024_1024", "requant_asked", 1),
        ("512mult_16ch", "small8_i31", "requant_asked", 0),
    ],
)
def test_every_row_is_accepted_and_answered_in_the_cycle_of_the_rtl(oracle, design, name, passes, seed):
    rows = [r for r in oracle("gpt2_small_rows.csv") if (r["design"], r["run"]) == (design, name)]
    asked = requests([[int(r[c]) for c in (*GIVEN, passes, "topk_latency", "last_in_batch")] for r in rows])

    run = replay(load_arch(DESIGNS[design]), asked)

    assert run.accept.tolist() == [int(r[f"accept_cycle_seed{seed}"]) for r in rows]
    assert run.response.tolist() == [int(r[f"response_cycle_seed{seed}"]) for r in rows]


def test_total_cycles_and_reads_are_those_of_the_rtl(oracle):
    for run in oracle("gpt2_small_runs.csv"):
        if run["query_seed"] == "0":
            rows = [r for r in oracle("gpt2_small_rows.csv") if (r["design"], r["run"]) == (run["design"], run["run"])]
            columns = (*GIVEN, "requant_asked", "topk_latency", "last_in_batch")
            ours = replay(load_arch(DESIGNS[run["design"]]), requests([[int(r[c]) for c in columns] for r in rows]))

            assert (ours.response.max(), ours.reads) == (int(run["total_cycles"]), int(run["dram_reads_32B"]))


def test_uniform_requests_are_answered_in_the_cycles_of_the_rtl_and_hang_where_it_hung(oracle):
    arch, answers = load_arch("released-128x8"), {}
    for row in oracle("rtl_spattensim_128mult_8ch_responses.csv"):
        answers.setdefault(tuple(row[c] for c in UNIFORM), []).append(int(row["response_cycle"]))
    for run in oracle("rtl_spattensim_128mult_8ch.csv"):
        count, keys, values, key_bits, value_bits, again = (int(run[c]) for c in UNIFORM)
        draw = JavaRandom(1)
        latencies = [topk_latency(draw, keys, values, 16) for _ in range(count)]
        rows = [[-(-keys // 8) * 8, -(-values // 8) * 8, key_bits, value_bits, again, wait, 1] for wait in latencies]

        response = replay(arch, requests(rows)).response.tolist()

        assert sum(latencies) == int(run["sum_topk_latency_input"])
        assert response == answers.get(tuple(run[c] for c in UNIFORM), [-1] * count)


HEADS = st.builds(
    lambda keys, values, bits, again, wait: [
        (16 * keys, 16 * min(keys, values), bits, bits, again, wait * (1 - n), bits != 6 or n)
        for n in range(2 if bits == 6 else 1)
    ],
    keys=st.integers(1, 8),
    values=st.integers(1, 8),
    bits=st.sampled_from((4, 6, 8)),
    again=st.integers(0, 1),
    wait=st.integers(0, 60),
)


@settings(max_examples=40)
@given(heads=st.lists(HEADS, min_size=1, max_size=6))
def test_every_head_is_answered_once_in_order_and_reads_what_its_counts_say(heads):
    rows = [row for head in heads for row in head]

    run = replay(load_arch("released-128x8", ["key_sram.kib=48", "value_sram.kib=48"]), requests(rows))

    assert (np.diff(run.accept) > 0).all()
    assert (np.diff(run.response) > 0).all()
    assert (run.response > run.accept).all()
    assert run.reads == sum(reads(*row) for row in rows)


def reads(keys, values, key_bits, value_bits, second_pass, *_):
    """Reads of 32 bytes of a row; a fused pair is charged half of its reads to each of its rows."""
    per_row = {4: 1, 6: 1.5, 8: 2}
    return keys * per_row[key_bits] + values * per_row[value_bits] + keys * second_pass


def test_twice_the_same_requests_give_the_same_cycles():
    arch, asked = load_arch("released-64x2"), uniform(6, 96, 40, bits=6, second_pass=1)

    assert replay(arch, asked).response.tolist() == replay(arch, asked).response.tolist()


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_more_channels_never_make_a_uniform_list_slower(bits):
    asked = uniform(8, 256, 96, bits=bits)

    totals = [replay(load_arch("released-64x2", [f"dram.channels={n}"]), asked).response.max() for n in (1, 2, 4, 8)]

    assert totals == sorted(totals, reverse=True)


def test_a_longer_top_k_delays_a_response_by_as_much_but_for_the_polling_of_the_value_buffer():
    """The reader of a buffer asks again every few cycles, so that a response may come some cycles earlier or later."""
    arch = load_arch("released-128x8")
    short, long = (replay(arch, uniform(1, 128, 32, latency=n)).response[0] for n in (200, 300))

    assert abs(long - short - 100) <= 10


def test_a_head_whose_keys_do_not_fit_the_buffer_hangs_as_the_rtl_does():
    run = replay(load_arch("released-128x8"), uniform(2, 256, 32))

    assert run.accept.tolist() == run.response.tolist() == [-1, -1]


def test_another_design_than_those_of_the_oracle_runs():
    sets = ["qk.multipliers=256", "pv.multipliers=256", "fetcher.ports=16", "key_sram.kib=48", "value_sram.kib=48"]
    asked = uniform(6, 256, 64, bits=6, second_pass=1)

    wide, narrow = (
        replay(load_arch("released-64x2", [*sets[: 5 * n], "dram.channels=8"]), asked).response for n in (1, 0)
    )

    assert (wide > 0).all()
    assert wide.max() < narrow.max()


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["qk.multipliers=32"], "qk.multipliers must be 64 times a power of two"),
        (["pv.multipliers=128"], "pv.multipliers must be qk.multipliers = 64"),
        (["qk.multipliers=512", "pv.multipliers=512"], "fetcher.ports must be a multiple of qk.multipliers / 64 = 8"),
        (["key_sram.kib=100"], "key_sram.kib must be that of a power of two of lines"),
        (["value_sram.kib=96"], "value_sram.kib must be key_sram.kib = 192"),
        (["topk.comparators=8"], "topk.comparators must be topk.lanes = 16 or null under the rules of the test bench"),
        (["topk.round_cycles=6"], "topk.round_cycles must be 3 or null under the rules of the test bench, got 6"),
        (["number.lsb_bits=2"], "number.lsb_bits must be 4 under the rules of the test bench, got 2"),
        (["dram.granule_bytes=64", "dram.row_bytes=512"], "dram.granule_bytes must be 32"),
        (["dram.extend=ramulator-release", "clock.mhz=500"], "dram.tCK_ps must be the period of the accelerator, 2000"),
    ],
)
def test_a_design_that_the_release_cannot_make_is_refused(sets, message):
    arch = load_arch("released-64x2", sets)
    with pytest.raises(ArchError, match=message):
        replay(arch, uniform(1, 16, 8))


@given(
    depth=st.integers(2, 9),
    pushes=st.lists(st.booleans(), min_size=1, max_size=60),
    takes=st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_a_fifo_delivers_what_its_plain_version_delivers(depth, pushes, takes):
    """The plain version keeps for each entry the cycle from which it can leave, and counts what left before."""
    m = np.zeros(s.N_FIFO + 16, np.int64)
    m[s.F_DEPTH], m[s.F_DATA], m[s.F_MASK] = depth, s.N_FIFO, 15
    waiting, count, register = deque(), 0, None
    for cycle, (push, take) in enumerate(zip(pushes, takes, strict=False)):
        assert fifo.head(m, 0) == (-1 if register is None else register)
        taken = take and register is not None
        fifo.step(m, 0, np.int64(taken))
        held = len(waiting) + (register is not None)
        register = None if taken else register
        if register is None and waiting and waiting[0][1] < cycle:
            register = waiting.popleft()[0]
        assert fifo.room(m, 0) == depth - held
        if push and held < depth:
            fifo.push(m, 0, count)
            waiting.append((count, cycle))
            count += 1
