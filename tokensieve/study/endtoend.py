"""A whole model on one machine (SpAtten-e2e): attention and fully connected layers."""

from dataclasses import replace

from tokensieve.arch.machine import Arch
from tokensieve.sim.fc import fc_result
from tokensieve.sim.level import cycle_result
from tokensieve.sim.result import EndToEnd, Result
from tokensieve.workloads.benchmarks import SHIPPED, find_workload
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fc import fc_work, find_shape
from tokensieve.workloads.models import ModelShape

ASSUMED = (
    "fully connected layers: weights lie in DRAM in the order in which they are used, those of pruned heads left out",
    "fully connected layers: a register behind Q x K adds up the parts of a sum",
    "fully connected layers: softmax, normalization, activation functions, residual additions, embedding and vocabulary "
    "take no time",
)
"""What every end-to-end run rests on."""


def end_to_end(arch: Arch, decisions: Decisions, shape: ModelShape, weight_bits: int = 8) -> EndToEnd:
    """Return attention and fully connected layers of `decisions`, taken by a model of `shape`, on `arch`.

    Raises `WorkloadError` where shape and decisions differ and `ArchError` for weights of neither 8 nor 12 bits.
    """
    return _joined(arch, cycle_result(arch, decisions), decisions, shape, weight_bits)


def with_end_to_end(
    arch: Arch, result: Result, decisions: Decisions, shape: ModelShape, weight_bits: int = 8
) -> Result:
    """Return `result`, the attention of `decisions`, with the whole model beside it."""
    whole = _joined(arch, result, decisions, shape, weight_bits)
    assumed = [*result.provenance.get("assumed", ()), *ASSUMED]
    return replace(
        result,
        end_to_end=whole,
        labels={**result.labels, "end_to_end": "modelled"},
        provenance={**result.provenance, "assumed": assumed},
    )


def _joined(arch: Arch, attention: Result, decisions: Decisions, shape: ModelShape, weight_bits: int) -> EndToEnd:
    return EndToEnd(
        model=shape.name,
        weight_bits=weight_bits,
        mhz=arch.clock.mhz,
        attention_cycles=attention.cycles["total"],
        attention_operations=attention.operations["effective"],
        attention_energy_j=attention.energy_j["total"],
        fc=fc_result(arch, fc_work(decisions, shape), weight_bits),
    )


def shape_of(decisions: Decisions, workload: str | None = None, model: str | None = None) -> ModelShape:
    """Return the shape of the model that `decisions` come from: `model`, or that of the named or described workload."""
    if model is None and workload is not None and workload != SHIPPED:
        return find_workload(workload).model
    return find_shape(decisions.meta, model)
