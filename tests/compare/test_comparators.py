"""A machine beside others on the same work."""

import pytest

from tokensieve.arch import load_arch
from tokensieve.arch.device import find_device
from tokensieve.arch.errors import ArchError, WorkloadError
from tokensieve.compare.machines import COMPARATORS, compare
from tokensieve.run.simulate import run
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.pairs import shipped_pairs

EIGHTH = load_arch("spatten-eighth")
SENTENCE = load_workload("bert-base-sst2", EIGHTH)


def test_all_are_asked_for_the_work_that_a_run_calls_dense():
    told = compare(EIGHTH, SENTENCE, COMPARATORS)
    result = run(EIGHTH, SENTENCE)

    assert {one.operations for one in (told.ours, *told.others)} == {result.operations["dense_equivalent"]}
    assert [one.name for one in told.others] == list(COMPARATORS)


def test_the_machine_itself_and_its_reference_are_those_of_a_run():
    told, result = compare(EIGHTH, SENTENCE, ["dense"]), run(EIGHTH, SENTENCE)
    (dense,) = told.others

    assert told.ours.cycles == result.cycles["total"]
    assert (dense.cycles, dense.dram_bytes) == (result.reference.cycles, result.reference.dram_bytes)
    assert told.speedup(dense) == pytest.approx(result.to_dict()["speedup"])
    assert told.energy_saving(dense) == pytest.approx(result.to_dict()["energy_saving"])


def test_a_narrower_reference_moves_less_and_does_the_same():
    narrow, wide = compare(EIGHTH, SENTENCE, ["dense-int8", "fp32"]).others

    assert 4 * narrow.dram_bytes == wide.dram_bytes
    assert narrow.cycles <= wide.cycles


def test_shares_of_another_model_are_assumed_and_counts_of_this_text_are_not():
    elsewhere = compare(EIGHTH, SENTENCE, ["a3", "mnnfast", "dense"]).others
    here = compare(EIGHTH, load_workload("minilm", EIGHTH), ["a3", "mnnfast"]).others

    assert [one.label for one in elsewhere] == ["assumed", "assumed", "modelled"]
    assert [one.label for one in here] == ["modelled", "modelled"]
    assert any("28.4% of the keys" in note for note in elsewhere[0].notes)


def test_a3_takes_its_search_and_its_candidates_from_the_counts_of_the_text():
    """Half of 512 keys are steps; a query with more candidates than that costs those."""
    trace = load_workload("minilm", EIGHTH)
    (a3,) = compare(EIGHTH, trace, ["a3"]).others
    candidates = shipped_pairs().counts["a3_candidates"].astype(int)

    assert a3.busy_cycles["queries"] == candidates.clip(min=256).sum()


def test_a_decode_leaves_a3_its_base_design():
    steps = load_workload("gpt2-small-wikitext2", EIGHTH)
    (a3,) = compare(EIGHTH, steps, ["a3"]).others

    assert any("base design" in note for note in a3.notes)
    assert not any("sorted copy" in note for note in a3.notes)
    assert a3.dram_bytes > compare(EIGHTH, steps, ["mnnfast"]).others[0].dram_bytes


def test_a_device_has_a_time_and_neither_energy_nor_area():
    told = compare(EIGHTH, SENTENCE, (), [find_device("titan-xp")]).to_dict()["rows"][1]

    assert told["name"] == "titan-xp roofline"
    assert told["seconds"] > 0
    assert [told[name] for name in ("cycles", "energy_j", "area_mm2", "gop_per_j", "energy_saving")] == [None] * 5


def test_names_twice_are_run_once_and_unknown_ones_refused():
    assert len(compare(EIGHTH, SENTENCE, ["mnnfast", "mnnfast"]).others) == 1
    with pytest.raises(ArchError, match=r"against must be of a3, .*, got 'mnfast'; did you mean 'mnnfast'"):
        compare(EIGHTH, SENTENCE, ["mnfast"])


def test_work_that_does_not_fit_the_machine_is_refused():
    small = load_arch("spatten-eighth", ["topk.max_tokens=16"])
    with pytest.raises(WorkloadError, match=r"the context of 25 tokens is above topk\.max_tokens = 16"):
        compare(small, SENTENCE, ["a3"])


def test_the_same_inputs_give_the_same_object():
    assert compare(EIGHTH, SENTENCE).to_dict() == compare(EIGHTH, SENTENCE).to_dict()
