"""The claim `valid-free`: no `valid` and no payload waits for `ready`; any unit, size, engine and wrapper."""

import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tokensieve.arch.machine import Arch
from tokensieve.verify.request import Fault
from tokensieve.verify.units.base import Unit

if TYPE_CHECKING:
    from tokensieve.rtl.flow.formal import Status
    from tokensieve.rtl.flow.netlist import Step

NAME = "valid-free"
SAYS = "no valid and no payload waits for ready: there is no way from one to the other through gates, at any size"
HOLDS = "always, netlist"

DEPTH = 20
"""Cycles after reset for which two copies are compared where a way exists."""

_SMALL = ("topk.max_tokens=4", "topk.lanes=2")


@dataclass(frozen=True, kw_only=True)
class ValidFree:
    """What came of the claim for a unit with an engine."""

    unit: str
    engine: str
    status: "Status"
    """`open`: there is a way, but two small copies did not come to differ."""

    seconds: float
    way: "tuple[Step, ...]"
    """From a `ready` to a `valid` or a payload; nothing where there is none."""

    why: str
    waves: Path | None
    """Where two copies come to differ."""


def valid_free(unit: Unit, engine: str, arch: Arch, fault: Fault | None = None) -> ValidFree:
    """Return what comes of the claim for `unit` with `engine` on the machine `arch`, with a fault if one is given.

    Where a way exists, two small copies are compared for `DEPTH` cycles after reset.
    """
    from tokensieve.rtl.flow.valid_free import way_from_ready

    begun, harness = time.monotonic(), unit.harness()
    told = ValidFree(unit=unit.name, engine=engine, status="proved", seconds=0, way=(), why="", waves=None)
    with fault.planted() if fault else nullcontext():
        way = way_from_ready(harness.component(unit.arch(arch, engine)))
        if way:
            told = replace(_two_copies(told, unit, arch), way=tuple(way))
    return replace(told, seconds=round(time.monotonic() - begun, 1))


def _two_copies(told: ValidFree, unit: Unit, arch: Arch) -> ValidFree:
    """Return `told` with what two small copies of the unit tell of a way that there is."""
    from tokensieve.rtl.flow.claims.streams import small_arch
    from tokensieve.rtl.flow.formal import Claim, prove
    from tokensieve.rtl.flow.valid_free import TwoCopies

    small = unit.arch(small_arch(*_SMALL, f"topk.engine={arch.topk.engine}"), told.engine)
    harness, name = unit.harness(), "-".join(filter(None, [NAME, told.engine]))
    proof = prove(Claim(
        unit=unit.name, name=name, says=SAYS, method="bmc", depth=DEPTH,
        bench=lambda: TwoCopies(harness.component(small), harness.component(small)),
    ))  # fmt: skip
    if proof.status != "failed":
        return replace(told, status="open", why=f"a way exists, though two small copies are alike for {DEPTH} cycles")
    return replace(told, status="failed", why=proof.why, waves=proof.folder / "engine_0" / "trace.vcd")
