"""A board whose bitstream `tokensieve fpga build` wrote: how to talk to it follows from the report beside it."""

import json
from os import PathLike
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tokensieve.arch.errors import LinkError
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_link import HostLink
from tokensieve.host.driver import HostDriver
from tokensieve.host.transport import SerialTransport


class _Report(BaseModel):
    """What is read of a report."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    parameters: FixedLengthPruner
    digest: str = Field(pattern="^[0-9a-f]{16}$")
    """What the board says of its parameters: in those of the report the number of engines is settled."""

    host_link: HostLink
    baud: int = Field(gt=0)
    clock_mhz: float = Field(gt=0, allow_inf_nan=False)


def open_board(report: str | PathLike[str], port: str) -> HostDriver:
    """Return a driver for the board on a serial port, which was asked whether it is the one of the report.

    Parameters
    ----------
    report : path
        The file ``report.json`` that ``tokensieve fpga build fixed-length-pruner`` wrote beside the bitstream.
    port : str
        The board's serial port, for example ``/dev/ttyUSB0``.

    Raises
    ------
    LinkError
        If the file is no such report, or one of a parallel port; if the port cannot be opened; if no board answers, or
        one with other parameters.
    ToolError
        Without pyserial.
    """
    told = _read(report)
    if told.host_link.port != "uart":
        raise LinkError(f"{report}: host_link.port must be uart for a serial port, got {told.host_link.port}")
    driver = HostDriver(
        SerialTransport(port, told.baud), told.parameters, told.host_link, clock_hz=told.clock_mhz * 1e6
    )
    driver.check(told.digest)
    return driver


def _read(report: str | PathLike[str]) -> _Report:
    try:
        with open(report, encoding="utf-8") as file:
            told: Any = json.load(file)
    except OSError as problem:
        raise LinkError(f"{report}: {problem.strerror}") from None
    except (ValueError, RecursionError):  # the latter from brackets within brackets
        raise LinkError(f"{report}: no JSON; `tokensieve fpga build` writes report.json beside the bitstream") from None
    try:
        return _Report.model_validate(told)
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the report"
        raise LinkError(f"{report}: no report of a bitstream with a host link: {field}: {first['msg']}") from None
