"""Controllers stepped by the clock do what a plain version does that asks the whole history of commands."""

import numpy as np
import pytest
from bench import dram_clock_plain
from bench.drams import refreshing
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import load_dram
from tokensieve.arch.memory import Dram
from tokensieve.sim.dram.run import replay

TIMINGS = ("nCL", "nCWL", "nRCD", "nRP", "nRAS", "nRC", "nCCD_S", "nCCD_L", "nRRD_S", "nRRD_L", "nFAW", "nRTP", "nWR")
fields = st.builds(
    Dram,
    channels=st.just(1),
    pseudo_channels=st.sampled_from([1, 2]),
    bank_groups=st.sampled_from([1, 2]),
    banks_per_group=st.sampled_from([1, 2]),
    row_bytes=st.just(64),
    granule_bytes=st.just(32),
    mapping=st.sampled_from(["RoBaRaCoCh", "RoRaBgBaChCo", "ro-co-ba-bg-pc-ch"]),
    controller=st.sampled_from(["bank-queues", "active-buffer"]),
    command_bus=st.sampled_from(["channel", "single"]),
    window=st.integers(1, 8),
    bank_queue=st.integers(1, 4),
    row_hit_limit=st.integers(0, 3),
    act_clocks=st.integers(1, 3),
    return_clocks=st.integers(0, 2),
    page=st.sampled_from(["open", "closed"]),
    refresh=st.just(False),
    nBL=st.integers(1, 4),
    rows=st.sampled_from([2, 4, 1024]),
    nRFC=st.integers(0, 40),
    nRCD_WR=st.none() | st.integers(0, 12),
    nTurn=st.integers(0, 3),
    nWTR_S=st.integers(0, 12),
    nWTR_L=st.integers(0, 12),
    **{name: st.just(0) | st.integers(0, 30 if name in {"nFAW", "nRC"} else 12) for name in TIMINGS},
)
drams = refreshing(fields)
streams = st.lists(st.tuples(st.integers(0, 127), st.booleans()), min_size=1, max_size=40)
"""Half granules, so that some requests are for one granule and not for one address."""


def compared(dram, stream):
    """Check ends and commands of kernel and plain version."""
    size = dram.granule_bytes // 2
    addresses, writes = (np.array(x) for x in zip(*stream, strict=True))
    stats = replay(dram, addresses * size, size, writes=writes, mhz=None, times=True, log=1 << 12)
    ends, log, classes = dram_clock_plain.run(dram, [(a * size, w) for a, w in stream])
    last = log[-1][0]

    assert stats.completed.tolist() == ends
    assert stats.reads + stats.writes + stats.joined == len(stream)
    if dram.controller == "active-buffer":
        assert [stats.row_hits, stats.row_misses, stats.row_conflicts] == classes
    assert [tuple(line) for line in stats.commands.tolist() if line[0] <= last] == log


@settings(max_examples=150, deadline=None)
@given(dram=drams, stream=streams)
def test_the_kernel_issues_the_commands_of_its_plain_version_at_the_same_clocks(dram, stream):
    compared(dram, stream)


@pytest.mark.parametrize("name", ["dramsim3", "ramulator-release", "ramulator-v21", "ddr4-3200"])
def test_the_configurations_do_so_too(name):
    draw = np.random.default_rng(4)
    stream = [(int(a), bool(w)) for a, w in zip(draw.integers(4096, size=60), draw.random(60) < 0.3, strict=True)]

    compared(load_dram(name, ["nREFI=700"]), stream)
