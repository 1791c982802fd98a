"""Searches of different length: how often the top-k starts where at times it is the slowest unit, at times another.

Buffers level that out as far as they reach. So queries of a group are sent through its stages one by one, with all but
their searches alike (`sim.kernels.searches`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokensieve.arch.datapath import Topk
from tokensieve.sim.analytic.batch import F64, Batch
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.kernels.searches import FIGURES, play

I64 = npt.NDArray[np.int64]

PLAYED, TOGETHER = 1024, 32
"""Queries of a group that are sent, and how many of them follow each other: as many as usual buffers hold."""


@dataclass(frozen=True)
class Searches:
    """Searches of some queries of each group."""

    times: F64
    """Over their mean, shape (G, kinds, PLAYED); of one group (kinds, PLAYED)."""

    kind: I64
    """Which of these are those of a design, shape (designs,)."""

    def of_group(self, g: int) -> "Searches":
        """Return those of one group."""
        return Searches(self.times[g], self.kind)

    def between(self, figures: Mapping[str, F64], mean: F64) -> tuple[F64, F64]:
        """Return the cycles between queries at the top-k, and how many of these other stages make it wait.

        `figures` are those of `FIGURES`; `mean` is the answer where the top-k never waits.
        """
        table = np.stack([np.broadcast_to(figures[name], self.kind.shape) for name in FIGURES])
        told = np.stack([np.broadcast_to(mean, self.kind.shape), np.zeros(len(self.kind))])
        play(self.times, self.kind, table.astype(np.float64), told)
        return told[0], told[1]


def searches(summary: Summary, batch: Batch) -> Searches | None:
    """Return the searches of some queries of every group, evenly spaced; None where no query is searched."""
    if not summary.engaged.any():
        return None
    found = batch.asked(lambda arch: _relative(summary, arch.topk), ())
    return Searches(np.ascontiguousarray(np.moveaxis(found.answers, -1, 1)), found.which)


def _relative(summary: Summary, topk: Topk) -> F64:
    """Return the searches of each group, shape (G, PLAYED), over their mean; 1 where all take no time."""
    counts = summary.queries.astype(np.int64)
    cycles = summary.search(topk, np.stack([_places(n) for n in counts]) + (np.cumsum(counts) - counts)[:, None])
    mean = cycles.mean(axis=1, keepdims=True)
    return np.where(mean > 0, cycles / np.maximum(mean, 1e-9), 1.0)


def _places(count: int) -> I64:
    """Return which of `count` queries are sent: stretches that begin evenly spaced, all of them again if there are few.

    >>> _places(5)[:7].tolist(), np.diff(_places(4608)[[0, 31, 32, -1]]).tolist()
    ([0, 1, 2, 3, 4, 0, 1], [31, 116, 4460])
    """
    if count <= PLAYED:
        return np.arange(PLAYED) % count
    begins = np.linspace(0, count - TOGETHER, PLAYED // TOGETHER).astype(np.int64)
    return (begins[:, None] + np.arange(TOGETHER)).ravel()
