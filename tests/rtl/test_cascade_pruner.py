"""The cascade pruner, driven layer after layer: golden's cascade decides what must be left."""

import numpy as np
import pytest
from bench.units import alone, differences, small, trials
from hypothesis import given, settings

from tokensieve.arch.prunerlaw import CascadeStep
from tokensieve.arch.topklaw import TopkWork
from tokensieve.rtl.flow.amsim import run
from tokensieve.rtl.flow.case import case
from tokensieve.verify.units.base import with_fields
from tokensieve.verify.units.cascade_pruner import CascadePrunerUnit

UNIT = CascadePrunerUnit()
COUNT = 15
SOURCES, SINKS = ["command", "probability", "output", "fetch", "data"], ["o", "request", "row"]


def machine(adds=8, max_heads=8, stages=2, **topk):
    arch = small(**{"engine": "bitserial", **topk})
    arch = with_fields(arch, "importance", lanes=adds, max_heads=max_heads, stages=stages)
    return with_fields(arch, "gather", outstanding=16, max_row_bytes=40)


SMALL = machine()
VECTORS = UNIT.vectors(SMALL, COUNT, 1, None)


@pytest.mark.parametrize(
    "engine", ["radix", *(pytest.param(e, marks=pytest.mark.long) for e in ("quickselect", "bitonic"))]
)
def test_keeps_what_golden_keeps_in_the_cycles_of_its_law_with_every_engine(engine):
    arch = machine(engine=engine)

    assert differences(UNIT, arch, UNIT.vectors(arch, COUNT, 2, None), alone(COUNT)) == []


@pytest.mark.parametrize(
    ("fields", "adds"),
    [
        ({"max_tokens": 8, "lanes": 1}, 1),
        ({"max_tokens": 20, "lanes": 2}, 8),
        pytest.param({"max_tokens": 21, "lanes": 8, "compactor": "max_frequency"}, 4, marks=pytest.mark.long),
        pytest.param({"max_tokens": 32, "lanes": 4}, 2, marks=pytest.mark.long),
    ],
)
def test_keeps_what_golden_keeps_in_the_cycles_of_its_law_at_other_widths(fields, adds):
    arch = machine(adds=adds, stages=3, **fields)

    assert differences(UNIT, arch, UNIT.vectors(arch, COUNT, 3, None), alone(COUNT)) == []


@settings(max_examples=5)
@given(trials=trials(COUNT, SOURCES, SINKS, together=3))
def test_makes_the_transfers_of_its_twin_whatever_the_pauses(trials):
    assert differences(UNIT, SMALL, VECTORS, trials) == []


def test_tokens_and_heads_add_at_the_same_time():
    vectors = UNIT.vectors(SMALL, 1, 1, None)
    record = run(UNIT.harness().component(SMALL), [case(UNIT.harness().stimulus(SMALL, vectors, [0]), limit=400)])[0]

    # Commands: two CLEARs, an ADD of two lines of probabilities and one of outputs, which does not wait for it.
    assert record.cycles_of("probability") == [4, 5]
    assert record.cycles_of("output") == [5]


def test_numbers_wait_for_the_output_and_the_next_layer_for_the_numbers():
    vectors = UNIT.vectors(SMALL, 6, 1, None)
    stimulus = UNIT.harness().stimulus(SMALL, vectors, [5])  # two layers
    record = run(UNIT.harness().component(SMALL), [case(stimulus, stalls={"o": [True] * 200}, limit=600)])[0]

    assert record.cycles_of("o")[0] == 200
    assert sum(cycle < 200 for cycle in record.cycles_of("command")) == 5  # up to the first PRUNE
    assert record.complete


def test_law_is_the_sum_of_its_parts():
    law = SMALL.cascade_law
    step = CascadeStep(op="prune", heads=False, search=TopkWork(items=13, kept=6, sizes=()), last=12)

    assert (
        law.prune(step)
        == 2 + SMALL.topk.law.cycles(step.search) + (2 + 3) + SMALL.importance.law(SMALL.topk).keep_stages
    )


# The vectors themselves.


def test_vectors_shrink_layer_after_layer_and_never_bring_a_number_back():
    for index in range(COUNT):
        ops, heads = VECTORS.item("work", "op", index), VECTORS.item("work", "heads", index)
        ids = iter(
            np.split(VECTORS.item("expected", "ids", index), np.cumsum(VECTORS.item("expected", "kept", index))[:-1])
        )
        left = {0: None, 1: None}
        grown = 0
        for op, kind in zip(ops.tolist(), heads.tolist(), strict=True):
            grown += op == 1
            if op == 3:
                kept = next(ids).tolist()
                new = [] if left[kind] is None else [one for one in kept if one not in left[kind]]
                assert len(new) <= (grown if not kind else 0)
                left[kind], grown = kept, 0 if not kind else grown
