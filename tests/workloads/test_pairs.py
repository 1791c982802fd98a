"""Counts of keys that A3 and MNNFast look at: the shipped ones, files of them, and where they apply."""

import json

import numpy as np
import pytest

from tokensieve.arch import load_arch
from tokensieve.arch.errors import WorkloadError
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.container import read_arrays, write_arrays
from tokensieve.workloads.pairs import COUNTS, read_pairs, shipped_pairs, taken, write_pairs

SPATTEN = load_arch("spatten")


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("a3_candidates", 0.279),
        ("a3_used", 0.088),
        ("a3_aggressive_candidates", 0.106),
        ("a3_aggressive_used", 0.032),
    ],
)
def test_the_shipped_shares_are_near_those_that_others_measured_on_this_model(name, share):
    """On other texts of 512 tokens, with an implementation that shares nothing with golden's."""
    assert shipped_pairs().share(name) == pytest.approx(share, rel=0.03)


def test_used_keys_are_candidates_in_the_shipped_counts():
    counts = shipped_pairs().counts

    assert shipped_pairs().shape == (6, 12, 512)
    assert (counts["a3_used"] <= counts["a3_candidates"]).all()
    assert (counts["a3_aggressive_used"] <= counts["a3_aggressive_candidates"]).all()


def test_on_the_shipped_trace_the_counts_are_taken_as_they_are():
    trace, keys = load_workload("minilm", SPATTEN), np.full(6 * 12 * 512, 512)
    found = taken(shipped_pairs(), "a3_used", trace, keys)

    assert found.assumed is None
    assert found.counts.tolist() == shipped_pairs().counts["a3_used"].reshape(-1).tolist()


def test_elsewhere_their_share_is_assumed_and_told():
    work = load_workload("bert-base-rte", SPATTEN)
    found = taken(shipped_pairs(), "a3_candidates", work, np.array([64, 64, 1]))

    assert found.counts.tolist() == [18, 18, 1]
    assert found.assumed is not None
    assert found.assumed.startswith("candidates: 28.4% of the keys, as on all-MiniLM-L6-v2")


def test_a_file_reads_back_and_is_the_same_bytes_each_time(tmp_path):
    for name in ("one.npz", "two.npz"):
        write_pairs(tmp_path / name, shipped_pairs())

    back = read_pairs(tmp_path / "one.npz")
    assert back.meta == shipped_pairs().meta
    assert all(np.array_equal(back.counts[name], shipped_pairs().counts[name]) for name in COUNTS)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def meta(text):
    return np.frombuffer(text.encode(), np.uint8)


def of_version(version):
    return meta(json.dumps(shipped_pairs().meta | {"version": version}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a3_used": None}, "array 'a3_used' is missing"),
        ({"a3_used": np.ones((6, 12, 511), np.uint16)}, "a3_used must be uint16 of shape (6, 12, 512)"),
        ({"a3_used": np.ones((6, 12, 512), np.int64)}, "got int64"),
        ({"a3_used": np.zeros((6, 12, 512), np.uint16)}, "a3_used must be in 1..512, got 0 to 0"),
        ({"mnnfast_used": np.full((6, 12, 512), 513, np.uint16)}, "must be in 1..512, got 513 to 513"),
        ({"mnnfast_kept": np.ones(1, np.uint16)}, "unknown array 'mnnfast_kept.npy'"),
        ({"meta": meta("{")}, "meta is not JSON"),
        ({"meta": meta("[]")}, "meta must hold version, model"),
        ({"meta": meta('{"version": 2}')}, "meta must hold version, model"),
        ({"meta": of_version(2)}, "meta must hold version, model, text_sha256, licence, knobs, with version 1"),
        ({"meta": of_version(True)}, "with version 1"),
        ({"meta": of_version(1.0)}, "with version 1"),
    ],
)
def test_a_file_with_something_wrong_is_refused_by_name(change, message, tmp_path):
    path = tmp_path / "pairs.npz"
    write_pairs(path, shipped_pairs())
    arrays = {**read_arrays(path, lambda _: True), **change}
    write_arrays(path, {name: array for name, array in arrays.items() if array is not None})

    with pytest.raises(WorkloadError) as refused:
        read_pairs(path)
    assert message in str(refused.value)
