import re

import jsonschema
import pytest
from arch.malformed import FILES, SETS
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import Arch, ArchError, load_arch, preset_names
from tokensieve.arch.letters import is_plain
from tokensieve.arch.presets import all_fields, apply_sets, arch_schema, show_yaml
from tokensieve.arch.yamlio import parse_yaml


@pytest.fixture
def write(tmp_path):
    """A function that writes an architecture file and returns its path."""

    def put(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return put


def test_spatten_has_the_figures_of_the_paper():
    arch = load_arch("spatten")

    assert (arch.key_sram.bytes, arch.value_sram.bytes) == (196_608, 196_608)
    assert arch.qk.vectors_per_cycle(64) == 8
    assert arch.peak_tflops == pytest.approx(2.048)
    assert arch.dram.peak_gb_per_s == pytest.approx(512)


def test_the_eighth_has_an_eighth_of_multipliers_and_bandwidth():
    full, eighth = load_arch("spatten"), load_arch("spatten-eighth")

    assert eighth.qk.multipliers * 8 == full.qk.multipliers
    assert eighth.dram.peak_gb_per_s * 8 == full.dram.peak_gb_per_s


def test_the_eighth_holds_an_eighth_of_the_sram_and_the_older_one_all_of_it():
    full, eighth, whole = (load_arch(name) for name in ("spatten", "spatten-eighth", "spatten-eighth-1024"))

    assert eighth.key_sram.bytes * 8 == eighth.value_sram.bytes * 8 == full.key_sram.bytes == whole.key_sram.bytes
    assert {"key_sram": whole.key_sram, "value_sram": whole.value_sram, "name": whole.name} == {
        name: value for name, value in whole if value != getattr(eighth, name)
    }


def test_the_paper_s_reading_differs_from_spatten_in_three_fields():
    full, paper = load_arch("spatten"), load_arch("spatten-paper")
    told = load_arch("spatten", ["control.barrier=none", "topk.round_cycles=3", "softmax.scan=streamed"])

    assert paper == told.model_copy(update={"name": "spatten-paper"})
    assert full.topk.law.round_cycles == 6


def test_the_defaults_are_the_full_design():
    assert load_arch("spatten") == Arch()


@pytest.mark.parametrize(("name", "cells"), [("fpga-ecp5", "ecp5"), ("fpga-ice40", "ice40")])
def test_an_fpga_preset_is_a_stage_of_32_multipliers_with_the_familys_cells(name, cells):
    arch = load_arch(name)

    assert (arch.qk.multipliers, arch.pv.multipliers, arch.softmax.kind, arch.softmax.lanes) == (32, 32, "lut", 1)
    assert (arch.number.onchip_bits, arch.number.output_bits) == (8, 8)
    assert (arch.topk.engine, arch.topk.lanes, arch.primitives) == ("bitserial", 4, cells)


def test_which_cells_hardware_is_made_of_does_not_tell_machines_apart():
    assert load_arch("spatten", ["primitives=ecp5"]).digest == load_arch("spatten").digest


@pytest.mark.parametrize("name", preset_names())
def test_what_is_shown_loads_back_to_an_equal_arch(name, write):
    arch = load_arch(name)

    assert load_arch(write("again.yaml", show_yaml(arch))) == arch


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80).filter(is_plain))
def test_whatever_the_name_what_is_shown_loads_back(name):
    arch = Arch(name=name)
    data, _ = parse_yaml(show_yaml(arch), "", ArchError)

    assert Arch.model_validate(data) == arch


def test_every_field_is_shown_with_its_meaning():
    shown = show_yaml(Arch()).splitlines()

    assert len(shown) == len(all_fields()) + sum(line.partition("#")[0].rstrip().endswith(":") for line in shown)
    assert all(len(line.partition("# ")[2]) > 3 for line in shown)


def test_a_file_extends_a_preset_group_by_group(write):
    arch = load_arch(write("mine.yaml", "extend: spatten-eighth\ntopk: {lanes: 4}\n"))

    assert (arch.topk.lanes, arch.topk.max_tokens, arch.dram.channels) == (4, 1024, 2)


def test_a_file_extends_a_file_beside_it_from_any_folder(write, monkeypatch, tmp_path_factory):
    write("base.yaml", "extend: spatten\nname: base\ndram: {channels: 4, window: 8}\n")
    child = write("child.yaml", "extend: base.yaml\ndram: {window: 2}\n")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))

    assert (load_arch(child).name, load_arch(child).dram.channels, load_arch(child).dram.window) == ("base", 4, 2)


def test_an_error_in_a_parent_names_the_parent_and_its_line(write):
    write("base.yaml", "name: base\ntopk: {lanes: 12}\n")
    child = write("child.yaml", "extend: base.yaml\ntopk: {engine: radix}\n")

    with pytest.raises(ArchError, match=r"base\.yaml, line 2: topk\.lanes must be a power of two"):
        load_arch(child)


@pytest.mark.parametrize("chain", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_files_that_extend_one_another_in_a_circle_are_refused(chain, write):
    for name, parent in zip(chain, [*chain[1:], chain[0]], strict=True):
        path = write(f"{name}.yaml", f"extend: {parent}.yaml\n")

    with pytest.raises(ArchError, match="extend runs in a circle"):
        load_arch(path)


def test_a_link_to_itself_is_refused(tmp_path):
    (tmp_path / "a.yaml").symlink_to(tmp_path / "a.yaml")

    with pytest.raises(ArchError, match=r"a\.yaml: cannot be read"):
        load_arch(str(tmp_path / "a.yaml"))


@pytest.mark.parametrize("name", ["spaten", "", "x" * 300, "SPATTEN"])
def test_an_unknown_preset_is_refused_with_the_known_ones(name):
    with pytest.raises(ArchError, match=re.escape(f"arch must be a preset ({', '.join(preset_names())})")) as caught:
        load_arch(name)

    assert len(str(caught.value)) < 280


def test_overrides_are_applied_in_order():
    arch = load_arch("spatten", ["topk.lanes=4", "topk.lanes=8", "dram.refresh=false", "name=a b"])

    assert (arch.topk.lanes, arch.dram.refresh, arch.name) == (8, False, "a b")


def test_an_override_of_a_group_leaves_its_other_fields():
    arch = load_arch("spatten-eighth", ["softmax={exp_frac_bits: 16}"])

    assert (arch.softmax.exp_frac_bits, arch.softmax.lanes) == (16, 1)


def test_overrides_may_only_make_sense_together():
    assert load_arch("spatten", ["softmax.lanes=4", "softmax.fifo_lines=256"]).softmax.lanes == 4


@pytest.mark.parametrize(
    ("sets", "lanes"),
    [
        (["softmax.lanes=16"], 16),
        (["softmax.lanes=16", "importance.lanes=4"], 4),
        (["importance={stages: 3}", "softmax.lanes=2", "softmax.fifo_lines=512"], 2),
        (["importance.lanes=16"], 16),
    ],
)
def test_the_importance_accumulators_are_as_wide_as_the_softmax_unless_told(sets, lanes):
    assert load_arch("spatten", sets).importance.lanes == lanes


def test_overrides_leave_what_they_are_laid_on_alone():
    data = {"topk": {"lanes": 8}}

    assert apply_sets(data, ["topk.lanes=4"]) == {"topk": {"lanes": 4}}
    assert data == {"topk": {"lanes": 8}}


@pytest.mark.parametrize("item", SETS)
def test_a_malformed_override_is_refused_by_its_name(item):
    with pytest.raises(ArchError) as caught:
        load_arch("spatten", [item])

    assert str(caught.value).startswith(SETS[item])


def test_the_schema_takes_what_loads_and_refuses_unknown_and_mistyped_fields():
    schema = arch_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema)

    assert all(judge.is_valid(parse_yaml(show_yaml(load_arch(n)), "", ArchError)[0]) for n in preset_names())
    assert judge.is_valid({"extend": "spatten", "topk": {"lanes": 4}})
    refused = [
        FILES[n][0] for n in ("unknown field", "too large", "text for a number", "unknown choice", "number for a group")
    ]
    assert not any(judge.is_valid(parse_yaml(text, "", ArchError)[0]) for text in refused)
