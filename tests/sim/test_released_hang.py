"""Why the released design hung: that the row is named, that a reason is found, and that what is advised helps."""

import pytest
from bench.requests import requests, uniform
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import load_arch
from tokensieve.sim.released.replay import replay

SMALL = ["key_sram.kib=12", "value_sram.kib=12"]
SHORT, LONG = (64, 32, 4, 6, 0, 9, 1), (132, 128, 4, 6, 0, 9, 1)
WIDE_VALUES, ODD = (80, 72, 4, 6, 0, 9, 1), (1000, 208, 6, 6, 0, 9, 0)


@pytest.mark.parametrize(
    ("arch", "sets", "rows", "row", "reason"),
    [
        ("released-128x8", [], [(256, 32, 8, 8, 0, 9, 1)], 0, "it needs 128 lines for 256 keys, key_sram holds 64"),
        ("released-64x2", SMALL, [SHORT, SHORT, LONG], 2, "it needs 132 lines for 132 keys, key_sram holds 128"),
        (
            "released-64x2",
            SMALL,
            [WIDE_VALUES, WIDE_VALUES],
            0,
            "it needs 144 lines for 72 values of two fused heads, value_sram holds 128",
        ),
        (
            "released-512x16",
            [],
            [ODD, (*ODD[:-1], 1)],
            0,
            "its 1,000 keys of 6 bits are 125 lines, an odd number, and the reader of key_sram waits for one more; "
            "counts that are multiples of 32 avoid it",
        ),
        (
            "released-64x2",
            ["fetcher.fifo_depth=2"],
            [(1000, 208, 8, 8, 0, 9, 1)],
            0,
            "whose FIFO (fetcher.fifo_depth = 2) is full until others get the answers behind it",
        ),
    ],
)
def test_what_the_state_tells_is_said_of_the_row_that_waits(arch, sets, rows, row, reason):
    hang = replay(load_arch(arch, sets), requests(rows)).hang

    assert (hang.row, hang.suspect) == (row, None)
    assert reason in hang.reason


@pytest.mark.parametrize(
    ("arch", "sets", "rows", "suspect", "reason"),
    [
        (
            "released-128x8",
            [],
            [(112, 80, 8, 8, 1, 7, 1), (8, 8, 8, 8, 1, 16, 1)],
            1,
            "its 8 keys of 8 bits end with a beat of nothing but padding, so that no line is marked as the last; "
            "counts that are multiples of 16 avoid it",
        ),
        (
            "released-64x2",
            [],
            [(20, 8, 8, 8, 0, 9, 1), (25, 10, 8, 4, 0, 9, 1), (17, 16, 8, 8, 0, 9, 1), (16, 8, 8, 8, 0, 9, 1)],
            2,
            "its 17 keys leave ports without data, and this padding leads the next fetch astray",
        ),
        (
            "released-64x2",
            ["fetcher.ports=1"],
            [(3, 1, 8, 8, 1, 24, 1)],
            0,
            "its 3 keys are 3 lines, an odd number, which are read in pairs; counts that are multiples of 2 avoid it",
        ),
    ],
)
def test_a_row_whose_fetch_misleads_the_realigner_is_suspected(arch, sets, rows, suspect, reason):
    hang = replay(load_arch(arch, sets), requests(rows)).hang

    assert hang.suspect == suspect
    assert reason in hang.reason


def test_what_runs_to_its_end_did_not_hang():
    assert replay(load_arch("released-64x2"), uniform(4, 64, 32)).hang is None


DESIGNS = {
    "released-64x2": ([*SMALL], 4),
    "released-128x8": (["key_sram.kib=24", "value_sram.kib=24"], 16),
    "released-512x16": (["key_sram.kib=96", "value_sram.kib=96"], 32),
}
QUEUES = ("head_fifo=2", "address_fifo=2", "in_flight=2", "context_fifo=2", "pending=1", "replay=3", "weight_lines=1")


@st.composite
def row_lists(draw):
    """Rows that fit buffers of 128 lines of one key, fused or not; those of 6 bits in pairs."""
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        keys = draw(st.integers(1, 64))
        values, again, wait = draw(st.integers(1, keys)), draw(st.integers(0, 1)), draw(st.integers(0, 30))
        key_bits, value_bits = draw(st.sampled_from((4, 6, 8))), draw(st.sampled_from((4, 6, 8)))
        paired = 6 in (key_bits, value_bits)
        first = (keys, values, key_bits, value_bits, again, wait, key_bits != 6)
        rows += [first, (*first[:-1], 1)] if paired else [first]
    return rows


@settings(max_examples=60)
@given(arch=st.sampled_from(sorted(DESIGNS)), rows=row_lists(), queues=st.sets(st.sampled_from(QUEUES), max_size=2))
def test_a_hang_has_a_reason_and_the_counts_that_are_advised_do_not_hang(arch, rows, queues):
    sets, multiple = DESIGNS[arch]
    machine = load_arch(arch, [*sets, *(f"released.{queue}" for queue in queues)])
    advised = [
        [-(-keys // multiple) * multiple, -(-values // multiple) * multiple, *rest] for keys, values, *rest in rows
    ]

    hang = replay(machine, requests(rows)).hang

    assert hang is None or f"multiples of {multiple} avoid it" in hang.reason
    assert replay(machine, requests(advised)).hang is None
