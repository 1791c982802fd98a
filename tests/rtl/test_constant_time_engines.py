"""Bit-serial selection and the bitonic sorter: golden's answer, and the cycles of the law whatever the data."""

import pytest
from bench.selection_cases import command, corners
from bench.selections import alone, back_to_back, expected
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch.datapath import Topk

SMALL = [
    Topk(engine="bitserial", lanes=4, max_tokens=14, score_bits=5, count_stages=2),
    Topk(engine="bitonic", lanes=4, max_tokens=14, score_bits=5),
]
BANKS = Topk(engine="bitserial", lanes=8, max_tokens=201, score_bits=4, count_stages=3)
SHAPES = [
    Topk(engine="bitserial", lanes=1, max_tokens=5, score_bits=4, count_stages=1),
    Topk(engine="bitserial", lanes=2, max_tokens=9, score_bits=4, count_stages=10),
    Topk(engine="bitserial", lanes=4, max_tokens=21, score_bits=12, count_stages=3),
    Topk(engine="bitserial", lanes=8, max_tokens=33, score_bits=7, count_stages=4, compactor="max_frequency"),
    Topk(engine="bitserial", lanes=4, max_tokens=150, score_bits=5, count_stages=1),  # three banks
    Topk(engine="bitserial", lanes=16, max_tokens=2, score_bits=32, count_stages=2),
    Topk(engine="bitserial", lanes=32, max_tokens=34, score_bits=5, count_stages=6),
    Topk(engine="bitonic", lanes=1, max_tokens=2, score_bits=4),
    Topk(engine="bitonic", lanes=2, max_tokens=3, score_bits=4),
    Topk(engine="bitonic", lanes=1, max_tokens=8, score_bits=4),
    Topk(engine="bitonic", lanes=4, max_tokens=21, score_bits=12),
    Topk(engine="bitonic", lanes=8, max_tokens=33, score_bits=7, compactor="max_frequency"),
    Topk(engine="bitonic", lanes=16, max_tokens=2, score_bits=32),
    Topk(engine="bitonic", lanes=32, max_tokens=34, score_bits=5),
]


def name(topk):
    return f"{topk.engine}-P{topk.lanes}-N{topk.max_tokens}-W{topk.score_bits}-S{topk.count_stages}"


@settings(max_examples=20)
@given(st.data(), st.sampled_from(SMALL))
def test_commands_one_after_another_keep_what_golden_keeps(data, topk):
    commands = data.draw(st.lists(command(topk), min_size=1, max_size=8))

    assert back_to_back(topk, commands) == expected(topk, commands, total=False)


@pytest.mark.parametrize("topk", SHAPES, ids=name)
def test_every_shape_takes_the_cycles_of_its_law(topk):
    commands = corners(topk)

    assert alone(topk, commands) == expected(topk, commands)


@pytest.mark.parametrize("topk", [*SMALL, BANKS, *SHAPES[2::5]], ids=name)
def test_commands_back_to_back_leave_nothing_to_one_another(topk):
    commands = corners(topk)

    assert back_to_back(topk, commands) == expected(topk, commands, total=False)


@pytest.mark.parametrize(("topk", "cycles"), [(SMALL[0], 5 * (2 + 1) + 1), (SMALL[1], 4 * 4 + 3 * 4 + 1)])
def test_neither_scores_nor_k_nor_n_change_the_time_of_a_search(topk, cycles):
    commands = [(scores, k) for scores, k in corners(topk) if 0 < k < len(scores)]
    beats = [-(-len(scores) // topk.lanes) for scores, _ in commands]

    assert len(set(beats)) > 1
    assert {seen.select - load for seen, load in zip(alone(topk, commands), beats, strict=True)} == {cycles}
