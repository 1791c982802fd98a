"""About what a unit takes of an FPGA, from its parameters alone: what cannot fit is refused before synthesis.

A device is refused for the least that a unit may take, so that nothing is refused that would fit, and offered for the
most, so that what is offered does. Every report has the least beside what synthesis took.
"""

from dataclasses import dataclass

from tokensieve.arch.datapath import Topk
from tokensieve.arch.errors import TokensieveError
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.fpga_model import FpgaEstimate, least, most
from tokensieve.arch.fpga_model import estimate as modelled
from tokensieve.arch.fpga_pruner import Bounds, pruner_cells
from tokensieve.arch.fpga_structure import SHELL, registers
from tokensieve.rtl.flow.bitstream.devices import DEVICES, Device, Family

_OTHER_LUTS = (2 / 3, 4 / 3)
"""Least and largest share of an ECP5's LUTs that an engine takes of another family: assumed."""

CELLS_PER_FF = 1.3
"""Logic cells for each flip-flop: a typical value, for the time left."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What is needed of a device of a family."""

    lut: Bounds
    ff: Bounds
    memory_bits: int
    model: FpgaEstimate | None = None
    """What the engine takes of an ECP5; None of a unit that no runs were recorded of."""

    def needs(self, device: Device) -> list[tuple[int, int, str]]:
        """Return how many are needed at least, how many `device` has, and what they are."""
        cells = "logic cells" if device.family == "ice40" else "LUTs"
        return [
            (self.ff.least, device.ff, "flip-flops"),
            (self.lut.least, device.lut, cells),
            (self.memory_bits, device.bram * device.bram_bits, "bits of memory"),
        ]

    def may_fit(self, device: Device) -> bool:
        """Return whether `device` has as many as are needed at least."""
        return all(need <= have for need, have, _ in self.needs(device))

    def fits(self, device: Device) -> bool:
        """Return whether `device` has as many as may be needed."""
        return self.may_fit(device) and self.ff.most <= device.ff and self.lut.most <= device.lut


def estimate(unit: FixedLengthPruner | Topk, family: Family) -> Estimate:
    """Return about what a fixed-length pruner with its host link, or a top-k engine, takes of a family's device."""
    if isinstance(unit, FixedLengthPruner):
        cells = pruner_cells(unit, family)
        return Estimate(lut=cells.lut, ff=cells.ff, memory_bits=cells.memory_bits)
    made, model = registers(unit), modelled(unit)
    ff = made[SHELL] + made[unit.engine]
    few, many = (1.0, 1.0) if family == "ecp5" else _OTHER_LUTS
    in_memory = 0 if unit.engine in ("bitserial", "bitonic") else unit.max_tokens * unit.score_bits
    return Estimate(
        lut=Bounds(least=int(few * least("lut", model.lut)), most=int(many * most("lut", model.lut))),
        ff=Bounds(least=least("ff", ff), most=most("ff", ff)),
        memory_bits=2 * unit.max_tokens * (unit.score_bits + (unit.max_tokens - 1).bit_length()) + in_memory,
        model=model,
    )


def require_fit(name: str, unit: FixedLengthPruner | Topk, device: Device) -> Estimate:
    """Return the estimate of the unit called `name`, or raise `TokensieveError` with what would fit on what."""
    told = estimate(unit, device.family)
    if told.may_fit(device):
        return told
    need, have, what = next(one for one in told.needs(device) if one[0] > one[1])
    raise TokensieveError(
        f"--device {device.name} is too small: {name} takes about {need:,} {what} or more, and it has {have:,}"
        + what_fits(unit, device)
    )


def what_fits(unit: FixedLengthPruner | Topk, device: Device) -> str:
    """Return, as the end of a sentence, the larger devices and the smaller sizes that would fit; maybe nothing."""
    larger = [one for one in DEVICES.values() if one.lut > device.lut and estimate(unit, one.family).fits(one)]
    ways = [f"--device {one.name}" for one in larger] + _smaller(unit, device)
    return f"; it would fit with {', or '.join(ways)}" if ways else ""


def _smaller(unit: FixedLengthPruner | Topk, device: Device) -> list[str]:
    """Return the longest sequence that fits: with its own number of engines, and with one engine."""
    found = list[str]()
    for change in ({}, {"engines": 1}) if isinstance(unit, FixedLengthPruner) else ({},):
        tokens = 1 << (unit.max_tokens.bit_length() - 1)
        while tokens >= 2:
            kept = {"keep": min(unit.keep, tokens // 2)} if isinstance(unit, FixedLengthPruner) else {}
            smaller = {"max_tokens": tokens, **kept, **change}
            if estimate(unit.model_validate({**unit.model_dump(), **smaller}), device.family).fits(device):
                section = "pruner" if isinstance(unit, FixedLengthPruner) else "topk"
                found.append(" ".join(f"--set {section}.{field}={value}" for field, value in smaller.items()))
                break
            tokens //= 2
    return list(dict.fromkeys(found))
