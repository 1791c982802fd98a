"""The local value pruner: kept probabilities for Prob x V, and requests for their values alone."""

import pytest
from bench.units import alone, differences, small, trials
from hypothesis import given, settings

from tokensieve.arch import Arch, load_arch
from tokensieve.arch.errors import ArchError
from tokensieve.arch.topklaw import TopkWork
from tokensieve.rtl.flow.amsim import run
from tokensieve.rtl.flow.case import case
from tokensieve.sim.analytic.batch import Sweep
from tokensieve.verify.units.local_value_pruner import LocalValuePrunerUnit
from tokensieve.verify.units.topk import TopkUnit
from tokensieve.workloads.fit import check_fit

UNIT = LocalValuePrunerUnit()
COUNT = 24
SMALL = small(engine="bitserial", queue_lines=2)
VECTORS = UNIT.vectors(SMALL, COUNT, 1, None)
STALL = 300


@pytest.mark.parametrize(
    ("engine", "max_tokens", "lanes", "score_bits"),
    [
        pytest.param(engine, *size, marks=[] if at == place else pytest.mark.long)
        for at, engine in enumerate(["quickselect", "radix", "bitserial", "bitonic"])
        for place, size in enumerate([(7, 1, 8), (13, 4, 8), (20, 4, 11), (16, 8, 9)])
    ],
)
def test_keeps_and_asks_for_what_golden_keeps_in_the_cycles_of_its_law(engine, max_tokens, lanes, score_bits):
    arch = small(engine=engine, max_tokens=max_tokens, lanes=lanes, score_bits=score_bits)

    assert differences(UNIT, arch, UNIT.vectors(arch, COUNT, 2, None), alone(COUNT)) == []


@pytest.mark.parametrize("queue_lines", [1, 2, 3, 5])
@settings(max_examples=8)
@given(trials=trials(COUNT, ["command", "probability"], ["request", "o"]))
def test_makes_the_transfers_of_its_twin_whatever_the_pauses(queue_lines, trials):
    arch = small(engine="bitserial", queue_lines=queue_lines)

    assert differences(UNIT, arch, VECTORS, trials) == []


def test_requests_go_on_while_the_probabilities_wait():
    record = _stalled("o")

    # Four beats fit in the queue and one on its output; the next one waits for the queue, but not with its request.
    assert [cycle < STALL for cycle in record.cycles_of("request")] == [True] * 6 + [False] * 2
    assert record.cycles_of("o")[0] == STALL
    assert record.complete


def test_probabilities_go_on_by_one_beat_while_the_requests_wait():
    record = _stalled("request")

    assert [cycle < STALL for cycle in record.cycles_of("o")] == [True] + [False] * 7
    assert record.complete


def _stalled(sink):
    """Return the record of two queries of four kept beats each, with one output stalled at first."""
    stimulus = UNIT.harness().stimulus(SMALL, VECTORS, [2, 2])
    paused = case(stimulus, stalls={sink: [True] * STALL}, limit=4 * STALL)
    return run(UNIT.harness().component(SMALL), [paused])[0]


def test_room_for_waiting_probabilities_follows_from_the_lines_of_the_softmax():
    assert small(lanes=4, queue_lines=3).kept_beats == 3 * 8 // 4
    assert small(lanes=16, max_tokens=16, queue_lines=1).kept_beats == 2


def test_law_is_the_engines_and_two_cycles_of_the_queue():
    law, work = SMALL.local_value_law, TopkWork(items=13, kept=5, sizes=())

    assert law.select(work) == SMALL.topk.law.select(work)
    assert law.requests(work) == SMALL.topk.law.cycles(work)
    assert law.cycles(work) == SMALL.topk.law.cycles(work) + 2


def test_probabilities_must_fit_scores_where_an_engine_selects_them_and_in_a_machine_that_runs():
    arch = load_arch("spatten", ["topk.score_bits=6"])  # a unit of other scores stands alone
    message = "topk.score_bits must be at least softmax.probability_bits = 12, got 6"
    assert TopkUnit().arch(arch, "radix").topk.score_bits == 6

    with pytest.raises(ArchError, match=message):
        UNIT.arch(arch, "")
    with pytest.raises(ArchError, match=message):
        check_fit(None, arch, "it")
    with pytest.raises(ArchError, match=message):
        Sweep(Arch(), {"topk.score_bits": [12, 6]})
