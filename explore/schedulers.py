"""Dask schedulers: one that runs somewhere, or a cluster of processes on this machine that ends with the block."""

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from tokensieve.arch.errors import SweepError
from tokensieve.explore.frame import needed

PATIENCE = 10
"""Seconds that a scheduler may take to answer."""

START = 30
"""Seconds that a scheduler may take to write its file: started a line before the sweep, it first loads Dask."""

_TELL_S = 2
"""Seconds of waiting for that file after which the user reads that the sweep waits."""

_CLOSE_S = 0.5
"""Seconds that ends are waited for."""


@contextmanager
def connected(address: str, tell: Callable[[str], None] = lambda text: None) -> Iterator[Any]:
    """Give a `distributed.Client` of the scheduler at `address`, or named in the JSON file `address`.

    The file is waited for, since a scheduler may be starting; `tell` is given a sentence then. Raises `SweepError`
    where nobody answers, and `ToolError` without Dask.
    """
    if not address:
        raise SweepError("--scheduler must be an address (tcp://HOST:PORT) or a JSON file, got ''")
    distributed = needed("distributed")
    _quiet()
    named = {"scheduler_file": address} if address.endswith(".json") else {"address": address}
    if "scheduler_file" in named:
        _await_file(address, tell)
    try:
        if "address" in named:
            distributed.comm.get_address_host_port(address)  # a client of an address that is none is a while in ending
        client = distributed.Client(**named, timeout=PATIENCE, set_as_default=False)
    except OSError:
        raise SweepError(
            f"--scheduler {address}: nobody answers within {PATIENCE} s; `dask scheduler` starts one and prints its "
            "address"
        ) from None
    except ValueError as problem:
        raise SweepError(f"--scheduler {address}: {problem}; an address is tcp://HOST:PORT") from None
    try:
        yield client
    finally:
        with suppress(Exception):
            client.close(timeout=_CLOSE_S)


def _await_file(path: str, tell: Callable[[str], None]) -> None:
    """Wait for a scheduler's file. Raises `SweepError` where it does not come, or cannot: in a folder that is none."""
    since, told = time.monotonic(), False
    while not os.path.isfile(path):
        waited = time.monotonic() - since
        if waited >= START or not os.path.isdir(os.path.dirname(path) or "."):
            after = f" within {START} s" if waited >= START else ""
            raise SweepError(
                f"--scheduler {path}: no such file{after}; `dask scheduler --scheduler-file {path}` writes it"
            )
        if waited >= _TELL_S and not told:
            tell(f"no file {path} yet; waiting {START} s for a scheduler that writes it, Ctrl-C stops")
            told = True
        time.sleep(0.1)


@contextmanager
def local_cluster(workers: int) -> Iterator[tuple[Any, Callable[[], None]]]:
    """Give a `distributed.Client` of a cluster of processes on this machine, and what starts those that are lost.

    Dask starts a worker again that dies, unless it dies early or is slow to come back: then it forgets it after 15 s.
    Raises `ToolError` without Dask.
    """
    distributed, dask = needed("distributed"), needed("dask")
    _quiet()
    # A task is tried on one more worker by the scheduler, then cut in halves by the sweep.
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}), _deaf():
        cluster = distributed.LocalCluster(
            n_workers=0, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
        )
    try:
        cluster.scale(workers)
        with connected(cluster.scheduler_address) as client:
            try:
                yield client, partial(cluster.scale, workers)
            finally:
                _kill(cluster)
    finally:
        with suppress(Exception):
            cluster.close(timeout=_CLOSE_S)
        # Dask would close it again when Python ends, and wait for workers that were about to start; they die with us.
        distributed.deploy.spec.SpecCluster._instances.discard(cluster)


@contextmanager
def _deaf() -> Iterator[None]:
    """Make threads of the block, and processes that they start, take no Ctrl-C: it is this thread's to handle."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _kill(cluster: Any) -> None:
    """End the workers at once: asked politely, they finish what they price."""
    for nanny in cluster.workers.values():
        nanny.auto_restart = False
        if nanny.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(nanny.pid, signal.SIGKILL)


def _quiet() -> None:
    """Keep Dask's own log of lost workers and schedulers off the terminal: the sweep says what matters."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
