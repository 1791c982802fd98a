"""A whole model on one machine (SpAtten-e2e): attention and fully connected layers."""

import hashlib
import json
from dataclasses import replace
from typing import cast

from tokensieve.arch.machine import Arch
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.fc.layers import check_fc, fc_result
from tokensieve.sim.result import Reference, Result
from tokensieve.sim.result_fc import EndToEnd, WeightBits, by_part
from tokensieve.workloads.benchmarks import CAPTURED, find_workload
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fc import fc_work, find_shape
from tokensieve.workloads.models import ModelShape
from tokensieve.workloads.reference import dense

ASSUMED = (
    "fully connected layers: weights lie in DRAM in the order in which they are used, those of pruned heads left out",
    "fully connected layers: a register behind Q x K adds up the parts of a sum",
    "fully connected layers: normalization, activation functions, residual additions, embedding and vocabulary take no "
    "time",
)
"""What every end-to-end run rests on."""


def end_to_end(arch: Arch, decisions: Decisions, shape: ModelShape, weight_bits: int = 8) -> EndToEnd:
    """Return attention and fully connected layers of `decisions`, taken by a model of `shape`, on `arch`.

    Raises `WorkloadError` where shape and decisions differ and `ArchError` as `check_fc` does.
    """
    return joined(arch, cycle_result(arch, decisions), decisions, shape, weight_bits)


def with_end_to_end(
    arch: Arch, result: Result, decisions: Decisions, shape: ModelShape, weight_bits: int = 8
) -> Result:
    """Return `result`, the attention of `decisions`, with the whole model beside it."""
    whole = joined(arch, result, decisions, shape, weight_bits)
    return replace(
        result,
        end_to_end=replace(whole, reference=_un_pruned(arch, result.reference, decisions, shape, weight_bits)),
        labels={**result.labels, "end_to_end": "modelled"},
        provenance={
            **result.provenance,
            "digest": _digest(result.provenance["digest"], shape, weight_bits),
            "assumed": [*result.provenance["assumed"], *ASSUMED, *_missing(decisions, shape)],
        },
    )


def _un_pruned(
    arch: Arch, attention: Reference | None, decisions: Decisions, shape: ModelShape, weight_bits: int
) -> dict[str, int] | None:
    """Return the cycles of the un-pruned model, given those of its attention."""
    if attention is None:
        return None
    fc = fc_result(arch, fc_work(dense(decisions), shape), weight_bits).cycles["total"]
    return by_part(attention.cycles, fc)


def _digest(attention: str, shape: ModelShape, weight_bits: int) -> str:
    """Return SHA-256 over the digest of the attention alone and what is added to it."""
    content = {"attention": attention, "shape": shape.model_dump(mode="json"), "weight_bits": weight_bits}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _missing(decisions: Decisions, shape: ModelShape) -> list[str]:
    """Return what a trace of a part of a model leaves out, in a sentence."""
    held = (decisions.layers, decisions.heads)
    if held == (shape.layers, shape.heads):
        return []
    return [
        f"fully connected layers: only those of the {held[0]} layers and {held[1]} heads that the decisions hold, "
        f"{shape.name} has {shape.layers} and {shape.heads}"
    ]


def joined(arch: Arch, attention: Result, decisions: Decisions, shape: ModelShape, weight_bits: int) -> EndToEnd:
    """Return the whole model, given the `attention` of `decisions`."""
    return EndToEnd(
        model=shape.name,
        weight_bits=cast(WeightBits, weight_bits),
        mhz=arch.clock.mhz,
        attention_cycles=attention.cycles["total"],
        attention_operations=attention.operations["effective"],
        attention_energy_j=attention.energy_j["total"],
        fc=fc_result(arch, fc_work(decisions, shape), weight_bits),
    )


def check(arch: Arch, decisions: Decisions, shape: ModelShape, weight_bits: int) -> None:
    """Raise `WorkloadError` or `ArchError` where an end-to-end run would, without running anything."""
    fc_work(decisions, shape)
    check_fc(arch, shape, weight_bits)


def shape_of(decisions: Decisions, workload: str | None = None, model: str | None = None) -> ModelShape:
    """Return the shape of the model that `decisions` come from: `model`, or that of the named or described workload."""
    if model is None and workload is not None and workload not in CAPTURED:
        return find_workload(workload).model
    return find_shape(decisions.meta, model)
