"""A pool of processes on this machine.

A worker makes the sweep's space itself and takes ranges of designs. It dies with its parent, ignores Ctrl-C (which is
the parent's to handle), and is replaced where it dies alone: its task is given to another one, and where that dies too,
half of it, down to the design that kills.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from tokensieve.explore.chunks import Losses, given_up
from tokensieve.explore.evaluate import Evaluator
from tokensieve.explore.price import Priced, Pricer
from tokensieve.explore.spec import SweepFile
from tokensieve.explore.tasks import Task

_LOOK = 0.5
"""Seconds between two looks at whether the parent is alive."""

_PR_SET_PDEATHSIG = 1
"""Linux: a signal for the child of a process that dies (prctl(2))."""

_PATIENCE = 2
"""Workers that a task may kill before it is cut in halves."""


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    task: Task | None = None


class Pool:
    """Processes that price tasks; started when the first task comes."""

    least_s = 0.0

    def __init__(self, spec: SweepFile, evaluator: Evaluator, workers: int) -> None:
        self._spec, self._evaluator, self.workers = spec, evaluator, workers
        self._workers: list[_Worker] = []
        self._next: deque[Task] = deque()
        """Tasks that are at hand when a worker asks for one."""

        self._losses = Losses(_PATIENCE)

    @property
    def pids(self) -> list[int]:
        """Process numbers of the workers that run."""
        return [worker.process.pid for worker in self._workers if worker.process.pid]

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, list[Priced]]]:
        """Yield each task with what it costs, as they are done."""
        waiting = iter(tasks)
        try:
            while True:
                self._feed(waiting)
                busy = {worker.pipe: worker for worker in self._workers if worker.task is not None}
                if not busy:
                    return
                if len(self._next) < self.workers and not wait(busy, 0) and (task := next(waiting, None)) is not None:
                    self._next.append(task)
                    continue
                ready = set(wait(busy))
                done = [self._received(worker) for pipe, worker in busy.items() if pipe in ready]
                self._feed(waiting)  # before what is done is stored, which takes a while
                for answers in done:
                    yield from answers
        finally:
            self._end()

    def _feed(self, waiting: Iterator[Task]) -> None:
        """Give every idle worker a task, and start workers as long as there are tasks for them."""
        while idle := next((one for one in self._workers if one.task is None), len(self._workers) < self.workers):
            task = self._next.popleft() if self._next else next(waiting, None)
            if task is None:
                return
            worker = self._started() if idle is True else idle
            worker.task = task
            with suppress(OSError):  # it died meanwhile, which is seen where its answer is waited for
                worker.pipe.send((task.low, task.high, task.wanted))

    def _started(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (theirs, os.getpid(), self._spec, self._evaluator)
        process = context.Process(target=_work, args=arguments, daemon=True)
        process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours))
        return self._workers[-1]

    def _received(self, worker: _Worker) -> list[tuple[Task, list[Priced]]]:
        """Return what a worker has sent, or see to its task where it has died."""
        task = worker.task
        assert task is not None
        try:
            answer = worker.pipe.recv()
        except (EOFError, OSError):
            self._workers.remove(worker)
            worker.process.join()
            return self._lost(task)
        worker.task = None
        if isinstance(answer, BaseException):
            raise answer
        return [(task, answer)]

    def _lost(self, task: Task) -> list[tuple[Task, list[Priced]]]:
        """Have a task done again whose worker died, or give it up."""
        again = self._losses.again(task)
        self._next.extendleft(reversed(again))
        return [] if again else [(task, given_up(task))]

    def _end(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
        self._workers.clear()


def _work(pipe: Connection, parent: int, spec: SweepFile, evaluator: Evaluator) -> None:
    """Price ranges of designs until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with(parent)
    try:
        pricer = Pricer(spec, evaluator)
    except Exception as problem:  # whatever it is, the parent raises it
        pipe.recv()
        pipe.send(problem)
        return
    while True:
        try:
            pipe.send(pricer.price(*pipe.recv()))
        except (EOFError, OSError):
            return


def _die_with(parent: int) -> None:
    """Make this process end when its parent does, also in the midst of a kernel."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()
