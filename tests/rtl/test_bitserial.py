"""What is bit-serial selection's own: the population count, and a bound on the whole selection."""

import random

import pytest
from amaranth.sim import Simulator

from tokensieve.arch.datapath import Topk
from tokensieve.arch.topklaw import TopkWork
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
