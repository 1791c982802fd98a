"""The DRAM kernel does on every clock what a slow controller does that asks the whole history of commands."""

import itertools

import numpy as np
import pytest
from bench import dram_plain
from bench.drams import refreshing
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tokensieve.arch.mapping import ADDRESS_PARTS
from tokensieve.arch.memory import Dram
from tokensieve.sim.kernels import dram as d
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels.dram_idle import new_state

TIMINGS = (
    "nCL", "nCWL", "nRCD", "nRP", "nRAS", "nRC", "nCCD_S", "nCCD_L", "nRRD_S", "nRRD_L", "nFAW", "nRTP", "nWR",
    "nWTR_S", "nWTR_L", "nRFC",
)  # fmt: skip
SMALL = Dram(
    channels=1,
    pseudo_channels=2,
    bank_groups=2,
    banks_per_group=2,
    row_bytes=64,
    granule_bytes=32,
    window=4,
    nREFI=100,
    nRFC=20,
    **{name: 3 for name in TIMINGS[:-1]},
)

fields = st.builds(
    Dram,
    channels=st.sampled_from([1, 1, 2]),
    pseudo_channels=st.sampled_from([1, 2]),
    bank_groups=st.sampled_from([1, 2, 4]),
    banks_per_group=st.sampled_from([1, 2]),
    row_bytes=st.just(64),
    granule_bytes=st.sampled_from([16, 32, 64]),
    mapping=st.permutations(ADDRESS_PARTS).map("-".join),
    window=st.integers(1, 12),
    rows=st.sampled_from([1, 4, 32768]),
    refresh=st.just(False),
    page=st.sampled_from(["open", "closed"]),
    act_clocks=st.sampled_from([1, 1, 2]),
    return_clocks=st.sampled_from([0, 0, 3]),
    nRCD_WR=st.none() | st.integers(0, 12),
    nTurn=st.integers(0, 3),
    nBL=st.integers(1, 4),
    **{name: st.just(0) | st.integers(0, 40 if name in {"nFAW", "nRC"} else 12) for name in TIMINGS[:-1]},
    nRFC=st.integers(0, 60),
)
drams = refreshing(fields)
streams = st.lists(
    st.tuples(st.integers(0, 127), st.booleans(), st.sampled_from([0, 0, 0, 1, 3, 40, 150])), min_size=1, max_size=60
)


def kernel_run(dram, fifo, stream):
    """Return what `dram_plain.run` returns, from the kernel."""
    state = new_state(dram, 1000, fifo, 4096)
    slots = state[state[ds.O_SLOT] : state[ds.O_DONE]].reshape(-1, ds.N_SLOT)
    assert len(stream) <= len(slots)
    slots[: len(stream), ds.LEFT] = 1
    clock = 0
    for slot, (address, write, earliest) in enumerate(stream):
        clock = d.push(state, address, max(clock, earliest), slot, int(write), d.clocked(state))
    d.advance_all(state, ds.FAR, d.clocked(state))
    log = ds.command_log(state).tolist()
    commands = [
        [dram_plain.Command(t, ds.COMMANDS[kind], bank, row) for t, place, kind, bank, row in log if place == g]
        for g in range(dram.channels * dram.pseudo_channels)
    ]
    assert state[ds.LOGGED] == len(log)
    assert sorted(state[state[ds.O_DONE] :][: state[ds.DONE]]) == list(range(len(stream)))
    return slots[: len(stream), ds.END].tolist(), commands


def in_time(dram, stream):
    """Return the stream in bytes and clocks, from granules and clocks between two requests."""
    clocks = itertools.accumulate(gap for *_, gap in stream)
    return [(granule * dram.granule_bytes, write, at) for (granule, write, _), at in zip(stream, clocks, strict=True)]


@settings(max_examples=400)
@given(dram=drams, fifo=st.integers(1, 4), stream=streams)
@example(dram=SMALL.model_copy(update={"nRP": 0}), fifo=1, stream=[(g, False, 9) for g in range(60)])
@example(dram=SMALL.model_copy(update={"nRC": 60, "nRFC": 0}), fifo=1, stream=[(g, False, 3) for g in range(60)])
def test_the_kernel_issues_the_commands_of_its_plain_version_at_the_same_clocks(dram, fifo, stream):
    ends, commands = dram_plain.run(dram, fifo, in_time(dram, stream))

    assert kernel_run(dram, fifo, in_time(dram, stream)) == (ends, commands)


@pytest.mark.parametrize("name", [*TIMINGS, "nBL", "nTurn", "act_clocks", "return_clocks", "window", "refresh"])
def test_every_parameter_moves_kernel_and_plain_version_alike(name):
    """And moves them at all, so that no constraint is left out of both."""
    draw = np.random.default_rng(7)
    stream = in_time(SMALL, [(int(draw.integers(64)), bool(draw.random() < 0.4), 0) for _ in range(64)])
    more = 7 if name == "act_clocks" else 17
    other = SMALL.model_copy(update={name: not SMALL.refresh if name == "refresh" else getattr(SMALL, name) + more})

    assert kernel_run(other, 2, stream) == dram_plain.run(other, 2, stream)
    assert kernel_run(other, 2, stream) != kernel_run(SMALL, 2, stream)
