"""A run names the fields that had no effect, and says so where the user set one of them."""

import json
from functools import reduce

import pytest

from tokensieve.arch import ArchError, load_arch
from tokensieve.cli.app import call
from tokensieve.run.inert import inert_fields
from tokensieve.run.simulate import run
from tokensieve.workloads.complete import complete
from tokensieve.workloads.workload import workload_from

SHAPE = {"name": "m", "layers": 2, "heads": 4, "head_dim": 64, "hidden": 256, "ffn": 512}
BITS = {"query": 12, "key": 8, "value": 8, "lsb": 4}
PLAIN = {"model": SHAPE, "phase": "decode", "prompt": 60, "steps": 2, "schedule": {"value": 0.5, "bits": BITS}}
LOW = PLAIN | {"lsb_fraction": 0.5, "schedule": {"value": 0.5, "bits": BITS, "threshold": 0.1}}
HEADS = PLAIN | {"schedule": {"interpolation": "list", "head": [1, 0.5], "bits": BITS}}
OTHER = {"name": "mine", "dram.command_bus": None, "dram.controller": None, "dram.nRCD_WR": 20}


def decisions(data, arch):
    return complete(workload_from(data).counts(), arch.topk, 0)


def asked(tmp_path, capsys, *options):
    """Run a decode without a threshold and return what is printed."""
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(PLAIN))

    assert call(["run", "--level", "analytic", "--workload", str(path), *options]) == 0
    return capsys.readouterr().out


def test_a_field_that_was_set_and_does_nothing_is_named_in_one_line(tmp_path, capsys):
    out = asked(
        tmp_path, capsys, "--set", "topk.digit_bits=2", "--set", "topk.lanes=8", "--set", "requant.tree_stages=9"
    )

    assert out.splitlines()[-1] == (
        "Inert here: topk.digit_bits (topk.engine quickselect has no digits); "
        "requant.tree_stages (no threshold is compared with; area alone)"
    )


def test_nothing_is_said_of_fields_that_nobody_set(tmp_path, capsys):
    assert "Inert" not in asked(tmp_path, capsys, "--set", "topk.lanes=8")


def test_the_result_has_all_of_them_with_reasons(tmp_path, capsys):
    found = json.loads(asked(tmp_path, capsys, "--json"))["inert"]

    assert found["topk.digit_bits"] == "topk.engine quickselect has no digits"
    assert found["released.replay"] == "read by tokensieve replay alone"
    assert "topk.lanes" not in found


@pytest.mark.parametrize(
    ("field", "data", "sets", "inert"),
    [
        ("topk.digit_bits", PLAIN, ["topk.engine=radix"], False),
        ("requant.tree_stages", LOW, [], False),
        ("requant.tree_stages", PLAIN, [], True),
        ("dram.nRFC", PLAIN, ["dram.refresh=false"], True),
        ("dram.nRFC", PLAIN, [], False),
        ("key_sram.ports", PLAIN, [], False),
        ("key_sram.ports", PLAIN, ["key_sram.ports=3"], True),
        ("gather.outstanding", PLAIN, [], True),
        ("gather.outstanding", PLAIN, ["gather.outstanding=16"], False),
        ("converter.plane_bytes", PLAIN, ["converter.plane_bytes=8"], False),
        ("converter.plane_bytes", PLAIN, ["converter.plane_bytes=8", "dram.nCCD_L=16"], False),
        ("control.barrier", PLAIN | {"model": SHAPE | {"layers": 1}}, [], False),
        ("control.barrier", PLAIN | {"model": SHAPE | {"layers": 1}, "steps": 1}, [], True),
        ("requant.tree_stages", LOW | {"lsb_fraction": 0}, [], False),
        ("dram.nCWL", PLAIN, [], False),
        (
            "importance.lanes",
            PLAIN | {"schedule": {"interpolation": "list", "head": [1, 0.5], "bits": BITS}},
            [],
            False,
        ),
        ("importance.lanes", PLAIN, [], True),
        ("importance.lanes", PLAIN, ["importance.lanes=4"], False),
    ],
)
def test_whether_a_field_is_inert_hangs_on_machine_and_work(field, data, sets, inert):
    arch = load_arch("spatten", sets)

    assert (field in inert_fields(arch, decisions(data, arch))) is inert


@pytest.mark.parametrize("level", ["analytic", "cycle"])
@pytest.mark.parametrize("data", [PLAIN, LOW], ids=["plain", "low bits"])
def test_what_is_called_inert_changes_neither_cycles_nor_bytes_nor_energy_of_actions(data, level):
    arch = load_arch("spatten", ["topk.score_bits=12"])
    work = decisions(data, arch)
    base = run(arch, work, level=level, reference=None)
    for field in base.inert:
        value = reduce(getattr, field.split("."), arch)
        other = OTHER.get(field, value * 2 if isinstance(value, int) else None)
        if other is None:
            continue
        try:
            changed = load_arch("spatten", [f"{field}={other}"])
        except ArchError:
            changed = load_arch("spatten", [f"{field}={max(value // 2, 1)}"])
        got = run(changed, work, level=level, reference=None)

        assert (got.cycles, got.traffic, got.actions) == (base.cycles, base.traffic, base.actions), field
        on_chip = {unit for unit in base.energy_j if unit not in ("leakage", "total", "dram_background")}
        assert {unit: got.energy_j[unit] for unit in on_chip} == {unit: base.energy_j[unit] for unit in on_chip}, field
