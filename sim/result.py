"""`Result`: what a run of any level of fidelity leaves behind (contracts, section 5)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCHEMA_VERSION = 1
CAUSES = ("compute", "dram_stall", "topk_stall", "softmax_stall", "fill_drain")
"""Exclusive causes of the cycles on the critical path; they sum to `total`."""

TENSORS = ("query", "key_msb", "key_lsb", "value", "output")
UNITS = ("dram", "fetcher", "qk", "softmax", "requant", "topk", "pv", "ranking", "importance")


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
    operations: Mapping[str, int]
    """Arithmetic operations (2 per multiply-accumulate): `effective` done, `dense_equivalent` asked."""

    utilization: Mapping[str, float]
    bottleneck: str
    reference: Reference | None = None
    levels: Mapping[str, int] | None = None
    """Cycles of the same run at this level and at another one, where that was asked for."""

    labels: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

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
            "area_mm2": dict(self.area_mm2),
            "throughput_gops": {k: v / self.seconds * 1e-9 for k, v in self.operations.items()},
            "utilization": dict(self.utilization),
            "bottleneck": self.bottleneck,
            "reference": None
            if ref is None
            else {"kind": ref.kind, "cycles": ref.cycles, "dram_bytes": ref.dram_bytes, "energy_j": ref.energy_j},
            "speedup": None if ref is None else ref.cycles / self.cycles["total"],
            "dram_reduction": None if ref is None else ratio(ref.dram_bytes, self.dram_bytes["total"]),
            "energy_saving": None if ref is None else ratio(ref.energy_j, self.energy_j["total"]),
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
