"""Timing laws at their edges: one item, a full line, one more; bypasses; arrays as integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import Arch
from tokensieve.arch.datapath import MultiplierArray, Topk
from tokensieve.arch.timing import SoftmaxLaw, StreamLaw, StreamWork, TopkLaw, TopkWork

QUICK = TopkLaw(engine="quickselect", lanes=16, round_cycles=3, drain_latency=3)
RADIX = TopkLaw(engine="radix", lanes=16, round_cycles=3, drain_latency=3)


@pytest.mark.parametrize(("items", "cycles"), [(1, 10), (8, 10), (9, 11), (384, 57)])
def test_a_stream_takes_a_cycle_a_line_and_its_latency(items, cycles):
    law = StreamLaw(lanes=8, latency=9, interval=1)

    assert law.cycles(StreamWork(items=items)) == cycles


@pytest.mark.parametrize(("items", "cycles"), [(1, 90), (8, 90), (9, 93), (1024, 471)])
def test_a_softmax_passes_over_a_row_three_times(items, cycles):
    law = SoftmaxLaw(lanes=8, scan_latency=7, exp_latency=44, divide_latency=36)

    assert law.cycles(StreamWork(items=items)) == cycles
    assert law.latency == 87  # the authors' behavioural model has 87 registers


@pytest.mark.parametrize(
    ("work", "load", "search", "drain"),
    [
        (TopkWork(items=64, kept=20, sizes=(64, 30, 7)), 4, (4 + 3) + (2 + 3) + (1 + 3), 4 + 3),
        (TopkWork(items=16, kept=1, sizes=(16,)), 1, 1 + 3, 1 + 3),
        (TopkWork(items=17, kept=1, sizes=(17, 1)), 2, (2 + 3) + (1 + 3), 2 + 3),
    ],
)
def test_quick_select_streams_every_round(work, load, search, drain):
    assert (QUICK.load(work), QUICK.search(work), QUICK.drain(work)) == (load, search, drain)
    assert QUICK.select(work) == load + search
    assert QUICK.cycles(work) == load + search + drain


def test_radix_select_counts_the_first_digit_while_loading():
    """Digit 2 filters all n items, digit 3 the survivors of digit 1; each digit takes a decision."""
    work = TopkWork(items=64, kept=20, sizes=(40, 12, 3))

    assert RADIX.search(work) == 3 + (4 + 3) + (3 + 3)
    assert RADIX.streamed(work) == 64 + 40


@pytest.mark.parametrize("law", [QUICK, RADIX])
@pytest.mark.parametrize("kept", [0, 64, 65])
def test_nothing_to_choose_bypasses_the_search(law, kept):
    work = TopkWork(items=64, kept=kept, sizes=(64, 30))

    assert law.search(work) == law.streamed(work) == 0
    assert law.cycles(work) == 4 + 4 + 3


commands = st.lists(
    st.tuples(st.integers(1, 200), st.integers(0, 200), st.lists(st.integers(1, 200), min_size=1, max_size=5)),
    min_size=1,
    max_size=6,
)


@given(commands, st.sampled_from(["quickselect", "radix"]), st.sampled_from([1, 4, 16]))
def test_an_array_of_commands_takes_what_each_takes_alone(rows, engine, lanes):
    law = TopkLaw(engine=engine, lanes=lanes, round_cycles=3, drain_latency=3)
    sizes = np.zeros((len(rows), 5), np.int64)
    for i, (_, _, record) in enumerate(rows):
        sizes[i, : len(record)] = record
    together = TopkWork(items=np.array([r[0] for r in rows]), kept=np.array([r[1] for r in rows]), sizes=sizes)
    alone = [TopkWork(items=n, kept=k, sizes=tuple(record)) for n, k, record in rows]

    for name in ("load", "search", "streamed", "drain", "select", "cycles"):
        assert getattr(law, name)(together).tolist() == [getattr(law, name)(one) for one in alone]


@given(st.integers(1, 1000), st.lists(st.integers(1, 1000), min_size=1, max_size=6))
def test_more_lanes_never_take_longer(items, sizes):
    work = TopkWork(items=items, kept=1, sizes=tuple(sizes))
    cycles = [
        TopkLaw(engine="quickselect", lanes=n, round_cycles=3, drain_latency=3).cycles(work) for n in (1, 2, 4, 8, 16)
    ]

    assert cycles == sorted(cycles, reverse=True)


@pytest.mark.parametrize(("dim", "terms", "latency"), [(64, 64, 9), (32, 32, 8), (64, 8, 6), (64, 1, 3)])
def test_an_array_s_latency_follows_its_tree(dim, terms, latency):
    assert MultiplierArray().law(dim, terms=terms, read_latency=1).latency == latency


@pytest.mark.parametrize(("lanes", "stages"), [(1, 2), (2, 2), (16, 8), (64, 12)])
def test_a_zero_eliminator_for_high_frequencies_is_deeper(lanes, stages):
    assert Topk(lanes=lanes, compactor="max_frequency").compactor_stages == stages
    assert Topk(lanes=lanes).compactor_stages == 2
    assert Topk(lanes=lanes).law.drain_latency == 3


def test_a_law_has_no_figures_of_its_own():
    for law in (StreamLaw, SoftmaxLaw, TopkLaw):
        with pytest.raises(TypeError, match="missing"):
            law()


def test_a_machine_s_laws_follow_its_fields():
    arch = Arch(softmax={"exp_latency": 1, "accumulate_latency": 1}, topk={"lanes": 4, "round_cycles": 5})

    assert arch.softmax.law.exp_latency == 2
    assert (arch.topk.law.lanes, arch.topk.law.round_cycles) == (4, 5)
    assert arch.importance.law.lanes == arch.importance.lanes
