"""A small workload, and changes to its decisions."""

from dataclasses import replace

import pytest

from tokensieve.arch.datapath import Topk
from tokensieve.workloads.complete import complete
from tokensieve.workloads.decisions import WorkRecords
from tokensieve.workloads.workload import workload_from

SHAPE = {"name": "toy", "layers": 3, "heads": 4, "head_dim": 64, "hidden": 256, "ffn": 512}


@pytest.fixture(scope="session")
def decode():
    """Decisions of a decode: 2 steps, 3 layers, 4 heads, all kinds of pruning."""
    schedule = {"interpolation": "list", "token": [0.9, 0.6, 0.4], "head": [1, 1, 0.5], "value": 0.5, "start_step": 1,
                "threshold": 0.1}  # fmt: skip
    data = {"model": SHAPE, "phase": "decode", "prompt": 30, "steps": 2, "schedule": schedule, "lsb_fraction": 0.2}
    return complete(workload_from(data).counts(), Topk(), seed=3)


@pytest.fixture(scope="session")
def prefill():
    """Decisions of a prefill of 20 tokens."""
    schedule = {"interpolation": "list", "token": [1, 0.6, 0.4], "value": 0.5, "bits": {"lsb": 0}}
    data = {"model": SHAPE, "phase": "prefill", "context": 20, "schedule": schedule}
    return complete(workload_from(data).counts(), Topk(), seed=3)


@pytest.fixture
def changed():
    """A function that changes items of an array, or fields of the meta data, of decisions."""

    def change(decisions, name, place, value):
        if name == "meta":
            return replace(decisions, meta={**decisions.meta, place: value})
        if name.startswith(("topk_local", "topk_token", "topk_head")) and not name.endswith("_count"):
            return replace(decisions, records=_changed_records(decisions, name, place, value))
        array = getattr(decisions, name).copy()
        array[place] = value
        return replace(decisions, **{name: array})

    return change


def _changed_records(decisions, name, place, value):
    kind = name.split("_")[2]
    arrays = {n: array.copy() for n, array in decisions.records[kind].arrays(kind).items()}
    arrays[name][place] = value
    return {**decisions.records, kind: WorkRecords.of_arrays(kind, arrays)}
