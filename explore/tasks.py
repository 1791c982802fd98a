"""Tasks and executors: ranges of designs, priced in this process or wherever an executor sends them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tokensieve.explore.price import Priced, Pricer

Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Task:
    """Designs from `low` to before `high`, and which of them are wanted for each member of the suite."""

    low: int
    high: int
    wanted: Sequence[Bool]

    aside: Any = None
    """What the sweep keeps of them meanwhile; stays in its process."""

    def __len__(self) -> int:
        return self.high - self.low


class Executor(Protocol):
    """Prices tasks."""

    least_s: float
    """Seconds of work below which sending a task costs too much."""

    @property
    def workers(self) -> int:
        """Processes that price at the same time; may change while tasks are done."""
        ...

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, list[Priced]]]:
        """Yield each task with what it costs, in any order; take tasks no faster than they are done.

        Whatever was started has ended when the iterator is closed.
        """
        ...


class InProcess:
    """Prices tasks one after the other in this process."""

    workers, least_s = 1, 0.0

    def __init__(self, pricer: Pricer) -> None:
        self._pricer = pricer

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, list[Priced]]]:
        """Yield each task with what it costs, in order."""
        for task in tasks:
            yield task, self._pricer.price(task.low, task.high, task.wanted)
