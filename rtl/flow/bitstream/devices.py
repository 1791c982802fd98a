"""The FPGAs that a bitstream is made for, with what is on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tokensieve.arch.errors import TokensieveError, nearest

Family = Literal["ecp5", "ice40", "gowin"]


@dataclass(frozen=True, kw_only=True)
class Device:
    """One FPGA."""

    name: str
    """As in ``--device``."""

    part: str
    """The maker's name."""

    family: Family
    """Which tools and primitives it takes."""

    lut: int
    """Four-input look-up tables."""

    ff: int
    """Flip-flops of its logic cells."""

    bram: int
    """Block memories."""

    bram_bits: int
    """Bits of one block memory."""

    dsp: int
    """Multipliers of 18 x 18 bit (ECP5, Gowin), or of 16 x 16 bit (iCE40)."""

    goal_mhz: float
    """Clock that place and route is asked for while the reachable one is not known."""

    source: str
    """Where the numbers are from."""

    trusted: bool = True
    """Whether the tool's delays have been compared with the maker's."""


_ECP5 = "Lattice FPGA-DS-02012, table 1.1"
_ICE40_HX = "Lattice FPGA-DS-02029, table 1.1"
_ICE40_UP = "Lattice FPGA-DS-02008, table 1.1"
_GOWIN = "Gowin DS226, table 1-1"


def _ecp5(name: str, part: str, lut: int, bram: int, dsp: int) -> Device:
    return Device(name=name, part=part, family="ecp5", lut=lut, ff=lut, bram=bram, bram_bits=18 * 1024, dsp=dsp,
                  goal_mhz=130.0, source=_ECP5)  # fmt: skip


DEVICES: Mapping[str, Device] = {
    one.name: one
    for one in (
        _ecp5("ecp5-85k", "LFE5U-85F", 83_640, 208, 156),
        _ecp5("ecp5-45k", "LFE5U-45F", 43_848, 108, 72),
        _ecp5("ecp5-25k", "LFE5U-25F", 24_288, 56, 28),
        Device(name="ice40-hx8k", part="iCE40HX8K", family="ice40", lut=7_680, ff=7_680, bram=32, bram_bits=4096,
               dsp=0, goal_mhz=100.0, source=_ICE40_HX),
        Device(name="ice40-up5k", part="iCE40UP5K", family="ice40", lut=5_280, ff=5_280, bram=30, bram_bits=4096,
               dsp=8, goal_mhz=42.0, source=_ICE40_UP),
        Device(name="gw2a-18c", part="GW2AR-18C", family="gowin", lut=20_736, ff=15_552, bram=46,
               bram_bits=18 * 1024, dsp=48, goal_mhz=100.0, source=_GOWIN, trusted=False),
    )
}  # fmt: skip


def find_device(name: str) -> Device:
    """Return the device called `name`, or raise `TokensieveError` with the nearest name."""
    if name not in DEVICES:
        raise TokensieveError(f"--device must be one of {', '.join(DEVICES)}, got {name!r}{nearest(name, DEVICES)}")
    return DEVICES[name]
