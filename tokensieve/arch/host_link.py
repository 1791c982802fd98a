"""The host link: how a board with the fixed-length pruner talks to a host."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tokensieve.arch.base import ArchModel


class HostLink(ArchModel):
    """Port of a board and its timing: about a board, so no part of the machine that a run prices."""

    port: Literal["uart", "parallel"] = "uart"
    """What carries the bytes: uart, two wires, 8 data bits, no parity, 1 stop bit; parallel, 8 wires and two strobes
    each way."""

    divisor: Annotated[int, Field(ge=4, le=1 << 16)] = 32
    """Clock cycles of a bit (port `uart`)."""

    timeout_cycles: Annotated[int, Field(ge=16, le=1 << 30)] = 1 << 22
    """Clock cycles without a byte after which a frame that has begun is given up; two bytes of the port or more."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.timeout_cycles < 2 * self.in_cycles:
            least = 2 * self.in_cycles
            raise ValueError(f".timeout_cycles must be at least {least}, two bytes, got {self.timeout_cycles}")
        return self

    @property
    def in_cycles(self) -> int:
        """Clock cycles of a byte from the host, which is as fast as the port."""
        return 10 * self.divisor if self.port == "uart" else 6

    @property
    def out_cycles(self) -> int:
        """Clock cycles of a byte to the host, which is as fast as the port."""
        return 10 * self.divisor if self.port == "uart" else 7
