"""Nothing is free and nothing is above 1, on a sample of `benchmarks/fields.py`."""

import pytest

from tokensieve.arch import Arch
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.sim.cost import area as costs
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.validate.designs import random_designs
from tokensieve.validate.fields import REASONS, effects, variants
from tokensieve.workloads.complete import complete
from tokensieve.workloads.workload import workload_from

MODEL = {"name": "m", "layers": 2, "heads": 2, "head_dim": 64, "hidden": 128, "ffn": 512}
BITS = {"query": 12, "key": 8, "value": 8, "lsb": 4}
WORKLOADS = [
    workload_from({"name": name, "model": MODEL, **rest})
    for name, rest in {
        "decode": {"phase": "decode", "prompt": 300, "steps": 2, "lsb_fraction": 0.3,
                   "schedule": {"interpolation": "list", "token": [0.8, 0.5], "value": 0.3, "threshold": 0.1,
                                "bits": BITS}},
        "prefill": {"phase": "prefill", "context": 48,
                    "schedule": {"interpolation": "list", "token": [1, 0.6], "bits": BITS}},
        "all kept": {"phase": "decode", "prompt": 300, "steps": 1, "schedule": {"bits": BITS}},
    }.items()
]  # fmt: skip
SAMPLE = (
    "dram.window", "fetcher.ports", "converter.plane_bytes", "gather.outstanding", "key_sram.ports", "key_sram.kib",
    "softmax.lanes", "topk.lanes", "requant.queue_rows", "topk.digit_bits", "clock.mhz",
)  # fmt: skip


def test_no_field_of_a_sample_gains_without_losing():
    found = list(effects(Arch(), WORKLOADS, analytic_result, SAMPLE))

    assert [effect for effect in found if effect.free] == []
    assert {effect.field for effect in found} == set(SAMPLE)
    assert any(effect.note.startswith("slack") for effect in found)


def test_a_field_without_another_side_is_found(monkeypatch):
    """As `dram.window` was, before the requests it holds had an area: a wider one gained and cost nothing."""
    monkeypatch.setitem(costs.UNITS, "controller", lambda arch, logic: costs.Cells(costs.ZERO))
    slow = Arch().model_copy(update={"dram": Arch().dram.model_copy(update={"window": 4})})
    wider = next(iter(effects(slow, WORKLOADS, analytic_result, ["dram.window"])))

    assert wider.value == 8
    assert wider.free


@pytest.mark.parametrize(("field", "values"), [("topk.lanes", [32, 8]), ("dram.refresh", [False]),
                                               ("topk.first_digit", ["linear"])])  # fmt: skip
def test_numbers_are_doubled_and_halved_and_choices_changed(field, values):
    assert list(variants(Arch(), field)) == values


def test_every_reason_says_something():
    assert all(len(reason) > 20 for reason in REASONS.values())


@pytest.mark.parametrize(("price", "seed", "count"), [(analytic_result, 11, 20), (cycle_result, 12, 6)])
def test_no_unit_of_random_machines_is_busy_for_longer_than_the_run(price, seed, count):
    for arch in random_designs(count, seed):
        for workload in WORKLOADS:
            result = price(arch, complete(workload.counts(), arch.topk, 0))

            assert max(result.utilization.values()) <= 1, (arch.name, result.utilization)
