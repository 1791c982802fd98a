from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import WorkloadError
from tokensieve.arch.datapath import Topk
from tokensieve.workloads.builder import DecisionsBuilder
from tokensieve.workloads.complete import complete
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.layout import ARRAYS, VALUE_LIST
from tokensieve.workloads.meta import make_meta
from tokensieve.workloads.ragged import Ragged
from tokensieve.workloads.workload import workload_from


def test_the_fields_of_decisions_are_the_arrays_of_the_layout():
    assert {f.name for f in fields(Decisions)} == {*ARRAYS, "meta", "records", "token_text", VALUE_LIST}


@given(
    st.integers(1, 5),
    st.integers(1, 20),
    st.sampled_from([4, 6, 8]),
    st.text(max_size=3).filter(lambda t: "\0" not in t),
)
def test_what_is_saved_is_loaded(tmp_path_factory, layers, context, bits, word):
    path = tmp_path_factory.mktemp("round") / "d.npz"
    shape = {"name": "toy", "layers": layers, "heads": 2, "head_dim": 64, "hidden": 64, "ffn": 64}
    schedule = {"interpolation": "ltp", "token": 0.5, "value": "2/3", "bits": {"key": bits}}
    data = {"model": shape, "phase": "prefill", "context": context, "schedule": schedule}
    decisions = complete(workload_from(data).counts(), Topk(), 0)
    text = None if word.encode("utf-8", "ignore").decode() != word else (word, *["x"] * (context - 1))
    decisions = replace(decisions, token_text=text)

    decisions.save(path)
    loaded = Decisions.load(path)

    assert loaded.digest == decisions.digest
    assert loaded.meta == decisions.meta
    assert loaded.token_text == text
    arrays = decisions.number_arrays()

    assert loaded.number_arrays().keys() == arrays.keys()
    assert all(np.array_equal(loaded.number_arrays()[name], array) for name, array in arrays.items())


def test_the_same_decisions_are_the_same_bytes(decode, tmp_path):
    decode.save(tmp_path / "a.npz")
    Decisions.load(tmp_path / "a.npz").save(tmp_path / "b.npz")

    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_a_file_that_cannot_be_written_leaves_nothing_behind(decode, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(WorkloadError, match="cannot be written"):
        decode.save(tmp_path / "taken")
    with pytest.raises(WorkloadError, match="cannot be written"):
        decode.save(tmp_path / "absent" / "d.npz")

    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_a_digest_sees_every_array_and_the_meta_data(decode, changed):
    others = [
        changed(decode, "context", 0, 99),
        changed(decode, "lsb_refetch", 0, 2),
        changed(decode, "meta", "model", "x"),
    ]

    assert len({decode.digest, *(other.digest for other in others)}) == 4


def test_arrays_cannot_be_written_to(decode):
    with pytest.raises(ValueError, match="read-only"):
        decode.context[0] = 1


@pytest.mark.parametrize(
    ("name", "place", "value", "message"),
    [
        ("context", 0, 40, r"context\[3\] must be the same for all rows of a step|context\[0\]"),
        ("context", slice(None), 1_100_000, r"context\[0\] must be in 1\.\.1048576"),
        ("keys_kept", 0, 0, r"keys_kept\[0\] must be in 1\.\.context = 31, got 0$"),
        ("keys_kept", 0, 9, r"keys_kept\[0\] must be the same for all rows of a layer"),
        ("queries", 2, 2, r"queries\[2\] must be 1 in decode, got 2$"),
        ("query_ptr", 1, 3, r"query_ptr\[1\] must not be above the next entry"),
        ("query_ptr", 0, 1, r"query_ptr\[0\] must be 0"),
        ("query_ptr", -1, 7, r"query_ptr"),
        ("values_kept", 5, 99, r"values_kept\[5\] must be in 0\.\.keys_kept = 31, got 99$"),
        ("values_kept", 5, 3, r"value_ptr\[5\] must step by values_kept"),
        ("lsb_refetch", 0, 3, r"lsb_refetch\[0\] must be 0, 1 or 2, got 3$"),
        ("value_ids", 0, -1, r"value_ids\[0\] must be a token id"),
        ("value_ids", 1, 0, r"value_ids\[0\] must be below the next id of its query"),
        ("token_ids", 0, 99, r"token_ids\[0\] must be in 0\.\.context-1 with a context of 31, got 99$"),
        ("token_ids", 1, 0, r"token_ids\[0\] must be below the next id of its layer"),
        ("heads_alive", (0, 0, 3), 0, r"heads_alive\[0, 0, 3\] comes back to life"),
        ("heads_alive", (0, 2), 0, r"heads_alive\[0, 2\] must have a live head"),
        ("heads_alive", (0, 2, 1), 0, r"row_index must have a row per live head"),
        ("heads_alive", (0, 0, 0), 2, r"heads_alive\[0, 0, 0\] must be 0 or 1, got 2$"),
        ("row_index", (3, 2), 2, r"row_index\[3, 2\] must name the live heads .*, here 3, got 2$"),
        ("topk_local_quick", 0, 30, r"topk_local_quick \(record\)\[0\] must begin with n, .*, 31, got 30$"),
        ("topk_local_radix", 0, 32, r"topk_local_radix \(record\)\[0\] must not begin above n"),
        ("topk_local_radix", 0, 0, r"topk_local_radix\[0\] must be at least 1"),
        (
            "topk_local_quick",
            1,
            31,
            r"topk_local_quick\[0\] must be above the next size of its record, got 31, then 31$",
        ),
        ("topk_token_count", (3, 1), 18, r"topk_token_count\[3\] must keep as many as the next layer"),
        ("topk_token_count", (3, 0), 30, r"topk_token_quick \(record\)\[1\] must begin with n"),
        ("topk_token_count", (0, 0), 31, r"topk_token_count\[0\] must be \(-1, -1\) or n >= 1 .*, got 31, -1$"),
        ("topk_head_count", (1, 1), 1, r"topk_head_count\[1\] must keep as many as the next layer"),
        ("token_ptr", -1, 3, r"token_ptr"),
    ],
)
def test_a_broken_rule_is_named_with_its_array(decode, changed, name, place, value, message):
    with pytest.raises(WorkloadError, match=f"decisions: {message}"):
        changed(decode, name, place, value).validate()


def test_only_a_radix_search_may_stream_as_many_scores_again(decode):
    """A digit that all scores share splits nothing; a pivot always leaves itself out."""
    for kind, holds in (("radix", True), ("quick", False)):
        records = decode.records[kind]
        at = int(np.argmax(records.local.lengths >= 2))
        flat, begin = records.local.flat.copy(), int(records.local.ptr[at])
        flat[begin + 1] = flat[begin]
        same = replace(records, local=Ragged(flat, records.local.ptr))
        changed = replace(decode, records={**decode.records, kind: same})

        assert records.local.lengths[at] >= 2
        if holds:
            changed.validate()
        else:
            with pytest.raises(WorkloadError, match="must be above the next size of its record"):
                changed.validate()


def test_ids_pruned_in_the_layer_before_are_refused_in_captured_decisions(decode, changed):
    with pytest.raises(WorkloadError, match=r"token_ids\[\d+\] was pruned in the layer before"):
        changed(changed(decode, "meta", "scores", None), "meta", "source", "captured").validate()


def test_value_ids_must_be_kept_tokens(decode, changed):
    tokens, first = set(decode.ragged("token_ids")[5].tolist()), int(decode.value_ptr[-2])
    absent = next(i for i in range(32) if i not in tokens and i > decode.value_ids[-2])

    with pytest.raises(WorkloadError, match=rf"value_ids\[{len(decode.value_ids) - 1}\] must be among token_ids"):
        changed(decode, "value_ids", -1, absent).validate()
    assert first < len(decode.value_ids)


def test_value_ids_are_refused_in_prefill(prefill, decode):
    with pytest.raises(WorkloadError, match=r"value_ids must be empty in prefill|value_ptr"):
        replace(prefill, value_ids=decode.value_ids).validate()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("version", 1, "meta.* version must be one of 2"),
        ("phase", "both", "phase must be one of prefill, decode"),
        ("D", 0, r"D must be in 1\.\.4096"),
        ("D", 64.5, "D must be a whole number"),
        ("steps", "2", "steps must be a whole number"),
        ("model", 5, "model must be a string"),
        ("charge_io", 1, "charge_io must be true or false"),
        ("threshold", 2, r"threshold must be in 0\.\.1, got 2"),
        ("records", {"quik": "x"}, "meta.records must be of the kinds radix, quick, got 'quik'; did you mean 'quick'"),
        ("records", {"quick": 8}, "records.quick must be a string, got 8"),
        ("records", {"quick": "x"}, "records must be of the kinds that meta.records names, quick, got radix, quick"),
        ("text_sha256", "abc", "text_sha256 (is invalid|must be a string)"),
        ("bits", {}, "meta.bits must have the keys query, key, value, lsb, got none"),
        ("bits", {"query": 12}, "meta.bits must have the keys query, key, value, lsb"),
        ("bits", {"query": 12, "key": 7, "value": 8, "lsb": 4}, r"meta\.bits\.key .* got 7"),
        ("bits", {"query": 12, "key": [8, 8], "value": 8, "lsb": 4}, r"meta\.bits\.key .* got 2 widths for 20 rows"),
        (
            "bits",
            {"query": 12, "key": 8, "value": 8, "lsb": 0},
            r"lsb_refetch\[\d+\] must be 0 where meta\.bits\.lsb is 0",
        ),
        ("surprise", 1, "surprise is not a known field"),
        ("schedule", {"x": object()}, "meta cannot be written as JSON"),
    ],
)
def test_meta_data_is_checked(decode, changed, name, value, message):
    with pytest.raises(WorkloadError, match=message):
        changed(decode, "meta", name, value).validate()


def test_missing_meta_data_is_named(decode):
    meta = {k: v for k, v in decode.meta.items() if k != "licence"}

    with pytest.raises(WorkloadError, match="licence is required"):
        replace(decode, meta=meta).validate()


def test_a_prefill_of_several_steps_is_refused(prefill, changed):
    with pytest.raises(WorkloadError, match=r"meta\.steps must be 1 in prefill, got 2"):
        changed(prefill, "meta", "steps", 2).validate()


@pytest.mark.parametrize("array", [np.zeros((20, 1), np.int32), np.zeros(20, np.int64), np.zeros(20)])
def test_types_and_dimensions_are_checked(decode, array):
    with pytest.raises(WorkloadError, match="context must be int32 with 1 dimension, got"):
        replace(decode, context=array).validate()


def test_shapes_are_checked(decode):
    with pytest.raises(WorkloadError, match=r"context must have shape \(20,\), got \(19,\)"):
        replace(decode, context=decode.context[1:]).validate()


@pytest.mark.parametrize(("words", "message"), [(("a",), "at least 32 tokens, got 1"), (("a\0",) * 32, "no NUL")])
def test_token_texts_are_checked(decode, words, message):
    with pytest.raises(WorkloadError, match=f"token_text must .*{message}"):
        replace(decode, token_text=words).validate()


def test_widths_may_differ_from_row_to_row(decode):
    keys = [6, 8] * 10
    mixed = replace(decode, meta={**decode.meta, "bits": {"query": 12, "key": keys, "value": 8, "lsb": 4}})

    assert mixed.validate().key_bits.tolist() == keys
    assert not mixed.pair_second.any()


def test_an_odd_last_head_has_no_partner(decode):
    six = replace(decode, meta={**decode.meta, "bits": {"query": 12, "key": 6, "value": 6, "lsb": 4}})

    assert six.pair_second.tolist() == [False, True, False, True, False, True, False, True, False, True] * 2


def builder():
    meta = make_meta(phase="prefill", model="toy", D=64, heads=2, layers=1, steps=1, topk=Topk())
    return DecisionsBuilder(meta)


def test_a_builder_takes_lists_in_three_forms():
    b = builder()
    b.set_tokens(0, 0, [0, 1, 2])
    records = [[3, 1], [3], [3, 2]]
    b.add_row(0, 0, 0, context=3, values_kept=[1, 1, 1], records={"radix": [[1]] * 3, "quick": records})
    b.add_row(
        0, 0, 1, context=3, values_kept=[1, 1, 3], records={"radix": [[1], [1], []], "quick": Ragged.of([[3], [3], []])}
    )
    built = b.build()
    local = built.records["quick"].local

    assert [r.tolist() for r in local] == [*records, [3], [3], []]
    assert built.query_ptr.tolist() == [0, 3, 6]
    assert Ragged.unpad(local.padded()).flat.tolist() == local.flat.tolist()


def test_a_builder_names_what_is_missing():
    with pytest.raises(WorkloadError, match="token_ids of step 0, layer 0 were never set"):
        builder().build()
    with pytest.raises(WorkloadError, match="topk_local_quick must have one list per query, 2, got 1"):
        builder().add_row(0, 0, 0, context=3, values_kept=[1, 1], records={"quick": [[3]]})


def test_a_builder_refuses_rows_outside_the_model():
    b = builder()
    b.set_tokens(0, 0, [0])
    b.add_row(0, 0, 2, context=1, values_kept=[1])

    with pytest.raises(WorkloadError, match="row_index must lie within steps, layers, heads"):
        b.build()
