"""A few rows of decisions as a run of their own: valid decisions, which move what those rows move."""

import numpy as np
import pytest

from tokensieve.arch import Arch
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.validate.levels import beginning
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.excerpt import excerpt
from tokensieve.workloads.reference import dense

ARCH = Arch()


def works():
    """Return works of prefill and decode, pruned and not."""
    decode = beginning(load_workload("gpt2-small-wikitext2", ARCH), 2)
    return {
        "prefill": beginning(load_workload("minilm", ARCH), 3),
        "decode": decode,
        "un-pruned": dense(decode, "dense"),
    }


@pytest.mark.parametrize("name", ["prefill", "decode", "un-pruned"])
def test_excerpts_of_all_groups_are_valid_and_move_the_bytes_of_the_run(name):
    decisions = works()[name]
    ends = np.flatnonzero(np.diff(decisions.row_group, append=-1)) + 1
    parts = [excerpt(decisions, begin, end) for begin, end in zip([0, *ends[:-1]], ends, strict=True)]
    valid = [part.validate() for part in parts if name != "un-pruned"]  # a reference names no values

    whole = cycle_result(ARCH, decisions, name == "un-pruned").traffic
    moved = [cycle_result(ARCH, part, name == "un-pruned").traffic for part in parts]
    assert len(valid) in (0, len(ends))
    for tensor, of_run in whole.dram_bytes.items():
        assert sum(one.dram_bytes[tensor] for one in moved) == of_run


def test_an_excerpt_of_a_whole_run_is_that_run():
    decisions = beginning(load_workload("minilm", ARCH), 1)

    assert excerpt(decisions, 0, len(decisions.queries)).digest == decisions.digest


def test_a_part_of_a_group_has_its_own_heads_and_searches():
    decisions = works()["decode"]

    part = excerpt(decisions, 3, 7)

    assert part.row_index[:, 2].tolist() == decisions.row_index[3:7, 2].tolist()
    assert np.flatnonzero(part.heads_alive[0, 0]).tolist() == part.row_index[:, 2].tolist()
    assert part.values_kept.tolist() == decisions.values_kept[3:7].tolist()
    for kind, one in part.records.items():
        assert [a.tolist() for a in one.local] == [a.tolist() for a in list(decisions.records[kind].local)[3:7]]
