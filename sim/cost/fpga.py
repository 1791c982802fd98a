"""What a machine's top-k engine takes of an ECP5, as figures of a sweep: the model of `arch.fpga_model`.

The machine has two such engines, alike; the figures are those of one. Nothing else of a machine is counted.
"""

from math import nan

from tokensieve.arch import Arch
from tokensieve.arch.errors import ArchError
from tokensieve.arch.fpga_model import estimate

FIGURES = ("lut", "ff", "bram", "dsp", "fmax_mhz", "extrapolated", "fmax_extrapolated")
"""Names of what `fpga_figures` returns, below `fpga.`."""


def fpga_figures(arch: Arch) -> list[float]:
    """Return the figures of an engine by `FIGURES`; NaN where there is no RTL of it.

    `extrapolated` counts the fields that are outside of what was recorded, `fmax_extrapolated` those that are outside
    of what was placed.

    >>> from tokensieve.arch import load_arch
    >>> len(fpga_figures(load_arch("sieve")))
    7
    """
    try:
        one = estimate(arch.topk)
    except ArchError:
        return [nan] * len(FIGURES)
    return [one.lut, one.ff, one.bram, one.dsp, one.fmax_mhz, len(one.extrapolated), len(one.fmax_extrapolated)]
