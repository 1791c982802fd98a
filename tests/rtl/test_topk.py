"""The top-k engine around its search cores: load, drain, wire, two commands at once."""

import numpy as np
import pytest
import torch
from bench.samples import diagonal
from bench.units import Trial, alone, differences, small, trials
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.golden.topk import top_k
from tokensieve.golden.vectors.topk import make
from tokensieve.rtl.flow.amsim import run
from tokensieve.rtl.flow.case import case
from tokensieve.verify.units.topk import TopkUnit

UNIT = TopkUnit()
ENGINE = "bitserial"  # any will do: what is tested here is around it
SMALL = small(engine=ENGINE)
COUNT = 30
VECTORS = UNIT.vectors(SMALL, COUNT, 1, None)
STALL = 250


@pytest.mark.parametrize(
    ("max_tokens", "lanes", "compactor"),
    diagonal(
        [(2, 1), (7, 1), (9, 2), (13, 4), (16, 4), (24, 8)], [("low_latency",), ("balanced",), ("max_frequency",)]
    ),
)
def test_engine_keeps_what_golden_keeps_in_the_cycles_of_its_law(max_tokens, lanes, compactor):
    arch = small(engine=ENGINE, max_tokens=max_tokens, lanes=lanes, compactor=compactor)
    vectors = UNIT.vectors(arch, 24, 3, None)

    assert differences(UNIT, arch, vectors, alone(24)) == []


@settings(max_examples=12)
@given(trials=trials(COUNT, ["command", "score"], ["o"]))
def test_engine_makes_the_transfers_of_its_twin_whatever_the_pauses(trials):
    assert differences(UNIT, SMALL, VECTORS, trials) == []


@pytest.mark.parametrize("engine", UNIT.engines())
def test_every_engine_makes_the_transfers_of_its_twin(engine):
    arch = small(engine=engine, lanes=2, max_tokens=11)
    vectors = UNIT.vectors(arch, COUNT, 2, None)
    paused = [
        Trial(tuple(range(start, COUNT, 4)), {"score": [0, 1, 0, 4] * 9}, {"o": _stalls(start)}) for start in range(4)
    ]

    assert differences(UNIT, arch, vectors, alone(COUNT) + paused) == []


def _stalls(seed):
    return (np.random.Generator(np.random.PCG64(seed)).random(900) < 0.2 + 0.2 * seed).tolist()


def test_next_command_loads_and_searches_while_the_last_one_waits_for_the_sink():
    record = _stalled([3, 3], SMALL, VECTORS)  # k = n - 1

    assert len([cycle for cycle, _ in record.events["found"] if cycle < STALL]) == 2
    assert record.cycles_of("o")[0] == STALL


def test_third_command_waits_until_the_drain_is_free():
    arch = small(engine=ENGINE, max_tokens=60)  # more beats than fit in the registers of the drain
    record = _stalled([3, 3, 3], arch, UNIT.vectors(arch, 4, 1, None))

    assert sum(cycle < STALL for cycle in record.cycles_of("command")) == 2
    assert record.complete


# The wire: 0 < k >= n. Vector 2 is one of 13 scores, four beats; 4 one of a single score; 3 is a search, 0 keeps none.


def test_a_wire_s_beats_leave_in_the_cycle_in_which_they_come_and_the_next_command_is_taken_with_the_last():
    record = _played([2, 4, 2, 3], {"score": [1, 0, 2]}, {"o": [False] * 2 + [True] * 3})

    assert record.cycles_of("score")[:9] == record.cycles_of("o")[:9]
    ends = [record.cycles_of("score")[place] for place in (3, 4, 8)]
    assert record.cycles_of("command")[1:] == ends
    assert record.cycles_of("score")[9] == ends[-1] + 1  # and loads in the next
    assert [cycle for cycle, _ in record.events["found"]][:3] == ends


def test_wires_behind_one_another_leave_no_gap():
    record = _played([2, 2, 4, 2], {}, {})

    assert record.cycles_of("o") == list(range(1, 14))


@pytest.mark.parametrize("before", [3, 0])
def test_a_wire_waits_until_the_command_before_has_left(before):
    record = _played([before, before, 2], {}, {"o": ([True] * 9 + [False]) * 30})
    beats = -(-int(VECTORS.inputs["n"][before]) // SMALL.topk.lanes)

    assert record.cycles_of("o")[-5] < record.cycles_of("score")[2 * beats]
    assert record.cycles_of("score")[-4:] == record.cycles_of("o")[-4:]


def test_a_wire_begins_in_the_cycle_after_the_last_beat_before_it():
    record = _played([3, 2], {}, {})

    assert np.diff(record.cycles_of("o")[3:5]).tolist() == [1]


def _played(which, gaps, stalls):
    """Return the record of vectors that run back to back."""
    stimulus = UNIT.harness().stimulus(SMALL, VECTORS, which)
    (record,) = run(UNIT.harness().component(SMALL), [case(stimulus, gaps=gaps, stalls=stalls, limit=999)])
    assert record.complete
    assert not record.broken
    return record


def _stalled(which, arch, vectors):
    """Return the record of vectors that run back to back with the output stalled at first."""
    stimulus = UNIT.harness().stimulus(arch, vectors, which)
    return run(UNIT.harness().component(arch), [case(stimulus, stalls={"o": [True] * STALL}, limit=4 * STALL)])[0]


# The vectors themselves.


@pytest.mark.parametrize("engine", UNIT.engines())
def test_reported_threshold_and_ties_keep_what_golden_keeps(engine):
    arch = small(engine=engine, max_tokens=37, score_bits=9, digit_bits=2)
    for first_digit in ("linear", "log"):
        arch = small(engine=engine, max_tokens=37, score_bits=9, digit_bits=2, first_digit=first_digit)
        vectors = make(arch, 150, 5)
        for index in range(150):
            scores = vectors.item("inputs", "scores", index)
            threshold, ties = int(vectors.expected["threshold"][index]), int(vectors.expected["ties"][index])
            equal = np.flatnonzero(scores == threshold)[:ties]

            assert (
                sorted([*np.flatnonzero(scores > threshold), *equal])
                == vectors.item("expected", "kept", index).tolist()
            )


@given(scores=st.lists(st.integers(0, 5), min_size=1, max_size=12), k=st.integers(0, 13))
def test_golden_keeps_the_largest_in_order_and_the_first_of_equals(scores, k):
    kept = top_k(torch.tensor([scores]), k).kept[0].tolist()
    by_rank = sorted(range(len(scores)), key=lambda place: (-scores[place], place))

    assert kept == sorted(by_rank[:k])


def test_packets_of_a_named_distribution_have_full_length_and_keep_a_half_or_a_fifth():
    vectors = make(SMALL, 6, 0, "narrow")

    assert vectors.inputs["n"].tolist() == [13] * 6
    assert vectors.inputs["k"].tolist() == [6, 2] * 3
    assert vectors.inputs["scores"].max() < 64


def test_vectors_begin_with_the_corners():
    vectors = make(SMALL, 20, 0)
    n, k = vectors.inputs["n"].tolist(), vectors.inputs["k"].tolist()

    told = list(zip(n, k, strict=True))
    assert told[:6] == [(13, 0), (13, 1), (13, 13), (13, 12), (1, 1), (1, 0)]
    assert told[6:12] == [(0, 6), (0, 0), (14, 6), (14, 0), (14, 14), (15, 7)]  # illegal
    assert told[12:14] == [(11, 5), (11, 13)]
