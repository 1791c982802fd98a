"""Commands for top-k engines, pairs of scores and k: those that hypothesis draws, and corners."""

from hypothesis import strategies as st


@st.composite
def command(draw, topk, searched=False):
    """A packet of any length, its scores few different ones, all ones, zeros or anything, and any k.

    With `searched`, there is a search: 0 < k < n.
    """
    top = (1 << topk.score_bits) - 1
    pool = draw(st.sampled_from([(0,), (top,), (0, top), (top - 1, top), (0, 1, 2), None]))
    score = st.integers(0, top) if pool is None else st.sampled_from(pool)
    scores = draw(st.lists(score, min_size=2 if searched else 1, max_size=topk.max_tokens))
    spare = 1 if searched else 0
    return scores, draw(st.integers(spare, len(scores) - spare))


def corners(topk):
    """Return commands at which an engine is most likely to be wrong, wires between searches among them."""
    most, top = topk.max_tokens, (1 << topk.score_bits) - 1
    mixed = [(7 * place * place + 3 * place) & top for place in range(most)]
    few = mixed[: max(2, most // 3)]
    return [
        (mixed, most // 2),
        (few, 1),
        (mixed, 0),
        (mixed, most - 1),
        ([top] * most, most // 2),
        (few, len(few) - 1),
        (mixed, most),
        ([0] * most, 1),
        (sorted(mixed), most // 2),
        ([5], 1),
        (mixed[::-1], 1),
        ([top if place % 2 else 0 for place in range(most)], most // 2 + (most > 2)),
        ([0, 1], 1),
        ([3] * most, most - 1),
    ]
