"""What fully connected layers are asked to do: by hand, by the closed formula, and refused where shapes differ."""

from fractions import Fraction

import pytest
from bench.fc_cases import SPATTEN, TINY, decisions, ratios, shapes
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import WorkloadError
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.fc import MATRICES, fc_work, find_shape
from tokensieve.workloads.models import ModelShape, model_shape
from tokensieve.workloads.schedule import Bits


@settings(max_examples=40)
@given(shapes, st.sampled_from(["prefill", "decode"]), ratios, ratios)
def test_work_is_the_closed_formula_of_the_tokens_and_heads_alive(shape, phase, keep, heads):
    d = decisions(shape, phase, keep, heads)
    closed = 0
    for group in range(d.steps * d.layers):
        rows = d.row_group == group
        tokens, width = int(d.queries[rows][0]), int(rows.sum()) * shape.head_dim
        closed += tokens * shape.hidden * (4 * width + 2 * shape.ffn)

    assert fc_work(d, shape).macs == closed


@settings(max_examples=30)
@given(shapes, st.sampled_from(["prefill", "decode"]), ratios, ratios)
def test_pruning_never_adds_work(shape, phase, keep, heads):
    assert fc_work(decisions(shape, phase, keep, heads), shape).macs <= fc_work(decisions(shape, phase), shape).macs


def test_tokens_shrink_the_work_of_prefill_alone():
    short = {phase: fc_work(decisions(TINY, phase, Fraction(1, 2)), TINY) for phase in ("prefill", "decode")}

    assert short["prefill"].tokens.tolist() == [12, 6]
    assert short["decode"].tokens.tolist() == [1] * 6


def test_a_pruned_head_takes_its_columns_and_rows_along():
    work = fc_work(decisions(TINY, heads=Fraction(1, 2)), TINY)

    assert [work.size(kind, 0) for kind in MATRICES] == [(16, 48), (16, 16), (16, 64), (64, 16)]
    assert [work.size(kind, 1) for kind in MATRICES] == [(16, 24), (8, 16), (16, 64), (64, 16)]
    assert work.weights.tolist()[:2] == [16 * 48 + 16 * 16 + 2 * 16 * 64, 16 * 24 + 8 * 16 + 2 * 16 * 64]


def test_attention_finds_q_k_and_v_in_the_widths_of_the_schedule():
    work = fc_work(decisions(TINY, bits=Bits(query=12, key=6, value=8, lsb=4)), TINY)

    assert work.stored_bits[0] == 2 * 8 * (12 + 6 + 4 + 8)
    assert work.attended_bits[0] == 2 * 8 * 12


def test_bert_base_takes_its_known_work_for_128_tokens():
    """12 n D^2 per layer: with the 2 n^2 D of attention, 11.17 G for twelve layers."""
    shape = model_shape("bert-base")

    assert fc_work(decisions(shape, "prefill", length=128), shape).macs == 12 * 12 * 128 * 768**2


def test_gpt2_medium_has_the_19_gflop_of_the_paper():
    d = load_workload("gpt2-medium-ptb", SPATTEN)
    dense = 24 * (4 * 1024 * 1024 + 2 * 1024 * 4096) * 32

    assert dense * 2 == pytest.approx(19.3e9, rel=0.002)
    assert 0.95 * dense < fc_work(d, model_shape("gpt2-medium")).macs < dense


@pytest.mark.parametrize(
    ("told", "shape", "message"),
    [
        ({"head_dim": 16}, TINY, "D of the decisions is 8, that of the model tiny is 16"),
        ({"heads": 1}, TINY, "heads of the decisions is 2, that of the model tiny is 1"),
        ({"layers": 1}, TINY, "layers of the decisions is 2, that of the model tiny is 1"),
    ],
)
def test_decisions_of_another_model_are_refused(told, shape, message):
    with pytest.raises(WorkloadError, match=message):
        fc_work(decisions(TINY), shape.model_copy(update=told))


def test_a_model_is_known_by_its_name_or_its_published_one():
    assert find_shape({"model": "bert-large"}).hidden == 1024
    assert find_shape({"model": "all-MiniLM-L6-v2 of some package"}).name == "minilm"
    assert find_shape({"model": "GPT-2 (authors' trace)"}, "gpt2-small").layers == 12


def test_a_trace_that_does_not_tell_its_model_asks_for_it():
    with pytest.raises(
        WorkloadError, match=r"the model .GPT-2 .* has no known shape: --model must name one, bert-base, .*"
    ):
        find_shape({"model": "GPT-2 (authors' trace)"})


def test_a_shape_can_come_from_a_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("layers: 3\nheads: 4\nhead_dim: 16\nhidden: 64\nffn: 256\n")

    assert find_shape({"model": "?"}, str(file)) == ModelShape(
        name="mine", layers=3, heads=4, head_dim=16, hidden=64, ffn=256
    )


def test_a_file_with_an_unknown_key_is_refused(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("layers: 3\nheads: 4\nhead_dim: 16\nhidden: 64\nfnn: 256\n")

    with pytest.raises(WorkloadError, match=r"mine\.yaml.*fnn"):
        find_shape({"model": "?"}, str(file))
