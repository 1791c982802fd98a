"""Every command log of the DRAM model obeys the timings of its `Dram`, and the judge of logs misses nothing."""

import numpy as np
import pytest
from bench.dram_law import ACT, PRE, PREA, RD, REF, WR, spacings, violations

from tokensieve.arch import load_arch
from tokensieve.arch.memory import Dram
from tokensieve.sim.dramrun import pattern, replay

SPATTEN = load_arch("spatten").dram
STREAMS = [
    ("seq", 8192, 32, 0),
    ("stride", 2048, 32, 16384),
    ("stride", 2048, 32, 1 << 20),
    ("randchunk", 4096, 32, 32),
    ("randchunk", 4096, 32, 1024),
    ("gather", 4096, 32, 50),
    ("twostream", 4096, 32, 1 << 21),
]
CLOCKS = (
    "nRCD", "nRP", "nRAS", "nRC", "nCCD_S", "nCCD_L", "nRRD_S", "nRRD_L", "nFAW", "nRTP", "nWR", "nWTR_S", "nWTR_L",
    "nRFC",
)  # fmt: skip
"""Timings that hold commands apart."""


def log_of(dram, stream, share_of_writes, **more):
    """Return the commands that a stream causes, random requests of it being writes."""
    addresses = pattern(*stream, seed=3)
    writes = np.random.default_rng(5).random(len(addresses)) < share_of_writes
    commands = replay(dram, addresses, writes=writes, log=1 << 18, **more).commands
    assert len(commands) < 1 << 18
    return commands


@pytest.mark.parametrize("share_of_writes", [0, 0.3, 1])
@pytest.mark.parametrize("channels", [1, 16])
@pytest.mark.parametrize("stream", STREAMS, ids=lambda s: f"{s[0]}-{s[3]}")
def test_the_stack_of_spatten_breaks_no_law(stream, channels, share_of_writes):
    dram = SPATTEN.model_copy(update={"channels": channels})

    assert violations(dram, log_of(dram, stream, share_of_writes)) == []


@pytest.mark.parametrize("window", [1, 2, 7, 256])
def test_no_window_leads_to_a_broken_law(window):
    dram = SPATTEN.model_copy(update={"channels": 1, "window": window})

    assert violations(dram, log_of(dram, ("randchunk", 2048, 32, 128), 0.5)) == []


TIGHT = SPATTEN.model_copy(
    update={
        "channels": 1,
        "nRC": 60,
        "nFAW": 40,
        "nCCD_S": 3,
        "nCCD_L": 5,
        "nRFC": 80,
        "nREFI": 400,
        "nRTP": 33,
        "nCL": 20,
    }
)
"""Timings each of which holds something back; nRC and nRTP of HBM2 are hidden by others."""


@pytest.mark.parametrize("name", [*CLOCKS, "nBL"])
def test_a_machine_that_is_one_clock_too_fast_is_caught(name):
    tight = TIGHT.model_copy(update={"nBL": 6} if name == "nBL" else {})
    fast = tight.model_copy(update={name: getattr(tight, name) - 1})
    streams = ("randchunk", 4096, 32, 64), ("twostream", 2048, 32, 2048), ("seq", 512, 32, 0)
    logs = [log_of(fast, stream, 0.4) for stream in streams]

    assert ("data bus" if name == "nBL" else name) in {v.law for log in logs for v in violations(tight, log)}
    assert [v for log in logs for v in violations(fast, log)] == []


def test_a_machine_that_refreshes_too_seldom_is_caught():
    log = log_of(TIGHT.model_copy(update={"nREFI": 401}), ("seq", 4096, 32, 0), 0)

    assert {v.law for v in violations(TIGHT, log)} == {"refresh"}


# Logs in which only one law binds, by the clocks between the two commands that it is about. Banks 0 to 3 share a group.
PLANTED = {
    "nRCD": ({}, lambda n: [(0, ACT, 0, 7), (n, RD, 0, 7)]),
    "nRAS": ({}, lambda n: [(0, ACT, 0, 7), (n, PRE, 0, -1)]),
    "nRP": ({}, lambda n: [(0, ACT, 0, 7), (1, PRE, 0, -1), (1 + n, ACT, 0, 8)]),
    "nRC": ({}, lambda n: [(0, ACT, 0, 7), (1, PRE, 0, -1), (n, ACT, 0, 8)]),
    "nRRD_S": ({}, lambda n: [(0, ACT, 0, 7), (n, ACT, 4, 7)]),
    "nRRD_L": ({}, lambda n: [(0, ACT, 0, 7), (n, ACT, 1, 7)]),
    "nFAW": ({}, lambda n: [*((b, ACT, b, 7) for b in range(4)), (n, ACT, 4, 7)]),
    "nCCD_S": ({}, lambda n: [(0, ACT, 0, 7), (1, ACT, 4, 7), (2, RD, 0, 7), (2 + n, WR, 4, 7)]),
    "nCCD_L": ({}, lambda n: [(0, ACT, 0, 7), (1, ACT, 1, 7), (2, RD, 0, 7), (2 + n, RD, 1, 7)]),
    "nRTP": ({}, lambda n: [(0, ACT, 0, 7), (1, RD, 0, 7), (1 + n, PRE, 0, -1)]),
    "nWR": ({"nCWL": 5}, lambda n: [(0, ACT, 0, 7), (1, WR, 0, 7), (1 + 5 + 1 + n, PRE, 0, -1)]),
    "nWTR_S": ({"nCWL": 5}, lambda n: [(0, ACT, 0, 7), (1, ACT, 4, 7), (2, WR, 0, 7), (2 + 5 + 1 + n, RD, 4, 7)]),
    "nWTR_L": ({"nCWL": 5}, lambda n: [(0, ACT, 0, 7), (1, ACT, 1, 7), (2, WR, 0, 7), (2 + 5 + 1 + n, RD, 1, 7)]),
    "nRFC": ({"refresh": True}, lambda n: [(100, REF, -1, -1), (100 + n, ACT, 0, 7)]),
}
ALL_BANKS = {
    "nRAS": ({}, lambda n: [(0, ACT, 3, 7), (n, PREA, -1, -1)]),
    "nRTP": ({}, lambda n: [(0, ACT, 3, 7), (1, RD, 3, 7), (1 + n, PREA, -1, -1)]),
    "nWR": ({}, lambda n: [(0, ACT, 3, 7), (1, WR, 3, 7), (1 + 1 + n, PREA, -1, -1)]),
    "nRP": ({}, lambda n: [(0, ACT, 3, 7), (1, PREA, -1, -1), (1 + n, ACT, 3, 8)]),
    "nRC": ({"refresh": True}, lambda n: [(97, ACT, 3, 7), (99, PREA, -1, -1), (97 + n, REF, -1, -1)]),
    "nRFC": ({"refresh": True}, lambda n: [(200, REF, -1, -1), (200 + n, REF, -1, -1)]),
}


def only(**timings):
    """Return a machine in which nothing takes time but what is named."""
    return Dram(
        **({**dict.fromkeys(CLOCKS, 0), "nCL": 0, "nCWL": 0, "refresh": False, "nBL": 1, "nREFI": 100} | timings)
    )


def laws_broken(dram, lines):
    return [v.law for v in violations(dram, [(clock, 0, *rest) for clock, *rest in lines])]


@pytest.mark.parametrize(
    ("name", "others", "lines"),
    [(name, *case) for table in (PLANTED, ALL_BANKS) for name, case in table.items()],
)
def test_a_constraint_holds_at_its_clock_and_breaks_one_before(name, others, lines):
    dram = only(**{name: 9}, **others)

    assert laws_broken(dram, lines(9)) == []
    assert laws_broken(dram, lines(8)) == [name]


@pytest.mark.parametrize("name", ["nRRD_L", "nCCD_L", "nWTR_L"])
def test_a_constraint_within_a_group_does_not_bind_another_group(name):
    _, lines = PLANTED[name.replace("_L", "_S")]

    assert laws_broken(only(**{name: 9}, nCWL=5), lines(1)) == []


@pytest.mark.parametrize(
    ("first", "second", "clocks"), [(RD, RD, 3), (WR, WR, 3), (RD, WR, 6 + 3 + 1 - 4), (WR, RD, 4 + 3)]
)
def test_bursts_do_not_meet_on_the_data_bus(first, second, clocks):
    """A write that follows a read leaves one clock to turn the bus."""
    dram = only(nBL=3, nCL=6, nCWL=4)

    def lines(n):
        return [(0, ACT, 0, 7), (1, first, 0, 7), (1 + n, second, 0, 7)]

    assert laws_broken(dram, lines(clocks)) == []
    assert set(laws_broken(dram, lines(clocks - 1))) <= {"data bus", "nWTR_S", "nWTR_L"}
    assert laws_broken(dram, lines(clocks - 1))


def test_two_row_commands_do_not_share_a_clock():
    assert laws_broken(only(), [(4, ACT, 0, 7), (4, ACT, 4, 7)]) == ["row bus"]
    assert laws_broken(only(), [(4, ACT, 0, 7), (5, ACT, 4, 7)]) == []
    assert laws_broken(only(), [(4, ACT, 0, 7), (4, RD, 0, 7)]) == []


def test_time_does_not_go_back():
    assert laws_broken(only(), [(4, ACT, 0, 7), (9, ACT, 4, 7), (8, RD, 0, 7)]) == ["order"]


@pytest.mark.parametrize(
    "lines",
    [
        [(0, ACT, 0, 7), (9, ACT, 0, 8)],
        [(0, PRE, 0, -1)],
        [(0, RD, 0, 7)],
        [(0, ACT, 0, 7), (9, RD, 0, 8)],
        [(0, ACT, 0, 7), (9, WR, 0, 8)],
        [(0, ACT, 0, 7), (9, PREA, -1, -1), (10, RD, 0, 7)],
        [(0, ACT, 0, 7), (100, REF, -1, -1)],
    ],
    ids=["open twice", "close twice", "closed", "other row", "write other row", "all closed", "refresh open"],
)
def test_a_command_needs_its_bank_in_the_right_state(lines):
    assert laws_broken(only(refresh=True), lines) == ["state"]


def test_from_the_end_of_its_interval_on_everything_waits_for_the_refresh():
    dram = only(refresh=True)

    assert laws_broken(dram, [(99, ACT, 0, 7)]) == []
    assert laws_broken(dram, [(100, ACT, 0, 7)]) == ["refresh"]
    assert laws_broken(dram, [(99, REF, -1, -1)]) == ["refresh"]
    assert laws_broken(dram, [(100, REF, -1, -1), (199, ACT, 0, 7)]) == []
    assert laws_broken(dram, [(100, REF, -1, -1), (200, ACT, 0, 7)]) == ["refresh"]
    assert laws_broken(only(), [(100, REF, -1, -1)]) == ["refresh"]


def test_every_spacing_is_planted():
    """So that a law that is added is shown to bind."""
    named = {s.law for s in spacings(only())}

    assert named == (set(PLANTED) - {"nFAW"}) | {"row bus", "data bus"}
