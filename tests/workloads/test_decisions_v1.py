"""Files of decisions in version 1, which named the rule of each kind of work record in a field of its own."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tokensieve.arch import WorkloadError, load_arch
from tokensieve.workloads.container import read_arrays, write_arrays
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.traces import load_trace


@pytest.fixture
def in_version_1(decode, tmp_path):
    """A function that writes the decode decisions as version 1, with meta data changed (... removes a field)."""

    def write(**changes):
        path = tmp_path / "old.npz"
        decode.save(path)
        arrays = read_arrays(path, lambda name: True)
        meta = json.loads(arrays["meta"].tobytes())
        records = meta.pop("records")
        del meta["scores"]
        meta |= {"version": 1, "digit_rule": records["radix"], "pivot_rule": records["quick"]} | changes
        text = json.dumps({name: value for name, value in meta.items() if value is not ...})
        write_arrays(path, {**arrays, "meta": np.frombuffer(text.encode(), np.uint8)})
        return path

    return write


def unnamed(decisions):
    """Return decisions that do not name the distribution of their scores, as version 1 did not."""
    return replace(decisions, meta={name: value for name, value in decisions.meta.items() if name != "scores"})


def test_a_file_of_version_1_holds_the_same_decisions(decode, in_version_1):
    assert Decisions.load(in_version_1()).digest == unnamed(decode).digest


def test_decisions_of_version_1_are_saved_in_version_2(decode, in_version_1, tmp_path):
    Decisions.load(in_version_1()).save(tmp_path / "new.npz")
    unnamed(decode).save(tmp_path / "same.npz")

    assert (tmp_path / "new.npz").read_bytes() == (tmp_path / "same.npz").read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pivot_rule": "median"}, "decisions: meta.pivot_rule must be 'xorshift16 command_seed=1"),
        ({"pivot_rule": ...}, "decisions: meta: pivot_rule is required"),
        ({"records": {}}, "decisions: meta: records is not a known field"),
        ({"licence": ...}, "decisions: meta: licence is required"),
        ({"heads": 0}, r"decisions: meta: heads must be in 1\.\."),
    ],
)
def test_meta_data_of_version_1_keep_their_rules(in_version_1, changes, message):
    with pytest.raises(WorkloadError, match=rf"old\.npz: {message}"):
        Decisions.load(in_version_1(**changes))


def test_a_file_of_version_1_has_the_records_of_both_engines(in_version_1):
    path = in_version_1()
    arrays = read_arrays(path, lambda name: True)
    del arrays["topk_head_radix"]
    write_arrays(path, arrays)

    with pytest.raises(WorkloadError, match="the array 'topk_head_radix' is missing"):
        Decisions.load(path)


def test_another_digit_rule_is_refused_by_the_engine_that_reads_it(in_version_1):
    path = in_version_1(digit_rule="radix digit_bits=2 first_digit=log")

    assert load_trace(path, load_arch())
    with pytest.raises(WorkloadError, match="the digit rule of its work records is 'radix digit_bits=2"):
        load_trace(path, load_arch(sets=["topk.engine=radix"]))
