"""Designs and their figures in words: values as they would follow --set, names, units, changes."""

from collections.abc import Mapping
from typing import Any

from tokensieve.explore.tally import Objective
from tokensieve.report.quantity import digits, prefix, quantity

_WORDS = {
    "seconds": "time",
    "cycles.total": "cycles",
    "area_mm2.total": "area",
    "energy_j.total": "energy",
    "traffic.dram_bytes.total": "DRAM traffic",
    "tokens_per_second": "tokens per second",
    "ms_per_token": "ms per token",
    "joules_per_token": "energy per token",
    "edp_js": "energy-delay product",
    "gops_per_watt": "GOPS/W",
    "gops_per_mm2": "GOPS/mm2",
    "fpga.lut": "LUTs",
    "fpga.ff": "flip-flops",
    "fpga.bram": "block memories",
    "fpga.dsp": "multipliers",
    "fpga.fmax_mhz": "clock on an FPGA",
}
_UNITS = {
    "seconds": "s", "energy_j": "J", "area_mm2": "mm2", "power_w": "W", "traffic": "B", "throughput_gops": "GOPS",
    "joules_per_token": "J", "edp_js": "J s", "tokens_per_second": "tokens/s", "ms_per_token": "ms",
    "reference.energy_j": "J", "reference.dram_bytes": "B", "fpga.fmax_mhz": "MHz",
}  # fmt: skip
_COUNTS = ("traffic.vectors.key", "traffic.vectors.value", "traffic.lsb_rows")
_SCALED = ("s", "J", "W", "B")
"""Units that take an SI prefix."""


def unit(name: str) -> str:
    """Return the unit of a figure; nothing of a count, a ratio and a formula.

    >>> unit("energy_j.total"), unit("traffic.lsb_rows"), unit("seconds * 2")
    ('J', '', '')
    """
    if not name.replace(".", "").replace("_", "").isalnum() or name in _COUNTS:
        return ""
    return _UNITS.get(name, _UNITS.get(name.partition(".")[0], ""))


def scale(name: str, largest: float) -> tuple[float, str]:
    """Return by what a column of a figure is divided, and the unit that it then has.

    >>> scale("seconds", 0.0021), scale("area_mm2.total", 12.1)
    ((0.001, 'ms'), (1.0, 'mm2'))
    """
    own = unit(name)
    if own not in _SCALED:
        return 1.0, own
    factor, letter = prefix(largest)
    return factor, f"{letter}{own}"


def told(name: str, value: float) -> str:
    """Return a figure with its unit.

    >>> told("seconds", 0.0021), told("area_mm2.total", 12.1)
    ('2.1 ms', '12.1 mm2')
    """
    own = unit(name)
    return quantity(value, own) if own in _SCALED else f"{digits(value)} {own}".rstrip()


def word(one: Objective) -> str:
    """Return what an objective is called."""
    return word_of(one.text)


def word_of(name: str) -> str:
    """Return what a figure is called; a formula as it is written."""
    return _WORDS.get(name, name)


def shown(value: Any) -> str:
    """Return the value of a field.

    >>> shown(True), shown(0.25), shown(8)
    ('true', '0.25', '8')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return digits(value) if isinstance(value, float) else str(value)


def design(values: Mapping[str, Any]) -> str:
    """Return values in words, as they would follow --set."""
    return ", ".join(f"{name} {shown(value)}" for name, value in values.items())


def change(new: float, old: float) -> str:
    """Return how far apart two figures are, relative to the old one.

    >>> change(99.6, 100.0)
    '0.4 %'
    """
    return f"{100 * abs(new / old - 1):.1f} %" if old else f"{abs(new - old):.3g}"
