"""The streams of the DRAM oracle, and what `replay` refuses."""

import csv

import numpy as np
import pytest

from tokensieve.arch import ArchError, WorkloadError, load_arch
from tokensieve.arch.memory import Dram
from tokensieve.sim.dram.run import PATTERNS, pattern, replay

SPATTEN = load_arch("spatten").dram


@pytest.mark.parametrize("name", ["dramsim3", "ramulator2_artefact"])
@pytest.mark.parametrize(("stream", "param"), [("seq", 0), ("randchunk", 32)])
def test_the_addresses_are_those_of_the_oracle(name, stream, param, shared_data):
    with (shared_data / "dram-oracle" / f"{name}_{stream}_1024_32_{param}_1_sat.csv").open(newline="") as file:
        theirs = [int(row["addr"]) for row in csv.DictReader(file)]

    assert pattern(stream, 1024, 32, param, 1).tolist() == theirs


def slow(name, requests, size, param, seed):
    """Return a pattern in plain Python, as the oracle's README states it."""
    state, addresses, row = seed, [], 0

    def value():
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return state >> 33

    while len(addresses) < requests:
        i = len(addresses)
        if name == "randchunk":
            base = value() % (2**29 // param) * param
            addresses += range(base, base + param, size)
        elif name == "gather":
            addresses += range(row * 64, row * 64 + 64, size) if value() % 100 < param else []
            row += 1
        else:
            addresses.append(
                {"seq": i * size, "stride": i * param % 2**29, "twostream": i // 2 * size + i % 2 * param}[name]
            )
    return addresses[:requests]


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
@pytest.mark.parametrize("size", [8, 32, 64])
@pytest.mark.parametrize(
    ("name", "param"),
    [
        ("seq", 0),
        ("stride", 64),
        ("stride", 2**28 + 32),
        ("stride", 2**40),
        ("randchunk", 64),
        ("randchunk", 192),
        ("randchunk", 2**14),
        ("gather", 1),
        ("gather", 50),
        ("gather", 100),
        ("twostream", 65536),
    ],
)
def test_a_pattern_is_what_the_readme_of_the_oracle_says(name, param, size, seed):
    addresses = pattern(name, 333, size, param, seed)

    assert addresses.dtype == np.int64
    assert addresses.tolist() == slow(name, 333, size, param, seed)


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (
            ("sequ", 1, 32),
            "pattern must be one of seq, stride, randchunk, gather, twostream, got 'sequ'; did you mean 'seq'",
        ),
        (("seq", 0, 32), r"requests must be in 1..268435456, got 0"),
        (("seq", 1, 0), r"request_bytes must be in 1..65536, got 0"),
        (("stride", 1, 32, -1), r"param must be in 0..1099511627776, got -1"),
        (("seq", 1, 32, 0, -1), f"seed must be in 0..{2**64 - 1}, got -1"),
        (("seq", 1, 32, 0, 2**64), f"seed must be in 0..{2**64 - 1}, got {2**64}"),
        (("gather", 1, 32, 0), r"percent .* must be in 1..100, got 0"),
        (("gather", 1, 48, 50), r"request_bytes must divide the 64-byte rows of gather, got 48"),
        (("randchunk", 1, 32, 16), r"bytes of a chunk .* must be in 32..536870912, got 16"),
        (("randchunk", 1, 32, 48), r"param of randchunk must be a multiple of request_bytes = 32, got 48"),
    ],
)
def test_a_stream_that_cannot_be_made_is_refused(stream, message):
    with pytest.raises(WorkloadError, match=message):
        pattern(*stream)


@pytest.mark.parametrize(
    ("addresses", "message"),
    [
        ([], "at least one"),
        ([[0, 32]], r"one dimension, at least one, got int64 of shape \(1, 2\)"),
        ([0.0], "whole numbers in one dimension, at least one, got float64"),
        ([True], "got bool"),
        ([32, -1], r"addresses must be in 0..2\^64 - 1, got -1"),
        ([2**64], "whole numbers"),
    ],
)
def test_addresses_that_lead_nowhere_are_refused(addresses, message):
    with pytest.raises(WorkloadError, match=message):
        replay(SPATTEN, addresses)


@pytest.mark.parametrize(
    ("other", "error", "message"),
    [
        ({"request_bytes": 0}, WorkloadError, "request_bytes must be in 1..65536, got 0"),
        ({"writes": [True]}, WorkloadError, "writes must hold a truth value for each of 2 requests"),
        ({"writes": [0, 1]}, WorkloadError, "writes must hold a truth value for each of 2 requests, got int64"),
        ({"mhz": 0}, ArchError, "clock.mhz must be in 1..10000, got 0"),
        ({"fifo_depth": 0}, ArchError, "fetcher.fifo_depth must be in 1..4096, got 0"),
    ],
)
def test_a_replay_that_makes_no_sense_is_refused(other, error, message):
    with pytest.raises(error, match=message):
        replay(SPATTEN, [0, 32], **other)


@pytest.mark.parametrize(
    ("addresses", "size", "granules"),
    [([0], None, 1), ([0], 32, 1), ([0], 64, 2), ([0], 33, 2), ([31], 2, 2), ([31], 1, 1), ([0, 96], 96, 6)],
)
def test_a_request_moves_every_granule_that_it_touches(addresses, size, granules):
    stats = replay(SPATTEN, addresses, size)

    assert stats.reads == granules
    assert stats.bytes_per_cycle == len(addresses) * (size or 32) / stats.cycles


def test_a_request_of_many_granules_is_as_many_requests_of_one():
    assert replay(SPATTEN, pattern("seq", 512, 256), 256) == replay(SPATTEN, pattern("seq", 4096, 32))


def test_one_read_takes_activate_column_and_burst():
    d = SPATTEN

    assert replay(d, [0]).cycles == d.nRCD + d.nCL + d.nBL
    assert replay(d, [0], writes=[True]).cycles == d.nRCD + d.nCWL + d.nBL


@pytest.mark.parametrize("name", PATTERNS)
def test_the_smallest_stack_takes_every_pattern(name):
    smallest = Dram(
        channels=1, pseudo_channels=1, bank_groups=1, banks_per_group=1, row_bytes=64, granule_bytes=8, window=1
    )

    stats = replay(smallest, pattern(name, 300, 8, 64), fifo_depth=1)
    assert (stats.reads, stats.activates > 0) == (300, True)


def test_the_log_holds_the_first_commands():
    whole = replay(SPATTEN, [0, 1 << 20], log=100).commands
    first = replay(SPATTEN, [0, 1 << 20], log=2).commands

    assert replay(SPATTEN, [0, 1 << 20]).commands is None
    assert len(whole) > 2
    assert first.tolist() == whole[:2].tolist()
