"""Shipped sweeps at two levels: is the best design at level `analytic` the best one at level `cycle`?

    python benchmarks/shipped_sweeps.py [SWEEP...]

Runs each sweep at level `analytic`, then at level `cycle` all of its designs, or of a large sweep the front and the
best ten. Prints how far the best design at `analytic` is from the best one at `cycle`, both as `cycle` prices them, and
fails where that is more than 3 % of what is wanted first.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from tokensieve.explore.evaluate import Analytic, Evaluator
from tokensieve.explore.front import front
from tokensieve.explore.named import Named
from tokensieve.explore.price import Pricer
from tokensieve.explore.spec import SweepFile, read_sweep, sweep_names
from tokensieve.explore.tally import Objective
from tokensieve.run.points import Cycle

LIMIT = 0.03
"""Largest gap: the project's target."""

WHOLE = 120
"""Designs of a sweep that are all priced at level `cycle`."""

TOP = 10
"""Designs of a larger one that are, beside the front."""


@dataclass
class Level:
    """A sweep at one level."""

    spec: SweepFile
    evaluator: Evaluator

    def __post_init__(self) -> None:
        self.pricer = Pricer(self.spec, self.evaluator)
        self.named = Named(self.pricer.space)
        wishes = [Objective.of(text) for text in self.spec.objectives]
        self._signs = [-1 if one.largest else 1 for one in wishes]
        self._formulas = [self.named.formula("objectives", one.text) for one in wishes]
        self._limits = [self.named.formula("constraints", text) for text in self.spec.constraints]

    def wanted(self, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of the valid designs of a range, and their objectives, wanted small."""
        designs = self.pricer.space.designs(low, high)
        good, figures = self.named.figures(designs, self.pricer.price(low, high))
        mean = [self.named.mean([f.value(own) for own in figures], len(good)) for f in self._formulas]
        held = [np.broadcast_to(limit.value(own), len(good)) for limit in self._limits for own in figures]
        fits = reduce(np.logical_and, held, np.ones(len(good), bool))
        return low + good[fits], np.array([sign * one for sign, one in zip(self._signs, mean, strict=True)])[:, fits]

    def all(self, ranges: Sequence[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
        """Return the same of several ranges."""
        parts = [self.wanted(low, high) for low, high in ranges]
        return np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts], axis=1)


def best(numbers: np.ndarray, wanted: np.ndarray) -> int:
    """Return the place of the design with the best first objective, of equal ones the best others."""
    return int(np.lexsort([numbers, *wanted[::-1]])[0])


def compared(name: str) -> tuple[str, float]:
    """Return the line of a sweep, and the gap."""
    spec = read_sweep(name)
    rough, size = Level(spec, Analytic()), Analytic.batch
    total = len(rough.pricer.space)
    numbers, wanted = rough.all([(low, min(low + size, total)) for low in range(0, total, size)])
    first = int(numbers[best(numbers, wanted)])
    some = numbers
    if total > WHOLE:
        some = numbers[np.union1d(np.argsort(wanted[0], kind="stable")[:TOP], front(wanted))]
    exact = Level(spec.model_copy(update={"level": "cycle"}), Cycle())
    tried, costs = exact.all([(int(n), int(n) + 1) for n in some])
    top = best(tried, costs)
    mine = costs[0, list(tried).index(first)]
    gap = abs(mine / costs[0, top] - 1)
    told = f"{name:20} {total:7,} {len(tried):7,}  {first:8,} {int(tried[top]):8,}  {gap:7.2%}"
    return told, gap


def main() -> int:
    """Print the table and return the exit code."""
    print(f"{'sweep':20} {'designs':>7} {'cycle':>7}  {'analytic':>8} {'cycle':>8}  {'gap':>7}")
    print(f"{'':20} {'':7} {'priced':>7}  {'best':>8} {'best':>8}")
    worst = 0.0
    for name in sys.argv[1:] or sweep_names():
        line, gap = compared(name)
        print(line, flush=True)
        worst = max(worst, gap)
    print(f"largest gap {worst:.2%}, limit {LIMIT:.0%}")
    return 1 if worst > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
