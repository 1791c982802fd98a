"""The authors' two traces on `spatten`: their traffic to the byte, and what makes a cycle model of the cycle level."""

from functools import cache

import pytest

from tokensieve.arch import load_arch
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.workloads.reference import dense
from tokensieve.workloads.traces import load_trace

PRUNED = "gpt2-small-wikitext2-per8.csv"
STEP1 = "gpt2-small-wikitext2-per8-step1.csv"

MEGABYTES = {PRUNED: 83.7, STEP1: 746.1}
DENSE_MEGABYTES = 895.4
VECTORS = {PRUNED: {"key": 1_283_172, "value": 255_180}, STEP1: {"key": 4_647_168, "value": 4_647_168}}
BOUNDS = {PRUNED: (163_484, 196_103, 33_132), STEP1: (1_457_280, 1_165_824, 582_912)}
"""Cycles of DRAM at its peak, of Q x K and of Prob x V, counted in the files (check 6 of the validation)."""

NO_ROW_MISSES = ("dram.nRCD=0", "dram.nRP=0", "dram.nRAS=0", "dram.nRC=0")


@pytest.fixture
def traced(shared_data):
    """A function that gives the result of a trace on `spatten` with overrides; each is simulated once."""
    return lambda name, *sets: _result(shared_data / "spatten-traces" / name, sets)


@cache
def _result(path, sets):
    arch = load_arch("spatten", sets)
    return cycle_result(arch, load_trace(path, arch))


@cache
def _reference(path):
    """Return the un-pruned run of a trace."""
    arch = load_arch()
    return cycle_result(arch, dense(load_trace(path, arch)), un_pruned=True)


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_and_lsb_rows_are_exactly_the_trace_s(traced, name):
    result = traced(name)

    assert dict(result.traffic.vectors) == VECTORS[name]
    assert result.traffic.lsb_rows == {PRUNED: 323, STEP1: 0}[name]


@pytest.mark.parametrize("name", MEGABYTES)
def test_dram_bytes_are_those_counted_in_the_trace(traced, name):
    assert traced(name).traffic.dram_bytes["total"] == pytest.approx(MEGABYTES[name] * 1e6, rel=0.005)


def test_the_bytes_of_the_pruned_trace_divide_as_its_widths_say(traced):
    """6-bit pairs: 96 B for both heads' K and V; LSB rows: 32 B a key; nothing else crosses DRAM."""
    result = traced(PRUNED)
    moved, granules = result.traffic.dram_bytes, result.actions["dram"]

    assert (moved["query"], moved["output"]) == (0, 0)
    assert moved["key_msb"] % 96 == moved["value"] % 96 == moved["key_lsb"] % 32 == 0
    assert 1_283_172 <= moved["key_msb"] / 48 <= 1_283_172 * 1.03
    assert 255_180 <= moved["value"] / 48 <= 255_180 * 1.13
    assert moved["total"] == 32 * granules["read_granule"]
    assert granules["write_granule"] == 0


def test_the_reference_moves_every_key_and_value_in_12_bits(shared_data):
    reference = _reference(shared_data / "spatten-traces" / PRUNED)

    assert reference.traffic.dram_bytes["total"] == pytest.approx(DENSE_MEGABYTES * 1e6, rel=0.005)
    assert dict(reference.traffic.vectors) == VECTORS[STEP1]
    assert reference.cycles["total"] > DENSE_MEGABYTES * 1e6 / 512


def test_both_traces_have_the_same_reference(shared_data):
    """Hence the same bytes and cycles, without running it twice."""
    references = [dense(load_trace(shared_data / "spatten-traces" / name, load_arch())) for name in (PRUNED, STEP1)]

    assert references[0].digest == references[1].digest


@pytest.mark.parametrize("name", BOUNDS)
def test_no_trace_beats_the_least_cycles_of_its_counts(traced, name):
    result = traced(name)
    memory, qk, pv = BOUNDS[name]

    assert result.cycles["total"] >= max(BOUNDS[name])
    assert result.traffic.dram_bytes["total"] / 512 == pytest.approx(memory, abs=1)
    assert (result.busy_cycles["qk"], result.busy_cycles["pv"]) == (qk, pv)


def test_half_the_channels_take_nearly_twice_as_long_where_dram_binds(traced):
    whole, half = traced(STEP1), traced(STEP1, "dram.channels=8")

    assert whole.bottleneck == half.bottleneck == "dram"
    assert 1.8 <= half.cycles["total"] / whole.cycles["total"] <= 2.1
    assert half.traffic.dram_bytes == whole.traffic.dram_bytes


@pytest.mark.parametrize("name", VECTORS)
def test_a_window_of_one_request_costs_cycles(traced, name):
    assert traced(name, "dram.window=1").cycles["total"] > traced(name).cycles["total"]


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("sets", [NO_ROW_MISSES, ("dram.refresh=false",)], ids=["row misses", "refresh"])
def test_what_dram_does_beside_moving_data_costs_cycles(traced, name, sets):
    without, real = traced(name, *sets), traced(name)

    assert without.cycles["total"] < real.cycles["total"]
    assert without.traffic.dram_bytes == real.traffic.dram_bytes
    assert (without.actions["dram"]["refresh"] == 0) == (sets == ("dram.refresh=false",))


def test_the_bottleneck_of_the_pruned_trace_is_not_memory_alone(traced):
    cycles = traced(PRUNED).cycles

    assert cycles["dram_stall"] < cycles["total"] / 2
    assert cycles["topk_stall"] > 0
