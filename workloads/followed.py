"""Whether decisions are those of the schedule that stands in their file: a file that says two things says nothing."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.workloads.schedule import Phase, Schedule, schedule_from

if TYPE_CHECKING:
    from tokensieve.workloads.decisions import Decisions

_MOST = 1 << 14
"""Groups whose counts are worked out; of a run with more, steps spread evenly over it."""


def check_followed(d: "Decisions") -> None:
    """Raise `WorkloadError` where tokens, heads or values kept, or the threshold, are not those of ``meta.schedule``.

    What the schedule does not name is not known to have been kept by it, and a schedule of another kind says nothing.
    """
    given = d.meta["schedule"]
    if given is None or not given.keys() <= Schedule.model_fields.keys():
        return
    try:
        schedule = schedule_from(given)
        if "threshold" in given:
            _check_threshold(d, schedule)
        steps = np.unique(np.linspace(0, d.steps - 1, min(d.steps, max(1, _MOST // d.layers))).astype(np.int64))
        if "token" in given:
            _check_tokens(d, schedule, steps, values="value" in given)
        if "head" in given:
            alive = d.heads_alive[steps].sum(axis=2, dtype=np.int64)
            kept = np.array([schedule.heads_kept(d.heads, d.layers)] * len(steps))
            _compare(alive, kept, steps, "heads_alive", f"live heads of {d.heads}")
    except WorkloadError as problem:
        text = str(problem)
        raise WorkloadError(f"decisions: meta.{text}" if text.startswith("schedule") else text) from None


def _check_threshold(d: "Decisions", schedule: Schedule) -> None:
    wanted = None if schedule.threshold is None else float(schedule.threshold)
    if d.meta["threshold"] != wanted:
        told, got = ("null" if one is None else one for one in (wanted, d.meta["threshold"]))
        raise WorkloadError(f"decisions: meta.threshold must be that of meta.schedule, {told}, got {got}")


def _check_tokens(d: "Decisions", schedule: Schedule, steps: npt.NDArray[np.int64], values: bool) -> None:
    """Check the keys of each layer and, where they are asked for, the values of its first query."""
    groups = steps[:, None] * d.layers + np.arange(d.layers)
    rows = np.searchsorted(d.row_group, groups)
    contexts = d.context[rows[:, 0]].tolist()
    asked = list(zip(contexts, steps.tolist(), strict=True))
    kept = np.array([schedule.keys_kept(context, step, d.layers) for context, step in asked])
    _compare(d.keys_kept[rows], kept, steps, "keys_kept", "keys")
    if values:
        phase: Phase = "prefill" if d.phase == "prefill" else "decode"
        kept = np.array([schedule.values_kept(context, step, d.layers, phase) for context, step in asked])
        _compare(d.values_kept[d.query_ptr[rows]], kept, steps, "values_kept", "values of a query")


def _compare(
    got: npt.NDArray[np.integer], wanted: npt.NDArray[np.integer], steps: npt.NDArray[np.int64], array: str, what: str
) -> None:
    """Raise `WorkloadError` at the first (step, layer) where the counts differ; both have shape (steps, layers)."""
    differ = np.argwhere(got != wanted)
    if len(differ):
        place, layer = (int(n) for n in differ[0])
        raise WorkloadError(
            f"decisions: {array} must be what meta.schedule keeps, {wanted[place, layer]} {what} in step "
            f"{steps[place]}, layer {layer}, got {got[place, layer]}"
        )
