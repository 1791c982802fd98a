"""What is bit-serial selection's own: the population count, and a bound on the whole selection."""

import random

import pytest
from amaranth.sim import Simulator
from bench.selections import back_to_back, expected

from tokensieve.arch.datapath import Topk
from tokensieve.arch.topklaw import TopkWork
from tokensieve.rtl.flow.mutants.base import Mutant
from tokensieve.rtl.search.population import PopulationCount


@pytest.mark.parametrize("stages", range(1, 11))
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 10, 48, 257])
def test_a_population_count_takes_a_word_a_cycle_and_its_registers(bits, stages):
    rng = random.Random(bits * stages)
    words = [0, (1 << bits) - 1, *(rng.getrandbits(bits) for _ in range(20))]
    less = [0, bits, *(rng.randint(0, bits) for _ in range(20))]
    unit = PopulationCount(bits, bits.bit_length(), stages)
    seen = []

    async def bench(ctx):
        for cycle in range(len(words) + stages):
            ctx.set(unit.i, [*words, *[0] * stages][cycle])
            ctx.set(unit.less, [*[0] * (stages - 1), *less, 0][cycle])
            seen.append(ctx.get(unit.o))
            await ctx.tick()

    simulator = Simulator(unit)
    simulator.add_clock(1e-9)
    simulator.add_testbench(bench)
    simulator.run()

    assert seen[stages:] == [word.bit_count() - off for word, off in zip(words, less, strict=True)]


@pytest.mark.parametrize("compactor", ["low_latency", "max_frequency"])
@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16, 32, 64])
@pytest.mark.parametrize("stages", [1, 3, 10])
def test_a_selection_takes_two_passes_over_the_packet_and_the_bits(lanes, stages, compactor):
    topk = Topk(
        engine="bitserial", lanes=lanes, max_tokens=1024, score_bits=16, count_stages=stages, compactor=compactor
    )
    beats = -(-1024 // lanes)

    assert topk.law.cycles(TopkWork(items=1024, kept=512, sizes=())) <= 2 * beats + 16 * (1 + stages) + 24


LONG_AND_SHORT = [([7, 3, 9, 9, 9, 9, 1, 2] * 5, 3), ([1, 2, 3, 4, 5], 2), ([9] * 8, 0), ([1, 2, 3], 1)]
FORGETS = "ends | (self.load & self.last & ~self.search)"


@pytest.mark.parametrize(
    ("instead", "why"),
    [
        (FORGETS, ""),
        ("self.load & self.last & ~self.search", "scores of a command that is done count in the next one"),
        ("ends", "scores of a command that keeps none count in the next one"),
    ],
)
def test_a_command_leaves_nothing_to_a_short_one_behind_it(instead, why):
    topk = Topk(engine="bitserial", lanes=4, max_tokens=40, score_bits=5, count_stages=2)
    fault = Mutant(name="x", module="tokensieve.rtl.search.bitserial", old=FORGETS, new=instead, why=why)

    with fault.planted():
        seen = back_to_back(topk, LONG_AND_SHORT)

    assert (seen == expected(topk, LONG_AND_SHORT, total=False)) == (not why)
