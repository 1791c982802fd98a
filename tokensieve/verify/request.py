"""What is to be co-simulated: a unit on a machine, its vectors, a simulator, and a fault if one is to be planted."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tokensieve.arch.machine import Arch
from tokensieve.verify.units.base import Unit

SIMULATORS = ("verilator", "amaranth")


class Fault(Protocol):
    """A fault of the hardware. Whoever asks for one brings it: co-simulation itself knows no mutants."""

    @property
    def name(self) -> str:
        """Name on the command line."""

    def planted(self) -> AbstractContextManager[None]:
        """Return a context within which hardware is built with the fault."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be co-simulated."""

    unit: Unit
    engine: str
    arch: Arch
    count: int
    seed: int
    scores: str | None = None
    simulator: str = "verilator"
    fault: Fault | None = None
    waves: Path | None = None
    """Where a wave file is wanted."""

    coverage: bool = False
