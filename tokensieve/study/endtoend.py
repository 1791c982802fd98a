"""A whole model: attention and fully connected layers on one machine (SpAtten-e2e), and the paper's Table IV beside it."""

from dataclasses import dataclass, replace

from tokensieve.arch.machine import Arch
from tokensieve.sim.fc import fc_result
from tokensieve.sim.level import cycle_result
from tokensieve.sim.result import EndToEnd, Result
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fc import fc_work
from tokensieve.workloads.models import ModelShape


def end_to_end(arch: Arch, decisions: Decisions, shape: ModelShape, weight_bits: int = 8) -> EndToEnd:
    """Return attention and fully connected layers of `decisions`, taken by a model of `shape`, on `arch`."""
    return joined(arch, cycle_result(arch, decisions), decisions, shape, weight_bits)


def joined(arch: Arch, attention: Result, decisions: Decisions, shape: ModelShape, weight_bits: int = 8) -> EndToEnd:
    """Return the same, with the `attention` of `decisions` known."""
    return EndToEnd(
        model=shape.name,
        weight_bits=weight_bits,
        mhz=arch.clock.mhz,
        attention_cycles=attention.cycles["total"],
        attention_operations=attention.operations["effective"],
        attention_energy_j=attention.energy_j["total"],
        fc=fc_result(arch, fc_work(decisions, shape), weight_bits),
    )
