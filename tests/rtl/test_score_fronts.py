"""The ways into a fixed-length pruner: too long sequences, and scores at the ends of their ranges."""

import pytest

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.rtl.attention_front import AttentionFront
from tokensieve.rtl.beats import offered_token, packed_beat, token
from tokensieve.rtl.flow.amsim import run
from tokensieve.rtl.flow.case import Case
from tokensieve.rtl.norm_front import NormFront
from tokensieve.rtl.sequence_front import SequenceFront, sequence_beat


def beats(layout, lanes, tokens):
    """Return tokens (fields of each) as the beats of a packet, packed."""
    groups = [tokens[first : first + lanes] for first in range(0, len(tokens), lanes)] or [[]]
    told = [
        {"items": group, "count": len(group), "last": place == len(groups)} for place, group in enumerate(groups, 1)
    ]
    return [packed_beat(lanes, layout).const(beat).as_bits() for beat in told]


def scores_of(front, pruner, given, count):
    """Return the scores of the `count` beats that leave `front`, which have a token each."""
    case = Case(beats=given, expect={"o": count}, limit=2000)
    (record,) = run(front, [case])
    layout = packed_beat(pruner.lanes, token(pruner))
    assert record.complete
    return [layout.from_bits(beat)["items"][0]["score"] for _, beat in record.transfers["o"]]


def norms(embeddings, **fields):
    """Return the scores that tokens get for their embeddings, of 4 elements each."""
    sizes = {"max_tokens": 8, "keep": 1, "lanes": 1, "id_bits": 3, "embedding_beats": 2, "embedding_bits": 16}
    pruner = FixedLengthPruner(score_source="embedding_norm", engines=1, **sizes, **fields)
    data = [
        sum((element & 255) << 8 * place for place, element in enumerate(one[first : first + 2]))
        for one in embeddings
        for first in (0, 2)
    ]
    given = {"i": beats(offered_token(pruner), 1, [{"id": 0}] * len(embeddings)), "e": data}
    return scores_of(NormFront(pruner), pruner, given, len(embeddings))


@pytest.mark.parametrize("fields", [{"max_tokens": 5, "lanes": 2}, {"max_tokens": 4, "lanes": 1}], ids=str)
def test_a_sequence_is_too_long_however_long_it_is(fields):
    """Far longer than a counter of the beats that there may be could count: 5 times as far."""
    pruner = FixedLengthPruner(keep=1, score_bits=4, id_bits=3, engines=1, count_stages=1, **fields)
    lengths = range(1, 5 * pruner.lanes * (1 << (pruner.load_beats + 1).bit_length()))
    given = [beat for n in lengths for beat in beats(token(pruner), pruner.lanes, [{"id": 1, "score": 1}] * n)]
    case = Case(beats={"i": given}, expect={}, constants={"freed": 1}, limit=20 * len(given))
    (record,) = run(SequenceFront(pruner), [case])
    came = [sequence_beat(pruner).from_bits(beat) for _, beat in record.events["o"]]

    assert [(one["too_long"], one["n"]) for one in came if one["ends"]] == [
        (0, n) if n <= pruner.max_tokens else (1, 0) for n in lengths
    ]


@pytest.mark.parametrize(
    ("elements", "shift", "score"),
    [
        ([-128, 0, 0, 0], 0, 1 << 14),  # the square with the most bits, which is 15
        ([-127, 127, -1, 0], 0, 2 * 127**2 + 1),
        ([-128] * 4, 0, 1 << 16),  # the largest sum
        ([-128] * 4, 4, 1 << 12),
        ([3, 0, 2, 1], 1, 7),
    ],
)
def test_a_norm_has_all_bits_of_the_largest_square_and_of_the_largest_sum(elements, shift, score):
    """Of two beats with two elements each, and once more the other way round."""
    assert norms([elements, elements[::-1]], score_bits=17, norm_shift=shift) == [score, score]


def test_a_norm_saturates_from_the_first_one_on_that_is_above_the_largest_score():
    """15 is the largest score; the sums are 14, 15, 16, 17, 31 and 65,536, then 30, 31 and 32, halved."""
    rising = [[3, 2, 1, 0], [3, 2, 1, 1], [4, 0, 0, 0], [4, 1, 0, 0], [5, 2, 1, 1], [-128] * 4]

    assert norms(rising, score_bits=4, norm_shift=0) == [14, 15, 15, 15, 15, 15]
    assert norms([[4, 3, 2, 1], [5, 2, 1, 1], [4, 4, 0, 0]], score_bits=4, norm_shift=1) == [15, 15, 15]


@pytest.mark.parametrize(
    ("rows", "total"),
    [
        ([7, 7], 14), ([7, 8], 15), ([15, 0], 15), ([8, 8], 15), ([1, 15], 15), ([9, 8], 15), ([15, 15], 15),
        ([5, 5, 4], 14), ([5, 5, 6], 15), ([8, 8, 0], 15), ([8, 8, 1], 15), ([15, 15, 15], 15),
    ],
)  # fmt: skip
def test_a_sum_of_probabilities_saturates_from_the_first_one_on_that_is_above_the_largest_score(rows, total):
    pruner = FixedLengthPruner(
        max_tokens=4, keep=1, lanes=1, score_bits=4, id_bits=3, engines=1, score_source="accumulated",
        query_rows=len(rows),
    )  # fmt: skip
    given = [beat for row in rows for beat in beats(token(pruner), 1, [{"id": 0, "score": row}])]

    assert scores_of(AttentionFront(pruner), pruner, {"i": given}, 1) == [total]
