"""What prices designs: the contract of an evaluator, and the one of level `analytic`, which takes them in columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tokensieve.explore.beside import references
from tokensieve.explore.columns import FPGA
from tokensieve.sim.analytic.batch import Batch, Sweep, each
from tokensieve.sim.analytic.costs import counts, fetches
from tokensieve.sim.analytic.estimate import Detail, busy_cycles, detail, whole
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.assemble import bottleneck, operations
from tokensieve.sim.cost.fpga import fpga_figures
from tokensieve.sim.result import CAUSES, TENSORS
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.reference import Kind, dense_operations

_PART = 2048
"""Designs that are worked on at a time, few enough for the cache; what they read is asked for all at once."""

Column = npt.NDArray[Any]


@dataclass(frozen=True)
class Figures:
    """What an evaluator says of some designs on one piece of work."""

    totals: Mapping[str, Column]
    """Columns by the names of `tokensieve.explore.columns`, a value for each design; anything where one failed."""

    failed: Mapping[int, str] = field(default_factory=dict)
    """Designs that could not be priced, by place, and why."""

    full: tuple[bytes, ...] | None = None
    """The whole result of each design, `packed`; None where it is made again on request."""


class Evaluator(Protocol):
    """Prices designs at one level of fidelity. It is sent to other processes, so it holds nothing that cannot be."""

    level: str
    """Level of fidelity."""

    batch: int
    """Designs that it prices best at a time."""

    trial: int
    """Designs of a first task, before it is known how long one takes; fewer cost more each, however long it takes."""

    def price(self, work: Decisions, summary: Summary, designs: Sweep, reference: Kind | None = None) -> Figures:
        """Return the figures of `work`, of which `summary` is the summary, on designs that it fits.

        With a `reference`, those of the un-pruned run of each design come beside them (`reference.cycles`, ...).
        """
        ...


class Analytic:
    """Level `analytic`.

    Cycles by cause are rounded for the whole run here, and layer by layer in a run: they may differ by some cycles.
    """

    level = "analytic"
    batch = 8192
    trial = 8192

    def price(self, work: Decisions, summary: Summary, designs: Sweep, reference: Kind | None = None) -> Figures:
        """Return cycles, traffic, energy and area of every design, in closed form."""
        if len(designs) == 1:  # a column of one row is added up in another order
            both = Analytic.price(self, work, summary, designs.chosen(np.zeros(2, np.int64)), reference)
            return Figures({name: column[:1] for name, column in both.totals.items()})
        known = counts(summary)
        parts = [designs.part(low, low + _PART) for low in range(0, len(designs), _PART)]
        totals = [_totals(work, summary, part, detail(summary, part, known=known)) for part in parts]
        beside = {} if reference is None else references(summary, designs, reference)
        return Figures({name: np.concatenate([one[name] for one in totals]) for name in totals[0]} | beside)


def on_fpga(designs: Batch) -> dict[str, Column]:
    """Return the columns `fpga.*` of every design, which follow from the machine alone; NaN where there is no RTL."""
    return dict(zip((column.name for column in FPGA), each(designs, fpga_figures), strict=True))


def _totals(work: Decisions, summary: Summary, batch: Batch, one: Detail) -> dict[str, Column]:
    """Return the columns of a store."""
    causes = dict(zip(CAUSES, whole(one.end[1:], one.end[0]), strict=True))
    granule = batch.column("dram.granule_bytes")
    moved = {
        tensor: np.rint((one.stages.memory.granules[i] * rows).sum(axis=0)).astype(np.int64) * granule
        for i, (tensor, rows) in enumerate(zip(TENSORS, fetches(summary, one.stages), strict=True))
    }
    cycles = {name: column.astype(np.int64) for name, column in (*causes.items(), ("total", one.end[0]))}
    addressed = one.actions["fetcher"]["request"] / batch.column("fetcher.ports")
    count = len(batch)
    return {
        **{f"cycles.{cause}": column for cause, column in cycles.items()},
        **{f"traffic.vectors.{name}": column for name, column in _vectors(summary, one).items()},
        "traffic.lsb_rows": np.full(count, int(summary.lsb_rows.sum())),
        **_summed("traffic.dram_bytes", moved),
        **_summed("energy_j", one.energy_j),
        **_summed("area_mm2", one.area_mm2),
        "operations.effective": np.full(count, operations(summary.work)),
        "operations.dense_equivalent": np.full(count, dense_operations(work)),
        "bottleneck": bottleneck(causes, busy_cycles(summary, batch, one), addressed),
    }


def _vectors(summary: Summary, one: Detail) -> dict[str, Column]:
    """Return the vectors of K and V fetched, both heads of a pair counted."""
    work, blocks = summary.work, one.stages.blocks
    keys = summary.by_row(work.keys)
    values = summary.by_row(np.where(work.values_early, work.keys, work.values[work.query_ptr[:-1]]))
    return {"key": np.rint(keys @ blocks).astype(np.int64), "value": np.rint(values @ blocks).astype(np.int64)}


def _summed(group: str, parts: Mapping[str, Column]) -> dict[str, Column]:
    """Return `parts` under their dotted names, and their total."""
    return {
        **{f"{group}.{name}": one for name, one in parts.items()},
        f"{group}.total": np.sum(list(parts.values()), axis=0),
    }
