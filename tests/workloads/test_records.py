import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import WorkloadError
from tokensieve.workloads.generators import generators
from tokensieve.workloads.records import (
    command_seed,
    quick_record,
    quick_records,
    quick_records_of_ranks,
    radix_record,
    radix_records,
    xorshift16,
)

rows = st.lists(st.integers(0, 255), min_size=1, max_size=40)


def slow_quick(scores, k, running_query):
    """The algorithm of the paper as printed, with its guards, on lists."""
    if k == 0 or k >= len(scores):
        return []
    state, target, streamed, sizes = 1 + running_query % 65535, k, list(scores), []
    while True:
        sizes.append(len(streamed))
        state = (state ^ state << 7) & 0xFFFF
        state ^= state >> 9
        state = (state ^ state << 8) & 0xFFFF
        pivot = streamed[state * len(streamed) >> 16]
        right, left = [x for x in streamed if x > pivot], [x for x in streamed if x < pivot]
        equal = len(streamed) - len(right) - len(left)
        if len(right) > target:
            streamed = right
        elif len(right) + equal < target:
            target, streamed = target - len(right) - equal, left
        else:
            return sizes


def slow_radix(scores, k, score_bits, digit_bits, first_digit):
    """Bins, digit by digit, on lists of bit strings."""
    if k == 0 or k >= len(scores):
        return []
    alive, target, sizes, place = [format(s, f"0{score_bits}b") for s in scores], k, [], 0
    while place < score_bits:
        if place == 0 and first_digit == "log":
            keys = [(score_bits - s.index("1"), s[s.index("1") + 1 :][:1]) if "1" in s else (0, "") for s in alive]
        else:
            keys = [s[place : place + digit_bits] for s in alive]
        for key in sorted(set(keys), reverse=True):
            if keys.count(key) >= target:
                break
            target -= keys.count(key)
        alive = [s for s, own in zip(alive, keys, strict=True) if own == key]
        sizes.append(len(alive))
        if target == len(alive):
            break
        log_end = alive[0].index("1") + 2 if first_digit == "log" and "1" in alive[0] else score_bits
        place = log_end if place == 0 and first_digit == "log" else place + digit_bits
    return sizes


@given(scores=rows, k=st.integers(0, 45), query=st.integers(0, 200_000))
def test_quick_record_is_that_of_the_paper_s_algorithm(scores, k, query):
    assert quick_record(scores, k, query).tolist() == slow_quick(scores, k, query)


@given(scores=rows, k=st.integers(0, 45), digit=st.integers(1, 8), first=st.sampled_from(["linear", "log"]))
def test_radix_record_is_that_of_bins_digit_by_digit(scores, k, digit, first):
    assert radix_record(scores, k, 8, digit, first).tolist() == slow_radix(scores, k, 8, digit, first)


@given(data=st.data(), n=st.integers(1, 30))
def test_batches_give_the_records_of_single_rows(data, n):
    batch = data.draw(st.lists(st.lists(st.integers(0, 63), min_size=n, max_size=n), min_size=1, max_size=6))
    kept = data.draw(st.lists(st.integers(0, n + 1), min_size=len(batch), max_size=len(batch)))
    queries = np.arange(len(batch)) * 30_000

    quick = quick_records(np.array(batch), np.array(kept), queries)
    radix = radix_records(np.array(batch), np.array(kept), 6, 4)

    assert [r.tolist() for r in quick] == [slow_quick(s, k, q) for s, k, q in zip(batch, kept, queries, strict=True)]
    assert [r.tolist() for r in radix] == [slow_radix(s, k, 6, 4, "linear") for s, k in zip(batch, kept, strict=True)]


@pytest.mark.parametrize("n", [2, 3, 64, 40_000])
def test_distinct_scores_give_the_same_records_by_their_ranks(n):
    ranks = np.stack([rng.permutation(n) for rng in generators([[5, 0, i] for i in range(6)])])
    queries = np.arange(6) + 65_532

    for k in {1, n // 2, n - 1}:
        fast = quick_records_of_ranks(ranks, k, queries)
        assert [r.tolist() for r in fast] == [r.tolist() for r in quick_records(ranks, k, queries)]


@given(scores=rows, k=st.integers(0, 45), query=st.integers(0, 99))
def test_sizes_shrink_from_the_number_of_scores(scores, k, query):
    quick = quick_record(scores, k, query).tolist()
    radix = radix_record(scores, k, 8, 3).tolist()

    assert quick == sorted(set(quick), reverse=True)
    assert radix == sorted(radix, reverse=True)
    assert (quick[:1] == [len(scores)]) == (0 < k < len(scores)) == bool(radix)


@given(scores=rows, k=st.integers(1, 39))
def test_radix_ends_with_the_scores_that_share_the_decided_digits(scores, k):
    record = radix_record(scores, k, 8, 8).tolist()

    kth = sorted(scores, reverse=True)[k - 1] if k < len(scores) else None
    assert record == ([scores.count(kth)] if k < len(scores) else [])


def test_pivots_run_through_all_states_but_zero():
    state, seen = np.int64(1), set()
    for _ in range(65535):
        state = xorshift16(state)
        seen.add(int(state))

    assert seen == set(range(1, 65536))


def test_command_seeds_start_again_after_65535_queries():
    assert command_seed([0, 65534, 65535]).tolist() == [1, 65535, 1]


@pytest.mark.parametrize("scores", [[[300, 1]], [[-1, 1]]])
def test_scores_out_of_their_width_are_refused(scores):
    with pytest.raises(WorkloadError, match=r"scores must lie in 0\.\.2\^8-1"):
        radix_records(np.array(scores), 1, 8, 4)


@given(seed=st.integers(0, 2**32 - 1), rest=st.lists(st.integers(0, 2**32 - 1), max_size=6), n=st.integers(1, 300))
def test_generators_are_numpy_s_own(seed, rest, n):
    entropy = [seed, *rest]
    own = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))
    drawn = [own.permutation(n).tolist(), own.integers(n, dtype=np.uint16), own.random()]

    for rng in generators([entropy, entropy]):
        assert [rng.permutation(n).tolist(), rng.integers(n, dtype=np.uint16), rng.random()] == drawn
