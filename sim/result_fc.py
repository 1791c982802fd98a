"""`EndToEnd` and `FcResult`: a whole model's layers, in a result whose run was asked for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from tokensieve.sim.result_keys import Actions, ByMatrix, ByPart, FcBusy, FcTraffic, Interval, Joules, Number, Stream
from tokensieve.sim.result_part import Hidden, Part

WeightBits = Literal[8, 12]
Bound = Literal["dram", "compute", "latency"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FcResult(Part):
    """The fully connected layers."""

    macs: int
    """Multiply-accumulates."""

    weight_bytes: int
    """Bytes of the weights, once for each layer and step that uses them."""

    dram_bytes: Annotated[Mapping[str, int], FcTraffic]
    """Bytes that cross the DRAM interface."""

    cycles: Annotated[Mapping[str, int], ByMatrix]
    """Cycles, by kind of matrix."""

    busy_cycles: Annotated[Mapping[str, int], FcBusy]
    """Cycles that each would take if it never waited."""

    bound: Bound
    """Which of the two is busier; `latency` where neither is busy for half of the cycles."""

    stream: Annotated[Mapping[str, float], Stream]
    """Steady state of a sequential read stream, measured on the DRAM model."""

    actions: Actions
    """Actions of each unit, by name."""

    energy_j: Joules
    """Energy of each unit and its sum, `total`, in J."""

    energy_j_interval: Interval
    """Lowest and highest energy within the uncertainties of the constants, in J."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndToEnd(Part):
    """Attention and the fully connected layers, one after the other."""

    model: str
    """Shape of the model."""

    weight_bits: WeightBits
    """Width of a weight in DRAM."""

    mhz: Hidden[int]
    """Clock of the accelerator."""

    attention_operations: Hidden[int]
    attention_energy_j: Hidden[float]

    attention_cycles: int
    """Attention, in cycles."""

    @property
    def fc_cycles(self) -> int:
        """Fully connected layers, in cycles."""
        return self.fc.cycles["total"]

    @property
    def total_cycles(self) -> int:
        """Both, in cycles."""
        return self.attention_cycles + self.fc_cycles

    @property
    def attention_seconds(self) -> float:
        """Attention, in s."""
        return self._seconds(self.attention_cycles)

    @property
    def fc_seconds(self) -> float:
        """Fully connected layers, in s."""
        return self._seconds(self.fc_cycles)

    @property
    def total_seconds(self) -> float:
        """Both, in s."""
        return self._seconds(self.total_cycles)

    @property
    def operations(self) -> Annotated[Mapping[str, int], ByPart[int]]:
        """Arithmetic operations, two per multiply-accumulate."""
        return by_part(self.attention_operations, 2 * self.fc.macs)

    @property
    def energy_j(self) -> Annotated[Mapping[str, float], ByPart[float]]:
        """Energy, in J."""
        return by_part(self.attention_energy_j, self.fc.energy_j["total"])

    reference: Annotated[Mapping[str, int], ByPart[int]] | None = None
    """The un-pruned model, in cycles. Null without reference."""

    @property
    def speedup(self) -> float | None:
        """total_cycles of the reference over those of this run. Null without reference."""
        return None if self.reference is None else self.reference["total"] / self.total_cycles

    fc: FcResult
    """The fully connected layers."""

    def _seconds(self, cycles: int) -> float:
        return cycles / (self.mhz * 1e6)


def by_part(attention: Number, fc: Number) -> dict[str, Number]:
    """Return both parts and their sum."""
    return {"attention": attention, "fc": fc, "total": attention + fc}
