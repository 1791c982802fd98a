"""Cascade pruning over heads, layers and steps."""

from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import WorkloadError, load_arch
from tokensieve.golden.attention import Precision
from tokensieve.golden.cascade import Cascade, RandomCascade
from tokensieve.golden.layer import CacheScales, LayerInput, LayerPlan, quantized
from tokensieve.golden.model import Decode, Prefill, run_prefill
from tokensieve.golden.plan import Shape, decisions_meta, layer_plans, require_bits
from tokensieve.golden.recorder import Recorder
from tokensieve.golden.reference import closeness, concatenated, dense_attention
from tokensieve.workloads.schedule import Bits, Schedule, schedule_from

ARCH = load_arch("spatten")
PREFILL = Shape(heads=4, layers=4, head_dim=8)
DECODE = Shape(heads=4, layers=3, head_dim=8, steps=5, phase="decode")

schedules = st.builds(
    lambda token, head, value, threshold: schedule_from(
        {
            "interpolation": "list",
            "token": [f"{t / 100}" for t in sorted(token, reverse=True)],
            "head": [f"{h / 100}" for h in sorted(head, reverse=True)],
            "value": f"{value / 100}",
            "threshold": f"{threshold / 100}",
            "progressive": {"prefill": True, "decode": True},
        }
    ),
    st.lists(st.integers(1, 100), min_size=4, max_size=4),
    st.lists(st.integers(1, 100), min_size=4, max_size=4),
    st.integers(1, 100),
    st.integers(0, 60),
)


def prefill(layers, schedule: Schedule, tokens: int, arch=ARCH):
    recorder = Recorder(arch.topk, decisions_meta(arch, schedule, PREFILL))
    cascade = Cascade(arch, PREFILL.heads, tokens)
    outputs = run_prefill(layers, cascade, layer_plans(schedule, PREFILL, tokens), recorder)
    return recorder.decisions(), outputs, cascade


def decode(random_layers, schedule: Schedule, prompt: int = 20, seed: int = 0):
    arch, shape = ARCH, DECODE
    everything = random_layers(shape.layers, shape.heads, prompt + shape.steps, shape.head_dim, seed)
    cut = lambda n: [type(x)(x.query[:, :n], x.key[:, :n], x.value[:, :n]) for x in everything]  # noqa: E731
    last = lambda n: [type(x)(x.query[:, -1:], x.key, x.value) for x in cut(n)]  # noqa: E731
    recorder = Recorder(arch.topk, decisions_meta(arch, schedule, shape))

    def plans(step, context):
        return layer_plans(schedule, shape, context, step)

    machine = Decode(Cascade(arch, shape.heads, prompt), plans, shape.steps, recorder)
    for x in cut(prompt):
        machine.prompt(x)
    outputs = []
    for step in range(shape.steps):
        machine.begin_step()
        outputs.append([machine.layer(x) for x in last(prompt + step + 1)])
    return recorder.decisions(), outputs, everything


@settings(max_examples=25)
@given(schedule=schedules, seed=st.integers(0, 1000))
def test_kept_sets_only_shrink_and_are_as_large_as_the_schedule_says(random_layers, schedule, seed):
    full = Fraction(1)
    schedule = schedule.model_copy(update={"token": (full, *schedule.token[1:]), "head": (full, *schedule.head[1:])})
    decisions, _, _ = prefill(random_layers(4, 4, 25, 8, seed), schedule, 25)
    kept = [set(ids.tolist()) for ids in decisions.ragged("token_ids")]
    heads = decisions.heads_alive[0]

    assert all(later <= earlier for earlier, later in pairwise(kept))
    assert [len(k) for k in kept] == schedule.keys_kept(25, 0, 4)
    assert (heads[1:] <= heads[:-1]).all()
    assert heads.sum(axis=1).tolist() == schedule.heads_kept(4, 4)
    layer = decisions.row_index[decisions.query_row, 1]
    assert decisions.values_kept.tolist() == [schedule.values_kept(25, 0, 4)[i] for i in layer]


def test_nothing_pruned_is_dense_attention_in_every_layer(random_layers):
    layers = random_layers(4, 4, 40, 8)
    _, outputs, _ = prefill(layers, Schedule(bits=Bits(key=12, value=12)), 40)

    for x, output in zip(layers, outputs, strict=True):
        near = closeness(concatenated(output), concatenated(dense_attention(x.query, x.key, x.value)))
        assert near.cosine > 0.9999


def test_what_is_pruned_gives_zeros_and_influences_nothing(random_layers):
    layers, schedule = random_layers(4, 4, 30, 8), schedule_from({"token": ["0.4"], "head": ["0.5"]})
    decisions, outputs, _ = prefill(layers, schedule, 30)
    kept = decisions.ragged("token_ids")[3].tolist()
    gone = [t for t in range(30) if t not in kept]
    for x in (layers[3].query, layers[3].key, layers[3].value):
        x[:, gone] = 1e6
    _, again, _ = prefill(layers, schedule, 30)

    assert gone
    assert outputs[3][:, gone].count_nonzero() == 0
    assert outputs[3][decisions.heads_alive[0, 3] == 0].count_nonzero() == 0
    assert torch.equal(outputs[3], again[3])


def test_the_most_important_tokens_and_heads_stay(random_layers):
    """Keys that all queries point at, and a head with tenfold values, survive; and a head with none goes."""
    layers = random_layers(4, 4, 30, 8)
    for x in layers:
        x.key[:, [3, 17]] = 3 * x.query.mean(dim=1, keepdim=True)
        x.query[:] = x.query.mean(dim=1, keepdim=True)
        x.value[1] *= 10
        x.value[2] *= 0.01
    schedule = schedule_from(
        {"interpolation": "list", "token": [1, "0.1", "0.1", "0.1"], "head": [1, "0.75", "0.5", "0.25"]}
    )
    decisions, _, _ = prefill(layers, schedule, 30)

    assert {3, 17} <= set(decisions.ragged("token_ids")[1].tolist())
    assert decisions.heads_alive[0].tolist()[1] == [1, 1, 0, 1]
    assert decisions.heads_alive[0].tolist()[3] == [0, 1, 0, 0]


def test_importance_saturates_at_its_width(random_layers):
    narrow = load_arch("spatten", ["importance.token_bits=12", "importance.head_bits=10"])
    _, _, cascade = prefill(random_layers(4, 4, 30, 8), Schedule(), 30, narrow)

    assert int(cascade.token_sum.max()) == 4095
    assert int(cascade.head_sum.max()) == 1023


def test_the_order_of_heads_and_queries_does_not_change_the_sums(random_layers):
    layers = random_layers(4, 4, 30, 8)
    _, _, straight = prefill(layers, Schedule(), 30)
    _, _, turned = prefill([type(x)(x.query.flip(0), x.key.flip(0), x.value.flip(0)) for x in layers], Schedule(), 30)

    assert torch.equal(straight.token_sum, turned.token_sum)
    assert torch.equal(straight.head_sum, turned.head_sum.flip(0))


@settings(max_examples=10)
@given(schedule=schedules, seed=st.integers(0, 1000))
def test_a_decode_shrinks_within_a_step_and_starts_the_next_one_wide(random_layers, schedule, seed):
    schedule = schedule.model_copy(update={"token": schedule.token[:3], "head": schedule.head[:3]})
    decisions, _, _ = decode(random_layers, schedule, seed=seed)
    kept = [ids.tolist() for ids in decisions.ragged("token_ids")]

    for step in range(DECODE.steps):
        mine = kept[3 * step : 3 * step + 3]
        assert [len(k) for k in mine] == schedule.keys_kept(21 + step, step, 3)
        assert set(mine[2]) <= set(mine[1]) <= set(mine[0])
        assert all(20 + step in k for k in mine)


def test_the_newest_token_stays_even_beside_tokens_of_the_largest_score():
    cascade = Cascade(ARCH, heads=1, context=5)
    cascade.token_sum[:] = 4095  # fills score_bits without a shift
    new = cascade.append_token()

    assert cascade.prune_tokens(2, 0, new).kept.tolist() == [0, 5]
    assert cascade.prune_tokens(1, 0, new).kept.tolist() == [5]


def test_vectors_that_join_the_cache_are_in_the_scale_of_the_prompt_and_saturate():
    prompt = LayerInput(*torch.full((3, 1, 4, 2), 1.0, dtype=torch.float64))
    key = torch.cat([prompt.key, torch.full((1, 1, 2), 7.0, dtype=torch.float64)], dim=1)
    later = LayerInput(prompt.query[:, :1], key, -key)
    _, k, v = quantized(later, 0, torch.arange(5), ARCH.number, CacheScales.of(prompt, ARCH.number))

    assert k.values[:, 0].tolist() == [2047] * 5
    assert v.values[:, 0].tolist() == [-2047] * 4 + [-2048]


def test_a_token_dropped_in_a_deep_layer_is_back_in_the_next_step(random_layers):
    decisions, _, _ = decode(random_layers, schedule_from({"interpolation": "list", "token": [1, "0.5", "0.2"]}))
    kept = [set(ids.tolist()) for ids in decisions.ragged("token_ids")]

    assert kept[2] < kept[0]
    assert kept[3] == kept[0] | {21}


def test_an_unpruned_decode_is_causal_dense_attention(random_layers):
    decisions, outputs, everything = decode(random_layers, Schedule(bits=Bits(key=12, value=12)))

    for layer, x in enumerate(everything):
        dense = concatenated(dense_attention(x.query, x.key, x.value, causal=True))[20:]
        came = torch.cat([concatenated(step[layer]) for step in outputs])
        assert closeness(came, dense).cosine > 0.999
    assert set(decisions.queries.tolist()) == {1}


def test_a_selection_runs_exactly_where_the_schedule_shrinks(random_layers):
    decisions, _, _ = decode(
        random_layers, schedule_from({"interpolation": "list", "token": [1, 1, "0.5"], "value": "0.5"})
    )
    runs = [tuple(c) for c in decisions.topk_token_count.tolist()]

    assert runs[0:3] == [(-1, -1), (21, 10), (-1, -1)]
    assert runs[3:6] == [(-1, -1), (22, 11), (-1, -1)]
    assert {tuple(c) for c in decisions.topk_head_count.tolist()} == {(-1, -1)}


def test_a_first_layer_that_keeps_part_is_chosen_among_the_whole_context(random_layers):
    decisions, _, _ = decode(random_layers, schedule_from({"interpolation": "list", "token": ["0.5"]}))
    counts = decisions.topk_token_count.tolist()

    assert counts[2] == [21, 10]  # end of step 0: 11 of 22 for step 1, of which one is its own new token
    assert counts[-1] == [-1, -1]


def test_decisions_are_the_same_bytes_with_one_and_two_threads(random_layers):
    layers, schedule = random_layers(4, 4, 120, 16), schedule_from({"token": ["0.4"], "head": ["0.5"], "value": "0.3"})
    before, digests = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            digests.append(prefill(layers, schedule, 120)[0].digest)
    finally:
        torch.set_num_threads(before)

    assert digests[0] == digests[1]


def test_a_random_cascade_keeps_as_many_and_follows_its_seed(random_layers):
    plans = layer_plans(schedule_from({"token": ["0.3"]}), PREFILL, 40)
    kept = []
    for seed in (1, 1, 2):
        cascade = RandomCascade(ARCH, 4, 40, seed)
        run_prefill(random_layers(4, 4, 40, 8), cascade, plans)
        kept.append(cascade.tokens.tolist())

    assert kept[0] == kept[1] != kept[2]
    assert len(kept[0]) == len(kept[2]) == 12


def test_a_context_above_the_engine_is_refused():
    with pytest.raises(WorkloadError, match=r"a context of 1025 tokens is above topk.max_tokens = 1024"):
        Prefill(Cascade(ARCH, 1, 1025), [LayerPlan(1025, 1, 1025)])
    with pytest.raises(WorkloadError, match=r"1025 tokens"):
        Decode(Cascade(ARCH, 1, 1020), lambda step, context: [], steps=5)


def test_widths_that_the_machine_does_not_have_are_refused():
    with pytest.raises(WorkloadError, match=r"schedule.bits.query must be at most number.onchip_bits = 12, got 16"):
        require_bits(Schedule(bits=Bits(query=16)), ARCH)
    with pytest.raises(WorkloadError, match=r"schedule.bits.lsb must be at most number.lsb_bits = 4, got 5"):
        require_bits(Schedule(bits=Bits(lsb=5)), ARCH)


def test_a_prefill_whose_first_layer_would_prune_unranked_is_refused():
    with pytest.raises(
        WorkloadError, match=r"schedule.token must keep all tokens in layer 0 of a prefill, .* got 5 of 10"
    ):
        layer_plans(schedule_from({"interpolation": "list", "token": "0.5"}), PREFILL, 10)


def test_progressive_quantization_follows_the_phase():
    schedule = schedule_from({"threshold": "0.1"})

    assert layer_plans(schedule, PREFILL, 10)[0].precision == Precision(12, 8, 8, 4, None)
    assert layer_plans(schedule, DECODE, 10)[0].precision.threshold == schedule.threshold
