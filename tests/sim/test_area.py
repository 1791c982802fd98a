"""Area follows from the structure."""

import pytest

from tokensieve.arch import load_arch
from tokensieve.arch.technology import load_technology
from tokensieve.sim.area import area, unit_cells

TSMC40 = load_technology()
ENGINES = ("quickselect", "radix", "bitserial", "bitonic")
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


@pytest.mark.parametrize(
    ("engine", "rows"), [("quickselect", 2 + 2), ("radix", 2 + 1), ("bitserial", 2), ("bitonic", 2)]
)
def test_side_buffer_and_fifos_hold_the_longest_row(engine, rows):
    """Two slots of the side buffer, and the FIFOs of the core."""
    cells = unit_cells(load_arch("spatten", [f"topk.engine={engine}"]), TSMC40)

    assert cells["topk"] == cells["ranking"]
    assert cells["topk"].sram_bits == rows * 1024 * 12


def test_cores_that_hold_all_scores_in_registers_grow_with_the_longest_row():
    short, long = ({e: mm2(f"topk.engine={e}", f"topk.max_tokens={n}")["topk"] for e in ENGINES} for n in (256, 1024))

    assert all(long[engine] / short[engine] > 2.5 for engine in ("bitserial", "bitonic"))
    assert all(long[engine] / short[engine] < 1.6 for engine in ("quickselect", "radix"))


@pytest.mark.parametrize(
    ("engine", "small", "large"),
    [
        ("radix", "topk.first_digit=linear", "topk.first_digit=log"),
        ("radix", "topk.digit_bits=5", "topk.digit_bits=6"),
        ("bitserial", "topk.count_stages=1", "topk.count_stages=4"),
        ("bitonic", "topk.max_tokens=256", "topk.max_tokens=257"),  # padded to a power of two
        ("quickselect", "topk.score_bits=12", "topk.score_bits=16"),
    ],
)
def test_an_engine_s_fields_show_in_its_area(engine, small, large):
    assert mm2(f"topk.engine={engine}", small)["topk"] < mm2(f"topk.engine={engine}", large)["topk"]


def test_the_fetcher_s_fifos_are_the_paper_s():
    cells = unit_cells(load_arch("spatten"), TSMC40)

    assert cells["fetcher"].sram_bits == 32 * 64 * (8 + 16) * 8  # paper, Table I
