"""Area follows from the structure."""

import pytest

from tokensieve.arch import load_arch
from tokensieve.arch.technology import load_technology
from tokensieve.sim.area import area, unit_cells

TSMC40 = load_technology()
UNITS = {"qk", "pv", "key_sram", "value_sram", "softmax", "topk", "ranking", "fetcher", "importance", "requant"}


def mm2(*sets):
    """Return the area of `spatten` with overrides, by unit."""
    return area(load_arch("spatten", sets), TSMC40).mm2


@pytest.mark.parametrize("preset", ["spatten", "spatten-eighth"])
def test_every_unit_has_an_area_within_the_interval_of_the_total(preset):
    whole = area(load_arch(preset), TSMC40)

    assert set(whole.mm2) == UNITS
    assert min(whole.mm2.values()) > 0
    assert whole.total == pytest.approx(sum(whole.mm2.values()))
    assert 0 < whole.interval[0] < whole.total < whole.interval[1]


def test_memory_takes_the_macro_area_of_its_bits():
    density = TSMC40.sram.area.quantity.value

    assert mm2()["key_sram"] == pytest.approx(196_608 * 8 * density * 1e-6)


@pytest.mark.parametrize(
    ("unit", "small", "large"),
    [
        ("qk", "qk.multipliers=256", "qk.multipliers=512"),
        ("pv", "pv.multiply_stages=1", "pv.multiply_stages=2"),
        ("key_sram", "key_sram.kib=96", "key_sram.kib=192"),
        ("softmax", "softmax.kind=lut", "softmax.kind=taylor5"),
        ("topk", "topk.lanes=8", "topk.lanes=16"),
        ("ranking", "topk.compactor=low_latency", "topk.compactor=max_frequency"),
        ("fetcher", "fetcher.ports=16", "fetcher.ports=32"),
        ("importance", "importance.token_bits=20", "importance.token_bits=24"),
        ("requant", "requant.queue_rows=8", "requant.queue_rows=16"),
    ],
)
def test_more_structure_takes_more_area_in_its_own_unit_alone(unit, small, large):
    before, after = mm2(small), mm2(large)

    assert before[unit] < after[unit]
    assert {name for name in UNITS if before[name] != after[name]} <= {
        unit,
        *(("topk", "ranking") if "topk" in large else ()),
    }


def test_arrays_scale_with_their_multipliers():
    assert mm2("qk.multipliers=512")["qk"] == pytest.approx(8 * mm2("qk.multipliers=64")["qk"])


def test_one_lane_needs_no_zero_eliminator_layers():
    assert 0 < mm2("topk.lanes=1")["topk"] < mm2("topk.lanes=2")["topk"]


def test_input_copy_and_both_fifos_hold_the_longest_row():
    cells = unit_cells(load_arch("spatten"), TSMC40)

    assert cells["topk"].sram_bits == 1024 * (12 + 12 + 12 + 10)
    assert cells["fetcher"].sram_bits == 32 * 64 * (8 + 16) * 8  # paper, Table I
