"""Area follows from the structure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import load_arch
from tokensieve.arch.technology import ZERO, load_technology, technology_names
from tokensieve.sim.cost.area import area, area_quantities, unit_cells
from tokensieve.sim.cost.cells import Cells, Memory, cells_um2, memory_um2

TSMC40 = load_technology()
ENGINES = ("quickselect", "radix", "bitserial", "bitonic")
UNITS = {
    "qk", "pv", "key_sram", "value_sram", "softmax", "topk", "ranking", "fetcher", "gather", "converter", "importance",
    "requant", "controller",
}  # fmt: skip


def mm2(*sets):
    """Return the area of `spatten` with overrides, by unit."""
    return area(load_arch("spatten", sets), TSMC40).mm2


@pytest.mark.parametrize("technology", technology_names())
@pytest.mark.parametrize("preset", ["spatten", "spatten-eighth"])
def test_every_unit_has_an_area_within_its_interval(preset, technology):
    arch, constants = load_arch(preset), load_technology(technology)
    whole, parts = area(arch, constants), area_quantities(arch, constants)

    assert set(whole.mm2) == UNITS
    assert all(part.interval[0] < whole.mm2[unit] < part.interval[1] for unit, part in parts.items())
    assert whole.total == pytest.approx(sum(whole.mm2.values()))
    assert 0 <= whole.interval[0] < whole.total < whole.interval[1]


def test_seven_nanometres_take_less_of_every_unit():
    for preset in ("spatten", "spatten-eighth", "sieve"):
        arch = load_arch(preset)
        now, then = (area(arch, load_technology(name)).mm2 for name in ("scaled7", "tsmc40"))
        assert all(now[unit] < 0.2 * then[unit] for unit in UNITS)


def test_operand_memory_is_cut_into_the_release_s_macros():
    """12 memories of 256 x 512 bit, each of two banks for even and odd lines; written and read in the same cycle."""
    (banks,) = unit_cells(load_arch("spatten"), TSMC40)["key_sram"].memories

    assert banks == Memory(words=128, bits=512, ports=2, copies=24)
    assert mm2()["key_sram"] == pytest.approx(196_608 * 8 * TSMC40.sram.bit_um2(128, 512, 2).value * 1e-6)


def test_an_operand_memory_costs_no_more_than_macros_that_were_published():
    """Fewer banks are wider; beyond four times as wide as deep they are macros side by side."""
    areas = [mm2(f"key_sram.banks={banks}")["key_sram"] for banks in (1, 2, 4, 8, 12, 24, 48, 96)]

    assert areas[:5] == pytest.approx([areas[5]] * 5, rel=0.03)
    assert areas[5] == mm2()["key_sram"]
    assert areas[5:] == sorted(areas[5:], reverse=True)
    assert areas[5] < 2.5 * areas[-1]


def test_ports_grow_operand_memories_alone():
    before, after = mm2("key_sram.ports=1"), mm2("key_sram.ports=3")

    assert before["key_sram"] < mm2()["key_sram"] < after["key_sram"]
    assert {unit for unit in UNITS if before[unit] != after[unit]} == {"key_sram"}


def test_small_and_very_wide_memories_are_built_of_registers():
    """Six bits of a register, and a selector for all but one word, with the gaps between placed cells."""
    logic = TSMC40.logic
    bit = (logic.register_area.quantity.value + 0.75 * logic.select_area.quantity.value) / logic.utilization.value

    assert memory_um2(Memory(words=4, bits=1024), TSMC40).value == pytest.approx(4 * 1024 * bit)
    assert memory_um2(Memory(words=4096, bits=64), TSMC40).value < 4096 * 64 * bit / 5


def test_logic_is_placed_with_gaps_and_macros_are_not():
    cells = Cells(TSMC40.logic.register_area.quantity)

    assert cells_um2(cells, TSMC40).value == pytest.approx(cells.logic_um2.value / 0.75)
    assert cells_um2(cells, TSMC40).uncertainty == pytest.approx(0.3 + 0.07)
    assert cells_um2(Cells(ZERO), TSMC40).value == 0


shapes = st.builds(
    Memory, words=st.integers(1, 1 << 14), bits=st.integers(1, 2048), ports=st.integers(1, 3), copies=st.integers(1, 64)
)


@given(memory=shapes, words=st.integers(0, 64), bits=st.integers(0, 64), copies=st.integers(0, 4))
def test_more_memory_never_takes_less_area(memory, words, bits, copies):
    larger = Memory(
        words=memory.words + words, bits=memory.bits + bits, ports=memory.ports, copies=memory.copies + copies
    )

    assert memory_um2(memory, TSMC40).value <= memory_um2(larger, TSMC40).value * (1 + 1e-9)


GROWING = {
    "qk.multipliers": (64, 128, 512, 2048),
    "topk.lanes": (1, 2, 8, 16, 64),
    "softmax.lanes": (8, 16, 64),
    "importance.lanes": (1, 8, 32),
    "key_sram.kib": (96, 192, 200, 768),
    "value_sram.kib": (96, 192, 200, 768),
    "topk.max_tokens": (64, 500, 1024),
    "topk.score_bits": (12, 16, 24),
    "fetcher.ports": (4, 32, 64),
    "fetcher.fifo_depth": (1, 16, 64, 256),
    "gather.outstanding": (2, 64, 256),
    "dram.channels": (1, 2, 16, 32),
    "dram.window": (1, 8, 64, 256),
    "importance.max_heads": (1, 64, 1024),
    "importance.head_bits": (32, 40, 62),
}


@pytest.mark.parametrize("field", GROWING)
def test_more_bits_lanes_or_memory_never_take_less_area(field):
    totals = [sum(mm2(f"{field}={value}").values()) for value in GROWING[field]]

    assert totals == sorted(totals)
    assert totals[0] < totals[-1]


@pytest.mark.parametrize(
    ("unit", "small", "large"),
    [
        ("qk", "qk.multipliers=256", "qk.multipliers=512"),
        ("pv", "pv.multiply_stages=1", "pv.multiply_stages=2"),
        ("key_sram", "key_sram.kib=96", "key_sram.kib=192"),
        ("softmax", "softmax.kind=lut", "softmax.kind=taylor5"),
        ("topk", "topk.lanes=8", "topk.lanes=16"),
        ("ranking", "topk.compactor=low_latency", "topk.compactor=max_frequency"),
        ("topk", "topk.comparators=8", "topk.comparators=16"),
        ("ranking", "topk.comparators=16", "topk.comparators=32"),
        ("fetcher", "fetcher.ports=16", "fetcher.ports=32"),
        ("importance", "importance.token_bits=20", "importance.token_bits=24"),
        ("requant", "requant.queue_rows=8", "requant.queue_rows=16"),
        ("importance", "importance.max_heads=32", "importance.max_heads=64"),
        ("gather", "gather.outstanding=32", "gather.outstanding=64"),
        ("controller", "dram.window=32", "dram.window=64"),
        ("converter", "number.lsb_bits=2", "number.lsb_bits=4"),
        ("softmax", "softmax.exp_latency=20", "softmax.exp_latency=21"),
    ],
)
def test_more_structure_takes_more_area_in_its_own_unit_alone(unit, small, large):
    neighbours = {
        "topk.lanes=16": {"topk", "ranking", "pv"},  # kept probabilities wait for Prob x V in beats of its lanes
        "topk.compactor=max_frequency": {"topk", "ranking"},
        "topk.comparators=16": {"topk", "ranking"},
        "topk.comparators=32": {"topk", "ranking"},
        "gather.outstanding=64": {"gather", "controller"},  # requests name their place
        "qk.multipliers=512": {"qk", "key_sram"},  # lines are wider, and so are the banks
    }
    before, after = mm2(small), mm2(large)

    assert before[unit] < after[unit]
    assert {name for name in UNITS if before[name] != after[name]} <= neighbours.get(large, {unit})


def test_arrays_scale_with_their_multipliers():
    assert mm2("qk.multipliers=512")["qk"] == pytest.approx(8 * mm2("qk.multipliers=64")["qk"])


def test_the_importance_accumulators_have_adders_for_each_lane():
    logic = [
        unit_cells(load_arch("spatten", [f"importance.lanes={lanes}"]), TSMC40)["importance"].logic_um2.value
        for lanes in (1, 8)
    ]

    assert logic[1] == pytest.approx(8 * logic[0])


def test_one_lane_needs_no_zero_eliminator_layers():
    assert 0 < mm2("topk.lanes=1")["topk"] < mm2("topk.lanes=2")["topk"]


@pytest.mark.parametrize(
    ("engine", "rows"), [("quickselect", 2 + 2), ("radix", 2 + 1), ("bitserial", 2), ("bitonic", 2)]
)
def test_side_buffer_and_fifos_hold_the_longest_packet(engine, rows):
    """Two slots of the side buffer, and the FIFOs of the core."""
    cells = unit_cells(load_arch("spatten", [f"topk.engine={engine}"]), TSMC40)

    assert cells["topk"] == cells["ranking"]
    assert cells["topk"].sram_bits == rows * 1024 * 12


@pytest.mark.parametrize("engine", ["quickselect", "radix"])
def test_an_engine_of_two_widths_is_made_of_parts_of_both_and_of_what_lies_between(engine):
    """A search of 4 in an engine of 16: more than all of 4, less than all of 16; in one width, nothing between."""
    narrow, both, wide = (
        mm2(f"topk.engine={engine}", *sets)["topk"]
        for sets in (["topk.lanes=4"], ["topk.lanes=16", "topk.comparators=4"], ["topk.lanes=16"])
    )

    assert narrow < both < wide
    assert mm2(f"topk.engine={engine}", "topk.comparators=16")["topk"] == wide


def test_cores_that_hold_all_scores_in_registers_grow_with_the_longest_packet():
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
