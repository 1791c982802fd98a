"""Decisions without local value pruning."""

import numpy as np
import pytest

from tokensieve.arch import load_arch
from tokensieve.workloads.benchmarks import find_workload, load_workload
from tokensieve.workloads.complete import complete
from tokensieve.workloads.wholevalues import RULE, prunes_values, with_whole_values

MACHINE = load_arch()


def decode(**schedule):
    steps = find_workload("gpt2-small-wikitext2").model_copy(update={"steps": 2})
    changed = steps.schedule.model_copy(update=schedule)
    return complete(steps.model_copy(update={"schedule": changed}).counts(), MACHINE.topk, 0)


def kept(decisions):
    return {name: array for name, array in decisions.arrays().items() if name != "meta"}


def test_counts_without_values_pruned_are_what_the_schedule_without_them_gives():
    derived, made = with_whole_values(decode()), decode(value=(1,))

    assert kept(derived).keys() == kept(made).keys()
    for name, array in kept(derived).items():
        assert np.array_equal(array, kept(made)[name]), name


def test_a_prefill_keeps_tokens_heads_and_their_selections_and_searches_for_no_value():
    local = load_workload("minilm-values", MACHINE)
    whole = with_whole_values(local)

    assert (prunes_values(local), prunes_values(whole)) == (True, False)
    assert not whole.searches.any()
    for name in ("row_index", "keys_kept", "token_ids", "heads_alive", "topk_token_count"):
        assert np.array_equal(getattr(whole, name), getattr(local, name))
    assert np.array_equal(whole.records["quick"].token.flat, local.records["quick"].token.flat)


@pytest.mark.parametrize(("name", "told"), [("minilm-values", True), ("gpt2-small-ptb", False)])
def test_only_of_a_captured_text_it_is_an_assumption(name, told):
    assert (RULE in with_whole_values(load_workload(name, MACHINE)).meta["assumed"]) is told
