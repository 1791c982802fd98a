"""What is the bitonic sorter's own: the principle by which zeros and ones stand for all scores."""

from bench.selections import back_to_back, expected

from tokensieve.arch.datapath import Topk


def test_zeros_and_ones_in_every_pattern_are_sorted():
    """A network that sorts every packet of zeros and ones sorts every packet (Knuth, volume 3, 5.3.4)."""
    topk = Topk(engine="bitonic", lanes=8, max_tokens=8, score_bits=4)
    commands = [([word >> place & 1 for place in range(8)], k) for word in range(256) for k in (1, 4, 7)]

    assert back_to_back(topk, commands) == expected(topk, commands, total=False)
