"""Stable top-k and the work records of both engines."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch.datapath import Topk
from tokensieve.golden.records import quickselect_search, radix_record
from tokensieve.golden.topk import ranking_scores, top_k
from tokensieve.workloads import records

score_rows = st.integers(1, 4095).flatmap(lambda top: st.lists(st.integers(0, top), min_size=1, max_size=60))
radixes = st.builds(
    Topk, digit_bits=st.integers(1, 8), first_digit=st.sampled_from(["linear", "log"]), score_bits=st.just(12)
)


def by_stable_sort(row: list[int], k: int) -> list[int]:
    return sorted(sorted(range(len(row)), key=lambda i: -row[i])[:k])


ADVERSARIAL = {
    "all equal": [7] * 40,
    "two values": [1, 2] * 20,
    "sorted": list(range(40)),
    "reversed": list(range(40))[::-1],
    "one outlier": [0] * 39 + [4095],
    "all zero": [0] * 40,
    "ties at the cut": [9] * 10 + [5] * 20 + [1] * 10,
    "largest values": [4095] * 20 + [4094] * 20,
}


@pytest.mark.parametrize("name", ADVERSARIAL)
@pytest.mark.parametrize("k", [0, 1, 9, 10, 11, 20, 29, 30, 31, 39, 40, 41])
def test_top_k_equals_a_stable_sort_on_adversarial_ties(name, k):
    row = ADVERSARIAL[name]

    assert top_k(torch.tensor([row]), k).kept[0].tolist() == by_stable_sort(row, k)


@given(row=score_rows, k=st.integers(0, 61))
def test_top_k_equals_a_stable_sort(row, k):
    found = top_k(torch.tensor([row, row]), k)

    assert found.kept.tolist() == [by_stable_sort(row, k)] * 2


@given(row=score_rows, k=st.integers(1, 61))
def test_threshold_and_ties_say_the_same_as_the_kept_indices(row, k):
    found = top_k(torch.tensor([row]), k)
    threshold, ties = int(found.threshold), int(found.ties)
    above = [i for i, s in enumerate(row) if s > threshold]
    equal = [i for i, s in enumerate(row) if s == threshold]

    assert ties >= 1
    assert found.kept[0].tolist() == sorted(above + equal[:ties])


@given(row=score_rows, k=st.integers(0, 61), number=st.integers(0, 1 << 20))
def test_quickselect_records_are_those_of_the_other_room(row, k, number):
    ours = quickselect_search(torch.tensor([row]), k, torch.tensor([number])).sizes[0]

    assert ours == records.quick_record(row, k, number).tolist()


@given(row=score_rows, k=st.integers(0, 61), arch=radixes)
def test_radix_records_are_those_of_the_other_room(row, k, arch):
    ours = radix_record(torch.tensor([row]), k, arch)[0]

    assert ours == records.radix_record(row, k, arch.score_bits, arch.digit_bits, arch.first_digit).tolist()


def test_records_of_many_rows_are_those_of_each_row_alone():
    rows = torch.randint(0, 300, (50, 70), generator=torch.Generator().manual_seed(1))
    quick = quickselect_search(rows, 20, torch.arange(50)).sizes
    radix = radix_record(rows, 20, Topk())

    assert quick == [quickselect_search(rows[i : i + 1], 20, torch.tensor([i])).sizes[0] for i in range(50)]
    assert radix == [radix_record(rows[i : i + 1], 20, Topk())[0] for i in range(50)]


@given(row=score_rows, k=st.integers(0, 61), number=st.integers(0, 1 << 20))
def test_a_quickselect_record_begins_with_all_and_only_shrinks(row, k, number):
    sizes = quickselect_search(torch.tensor([row]), k, torch.tensor([number])).sizes[0]

    assert (sizes == []) == (k == 0 or k >= len(row))
    assert sizes[:1] in ([], [len(row)])
    assert all(a > b for a, b in pairwise(sizes))


@pytest.mark.parametrize(
    ("row", "k", "record"),
    [
        # 4-bit digits of 12: 0x35., 0x31. share the top digit with 0x3F.; two of three wanted, so digit 2 decides
        ([0x350, 0x310, 0x200, 0x3F0], 2, [3, 1]),
        ([0x350, 0x310, 0x200, 0x3F0], 3, [3]),  # all of the bin wanted: done after one digit
        ([5, 5, 5, 5], 2, [4, 4, 4]),  # ties to the end
    ],
)
def test_radix_records_worked_by_hand(row, k, record):
    assert radix_record(torch.tensor([row]), k, Topk(first_digit="linear"))[0] == record


def test_quickselect_record_worked_by_hand():
    """Wanted are 2 of 5, 9, 1, 7; number 0 seeds state 1, whose next states are 33153, 24609 and 59801.

    Survivor (33153 * 4) >> 16 = 2 is 1: three above it, go on with 5, 9, 7. Survivor (24609 * 3) >> 16 = 1 is 9: none
    above, one left to find among 5, 7. Survivor (59801 * 2) >> 16 = 1 is 7: found.
    """
    sizes = quickselect_search(torch.tensor([[5, 9, 1, 7]]), 2, torch.tensor([0])).sizes[0]

    assert sizes == [4, 3, 2]


@given(sums=st.lists(st.integers(0, 1 << 40), min_size=1, max_size=30), bits=st.integers(4, 32))
def test_ranking_scores_fit_and_lose_as_few_bits_as_that_takes(sums, bits):
    scores = ranking_scores(torch.tensor(sums), bits)

    assert int(scores.max()) < 1 << bits
    assert max(sums) < 1 << bits or int(scores.max()) >= 1 << (bits - 1)
    assert np.all(np.diff(scores.numpy()[np.argsort(sums, kind="stable")]) >= 0)
