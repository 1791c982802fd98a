"""From decisions to a `Result` at level `analytic`, for one machine."""

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.sim.analytic.batch import Designs
from tokensieve.sim.analytic.costs import fetches
from tokensieve.sim.analytic.estimate import Detail, busy_cycles, detail, whole
from tokensieve.sim.analytic.rough import reasons
from tokensieve.sim.analytic.stages import Stages
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.assemble import assemble, bytes_by_tensor
from tokensieve.sim.result import CAUSES, Result, Traffic
from tokensieve.workloads.decisions import Decisions


def analytic_result(
    arch: Arch, decisions: Decisions, un_pruned: bool = False, summary: Summary | None = None
) -> Result:
    """Return an estimate of what `decisions` cost on `arch`, without reference and provenance.

    With `un_pruned`, the decisions are a dense reference. `summary` is theirs, if it has been made before. Raises
    `WorkloadError` where they do not fit the machine.
    """
    summary = summary or Summary(decisions, un_pruned)
    batch = Designs([arch])
    one = detail(summary, batch, layers=True)
    granules = _granules(summary, one.stages)
    return assemble(
        "analytic",
        arch,
        summary.work,
        causes=whole(one.end[1:], one.end[0])[:, 0].reshape(-1, len(CAUSES)).astype(np.int64),
        granules=granules,
        busy_cycles={unit: int(n[0]) for unit, n in busy_cycles(summary, batch, one).items()},
        traffic=Traffic(
            vectors=_vectors(summary, one.stages),
            lsb_rows=int(summary.lsb_rows.sum()),
            dram_bytes=bytes_by_tensor(arch, granules.sum(axis=0)),
        ),
        actions=_actions(one),
    )


def taken_for(arch: Arch, decisions: Decisions) -> list[str]:
    """Return a sentence for all that the closed form takes for something else, of the machine and of its work."""
    return [one.sentence() for one in reasons(arch, Summary(decisions))]


def _actions(one: Detail) -> dict[str, dict[str, int]]:
    """Return how often each unit did what."""
    return {unit: {name: round(float(n[0])) for name, n in counts.items()} for unit, counts in one.actions.items()}


def _granules(summary: Summary, s: Stages) -> np.ndarray:
    """Return granules by layer and tensor, as level `cycle` counts them."""
    moved = np.stack([s.memory.granules[i][:, 0] * rows[:, 0] for i, rows in enumerate(fetches(summary, s))], axis=1)
    table = np.zeros((summary.work.layers, moved.shape[1]))
    np.add.at(table, summary.layer, moved)
    return np.rint(table).astype(np.int64)


def _vectors(summary: Summary, s: Stages) -> dict[str, int]:
    """Return the vectors of K and V fetched, both heads of a pair counted."""
    work, blocks = summary.work, s.blocks[:, 0]
    keys = summary.by_row(work.keys)
    values = summary.by_row(np.where(work.values_early, work.keys, work.values[work.query_ptr[:-1]]))
    return {"key": round(float((keys * blocks).sum())), "value": round(float((values * blocks).sum()))}
