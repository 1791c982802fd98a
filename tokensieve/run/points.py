"""Design points at level `cycle`: what a sweep hands designs to, one run each."""

import numpy as np

from tokensieve.explore.columns import totals_of
from tokensieve.explore.evaluate import Figures
from tokensieve.explore.stored import packed
from tokensieve.run.simulate import run
from tokensieve.sim.analytic.batch import Sweep
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.reference.shared import Shared
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.reference import Kind


class Cycle:
    """Level `cycle`: each design is run by itself, and its whole result is kept."""

    level = "cycle"
    batch = 64
    trial = 1

    def __init__(self) -> None:
        self._shared = Shared()

    def price(self, work: Decisions, summary: Summary, designs: Sweep, reference: Kind | None = None) -> Figures:
        """Return the totals and the whole result of every design. Raises `TokensieveError` where one is refused."""
        machines = (designs.arch(i) for i in range(len(designs)))
        results = [run(one, work, level=self.level, reference=reference, shared=self._shared) for one in machines]
        rows = [totals_of(result) for result in results]
        known = [name for name, value in rows[0].items() if value is not None]
        totals = {name: np.array([row[name] for row in rows]) for name in known}
        return Figures(totals, full=tuple(packed(result.to_json()) for result in results))
