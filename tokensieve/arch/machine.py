"""The whole machine: one frozen object that drives golden model, simulator and RTL."""

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, model_validator

from tokensieve.arch.base import ArchModel, Name
from tokensieve.arch.bitwidth_converter import MSB_WIDTHS, Converter
from tokensieve.arch.datapath import Clock, Control, Importance, MultiplierArray, Number, Requant, Softmax, Topk
from tokensieve.arch.errors import ArchError
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.memory import Dram, Fetcher, Sram
from tokensieve.arch.primitives import Primitives
from tokensieve.arch.prunerlaw import CascadeLaw, LocalValueLaw
from tokensieve.arch.quantity import at_least
from tokensieve.arch.released import Released
from tokensieve.arch.token_gather import TokenGather

ALONE = ("pruner", "primitives")
"""Groups of units that stand alone, and fields: hardware reads them, and nothing that prices a machine does."""

_LANES = tuple(1 << bit for bit in range(11))
"""Lanes that a softmax can have."""


class Arch(ArchModel):
    """A SpAtten-style attention accelerator. Every default is the paper's full design (Table I)."""

    name: Name = "spatten"
    """Name printed in reports."""

    technology: Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]+|.+@[0-9a-f]{16})$")] = "tsmc40"
    """Table of energy and area constants: one that ships (public45, scaled7, tsmc40) or a YAML file."""

    primitives: Primitives = "generic"
    """Cells of the top-k engines' block memories in Verilog: generic, whatever synthesis infers; ecp5 and ice40, that
    family's by name, on an ECP5 with the register in them. No cycle and no answer depends on it."""

    clock: Clock = Clock()
    """Accelerator clock."""

    number: Number = Number()
    """Number formats."""

    dram: Dram = Dram()
    """DRAM stack."""

    fetcher: Fetcher = Fetcher()
    """Q/K/V fetcher and crossbars."""

    converter: Converter = Converter()
    """Bitwidth converters, one behind each channel."""

    key_sram: Sram = Sram()
    """On-chip memory of K."""

    value_sram: Sram = Sram()
    """On-chip memory of V."""

    qk: MultiplierArray = MultiplierArray()
    """Q x K array."""

    softmax: Softmax = Softmax()
    """Softmax."""

    requant: Requant = Requant()
    """Progressive-quantization decision."""

    topk: Topk = Topk()
    """Top-k engines."""

    gather: TokenGather = TokenGather()
    """Token gather."""

    pv: MultiplierArray = MultiplierArray(accumulate_stages=1)
    """Prob x V array."""

    importance: Importance = Importance()
    """Importance accumulators."""

    control: Control = Control()
    """Order of heads and layers."""

    released: Released = Released()
    """Queues of the authors' RTL."""

    pruner: FixedLengthPruner = FixedLengthPruner()
    """Fixed-length pruner, which stands alone."""

    @model_validator(mode="before")
    @classmethod
    def _sums_follow(cls, data: Any) -> Any:
        """Give the importance accumulators the lanes of the softmax where they have none of their own."""
        if not isinstance(data, dict):
            return data
        softmax, sums = (data.get(name, {}) for name in ("softmax", "importance"))
        lanes = softmax.get("lanes") if isinstance(softmax, dict) else getattr(softmax, "lanes", None)
        if lanes not in _LANES or not isinstance(sums, dict) or "lanes" in sums:
            return data
        return data | {"importance": sums | {"lanes": lanes}}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for rule in RULES:
            if not rule.holds(self):
                raise ValueError(rule.words(self))
        return self

    def require_run(self) -> None:
        """Raise `ArchError` where units that stand alone are fine, and the machine that holds them is not."""
        for rule in RUN_RULES:
            if not rule.holds(self):
                raise ArchError(rule.words(self))

    def line_bytes(self, array: MultiplierArray) -> int:
        """Return the bytes of one line of the SRAM in front of `array`."""
        return array.multipliers * self.number.onchip_bits // 8

    @property
    def key_lines(self) -> int:
        """Lines that the K SRAM holds."""
        return self.key_sram.bytes // self.line_bytes(self.qk)

    @property
    def value_lines(self) -> int:
        """Lines that the V SRAM holds."""
        return self.value_sram.bytes // self.line_bytes(self.pv)

    @property
    def read_clocks(self) -> int:
        """Clocks between two reads of a pseudo-channel that the units behind its channel keep up with.

        The converter takes `converter.plane_bytes` of a granule in a cycle. The token gather has `gather.outstanding`
        places, each of which a granule holds from its read command until it is taken out of the queue. The
        pseudo-channels of a channel share both evenly. Arithmetic in whole numbers, rounded up; `clock.mhz` may be an
        array.
        """
        dram, second, pace = self.dram, 1_000_000, self.dram.tCK_ps * self.clock.mhz  # second / pace clocks a cycle
        latency = -(-(dram.nCL + dram.nBL + dram.return_clocks) * pace // second) + self.fetcher.return_stages
        held, places = latency + self.gather.law.place_cycles, self.gather.outstanding
        converter = -(-dram.granule_bytes // self.converter.plane_bytes)
        gather = -(-dram.pseudo_channels * held * second // (places * pace))
        return at_least(-(-dram.pseudo_channels * converter * second // pace), gather)

    @property
    def column_clocks(self) -> tuple[int, int]:
        """Clocks between two column commands of a pseudo-channel: in other bank groups, and in the same one."""
        return max(self.dram.nCCD_S, self.read_clocks), max(self.dram.nCCD_L, self.read_clocks)

    @property
    def paced_dram(self) -> Dram:
        """DRAM with column commands no faster than the units behind a channel take their data."""
        short, long = self.column_clocks
        return self.dram.model_copy(update={"nCCD_S": short, "nCCD_L": long})

    @property
    def kept_beats(self) -> int:
        """Beats of `topk.lanes` kept probabilities that may wait for their values: `topk.queue_lines`, recounted."""
        return max(2, self.topk.queue_lines * self.softmax.lanes // self.topk.lanes)

    @property
    def local_value_law(self) -> LocalValueLaw:
        """Cycle law of the local value pruner: a top-k engine, then the queue's memory, written and read."""
        return LocalValueLaw(topk=self.topk.law, queue_latency=2)

    @property
    def cascade_law(self) -> CascadeLaw:
        """Cycle law of the cascade pruner: accumulators and a top-k engine, one after the other."""
        return CascadeLaw(topk=self.topk.law, sums=self.importance.law(self.topk))

    @property
    def max_vector_elements(self) -> int:
        """Most elements of a vector that is fetched: one of `gather.max_row_bytes` in the narrowest plane."""
        return 8 * self.gather.max_row_bytes // MSB_WIDTHS[0]

    @property
    def peak_tflops(self) -> float:
        """Peak arithmetic rate of both arrays, two operations per multiplier and cycle, in TFLOPS."""
        return 2 * (self.qk.multipliers + self.pv.multipliers) * self.clock.mhz * 1e-6

    @property
    def identity(self) -> dict[str, Any]:
        """What tells machines apart: all fields but `primitives`, which change none of its figures and answers.

        Of a technology file its digest alone counts, wherever it lies.
        """
        fields = self.model_dump(mode="json", exclude={"primitives"}) | {"pruner": self.pruner.identity}
        return fields | {"technology": self.technology_identity(self.technology)}

    @staticmethod
    def technology_identity(technology: str) -> str:
        """Return what tells a technology apart: its name if it ships, or the digest of a file."""
        return technology.rpartition("@")[2]

    @property
    def canonical(self) -> str:
        """Canonical JSON of `identity`: keys sorted, no spaces."""
        return json.dumps(self.identity, sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """SHA-256 over `canonical`; `arch.digests` has it for machines that are not built."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()


class Rule(NamedTuple):
    """A rule that ties fields of several groups together."""

    holds: Callable[[Arch], bool]
    """Whether a machine keeps it; arithmetic only, so that fields may be arrays of numbers."""

    words: Callable[[Arch], str]
    """What is wrong with one that does not."""


def _tiles(arch: Arch, sram: str, array: str) -> str:
    return (
        f"{sram}.kib must hold at least two tiles of {arch.line_bytes(getattr(arch, array))} bytes "
        f"({array}.multipliers x number.onchip_bits), got {getattr(arch, sram).kib} KiB"
    )


RULES = (
    Rule(lambda a: a.key_sram.bytes >= 2 * a.line_bytes(a.qk), lambda a: _tiles(a, "key_sram", "qk")),
    Rule(lambda a: a.value_sram.bytes >= 2 * a.line_bytes(a.pv), lambda a: _tiles(a, "value_sram", "pv")),
    Rule(
        lambda a: a.softmax.fifo_lines * a.softmax.lanes >= a.topk.max_tokens,
        lambda a: (
            f"softmax.fifo_lines x softmax.lanes must be at least topk.max_tokens = {a.topk.max_tokens}, "
            f"got {a.softmax.fifo_lines} x {a.softmax.lanes}"
        ),
    ),
    Rule(
        lambda a: a.number.lsb_bits < a.number.onchip_bits,
        lambda a: f"number.lsb_bits must be below number.onchip_bits = {a.number.onchip_bits}, got {a.number.lsb_bits}",
    ),
)
"""What `Arch` asks of fields of different groups, in the order in which it is asked."""

RUN_RULES = (
    Rule(
        lambda a: a.topk.score_bits >= a.softmax.probability_bits,
        lambda a: (
            f"topk.score_bits must be at least softmax.probability_bits = {a.softmax.probability_bits}, "
            f"got {a.topk.score_bits}"
        ),
    ),
)
"""What is asked besides of a machine that runs, and of a unit in which a top-k engine selects probabilities."""
