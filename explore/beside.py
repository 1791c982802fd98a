"""References of a batch of designs at level `analytic`, priced once for all that have the same dense machine."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.sim.analytic.asked import distinct
from tokensieve.sim.analytic.batch import Sweep
from tokensieve.sim.analytic.costs import counts, energies
from tokensieve.sim.analytic.estimate import Detail, detail
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.reference.shared import UNREAD
from tokensieve.workloads.reference import Kind

_PART = 2048
"""Machines that are worked on at a time."""


def references(summary: Summary, designs: Sweep, kind: Kind) -> dict[str, npt.NDArray[Any]]:
    """Return the columns `reference.*` of every design; `summary` is that of the pruned work."""
    un_pruned = summary.reference(kind)
    kinds = [designs.kinds(path) for path in designs.fields if path not in UNREAD]
    first, which = distinct(one for one in kinds if one is not None)
    which = np.broadcast_to(which, len(designs))
    machines = designs.chosen(first if len(first) > 1 else np.repeat(first, 2))  # one row is added up in another order
    known = counts(un_pruned)
    parts = [machines.part(low, low + _PART) for low in range(0, len(machines), _PART)]
    priced = [detail(un_pruned, part, known=known) for part in parts]
    return {
        "reference.kind": np.full(len(designs), kind),
        "reference.cycles": np.concatenate([one.end[0] for one in priced]).astype(np.int64)[which],
        "reference.dram_bytes": _moved(priced)[which] * designs.column("dram.granule_bytes"),
        "reference.energy_j": _joules(designs, priced, which),
    }


def _moved(priced: list[Detail]) -> npt.NDArray[np.int64]:
    """Return the granules that cross DRAM."""
    both = [one.actions["dram"]["read_granule"] + one.actions["dram"]["write_granule"] for one in priced]
    return np.rint(np.concatenate(both)).astype(np.int64)


def _joules(designs: Sweep, priced: list[Detail], which: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the energy of every design, whose leakage is its own."""
    done = {
        unit: {name: np.concatenate([one.actions[unit][name] for one in priced])[which] for name in counted}
        for unit, counted in priced[0].actions.items()
    }
    seconds = np.concatenate([one.seconds for one in priced])[which]
    return np.asarray(np.sum(list(energies(designs, done, seconds).values()), axis=0))
