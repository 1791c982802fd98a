"""Clocks that a PLL can make of a board's oscillator, and the primitive's parameters for one.

Limits are those of the data sheets: Lattice FPGA-DS-02012 (ECP5, table 3.25), FPGA-DS-02029 and FPGA-DS-02008 (iCE40,
sysCLOCK PLL timing), Gowin DS226 (rPLL, C8/I7).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import ceil

from tokensieve.arch.errors import TokensieveError
from tokensieve.rtl.flow.bitstream.devices import Family

Value = int | str


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One way to set a PLL."""

    mhz: Fraction
    """Its output."""

    vco: Fraction
    """Its oscillator, in MHz."""

    pfd: Fraction
    """Its phase detector, in MHz: the input, divided."""

    parameters: Mapping[str, Value]
    """Dividers as the primitive takes them."""


@dataclass(frozen=True)
class _Limits:
    pfd: tuple[float, float]
    vco: tuple[float, float]
    out: tuple[float, float]


_LIMITS: Mapping[Family, _Limits] = {
    "ecp5": _Limits((10, 400), (400, 800), (3.125, 400)),
    "ice40": _Limits((10, 133), (533, 1066), (16, 275)),
    "gowin": _Limits((3, 500), (500, 1250), (3.90625, 625)),
}
_GOWIN_ODIV = (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)
_FILTERS = ((17, 1), (26, 2), (44, 3), (66, 4), (101, 5))
"""iCE40's loop filter: below each phase detector frequency, in MHz; 6 above them all."""


@cache
def settings(family: Family, clock_mhz: float) -> list[Setting]:
    """Return every setting that a data sheet allows with an input of `clock_mhz`."""
    limits, every = _LIMITS[family], {"ecp5": _ecp5, "ice40": _ice40, "gowin": _gowin}[family]
    return [
        one
        for one in every(Fraction(clock_mhz), limits)
        if _within(one.pfd, limits.pfd) and _within(one.vco, limits.vco) and _within(one.mhz, limits.out)
    ]


def highest(family: Family) -> float:
    """Return the fastest output that a data sheet allows, in MHz."""
    return _LIMITS[family].out[1]


def fastest(
    family: Family, clock_mhz: float, limit_mhz: float, suits: Callable[[float], bool] = lambda mhz: True
) -> Setting:
    """Return the setting with the fastest output that is `limit_mhz` at most, and that `suits`.

    Of those with the same output it is the one with the fastest phase detector, which has the least jitter.
    """
    reachable = [one for one in settings(family, clock_mhz) if one.mhz <= limit_mhz and suits(float(one.mhz))]
    if not reachable:
        least = min(one.mhz for one in settings(family, clock_mhz))
        shown = ceil(least * 1000) / 1000  # rounded up, so that it can be asked for
        raise TokensieveError(
            f"the PLL of {family} makes no clock of {limit_mhz:.2f} MHz or less: its least is {shown:g} MHz, out of "
            f"{clock_mhz:g} MHz"
        )
    return max(reachable, key=lambda one: (one.mhz, one.pfd, -one.vco))


def _within(value: Fraction, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


def _ecp5(clock: Fraction, limits: _Limits) -> Iterator[Setting]:
    """CLKOP is as fast as the phase detector and feeds it; the clock is CLKOS, whose divider is free: finer steps."""
    for refclk in range(1, int(clock / Fraction(limits.pfd[0])) + 1):
        pfd = clock / refclk
        for whole in range(1, int(limits.vco[1] / pfd) + 1):
            for out in range(1, 129):
                dividers = {"CLKI_DIV": refclk, "CLKFB_DIV": 1, "CLKOP_DIV": whole, "CLKOS_DIV": out}
                yield Setting(mhz=pfd * whole / out, vco=pfd * whole, pfd=pfd, parameters=dividers)


def _ice40(clock: Fraction, limits: _Limits) -> Iterator[Setting]:
    for divr in range(min(16, int(clock / Fraction(limits.pfd[0])))):
        pfd = clock / (divr + 1)
        filters = next((number for bound, number in _FILTERS if pfd < bound), 6)
        for divf in range(128):
            vco = pfd * (divf + 1)
            for divq in range(1, 7):
                dividers = {"DIVR": divr, "DIVF": divf, "DIVQ": divq, "FILTER_RANGE": filters}
                yield Setting(mhz=vco / 2**divq, vco=vco, pfd=pfd, parameters=dividers)


def _gowin(clock: Fraction, limits: _Limits) -> Iterator[Setting]:
    for idiv in range(min(64, int(clock / Fraction(limits.pfd[0])))):
        pfd = clock / (idiv + 1)
        for fbdiv in range(64):
            for odiv in _GOWIN_ODIV:
                out = pfd * (fbdiv + 1)
                dividers: dict[str, Value] = {"IDIV_SEL": idiv, "FBDIV_SEL": fbdiv, "ODIV_SEL": odiv}
                dividers["FCLKIN"] = f"{float(clock):g}"
                yield Setting(mhz=out, vco=out * odiv, pfd=pfd, parameters=dividers)
