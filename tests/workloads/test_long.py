"""Long texts: limits, local searches of which a sample is drawn, tallies of scores, lists of values that are shared."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import ArchError, WorkloadError, load_arch
from tokensieve.arch.datapath import Topk
from tokensieve.arch.limits import MAX_TOKENS
from tokensieve.sim.work import row_work
from tokensieve.validate.levels import beginning
from tokensieve.validate.longtexts import decode, prefill
from tokensieve.workloads import complete as completion
from tokensieve.workloads.columns import BERT, GPT2
from tokensieve.workloads.complete import complete
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.distributions import MOST_ORDERED, draw, tallies
from tokensieve.workloads.generators import generators
from tokensieve.workloads.records import RECORDERS
from tokensieve.workloads.sampling import SAMPLE_RULE, sampled, sources
from tokensieve.workloads.tallies import RECORDERS as TALLY_RECORDERS
from tokensieve.workloads.tallies import Tallies
from tokensieve.workloads.wholevalues import with_whole_values
from tokensieve.workloads.workload import workload_from

TOPK = Topk(max_tokens=MAX_TOKENS)


def counts(data):
    return workload_from(data, source="test").counts()


@pytest.fixture
def shared(monkeypatch):
    """Decisions of a small decode with values in lists that heads share, and the same with a list for each query."""
    data = decode(64, layers=4, heads=3, steps=2)
    own = complete(counts(data), TOPK, 0)
    monkeypatch.setattr(completion, "_MOST_IDS", 0)
    return complete(counts(data), TOPK, 0), own


def test_a_million_tokens_are_taken_everywhere():
    assert MAX_TOKENS == 1 << 20
    assert load_arch("spatten", ["topk.max_tokens=1048576", "softmax.fifo_lines=131072"]).topk.beats == 65536
    assert workload_from(prefill(MAX_TOKENS, 1)).contexts == [MAX_TOKENS]
    assert workload_from(decode(MAX_TOKENS, 1, 1, 1)).contexts == [MAX_TOKENS]
    for columns in (GPT2, BERT):
        assert columns["sentence_length_L"].parse("1048576") == MAX_TOKENS


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: workload_from(prefill(MAX_TOKENS + 1, 1)), r"context must be in 1\.\.1048576, got 1048577"),
        (lambda: workload_from(decode(8, 1, 1, 1) | {"steps": MAX_TOKENS + 1}), r"steps must be in 1\.\.1048576"),
        (lambda: load_arch("spatten", ["topk.max_tokens=1048577"]), r"topk\.max_tokens must be in 2\.\.1048576"),
    ],
)
def test_more_tokens_are_refused(call, told):
    with pytest.raises((WorkloadError, ArchError), match=told):
        call()


def test_up_to_1024_queries_of_a_layer_all_searches_are_drawn():
    """Their records are what they were before there was a sample."""
    data = counts(prefill(512, 2))
    some, every = complete(data, TOPK, 0), complete(data, TOPK, 0, every=True)

    assert some.digest == every.digest
    assert sampled(some) is None


def test_of_more_queries_1024_are_drawn_as_all_of_them_would_be():
    data = counts(prefill(700, 2))
    some, every = complete(data, TOPK, 0), complete(data, TOPK, 0, every=True)
    source = sources(some)
    drawn = np.unique(source)

    assert len(drawn) == 1024
    assert np.diff(drawn).max() == 2  # 1,400 queries: evenly spaced
    assert sampled(some) == "1,024 of 1,400 queries a layer"
    assert SAMPLE_RULE in some.meta["assumed"]
    assert SAMPLE_RULE not in every.meta["assumed"]
    for kind in ("quick", "radix"):
        lists, full = some.records[kind].local, every.records[kind].local
        assert all(lists[i].tolist() == full[int(source[i])].tolist() for i in range(1400))
    assert sources(every).tolist() == list(range(1400))


@given(st.data())
def test_records_of_a_tally_are_those_of_its_scores(data):
    values = data.draw(st.lists(st.integers(0, 255), min_size=2, max_size=9))
    times = data.draw(
        st.lists(st.integers(0, 5), min_size=len(values), max_size=len(values)).filter(lambda n: sum(n) > 1)
    )
    tally = Tallies(np.array([values]), np.array([times]))
    kept, number = data.draw(st.integers(1, sum(times) - 1)), data.draw(st.integers(0, 70_000))
    topk = Topk(score_bits=8, first_digit=data.draw(st.sampled_from(["linear", "log"])))

    for kind, recorder in TALLY_RECORDERS.items():
        wanted = RECORDERS[kind](tally.written_out(), kept, number, topk)
        assert recorder(tally, kept, np.array([number]), topk)[0].tolist() == wanted[0].tolist()


@pytest.mark.parametrize("kind", list(TALLY_RECORDERS))
def test_packets_of_different_length_that_are_tallied_together_have_the_records_that_each_has_alone(kind):
    entropy, n, k = [[1, 2, row] for row in range(3)], [70_000, 80_000, 131_072], np.array([35_000, 10, 131_071])
    record = TALLY_RECORDERS[kind]
    together = record(tallies("minilm-resampled", np.array(n), 12, generators(entropy)), k, np.arange(3), Topk())

    for i in range(3):
        alone = record(tallies("minilm-resampled", n[i], 12, generators(entropy[i : i + 1])), int(k[i]), [i], Topk())
        assert together[i].tolist() == alone[0].tolist()


@pytest.mark.parametrize("name", ["minilm-resampled", "importance-resampled"])
def test_more_scores_than_are_ordered_are_tallied_and_keep_their_distribution(name):
    entropy, n = [[1, 2, row] for row in range(40)], MOST_ORDERED + 1
    tallied = draw(name, n, 12, generators(entropy))

    assert tallied.shape == (40, n)
    assert (tallies(name, n, 12, generators(entropy)).written_out() == tallied).all()
    fewer = draw(name, MOST_ORDERED, 12, generators(entropy))
    assert tallied.mean() == pytest.approx(fewer.mean(), rel=0.02)


def test_a_run_of_more_tokens_takes_the_records_of_its_scores():
    d = complete(counts(decode(MOST_ORDERED + 8, 1, 2, 1)), TOPK, 5)
    scores = draw("minilm-resampled", int(d.keys_kept[1]), 12, generators([[5, 0, 0, 1, 0]]))

    for kind in ("quick", "radix"):
        wanted = RECORDERS[kind](scores, int(d.values_kept[1]), 1, TOPK)
        assert d.records[kind].local[1].tolist() == wanted[0].tolist()


def test_heads_that_share_a_list_of_values_ask_for_the_same_ones(shared):
    one, other = (row_work(load_arch("spatten"), d) for d in shared)

    assert shared[0].validate().value_list.max() == 7  # 2 steps of 4 layers: one list each
    assert len(shared[0].value_ids) * 3 == len(shared[1].value_ids)
    for row, kept in enumerate(other.values.tolist()):
        ids = [work.ids[work.value_ids[row] :][:kept].tolist() for work in (one, other)]
        assert ids[0] == ids[1]


def test_shared_lists_are_stored_and_read_again(shared, tmp_path):
    shared[0].save(tmp_path / "shared.npz")

    assert Decisions.load(tmp_path / "shared.npz").digest == shared[0].digest


def test_shared_lists_are_kept_by_what_changes_decisions(shared):
    first, whole = beginning(shared[0], 1), with_whole_values(shared[0])

    assert first.validate().value_list.tolist() == shared[0].value_list[:12].tolist()
    assert (whole.values_kept == whole.keys_kept).all()
    assert len(whole.value_ids) == len(whole.token_ids)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lists: lists + 1, "value_list.* must be one of the lists of value_ptr"),
        (lambda lists: lists[::-1], "value_list.* must"),
        (lambda lists: np.zeros_like(lists), "value_list must use every list of value_ptr"),
        (lambda lists: lists[1:], r"value_list must have shape \(24,\), got \(23,\)"),
        (lambda lists: lists.astype(np.int64), "value_list must be int32 with 1 dimension, got int64"),
    ],
)
def test_lists_that_are_shared_wrongly_are_refused(shared, change, told):
    with pytest.raises(WorkloadError, match=told):
        replace(shared[0], value_list=change(shared[0].value_list)).validate()
