"""Timing laws at their edges: one item, a full line, one more; nothing kept, all kept; arrays as integers."""

import re
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import Arch, ArchError, load_arch
from tokensieve.arch.datapath import MultiplierArray, Topk
from tokensieve.arch.timing import SoftmaxLaw, StreamLaw, StreamWork
from tokensieve.arch.topklaw import BitonicLaw, BitserialLaw, QuickselectLaw, RadixLaw, TopkWork

ENGINES = ["quickselect", "radix", "bitserial", "bitonic"]
LAWS = {"quickselect": QuickselectLaw, "radix": RadixLaw, "bitserial": BitserialLaw, "bitonic": BitonicLaw}


def law_of(engine, lanes=16, **others):
    """Return the law of an engine of 64 tokens; its constants are the model's, except for those given."""
    return figures(Topk(engine=engine, lanes=lanes, max_tokens=64).law, **others)


def figures(law, **others):
    """Return `law` with other constants."""
    return type(law)(**{f.name: others.get(f.name, getattr(law, f.name)) for f in fields(law)})


@pytest.mark.parametrize(("items", "cycles"), [(1, 10), (8, 10), (9, 11), (384, 57)])
def test_a_stream_takes_a_cycle_a_line_and_its_latency(items, cycles):
    law = StreamLaw(lanes=8, latency=9, interval=1)

    assert law.cycles(StreamWork(items=items)) == cycles


@pytest.mark.parametrize(("items", "cycles"), [(1, 90), (8, 90), (9, 93), (1024, 471)])
def test_a_softmax_passes_over_a_packet_three_times(items, cycles):
    law = SoftmaxLaw(lanes=8, scan_latency=7, exp_latency=44, divide_latency=36)

    assert law.cycles(StreamWork(items=items)) == cycles
    assert law.latency == 87  # the authors' behavioural model has 87 registers


def test_a_softmax_that_streams_passes_over_a_packet_twice():
    told = {"lanes": 8, "scan_latency": 7, "exp_latency": 44, "divide_latency": 36}
    passes, streamed = SoftmaxLaw(**told), SoftmaxLaw(**told, streamed=True)

    assert Arch(softmax={"scan": "streamed"}).softmax.law == streamed
    assert Arch().softmax.law == passes
    for items in (1, 8, 9, 1024):
        work = StreamWork(items=items)
        assert passes.cycles(work) - streamed.cycles(work) == passes.lines(work)


@pytest.mark.parametrize("engine", ["quickselect", "radix"])
@pytest.mark.parametrize("comparators", [1, 4, 64])
def test_comparators_are_the_width_of_the_search_alone(engine, comparators):
    """The rounds of the record stream lines of their own width; what enters and leaves is as wide as before."""
    work = TopkWork(items=64, kept=20, sizes=(64, 30, 7))
    law, other = (Topk(engine=engine, lanes=16, **own).law for own in ({}, {"comparators": comparators}))
    streamed = (64, 30, 7) if engine == "quickselect" else (64, 64)

    assert (other.load(work), other.drain(work)) == (law.load(work), law.drain(work))
    assert other.lines(work) == sum(-(-size // comparators) for size in streamed)
    assert other.search(work) - law.search(work) == other.lines(work) - law.lines(work)
    assert other.streamed(work) == law.streamed(work)
    assert Topk(engine=engine, lanes=16, comparators=16).law == law


@pytest.mark.parametrize("engine", ["quickselect", "radix"])
def test_the_registers_of_a_round_are_those_of_its_own_width(engine):
    deep = {"engine": engine, "compactor": "max_frequency"}
    narrow, wide = Topk(**deep, lanes=16, comparators=2), Topk(**deep, lanes=2, comparators=16)

    assert narrow.law.round_cycles == Topk(**deep, lanes=2).law.round_cycles
    assert wide.law.round_cycles == Topk(**deep, lanes=16).law.round_cycles
    assert narrow.drain_latency == Topk(**deep, lanes=16).drain_latency


@pytest.mark.parametrize(("engine", "rounds"), [("quickselect", 3), ("radix", 2)])
def test_cycles_of_a_round_may_be_chosen(engine, rounds):
    work = TopkWork(items=64, kept=20, sizes=(64, 30, 7))
    own, chosen = Topk(engine=engine).law, Topk(engine=engine, round_cycles=3).law

    assert chosen.round_cycles == 3
    assert own.search(work) - chosen.search(work) == rounds * (own.round_cycles - 3)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["topk.comparators=3"], "topk.comparators must be a power of two in 1..64, got 3"),
        (["topk.comparators=128"], "topk.comparators must be in 1..64, got 128"),
        (["topk.round_cycles=-1"], "topk.round_cycles must be in 0..64, got -1"),
        (
            ["topk.engine=bitonic", "topk.comparators=1"],
            "topk.comparators must be lanes = 16 or null with engine = bitonic, whose search has no rounds, got 1",
        ),
        (
            ["topk.engine=bitserial", "topk.round_cycles=3"],
            "topk.round_cycles must be null with engine = bitserial, whose search has no rounds, got 3",
        ),
        (["softmax.scan=once"], "softmax.scan must be one of pass, streamed, got 'once'"),
    ],
)
def test_what_no_machine_can_be_is_refused(sets, message):
    with pytest.raises(ArchError, match=re.escape(message)):
        load_arch("spatten", sets)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_tokens": 65537}, "topk.max_tokens must be at most 65536 for RTL, got 65537"),
        ({"comparators": 8}, "topk.comparators must be topk.lanes = 16 or null for RTL, which has one width, got 8"),
        ({"round_cycles": 3}, "topk.round_cycles must be 6 or null for the RTL of engine = quickselect, got 3"),
        ({"engine": "radix", "round_cycles": 3}, "topk.round_cycles must be 7 or null for the RTL of engine = radix"),
    ],
)
def test_what_the_rtl_is_not_is_told_apart(fields, message):
    with pytest.raises(ArchError, match=re.escape(message)):
        Topk(**fields).require_rtl()


@pytest.mark.parametrize("fields", [{}, {"comparators": 16}, {"round_cycles": 6}, {"engine": "bitonic"}])
def test_what_the_rtl_is_is_let_through(fields):
    Topk(**fields).require_rtl()


@pytest.mark.parametrize(
    ("work", "load", "rounds", "drain"),
    [
        (TopkWork(items=64, kept=20, sizes=(64, 30, 7)), 4, (4 + 3) + (2 + 3) + (1 + 3), 4 + 6),
        (TopkWork(items=16, kept=1, sizes=(16,)), 1, 1 + 3, 1 + 6),
        (TopkWork(items=17, kept=1, sizes=(17, 1)), 2, (2 + 3) + (1 + 3), 2 + 6),
    ],
)
def test_quick_select_streams_every_round(work, load, rounds, drain):
    law = law_of("quickselect", round_cycles=3, start_cycles=2, drain_latency=6)

    assert (law.load(work), law.search(work), law.drain(work)) == (load, 2 + rounds, drain)
    assert law.select(work) == load + 2 + rounds
    assert law.cycles(work) == load + 2 + rounds + drain
    assert law.streamed(work) == sum(work.sizes)


@pytest.mark.parametrize(
    ("sizes", "scans"),
    [((40,), ()), ((40, 12), (64,)), ((40, 12, 3), (64, 40)), ((40, 12, 3, 1), (64, 40, 12))],
)
def test_radix_select_counts_the_first_digit_while_loading(sizes, scans):
    """Digit 2 filters all n items, digit j the survivors of digit j - 2; each takes a decision of its own."""
    law, work = law_of("radix", first_cycles=5, round_cycles=3), TopkWork(items=64, kept=20, sizes=sizes)

    assert law.search(work) == 5 + sum(-(-scan // 16) + 3 for scan in scans)
    assert law.streamed(work) == sum(scans)


@pytest.mark.parametrize("engine", ["bitserial", "bitonic"])
def test_bit_serial_and_bitonic_searches_take_the_same_time_whatever_the_scores(engine):
    works = [TopkWork(items=n, kept=k, sizes=()) for n, k in ((2, 1), (33, 32), (64, 1))]

    assert len({law_of(engine).search(work) for work in works}) == 1


def test_bit_serial_selection_takes_a_step_for_each_bit():
    work = TopkWork(items=64, kept=20, sizes=())
    law = law_of("bitserial", bits=12, step_cycles=4)

    assert law.search(work) - law_of("bitserial", bits=4, step_cycles=4).search(work) == 8 * 4
    assert (
        law.streamed(work) == law.streamed(TopkWork(items=9, kept=2, sizes=())) == 64 * 12
    )  # all that it has room for


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_to_keep_bypasses_the_search(engine):
    law, work = law_of(engine, bypass_cycles=1, drain_latency=6), TopkWork(items=64, kept=0, sizes=(64, 30))

    assert (law.search(work), law.streamed(work)) == (1, 0)
    assert law.cycles(work) == 4 + 1 + 4 + 6


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kept", [65, 66])
def test_an_engine_that_keeps_all_is_a_wire(engine, kept):
    law, work = law_of(engine), TopkWork(items=65, kept=kept, sizes=(64, 30))

    assert work.passes
    assert (law.load(work), law.search(work), law.drain(work)) == (5, 0, 0)
    assert (law.rounds(work), law.lines(work), law.streamed(work)) == (0, 0, 0)
    assert law.select(work) == law.cycles(work) == 5
    assert not TopkWork(items=0, kept=0, sizes=()).passes  # nothing is no command


commands = st.lists(
    st.tuples(st.integers(1, 200), st.integers(0, 200), st.lists(st.integers(1, 200), min_size=1, max_size=5)),
    min_size=1,
    max_size=6,
)


@given(commands, st.sampled_from(ENGINES), st.sampled_from([1, 4, 16]))
def test_an_array_of_commands_takes_what_each_takes_alone(rows, engine, lanes):
    law = law_of(engine, lanes)
    sizes = np.zeros((len(rows), 5), np.int64)
    for i, (_, _, record) in enumerate(rows):
        sizes[i, : len(record)] = record
    together = TopkWork(items=np.array([r[0] for r in rows]), kept=np.array([r[1] for r in rows]), sizes=sizes)
    alone = [TopkWork(items=n, kept=k, sizes=tuple(record)) for n, k, record in rows]

    for name in ("load", "search", "rounds", "lines", "streamed", "drain", "select", "cycles"):
        assert getattr(law, name)(together).tolist() == [getattr(law, name)(one) for one in alone]


@given(
    commands,
    st.sampled_from(ENGINES),
    st.sampled_from([1, 4, 16, 64]),
    st.sampled_from(["low_latency", "balanced", "max_frequency"]),
)
def test_a_search_takes_its_fixed_cycles_those_of_its_rounds_and_a_cycle_a_line(rows, engine, lanes, compactor):
    law = Topk(engine=engine, lanes=lanes, compactor=compactor).law
    for n, k, record in rows:
        work = TopkWork(items=n, kept=k, sizes=tuple(record))
        paced = law.fixed.search + law.rounds(work) * law.fixed.round + law.lines(work)

        assert law.search(work) == (paced if 0 < k < n else 0 if k else law.bypass_cycles)
        assert law.lines(work) <= law.streamed(work)


@pytest.mark.parametrize(
    ("engine", "told"),
    [("quickselect", (3, 4 + 2 + 1)), ("radix", (2, 4 + 4)), ("bitserial", (0, 0)), ("bitonic", (0, 0))],
)
def test_a_law_tells_the_rounds_of_a_record_and_the_lines_that_they_stream(engine, told):
    law, work = law_of(engine), TopkWork(items=64, kept=20, sizes=(64, 30, 7))

    assert (law.rounds(work), law.lines(work)) == told


@given(st.integers(1, 1000), st.lists(st.integers(1, 1000), min_size=1, max_size=6), st.sampled_from(ENGINES))
def test_more_lanes_never_take_longer_with_the_same_registers(items, sizes, engine):
    work = TopkWork(items=items, kept=1, sizes=tuple(sizes))
    cycles = [figures(law_of(engine), lanes=n).cycles(work) for n in (1, 2, 4, 8, 16)]

    assert cycles == sorted(cycles, reverse=True)


@pytest.mark.parametrize(("dim", "terms", "latency"), [(64, 64, 9), (32, 32, 8), (64, 8, 6), (64, 1, 3)])
def test_an_array_s_latency_follows_its_tree(dim, terms, latency):
    assert MultiplierArray().law(dim, terms=terms, read_latency=1).latency == latency


@pytest.mark.parametrize(("lanes", "stages"), [(1, 2), (2, 2), (16, 8), (64, 12)])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_zero_eliminator_for_high_frequencies_is_deeper(engine, lanes, stages):
    short, long = (Topk(engine=engine, lanes=lanes, compactor=c) for c in ("low_latency", "max_frequency"))

    assert (short.compactor_stages, long.compactor_stages) == (2, stages)
    assert long.law.drain_latency == short.law.drain_latency + stages - 2


@pytest.mark.parametrize(("engine", "more"), [("quickselect", 5), ("radix", 5)])
def test_rounds_go_through_the_zero_eliminator(engine, more):
    """A short zero eliminator hides behind the other registers of a round or digit, except for its last cycle."""
    short, long = (Topk(engine=engine, compactor=c).law for c in ("low_latency", "max_frequency"))

    assert long.round_cycles == short.round_cycles + more


def test_a_law_has_no_figures_of_its_own():
    for law in (StreamLaw, SoftmaxLaw, *LAWS.values()):
        with pytest.raises(TypeError, match="missing"):
            law()


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_has_the_law_of_its_kind(engine):
    law = Topk(engine=engine, lanes=4).law

    assert type(law) is LAWS[engine]
    assert law.lanes == 4


def test_a_machine_s_laws_follow_its_fields():
    arch = Arch(
        softmax={"exp_latency": 1, "accumulate_latency": 1},
        topk={"engine": "bitserial", "lanes": 4, "score_bits": 16, "count_stages": 5},
    )

    assert arch.softmax.law.exp_latency == 2
    assert (arch.topk.law.lanes, arch.topk.law.bits, arch.topk.law.step_cycles) == (4, 16, 6)
    assert arch.importance.law(arch.topk).lanes == arch.importance.lanes
