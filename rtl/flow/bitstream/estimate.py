"""About what a unit takes of an FPGA, from its parameters alone: what cannot fit is refused before synthesis.

Registers are those of `arch.fpga_structure`, LUTs of a top-k engine on an ECP5 those of `arch.fpga_model`, less what
the model was ever off, so that nothing is refused that would fit. Every report has them beside those of synthesis.
"""

from dataclasses import dataclass

from tokensieve.arch.datapath import Topk
from tokensieve.arch.errors import TokensieveError
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.fpga_model import FpgaEstimate, least
from tokensieve.arch.fpga_model import estimate as modelled
from tokensieve.arch.fpga_structure import SHELL, registers
from tokensieve.rtl.flow.bitstream.devices import DEVICES, Device

_OTHER_LUTS = 2 / 3
"""Least share of an ECP5's LUTs that an engine takes of another family: assumed, so that none is offered in vain."""

CELLS_PER_FF = 1.3
"""Logic cells for each flip-flop: a typical value, for the time left."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What is needed at least."""

    ff: int
    """Flip-flops."""

    memory_bits: int

    model: FpgaEstimate | None = None
    """What the engine takes of an ECP5; None of a unit that no runs were recorded of."""

    def needs(self, device: Device) -> list[tuple[int, int, str]]:
        """Return how many of what are needed of `device`, how many it has, and what they are."""
        found = [
            (self.ff, device.ff, "flip-flops"),
            (self.memory_bits, device.bram * device.bram_bits, "bits of memory"),
        ]
        if self.model is not None:
            luts = least("lut", self.model.lut)
            found.append((luts if device.family == "ecp5" else int(_OTHER_LUTS * luts), device.lut, "LUTs"))
        return found

    def fits(self, device: Device) -> bool:
        """Return whether `device` has that much."""
        return all(need <= have for need, have, _ in self.needs(device))


def estimate(unit: FixedLengthPruner | Topk) -> Estimate:
    """Return about what a fixed-length pruner or a top-k engine takes.

    Of the pruner, ids, host link and what pads sequences are not counted.
    """
    if isinstance(unit, FixedLengthPruner):
        search, engines, bits = unit.topk, unit.engine_count, unit.score_bits + unit.id_bits
    else:
        search, engines, bits = unit, 1, unit.score_bits + (unit.max_tokens - 1).bit_length()
    made = registers(search)
    ff = made[SHELL] + engines * made[search.engine]
    in_memory = 0 if search.engine in ("bitserial", "bitonic") else engines * search.max_tokens * search.score_bits
    return Estimate(
        ff=ff if isinstance(unit, FixedLengthPruner) else least("ff", ff),
        memory_bits=2 * search.max_tokens * bits + in_memory,
        model=None if isinstance(unit, FixedLengthPruner) else modelled(unit),
    )


def require_fit(name: str, unit: FixedLengthPruner | Topk, device: Device) -> Estimate:
    """Return the estimate of the unit called `name`, or raise `TokensieveError` with what would fit on what."""
    told = estimate(unit)
    if told.fits(device):
        return told
    need, have, what = next(one for one in told.needs(device) if one[0] > one[1])
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
