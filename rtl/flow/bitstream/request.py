"""What a user asks for, checked before anything takes time: unit, device, board, size, tools."""

from collections.abc import Mapping
from dataclasses import dataclass

from tokensieve.arch.errors import TokensieveError
from tokensieve.arch.machine import Arch
from tokensieve.arch.primitives import PRIMITIVES
from tokensieve.rtl.flow.bitstream.boards import Board, find_board
from tokensieve.rtl.flow.bitstream.build import Plan
from tokensieve.rtl.flow.bitstream.devices import Device, find_device
from tokensieve.rtl.flow.bitstream.estimate import CELLS_PER_FF, Estimate, require_fit, what_fits
from tokensieve.rtl.flow.bitstream.pll import fastest, highest
from tokensieve.rtl.flow.bitstream.toolchain import toolchain
from tokensieve.rtl.flow.bitstream.units import Link, Unit, find_unit, makes_bits

_BIT_CYCLES = 4
"""Clock cycles of a UART's bit, at least."""

_MOST_CYCLES = 1 << 16
"""And at most."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A bitstream that somebody wants, by names."""

    unit: str
    arch: Arch
    device: str
    board: str | None
    """None: the usual one of the device."""

    link: Link
    baud: int
    """Bits a second of a UART."""

    seeds: int
    clock_mhz: float | None
    """None: the fastest clock that is met."""

    native: bool
    """Tools on PATH before those of Python packages."""

    netlist_only: bool = False
    """It is not placed: Yosys alone has to be there."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that can be met, as far as can be told."""

    plan: Plan
    unit: Unit
    arch: Arch
    port: Link
    link: str
    """The port in words."""

    estimate: Estimate
    baud: int

    def throughput(self, clock_mhz: float, fmax_mhz: float) -> Mapping[str, float]:
        """Return sequences per second at the PLL's clock, and those that the unit alone would do at Fmax."""
        at_clock = self.unit.throughput(self.port, clock_mhz * 1e6 / self.baud, clock_mhz)
        return {**at_clock, "at_fmax": at_clock["compute"] * fmax_mhz / clock_mhz} if at_clock else {}


def asked(request: Request) -> Asked:
    """Return what is to be built, or raise `TokensieveError` for what cannot be, with what could."""
    device = find_device(request.device)
    board = find_board(request.board, device)
    unit = find_unit(request.unit, request.arch)
    told = require_fit(unit.name, unit.section, device)
    if request.arch.primitives not in ("generic", device.family):
        fits = f"generic or {device.family}" if device.family in PRIMITIVES else "generic"
        raise TokensieveError(f"primitives must be {fits} for --device {device.name}, got {request.arch.primitives}")
    if not unit.linked and request.link != "uart":
        raise TokensieveError(f"--link is for units with a host link: {unit.name} stands between shift registers")
    uart = unit.linked and request.link == "uart"
    _require_clock(request, device, board, uart)
    chain = toolchain(device.family, request.native, netlist_only=request.netlist_only)
    plan = Plan(
        make=lambda mhz: unit.make(request.link, mhz * 1e6 / request.baud), pins=unit.pins(request.link),
        device=device, board=board, chain=chain, seeds=request.seeds,
        suits=lambda mhz: not uart or makes_bits(mhz * 1e6 / request.baud), instead=what_fits(unit.section, device),
        clock_mhz=request.clock_mhz, cells=round(told.ff.least * CELLS_PER_FF), primitives=request.arch.primitives,
        engine=unit.section.engine,
    )  # fmt: skip
    words = {"uart": f"UART, {request.baud:,} baud", "parallel": "parallel, 8 bits"}
    link = words[request.link] if unit.linked else "none, shift registers stand for it"
    return Asked(
        plan=plan,
        unit=unit,
        arch=request.arch,
        port=request.link,
        link=link,
        estimate=told,
        baud=request.baud,
    )


def _require_clock(request: Request, device: Device, board: Board, uart: bool) -> None:
    """Raise `TokensieveError` for a clock that no PLL makes, or a rate that no divider makes of the clock."""
    asked, baud = request.clock_mhz, request.baud
    if asked is not None and asked > highest(device.family):
        raise TokensieveError(f"--clock must be at most {highest(device.family):g} for {device.name}, got {asked:g}")
    made = float(fastest(device.family, board.clock_mhz, asked or device.goal_mhz).mhz)
    if not uart:
        return
    most = int((asked or device.goal_mhz / 2) * 1e6) // _BIT_CYCLES
    if baud > most:
        raise TokensieveError(f"--baud must be at most {most} with the clocks of {device.name}, got {baud}")
    least = -(-int(made * 1e6) // _MOST_CYCLES)
    if baud < least:
        raise TokensieveError(f"--baud must be at least {least} with a clock of {made:.2f} MHz, got {baud}")
    cycles = made * 1e6 / baud
    if asked is not None and not makes_bits(cycles):
        near = [int(made * 1e6 / whole) for whole in {int(cycles), int(cycles) + 1} if whole >= _BIT_CYCLES]
        raise TokensieveError(
            f"--baud must be what a divider makes of {made:.2f} MHz, within 2 %, for instance "
            f"{' or '.join(map(str, sorted(near)))}, got {baud}"
        )
