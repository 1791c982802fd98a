"""Workers of a Dask scheduler as an executor: ranges of designs go there, and only this process writes the store.

A worker makes the sweep's space itself, once, and refuses where it runs another version or sees other files. Whatever
number of threads it has, it prices one range at a time: a second of work each, two at hand, so that it never waits.
"""

import contextlib
import os
import pickle
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any

from tokensieve.arch.errors import SweepError, TokensieveError
from tokensieve.explore.chunks import Losses, given_up
from tokensieve.explore.evaluate import Evaluator
from tokensieve.explore.frame import needed
from tokensieve.explore.price import Priced, Pricer
from tokensieve.explore.space import Space
from tokensieve.explore.spec import SweepFile
from tokensieve.explore.tasks import Task
from tokensieve.sim.reference.version import model_version

AT_HAND = 2
"""Tasks that a worker has at a time: one that it prices, and one that it goes on with."""

LOOK_S = 1.0
"""Seconds between two looks at how many workers there are."""

_PATIENCE = 1
"""Workers that a task may kill: the scheduler itself has tried others (`distributed.scheduler.allowed-failures`)."""

_IMPORTS = (ImportError, AttributeError)

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Order:
    """What all tasks of a sweep have in common, as it is sent to workers."""

    name: str
    """Tells one sweep from another."""

    versions: Mapping[str, str]
    """Of the package and of the cycle model, which a worker must have, too."""

    folder: str
    """Where names of files in the sweep start from."""

    sources: Mapping[str, str]
    """Digest of every machine, workload and trace."""

    content: bytes
    """The sweep and what prices it."""


class Cluster:
    """Prices tasks on the workers of a Dask client; they may come and go."""

    least_s = 0.25

    def __init__(
        self, client: Any, spec: SweepFile, evaluator: Evaluator, tell: Tell = lambda text: None,
        again: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """Take a `distributed.Client`; `tell` is given a sentence while there is no worker.

        `again` starts workers that are lost for good. It is called every second while there are fewer than there were.
        """
        self._client, self._tell, self._restart = client, tell, again
        content = pickle.dumps((spec, evaluator))
        self._order = Order(uuid.uuid4().hex, _versions(), os.getcwd(), _sources(Space(spec)), content)
        self._done: SimpleQueue[Any] = SimpleQueue()
        self._again: deque[Task] = deque()
        self._losses = Losses(_PATIENCE)
        self._count, self._most, self._looked, self._told = 0, 0, 0.0, False

    @property
    def workers(self) -> int:
        """Workers of the scheduler; 1 where there is none yet."""
        if time.monotonic() - self._looked > LOOK_S:
            self._look()
        return max(1, self._count)

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, list[Priced]]]:
        """Yield each task with what it costs, as they are done. Raises `SweepError` where a worker cannot be used."""
        waiting, running = iter(tasks), dict[str, tuple[Any, Task]]()
        self._wait_for_workers()
        try:
            while True:
                self._feed(waiting, running)
                if not running:
                    return
                future = self._next()
                yield from self._received(future, running.pop(future.key)[1])
        finally:
            with contextlib.suppress(Exception):  # the scheduler may be gone, and what it does is of no interest
                self._client.cancel([future for future, _ in running.values()])

    def _wait_for_workers(self) -> None:
        """Wait until there is a worker, and refuse those that have another version of the package."""
        self._look()
        while not self._count:
            time.sleep(0.1)
            self._look()
        with self._reached():
            found = self._client.run(metadata.version, "tokensieve", on_error="return")
        for address, version in found.items():
            if version != self._order.versions["tokensieve"]:
                has = f"tokensieve {version}" if isinstance(version, str) else "no tokensieve"
                raise SweepError(f"worker {address} has {has}, and this process {_told(self._order.versions)}")

    def _feed(self, waiting: Iterator[Task], running: dict[str, tuple[Any, Task]]) -> None:
        """Send tasks until every worker has enough."""
        while len(running) < AT_HAND * self.workers:
            task = self._again.popleft() if self._again else next(waiting, None)
            if task is None:
                return
            with self._reached():
                future = self._client.submit(price, self._order, task.low, task.high, task.wanted, pure=False)
            running[future.key] = (future, task)
            future.add_done_callback(self._done.put)

    def _next(self) -> Any:
        """Return a task that has ended, and look after the cluster until one has."""
        while True:
            try:
                return self._done.get(timeout=LOOK_S)
            except Empty:
                self._look()

    def _received(self, future: Any, task: Task) -> Iterator[tuple[Task, list[Priced]]]:
        """Yield what a task costs, or see to it where its workers died."""
        distributed = needed("distributed")
        try:
            with self._reached():
                yield task, future.result()
        except distributed.scheduler.KilledWorker:
            again = self._losses.again(task)
            self._again += again
            if not again:
                yield task, given_up(task)

    def _look(self) -> None:
        """Count the workers, and say once that there is none."""
        with self._reached():
            self._count = len(self._client.nthreads())
        self._looked = time.monotonic()
        self._most = max(self._most, self._count)
        if self._count < self._most:
            self._restart()
        if not self._count and not self._told:
            self._tell(f"no worker at {self._client.scheduler.address} yet; waiting for one, Ctrl-C stops")
        self._told = not self._count

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """Raise as a `SweepError` that the scheduler is gone, or that a worker cannot load what prices designs."""
        distributed = needed("distributed")
        try:
            yield
        except (distributed.scheduler.KilledWorker, TokensieveError):
            raise
        except (OSError, distributed.client.FutureCancelledError, distributed.client.ClosedClientError) as problem:
            raise SweepError(
                f"the scheduler does not answer any more ({problem}); what is done is in the store, if there is one, "
                "and the same command goes on from there"
            ) from problem
        except Exception as problem:  # whatever a worker raised; all but one kind goes on to the caller
            if _cannot_load(problem):
                raise SweepError(
                    f"a worker cannot load what prices designs ({problem.__cause__ or problem}), and this process has "
                    f"{_told(self._order.versions)}; the same must be installed where workers run"
                ) from problem
            raise


def _cannot_load(problem: BaseException | None) -> bool:
    """Return whether an error is one of importing, or says that a worker could not unpickle its task."""
    if problem is None:
        return False
    return isinstance(problem, _IMPORTS) or "deserializ" in str(problem) or _cannot_load(problem.__cause__)


def _versions() -> dict[str, str]:
    model = model_version() or "of sources that were changed since it was started"
    return {"tokensieve": metadata.version("tokensieve"), "model": model}


def _told(versions: Mapping[str, str]) -> str:
    return f"tokensieve {versions['tokensieve']} with the cycle model {versions['model'][:12]}"


def _sources(space: Space) -> dict[str, str]:
    """Return the digest of everything that a sweep may read from a file, by name."""
    machines = {f"machine {i} ({one.name})": one.digest for i, one in enumerate(space.bases, 1)}
    return {**machines, **space.cases.sources()}


# What runs on a worker.

_ONE = Lock()
_LAST: dict[str, Pricer] = {}
"""What the last sweep is priced by; a sweep that comes back makes it again."""


def price(order: Order, low: int, high: int, wanted: Any) -> list[Priced]:
    """Return what designs from `low` to before `high` cost; runs on a worker. Raises `SweepError` if it must not."""
    here = _address()
    if (own := _versions()) != order.versions:
        raise SweepError(f"worker {here} has {_told(own)}, and the sweep {_told(order.versions)}; install the same")
    with _ONE, contextlib.chdir(order.folder if Path(order.folder).is_dir() else "."):
        if order.name not in _LAST:
            _LAST.clear()
            _LAST[order.name] = _pricer(order, here)
        return _LAST[order.name].price(low, high, wanted)


def _pricer(order: Order, here: str) -> Pricer:
    spec, evaluator = pickle.loads(order.content)
    try:
        pricer = Pricer(spec, evaluator)
        seen = _sources(pricer.space)
    except TokensieveError as problem:
        raise SweepError(f"worker {here}: {problem}") from None
    if odd := [name for name, digest in order.sources.items() if seen.get(name) != digest]:
        raise SweepError(f"worker {here}: {odd[0]} is another one than where the sweep was started")
    return pricer


def _address() -> str:
    return str(needed("distributed").get_worker().address)
