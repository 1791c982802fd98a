"""What prices designs: the contract of an evaluator, and the one of level `analytic`, which takes them in columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import load_technology
from tokensieve.sim.analytic.batch import F64, Batch, Sweep, each
from tokensieve.sim.analytic.busy import busy_cycles
from tokensieve.sim.analytic.costs import actions, energies, fetches
from tokensieve.sim.analytic.estimate import Detail
from tokensieve.sim.analytic.stages import stages
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.analytic.walk import walk
from tokensieve.sim.assemble import bottleneck, operations
from tokensieve.sim.cost.area import UNITS, cells_of
from tokensieve.sim.cost.cells import cells_um2
from tokensieve.sim.result import CAUSES, TENSORS
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.reference import dense_operations

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

    def price(self, work: Decisions, summary: Summary, designs: Sweep) -> Figures:
        """Return the figures of `work`, of which `summary` is the summary, on designs that it fits."""
        ...


class Analytic:
    """Level `analytic`.

    Cycles by cause are rounded for the whole run here, and layer by layer in a run: they may differ by some cycles.
    """

    level = "analytic"
    batch = 4096

    def price(self, work: Decisions, summary: Summary, designs: Sweep) -> Figures:
        """Return cycles, traffic, energy and area of every design, in closed form."""
        if len(designs) == 1:  # a column of one row is added up in another order
            both = self.price(work, summary, designs.chosen(np.zeros(2, np.int64)))
            return Figures({name: column[:1] for name, column in both.totals.items()})
        one, causes = _detail(summary, designs)
        cycles = _by_cause(causes, one.end[0])
        busy = busy_cycles(summary, designs, one)
        granule = designs.column("dram.granule_bytes")
        moved = {
            tensor: np.rint((one.stages.memory.granules[i] * rows).sum(axis=0)).astype(np.int64) * granule
            for i, (tensor, rows) in enumerate(zip(TENSORS, fetches(summary, one.stages), strict=True))
        }
        area = {unit: each(designs, partial(_mm2, unit)) for unit in UNITS}
        count, vectors, performed = len(designs), _vectors(summary, one), operations(summary.work)
        totals: dict[str, Column] = {
            **{f"cycles.{cause}": column for cause, column in cycles.items()},
            **{f"traffic.vectors.{name}": column for name, column in vectors.items()},
            "traffic.lsb_rows": np.full(count, int(summary.lsb_rows.sum())),
            **_summed("traffic.dram_bytes", moved),
            **_summed("energy_j", one.energy_j),
            **_summed("area_mm2", area),
            "operations.effective": np.full(count, performed),
            "operations.dense_equivalent": np.full(count, dense_operations(work)),
            "bottleneck": _bottlenecks(
                cycles, busy, one.actions["fetcher"]["request"] / designs.column("fetcher.ports")
            ),
        }
        return Figures(totals)


def _detail(summary: Summary, batch: Batch) -> tuple[Detail, F64]:
    """Return all figures of every design, and the cycles of each cause over all layers, shape (causes, designs)."""
    s = stages(summary, batch)
    end = walk(s, np.zeros_like(summary.layer), 1, causes=True)
    end[0] = np.ceil(end[0])
    seconds = end[0] / (batch.column("clock.mhz") * 1e6)
    counts = actions(summary, batch, s, end[0] / s.memory.cycles_per_clock)
    return Detail(s, end, seconds, counts, energies(batch, counts, seconds)), end[1:]


def _by_cause(causes: F64, total: F64) -> dict[str, Column]:
    """Return whole cycles by cause, which add up to `total`, and the total."""
    sums = np.cumsum(np.maximum(causes, 0), axis=0)
    edges = np.rint(sums * (total / np.maximum(sums[-1], 1e-9))).astype(np.int64)
    parts = np.diff(edges, axis=0, prepend=0)
    return {**dict(zip(CAUSES, parts, strict=True)), "total": total.astype(np.int64)}


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


def _mm2(unit: str, arch: Arch) -> float:
    technology = load_technology(arch.technology)
    return cells_um2(cells_of(unit, arch, technology), technology).value * 1e-6


def _bottlenecks(cycles: Mapping[str, Column], busy: Mapping[str, F64], addressed: F64) -> Column:
    """Return the unit behind the largest cause of each design."""
    by_design = zip(
        zip(*(column.tolist() for column in cycles.values()), strict=True),
        zip(*(np.rint(column).tolist() for column in busy.values()), strict=True),
        addressed.tolist(),
        strict=True,
    )
    return np.array(
        [bottleneck(dict(zip(cycles, c, strict=True)), dict(zip(busy, b, strict=True)), a) for c, b, a in by_design]
    )
