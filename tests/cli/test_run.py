import contextlib
import io
import math
import os
import subprocess
import sys
import types
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from arch.malformed import FILES, SETS
from report.sample import ALONE, COUNTS, RESULT

from tokensieve.arch import ArchError, WorkloadError, preset_names
from tokensieve.cli import options
from tokensieve.cli.app import call
from tokensieve.sim.reference.store import Store


@pytest.fixture
def machine_room(monkeypatch):
    """Puts a simulator in place that hands out the sample result, and gives what it was asked for."""
    asked = SimpleNamespace(trace=None, workload=None, runs=[], compiled=0, before=lambda progress: None)

    def simulate(arch, decisions, **options):
        asked.runs.append((arch, decisions, options))
        asked.before(options["progress"])
        return RESULT if options["reference"] else ALONE

    def load(kind):
        def loaded(name, arch, seed, scores, force):
            setattr(asked, kind, (name, arch.name, seed, scores, force))
            return SimpleNamespace(meta=COUNTS)

        return loaded

    @contextmanager
    def watched(tell):
        for count in range(asked.compiled):
            tell(count)
        yield

    put(monkeypatch, "tokensieve.run.simulate", run=simulate)
    put(monkeypatch, "tokensieve.workloads.traces", default_trace=lambda: "shipped.npz", load_trace=load("trace"))
    put(monkeypatch, "tokensieve.workloads.benchmarks", load_workload=load("workload"))
    put(monkeypatch, "tokensieve.sim.kernels", watched=watched)
    return asked


def put(monkeypatch, name, **members):
    """Put a module with `members` in the place of the one called `name`."""
    module = types.ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


def tokensieve(*arguments, **options):
    """Run ``tokensieve`` in a process of its own."""
    code = [sys.executable, "-c", "from tokensieve.cli import main; main()", *arguments]
    return subprocess.run(code, capture_output=True, text=True, check=False, **options)


def test_without_arguments_the_shipped_trace_runs_on_spatten(machine_room, capsys):
    assert call(["run"]) == 0

    out, err = capsys.readouterr()
    assert (machine_room.trace, err) == (("shipped.npz", "spatten", 0, None, False), "")
    assert out.startswith("spatten on the shipped trace: gpt2-small, decode, 32 steps")
    assert "\ndecisions: counts only; records: synthesised, scores minilm-resampled\n" in out
    assert "Bottleneck: DRAM" in out


def test_the_options_reach_the_simulator(machine_room):
    given = ["--arch", "spatten-eighth", "--set", "topk.lanes=8", "--workload", "bert-base-cola", "--seed", "7"]
    assert call(["run", *given, "--reference", "fp32", "--scores", "uniform"]) == 0

    arch, _, asked = machine_room.runs[0]
    assert machine_room.workload == ("bert-base-cola", "spatten-eighth", 7, "uniform", False)
    assert (arch.topk.lanes, arch.dram.channels) == (8, 2)
    assert isinstance(asked.pop("store"), Store)
    assert asked == {
        "level": "cycle",
        "reference": "fp32",
        "confirm": False,
        "advice": True,
        "seed": 7,
        "sets": ["topk.lanes=8"],
        "progress": None,
    }


def test_no_cache_leaves_the_simulator_without_a_store(machine_room):
    assert call(["run", "--no-cache"]) == 0

    assert machine_room.runs[0][2]["store"] is None


def test_no_advice_is_not_asked_for(machine_room):
    assert call(["run", "--no-advice"]) == 0

    assert machine_room.runs[0][2]["advice"] is False


def test_reference_none_compares_with_nothing(machine_room, capsys):
    assert call(["run", "--reference", "none"]) == 0

    assert machine_room.runs[0][2]["reference"] is None
    assert "Totals (no reference run)" in capsys.readouterr().out


def test_json_prints_exactly_the_result_on_stdout(machine_room, capsys):
    machine_room.compiled = 2

    assert call(["run", "--json"]) == 0

    out, err = capsys.readouterr()
    assert out == RESULT.to_json()
    assert err == "compiling kernels, once: up to about 165 functions, 66 s of CPU ...\n"


def test_quiet_prints_nothing_but_the_object_that_was_asked_for(machine_room, capsys):
    machine_room.compiled = 2

    assert (call(["run", "--quiet"]), *capsys.readouterr()) == (0, "", "")
    assert (call(["run", "-q", "--json"]), *capsys.readouterr()) == (0, RESULT.to_json(), "")


def test_out_writes_result_and_picture_under_paths_that_can_be_opened(machine_room, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert call(["run", "--out", "made"]) == 0

    line = capsys.readouterr().out.splitlines()[-1]
    paths = line.removeprefix("wrote ").split(" and ")
    assert paths == ["made/result.json", "made/cycles.png"]
    assert Path(paths[0]).read_text() == RESULT.to_json()
    assert Path(paths[1]).read_bytes().startswith(b"\x89PNG")
    assert sorted(os.listdir("made")) == ["cycles.png", "result.json"]


def test_out_and_json_together_keep_stdout_clean(machine_room, capsys, tmp_path):
    assert call(["run", "--json", "--out", str(tmp_path)]) == 0

    out, err = capsys.readouterr()
    assert out == RESULT.to_json() == (tmp_path / "result.json").read_text()
    assert err == f"wrote {tmp_path}/result.json and {tmp_path}/cycles.png\n"


def test_out_that_cannot_be_made_is_refused_before_anything_runs(machine_room, capsys, tmp_path):
    (tmp_path / "file").touch()

    assert call(["run", "--out", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err == f"error: --out {tmp_path}/file: is not a directory\n"
    assert call(["run", "--out", str(tmp_path / "no" / "dir")]) == 2
    assert machine_room.runs == []
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("problem", [WorkloadError("row 3: no"), KeyboardInterrupt(), ZeroDivisionError()])
def test_a_run_that_fails_leaves_no_folder(problem, machine_room, tmp_path):
    def fail(progress):
        raise problem

    machine_room.before = fail

    assert call(["run", "--out", str(tmp_path / "out")]) in {2, 70, 130}
    assert os.listdir(tmp_path) == []


def test_a_bar_shows_long_work_on_a_terminal_and_goes_away(machine_room, capsys, monkeypatch):
    monkeypatch.setattr(options, "LONG_WORK", -1.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    machine_room.before = lambda progress: progress(0.5)

    assert call(["run", "--json"]) == 0

    out, err = capsys.readouterr()
    assert out == RESULT.to_json()
    assert "simulating" in err


def test_short_work_shows_no_bar(machine_room, capsys, monkeypatch):
    monkeypatch.setattr(options, "LONG_WORK", math.inf)  # however long a busy machine takes for it
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    machine_room.before = lambda progress: progress(0.5)

    assert (call(["run", "--json"]), capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize("columns", [40, 72, 160])
def test_the_tables_fit_the_terminal(columns, machine_room, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert call(["run"]) == 0

    rules = [line for line in capsys.readouterr().out.splitlines() if line.startswith("---")]
    assert max(map(len, rules)) <= max(columns, 60)


def test_an_output_without_the_letters_of_a_name_shows_escapes(machine_room, monkeypatch):
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="ascii"))

    assert call(["run", "--set", "name=\u00e9", "--reference", "none"]) == 0
    assert buffer.getvalue().startswith(b"\\xe9 with name=\\xe9 on the shipped trace")


def test_help_imports_neither_numpy_nor_numba():
    code = (
        "import sys; from tokensieve.cli.app import call\n"
        "code = call(['run', '--help'])\n"
        "print(code, {'numpy', 'numba', 'matplotlib', 'rich', 'yaml'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr == "0 set()\n"


FLAGS = {
    "both sources": (["--workload", "minilm", "--trace", "a.csv"], "--workload and --trace exclude each other"),
    "unknown preset": (
        ["--arch", "spaten"],
        f"arch must be a preset ({', '.join(preset_names())}) or a YAML file, got 'spaten'",
    ),
    "no arch": (["--arch", ""], "arch must be a preset"),
    "missing file": (["--arch", "no/such.yaml"], "no/such.yaml: no such file"),
    "negative seed": (["--seed", "-1"], "--seed"),
    "seed in words": (["--seed", "one"], "--seed"),
    "unknown level": (["--level", "guess"], "--level"),
    "unknown reference": (["--reference", "sparse"], "--reference"),
    "unknown option": (["--archh", "spatten"], "--archh"),
    "an argument too many": (["spatten"], "unexpected extra argument"),
    "no name for the folder": (["--out", ""], "--out must name a folder"),
    "folder without a parent": (["--out", "no/such/folder"], "the directory no/such does not exist"),
    "option without its value": (["--set"], "--set"),
}


@pytest.mark.parametrize("name", FLAGS)
def test_a_malformed_flag_is_refused_by_its_name_with_exit_code_2(name, machine_room, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, message = FLAGS[name]

    assert call(["run", *arguments, "--json"]) == 2
    refused_with(message, *capsys.readouterr())
    assert (machine_room.runs, os.listdir(tmp_path)) == ([], [])


@pytest.mark.parametrize("item", SETS)
def test_a_malformed_override_is_refused_with_exit_code_2(item, machine_room, capsys):
    assert call(["run", "--set", item]) == 2
    refused_with(SETS[item], *capsys.readouterr())
    assert machine_room.runs == []


@pytest.mark.parametrize(
    "arguments",
    [
        *(["run", "--arch", "mine.yaml", "--out", "made", name] for name in list(FILES)[::6]),
        ["run", "--set", "topk.lanes=12", "--out", "made"],
        ["run", "--workload", "minilm", "--trace", "x.csv", "--out", "made"],
        ["run", "--workload", "bert-base-col", "--out", "made"],
        ["run", "--workload", "mine.yaml", "--out", "made"],
        ["run", "--trace", "mine.yaml", "--out", "made"],
        ["run", "--trace", "none.csv", "--out", "made"],
        ["run", "--out", "mine.yaml"],
        ["presets", "show", "spatten", "--set", "topk.lans=8"],
        ["schema", "archh"],
        ["schema", "arch", "--out", "none/schema.json"],
    ],
    ids=" ".join,
)
def test_end_to_end_a_mistake_is_one_message_exit_code_2_and_nothing_left_behind(arguments, tmp_path):
    name = arguments.pop() if arguments[-1] in FILES else None
    (tmp_path / "mine.yaml").write_text(FILES[name][0] if name else "name: fine\n", encoding="utf-8")

    done = tokensieve(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    refused_with(FILES[name][1] if name else "", done.stdout, done.stderr)
    assert os.listdir(tmp_path) == ["mine.yaml"]


def refused_with(message, out, err):
    """Check that nothing was printed but one message, with `message` in it."""
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert err.count("error: ") == 1
    assert "Traceback" not in err


def test_an_error_of_the_machine_room_is_told_as_any_other(machine_room, capsys):
    def fail(progress):
        raise ArchError("topk.max_tokens must be at least the context of 2,000 tokens, got 1024")

    machine_room.before = fail

    assert call(["run"]) == 2
    assert capsys.readouterr().err.startswith("error: topk.max_tokens must be")


def test_a_reader_that_leaves_early_is_met_in_silence():
    read, write = os.pipe()
    os.close(read)
    code = [sys.executable, "-c", "from tokensieve.cli import main; main()", "presets", "show", "spatten"]

    done = subprocess.run(code, stdout=write, stderr=subprocess.PIPE, text=True, check=False)

    with contextlib.suppress(OSError):
        os.close(write)
    assert (done.returncode, done.stderr) == (141, "")
