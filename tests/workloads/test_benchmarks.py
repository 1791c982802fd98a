from dataclasses import replace
from fractions import Fraction
from itertools import product
from statistics import mean

import numpy as np
import pytest

from tokensieve.arch import WorkloadError, load_arch
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.workloads import traces
from tokensieve.workloads.benchmarks import benchmark_names, find_workload, load_workload, workload_names
from tokensieve.workloads.fit import check_fit
from tokensieve.workloads.models import model_names, model_shape
from tokensieve.workloads.reference import dense
from tokensieve.workloads.traces import load_trace
from tokensieve.workloads.workload import largest_remainder, read_workload, workload_schema

TASKS = ["cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli", "squad1", "squad2"]
BERT = [f"{m}-{t}" for m, t in product(["bert-base", "bert-large"], TASKS)]
GPT2 = [f"{m}-{t}" for m, t in product(["gpt2-small", "gpt2-medium"], ["wikitext2", "wikitext103", "ptb", "1bw"])]
LAYER = """\
name: one-layer
model: bert-base
layers: 1
phase: prefill
context: 384
schedule: {interpolation: list, value: 0.5, bits: {lsb: 0}}
"""


@pytest.fixture
def written(tmp_path):
    """A function that writes a workload file and returns its path."""

    def write(content):
        path = tmp_path / "mine.yaml"
        path.write_text(content)
        return str(path)

    return write


def test_the_paper_s_thirty_benchmarks_and_the_shipped_traces_have_names():
    assert benchmark_names() == [*BERT, *GPT2]
    assert workload_names() == [*BERT, *GPT2, "minilm", "minilm-values"]


@pytest.mark.parametrize("name", [*BERT, *GPT2])
def test_every_benchmark_says_what_it_assumes(name):
    workload = find_workload(name)

    assert workload.assumed
    assert workload.published


@pytest.mark.parametrize("name", BERT)
def test_bert_is_a_prefill_of_fewer_than_a_hundred_tokens_without_progressive_quantization(name):
    workload = find_workload(name)

    assert workload.phase == "prefill"
    assert workload.context < 100
    assert workload.lsb_fraction == 0
    assert any(str(workload.context) in line for line in workload.assumed)


@pytest.mark.parametrize("name", GPT2)
def test_gpt2_generates_32_tokens_after_992(name):
    contexts = find_workload(name).contexts

    assert (contexts[0], contexts[-1], len(contexts)) == (993, 1024, 32)


def test_the_means_over_the_benchmarks_meet_the_paper_s():
    kept = {name: reductions(find_workload(name).counts()) for name in [*BERT, *GPT2]}

    assert mean(kept[name][0] for name in GPT2) == pytest.approx(3.8, rel=0.03)
    assert mean(kept[name][0] for name in kept) == pytest.approx(1.9, rel=0.03)
    assert mean(kept[name][1] for name in kept) == pytest.approx(1.1, rel=0.01)


def reductions(counts):
    """Return by what factors tokens and values, and heads, are reduced."""
    tokens = 2 * counts.context.sum() / (counts.keys.sum() + counts.values.sum())
    return tokens, counts.heads * counts.layers * counts.steps / len(counts.keys)


def test_the_traced_benchmark_has_the_counts_of_the_authors_trace(shared_data):
    own = find_workload("gpt2-small-wikitext2").counts()
    theirs = load_trace(shared_data / "spatten-traces" / "gpt2-small-wikitext2-per8.csv", load_arch())

    assert own.keys.tolist() == theirs.keys_kept.tolist()
    assert own.values.tolist() == theirs.values_kept.tolist()
    assert own.token_topk.tolist() == theirs.topk_token_count[:, 1].tolist()
    assert int(own.lsb_refetch.sum()) == 323


@pytest.mark.parametrize("name", ["bert-base-cola", "bert-large-rte", "gpt2-small-ptb"])
def test_a_benchmark_loads_to_the_same_decisions_each_time(name):
    arch = load_arch()

    assert load_workload(name, arch, 1).digest == load_workload(name, arch, 1).digest
    assert load_workload(name, arch, 1).digest != load_workload(name, arch, 2).digest


def test_one_layer_can_be_had(written):
    decisions = load_workload(written(LAYER), load_arch())

    assert (decisions.layers, len(decisions.row_index), len(decisions.values_kept)) == (1, 12, 4608)
    assert (decisions.records["quick"].local.lengths > 0).all()


def test_a_workload_may_describe_its_own_model(written):
    shape = "{name: mine, layers: 2, heads: 3, head_dim: 16, hidden: 48, ffn: 96}"
    workload = read_workload(written(LAYER.replace("bert-base", shape).replace("layers: 1\n", "")))

    assert (workload.model.name, workload.layer_count, workload.model.head_dim) == ("mine", 2, 16)


def test_the_file_names_a_workload_that_has_no_name(written):
    assert read_workload(written(LAYER.replace("name: one-layer\n", ""))).name == "mine"


BAD = {
    "an unknown field": ("layers: 1", "layer: 1", "line 3: layer is not a known field; did you mean 'layers'?"),
    "an unknown field in the schedule": (
        "value: 0.5",
        "valu: 0.5",
        "line 6: schedule.valu is not a known field; did you mean 'value'?",
    ),
    "an unknown model": ("bert-base", "bert-bas", "line 2: model must be one of"),
    "a near model": ("bert-base", "bert-bas", "did you mean 'bert-base'?"),
    "no model": ("model: bert-base\n", "", "model is required"),
    "half a model": ("bert-base", "{name: x, layers: 2}", "line 2: model.heads is required"),
    "no phase": ("phase: prefill\n", "", "phase is required"),
    "an unknown phase": (
        "prefill",
        "refill",
        "line 4: phase must be one of prefill, decode, got 'refill'; did you mean 'prefill'?",
    ),
    "no context": ("context: 384\n", "", "context is required with phase prefill"),
    "steps of a prefill": ("context: 384", "context: 384\nsteps: 3", "steps has no meaning with phase prefill"),
    "a context of nothing": ("context: 384", "context: 0", "line 5: context must be in 1..1048576, got 0"),
    "half a token": ("context: 384", "context: 38.5", "line 5: context must be a whole number, got 38.5"),
    "too many layers": ("layers: 1", "layers: 5000", "line 3: layers must be in 1..1024, got 5000"),
    "more layers than the model has": (
        "layers: 1",
        "layers: 13",
        "line 3: layers must be at most the 12 of the model, got 13",
    ),
    "a key twice": ("layers: 1", "layers: 1\nlayers: 2", "line 4: layers is given twice"),
    "no YAML": ("phase: prefill", "phase: [", "not valid YAML"),
    "a wrong ratio": (
        "value: 0.5",
        "value: 5",
        "line 6: schedule.value is invalid (a keep ratio is above 0 and at most 1), got 5",
    ),
    "a wrong width": ("lsb: 0", "lsb: 9", "schedule.bits.lsb must be one of 0, 1"),
    "LSBs that are off": (
        "context: 384",
        "context: 384\nlsb_fraction: 0.1",
        "lsb_fraction must be 0 where schedule.progressive.prefill",
    ),
    "pruning before any score": ("value: 0.5", "token: 0.5", "line 6: schedule.token must keep all tokens in layer 0"),
    "too many ratios": (
        "value: 0.5",
        "value: [0.5, 0.4]",
        "line 6: schedule.value must have one ratio, or one per layer (1), got 2",
    ),
    "too long a context": (
        "context: 384",
        "context: 2000",
        "the context of 2000 tokens is above topk.max_tokens = 1024",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_malformed_workload_is_refused_in_words(written, kind):
    old, new, message = BAD[kind]
    path = written(LAYER.replace(old, new))

    with pytest.raises(WorkloadError) as caught:
        load_workload(path, load_arch())
    assert message in str(caught.value)
    assert "mine.yaml" in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(WorkloadError, match=r"got 'gpt2-small-wikitext'; did you mean 'gpt2-small-wikitext2'\?"):
        find_workload("gpt2-small-wikitext")


def test_a_file_that_is_absent_is_named():
    with pytest.raises(WorkloadError, match=r"absent\.yaml: no such file"):
        find_workload("absent.yaml")


def test_the_schema_of_a_workload_takes_the_name_of_a_model():
    schema = workload_schema()

    assert schema["properties"]["model"]["anyOf"][0] == {"type": "string"}
    assert schema["required"] == ["model", "phase"]


def test_largest_remainders_go_to_the_front_layers_first():
    assert largest_remainder(Fraction(1, 2), [3, 3, 3]) == [2, 2, 1]
    assert largest_remainder(Fraction(0), [5]) == [0]
    assert sum(largest_remainder(Fraction(59, 1000), [384] * 12)) == 272


@pytest.mark.parametrize(
    ("name", "shape"),
    {
        "bert-base": (12, 12, 64, 768),
        "bert-large": (24, 16, 64, 1024),
        "gpt2-small": (12, 12, 64, 768),
        "gpt2-medium": (24, 16, 64, 1024),
        "minilm": (6, 12, 32, 384),
    }.items(),
)
def test_models_have_their_published_shapes(name, shape):
    model = model_shape(name)

    assert (model.layers, model.heads, model.head_dim, model.hidden) == shape
    assert model.heads * model.head_dim == model.hidden
    assert len(model_names()) == 5


@pytest.mark.parametrize("which", ["decode", "prefill"])
@pytest.mark.parametrize(("kind", "bits"), [("dense", 12), ("dense-int8", 8), ("fp32", 32)])
def test_the_reference_prunes_nothing(request, which, kind, bits):
    decisions = request.getfixturevalue(which)
    reference = dense(decisions, kind)

    assert reference.heads_alive.all()
    assert len(reference.row_index) == decisions.steps * decisions.layers * decisions.heads
    assert reference.keys_kept.tolist() == reference.context.tolist()
    assert (reference.values_kept == reference.keys_kept[reference.query_row]).all()
    assert set(reference.key_bits) == set(reference.value_bits) == {bits}
    assert not reference.lsb_refetch.any()
    assert (reference.topk_token_count == -1).all()
    assert reference.records == {}
    assert np.diff(reference.query_ptr).tolist() == reference.queries.tolist()
    each = reference.context if which == "prefill" else np.ones_like(reference.context)
    assert reference.queries.tolist() == each.tolist()
    assert reference.ragged("token_ids")[0].tolist() == list(range(int(reference.context[0])))


@pytest.mark.parametrize("which", ["decode", "prefill"])
def test_a_reference_of_twelve_bits_is_consistent_but_for_the_ids_of_values(request, which):
    reference = dense(request.getfixturevalue(which))
    own = reference.ragged("token_ids")
    ids = np.concatenate([own[g] for g in reference.row_group]) if which == "decode" else reference.value_ids
    ptr = np.append(0, np.cumsum(reference.values_kept)) if which == "decode" else reference.value_ptr

    assert replace(reference, value_ids=ids.astype(np.int32), value_ptr=ptr.astype(np.int64)).validate()


def test_a_trace_whose_records_fit_is_loaded(decode, tmp_path):
    decode.save(tmp_path / "t.npz")

    assert load_trace(tmp_path / "t.npz", load_arch()).digest == decode.digest


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["topk.score_bits=14"], r"score width of its work records is 12, topk\.score_bits is 14"),
        (
            ["topk.engine=radix", "topk.digit_bits=3"],
            r"digit rule .* is 'radix digit_bits=4 first_digit=log', .* is 'radix dig",
        ),
        (
            ["topk.engine=radix", "topk.first_digit=linear"],
            r"digit rule .* is 'radix digit_bits=4 first_digit=log', .* is 'radix digit_bits=4 first_digit=linear",
        ),
        (["topk.max_tokens=16"], r"context of 32 tokens is above topk\.max_tokens = 16"),
    ],
)
def test_a_trace_whose_records_do_not_fit_is_refused_naming_both_values(decode, tmp_path, sets, message):
    decode.save(tmp_path / "t.npz")

    with pytest.raises(WorkloadError, match=rf"t\.npz: the {message}"):
        load_trace(tmp_path / "t.npz", load_arch(sets=sets))


@pytest.mark.parametrize("engine", ["quickselect", "bitserial", "bitonic"])
def test_the_digit_rule_does_not_matter_to_other_engines(decode, tmp_path, engine):
    decode.save(tmp_path / "t.npz")

    assert load_trace(tmp_path / "t.npz", load_arch(sets=["topk.digit_bits=3", f"topk.engine={engine}"]))


def with_other_pivots(decode, changed):
    return changed(decode, "meta", "records", {**decode.meta["records"], "quick": "other"})


@pytest.mark.parametrize("engine", ["radix", "bitserial", "bitonic"])
def test_the_pivot_rule_does_not_matter_to_other_engines(decode, changed, engine):
    check_fit(with_other_pivots(decode, changed), load_arch(sets=[f"topk.engine={engine}"]), "t.npz")


def test_another_pivot_rule_is_refused(decode, changed):
    with pytest.raises(
        WorkloadError, match="the pivot rule of its work records is 'other', the pivot rule is 'xorshift16"
    ):
        check_fit(with_other_pivots(decode, changed), load_arch(), "t.npz")


def test_an_installation_without_its_trace_says_so(monkeypatch):
    monkeypatch.setattr(traces, "_SHIPPED", "absent.npz")

    with pytest.raises(WorkloadError, match=r"the shipped trace absent\.npz is missing"):
        load_workload("minilm", load_arch())


@pytest.mark.parametrize(("engine", "kind", "other"), [("quickselect", "quick", "radix"), ("radix", "radix", "quick")])
def test_a_trace_without_the_records_that_an_engine_needs_is_refused(decode, tmp_path, engine, kind, other):
    meta = {**decode.meta, "records": {other: decode.meta["records"][other]}}
    replace(decode, meta=meta, records={other: decode.records[other]}).save(tmp_path / "t.npz")
    message = f"'{kind}', which topk.engine {engine} needs: make it again with `tokensieve capture`"

    with pytest.raises(WorkloadError, match=message):
        load_trace(tmp_path / "t.npz", load_arch(sets=[f"topk.engine={engine}"]))
    assert load_trace(tmp_path / "t.npz", load_arch(sets=["topk.engine=bitserial"]))


@pytest.mark.parametrize("engine", ["bitserial", "bitonic"])
def test_a_trace_without_records_is_enough_for_an_engine_without_a_kind(prefill, engine):
    arch = load_arch(sets=[f"topk.engine={engine}"])
    bare = replace(prefill, meta={**prefill.meta, "records": {}}, records={}).validate()

    assert cycle_result(arch, bare).cycles == cycle_result(arch, prefill).cycles
