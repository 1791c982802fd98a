"""Which fields matter, and what makes two designs differ."""

import json
from importlib.util import find_spec

import numpy as np
import pytest
from conftest import lacking

from tokensieve.arch import load_arch
from tokensieve.arch.errors import SweepError, ToolError
from tokensieve.cli.app import call
from tokensieve.explore import Store, open_store
from tokensieve.explore.diff import GROUPS, diff
from tokensieve.explore.evaluate import Analytic
from tokensieve.explore.sensitivity import Sampled, one_at_a_time, spec_of
from tokensieve.explore.sobol import sobol_indices
from tokensieve.explore.spec import sweep_from
from tokensieve.explore.sweep import run_sweep
from tokensieve.report.difference import sentence
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.workloads.benchmarks import load_workload

SPEC = {
    "workload": "bert-base-cola",
    "axes": {"topk.lanes": [4, 12, 16], "dram.channels": [8, 16], "softmax.lanes": {"low": 4, "high": 8, "times": 2}},
    "derived": {"softmax.fifo_lines": "max_tokens / softmax.lanes"},
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("why") / "designs.store"
    with Store.open(path) as store:
        run_sweep(sweep_from(SPEC), Analytic(), store=store)
    return path


@pytest.fixture
def salib():
    """The package of the extra; without it the test is skipped, or fails in continuous integration."""
    if find_spec("SALib") is None:
        lacking("SALib is missing: pip install -e '.[explore]'")


def seconds(*sets):
    arch = load_arch("spatten", sets)
    return analytic_result(arch, load_workload("bert-base-cola", arch)).seconds


def point(path, **values):
    """Name of the point that sets `values`, names with an underscore for the dot."""
    wanted = {name.replace("_", ".", 1): value for name, value in values.items()}
    with open_store(path) as store:
        return next(f"{path}#{one.id}" for one in store.points() if wanted.items() <= dict(one.overrides).items())


def test_each_field_moves_alone_and_has_the_price_of_a_run():
    found = one_at_a_time(sweep_from(SPEC), ["seconds"])

    effect = {one.name: one for one in found.effects}
    assert found.base == {"topk.lanes": 16, "dram.channels": 16, "softmax.lanes": 8}
    assert found.wanted[0] == seconds()
    assert effect["dram.channels"].wanted[0].tolist() == [seconds("dram.channels=8"), seconds()]
    assert effect["softmax.lanes"].wanted[0, 0] == seconds("softmax.lanes=4", "softmax.fifo_lines=256")
    assert np.isnan(effect["topk.lanes"].wanted[0]).tolist() == [False, True, False]
    swings = [found.swing(one) for one in found.effects]
    assert swings == sorted(swings, reverse=True)


def test_the_base_design_is_moved_and_kept_among_the_values():
    found = one_at_a_time(sweep_from(SPEC), ["seconds"], ["topk.lanes=8"])

    lanes = next(one for one in found.effects if one.name == "topk.lanes")
    assert lanes.values == ("4", "12", "16", "8")
    assert lanes.base == "8"
    assert found.wanted[0] == seconds("topk.lanes=8")


def test_a_base_design_that_is_no_machine_is_refused_with_the_rule():
    with pytest.raises(SweepError, match=r"topk\.lanes must be a power of two.*move it with --at"):
        one_at_a_time(sweep_from(SPEC), (), ["topk.lanes=12"])


def test_fields_that_move_together_are_one_field():
    spec = SPEC | {"axes": {"topk.lanes": [4, 8], "dram.channels": [4, 8]}, "zip": [["topk.lanes", "dram.channels"]]}

    [effect] = one_at_a_time(sweep_from(spec), ["seconds"]).effects

    assert (effect.name, effect.base) == ("topk.lanes, dram.channels", "16, 16")
    assert effect.values == ("4, 4", "8, 8", "16, 16")


def test_a_store_is_asked_for_its_sweep(path, capsys):
    assert list(spec_of(str(path)).axes) == list(SPEC["axes"])
    assert spec_of(str(path)).axes["topk.lanes"] == (4, 12, 16)
    assert call(["sensitivity", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["effects"][0]["name"] in SPEC["axes"]
    assert call(["sensitivity", str(path)]) == 0
    page = capsys.readouterr().out
    assert page.startswith("sweep, level analytic: time, ")
    assert " most: by " in page


def test_sobol_indices_find_the_field_that_matters(salib):
    spec = sweep_from(SPEC | {"axes": {"dram.channels": [4, 8, 16], "topk.lanes": [8, 16], "clock.mhz": [1000]}})

    found = sobol_indices(Sampled(spec, ["seconds"]), 64)

    assert found.names == ("dram.channels", "topk.lanes")
    assert (found.blocks, found.designs) == (64, 64 * 4)
    [own] = found.indices
    assert own.total[0] > 0.8 > 0.1 > own.total[1]
    again = sobol_indices(Sampled(spec, ["seconds"]), 64)
    assert again.indices[0].total.tolist() == own.total.tolist()


def test_blocks_with_a_refused_design_are_left_out(salib, capsys):
    axes = {"dram.channels": [4, 8, 16], "topk.lanes": [1, 2, 4, 8, 12, 16, 32]}

    found = sobol_indices(Sampled(sweep_from(SPEC | {"axes": axes, "derived": {}}), ["seconds"]), 256)

    assert 128 < found.blocks < found.drawn == 256
    with pytest.raises(SweepError, match=r"blocks of the sample hold valid designs alone, 32 are needed: topk.lanes"):
        sobol_indices(Sampled(sweep_from(SPEC | {"axes": axes | {"topk.lanes": [8, 12, 20]}}), ["seconds"]), 64)


def test_without_salib_it_says_what_to_install(monkeypatch):
    import sys

    for name in ("SALib", "SALib.sample.sobol"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ToolError, match=r"SALib is missing: pip install -e '\.\[explore\]'"):
        sobol_indices(Sampled(sweep_from(SPEC), ["seconds"]))


def test_a_difference_adds_up_by_cause_and_unit(path):
    found = diff(point(path, topk_lanes=16, dram_channels=16), point(path, topk_lanes=16, dram_channels=8))

    assert found.fields == {"dram.channels": (16, 8)}
    assert not found.about
    for group, total in GROUPS.items():
        assert sum(part.delta for part in found.parts(group)) == pytest.approx(found.figures[total].delta)
    assert found.parts("cycles")[0].name == "cycles.dram_stall"


def test_a_difference_is_said_in_one_sentence(path, capsys):
    arguments = ["diff", point(path, topk_lanes=16, dram_channels=16), point(path, topk_lanes=4, dram_channels=16)]

    assert call([*arguments, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)["answer"]
    assert answer.startswith("B takes ")
    assert answer.endswith("the machines differ in topk.lanes 16 -> 4.")
    assert call(arguments) == 0
    assert "Cycles by cause" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lanes", "ending"),
    [
        (16, "the machines are the same, and the work differs."),
        (4, "the machines differ in topk.lanes 16 -> 4, and so does the work."),
    ],
)
def test_other_work_is_not_said_to_be_the_same(lanes, ending, path, tmp_path):
    spec = SPEC | {"workload": "bert-base-rte", "axes": {"topk.lanes": [lanes]}, "derived": {}}
    with Store.open(tmp_path / "other.store") as store:
        run_sweep(sweep_from(spec), Analytic(), store=store)
    a, b = point(path, topk_lanes=16, dram_channels=16, softmax_lanes=8), point(tmp_path / "other.store")

    assert sentence(diff(a, b)).endswith(ending)


def test_two_runs_are_compared_and_a_run_with_a_point(path, tmp_path, capsys):
    for lanes in (8, 16):
        out = ["--out", str(tmp_path / str(lanes)), "--quiet", "--no-advice", "--reference", "none"]
        lanes_ = ["--set", f"topk.lanes={lanes}"]
        assert call(["run", "--workload", "bert-base-cola", "--level", "analytic", *lanes_, *out]) == 0

    found = diff(tmp_path / "8", tmp_path / "16" / "result.json")
    assert found.fields == {"topk.lanes": (8, 16)}
    assert found.figures["seconds"].delta < 0
    same = diff(tmp_path / "16", point(path, topk_lanes=16, dram_channels=16))
    assert not same.fields or set(same.fields) <= {"softmax.lanes", "softmax.fifo_lines", "importance.lanes"}
    assert not same.work_known
    assert call(["diff", str(tmp_path / "16"), str(tmp_path / "16")]) == 0
    assert "B costs what A costs; machine and work are the same." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("diff", "STORE#999", "STORE#1"), "has no point '999'"),
        (("diff", "STORE", "STORE#1"), "is a store; name one of its points"),
        (("diff", "nothing", "STORE#1"), "nothing: no such file"),
        (("sensitivity", "STORE", "--at", "topk.lane=4"), "did you mean 'topk.lanes'?"),
        (("sensitivity", "STORE", "--at", "topk.lanes"), "expected NAME=VALUE"),
        (("sensitivity", "STORE", "--objective", "secnds"), "did you mean 'seconds'?"),
        (("sensitivity", "STORE", "--sweep", "9"), "--sweep must be one of 1, got 9"),
        (("sensitivity", "topk", "--sweep", "1"), "a file has but one"),
        (("sensitivity", "topkk"), "did you mean 'topk'?"),
        (("sensitivity", "STORE", "--sobol", "--samples", "100"), "--samples must be a power of two"),
        (("sensitivity", "STORE", "--samples", "64"), "have no meaning without --sobol"),
        (("sensitivity", "STORE", "--sobol", "--at", "topk.lanes=8"), "--at has no meaning with --sobol"),
    ],
)
def test_a_question_that_has_no_answer_is_refused_in_words(path, arguments, message, capsys):
    assert call([one.replace("STORE", str(path)) for one in arguments]) == 2

    assert message in capsys.readouterr().err
