"""`Result`: what a run of any level of fidelity leaves behind (contracts, section 5)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

Number = TypeVar("Number", int, float)

SCHEMA_VERSION = 1
CAUSES = ("compute", "dram_stall", "topk_stall", "softmax_stall", "fill_drain")
"""Exclusive causes of the cycles on the critical path; they sum to `total`."""

TENSORS = ("query", "key_msb", "key_lsb", "value", "output")
UNITS = ("dram", "fetcher", "qk", "softmax", "requant", "topk", "pv", "ranking", "importance")

POWER = {"dram": ("dram", "dram_background"), "sram": ("key_sram", "value_sram")}
"""Units of each share of the power but `compute`, which is everything else on chip, queues and leakage included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerResult:
    """Share of one layer, over all steps."""

    layer: int
    cycles: Mapping[str, int]
    """Critical-path cycles by cause, and `total`."""

    tokens: float
    """Keys alive, mean over steps."""

    heads: float
    """Heads alive, mean over steps."""

    dram_bytes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The un-pruned run on the same machine."""

    kind: str
    cycles: int
    dram_bytes: int
    energy_j: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FcResult:
    """The fully connected layers."""

    macs: int
    weight_bytes: int
    """Bytes that the weights take in DRAM, each counted every time it is needed."""

    dram_bytes: Mapping[str, int]
    """Bytes that cross the DRAM interface: weights, activations_read, activations_written, total."""

    cycles: Mapping[str, int]
    """Cycles by kind of matrix, and `total`."""

    busy_cycles: Mapping[str, int]
    """Cycles that the data bus of DRAM (`dram`) and the multipliers (`arrays`) take by themselves."""

    bound: str
    """What holds them up: dram, compute, or latency where neither of the two is busy for half of the cycles."""

    stream: Mapping[str, float]
    """Steady state of a sequential read stream: bytes_per_cycle, efficiency, spread."""

    actions: Mapping[str, Mapping[str, int]]
    energy_j: Mapping[str, float]
    energy_j_interval: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndToEnd:
    """A whole model's layers: attention and the fully connected layers, one after the other."""

    model: str
    """Name of the model's shape."""

    weight_bits: int
    """Width of a weight in DRAM."""

    mhz: int
    """Clock of the accelerator."""

    attention_cycles: int
    attention_operations: int
    attention_energy_j: float
    fc: FcResult
    reference: Mapping[str, int] | None = None
    """Cycles of the un-pruned model: attention, fc, total; None without reference run."""

    @property
    def total_cycles(self) -> int:
        """Cycles of both parts."""
        return self.attention_cycles + self.fc.cycles["total"]

    @property
    def speedup(self) -> float | None:
        """Speed-up of the whole model over the un-pruned one."""
        return None if self.reference is None else self.reference["total"] / self.total_cycles

    @property
    def fc_operations(self) -> int:
        """Arithmetic operations of the fully connected layers, two per multiply-accumulate."""
        return 2 * self.fc.macs

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object, keys in a fixed order."""
        fc, clock = self.fc, self.mhz * 1e6
        cycles = _parts(self.attention_cycles, fc.cycles["total"])
        return {
            "model": self.model,
            "weight_bits": self.weight_bits,
            **{f"{part}_cycles": n for part, n in cycles.items()},
            **{f"{part}_seconds": n / clock for part, n in cycles.items()},
            "operations": _parts(self.attention_operations, self.fc_operations),
            "energy_j": _parts(self.attention_energy_j, fc.energy_j["total"]),
            "reference": None if self.reference is None else dict(self.reference),
            "speedup": self.speedup,
            "fc": {
                "macs": fc.macs,
                "weight_bytes": fc.weight_bytes,
                "dram_bytes": dict(fc.dram_bytes),
                "cycles": dict(fc.cycles),
                "busy_cycles": dict(fc.busy_cycles),
                "bound": fc.bound,
                "stream": dict(fc.stream),
                "actions": {unit: dict(counts) for unit, counts in fc.actions.items()},
                "energy_j": dict(fc.energy_j),
                "energy_j_interval": list(fc.energy_j_interval),
            },
        }


def _parts(attention: Number, fc: Number) -> dict[str, Number]:
    """Return both parts and their sum."""
    return {"attention": attention, "fc": fc, "total": attention + fc}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Cycles by cause, bytes by tensor, actions by unit, energy, area and where it all came from."""

    level: str
    seconds: float
    cycles: Mapping[str, int]
    busy_cycles: Mapping[str, int]
    layers: tuple[LayerResult, ...]
    vectors: Mapping[str, int]
    lsb_rows: int
    dram_bytes: Mapping[str, int]
    actions: Mapping[str, Mapping[str, int]]
    energy_j: Mapping[str, float]
    energy_j_interval: tuple[float, float]
    area_mm2: Mapping[str, float]
    area_mm2_interval: tuple[float, float]
    operations: Mapping[str, int]
    """Arithmetic operations (2 per multiply-accumulate): `effective` done, `dense_equivalent` asked."""

    utilization: Mapping[str, float]
    bottleneck: str
    reference: Reference | None = None
    end_to_end: EndToEnd | None = None
    """The whole model, where its fully connected layers were asked for."""
    levels: Mapping[str, int] | None = None
    """Cycles of the same run at this level and at another one, where that was asked for."""

    labels: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def power_w(self) -> dict[str, float]:
        """Mean power of compute, SRAM and DRAM, as the paper splits it (Table II), and their `total`."""
        joules = {share: sum(self.energy_j.get(unit, 0.0) for unit in units) for share, units in POWER.items()}
        joules = {"compute": self.energy_j["total"] - sum(joules.values()), **joules, "total": self.energy_j["total"]}
        return {share: one / self.seconds for share, one in joules.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of this result, keys in a fixed order."""
        ref = self.reference
        return {
            "schema_version": SCHEMA_VERSION,
            "level": self.level,
            "seconds": self.seconds,
            "cycles": dict(self.cycles),
            "busy_cycles": dict(self.busy_cycles),
            "layers": [
                {
                    "layer": one.layer,
                    "cycles": dict(one.cycles),
                    "tokens": one.tokens,
                    "heads": one.heads,
                    "dram_bytes": dict(one.dram_bytes),
                }
                for one in self.layers
            ],
            "traffic": {
                "vectors": dict(self.vectors),
                "lsb_rows": self.lsb_rows,
                "dram_bytes": dict(self.dram_bytes),
            },
            "actions": {unit: dict(counts) for unit, counts in self.actions.items()},
            "energy_j": dict(self.energy_j),
            "energy_j_interval": list(self.energy_j_interval),
            "power_w": self.power_w,
            "area_mm2": dict(self.area_mm2),
            "area_mm2_interval": list(self.area_mm2_interval),
            "throughput_gops": {k: v / self.seconds * 1e-9 for k, v in self.operations.items()},
            "utilization": dict(self.utilization),
            "bottleneck": self.bottleneck,
            "reference": None
            if ref is None
            else {"kind": ref.kind, "cycles": ref.cycles, "dram_bytes": ref.dram_bytes, "energy_j": ref.energy_j},
            "speedup": None if ref is None else ref.cycles / self.cycles["total"],
            "dram_reduction": None if ref is None else ratio(ref.dram_bytes, self.dram_bytes["total"]),
            "energy_saving": None if ref is None else ratio(ref.energy_j, self.energy_j["total"]),
            "end_to_end": None if self.end_to_end is None else self.end_to_end.to_dict(),
            "levels": None if self.levels is None else _compared(self.levels),
            "labels": dict(self.labels),
            "provenance": dict(self.provenance),
        }

    def to_json(self) -> str:
        """Return the text of `result.json`."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"


def _compared(levels: Mapping[str, int]) -> dict[str, float]:
    """Return the cycles by level and how far the coarser one (`analytic`) is off, as a share of the finer one."""
    finer = next(cycles for level, cycles in levels.items() if level != "analytic")
    return {**levels, "deviation": levels["analytic"] / finer - 1}


def ratio(a: float, b: float) -> float | None:
    """Return a / b, or None where b is zero."""
    return a / b if b else None
