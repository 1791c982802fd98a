"""A search that lowers the area of a machine for no cycles: what it finds is slack, or missing from the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import reduce
from typing import Any

import numpy as np

from tokensieve.arch.errors import ArchError, WorkloadError
from tokensieve.arch.machine import Arch
from tokensieve.arch.presets import priced_fields
from tokensieve.arch.technology import load_technology
from tokensieve.run.changes import changed
from tokensieve.sim.analytic.batch import F64, Designs
from tokensieve.sim.analytic.estimate import estimate
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.cost.area import area
from tokensieve.validate.fields import variants
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fit import check_fit

GIVEN = (
    "name", "technology", "released.*",
    "number.*", "*_bits", "*.kind",
    "clock.mhz", "*_stages", "*.stages", "*_latency", "topk.compactor", "topk.round_cycles", "softmax.scan",
    "dram.[!wc]*", "dram.controller", "dram.command_bus",
    "control.barrier",
)  # fmt: skip
"""Fields that are not an architect's to choose, by pattern: labels; formats, whose other side is accuracy; the clock
and the registers it takes; the standard, the data sheet and the controller of DRAM; what software waits for."""

GENERATION = 50
"""Trials that are priced together, and then breed."""

PARENTS = 5
"""Smallest machines that breed."""

MOST_MOVES = 3
"""Fields that a child may have changed at once."""


@dataclass(frozen=True)
class Found:
    """What a search found."""

    trials: int
    """Machines priced."""

    no_slower: int
    """Those of them that take no more cycles than the first machine, on any workload."""

    best: Arch
    """The smallest of these; a change that does not make it smaller is undone."""

    saved: Mapping[str, float]
    """By field that differs, the area that comes back when it alone is as at first, in mm2; largest first. Below zero
    where a change takes area, and another one needs it."""


class Search:
    """Trials from one machine on some workloads, priced by level `analytic`; the same seed makes the same ones."""

    def __init__(self, base: Arch, workloads: Mapping[str, Decisions], seed: int) -> None:
        """Raise `WorkloadError` where a workload does not fit `base`."""
        self._base, self._workloads = base, workloads
        self._technology = load_technology(base.technology)
        self._summaries = {name: Summary(decisions) for name, decisions in workloads.items()}
        self._rng = np.random.Generator(np.random.PCG64(seed))
        self._fields = [name for name, _, _ in priced_fields() if not any(fnmatchcase(name, given) for given in GIVEN)]
        self._limit = self.cycles([base])
        self._seen = {base.digest}

    def run(self, trials: int) -> Found:
        """Return the smallest of `trials` machines that are no slower than the first one."""
        parents, tried, no_slower = [(self.area(self._base), self._base)], 0, 0
        while tried < trials:
            children = [self._child(parents) for _ in range(min(GENERATION, trials - tried))]
            fast = np.flatnonzero(np.all(self.cycles(children) <= self._limit, axis=0))
            good = [children[i] for i in fast]
            tried, no_slower = tried + len(children), no_slower + len(good)
            parents += [(self.area(child), child) for child in good]
            parents = sorted(parents, key=lambda one: one[0])[:PARENTS]
        best, saved = self._needed(parents[0][1])
        return Found(tried, no_slower, best, saved)

    def cycles(self, machines: Sequence[Arch]) -> F64:
        """Return the cycles of each workload on each machine, shape (workloads, machines)."""
        return np.stack([estimate(summary, Designs(machines)).cycles["total"] for summary in self._summaries.values()])

    def area(self, arch: Arch) -> float:
        """Return the area of `arch` in mm2."""
        return area(arch, self._technology).total

    def edge(self, best: Arch, path: str) -> tuple[Any, float]:
        """Return to what the field at `path` is halved until it costs cycles, and their largest share; (None, 0) never.

        A field that is no number is not halved; a value that is refused ends the search.
        """
        low = value(best, path)
        while type(low) is int and low > 1:
            low //= 2
            try:
                less = changed(best, path, low)
            except ArchError:
                break
            if not self._fits(less):
                break
            cost = float((self.cycles([less]) / self._limit).max()) - 1
            if cost > 0:
                return low, cost
        return None, 0.0

    def _child(self, parents: Sequence[tuple[float, Arch]]) -> Arch:
        """Return a machine that was not tried: one of `parents` with some fields changed, which fits all workloads."""
        while True:
            child = parents[int(self._rng.integers(len(parents)))][1]
            for _ in range(int(self._rng.integers(1, MOST_MOVES + 1))):
                child = self._moved(child)
            if child.digest not in self._seen:
                self._seen.add(child.digest)
                if self._fits(child):
                    return child

    def _moved(self, arch: Arch) -> Arch:
        """Return `arch` with one field doubled, halved or chosen otherwise, or as it is where that is refused."""
        path = self._fields[int(self._rng.integers(len(self._fields)))]
        values = list(variants(arch, path))
        if not values:
            return arch
        try:
            return changed(arch, path, values[int(self._rng.integers(len(values)))])
        except ArchError:
            return arch

    def _fits(self, arch: Arch) -> bool:
        try:
            for name, decisions in self._workloads.items():
                check_fit(decisions, arch, name)
                self._summaries[name].check_fit(arch)
        except WorkloadError:
            return False
        return True

    def _needed(self, best: Arch) -> tuple[Arch, dict[str, float]]:
        """Return `best` without the changes that save no area, and what each of the others saves."""
        saved = {}
        for path in self._fields:
            if value(best, path) == value(self._base, path):
                continue
            try:
                back = changed(best, path, value(self._base, path))
            except ArchError:  # another change stands on this one
                saved[path] = 0.0
                continue
            gain = self.area(back) - self.area(best)
            if gain <= 0 and (self.cycles([back]) <= self._limit).all() and self._fits(back):
                best = back
            else:
                saved[path] = gain
        return best, dict(sorted(saved.items(), key=lambda one: -one[1]))


def value(arch: Arch, path: str) -> Any:
    """Return the field of `arch` at a dotted path."""
    return reduce(getattr, path.split("."), arch)
