"""What is bit-serial selection's own: the population count, and a bound on the whole selection."""

import random

import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from tokensieve.arch.datapath import Topk
from tokensieve.arch.topklaw import TopkWork
from tokensieve.rtl.search.bitserial import PopulationCount, registers


@pytest.mark.parametrize("stages", range(10))
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 10, 48])
def test_a_population_count_takes_a_word_a_cycle_and_its_registers(bits, stages):
    words = [0, (1 << bits) - 1, *(random.Random(bits * stages).getrandbits(bits) for _ in range(20))]
    unit = PopulationCount(bits, bits.bit_length(), registers(bits, stages + 1))
    seen = []

    async def bench(ctx):
        for word in words + [0] * stages:
            ctx.set(unit.i, word)
            seen.append(ctx.get(unit.o))
            await ctx.tick()

    m = Module()
    m.submodules.unit = unit
    m.d.sync += Signal().eq(0)  # without registers the unit has no clock
    simulator = Simulator(m)
    simulator.add_clock(1e-9)
    simulator.add_testbench(bench)
    simulator.run()

    assert seen[stages:] == [word.bit_count() for word in words]


@pytest.mark.parametrize("compactor", ["low_latency", "max_frequency"])
@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16, 32, 64])
@pytest.mark.parametrize("stages", [1, 3, 10])
def test_a_selection_takes_two_passes_over_the_packet_and_the_bits(lanes, stages, compactor):
    topk = Topk(
        engine="bitserial", lanes=lanes, max_tokens=1024, score_bits=16, count_stages=stages, compactor=compactor
    )
    beats = -(-1024 // lanes)

    assert topk.law.cycles(TopkWork(items=1024, kept=512, sizes=())) <= 2 * beats + 16 * (1 + stages) + 24
