"""Every command log of the DRAM model obeys the timings of its `Dram`, and the judge of logs misses nothing."""

from itertools import product

import numpy as np
import pytest
from bench.dram_law import ACT, PRE, PREA, RD, RDA, REF, WR, WRA, spacings, violations
from bench.samples import diagonal

from tokensieve.arch import dram_names, load_arch, load_dram
from tokensieve.arch.memory import Dram
from tokensieve.sim.dram.run import pattern, replay

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
    "nRFC", "nRCD_WR", "nTurn",
)  # fmt: skip
"""Timings that hold commands apart."""


def log_of(dram, stream, share_of_writes, **more):
    """Return the commands that a stream causes, random requests of it being writes."""
    addresses = pattern(*stream, seed=3)
    writes = np.random.default_rng(5).random(len(addresses)) < share_of_writes
    commands = replay(dram, addresses, writes=writes, log=1 << 18, **more).commands
    assert len(commands) < 1 << 18
    return commands


@pytest.mark.parametrize(
    ("stream", "channels", "share_of_writes"),
    diagonal([(stream,) for stream in STREAMS], [*product([1, 16], [0, 0.3, 1])]),
    ids=lambda value: f"{value[0]}-{value[3]}" if isinstance(value, tuple) else None,
)
def test_the_stack_of_spatten_breaks_no_law(stream, channels, share_of_writes):
    dram = SPATTEN.model_copy(update={"channels": channels})

    assert violations(dram, log_of(dram, stream, share_of_writes)) == []


@pytest.mark.parametrize(
    ("name", "other", "share_of_writes"),
    diagonal(
        [(name,) for name in dram_names()],
        [*product([{}, {"page": "closed"}, {"refresh": True, "nREFI": 700}], [0, 0.4])],
    ),
    ids=str,
)
def test_no_configuration_breaks_a_law(name, other, share_of_writes):
    dram = load_dram(name).model_copy(update={"channels": 2} | other)

    for stream in [("seq", 1024, 32, 0), ("randchunk", 1024, 32, 128), ("twostream", 1024, 32, 1 << 16)]:
        assert violations(dram, log_of(dram, stream, share_of_writes)) == []


@pytest.mark.parametrize("controller", ["bank-queues", "active-buffer"])
@pytest.mark.parametrize("bus", ["channel", "single"])
@pytest.mark.parametrize("window", [1, 2, 40])
def test_no_bus_and_no_queues_lead_to_a_broken_law(controller, bus, window):
    other = {"controller": controller, "command_bus": bus, "window": window, "bank_queue": window, "act_clocks": 3}
    dram = TIGHT.model_copy(update=other)

    for share_of_writes in (0.2, 1):
        assert violations(dram, log_of(dram, ("randchunk", 1024, 32, 128), share_of_writes)) == []


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
        "nRCD_WR": 15,
        "nTurn": 2,
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


@pytest.mark.parametrize("controller", ["bank-queues", "active-buffer"])
@pytest.mark.parametrize(
    "name", ["nRCD", "nRCD_WR", "nRP", "nCCD_L", "nRRD_S", "nRTP", "nWR", "nWTR_S", "nTurn", "nRFC"]
)
def test_a_machine_stepped_by_the_clock_that_is_too_fast_is_caught(name, controller):
    tight = TIGHT.model_copy(update={"controller": controller, "command_bus": "channel"})
    fast = tight.model_copy(update={name: getattr(tight, name) - 1})
    logs = [log_of(fast, stream, 0.4) for stream in [("randchunk", 4096, 32, 64), ("twostream", 2048, 32, 2048)]]

    assert name in {v.law for log in logs for v in violations(tight, log)}


def test_an_activate_that_frees_the_bus_too_early_is_caught():
    slow = TIGHT.model_copy(update={"act_clocks": 8, "nRRD_S": 1, "nRRD_L": 1, "nFAW": 0})
    log = log_of(slow.model_copy(update={"act_clocks": 7}), ("randchunk", 1024, 32, 32), 0)

    assert "act_clocks" in {v.law for v in violations(slow, log)}


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
    "nRCD_WR": ({}, lambda n: [(0, ACT, 0, 7), (n, WR, 0, 7)]),
    "nTurn": ({}, lambda n: [(0, ACT, 0, 7), (1, RD, 0, 7), (1 + 1 + n, WR, 0, 7)]),
    "act_clocks": ({}, lambda n: [(0, ACT, 0, 7), (n, ACT, 4, 7)]),
}
CLOSING = {
    "nRAS": ({}, lambda n: [(0, ACT, 0, 7), (1, RDA, 0, 7), (n, ACT, 0, 8)]),
    "nRTP": ({}, lambda n: [(0, ACT, 0, 7), (1, RDA, 0, 7), (1 + n, ACT, 0, 8)]),
    "nWR": ({"nCWL": 5}, lambda n: [(0, ACT, 0, 7), (1, WRA, 0, 7), (1 + 5 + 1 + n, ACT, 0, 8)]),
    "nRCD_WR": ({}, lambda n: [(0, ACT, 0, 7), (n, WRA, 0, 7)]),
    "nCCD_L": ({}, lambda n: [(0, ACT, 0, 7), (1, ACT, 1, 7), (2, RDA, 0, 7), (2 + n, RDA, 1, 7)]),
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
    free = dict.fromkeys(CLOCKS, 0) | {"nRCD_WR": None, "nTurn": 1}
    return Dram(**({**free, "nCL": 0, "nCWL": 0, "refresh": False, "nBL": 1, "nREFI": 100} | timings))


def laws_broken(dram, lines):
    return [v.law for v in violations(dram, [(clock, 0, *rest) for clock, *rest in lines])]


@pytest.mark.parametrize(
    ("name", "others", "lines"),
    [(name, *case) for table in (PLANTED, CLOSING, ALL_BANKS) for name, case in table.items()],
)
def test_a_constraint_holds_at_its_clock_and_breaks_one_before(name, others, lines):
    dram = only(**{name: 9}, **others)

    assert laws_broken(dram, lines(9)) == []
    assert set(laws_broken(dram, lines(8))) == {name}


def test_a_row_that_closes_by_itself_takes_nrp_before_the_next_one():
    """Told as nRTP, which it follows."""
    lines = [[(0, ACT, 0, 7), (1, RDA, 0, 7), (1 + n, ACT, 0, 8)] for n in (8, 9)]

    assert [laws_broken(only(nRP=9), log) for log in lines] == [["nRTP"], []]


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
    assert set(laws_broken(dram, lines(clocks - 1))) <= {"data bus", "nTurn", "nWTR_S", "nWTR_L"}
    assert laws_broken(dram, lines(clocks - 1))


def test_two_row_commands_do_not_share_a_clock():
    assert laws_broken(only(), [(4, ACT, 0, 7), (4, ACT, 4, 7)]) == ["row bus"]
    assert laws_broken(only(), [(4, ACT, 0, 7), (5, ACT, 4, 7)]) == []
    assert laws_broken(only(), [(4, ACT, 0, 7), (4, RD, 0, 7)]) == []


@pytest.mark.parametrize(("bus", "broken"), [("pseudo-channel", 0), ("channel", 2), ("single", 3)])
def test_pseudo_channels_share_the_command_bus_as_far_as_it_says(bus, broken):
    """On one clock: columns of two pseudo-channels, rows of two, a row and a column."""
    controller = "frfcfs" if bus == "pseudo-channel" else "active-buffer"
    dram = only(controller=controller, command_bus=bus)
    rows = [(0, 0, ACT, 0, 7), (1, 1, ACT, 0, 7)]
    cases = [
        [*rows, (4, 0, RD, 0, 7), (4, 1, RD, 0, 7)],
        [(4, 0, ACT, 0, 7), (4, 1, ACT, 0, 7)],
        [*rows, (4, 0, RD, 0, 7), (4, 1, PRE, 0, -1)],
        [*rows, (4, 0, RD, 0, 7), (5, 1, RD, 0, 7)],
    ]
    laws = [{v.law for v in violations(dram, lines)} for lines in cases]

    assert laws[3] == set()
    assert [found for found in laws if found] == [{"command bus"}] * broken


def test_activates_of_several_clocks_keep_the_rows_of_the_other_pseudo_channel_away_where_they_share_the_bus():
    lines = [(0, 0, ACT, 0, 7), (1, 1, ACT, 0, 7)]
    shared = only(controller="active-buffer", command_bus="channel", act_clocks=2)

    assert [v.law for v in violations(shared, lines)] == ["act_clocks"]
    assert violations(shared, [lines[0], (2, 1, ACT, 0, 7)]) == []
    assert violations(only(act_clocks=2), lines) == []


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
        [(0, ACT, 0, 7), (8, RDA, 0, 7), (9, RD, 0, 7)],
        [(0, ACT, 0, 7), (9, WRA, 0, 8)],
    ],
    ids=[
        "open twice",
        "close twice",
        "closed",
        "other row",
        "write other row",
        "all closed",
        "refresh open",
        "closed by itself",
        "close other row",
    ],
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
    named = {s.law for s in spacings(only(nRCD_WR=0, act_clocks=2, controller="active-buffer", command_bus="single"))}

    assert named == (set(PLANTED) - {"nFAW"}) | {"row bus", "data bus", "command bus"}
