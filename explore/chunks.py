"""How a sweep is cut into tasks, and what becomes of a task whose worker dies: one law for all executors."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tokensieve.explore.price import FAILED, OK, SKIPPED, Priced
from tokensieve.explore.tasks import Task

TASK_S = 1.0
"""Seconds of work in a task, at most: so much is lost with a worker."""

SHARES = 4
"""Tasks for each worker, so that none waits long for the last one."""

DIED = "the process that priced it died, twice"


class Chunks:
    """Says how many designs go into the next task, by what the last ones took."""

    def __init__(self, batch: int, trial: int) -> None:
        """Cut designs into tasks of at most `batch`, the first ones of at most `trial`, which is enough."""
        self._batch, self._trial = batch, trial
        self._each: float | None = None

    def size(self, total: int, workers: int, least_s: float) -> int:
        """Return the designs of the next task of `total`: `TASK_S` of work, less if `workers` would have too few tasks.

        `least_s` are the seconds of work below which sending a task costs too much.
        """
        even = -(-total // (SHARES * workers)) if workers > 1 else total
        if self._each is None:
            return max(1, min(even, self._batch, self._trial))
        most = max(self._trial, min(self._batch, int(TASK_S / self._each)))
        return max(1, min(most, max(even, int(least_s / self._each))))

    def took(self, priced: Sequence[Priced]) -> None:
        """Take note of a task that was done; designs that are refused take no time and tell nothing."""
        worked = max(int(((one.status == OK) | (one.status == FAILED)).sum()) for one in priced)
        if worked:
            self._each = max(sum(one.seconds for one in priced) / worked, 1e-9)


class Losses:
    """Says what is done of a task whose worker died: the whole, then halves, down to the design that kills."""

    def __init__(self, patience: int) -> None:
        """Give a task to so many workers before it is cut in halves."""
        self._patience = patience
        self._deaths: dict[tuple[int, int], int] = {}

    def again(self, task: Task) -> list[Task]:
        """Return what to do in the place of `task`; nothing where it is one design that is given up."""
        key = (task.low, task.high)
        self._deaths[key] = self._deaths.get(key, 0) + 1
        if self._deaths[key] < self._patience:
            return [task]
        return [] if len(task) == 1 else _halves(task)


def given_up(task: Task) -> list[Priced]:
    """Return the answer for a task that is given up: all that was wanted failed."""
    return [_failed(wanted) for wanted in task.wanted]


def _halves(task: Task) -> list[Task]:
    middle = len(task) // 2
    bounds = ((0, middle), (middle, len(task)))
    return [
        replace(
            task, low=task.low + low, high=task.low + high, wanted=[one[low:high] for one in task.wanted],
            aside=task.aside.part(low, high),
        )
        for low, high in bounds
    ]  # fmt: skip


def _failed(wanted: Any) -> Priced:
    status = np.where(wanted, FAILED, SKIPPED).astype(np.int8)
    return Priced(status, {int(i): DIED for i in np.flatnonzero(wanted)}, {}, {})
