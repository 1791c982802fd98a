"""The whole machine: one frozen object that drives golden model, simulator and RTL."""

import hashlib
import json
from fractions import Fraction
from math import ceil
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from tokensieve.arch.base import ArchModel
from tokensieve.arch.bitwidth_converter import MSB_WIDTHS, Converter
from tokensieve.arch.datapath import Clock, Control, Importance, MultiplierArray, Number, Requant, Softmax, Topk
from tokensieve.arch.memory import Dram, Fetcher, Sram
from tokensieve.arch.prunerlaw import CascadeLaw, LocalValueLaw
from tokensieve.arch.released import Released
from tokensieve.arch.token_gather import TokenGather


class Arch(ArchModel):
    """A SpAtten-style attention accelerator. Every default is the paper's full design (Table I)."""

    name: Annotated[str, Field(min_length=1, max_length=80)] = "spatten"
    """Name printed in reports."""

    technology: Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]+|.+@[0-9a-f]{16})$")] = "tsmc40"
    """Table of energy and area constants: one that ships (public45, scaled7, tsmc40) or a YAML file."""

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

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.check_together()
        return self

    def check_together(self) -> None:
        """Raise `ValueError` where fields of several groups do not fit one another; groups check themselves."""
        for sram, array in (("key_sram", "qk"), ("value_sram", "pv")):
            kib, line = getattr(self, sram).bytes, self.line_bytes(getattr(self, array))
            if kib < 2 * line:
                raise ValueError(
                    f"{sram}.kib must hold at least two tiles of {line} bytes "
                    f"({array}.multipliers x number.onchip_bits), "
                    f"got {getattr(self, sram).kib} KiB"
                )
        if self.softmax.fifo_lines * self.softmax.lanes < self.topk.max_tokens:
            raise ValueError(
                f"softmax.fifo_lines x softmax.lanes must be at least topk.max_tokens = {self.topk.max_tokens}, "
                f"got {self.softmax.fifo_lines} x {self.softmax.lanes}"
            )
        if self.topk.score_bits < self.softmax.probability_bits:
            raise ValueError(
                f"topk.score_bits must be at least softmax.probability_bits = {self.softmax.probability_bits}, "
                f"got {self.topk.score_bits}"
            )
        if self.number.lsb_bits >= self.number.onchip_bits:
            raise ValueError(
                f"number.lsb_bits must be below number.onchip_bits = {self.number.onchip_bits}, "
                f"got {self.number.lsb_bits}"
            )

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
        pseudo-channels of a channel share both evenly.
        """
        dram, clocks_per_cycle = self.dram, Fraction(1_000_000, self.dram.tCK_ps * self.clock.mhz)
        latency = ceil((dram.nCL + dram.nBL + dram.return_clocks) / clocks_per_cycle) + self.fetcher.return_stages
        places = Fraction(latency + self.gather.law.place_cycles, self.gather.outstanding)
        cycles = max(Fraction(-(-dram.granule_bytes // self.converter.plane_bytes)), places)
        return ceil(dram.pseudo_channels * cycles * clocks_per_cycle)

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
        """What tells machines apart: all fields, but of a technology file its digest alone, wherever it lies."""
        return self.model_dump(mode="json") | {"technology": self.technology.rpartition("@")[2]}

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of `identity`."""
        text = json.dumps(self.identity, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
