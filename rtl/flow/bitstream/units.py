"""The units that a bitstream is made of, and what each is like on pins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from amaranth.lib import wiring

from tokensieve.arch.datapath import Topk
from tokensieve.arch.errors import TokensieveError, nearest
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_link import HostLink
from tokensieve.arch.host_rate import host_rate
from tokensieve.arch.machine import Arch
from tokensieve.rtl.flow.bitstream.scan import PINS as SCAN_PINS
from tokensieve.rtl.flow.bitstream.scan import ScanTop
from tokensieve.rtl.host.top import PINS as HOST_PINS
from tokensieve.rtl.host.top import HostTop
from tokensieve.rtl.topk import TopKEngine

Link = Literal["uart", "parallel"]


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit with its parameters."""

    name: str
    section: FixedLengthPruner | Topk
    """Its parameters."""

    inputs: str
    """Regular expression for the nets of its inputs in a flat design, for `structure.checks`."""

    linked: bool
    """Whether it has a host link; else shift registers stand for one."""

    throughput: Callable[[Link, float, float], Mapping[str, float]]
    """Returns sequences per second for a link with so many cycles a bit and a clock in MHz; nothing where they depend
    on data."""

    pins: Callable[[Link], wiring.Signature]
    """Returns its pins with a link."""

    make: Callable[[Link, float], wiring.Component]
    """Returns it with those pins, for a link whose bits take a number of clock cycles."""


def _pruner(arch: Arch) -> Unit:
    pruner = arch.pruner
    pruner.require_plain("behind a host link")

    def rates(link: Link, cycles: float, mhz: float) -> Mapping[str, float]:
        rate = host_rate(pruner, host_link(link, cycles), mhz * 1e6)
        return {"compute": rate.compute, "port": rate.port}

    return Unit(
        name="fixed-length-pruner", section=pruner, inputs=r"(.*\.)?unit\.i__payload", linked=True, throughput=rates,
        pins=lambda link: wiring.Signature(HOST_PINS[link]),
        make=lambda link, cycles: HostTop(pruner, host_link(link, cycles)),
    )  # fmt: skip


_TOLERANCE = 0.02
"""How far a bit of a UART may be from the length that both ends agree on: half of what a frame of ten bits stands."""


def makes_bits(cycles: float) -> bool:
    """Return whether a UART whose bits should take `cycles` clock cycles makes bits of about that length."""
    divisor = round(cycles)
    return 4 <= divisor <= 1 << 16 and abs(divisor - cycles) <= _TOLERANCE * cycles


def host_link(link: Link, cycles: float) -> HostLink:
    """Return a port whose bits take about `cycles` clock cycles."""
    return HostLink(port=link, divisor=round(cycles)) if link == "uart" else HostLink(port=link)


def _topk(arch: Arch) -> Unit:
    topk = arch.topk
    topk.require_rtl()
    return Unit(
        name="topk", section=topk, inputs=r"(.*\.)?unit\.(command|score)__payload", linked=False,
        throughput=lambda link, cycles, mhz: {}, pins=lambda link: wiring.Signature(SCAN_PINS),
        make=lambda link, cycles: ScanTop(TopKEngine(topk)),
    )  # fmt: skip


UNITS: Mapping[str, Callable[[Arch], Unit]] = {"fixed-length-pruner": _pruner, "topk": _topk}


def find_unit(name: str, arch: Arch) -> Unit:
    """Return the unit called `name` with the parameters of `arch`, or raise `TokensieveError` with the nearest name."""
    if name not in UNITS:
        raise TokensieveError(f"unit must be one of {', '.join(UNITS)}, got {name!r}{nearest(name, UNITS)}")
    return UNITS[name](arch)
