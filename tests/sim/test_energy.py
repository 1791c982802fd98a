"""Energy is counts times energy per action, plus what flows with time."""

from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import load_arch
from tokensieve.arch.technology import load_technology
from tokensieve.sim.cost.energy import background_watts, energy, energy_per_action

TSMC40 = load_technology()
SPATTEN, EIGHTH = load_arch("spatten"), load_arch("spatten-eighth")
TABLE = energy_per_action(SPATTEN, TSMC40)

ACTIONS = {
    "dram": {"activate", "read_granule", "write_granule", "refresh"},
    "fetcher": {"request", "return"},
    "key_sram": {"write_line", "read_line"},
    "value_sram": {"write_line", "read_line"},
    "qk": {"multiply"},
    "softmax": {"dequantize", "exp", "accumulate", "divide"},
    "requant": {"compare"},
    "topk": {"load", "compare", "drain"},
    "ranking": {"load", "compare", "drain"},
    "pv": {"multiply"},
    "importance": {"add_token", "add_head"},
}

counts = st.integers(0, 10**12)
runs = st.fixed_dictionaries(
    {}, optional={unit: st.dictionaries(st.sampled_from(sorted(names)), counts) for unit, names in ACTIONS.items()}
)
durations = st.floats(0, 100)


def pj(table, name):
    """Return the energy of one action such as `dram.activate`, in pJ."""
    unit, action = name.split(".")
    return table[unit, action][0] * 1e12


def table_of(*sets):
    """Return the table of `spatten` with overrides."""
    return energy_per_action(load_arch("spatten", sets), TSMC40)


def test_table_has_exactly_the_agreed_actions():
    assert set(TABLE) == {(unit, action) for unit, names in ACTIONS.items() for action in names}


@pytest.mark.parametrize("table", [TABLE, energy_per_action(EIGHTH, TSMC40), table_of("softmax.kind=lut")])
def test_every_action_costs_something_known_within_less_than_its_value(table):
    assert all(joules > 0 and 0 < uncertainty < 1 for joules, uncertainty in table.values())


@given(run=runs, seconds=durations)
def test_energy_is_counts_times_energy_per_action(run, seconds):
    result = energy(SPATTEN, TSMC40, run, seconds)

    for unit in ACTIONS:
        assert result.joules[unit] == fsum(n * TABLE[unit, action][0] for action, n in run.get(unit, {}).items())
    assert result.total == fsum(result.joules.values())


@given(seconds=durations)
def test_without_actions_only_the_background_flows(seconds):
    result = energy(SPATTEN, TSMC40, {}, seconds)
    watts = background_watts(SPATTEN, TSMC40)

    assert {unit: joules for unit, joules in result.joules.items() if unit in ACTIONS} == dict.fromkeys(ACTIONS, 0.0)
    assert result.total == pytest.approx((watts["dram_background"].value + watts["leakage"].value) * seconds)


@given(run=runs, name=st.sampled_from(sorted(TABLE)), more=st.integers(1, 10**9), seconds=durations)
def test_one_more_action_never_costs_less(run, name, more, seconds):
    unit, action = name
    longer = run | {unit: run.get(unit, {}) | {action: run.get(unit, {}).get(action, 0) + more}}
    before, after = energy(SPATTEN, TSMC40, run, seconds), energy(SPATTEN, TSMC40, longer, seconds)

    assert after.joules[unit] > before.joules[unit]
    assert after.total >= before.total
    assert after.interval[1] >= before.interval[1]


@given(run=runs, seconds=durations)
def test_interval_holds_the_total_and_adds_linearly(run, seconds):
    result = energy(SPATTEN, TSMC40, run, seconds)
    half = fsum(n * TABLE[u, a][0] * TABLE[u, a][1] for u, names in run.items() for a, n in names.items())
    half += fsum(watts.half_width for watts in background_watts(SPATTEN, TSMC40).values()) * seconds

    assert result.interval == pytest.approx((result.total - half, result.total + half))
    assert 0 <= result.interval[0] <= result.total <= result.interval[1]


@pytest.mark.parametrize("run", [{"dram": {"reads": 1}}, {"sram": {}}, {"sram": {"read_line": 1}}])
def test_unknown_unit_or_action_is_our_own_mistake(run):
    with pytest.raises(KeyError):
        energy(SPATTEN, TSMC40, run, 1.0)


def test_dram_granule_takes_the_energy_of_the_fine_grained_dram_paper():
    assert pj(TABLE, "dram.activate") == pytest.approx(909)
    assert pj(TABLE, "dram.read_granule") == pytest.approx(256 * (1.51 + 1.17 + 0.80))
    assert pj(table_of("dram.row_bytes=2048"), "dram.activate") == pytest.approx(2 * 909)


def test_refresh_takes_the_current_above_standby_for_nrfc():
    assert pj(TABLE, "dram.refresh") == pytest.approx(1.2 * (250 - 55) * 260 / 2)


def test_streaming_whole_dram_rows_takes_what_the_paper_quotes_for_average_locality():
    """At 3.9 pJ/bit, the level that O'Connor quotes, activation included, lies in the interval."""
    granules = 10**6
    run = {"dram": {"activate": granules // 32, "read_granule": granules}}
    low, high = energy(SPATTEN, TSMC40, run, 0.0).interval

    assert low < granules * 256 * 3.9e-12 < high


def test_line_takes_the_energy_of_its_bits_in_a_bank():
    assert pj(TABLE, "key_sram.read_line") == pytest.approx(512 * 12 * 10 / 64)  # banks of 8 KB
    assert pj(table_of("key_sram.banks=6"), "key_sram.read_line") == pytest.approx(512 * 12 * 20 / 64)


def test_exp_takes_seven_fused_multiply_adds_and_two_buffer_accesses():
    """And the registers of the pipelines: 7 stages of one value, 21 of two (argument and sum)."""
    register = TSMC40.logic.register_energy.quantity.value
    buffer = pj(TABLE, "softmax.dequantize") - (3.7 + 0.9) - 7 * 32 * register

    assert pj(TABLE, "softmax.exp") == pytest.approx(7 * (3.7 + 0.9) + 2 * buffer + 21 * 64 * register)


@pytest.mark.parametrize(
    ("action", "small", "large"),
    [
        ("qk.multiply", "number.onchip_bits=8", "number.onchip_bits=12"),
        ("pv.multiply", "pv.multiply_stages=1", "pv.multiply_stages=2"),
        ("softmax.exp", "softmax.kind=lut", "softmax.kind=taylor5"),
        ("softmax.divide", "softmax.divider_bits=24", "softmax.divider_bits=32"),
        ("topk.compare", "topk.lanes=8", "topk.lanes=16"),
        ("ranking.drain", "topk.compactor=low_latency", "topk.compactor=max_frequency"),
        ("fetcher.return", "fetcher.return_stages=2", "fetcher.return_stages=5"),
        ("importance.add_head", "importance.head_bits=32", "importance.head_bits=40"),
    ],
)
def test_more_structure_costs_more_per_action(action, small, large):
    assert pj(table_of(small), action) < pj(table_of(large), action)


@pytest.mark.parametrize("engine", ["quickselect", "radix", "bitserial", "bitonic"])
def test_every_engine_costs_something_for_each_action(engine):
    table = table_of(f"topk.engine={engine}")

    assert all(pj(table, f"topk.{action}") > 0 for action in ("load", "compare", "drain"))
    assert pj(table, "topk.drain") == pj(TABLE, "topk.drain")  # the way out is the same


def test_a_beat_that_is_loaded_pushes_on_all_the_scores_of_a_core_of_registers():
    for engine in ("bitserial", "bitonic"):
        short, long = (table_of(f"topk.engine={engine}", f"topk.max_tokens={n}") for n in (256, 1024))
        assert pj(long, "topk.load") > 2 * pj(short, "topk.load")


@pytest.mark.parametrize("engine", ["quickselect", "radix"])
def test_comparators_are_paid_for_in_the_search_and_lanes_in_the_drain(engine):
    def of(*sets):
        table = energy_per_action(load_arch("spatten", [f"topk.engine={engine}", *sets]), TSMC40)
        return {action: 1e12 * table["topk", action][0] for action in ("load", "compare", "drain")}

    narrow, both, wide = of("topk.lanes=4"), of("topk.comparators=4"), of()

    assert both["drain"] == wide["drain"] > narrow["drain"]
    assert both["load"] > wide["load"]  # a word of the FIFO is cut
    assert both["compare"] > narrow["compare"]
    if engine == "quickselect":
        assert both["compare"] - narrow["compare"] == pytest.approx(both["load"] - wide["load"])  # that word alone
    assert of("topk.comparators=16") == wide


def test_one_lane_moves_nothing_in_its_zero_eliminator():
    assert 0 < pj(table_of("topk.lanes=1"), "topk.drain") < pj(table_of("topk.lanes=2"), "topk.drain")


def test_background_of_the_dram_follows_its_channels():
    full, eighth = background_watts(SPATTEN, TSMC40), background_watts(EIGHTH, TSMC40)

    assert full["dram_background"].value == pytest.approx(16 * 0.055 * 1.2)
    assert full["dram_background"].value == pytest.approx(8 * eighth["dram_background"].value)
    assert full["leakage"].value > eighth["leakage"].value


@pytest.mark.parametrize("preset", ["spatten", "spatten-eighth", "sieve"])
def test_seven_nanometres_take_less_energy_for_everything_but_dram(preset):
    arch = load_arch(preset)
    now, then = (energy_per_action(arch, load_technology(name)) for name in ("scaled7", "tsmc40"))

    for name, (joules, _) in now.items():
        assert joules == then[name][0] if name[0] == "dram" else joules < then[name][0], name
    assert (
        background_watts(arch, load_technology("scaled7"))["leakage"].value
        < background_watts(arch, TSMC40)["leakage"].value
    )


@given(run=runs, seconds=durations)
def test_half_widths_of_units_add_up_to_that_of_the_total(run, seconds):
    result = energy(SPATTEN, TSMC40, run, seconds)

    assert result.half_widths.keys() == result.joules.keys()
    assert fsum(result.half_widths.values()) == pytest.approx(result.interval[1] - result.total, abs=1e-12)


@pytest.mark.parametrize("standard", ["DDR4", "LPDDR4"])
def test_dram_of_another_standard_takes_its_own_energies(standard):
    """A channel as wide as that of the standard's constants; the fields go in without the checks of a machine."""
    granule, clocks, row = {"DDR4": (64, 4, 8192), "LPDDR4": (32, 8, 2048)}[standard]
    fields = {"standard": standard, "pseudo_channels": 1, "granule_bytes": granule, "nBL": clocks, "row_bytes": row}
    chip = SPATTEN.dram.model_copy(update=fields)
    arch, constants = SPATTEN.model_copy(update={"dram": chip}), TSMC40.dram.of(standard)
    table, watts = energy_per_action(arch, TSMC40), background_watts(arch, TSMC40)["dram_background"]

    assert pj(table, "dram.activate") == pytest.approx(constants.activate.value)
    assert pj(table, "dram.read_granule") == pytest.approx(8 * granule * constants.read.value)
    assert pj(table, "dram.write_granule") == pytest.approx(8 * granule * constants.write.value)
    assert watts.value == pytest.approx(16 * constants.supply.value * constants.standby.value * 1e-3)


def test_a_channel_half_as_wide_takes_half_the_standby():
    half = SPATTEN.model_copy(update={"dram": SPATTEN.dram.model_copy(update={"pseudo_channels": 1})})

    whole, part = (background_watts(arch, TSMC40)["dram_background"].value for arch in (SPATTEN, half))
    assert part == pytest.approx(whole / 2)
