"""Scores that stand for those of a real model: searches as long as those captured on a text that chose nothing."""

import pytest

from tokensieve.arch import load_arch
from tokensieve.workloads.complete import DEFAULT_SCORES, Counts, complete
from tokensieve.workloads.nearness import mean_rounds, round_ratios

WITHIN = 0.05


@pytest.fixture(scope="module")
def melville(minilm_folder, root):
    """Decisions of MiniLM on a text that is none of those that the default was chosen by."""
    from tokensieve.golden.capture.capture import Request, capture

    text = root / "benchmarks" / "texts" / "melville.txt"
    assert text.name not in (root / "benchmarks" / "scores.py").read_text().partition("TEXTS = {")[2].partition("}")[0]
    return capture(Request(model="minilm", text=text, arch=load_arch("spatten"), licence="public domain")).decisions


def ratios(captured, scores):
    """Return the mean rounds of searches that complete the counts of `captured`, divided by the captured ones."""
    counts = Counts(
        phase=captured.phase,
        model="minilm",
        head_dim=captured.head_dim,
        heads=captured.heads,
        layers=captured.layers,
        steps=captured.steps,
        row_index=captured.row_index,
        context=captured.context,
        keys=captured.keys_kept,
        values=captured.values_kept[captured.query_ptr[:-1]],
        lsb_refetch=captured.lsb_refetch,
        bits=captured.meta["bits"],
        token_topk=captured.topk_token_count[:, 1],
        head_topk=captured.topk_head_count[:, 1],
    )
    drawn, found = mean_rounds(complete(counts, load_arch("spatten").topk, 0, scores)), mean_rounds(captured)
    return {kind: drawn[kind] / found[kind] for kind in found}


@pytest.mark.parametrize("scores", [None, "softmax", "softmax-max-sigma3", "uniform"])
def test_searches_on_a_text_held_out_are_as_long_as_recorded(melville, scores):
    recorded = round_ratios()[scores or DEFAULT_SCORES]

    for kind, ratio in ratios(melville, scores).items():
        assert ratio == pytest.approx(recorded[kind], rel=0.2)
        if scores is None:
            assert ratio == pytest.approx(1, abs=WITHIN)


def test_the_default_is_the_nearest_of_all_that_were_measured():
    far = {name: max(abs(one - 1) for one in kinds.values()) for name, kinds in round_ratios().items()}

    assert min(far, key=far.__getitem__) == DEFAULT_SCORES
    assert far[DEFAULT_SCORES] < WITHIN
