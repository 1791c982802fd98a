"""Events with their history: when something happens, and which causes the cycles up to then belong to.

An event of a batch is an array of shape (1 + causes, designs): its cycle, then how much of it each cause has taken.
`later` keeps the history of whichever event is last, so that the causes at the end add up to the total, as on the
critical path of level `cycle`. Without causes only the cycle is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokensieve.sim.analytic.batch import F64
from tokensieve.sim.result import CAUSES

COMPUTE, DRAM, TOPK, SOFTMAX, FILL = range(len(CAUSES))


def later(*events: F64) -> F64:
    """Return the last of some events, for each design."""
    latest = events[0]
    for event in events[1:]:
        latest = np.where(event[0] > latest[0], event, latest)
    return latest


@dataclass(frozen=True)
class Paths:
    """Makes events; `slots` causes are kept, of which `first` is where those of the present layer begin."""

    slots: int
    designs: int
    first: int = 0

    def start(self) -> F64:
        """Return the begin of the run."""
        return np.zeros((1 + self.slots, self.designs))

    def after(
        self, event: F64, cycles: npt.ArrayLike, cause: int, parts: Mapping[int, npt.ArrayLike] | None = None
    ) -> F64:
        """Return the event `cycles` later: other causes have taken their `parts` of these, and `cause` the rest."""
        moved = event.copy()
        moved[0] += cycles
        if self.slots:
            moved[1 + self.first + cause] += cycles
            for other, taken in (parts or {}).items():
                moved[1 + self.first + cause] -= taken
                moved[1 + self.first + other] += taken
        return moved


def between(low: F64, high: F64, share: F64) -> F64:
    """Return the event a `share` of the way from one to another."""
    return low + (high - low) * share
