"""Fields that make a machine smaller make it slower as well: memory ports, converters, gathers, the selections."""

import pytest

from tokensieve.arch import load_arch
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.complete import complete
from tokensieve.workloads.workload import workload_from

MODEL = {"name": "t", "layers": 3, "heads": 1, "head_dim": 64, "hidden": 64, "ffn": 256}
BITS = {"query": 12, "key": 8, "value": 8, "lsb": 0}
RANKED = {
    "model": MODEL, "phase": "decode", "prompt": 300, "steps": 3,
    "schedule": {"interpolation": "list", "token": [0.5, 0.3, 0.3], "value": 1, "bits": BITS},
}  # fmt: skip
LEVELS = {"cycle": cycle_result, "analytic": analytic_result}
levels = pytest.mark.parametrize("level", LEVELS)


def of(sets, data=RANKED, level="cycle"):
    """Return the result of a workload on `spatten` with overrides."""
    arch = load_arch("spatten", sets)
    decisions = (
        load_workload(data, arch) if isinstance(data, str) else complete(workload_from(data).counts(), arch.topk, 0)
    )
    return LEVELS[level](arch, decisions)


@levels
@pytest.mark.parametrize("barrier", ["none", "ranking", "output"])
def test_the_engine_of_the_selections_is_never_busy_for_longer_than_the_run(barrier, level):
    slow, fast = (of([f"control.barrier={barrier}", f"topk.lanes={lanes}"], level=level) for lanes in (1, 16))

    assert slow.utilization["ranking"] <= 1
    assert slow.cycles["total"] > fast.cycles["total"]
    assert slow.cycles["topk_stall"] > 0.5 * slow.cycles["total"]


def test_without_a_barrier_one_set_of_sums_may_wait_for_the_engine():
    """A layer's queries enter once the selections of the layer before the previous one are done, and not before."""
    run = of(["control.barrier=none", "topk.lanes=1"])
    free = of(["control.barrier=none", "topk.lanes=64"])

    assert run.cycles["total"] >= run.busy_cycles["ranking"]
    assert free.cycles["total"] < 0.3 * run.cycles["total"]


@levels
def test_a_run_ends_no_sooner_than_its_last_selection(level):
    """One layer that ends with a selection: the engine's law is behind the last probability."""
    data = RANKED | {"model": MODEL | {"layers": 1}, "steps": 2}
    data["schedule"] = RANKED["schedule"] | {"token": 0.5}
    slow, fast = (of([f"topk.lanes={lanes}"], data, level) for lanes in (1, 16))

    assert slow.cycles["total"] > fast.cycles["total"] + 300


@levels
@pytest.mark.parametrize("sram", ["key_sram", "value_sram"])
def test_writes_and_reads_of_an_operand_memory_with_one_port_take_turns(sram, level):
    one, two, three = (
        of([f"{sram}.ports={ports}", "topk.engine=bitonic"], "bert-base-squad1", level) for ports in (1, 2, 3)
    )

    assert two.cycles == three.cycles
    assert one.area_mm2[sram] < two.area_mm2[sram]
    array = {"key_sram": "qk", "value_sram": "pv"}[sram]
    assert one.cycles["total"] >= one.busy_cycles[array] + one.actions[sram]["write_line"]
    assert one.cycles["total"] >= two.cycles["total"]


@levels
@pytest.mark.parametrize(
    ("field", "meets", "slower"), [("converter.plane_bytes", 32, (16, 8)), ("gather.outstanding", 32, (16, 8))]
)
def test_data_leave_dram_no_faster_than_the_units_behind_a_channel_take_them(field, meets, slower, level):
    usual, same, *less = (of([f"{field}={value}"], level=level) for value in (64, meets, *slower))
    cycles = [one.cycles["total"] for one in (same, *less)]

    assert usual.cycles == same.cycles
    assert cycles[0] < cycles[1] < cycles[2]
    areas = [one.area_mm2["total"] for one in (*reversed(less), same)]
    assert areas == sorted(areas)


@pytest.mark.parametrize(("plane_bytes", "bus"), [(32, 1.0), (16, 0.5), (8, 0.25)])
def test_a_converter_takes_its_bytes_in_a_cycle(plane_bytes, bus):
    """Two pseudo-channels bring 32 bytes a clock together."""
    arch = load_arch("spatten", [f"converter.plane_bytes={plane_bytes}"])

    assert arch.read_clocks == arch.dram.nBL / bus


def test_a_gather_takes_a_granule_for_each_place_and_round_trip():
    """16 clocks in DRAM, 5 registers back and 4 of the place: 25 cycles for 16 granules, shared by two."""
    assert load_arch("spatten", ["gather.outstanding=16"]).read_clocks == 4
    assert load_arch("spatten", ["gather.outstanding=8"]).read_clocks == 7


def test_at_half_the_clock_a_converter_takes_half_the_bandwidth():
    assert load_arch("spatten", ["clock.mhz=500"]).read_clocks == 4
    assert load_arch("spatten", ["clock.mhz=500", "dram.granule_bytes=64"]).read_clocks == 8


@levels
@pytest.mark.parametrize(
    "shape", [{"phase": "prefill", "context": 200}, {"phase": "decode", "prompt": 300, "steps": 2}]
)
def test_probabilities_leave_the_softmax_no_faster_than_their_importance_is_added(shape, level):
    work = {"model": MODEL | {"heads": 4}, "schedule": {"value": 1, "bits": BITS}} | shape
    usual, more, *fewer = (of([f"importance.lanes={lanes}"], work, level) for lanes in (8, 64, 2, 1))

    assert usual.cycles == more.cycles
    for one in fewer:
        beats = one.busy_cycles["importance"]
        assert one.bottleneck == "importance"
        assert beats <= one.cycles["total"] < 1.25 * beats + 500
        assert one.area_mm2["importance"] < usual.area_mm2["importance"]
