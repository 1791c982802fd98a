"""Quick-select: the core alone and in its engine, against golden's records and the law."""

import random

import pytest
import torch
from amaranth.hdl import unsigned
from amaranth.sim import Simulator
from bench.samples import diagonal
from bench.searches import Search, searches
from bench.selection_cases import command
from bench.units import alone, differences, small, trials
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch.datapath import Topk
from tokensieve.arch.topklaw import QuickselectLaw, TopkWork
from tokensieve.golden.records import command_seed, quickselect_search
from tokensieve.golden.topk import top_k
from tokensieve.rtl.search.banked_fifo import BankedFifo
from tokensieve.verify.units.topk import TopkUnit

UNIT = TopkUnit()
SMALL = Topk(engine="quickselect", lanes=4, max_tokens=21, score_bits=6)
COMPACTORS = ["low_latency", "balanced", "max_frequency"]


def found(topk, commands):
    """Return the searches of `commands`, triples of scores, k and running number."""
    return searches(topk, [(scores, k, int(command_seed(torch.tensor(number)))) for scores, k, number in commands])


def expected(topk, commands):
    """Return the searches by golden and by the law."""
    return [_expected(topk, *one) for one in commands]


def _expected(topk, scores, k, number):
    (sizes,), ((threshold, ties),) = quickselect_search(torch.tensor([scores]), k, torch.tensor([number]))
    return Search(threshold, ties, sizes, topk.law.search(TopkWork(items=len(scores), kept=k, sizes=sizes)))


numbers = st.integers(0, 200_000)


@settings(max_examples=15)
@given(commands=st.lists(st.tuples(command(SMALL, searched=True), numbers), min_size=1, max_size=6))
def test_core_searches_as_golden_does_in_the_cycles_of_its_law(commands):
    """Whatever was searched before: a command is loaded in the cycle after the last one is done."""
    commands = [(*one, number) for one, number in commands]

    assert found(SMALL, commands) == expected(SMALL, commands)


@pytest.mark.parametrize(
    ("lanes", "max_tokens", "compactor"),
    diagonal([(1, 17), (2, 33), (4, 2), (8, 50), (16, 35), (32, 34)], [(one,) for one in COMPACTORS]),
)
def test_core_of_any_size_searches_as_golden_does_in_the_cycles_of_its_law(lanes, max_tokens, compactor):
    rng = random.Random(lanes + max_tokens)
    bits = rng.choice([4, 5, 12, 31, 32])
    topk = Topk(engine="quickselect", lanes=lanes, max_tokens=max_tokens, score_bits=bits, compactor=compactor)
    commands = [_random(rng, max_tokens if turn < 4 else rng.randint(2, max_tokens), bits) for turn in range(5)]

    assert found(topk, commands) == expected(topk, commands)


def _random(rng, n, bits):
    top = rng.choice([1, 3, (1 << bits) - 1])
    return [rng.randint(0, top) for _ in range(n)], rng.randint(1, n - 1), rng.randrange(1 << 20)


@given(one=command(SMALL, searched=True), number=numbers)
def test_what_golden_reports_keeps_what_golden_keeps(one, number):
    scores, k = torch.tensor(one[0]), one[1]
    _, ((threshold, ties),) = quickselect_search(scores[None], k, torch.tensor([number]))
    equal = torch.nonzero(scores == threshold).flatten()[:ties]
    kept = torch.cat([torch.nonzero(scores > threshold).flatten(), equal]).sort().values

    assert kept.tolist() == top_k(scores[None], k).kept[0].tolist()
    assert len(equal) == ties


def test_packets_that_are_not_to_be_searched_are_forgotten():
    commands = [([5, 6, 7, 8, 9], 5, 0), ([3, 1, 2, 5, 4, 7], 2, 1)]

    assert found(SMALL, commands) == expected(SMALL, commands[1:])


# The engine, with pauses.

ENGINE = small(engine="quickselect")
COUNT = 24
VECTORS = UNIT.vectors(ENGINE, COUNT, 4, None)


@pytest.mark.parametrize(
    ("max_tokens", "lanes", "compactor"), diagonal([(7, 1), (13, 4)], [(one,) for one in COMPACTORS])
)
def test_engine_keeps_what_golden_keeps_in_the_cycles_of_its_law(max_tokens, lanes, compactor):
    arch = small(engine="quickselect", max_tokens=max_tokens, lanes=lanes, compactor=compactor)

    assert differences(UNIT, arch, UNIT.vectors(arch, COUNT, 2, None), alone(COUNT)) == []


@settings(max_examples=6)
@given(trials=trials(COUNT, ["command", "score"], ["o"]))
def test_engine_makes_the_transfers_of_its_twin_whatever_the_pauses(trials):
    assert differences(UNIT, ENGINE, VECTORS, trials) == []


# The law.


@pytest.mark.parametrize(("compactor", "registers"), [("low_latency", 6), ("balanced", 7), ("max_frequency", 11)])
def test_a_round_takes_the_registers_of_its_way_beyond_its_beats(compactor, registers):
    law = Topk(engine="quickselect", lanes=16, compactor=compactor).law
    one = law.search(TopkWork(items=1024, kept=512, sizes=(1024,)))
    two = law.search(TopkWork(items=1024, kept=512, sizes=(1024, 33)))

    assert isinstance(law, QuickselectLaw)
    assert (one, two - one) == (1 + 64 + registers, 3 + registers)


@pytest.mark.parametrize(
    ("n", "k", "published", "rounds"), [(1024, 512, 258, 12.7), (993, 204, 230, 12.1), (512, 64, 123, 10.5)]
)
def test_selections_take_the_cycles_of_the_published_model_and_our_overhead(n, k, published, rounds):
    """Latency model of the authors' generator: ceil(m / 16) + 3 a round, without the load (mean of 2,000 packets)."""
    topk = Topk(engine="quickselect", lanes=16, max_tokens=1024, score_bits=32)
    rng = torch.Generator().manual_seed(n)
    scores = torch.randint(0, 1 << 32, (400, n), generator=rng)
    law = topk.law
    records = quickselect_search(scores, k, torch.arange(400)).sizes
    cycles = [law.select(TopkWork(items=n, kept=k, sizes=sizes)) for sizes in records]
    model = published + -(-n // 16) + rounds * (topk.quickselect_round_cycles - 3)

    assert sum(cycles) / len(cycles) == pytest.approx(model, rel=0.1)


# The memory.


@given(
    lanes=st.sampled_from([1, 2, 4, 8]), counts=st.lists(st.integers(0, 8), min_size=1, max_size=8), again=st.booleans()
)
def test_banked_fifo_gives_back_in_full_beats_what_came_in_parts(lanes, counts, again):
    counts = [min(count, lanes) for count in counts]
    packets = [list(range(1, sum(counts) + 1))] + [list(range(101, sum(counts) + 101))] * again
    fifo = BankedFifo(lanes, unsigned(8), len(counts))

    async def bench(ctx):
        for items in packets:
            await _write(ctx, fifo, lanes, counts, items)
            beats = -(-len(items) // lanes)
            read = [word for beat in range(beats) for word in await _read(ctx, fifo, beat)]

            assert read[: len(items)] == items

    simulator = Simulator(fifo)
    simulator.add_clock(1e-9)
    simulator.add_testbench(bench)
    simulator.run()


async def _write(ctx, fifo, lanes, counts, items):
    """Write `items` in beats of `counts`, each behind the one before it, around the end of the beat."""
    done = 0
    for turn, count in enumerate(counts):
        words, mask = [0] * lanes, 0
        for place in range(done, done + count):
            words[place % lanes], mask = items[place], mask | 1 << place % lanes
        beat = {"items": words, "mask": mask, "offset": done % lanes, "count": count, "last": turn == len(counts) - 1}
        ctx.set(fifo.i.payload, {**beat, "completes": 0})
        ctx.set(fifo.i.valid, 1)
        await ctx.tick()
        done += count
    ctx.set(fifo.i.valid, 0)


async def _read(ctx, fifo, beat):
    ctx.set(fifo.row, beat)
    await ctx.tick()
    return list(ctx.get(fifo.o))
