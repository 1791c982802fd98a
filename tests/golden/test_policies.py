"""A3 and MNNFast select what their descriptions say, whatever the scores."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import load_arch
from tokensieve.arch.errors import WorkloadError
from tokensieve.golden.attention import scaled_scores
from tokensieve.golden.capture.pairs import counted, main, pairs
from tokensieve.golden.policies import a3, mnnfast
from tokensieve.golden.quantize import quantize
from tokensieve.golden.softmax import softmax
from tokensieve.workloads.pairs import COUNTS

SPATTEN = load_arch("spatten")
EXACT = load_arch("spatten", ["softmax.probability_bits=24", "topk.score_bits=24", "softmax.exp_frac_bits=30"])


def a_head(queries, keys, dim, seed, sharp=1.5):
    lot = torch.Generator().manual_seed(seed)

    def draw(rows):
        return torch.randn(rows, dim, generator=lot, dtype=torch.float64)

    return quantize(sharp * draw(queries), SPATTEN.number), quantize(draw(keys), SPATTEN.number)


def greedy_by_sorting(q, k, steps):
    """Return greedy scores out of one sorted list of all products: what popping the best head of all columns gives.

    Equal products are handed out by column; within a column those of equal keys by row.
    """
    scores = []
    for row in q.tolist():
        collected = [0] * len(k)
        for sign in (1, -1):
            products = [(-sign * a * key[c], c, -sign * (1 if a >= 0 else -1) * key[c], r)
                        for c, a in enumerate(row) for r, key in enumerate(k.tolist())]  # fmt: skip
            for worst, _, _, r in sorted(products)[:steps]:
                collected[r] += -sign * worst
        scores.append(collected)
    return scores


small = st.integers(-5, 5)


@given(st.data())
def test_the_greedy_search_takes_the_largest_and_the_smallest_products_of_all(data):
    keys, dim = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 4))
    q = torch.tensor(data.draw(st.lists(st.lists(small, min_size=dim, max_size=dim), min_size=1, max_size=3)))
    k = torch.tensor(data.draw(st.lists(st.lists(small, min_size=dim, max_size=dim), min_size=keys, max_size=keys)))
    steps = data.draw(st.integers(1, keys * dim))

    assert a3.greedy_scores(q, k, steps).tolist() == greedy_by_sorting(q, k, steps)


def test_with_all_steps_each_product_is_counted_in_both_queues():
    q, k = a_head(4, 6, 8, seed=1)

    assert torch.equal(a3.greedy_scores(q.values, k.values, 48), 2 * (q.values @ k.values.T))


@pytest.mark.parametrize("knobs", [a3.CONSERVATIVE, a3.AGGRESSIVE])
def test_used_keys_are_candidates_with_a_positive_greedy_score_near_the_best_of_them(knobs):
    q, k = a_head(40, 24, 16, seed=2)
    chosen = a3.select(q, k, SPATTEN, knobs)
    greedy = a3.greedy_scores(q.values, k.values, int(knobs.iterations * 24))
    scores = (q.values @ k.values.T).double() * q.scale * k.scale / 4

    for row in range(40):
        candidates = {i for i in range(24) if greedy[row, i] > 0} or {int(greedy[row].argmax())}
        best = max(scores[row, i] for i in candidates)
        ratios = {i: float((scores[row, i] - best).exp()) for i in candidates}

        assert set(chosen.candidates[row].nonzero().flatten().tolist()) == candidates
        assert set(chosen.used[row].nonzero().flatten().tolist()) == {
            i for i, ratio in ratios.items() if ratio >= knobs.weight
        }


def test_a_query_that_likes_no_key_still_has_one():
    q, k = quantize(torch.ones(1, 4), SPATTEN.number), quantize(-torch.ones(3, 4), SPATTEN.number)
    chosen = a3.select(q, k, SPATTEN, a3.CONSERVATIVE)

    assert chosen.candidates.sum() == chosen.used.sum() == 1


@given(seed=st.integers(0, 50), chunk=st.integers(1, 40), threshold=st.sampled_from(["0.001", "0.02", "0.3"]))
def test_no_value_is_skipped_whose_probability_reaches_the_threshold(seed, chunk, threshold):
    q, k = a_head(6, 33, 8, seed, sharp=3.0)
    used = mnnfast.used_values(q, k, EXACT, Fraction(threshold), chunk)
    scores = scaled_scores(q.values, k.values, q.scale * k.scale / 8**0.5, EXACT)
    probabilities = softmax(scores, EXACT.softmax).double() / 2**24

    assert used[probabilities > float(Fraction(threshold)) + 2**-20].all()


def test_with_one_chunk_the_threshold_is_that_of_the_probability():
    q, k = a_head(20, 33, 8, seed=4, sharp=3.0)
    used = mnnfast.used_values(q, k, EXACT, Fraction("0.02"), chunk=33)
    exact = torch.softmax((q.values @ k.values.T).double() * q.scale * k.scale / 8**0.5, dim=-1)

    assert torch.equal(used, exact >= 0.02)


def test_a_key_of_a_later_chunk_does_not_bring_a_skipped_value_back():
    """The first key is far below the second of its own chunk; what comes later cannot change that."""
    k = quantize(torch.tensor([[0.0], [1.0], [-1.0], [-1.0]]), SPATTEN.number)
    q = quantize(torch.tensor([[12.0]]), SPATTEN.number)

    assert mnnfast.used_values(q, k, SPATTEN, chunk=2).tolist() == [[False, True, False, False]]
    assert mnnfast.used_values(q, k, SPATTEN, chunk=1).tolist() == [[True, True, False, False]]


def test_counts_of_a_model_are_those_of_its_heads(bert, text):
    found = pairs(str(bert), text, "public domain")

    assert found.shape[:2] == (3, 4)
    assert found.meta["licence"] == "public domain"
    assert (found.counts["a3_used"] <= found.counts["a3_candidates"]).all()
    assert all(found.counts[name].min() >= 1 and found.counts[name].max() <= found.shape[2] for name in COUNTS)


def test_counts_of_a_head_are_the_sums_of_its_selections():
    q, k = a_head(10, 20, 8, seed=5)

    counts = dict(zip(COUNTS, counted(q, k, SPATTEN), strict=True))
    assert counts["a3_used"].tolist() == a3.select(q, k, SPATTEN, a3.CONSERVATIVE).used.sum(dim=1).tolist()
    assert (
        counts["a3_aggressive_candidates"].tolist()
        == a3.select(q, k, SPATTEN, a3.AGGRESSIVE).candidates.sum(dim=1).tolist()
    )
    assert counts["mnnfast_used"].tolist() == mnnfast.used_values(q, k, SPATTEN).sum(dim=1).tolist()


def test_a_causal_model_is_refused(gpt2, text):
    with pytest.raises(WorkloadError, match="counts are those of an encoder's prefill, gpt2 is a causal model"):
        pairs(str(gpt2), text, "none")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "TEXT OUT [MODEL [LICENCE]] must follow tokensieve.golden.capture.pairs, got 0 arguments"),
        (["a", "b", "c", "d", "e"], "got 5 arguments"),
        (["same.txt", "./same.txt"], "OUT must not name the file of TEXT, got './same.txt'"),
        (["none.txt", "out.npz", "no-model"], "no-model"),
    ],
)
def test_the_module_as_a_command_refuses_in_words(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    assert main(arguments) == 2

    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert message in err
    assert list(tmp_path.iterdir()) == []
