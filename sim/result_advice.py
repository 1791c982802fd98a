"""`Advice`: what would make a run faster, in a result whose run was asked for it."""

from dataclasses import dataclass
from typing import Literal

from tokensieve.sim.result_part import Part, Signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Part):
    """One field of the machine set to another value, all else as it is."""

    unit: str
    """Unit that the field relieves."""

    set: str
    """The change, as `--set` takes it."""

    speedup: float
    """Cycles of the run divided by those with the change."""

    area_mm2: Signed
    """Area that the change adds, in mm2."""

    energy: float
    """Energy with the change divided by that of the run."""

    level: Literal["analytic", "cycle"]
    """Level of fidelity that speed-up and energy were found at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice(Part):
    """The unit that sets the pace, and single changes of the machine that gain 3 % or more."""

    unit: str
    """Unit that sets the pace: `bottleneck`."""

    if_free: float
    """Speed-up if that unit took no time, at level `analytic`; no less than its best change below."""

    changes: tuple[Change, ...]
    """Changes, best first; those that were run at the run's own level come before those that were not."""
