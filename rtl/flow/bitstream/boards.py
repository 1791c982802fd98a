"""The boards that a bitstream is made for: which pins the clock, the link and the headers have.

Pins of most boards come from amaranth-boards, which is asked when a board is built for and not before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from tokensieve.arch.errors import TokensieveError, nearest
from tokensieve.rtl.flow import tools
from tokensieve.rtl.flow.bitstream.devices import Device


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One pin of a package."""

    site: str
    """Its place: a ball or a number."""

    where: str
    """What a person finds it by: a header's contact, or the part at its other end."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    """Attributes of its buffer."""


@dataclass(frozen=True, kw_only=True)
class Pins:
    """Pins of a board that a design may use."""

    clock: Pin
    """Oscillator."""

    rx: Pin
    """UART, from the host."""

    tx: Pin
    """UART, to the host."""

    header: Sequence[Pin]
    """Free pins on headers, in order: of the parallel link."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board as it can be bought."""

    name: str
    """As in ``--board``."""

    title: str
    """Its own name."""

    device: str
    """FPGA that it carries."""

    clock_mhz: float
    """Oscillator."""

    package: Sequence[str]
    """What place and route is told of part and package."""

    pll_pad: bool = False
    """iCE40: whether the oscillator is at the PLL's own pad, so that the PLL takes it from there."""

    program: str
    """Command that loads ``{file}``, printed and never run."""

    udev: str
    """Rule with which a user may do so without being root, printed and never written."""

    source: str
    """Where its pins are from."""

    pins: Callable[[], Pins]
    """Returns its pins."""


def _ulx3s(size: str) -> Board:
    return Board(
        name=f"ulx3s-{size.lower()}f", title=f"Radiona ULX3S {size}F", device=f"ecp5-{size.lower()}k", clock_mhz=25.0,
        package=(f"--{size.lower()}k", "--package", "CABGA381", "--speed", "6"),
        program="openFPGALoader -b ulx3s {file}", udev=_udev("6015"),
        source="amaranth-boards, ulx3s", pins=lambda: _from_amaranth("ulx3s", f"ULX3S_{size}F_Platform", "clk25"),
    )  # fmt: skip


def _udev(product: str) -> str:
    return f'SUBSYSTEM=="usb", ATTRS{{idVendor}}=="0403", ATTRS{{idProduct}}=="{product}", TAG+="uaccess"'


def _tang_nano_20k() -> Pins:
    """Pins as in LiteX-Boards, ``sipeed_tang_nano_20k.py``; of the headers those that no other part of it has."""
    plain = {"IO_TYPE": "LVCMOS33"}
    j5 = "- - - 76 - 42 41 56 54 51 48 55 49 86 - - - 72 71 - -"
    j6 = "- 73 74 75 - 77 - - 27 28 - - 29 30 31 - - - - - -"
    sites = [(f"J{header} {place}", site) for header, row in ((5, j5), (6, j6)) for place, site in _contacts(row)]
    return Pins(
        clock=Pin(site="4", where="clk27", attributes=plain),
        rx=Pin(site="70", where="USB serial, from the host", attributes=plain),
        tx=Pin(site="69", where="USB serial, to the host", attributes=plain),
        header=[Pin(site=site, where=where, attributes=plain) for where, site in sites],
    )


def _contacts(row: str) -> Iterator[tuple[int, str]]:
    """Yield the contacts of a header that have a pin, numbered from 1."""
    yield from ((place, site) for place, site in enumerate(row.split(), 1) if site != "-")


BOARDS: Mapping[str, Board] = {
    one.name: one
    for one in (
        _ulx3s("85"),
        _ulx3s("45"),
        _ulx3s("25"),
        Board(
            name="ice40-hx8k-b-evn", title="Lattice iCE40-HX8K Breakout", device="ice40-hx8k", clock_mhz=12.0,
            package=("--hx8k", "--package", "ct256"), program="iceprog -S {file}", udev=_udev("6010"),
            source="amaranth-boards, ice40_hx8k_b_evn",
            pins=lambda: _from_amaranth("ice40_hx8k_b_evn", "ICE40HX8KBEVNPlatform", "clk12"),
        ),
        Board(
            name="icebreaker", title="1BitSquared iCEBreaker", device="ice40-up5k", clock_mhz=12.0,
            package=("--up5k", "--package", "sg48"), pll_pad=True, program="iceprog {file}", udev=_udev("6010"),
            source="amaranth-boards, icebreaker",
            pins=lambda: _from_amaranth("icebreaker", "ICEBreakerPlatform", "clk12"),
        ),
        Board(
            name="tang-nano-20k", title="Sipeed Tang Nano 20K", device="gw2a-18c", clock_mhz=27.0,
            package=("--device", "GW2AR-LV18QN88C8/I7", "--vopt", "family=GW2A-18C"),
            program="openFPGALoader -b tangnano20k {file}", udev=_udev("6010"),
            source="our own file, after LiteX-Boards, sipeed_tang_nano_20k", pins=_tang_nano_20k,
        ),
    )
}  # fmt: skip


def find_board(name: str | None, device: Device) -> Board:
    """Return the board called `name`, or the first one with `device`.

    Raises `TokensieveError` with the nearest name, of boards with `device` first, or the boards that carry `device`,
    where it does not.
    """
    with_device = [board.name for board in BOARDS.values() if board.device == device.name]
    if name is None:
        return BOARDS[with_device[0]]
    if name not in BOARDS:
        hint = nearest(name, with_device) or nearest(name, BOARDS)
        raise TokensieveError(f"--board must be one of {', '.join(BOARDS)}, got {name!r}{hint}")
    if name not in with_device:
        fits = " or ".join(with_device)
        raise TokensieveError(
            f"--board {name} carries {BOARDS[name].device}, not {device.name}: take --device {BOARDS[name].device}, "
            f"or --board {fits}"
        )
    return BOARDS[name]


def _from_amaranth(module: str, platform: str, clock: str) -> Pins:
    """Return the pins that a platform of amaranth-boards names."""
    tools.version_of("amaranth-boards", "fpga")
    told = getattr(import_module(f"amaranth_boards.{module}"), platform)
    named = {resource.name: resource for resource in reversed(told.resources)}
    uart = {one.name: one for one in named["uart"].ios}
    shared = _attributes(named["uart"])
    return Pins(
        clock=_pin(named[clock], clock, {}),
        rx=_pin(uart["rx"], "USB serial, from the host", shared),
        tx=_pin(uart["tx"], "USB serial, to the host", {k: v for k, v in shared.items() if "PULL" not in k}),
        header=list(_header(told, shared)),
    )


def _pin(resource: Any, where: str, attributes: Mapping[str, str]) -> Pin:
    return Pin(site=resource.ios[0].names[0], where=where, attributes={**attributes, **_attributes(resource)})


def _attributes(resource: Any) -> dict[str, str]:
    return {key: str(value) for key, value in resource.attrs.items() if key != "GLOBAL"}


def _header(platform: Any, attributes: Mapping[str, str]) -> Iterator[Pin]:
    """Yield the pins of all connectors that no other part of the board has."""
    taken = set(_sites(platform.resources))
    for connector in platform.connectors:
        for contact, site in connector.mapping.items():
            if site not in taken:
                plain = {key: value for key, value in attributes.items() if "PULL" not in key}
                yield Pin(site=site, where=f"{connector.name}{connector.number} {contact}", attributes=plain)


def _sites(resources: Sequence[Any]) -> Iterator[str]:
    for resource in resources:
        for part in resource.ios:
            if hasattr(part, "ios"):
                yield from _sites([part])
            else:
                yield from getattr(part, "names", ())
