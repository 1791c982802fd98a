"""The host link: how a board with the fixed-length pruner talks to a host."""

from typing import Annotated, Literal

from pydantic import Field

from tokensieve.arch.base import ArchModel


class HostLink(ArchModel):
    """Port of a board and its timing: about a board, so no part of the machine that a run prices."""

    port: Literal["uart", "parallel"] = "uart"
    """What carries the bytes: uart, two wires, 8 data bits, no parity, 1 stop bit; parallel, 8 wires and two strobes
    each way."""

    divisor: Annotated[int, Field(ge=4, le=1 << 16)] = 32
    """Clock cycles of a bit (port `uart`)."""

    timeout_cycles: Annotated[int, Field(ge=64, le=1 << 30)] = 1 << 22
    """Clock cycles without a byte after which a frame that has begun is given up."""
