from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import WorkloadError
from tokensieve.arch.datapath import Topk
from tokensieve.workloads.complete import Counts, complete
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.distributions import distribution_names, draw
from tokensieve.workloads.records import quick_record, radix_record
from tokensieve.workloads.workload import workload_from


def _falling(ratios, base):
    """Return `ratios`, sorted where they are shares of all: those must not grow from layer to layer."""
    return ratios if base == "current" else sorted(ratios, key=float, reverse=True)


@st.composite
def workloads(draw):
    """Any small workload."""
    layers, heads = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    phase = draw(st.sampled_from(["prefill", "decode"]))
    ratio = st.sampled_from(["0.1", "0.25", "0.5", "0.7", "1"])
    base = draw(st.sampled_from(["initial", "current"]))
    tokens, kept_heads = (_falling(draw(st.lists(ratio, min_size=layers, max_size=layers)), base) for _ in range(2))
    schedule = {
        "interpolation": "list",
        "token": ["1", *tokens[1:]] if phase == "prefill" else tokens,
        "head": kept_heads,
        "value": draw(ratio),
        "rounding": draw(st.sampled_from(["floor", "round", "ceil"])),
        "base": base,
        "threshold": "0.1",
        "bits": {"key": draw(st.sampled_from([4, 6, 8, 12]))},
        "progressive": {"prefill": True},
    }
    shape = {"name": "toy", "layers": layers, "heads": heads, "head_dim": 64, "hidden": 64, "ffn": 64}
    length = {"context": draw(st.integers(1, 24))}
    if phase == "decode":
        length = {"prompt": draw(st.integers(1, 24)), "steps": draw(st.integers(1, 3))}
    share = {"lsb_fraction": draw(st.sampled_from(["0", "0.059", "1"]))}
    return workload_from({"model": shape, "phase": phase, "schedule": schedule} | length | share)


@given(workload=workloads(), seed=st.integers(0, 9))
def test_every_workload_completes_to_valid_decisions(workload, seed):
    decisions = complete(workload.counts(), Topk(), seed)

    assert decisions.validate() is decisions


@given(workload=workloads())
def test_kept_sets_shrink_from_layer_to_layer(workload):
    decisions = complete(workload.counts(), Topk(), 0)
    kept = np.diff(decisions.token_ptr).reshape(decisions.steps, decisions.layers)
    heads = decisions.heads_alive.sum(axis=2, dtype=int)

    assert (np.diff(kept, axis=1) <= 0).all()
    assert (np.diff(heads, axis=1) <= 0).all()


@given(workload=workloads(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_the_same_seed_gives_the_same_decisions(workload, seed):
    assert complete(workload.counts(), Topk(), seed).digest == complete(workload.counts(), Topk(), seed).digest


@pytest.mark.parametrize("name", [None, *distribution_names()])
@pytest.mark.parametrize(("score_bits", "first"), [(4, "linear"), (12, "log")])
def test_local_records_are_those_of_the_scores_that_the_rule_names(decode, score_bits, first, name):
    topk = Topk(score_bits=score_bits, first_digit=first)
    completed = complete(counts_of(decode), topk, 3, name)

    for query, (step, layer, head) in enumerate(completed.row_index.tolist()):
        n, k = int(completed.keys_kept[query]), int(completed.values_kept[query])
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([3, step, layer, head, 0])))
        scores = draw(name or "minilm-resampled", n, score_bits, [rng])[0]
        assert completed.records["quick"].local[query].tolist() == quick_record(scores, k, query).tolist()
        radix = radix_record(scores, k, score_bits, 4, first)
        assert completed.records["radix"].local[query].tolist() == radix.tolist()


@pytest.mark.parametrize(
    ("name", "drawn"),
    [(None, "importance-resampled"), ("uniform", "uniform"), ("minilm-resampled", "importance-resampled")],
)
def test_tokens_and_heads_are_ranked_by_sums_of_probabilities_or_by_the_scores_named(decode, name, drawn):
    completed = complete(counts_of(decode), Topk(), 3, name)
    site = {"token": (decode.topk_token_count, 0), "head": (decode.topk_head_count, 1)}

    for which, (count, place) in site.items():
        for group in np.flatnonzero((count[:, 1] > 0) & (count[:, 1] < count[:, 0])).tolist():
            entropy = [3, group // decode.layers, group % decode.layers, decode.heads, place]
            scores = draw(drawn, int(count[group, 0]), 12, [np.random.Generator(np.random.PCG64(entropy))])[0]
            record = quick_record(scores, int(count[group, 1]), group).tolist()
            assert getattr(completed.records["quick"], which)[group].tolist() == record


@pytest.mark.parametrize("name", distribution_names())
def test_the_decisions_name_the_distribution_that_their_records_were_drawn_from(decode, name, tmp_path):
    completed = complete(counts_of(decode), Topk(), 3, name)
    completed.save(tmp_path / "counts.npz")

    assert Decisions.load(tmp_path / "counts.npz").meta["scores"] == name
    assert any(f"drawn from the distribution {name}," in rule for rule in completed.meta["assumed"])


def test_decisions_that_search_nothing_name_no_distribution(decode):
    counts = counts_of(decode)
    whole = replace(counts, keys=counts.context, values=counts.context, token_topk=counts.token_topk * 0 - 1)
    completed = complete(replace(whole, head_topk=whole.head_topk * 0 - 1), Topk(), 3)

    assert "scores" not in completed.meta
    assert not any("drawn from" in rule for rule in completed.meta["assumed"])


def test_an_unknown_distribution_is_refused_with_the_known_ones(decode):
    with pytest.raises(WorkloadError, match=r"must be one of uniform, .*, importance-resampled, got 'unifrm'"):
        complete(counts_of(decode), Topk(), 3, "unifrm")


def test_minilm_s_rows_are_refused_where_a_search_is_longer(decode):
    counts = counts_of(decode)
    longer = replace(counts, context=counts.context + 600, keys=counts.keys + 600)

    with pytest.raises(WorkloadError, match="minilm has rows of at most 512 scores, got n = 6"):
        complete(longer, Topk(), 3, "minilm")


def counts_of(d):
    return Counts(
        phase=d.phase,
        model="toy",
        head_dim=d.head_dim,
        heads=d.heads,
        layers=d.layers,
        steps=d.steps,
        row_index=d.row_index,
        context=d.context,
        keys=d.keys_kept,
        values=d.values_kept,
        lsb_refetch=d.lsb_refetch,
        bits=d.meta["bits"],
        token_topk=d.topk_token_count[:, 1],
        head_topk=d.topk_head_count[:, 1],
    )


def test_kept_ids_are_evenly_spaced(decode):
    context, tokens = int(decode.context[-1]), decode.ragged("token_ids")[-1].tolist()
    values, kept = decode.ragged("value_ids")[len(decode.queries) - 1].tolist(), len(tokens)

    assert tokens == [i * context // kept for i in range(kept)]
    assert values == [tokens[i * kept // len(values)] for i in range(len(values))]


def test_a_selection_that_keeps_more_than_its_layer_has_is_offered_the_context(decode):
    counts = decode.topk_token_count.tolist()

    assert counts == [[-1, -1], [-1, -1], [31, 28], [28, 19], [19, 12], [-1, -1]]
    assert any("offered the whole context" in rule for rule in complete_with_return(decode).meta["assumed"])


def complete_with_return(decode):
    """Two pruned steps, so that the first one's last layer has fewer tokens than the next step begins with."""
    counts = counts_of(decode)
    keys = counts.keys.copy()
    keys[decode.row_index[:, 0] == 0] = 8
    values = np.minimum(counts.values, keys)
    return complete(replace(counts, keys=keys, values=values), Topk(), 0)


def test_a_selection_from_the_context_says_so(decode):
    assert complete_with_return(decode).topk_token_count[2].tolist() == [31, 28]


def test_heads_are_selected_where_their_number_falls(decode):
    assert decode.topk_head_count.tolist() == [[-1, -1], [4, 2], [-1, -1]] * 2
    assert decode.heads_alive[0].tolist() == [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0]]


def test_a_context_above_what_the_engine_takes_is_refused_naming_both(decode):
    with pytest.raises(WorkloadError, match=r"context of 32 tokens is above topk\.max_tokens = 16"):
        complete(counts_of(decode), Topk(max_tokens=16), 0)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_does_not_fit_is_refused(decode, seed):
    with pytest.raises(WorkloadError, match=r"seed must be in 0\.\.4294967295"):
        complete(counts_of(decode), Topk(), seed)


def test_only_the_first_row_of_a_pair_has_a_record_where_pairs_share_their_values(decode):
    counts = replace(counts_of(decode), bits={"query": 16, "key": 6, "value": 6, "lsb": 4}, pair_shares_values=True)
    completed = complete(counts, Topk(), 0)
    lengths = completed.records["quick"].local.lengths

    assert completed.pair_second.tolist() == [bool(h % 2) for h in completed.row_index[:, 2]]
    assert (lengths[completed.pair_second] == 0).all()
    assert (lengths[~completed.pair_second] > 0).all()


def test_what_was_filled_in_is_listed(decode, prefill):
    rules = " ".join(decode.meta["assumed"])

    assert all(word in rules for word in ("PCG64", "token ids", "value ids", "LSBs", "first ones stay alive"))
    assert "value ids" not in " ".join(prefill.meta["assumed"])
