"""Radix select: the core alone and in its engine, against golden's records and the law."""

import random
from itertools import product

import pytest
import torch
from bench.samples import diagonal
from bench.searches import Search, searches
from bench.selection_cases import command, corners
from bench.units import alone, differences, small, trials
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch.datapath import Topk
from tokensieve.arch.topklaw import RadixLaw, TopkWork
from tokensieve.golden.records import radix_record
from tokensieve.verify.units.topk import TopkUnit

UNIT = TopkUnit()
COMPACTORS = ["low_latency", "balanced", "max_frequency"]


def topk_of(**fields):
    return Topk(**{"engine": "radix", "lanes": 4, "max_tokens": 21, "score_bits": 6, "digit_bits": 2, **fields})


LOG, LINEAR = topk_of(first_digit="log"), topk_of(first_digit="linear")


def found(topk, commands):
    """Return the searches of `commands`, pairs of scores and k."""
    return searches(topk, [(scores, k, 1) for scores, k in commands])


def expected(topk, commands):
    """Return the searches by golden and by the law."""
    return [_expected(topk, scores, k) for scores, k in commands if 0 < k < len(scores)]


def _expected(topk, scores, k):
    (sizes,) = radix_record(torch.tensor([scores]), k, topk)
    kth = sorted(scores)[-k]
    left = topk.score_bits - topk.digit_bits if topk.first_digit == "linear" else kth.bit_length() - 2
    left = max(0, left - (len(sizes) - 1) * topk.digit_bits)
    # A search that ends early keeps the bin of the k-th largest score whole.
    threshold = (kth >> left << left) - 1 if left else kth
    ties = 0 if left else k - sum(score > kth for score in scores)
    return Search(threshold, ties, sizes, topk.law.search(TopkWork(items=len(scores), kept=k, sizes=sizes)))


@settings(max_examples=15)
@given(st.data(), st.sampled_from([LOG, LINEAR]))
def test_core_searches_as_golden_does_in_the_cycles_of_its_law(data, topk):
    """Whatever came before: a command is loaded in the cycle after the last one is done, or all of it has come."""
    commands = data.draw(st.lists(command(topk), min_size=1, max_size=6))

    assert found(topk, commands) == expected(topk, commands)


@pytest.mark.parametrize(
    ("lanes", "max_tokens", "score_bits", "digit_bits", "first_digit", "compactor"),
    diagonal(
        [(1, 17, 5, 4), (2, 33, 4, 8), (4, 2, 32, 4), (8, 50, 12, 3), (16, 35, 6, 1), (32, 70, 7, 3), (4, 40, 8, 6)],
        [*product(["log", "linear"], COMPACTORS)],
    ),
)
def test_core_of_any_size_searches_as_golden_does_in_the_cycles_of_its_law(
    lanes, max_tokens, score_bits, digit_bits, first_digit, compactor
):
    fields = {"score_bits": score_bits, "digit_bits": digit_bits, "first_digit": first_digit, "compactor": compactor}
    topk = topk_of(lanes=lanes, max_tokens=max_tokens, **fields)
    commands = [*corners(topk), *drawn(topk, 6, seed=lanes + max_tokens)]

    assert found(topk, commands) == expected(topk, commands)


def drawn(topk, count, seed, fewer=None):
    """Return commands whose scores have all magnitudes, or up to `fewer` bits less than there are."""
    rng = random.Random(seed)
    fewer = topk.score_bits if fewer is None else fewer
    lengths = [rng.randint(2, topk.max_tokens) for _ in range(count)]
    return [([_score(rng, topk.score_bits, fewer) for _ in range(n)], rng.randint(1, n - 1)) for n in lengths]


def _score(rng, bits, fewer):
    return rng.randrange(1 << bits) >> rng.randint(0, fewer)


@pytest.mark.parametrize("topk", [LOG, LINEAR], ids=["log", "linear"])
def test_the_edges_of_every_bin_are_told_apart(topk):
    """Each score with its neighbours, in one packet with those at which the logarithmic digit's bins begin and end."""
    edges = [0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 23, 24, 31, 32, 47, 48, 63]
    commands = [(edges, k) for k in range(1, len(edges))]

    assert found(topk, commands) == expected(topk, commands)


@pytest.mark.parametrize("topk", [LOG, LINEAR, topk_of(compactor="max_frequency", lanes=8)], ids=str)
def test_a_pass_that_was_begun_in_vain_leaves_nothing_behind(topk):
    """Early ends, after which the next command comes at once, short or long."""
    early = [60, 61, 62, 63] + [1] * 17
    commands = [(early, 4), ([5, 9], 1), (early, 4), (early[::-1], 3), ([7] * 21, 20), (early, 4), ([1, 2, 3], 2)]

    assert found(topk, commands) == expected(topk, commands)


def test_packets_that_are_not_to_be_searched_are_forgotten():
    commands = [([5, 6, 7, 8, 9], 5), ([3, 1, 2, 5, 4, 7], 2), ([9] * 21, 0), ([9] * 21, 21), ([1, 2], 1)]

    assert found(LOG, commands) == expected(LOG, commands)
    assert len(expected(LOG, commands)) == 2


# The engine, with pauses.

ENGINE = small(engine="radix", digit_bits=3)
COUNT = 24
VECTORS = UNIT.vectors(ENGINE, COUNT, 4, None)


@pytest.mark.parametrize("first_digit", ["log", "linear"])
@pytest.mark.parametrize(("max_tokens", "lanes", "compactor"), [(7, 1, "low_latency"), (13, 4, "balanced")])
def test_engine_keeps_what_golden_keeps_in_the_cycles_of_its_law(max_tokens, lanes, compactor, first_digit):
    fields = {"max_tokens": max_tokens, "lanes": lanes, "compactor": compactor, "first_digit": first_digit}
    arch = small(engine="radix", **fields)

    assert differences(UNIT, arch, UNIT.vectors(arch, COUNT, 2, None), alone(COUNT)) == []


@settings(max_examples=6)
@given(trials=trials(COUNT, ["command", "score"], ["o"]))
def test_engine_makes_the_transfers_of_its_twin_whatever_the_pauses(trials):
    assert differences(UNIT, ENGINE, VECTORS, trials) == []


# The law.


@pytest.mark.parametrize(("compactor", "registers"), [("low_latency", 7), ("balanced", 8), ("max_frequency", 12)])
def test_a_digit_takes_the_registers_of_its_way_beyond_its_beats(compactor, registers):
    law = Topk(engine="radix", lanes=16, compactor=compactor).law
    cycles = [law.search(TopkWork(items=1024, kept=512, sizes=sizes)) for sizes in ((100,), (100, 17), (100, 17, 1))]

    assert isinstance(law, RadixLaw)
    assert cycles == [9, 9 + 64 + registers, 9 + 64 + registers + 7 + registers]
