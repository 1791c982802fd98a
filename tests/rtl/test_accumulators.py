"""Importance of tokens and heads: sums that saturate, are ranked and pruned, in the cycles of law and twin."""

import numpy as np
import pytest
from bench.units import alone, differences, small, trials
from hypothesis import given, settings

from tokensieve.arch import Arch
from tokensieve.arch.accumulators import SumsStep
from tokensieve.golden.cascade import Cascade
from tokensieve.golden.vectors.accumulators import HeadSums, Step, TokenSums
from tokensieve.rtl.flow.amsim import run
from tokensieve.rtl.flow.case import case
from tokensieve.verify.units.accumulators import HeadAccumulatorUnit, ImportanceAccumulatorUnit
from tokensieve.verify.units.base import with_fields

TOKENS, HEADS = ImportanceAccumulatorUnit(), HeadAccumulatorUnit()
COUNT = 24


def machine(topk=None, **importance):
    """Return a small machine, whose sums are soon full."""
    fields = {"lanes": 2, "token_bits": 11, "head_bits": 18, "max_heads": 5, **importance}
    return with_fields(small(**(topk or {})), "importance", **fields)


SMALL = machine()
VECTORS = {unit.name: unit.vectors(SMALL, COUNT, 1, None) for unit in (TOKENS, HEADS)}


@pytest.mark.parametrize("unit", [TOKENS, HEADS], ids=lambda unit: unit.name)
@pytest.mark.parametrize(
    ("lanes", "stages", "topk"),
    [
        (2, 2, {}),
        (8, 1, {"lanes": 2, "compactor": "max_frequency"}),  # a line is wider than a beat of scores
        (4, 5, {"lanes": 4, "score_bits": 12}),  # scores as wide as the sums, or wider
        (1, 3, {"lanes": 1, "max_tokens": 5}),
        (1, 2, {"lanes": 8, "max_tokens": 20}),
    ],
)
def test_sums_are_golden_s_in_the_cycles_of_the_law(unit, lanes, stages, topk):
    arch = machine(topk, lanes=lanes, stages=stages)

    assert differences(unit, arch, unit.vectors(arch, COUNT, 2, None), alone(COUNT)) == []


@settings(max_examples=8)
@given(trials=trials(COUNT, ["command", "probability", "keep"], ["o"]))
def test_tokens_make_the_transfers_of_their_twin_whatever_the_pauses(trials):
    assert differences(TOKENS, SMALL, VECTORS[TOKENS.name], trials) == []


@settings(max_examples=8)
@given(trials=trials(COUNT, ["command", "output", "keep"], ["o"]))
def test_heads_make_the_transfers_of_their_twin_whatever_the_pauses(trials):
    assert differences(HEADS, SMALL, VECTORS[HEADS.name], trials) == []


@pytest.mark.parametrize("stages", [1, 2, 4])
def test_beats_of_the_same_sums_follow_one_another_without_a_gap(stages):
    arch = machine(stages=stages)
    harness, vectors = TOKENS.harness(), TOKENS.vectors(arch, 3, 1, None)  # vector 2: one line, seven queries
    record = run(harness.component(arch), [case(harness.stimulus(arch, vectors, [2]), limit=99)])[0]
    came = record.cycles_of("probability")

    assert np.diff(came).tolist() == [1] * (len(came) - 1)
    assert record.cycles_of("o")[0] - came[-1] == arch.importance.law(arch.topk).latency == stages + 3


def test_beats_are_taken_while_scores_wait_for_their_way_out():
    """Of four beats of scores, one waits on the output and one in the memory's register until the READ can go on."""
    harness = TOKENS.harness()
    stimulus = harness.stimulus(SMALL, VECTORS[TOKENS.name], [0, 1])
    record = run(harness.component(SMALL), [case(stimulus, stalls={"o": [True] * 60}, limit=300)])[0]

    # Vector 0 is CLEAR, ADD, READ; the command after the READ stands in the register before, and that after it waits.
    assert sum(cycle < 60 for cycle in record.cycles_of("command")) == 3
    assert record.cycles_of("o") == [60, 61, 62, 63, record.cycles_of("o")[-1]]


def test_sums_are_those_of_the_cascade():
    """The scripts' golden sums, one query at a time, against the golden cascade, one head at a time."""
    arch = machine()
    cascade, rng = Cascade(arch, heads=2, context=6), np.random.default_rng(1)
    tokens, heads = TokenSums(arch.importance.token_bits, 8, 6), HeadSums(arch.importance.head_bits, 8, 2)
    tokens.obey(Step("clear", 6))
    heads.obey(Step("clear", 2))
    for head in range(2):
        result = _Head(rng.integers(0, 256, (9, 6)), rng.integers(-2048, 2048, (9, 4)))
        cascade.add(head, result)
        tokens.obey(Step("add", 9, result.probabilities.numpy()))
        heads.obey(Step("add", head, result.output.numpy()))

    assert tokens.sums.tolist() == cascade.token_sum.tolist()
    assert heads.sums.tolist() == cascade.head_sum.tolist()
    assert tokens.obey(Step("read")).tolist() == cascade.scores(cascade.token_sum).tolist()
    assert tokens.sums.max() == 2047  # saturated


class _Head:
    """Of a golden head's result, what is added up."""

    def __init__(self, probabilities, output):
        import torch

        self.probabilities, self.output = torch.from_numpy(probabilities), torch.from_numpy(output)


def test_law_follows_the_registers_of_the_machine():
    laws = [
        Arch(importance={"stages": stages}, topk={"compactor": compactor}).importance.law(Arch().topk)
        for stages, compactor in ((2, "low_latency"), (5, "low_latency"))
    ]

    assert [law.latency for law in laws] == [5, 8]
    assert Arch().importance.law(Arch(topk={"compactor": "max_frequency"}).topk).keep_stages == 1 + 8 + 2


def test_keeping_takes_a_cycle_for_each_beat_of_ids_and_each_beat_of_sums():
    """40 of 64 tokens, the last of them number 63, on 16 lanes: 3 beats of ids, and 3 beats of sums after the first."""
    law = Arch().importance.law(Arch().topk)
    script = [SumsStep(op="clear"), SumsStep(op="read", items=1)]
    keep = SumsStep(op="keep", kept=40, last=63)

    assert law.script([script[0], keep, script[1]]) - law.script(script) == 3 + 3 + law.keep_stages
