"""`tokensieve sweep`: what it prints, and in which words it refuses."""

import json
import os
import resource
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import pytest
from bench.stores import in_a_process

from tokensieve.cli.app import call
from tokensieve.explore.dry import STORED_BYTES, dry_run
from tokensieve.explore.evaluate import Analytic
from tokensieve.explore.space import Space
from tokensieve.explore.spec import read_sweep, sweep_from, sweep_names
from tokensieve.report.sweep import dry_page

AXES = ["--set", "topk.lanes=8,16", "--set", "topk.engine=quickselect,radix"]
COLA = ["--workload", "bert-base-cola"]


def test_one_line_prints_table_best_knee_and_a_sentence(capsys):
    assert call(["sweep", *AXES, *COLA]) == 0

    told = capsys.readouterr().out
    assert told.startswith("sweep: spatten on bert-base-cola, level analytic\n")
    assert "4 designs: 4 valid." in told
    assert "Best time: design " in told
    assert "Knee, the least area within 1 % of that: design " in told
    assert told.splitlines()[-1].endswith(".")
    assert "Take topk.lanes" in told


def test_json_is_one_object_that_says_the_same(capsys):
    assert call(["sweep", *AXES, *COLA, "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["designs"], told["valid"], len(told["rows"])) == (4, 4, 4)
    assert told["best"]["figures"]["seconds"] == min(row["figures"]["seconds"] for row in told["rows"])
    assert told["answer"].startswith("Take ")


def test_a_store_is_gone_on_from(tmp_path, capsys):
    command = ["sweep", *AXES, *COLA, "--store", str(tmp_path / "s.db")]

    assert call(command) == call(command) == 0

    first, again = capsys.readouterr().out.split("4 designs: 4 valid")[1:]
    assert first.startswith(".")
    assert again.startswith(", 4 points from the store.")
    assert call(["store", "info", str(tmp_path / "s.db"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["points"] == 4


def test_a_dry_run_prices_a_probe_alone(tmp_path, capsys):
    path = tmp_path / "s.yaml"
    path.write_text("workload: bert-base-cola\naxes: {topk.lanes: [4, 8, 12, 16], dram.channels: [4, 8]}\n")

    assert call(["sweep", str(path), "--dry-run", "--workers", "2"]) == 0

    told = capsys.readouterr().out
    assert told.startswith("8 designs, 8 design points.\n  refused 2: topk.lanes must be a power of two in 1..64\n")
    assert "About 1 s on 2 processes (a probe of " in told


class OneByOne(Analytic):
    """A level that prices one design at a time, and keeps whole results of 2,000 bytes."""

    level, batch, trial = "cycle", 64, 1

    def __init__(self):
        self.asked = []

    def price(self, work, summary, designs, reference=None):
        self.asked += [designs.arch(i).topk.lanes for i in range(len(designs))]
        return replace(super().price(work, summary, designs, reference), full=(bytes(2000),) * len(designs))


def test_a_dry_run_at_level_cycle_prices_few_valid_designs_and_whole_results_count():
    one = OneByOne()
    axes = {"topk.lanes": [3, 1, 2, 4, 5, 6, 8, 16, 32, 64], "dram.channels": [1, 2, 4, 8, 16]}

    dry = dry_run(sweep_from({"workload": "bert-base-cola", "level": "cycle", "axes": axes}), one, 2)

    assert dry.priced == len(one.asked) - 1 == 4
    assert not {3, 5, 6} & set(one.asked)
    assert dry.store_mb == pytest.approx(50 * (0.7 * 2000 + STORED_BYTES) * 1e-6)
    assert f"(a probe of 4 designs), {dry.process_mb:.0f} MB a process, 0.105 MB of a store at level cycle." in (
        " ".join(dry_page(dry, 100).split())
    )


def test_designs_refused_as_rough_come_with_the_way_out(capsys):
    assert call(["sweep", "--set", "topk.lanes=8,16", "--set", "dram.mapping=ch-ro-ba-bg-co-pc", *COLA]) == 2

    told = capsys.readouterr().err
    rule = "  refused 2: dram.mapping must be one whose consecutive granules go to consecutive channels where level "
    assert f"{rule}analytic sweeps\n    --allow-rough lets them pass, as estimates\n" in told


def test_a_rule_of_the_machine_has_no_such_way_out(capsys):
    assert call(["sweep", "--set", "topk.lanes=12,16", *COLA]) == 0
    assert "--allow-rough" not in capsys.readouterr().out


def test_the_best_design_and_the_knee_are_named_by_their_points_in_the_store(tmp_path, capsys):
    path = str(tmp_path / "s.db")
    call(["sweep", "--set", "topk.lanes=32,16", *COLA, "--store", path, "--quiet"])
    command = ["sweep", "--set", "topk.lanes=16,32,8", "--set", "topk.engine=quickselect,radix", *COLA, "--store", path]
    assert call([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    for one in (told["best"], told["knee"]):
        assert call(["store", "show", path, str(one["point"]), "--json"]) == 0
        point = json.loads(capsys.readouterr().out)
        assert point["totals"]["seconds"] == one["figures"]["seconds"]
        assert one["values"].items() >= point["set"].items()
    assert told["best"]["point"] != told["best"]["number"]
    assert call(command) == 0
    line = f"In the store, the best is point {told['best']['point']} and the knee point {told['knee']['point']}."
    assert f"\n{line}\n" in capsys.readouterr().out


def test_a_best_design_that_is_the_knee_is_spelled_out_once(capsys):
    assert call(["sweep", "--set", "dram.channels=8,16", "--workload", "gpt2-small-wikitext2"]) == 0

    told = capsys.readouterr().out
    assert "Best time: design 1 (dram.channels 16), which is also the knee.\n" in told
    assert "Knee, " not in told
    assert "In the store" not in told


@pytest.mark.parametrize("command", [["sweep", *AXES, *COLA], ["sensitivity", "topk"]])
def test_a_first_run_says_that_kernels_are_compiled(command, monkeypatch, capsys):
    @contextmanager
    def watched(tell):
        tell(0)
        yield

    monkeypatch.setattr("tokensieve.sim.kernels.watched", watched)

    assert call(command) == 0
    assert capsys.readouterr().err == "compiling kernels, once: up to about 85 functions, 34 s of CPU ...\n"


@pytest.mark.parametrize("name", sweep_names())
def test_a_sweep_that_ships_can_be_run_as_it_stands(name):
    space = Space(read_sweep(name))

    assert 1 < len(space) < 10_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a sweep needs a file, or an axis: --set topk.lanes=8,16,32"),
        (["--set", "topk.lanes=8"], "a sweep needs a file, or an axis"),
        (["--set", "topk.lane=8,16"], "did you mean 'topk.lanes'?"),
        (["--set", "topk.lanes=8,"], "'' is not one YAML value"),
        (["topl"], "a sweep is a YAML file or one that ships"),
        (["absent.yaml"], "absent.yaml: no such file"),
        ([*AXES, "--workload", "minilm", "--trace", "x.npz"], "--workload and --trace exclude each other"),
        ([*AXES, "--trace", "absent.npz"], "absent.npz: no such file"),
        ([*AXES, "--workload", "bert-base-col"], "did you mean 'bert-base-cola'?"),
        (["--set", "topk.lanes=12,13", *COLA], "no design of this sweep is valid: 2 designs: 0 valid, 2 refused."),
        ([*AXES, "--store", "no/such/file.db"], "no/such"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(arguments, message, capsys, monkeypatch):
    monkeypatch.setattr("tokensieve.sim.kernels.watched", lambda tell: nullcontext())  # else a line says so before
    assert call(["sweep", *arguments]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.startswith("error: ")


def test_constraints_that_contradict_each_other_are_named(tmp_path, capsys):
    path = tmp_path / "s.yaml"
    path.write_text(
        "workload: bert-base-cola\naxes: {topk.lanes: [4, 8]}\nconstraints: [topk.lanes > 8, topk.lanes < 4]\n"
    )

    assert call(["sweep", str(path)]) == 2
    assert "  constraints: topk.lanes > 8; topk.lanes < 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "2"], "--scheduler and --workers exclude each other"),
        (["--local-cluster"], "--scheduler and --local-cluster exclude each other"),
        (["--dry-run"], "--scheduler and --dry-run exclude each other"),
    ],
)
def test_what_a_scheduler_decides_is_not_given_beside_it(options, message, capsys):
    assert call(["sweep", *AXES, *COLA, "--scheduler", "tcp://127.0.0.1:1", *options]) == 2
    assert message in capsys.readouterr().err


def on_a_small_disk(path):
    """Sweep where no file may be larger than the empty store, then where there is room."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    lanes = ["--set", "topk.lanes=1,2,4,8,16,32,64", "--set", "dram.channels=1,2,4,8,16,32", "--workers", "1"]
    command = ["sweep", *lanes, "--set", "topk.engine=quickselect,radix", *COLA, "--store", str(path), "--quiet"]
    first = call(command)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    os._exit(10 * first + call(command))


def test_a_sweep_on_a_full_disk_ends_with_exit_code_2_and_goes_on_once_there_is_room(tmp_path, capsys):
    assert in_a_process(on_a_small_disk, tmp_path / "s.db") == 20

    assert call(["store", "info", str(tmp_path / "s.db"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["points"] == 84


def test_two_sweeps_that_write_one_store_at_once_leave_each_point_once(tmp_path, capsys):
    sweep = ["sweep", *AXES, *COLA, "--workers", "1", "--quiet", "--store", str(tmp_path / "s.db")]
    both = [subprocess.Popen([sys.executable, "-m", "tokensieve", *sweep]) for _ in range(2)]

    assert [one.wait() for one in both] == [0, 0]
    assert call(["store", "info", str(tmp_path / "s.db"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["points"] == 4
