"""Design points at level `cycle`: what a sweep hands designs to, one run each."""

import numpy as np

from tokensieve.explore.columns import TOTALS, totals_of
from tokensieve.explore.evaluate import Figures
from tokensieve.explore.stored import packed
from tokensieve.run.simulate import run
from tokensieve.sim.analytic.batch import Sweep
from tokensieve.sim.analytic.summary import Summary
from tokensieve.workloads.decisions import Decisions


class Cycle:
    """Level `cycle`: each design is run by itself, without a reference, and its whole result is kept."""

    level = "cycle"
    batch = 64
    trial = 1

    def price(self, work: Decisions, summary: Summary, designs: Sweep) -> Figures:
        """Return the totals and the whole result of every design. Raises `TokensieveError` where one is refused."""
        results = [run(designs.arch(i), work, level=self.level, reference=None) for i in range(len(designs))]
        rows = [totals_of(result) for result in results]
        known = [column.name for column in TOTALS if rows[0][column.name] is not None]
        totals = {name: np.array([row[name] for row in rows]) for name in known}
        return Figures(totals, full=tuple(packed(result.to_json()) for result in results))
