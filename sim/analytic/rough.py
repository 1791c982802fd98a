"""What level analytic takes for something else, of a machine or its work: a run says so, a sweep refuses it.

A field that the closed form does not read is not in this list where a test shows that it changes no figure of level
`cycle` much (`tokensieve.validate.fields`). What is left can be far off, and so has to be asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tokensieve.arch.errors import ArchError, WorkloadError
from tokensieve.arch.machine import Arch
from tokensieve.sim.analytic.batch import Batch, each
from tokensieve.sim.analytic.stretch import alike
from tokensieve.sim.analytic.summary import Summary

SWEEPS = "where level analytic sweeps"
"""End of every rule by which a sweep refuses an estimate as rough."""

FEW = "the few rows that are played may fall on other channels than the rest, and its cycles be far off"


@dataclass(frozen=True)
class Reason:
    """Why an estimate is rough: a field has another value than the one that it is taken for."""

    field: str
    taken_for: object
    value: object
    effect: str = "its cycles may be far too few"
    of_workload: bool = False
    """Whether the field is one of the workload, not of the machine."""

    def sentence(self) -> str:
        """Return what a run says."""
        return f"level analytic takes {self.field} for {self.taken_for}, not {self.value}: {self.effect}"

    def refusal(self) -> str:
        """Return what a sweep says."""
        return (
            f"{self.field} must be {self.taken_for} {SWEEPS}, got {self.value}: {self.effect} "
            "(--allow-rough lets it pass)"
        )


def reasons(arch: Arch, summary: Summary) -> Iterator[Reason]:
    """Yield why an estimate of `summary` on `arch` is rough (docs/explanation/levels.md); nothing where it is not."""
    if arch.dram.channels > 1 and not alike(arch.dram):
        yield Reason(
            "dram.mapping", "one whose consecutive granules go to consecutive channels", arch.dram.mapping, FEW
        )


def refuse_rough(summary: Summary, batch: Batch, allow: bool) -> None:
    """Raise `ArchError`, or `WorkloadError` for a field of the work, where the estimate of a design is rough.

    It names field, rule and value of the first such design, and the option that lets it pass. Nothing is refused with
    `allow`.
    """
    if allow:
        return
    found = each(batch, lambda arch: len(list(reasons(arch, summary))))
    for design in np.flatnonzero(found)[:1].tolist():
        first = next(reasons(batch.arch(design), summary))
        raise (WorkloadError if first.of_workload else ArchError)(first.refusal())
