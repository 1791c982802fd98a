"""Sweeps on a Dask cluster of real processes: what they find, what they survive, and whom they refuse."""

import json
import os
import signal
import threading
from contextlib import contextmanager, suppress
from importlib.util import find_spec

import pytest
from bench.evaluators import KillingAlone, Slow, be_yourself, pretend
from conftest import lacking

from tokensieve.arch import ToolError
from tokensieve.arch.errors import SweepError
from tokensieve.explore import schedulers
from tokensieve.explore.chunks import DIED
from tokensieve.explore.cluster import Cluster
from tokensieve.explore.evaluate import Analytic
from tokensieve.explore.schedulers import connected, local_cluster
from tokensieve.explore.spec import sweep_from
from tokensieve.explore.store import Store
from tokensieve.explore.sweep import run_sweep

GRID = sweep_from(
    {
        "workload": "bert-base-cola",
        "axes": {
            "topk.lanes": [2, 4, 8, 16],
            "topk.engine": ["quickselect", "radix"],
            "dram.channels": [1, 2, 4, 8, 16],
        },
    }
)


@contextmanager
def two_workers():
    if find_spec("distributed") is None:
        lacking("dask is missing: pip install -e '.[explore]'")
    with local_cluster(2) as (one, again):
        one.wait_for_workers(2, timeout=300)
        yield one, again


@pytest.fixture(scope="module")
def client():
    """A cluster whose workers no test kills."""
    with two_workers() as (one, _):
        yield one


@pytest.fixture
def mortal():
    """A cluster of the test's own, and what starts workers that are lost."""
    with two_workers() as both:
        yield both


def rows(path):
    """All points, in the order of their keys."""
    with Store.open(path, write=False) as store:
        return sorted((one.key, one.status, one.message, one.totals, dict(one.overrides)) for one in store.points())


def test_a_cluster_that_loses_a_worker_half_way_finds_what_the_pool_finds(mortal, tmp_path):
    client, again = mortal
    killed = []

    def half_way(done, total):
        if not killed and done >= total / 2:
            with suppress(Exception):
                killed.extend(client.run(os.getpid).values())
            os.kill(killed[0], signal.SIGKILL)

    with Store.open(tmp_path / "cluster.db") as store:
        executor = Cluster(client, GRID, Slow(), again=again)
        there = run_sweep(GRID, Slow(), store=store, executor=executor, progress=half_way)
        repeated = store.repeated
    with Store.open(tmp_path / "pool.db") as store:
        here = run_sweep(GRID, Slow(), store=store, workers=2)

    assert killed
    assert rows(tmp_path / "cluster.db") == rows(tmp_path / "pool.db")
    assert there == here
    assert repeated == 0


def test_a_design_that_kills_its_workers_is_given_up_and_the_others_are_priced(mortal):
    client, again = mortal
    spec = sweep_from({"workload": "bert-base-cola", "axes": {"topk.lanes": [4, 8]}})

    outcome = run_sweep(spec, KillingAlone(), executor=Cluster(client, spec, KillingAlone(), again=again))

    assert (outcome.valid, outcome.failed) == (1, {DIED: 1})


def test_workers_that_dask_gives_up_are_started_again(mortal):
    import dask

    client, again = mortal
    executor = Cluster(client, GRID, Slow(), again=again)
    assert executor.workers == 2

    with dask.config.set({"distributed.deploy.lost-worker-timeout": "0.2s"}):
        client.retire_workers(list(client.nthreads()), close_workers=True)
        outcome = run_sweep(GRID, Slow(), executor=executor)

    assert outcome.valid == 40


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"model": "f" * 64}, r"worker tcp://\S+ has tokensieve \S+ with the cycle model f{12}, and the sweep"),
        ({"package": "0.0.1"}, r"worker tcp://\S+ has tokensieve 0\.0\.1, and this process tokensieve \S+ with"),
    ],
)  # fmt: skip
def test_a_worker_of_another_version_is_refused_and_both_are_named(client, other, message):
    client.run(pretend, **other)
    try:
        with pytest.raises(SweepError, match=message):
            run_sweep(GRID, Analytic(), executor=Cluster(client, GRID, Analytic()))
    finally:
        client.run(be_yourself)


def test_a_worker_that_sees_another_file_is_refused(client, tmp_path):
    machine = tmp_path / "mine.yaml"
    machine.write_text("topk: {lanes: 8}\n")
    spec = sweep_from({"arch": str(machine), "workload": "bert-base-cola", "axes": {"dram.channels": [4, 8]}})
    executor = Cluster(client, spec, Analytic())
    machine.write_text("topk: {lanes: 4}\n")

    with pytest.raises(
        SweepError, match=r"worker tcp://\S+: machine 1 \(\S+\) is another one than where the sweep was st"
    ):
        run_sweep(spec, Analytic(), executor=executor)


def test_an_address_that_nobody_answers_is_refused_in_time(monkeypatch):
    monkeypatch.setattr(schedulers, "PATIENCE", 0.2)

    with pytest.raises(SweepError, match=r"--scheduler tcp://127.0.0.1:1: nobody answers within 0.2 s; `dask sched"):
        connected("tcp://127.0.0.1:1").__enter__()


@pytest.mark.parametrize("address", ["somewhere", "nfs://host:1", "absent/scheduler.json"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(SweepError, match=f"--scheduler {address}: "), connected(address):
        pass


def test_a_schedulers_file_that_does_not_come_is_waited_for_told_of_and_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(schedulers, "START", 0.3)
    monkeypatch.setattr(schedulers, "_TELL_S", 0.1)
    told = []

    with pytest.raises(SweepError, match=r"absent.json: no such file within 0.3 s; `dask scheduler --sched"):
        connected(str(tmp_path / "absent.json"), told.append).__enter__()

    assert told == [f"no file {tmp_path}/absent.json yet; waiting 0.3 s for a scheduler that writes it, Ctrl-C stops"]


def test_a_scheduler_that_is_still_starting_is_waited_for(client, tmp_path):
    path = tmp_path / "scheduler.json"
    content = json.dumps({"address": client.scheduler.address})
    writes = threading.Timer(0.5, path.write_text, [content])
    writes.start()

    with connected(str(path)) as late:
        assert late.scheduler.address == client.scheduler.address
    writes.join()


def test_without_dask_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)

    with (
        pytest.raises(ToolError, match=r"distributed is missing: pip install -e '\.\[explore\]'"),
        connected("x:1"),
    ):
        pass
