"""Which wire of the design is on which pin: for a board's link, and as each family's tools want it written."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from amaranth.lib import wiring

from tokensieve.arch.errors import TokensieveError
from tokensieve.rtl.flow.bitstream.boards import Board, Pin
from tokensieve.rtl.flow.bitstream.devices import Family
from tokensieve.rtl.flow.bitstream.top import CLOCK, wires


@dataclass(frozen=True, kw_only=True)
class Wire:
    """A wire of the design on a pin."""

    name: str
    kind: str
    """What it is to timing: ``clock``, ``asynchronous input`` or ``output``."""

    pin: Pin


def wiring_of(signature: wiring.Signature, board: Board) -> list[Wire]:
    """Return all wires of a design on `board`: the clock, ``rx`` and ``tx`` on the UART, all others on the headers.

    `signature` has the design's pins. Every input is asynchronous: a host has a clock of its own.
    """
    pins = board.pins()
    own, header = {"rx": pins.rx, "tx": pins.tx}, iter(pins.header)
    found = [Wire(name=CLOCK, kind="clock", pin=pins.clock)]
    for name, comes in wires(signature):
        pin = own.get(name) or next(header, None)
        if pin is None:
            raise TokensieveError(f"--board {board.name} has {len(pins.header)} free pins, too few for --link parallel")
        found.append(Wire(name=name, kind="asynchronous input" if comes else "output", pin=pin))
    return found


def constraints(family: Family, wires: Sequence[Wire], clock_mhz: float) -> str:
    """Return the file of constraints: LPF (ECP5), PCF (iCE40) or CST (Gowin)."""
    write: Mapping[Family, Callable[[Wire], Iterable[str]]] = {"ecp5": _lpf, "ice40": _pcf, "gowin": _cst}
    lines = [line for wire in wires for line in write[family](wire)]
    if family == "ecp5":
        lines.append(f'FREQUENCY PORT "{CLOCK}" {clock_mhz:g} MHZ;')
    if family == "ice40":
        lines.append(f"set_frequency {CLOCK} {clock_mhz:g}")
    return "\n".join([*lines, ""])


def _lpf(wire: Wire) -> Iterable[str]:
    yield f'LOCATE COMP "{wire.name}" SITE "{wire.pin.site}";'
    yield f'IOBUF PORT "{wire.name}" ' + " ".join(f"{k}={v}" for k, v in wire.pin.attributes.items()) + ";"


def _pcf(wire: Wire) -> Iterable[str]:
    pullup = "-pullup yes " if wire.pin.attributes.get("PULLUP") == "1" else ""
    yield f"set_io {pullup}{wire.name} {wire.pin.site}"


def _cst(wire: Wire) -> Iterable[str]:
    yield f'IO_LOC "{wire.name}" {wire.pin.site};'
    yield f'IO_PORT "{wire.name}" ' + " ".join(f"{k}={v}" for k, v in wire.pin.attributes.items()) + ";"
