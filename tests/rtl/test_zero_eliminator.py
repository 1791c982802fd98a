"""The zero eliminator: marked items out, in order, in full beats."""

import pytest
from bench.units import alone, differences, small, trials
from hypothesis import given, settings

from tokensieve.rtl.flow.amsim import run
from tokensieve.rtl.flow.case import case
from tokensieve.verify.units.zero_eliminator import ZeroEliminatorUnit

UNIT = ZeroEliminatorUnit()
COUNT = 24
SMALL = small()
VECTORS = UNIT.vectors(SMALL, COUNT, 1, None)


@pytest.mark.parametrize("compactor", ["low_latency", "balanced", "max_frequency"])
@pytest.mark.parametrize(("max_tokens", "lanes"), [(3, 1), (9, 2), (13, 4), (24, 8)])
def test_packs_what_is_marked_in_the_cycles_of_its_law(max_tokens, lanes, compactor):
    arch = small(max_tokens=max_tokens, lanes=lanes, compactor=compactor)

    assert differences(UNIT, arch, UNIT.vectors(arch, COUNT, 2, None), alone(COUNT)) == []


@pytest.mark.parametrize("compactor", ["low_latency", "max_frequency"])
@settings(max_examples=12)
@given(trials=trials(COUNT, ["i"], ["o"], together=9))
def test_makes_the_transfers_of_its_twin_whatever_the_pauses(compactor, trials):
    arch = small(compactor=compactor)

    assert differences(UNIT, arch, VECTORS, trials) == []


def test_takes_beats_while_its_output_is_stalled_until_its_registers_are_full():
    """Two stages, the beat in the making and the beat on the output: four beats of four go in, and no fifth."""
    stimulus = UNIT.harness().stimulus(SMALL, VECTORS, [0, 0])  # all marked: 4 beats, of which the last has one item
    record = run(UNIT.harness().component(SMALL), [case(stimulus, stalls={"o": [True] * 40}, limit=200)])[0]

    assert [cycle for cycle in record.cycles_of("i") if cycle < 40] == [0, 1, 2, 3]


def test_packet_with_nothing_marked_is_one_empty_beat():
    record = run(UNIT.harness().component(SMALL), [case(UNIT.harness().stimulus(SMALL, VECTORS, [1]), limit=99)])[0]

    assert len(record.transfers["o"]) == 1
    assert UNIT.harness().observed(SMALL, VECTORS, [1], record)[0]["index"].tolist() == []
