"""`Result`: what one run cost, as an object and as `result.json` (contracts, section 5).

Each field and property here is a key of the JSON object. The JSON Schema, the reference page, the labels and `to_dict`
are all read from these classes, so a key stands nowhere else (docs/how-to/add-a-result-field.md).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypedDict

from tokensieve.sim.result_advice import Advice
from tokensieve.sim.result_fc import EndToEnd
from tokensieve.sim.result_keys import (
    Actions,
    BusyCycles,
    ByCause,
    ByTensor,
    Interval,
    Joules,
    Levels,
    Power,
    Provenance,
    SquareMillimetres,
    Throughput,
    Vectors,
)
from tokensieve.sim.result_part import Figure, Hidden, Name, Part
from tokensieve.workloads.reference import Kind

Version = Literal[1]
SCHEMA_VERSION: Version = 1

Level = Literal["analytic", "cycle", "rtl"]
Label = Literal["modelled", "verified", "measured", "assumed"]

POWER = {"dram": ("dram", "dram_background"), "sram": ("key_sram", "value_sram")}
"""Units of each share of the power except `compute`, which is all else on chip, queues and leakage included."""

CAUSES = tuple(name for name in ByCause.__annotations__ if name != "total")
"""Exclusive causes of the cycles on the critical path; they sum to `total`."""

TENSORS = tuple(name for name in ByTensor.__annotations__ if name != "total")

Cycles = Annotated[Mapping[str, int], ByCause]
DramBytes = Annotated[Mapping[str, int], ByTensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerResult(Part):
    """One layer."""

    layer: int
    """Number of the layer, from 0."""

    cycles: Cycles
    """Cycles of the layer on the critical path, by cause."""

    tokens: float
    """Keys alive, mean over the steps."""

    heads: float
    """Heads alive, mean over the steps."""

    dram_bytes: DramBytes
    """Bytes that cross the DRAM interface for the layer, by tensor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic(Part):
    """Data that was moved."""

    vectors: Annotated[Mapping[str, int], Vectors]
    """Vectors of K and V that were fetched, without the rounding to whole lines."""

    lsb_rows: int
    """Rows (live heads) whose low bits were fetched, each counted once."""

    dram_bytes: DramBytes
    """Bytes that cross the DRAM interface, by tensor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference(Part):
    """The un-pruned run on the same machine."""

    kind: Kind
    """`dense`: K and V at the on-chip width in one pass. `dense-int8`: 8 bits. `fp32`: 32 bits."""

    cycles: int
    """Its cycles."""

    dram_bytes: int
    """Its DRAM traffic, in bytes."""

    energy_j: float
    """Its energy, in J."""

    layer_cycles: tuple[Annotated[int, "Cycles of one layer."], ...]
    """Its cycles on the critical path by layer, in order."""

    layer_dram_bytes: tuple[Annotated[int, "Bytes of one layer."], ...]
    """Its DRAM traffic by layer, in bytes, in order."""


class Counted(TypedDict):
    """Keys of a result that each level of fidelity counts for itself."""

    busy_cycles: BusyCycles
    traffic: Traffic
    actions: Actions


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Part):
    """What one run cost: cycles by cause, bytes by tensor, actions by unit, energy and area."""

    @property
    def schema_version(self) -> Version:
        """Version of this format."""
        return SCHEMA_VERSION

    level: Level
    """Level of fidelity that made the figures."""

    seconds: Figure[float]
    """Time that the accelerator takes, cycles.total at its clock, in s."""

    cycles: Figure[Cycles]
    """Accelerator cycles on the critical path, by cause. The causes exclude one another."""

    busy_cycles: Figure[BusyCycles]
    """Cycles in which each unit works."""

    layers: Figure[tuple[LayerResult, ...]]
    """Share of each layer, over all steps, in order."""

    traffic: Figure[Traffic]
    """Data that was moved."""

    actions: Figure[Actions]
    """Actions of each unit, by name."""

    energy_j: Figure[Joules]
    """Energy of each unit and its sum, `total`, in J."""

    energy_j_interval: Figure[Interval]
    """Lowest and highest total energy within the uncertainties of the constants, in J."""

    @property
    def power_w(self) -> Figure[Annotated[Mapping[str, float], Power]]:
        """Mean power, energy over time, split as the paper does (Table II), in W."""
        joules = {share: sum(self.energy_j.get(unit, 0.0) for unit in units) for share, units in POWER.items()}
        joules = {"compute": self.energy_j["total"] - sum(joules.values()), **joules, "total": self.energy_j["total"]}
        return {share: one / self.seconds for share, one in joules.items()}

    area_mm2: Figure[SquareMillimetres]
    """Area of each unit and its sum, `total`, in mm2."""

    area_mm2_interval: Figure[Interval]
    """Lowest and highest total area within the uncertainties of the constants, in mm2."""

    operations: Hidden[Mapping[str, int]]
    """Arithmetic operations, two per multiply-accumulate: `effective` done, `dense_equivalent` un-pruned."""

    @property
    def throughput_gops(self) -> Figure[Annotated[Mapping[str, float], Throughput]]:
        """Arithmetic rate, two operations per multiply-accumulate, in 10^9 operations per s."""
        return {name: number / self.seconds * 1e-9 for name, number in self.operations.items()}

    utilization: Figure[Mapping[Name, Annotated[float, "Busy cycles of the unit divided by the total cycles."]]]
    """Busy cycles of each unit divided by the total cycles, 0 to 1."""

    bottleneck: str
    """Unit that sets the pace: the one behind the largest cause of `cycles`. `pipeline`, for its latency, only where no
    unit is busy for as long as the pipeline fills and drains."""

    advice: Figure[Advice | None] = None
    """What would make the attention of the run faster. Null with --no-advice."""

    reference: Figure[Reference | None] = None
    """The un-pruned run on the same machine. Null without reference."""

    @property
    def speedup(self) -> Figure[float | None]:
        """reference.cycles / cycles.total. Null without reference."""
        return None if self.reference is None else self.reference.cycles / self.cycles["total"]

    @property
    def dram_reduction(self) -> Figure[float | None]:
        """reference.dram_bytes / traffic.dram_bytes.total. Null without reference."""
        moved = self.traffic.dram_bytes["total"]
        return None if self.reference is None else ratio(self.reference.dram_bytes, moved)

    @property
    def energy_saving(self) -> Figure[float | None]:
        """reference.energy_j / energy_j.total. Null without reference."""
        return None if self.reference is None else ratio(self.reference.energy_j, self.energy_j["total"])

    end_to_end: EndToEnd | None = None
    """The whole model, with --end-to-end; else null."""

    level_cycles: Hidden[Mapping[str, int] | None] = None
    """Cycles of the run at this level and at another, `analytic` first."""

    @property
    def levels(self) -> Annotated[Mapping[str, float], Levels] | None:
        """Cycles of the run at two levels of fidelity (`--confirm`). Null where not asked for."""
        if self.level_cycles is None:
            return None
        analytic, finer = self.level_cycles.values()
        return {**self.level_cycles, "deviation": analytic / finer - 1}

    inert: Mapping[str, str] = field(default_factory=dict)
    """Fields of the machine that had no effect on cycles, bytes or the energy of an action, under their dotted names,
    and why. Some still take area."""

    labels: Mapping[str, Label] = field(default_factory=dict)
    """How each number was obtained, under its dotted name; the name of a group labels all below it. `modelled`: by the
    simulator. `verified`: by a law that a test compares with the RTL. `measured`: on a tool or a board. `assumed`: a
    constant or a rule that nobody checked."""

    provenance: Annotated[Mapping[str, Any], Provenance] = field(default_factory=dict)
    """Where the figures came from: versions, digests, seed and times."""

    def to_json(self) -> str:
        """Return the text of `result.json`."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"


def ratio(a: float, b: float) -> float | None:
    """Return a / b, or None where b is zero."""
    return a / b if b else None
