"""About what a unit takes of an FPGA, from its parameters alone: what cannot fit is refused before synthesis.

Flip-flops are counted low, so that nothing is refused that would fit: those that keep scores and the pipeline of a
beat. They are compared with those of synthesis in every report.
"""

from dataclasses import dataclass

from tokensieve.arch.datapath import Topk
from tokensieve.arch.errors import TokensieveError
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.rtl.flow.bitstream.devices import DEVICES, Device

_BEATS = 12
"""Registers of a whole beat, at least, between input and output."""

CELLS_PER_FF = 1.3
"""Logic cells for each flip-flop: a typical value, for the time left."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What is needed at least."""

    ff: int
    """Flip-flops."""

    memory_bits: int

    def fits(self, device: Device) -> bool:
        """Return whether `device` has that much."""
        return self.ff <= device.ff and self.memory_bits <= device.bram * device.bram_bits


def estimate(unit: FixedLengthPruner | Topk) -> Estimate:
    """Return about what a fixed-length pruner or a top-k engine takes."""
    lanes = unit.lanes
    if isinstance(unit, FixedLengthPruner):
        search, engines, bits = unit.topk, unit.engine_count, unit.score_bits + unit.id_bits
    else:
        search, engines, bits = unit, 1, unit.score_bits + (unit.max_tokens - 1).bit_length()
    scores = engines * search.max_tokens * search.score_bits
    in_registers = search.engine in ("bitserial", "bitonic")
    kept = search.max_tokens * bits * 2
    return Estimate(
        ff=(scores + engines * search.max_tokens if in_registers else 0) + _BEATS * lanes * bits,
        memory_bits=kept + (0 if in_registers else scores),
    )


def require_fit(name: str, unit: FixedLengthPruner | Topk, device: Device) -> Estimate:
    """Return the estimate of the unit called `name`, or raise `TokensieveError` with what would fit on what."""
    told = estimate(unit)
    if told.fits(device):
        return told
    need, have, what = told.ff, device.ff, "flip-flops"
    if need <= have:
        need, have, what = told.memory_bits, device.bram * device.bram_bits, "bits of memory"
    larger = [one.name for one in DEVICES.values() if told.fits(one)]
    ways = [f"--device {one}" for one in larger] + _smaller(unit, device)
    raise TokensieveError(
        f"--device {device.name} is too small: {name} takes about {need:,} {what} or more, and it has {have:,}"
        + (f"; it would fit with {', or '.join(ways)}" if ways else "")
    )


def _smaller(unit: FixedLengthPruner | Topk, device: Device) -> list[str]:
    """Return the longest sequence that fits: with its own number of engines, and with one engine."""
    found = list[str]()
    for change in ({}, {"engines": 1}) if isinstance(unit, FixedLengthPruner) else ({},):
        tokens = 1 << (unit.max_tokens.bit_length() - 1)
        while tokens >= 2:
            kept = {"keep": min(unit.keep, tokens // 2)} if isinstance(unit, FixedLengthPruner) else {}
            smaller = {"max_tokens": tokens, **kept, **change}
            if estimate(unit.model_validate({**unit.model_dump(), **smaller})).fits(device):
                section = "pruner" if isinstance(unit, FixedLengthPruner) else "topk"
                found.append(" ".join(f"--set {section}.{field}={value}" for field, value in smaller.items()))
                break
            tokens //= 2
    return list(dict.fromkeys(found))
