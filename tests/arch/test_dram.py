"""DRAM configurations: what ships, what extends them, and what is refused."""

import pytest

from tokensieve.arch import ArchError, dram_names, load_arch, load_dram
from tokensieve.arch.mapping import address_order

PEAKS = {
    "dramsim3": 32,
    "ramulator-release": 16,
    "ramulator-v21": 32,
    "hbm2": 512,
    "ddr4-2400": 19.2,
    "ddr4-3200": 25.6,
    "lpddr4-3200": 6.4,
}

CAPACITIES = {
    "dramsim3": 1 << 30,
    "ramulator-release": 1 << 29,
    "ramulator-v21": 1 << 30,
    "hbm2": 1 << 30,
    "ddr4-2400": 1 << 33,
    "ddr4-3200": 1 << 33,
    "lpddr4-3200": 1 << 29,
}


def test_every_configuration_has_the_peak_bandwidth_of_its_standard():
    assert {n: load_dram(n).peak_gb_per_s for n in dram_names()} == pytest.approx(PEAKS, rel=1e-3)


def test_a_channel_of_every_configuration_has_the_capacity_of_its_device():
    drams = {name: load_dram(name) for name in dram_names()}

    assert {n: d.pseudo_channels * d.banks * d.rows * d.row_bytes for n, d in drams.items()} == CAPACITIES


def test_the_stack_of_the_paper_is_one_of_them():
    assert load_dram("hbm2") == load_arch("spatten").dram


@pytest.mark.parametrize("sets", [["nFAW=16", "channels=4"], ["dram.nFAW=16", "dram.channels=4"]])
def test_fields_are_overridden_with_or_without_the_name_of_the_group(sets):
    dram = load_dram("dramsim3", sets)

    assert (dram.nFAW, dram.channels, dram.nRCD) == (16, 4, 14)


def test_a_machine_takes_a_configuration_in_the_place_of_its_own(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("extend: spatten\nname: mine\ndram: {extend: ramulator-release, channels: 8}\n")

    told = [load_arch(str(path)), load_arch("spatten", ["dram.extend=ramulator-release", "dram.channels=8"])]

    assert all(machine.dram == load_dram("ramulator-release", ["channels=8"]) for machine in told)


def test_a_file_of_a_user_starts_from_a_configuration_or_another_file(tmp_path):
    (tmp_path / "base.yaml").write_text("extend: ddr4-3200\nchannels: 2\n")
    (tmp_path / "mine.yaml").write_text("extend: base.yaml\nrefresh: false\n")
    (tmp_path / "arch.yaml").write_text("extend: spatten\nname: a\ndram: {extend: mine.yaml}\n")

    expected = load_dram("ddr4-3200", ["channels=2", "refresh=false"])

    assert load_dram(str(tmp_path / "mine.yaml")) == load_arch(str(tmp_path / "arch.yaml")).dram == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extend: dramsim\n", "line 1: extend must be a DRAM configuration (ddr4-2400, "),
        ("extend: dramsim3\nnRDC: 3\n", "line 2: nRDC is not a known field; did you mean 'nRC'?"),
        ("extend: dramsim3\ncommand_bus: pseudo-channel\n", "command_bus must be channel or single for the controller"),
        ("command_bus: single\n", "line 1: command_bus must be pseudo-channel for the controller frfcfs, got 'single'"),
        ("mapping: RoBaCh\n", "line 1: mapping must hold each of ro, ba, bg, co, pc, ch once"),
        ("rows: 1000\n", "line 1: rows must be a power of two in 1..16777216, got 1000"),
        (
            "extend: dramsim3\nnREFI: 275\n",
            "line 2: nREFI must be at least 371 for a row to be opened, used and closed",
        ),
        ("page: shut\n", "page must be one of open, closed, got 'shut'"),
        ("nRCD_WR: -1\n", "nRCD_WR must be in 0..1048576, got -1"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_with_its_line(text, message, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(text)

    with pytest.raises(ArchError) as problem:
        load_dram(str(path))

    assert str(path) in str(problem.value)
    assert message in str(problem.value)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("\ufeffextend: dramsim3\nnFAW: 16\n", encoding="utf-8")

    assert load_dram(str(path)) == load_dram("dramsim3", ["nFAW=16"])


def test_a_group_of_a_machine_that_extends_nothing_that_is_known_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("extend: spatten\nname: mine\ndram:\n  extend: hbm3\n")

    with pytest.raises(ArchError, match=r"line 4: dram.extend must be a DRAM configuration .*did you mean 'hbm2'"):
        load_arch(str(path))


def test_configurations_do_not_run_in_circles(tmp_path):
    (tmp_path / "a.yaml").write_text("extend: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extend: a.yaml\n")

    with pytest.raises(ArchError, match="extend runs in a circle"):
        load_dram(str(tmp_path / "a.yaml"))


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("RoBaRaCoCh", "ro ba bg pc co ch"),
        ("RoRaBgBaChCo", "ro pc bg ba ch co"),
        ("rorabgbachco", "ro pc bg ba ch co"),
        ("ro-ra-bg-ba-pc-ch-co", "ro bg ba pc ch co"),
        ("ChRaBaRoCo", "ch pc ba bg ro co"),
    ],
)
def test_a_mapping_may_be_named_as_the_simulators_name_it(name, order):
    assert address_order(name) == tuple(order.split())


@pytest.mark.parametrize(
    "name", ["", "RoBaCo", "RoBaRaCoChCo", "ro-ba-bg-co-pc", "ro-ra-ra-ba-bg-co-pc-ch", "roba-raco", "Ro"]
)
def test_a_mapping_that_leaves_a_part_out_or_names_it_twice_is_refused(name):
    with pytest.raises(ValueError, match="must hold each of ro, ba, bg, co, pc, ch once"):
        address_order(name)
