"""The decision of progressive quantization: largest probability of a row, and the comparison with the threshold."""

from fractions import Fraction

import pytest
import torch
from bench.units import alone, differences, small, trials
from hypothesis import given, settings

from tokensieve.arch import Arch
from tokensieve.arch.timing import StreamWork
from tokensieve.golden.attention import threshold_integer
from tokensieve.rtl.flow.amsim import run
from tokensieve.rtl.flow.case import case
from tokensieve.verify.units.base import with_fields
from tokensieve.verify.units.requant_decision import RequantDecisionUnit

UNIT = RequantDecisionUnit()
COUNT = 24


def machine(lanes=4, stages=2):
    """Return a small machine."""
    arch = with_fields(small(max_tokens=13), "softmax", lanes=lanes, probability_bits=8, fifo_lines=16)
    return with_fields(arch, "requant", tree_stages=stages)


SMALL = machine()
VECTORS = UNIT.vectors(SMALL, COUNT, 1, None)


@pytest.mark.parametrize(("lanes", "stages"), [(1, 0), (1, 2), (2, 1), (4, 0), (4, 5), (8, 2), (8, 3)])
def test_decides_as_golden_in_the_cycles_of_its_law(lanes, stages):
    arch = machine(lanes, stages)

    assert differences(UNIT, arch, UNIT.vectors(arch, COUNT, 2, None), alone(COUNT)) == []


@pytest.mark.parametrize("stages", [0, 2])
@settings(max_examples=12)
@given(trials=trials(COUNT, ["command", "probability"], ["o"]))
def test_makes_the_transfers_of_its_twin_whatever_the_pauses(stages, trials):
    assert differences(UNIT, machine(stages=stages), VECTORS, trials) == []


@pytest.mark.parametrize("stages", [0, 1, 4])
def test_verdict_comes_after_the_tree_and_one_register_as_the_simulator_charges_it(stages):
    arch = machine(stages=stages)
    record = run(UNIT.harness().component(arch), [case(UNIT.harness().stimulus(arch, VECTORS, [4]), limit=99)])[0]
    beats = -(-int(VECTORS.item("inputs", "length", 4)[0]) // 4)

    assert record.cycles_of("o")[0] - record.cycles_of("probability")[beats - 1] == stages + 1
    assert arch.requant.law(arch.softmax).cycles(StreamWork(items=4 * beats)) == beats + stages + 1


def test_takes_beats_that_decide_nothing_while_its_output_is_stalled():
    """A decision waits on the output; of the next row, only the last of four beats is not taken."""
    arch = machine(stages=0)
    stimulus = UNIT.harness().stimulus(arch, VECTORS, [4])  # rows of 4 beats
    record = run(UNIT.harness().component(arch), [case(stimulus, stalls={"o": [True] * 40}, limit=200)])[0]

    assert [cycle for cycle in record.cycles_of("probability") if cycle < 40] == [1, 2, 3, 4, 5, 6, 7]


def test_threshold_of_the_vectors_is_the_attention_s():
    """A threshold of 1 is 2^bits: below it is every probability, so its width is one bit more."""
    bits = Arch().softmax.probability_bits
    largest = torch.tensor([409, 410])

    assert threshold_integer(Fraction(1), bits) == 1 << bits
    assert (largest < threshold_integer(Fraction("0.1"), bits)).tolist() == [True, False]
