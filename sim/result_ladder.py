"""What one text costs on a row of machines and prunings, as `tokensieve ladder --json` prints it."""

from dataclasses import dataclass
from typing import Literal

from tokensieve.sim.result_part import Part

Pruned = Literal["nothing", "tokens and heads", "tokens, heads and values"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung(Part):
    """One machine and pruning."""

    pruned: Pruned
    """What is pruned."""

    arch: str
    """Name of the machine."""

    arch_digest: str
    """SHA-256 of the machine."""

    workload_digest: str
    """SHA-256 of the decisions."""

    cycles: int
    """Cycles."""

    seconds: float
    """Time, in s."""

    energy_j: float
    """Energy, in J."""

    dram_bytes: int
    """Bytes that cross the DRAM interface."""

    speedup: float
    """How many times as fast it is as the first rung, on which nothing is pruned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb(Part):
    """One text on all rungs."""

    text: str
    """Name of the trace or the workload."""

    model: str
    """Model."""

    phase: Literal["prefill", "decode"]
    """Phase."""

    layers: int
    """Layers."""

    heads: int
    """Heads of a layer."""

    tokens: int
    """Longest context, in tokens."""

    steps: int
    """Steps; 1 in prefill."""

    decisions: Literal["captured", "counts"]
    """Whether the decisions were made on real scores or completed from counts alone."""

    assumed: tuple[str, ...]
    """What was filled in by rule or taken without proof, one sentence each."""

    rungs: tuple[Rung, ...]
    """Rungs, nothing pruned first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder(Part):
    """Texts, each on its rungs."""

    climbs: tuple[Climb, ...]
    """One for each text."""

    sets: tuple[str, ...]
    """Fields that were overridden in all machines, NAME=VALUE."""

    seed: int
    """Seed that counts were completed with."""
