"""Kernels that are called slice by slice, so that Ctrl-C is met within a second, end as if called once."""

import numpy as np
import pytest

from tokensieve.arch import load_arch, load_dram
from tokensieve.sim.cycle.plan import plan
from tokensieve.sim.dram.run import pattern
from tokensieve.sim.kernels import critical, dram_idle, fetch, patterns, stream, stretch, tables
from tokensieve.sim.result import CAUSES, TENSORS
from tokensieve.sim.work import row_work
from tokensieve.workloads.complete import complete
from tokensieve.workloads.workload import workload_from

ARCH = load_arch()
MODEL = {"name": "m", "layers": 2, "heads": 2, "head_dim": 64, "hidden": 64, "ffn": 64}


@pytest.mark.parametrize("most", [1, 7])
def test_a_run_in_slices_ends_as_one_without(most):
    work = workload_from({"model": MODEL, "phase": "prefill", "context": 24, "schedule": {"value": 0.5}})
    flat = row_work(ARCH, complete(work.counts(), ARCH.topk, 0))
    ends = []
    for turns in (most, fetch.SLICE):
        p, m = plan(ARCH, flat), dram_idle.new_state(ARCH.paced_dram, ARCH.clock.mhz, ARCH.fetcher.fifo_depth)
        granules, events = np.zeros((2, len(TENSORS)), np.int64), np.zeros((500, tables.N_EVENT), np.int64)
        total = fetch.simulate(m, p.row, p.query, p.passes, p.group, p.redo, p.ids, p.scalars, granules, events, turns)
        causes = np.zeros((2, len(CAUSES)), np.int64)
        assert critical.walk_back(p.row, p.query, p.passes, p.group, p.scalars, causes, turns)
        assert causes.sum() == total
        ends.append((total, m.tolist(), p.query.tolist(), granules.tolist(), events.tolist(), causes.tolist()))

    assert ends[0] == ends[1]
    assert ends[0][0] > 0


@pytest.mark.parametrize("send", ["saturate", "exchange"])
@pytest.mark.parametrize("config", ["hbm2", "dramsim3"])
def test_a_stream_in_slices_ends_as_one_without(send, config):
    dram, addresses = load_dram(config), pattern("randchunk", 200, 48, 96)
    writes, earliest = np.arange(200) % 3 == 0, np.arange(200, dtype=np.int64) * 2
    ends = []
    for most in (3, stream.SLICE):
        m, times = dram_idle.new_state(dram, None, 4, 0, 1000), np.zeros((2, 200), np.int64)
        limit = [16] if send == "exchange" else []
        getattr(stream, send)(m, addresses, 48, writes, earliest, *limit, *times, most)
        ends.append((m.tolist(), times.tolist()))

    assert ends[0] == ends[1]


def test_a_stretch_in_slices_ends_as_one_without():
    dram, granule = load_dram("hbm2"), pattern("gather", 300, 64, 50) >> 5
    ends = []
    for most in (3, stream.SLICE):
        m = dram_idle.new_state(dram, None, 4)
        ends.append((stretch.sustain(m, granule, np.zeros(300, np.int8), most), m.tolist()))

    assert ends[0] == ends[1]


@pytest.mark.parametrize("begun", [False, True])
def test_the_order_of_a_stretch_in_slices_is_that_without(begun):
    moves = np.zeros((5, 5, stretch.N_JOB), np.int64)
    moves[..., stretch.COUNT], moves[..., stretch.BYTES] = [1, 9, 2, 5, 1], 64
    moves[..., stretch.BASE] = np.arange(5) << 20
    per_line, whole, room = np.array([4, 4, 4, 2, 4]), np.zeros(5, np.int64), np.array([2, 2])
    ends = []
    for most in (1, stream.SLICE):
        sent = np.full((2, 1000), -1)
        given = moves, per_line, whole, np.arange(9, dtype=np.int32), 5, True, begun, 0.5, room, *sent
        ends.append((stretch.requests(*given, most), sent.tolist()))

    assert ends[0] == ends[1]
    assert ends[0][0] == 5 * 18 * 2


def test_vectors_drawn_in_slices_are_those_drawn_at_once():
    assert patterns.gather(500, 32, 7, np.uint64(3), 11).tolist() == patterns.gather(500, 32, 7, np.uint64(3)).tolist()
