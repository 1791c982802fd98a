"""The frame of the command line: what every command shares."""

import json
import os
import subprocess
import sys
import types
from itertools import product

import pytest
import typer

from tokensieve import __version__
from tokensieve.arch import errors
from tokensieve.cli import app, doctor, packages

LATE = {"numba", "numpy", "matplotlib", "pydantic", "torch", "transformers", "yaml"}

LONG = "9" * 9_000
"""More letters than anybody wants to read again."""


def run(*arguments, stdout=subprocess.PIPE):
    """Run ``tokensieve`` in a process of its own."""
    command = [sys.executable, "-c", "from tokensieve.cli import main; main()", *arguments]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


@pytest.fixture
def plant(monkeypatch):
    """A function that puts a command ``planted`` into the table, with the body it is given."""

    def put(body):
        module = types.ModuleType("planted_command")
        module.app = typer.Typer()
        module.app.command()(body)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(app.COMMANDS, "planted", (module.__name__, "Planted by a test."))

    return put


def raising(problem):
    def body():
        raise problem

    return body


def test_version_is_printed():
    done = run("--version")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"tokensieve {__version__}\n", "")


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_every_command_with_its_summary(flag):
    done = run(flag)
    listed = " ".join(done.stdout.split())

    assert done.returncode == 0
    assert all(f"{name} {summary}" in listed for name, (_, summary) in app.COMMANDS.items())


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom tokensieve.cli.app import call\nprint(call(['--help']), file=sys.stderr)\n"
        "print(*sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    code, *modules = done.stderr.split()

    assert code == "0"
    assert not LATE & set(modules)


def test_no_arguments_print_the_help_and_are_a_usage_error(capsys):
    code = app.call([])

    out, err = capsys.readouterr()
    assert code == 2
    assert out == ""
    assert err.startswith("Usage: tokensieve")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["docter"], "error: no such command 'docter'; did you mean 'doctor'?\ntry 'tokensieve --help'\n"),
        (["xyzzy"], "error: no such command 'xyzzy'\ntry 'tokensieve --help'\n"),
        (["--jsn"], "error: no such option: --jsn\ntry 'tokensieve --help'\n"),
        (["doctor", "--jsno"], "error: no such option: --jsno"),
        (
            ["emit", "topk", "--primitives", "ecp5"],
            "error: no such option: --primitives; a field is set with --set primitives=VALUE\ntry 'tokensieve emit",
        ),
        (["doctor", "--primitives"], "error: no such option: --primitives\n"),
        (["emit", "topk", "--primitve"], "error: no such option: --primitve\n"),
        (["doctor", "more"], "error: got unexpected extra argument(s) (more)\ntry 'tokensieve doctor --help'\n"),
    ],
)
def test_a_usage_error_is_one_message_and_exit_code_2(arguments, message, capsys):
    code = app.call(arguments)

    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err.startswith(message)


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (errors.CheckError, 1),
        (errors.TokensieveError, 2),
        (errors.ArchError, 2),
        (errors.WorkloadError, 2),
        (errors.ToolError, 3),
    ],
)
def test_an_error_of_ours_is_its_message_and_its_exit_code(kind, exit_code, plant, capsys):
    plant(raising(kind("topk.lanes must be a power of two in 1..64, got 12")))

    code = app.call(["planted"])

    out, err = capsys.readouterr()
    assert (code, out, err) == (exit_code, "", "error: topk.lanes must be a power of two in 1..64, got 12\n")


def test_an_unknown_error_is_one_line_and_exit_code_70(plant, capsys):
    plant(raising(ZeroDivisionError("first line\nsecond line")))

    code = app.call(["planted"])

    message = "internal error: ZeroDivisionError: first line; run again with --debug for the traceback\n"
    assert (code, capsys.readouterr().err) == (70, message)


@pytest.mark.parametrize("arguments", [["--debug", "planted"], ["planted", "--debug"]])
def test_debug_prints_the_traceback_before_the_message(arguments, plant, capsys):
    plant(raising(errors.ArchError("wrong")))

    code = app.call(arguments)

    err = capsys.readouterr().err
    assert code == 2
    assert err.startswith("Traceback")
    assert err.endswith("\nerror: wrong\n")


def test_a_package_of_an_extra_that_is_missing_is_named_with_its_install_command(plant, capsys, monkeypatch):
    wanted = packages.Package("surely-absent", ">=1", "golden")
    monkeypatch.setattr(packages, "needed", lambda: [wanted])
    plant(raising(ModuleNotFoundError("No module named 'surely_absent'", name="surely_absent.nn")))

    code = app.call(["planted"])

    message = "error: surely-absent is missing: pip install -e '.[golden]'\n"
    assert (code, capsys.readouterr().err) == (3, message)


def test_an_interrupt_is_exit_code_130(plant, capsys):
    plant(raising(KeyboardInterrupt()))

    assert app.call(["planted"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_reader_that_leaves_early_is_met_in_silence():
    read, write = os.pipe()
    os.close(read)

    done = run("--help", stdout=write)

    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("arguments", [["--version"], ["schema", "arch"]])
def test_a_full_device_behind_standard_output_is_named(arguments):
    with open("/dev/full", "w") as full:
        done = run(*arguments, stdout=full)

    assert (done.returncode, done.stderr) == (2, "error: the output cannot be written: No space left on device\n")


def test_output_that_nobody_opened_is_met_in_silence():
    code = "import os, sys\nos.close(1)\nos.execv(sys.executable, [sys.executable, '-m', 'tokensieve', '--version'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("out", [".", "..", "/", "none/schema.json"])
def test_out_that_can_be_no_file_is_refused_before_anything_is_written(out, capsys):
    assert app.call(["schema", "arch", "--out", out]) == 2
    assert capsys.readouterr().err.startswith("error: --out ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--trace", LONG],
        ["run", "--level", LONG],
        ["run", "--set", f"topk.{LONG}=1"],
        ["run", f"--{LONG}"],
        ["sweep", "--set", f"topk.lanes=8,{LONG}:"],
        ["sweep", "--set", f"topk.{LONG}=8,16"],
        ["emit", LONG],
        ["compare", "--roofline", "9 " * 50_000],
        [LONG],
    ],
)
def test_a_very_long_argument_is_not_echoed_whole(arguments, capsys):
    assert app.call(arguments) == 2

    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert len(err) < 5_000


def test_whole_numbers_of_flags_may_have_a_point_or_an_exponent(capsys):
    assert app.call(["dram", "--requests", "1e1", "--bytes", "32.0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reads"] == 10


def test_a_command_leaves_with_the_exit_code_it_asks_for(plant):
    plant(raising(typer.Exit(3)))

    assert app.call(["planted"]) == 3


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_command_of_the_table_has_a_help_text(name, capsys):
    code = app.call([name, "--help"])

    assert code == 0
    assert f"tokensieve {name}" in capsys.readouterr().out


def test_doctor_prints_one_json_object_that_names_core_and_extras(capsys):
    code = app.call(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)
    core = {item["name"]: item for item in told["doors"]["core"]["items"]}

    assert (code, told["ok"], told["tokensieve"]) == (0, True, __version__)
    assert set(told["doors"]) == {"core", "golden", "models", "rtl", "fpga", "explore", "dev"}
    assert {"Python", "numpy", "numba", "pydantic", "PyYAML", "matplotlib", "typer", "rich"} <= set(core)
    assert all(item["state"] == "ok" for item in core.values())


def test_doctor_says_how_to_get_what_is_missing(capsys, monkeypatch):
    absent = [packages.Package("surely-absent", ">=1,<2", "golden")]
    monkeypatch.setattr(doctor, "needed", lambda: absent)

    code = app.call(["doctor"])

    line = "  missing    surely-absent (needed: >=1,<2): pip install -e '.[golden]'\n"
    assert code == 0
    assert line in capsys.readouterr().out


@pytest.mark.parametrize(
    ("package", "line"),
    [
        (
            packages.Package("surely-absent", ">=1", "core"),
            "missing    surely-absent (needed: >=1): pip install -e .",
        ),
        (packages.Package("numpy", ">=99", "core"), "unsuitable numpy "),
    ],
)
def test_doctor_leaves_with_3_if_the_core_is_not_whole(package, line, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "needed", lambda: [package])

    code = app.call(["doctor"])

    assert code == 3
    assert line in capsys.readouterr().out


def test_doctor_and_the_set_up_script_ask_for_the_same_debian_packages(root):
    script = (root / "scripts" / "system-deps.sh").read_text()
    asked = {line.split()[1] for line in script.splitlines() if line.startswith("need ")}

    assert asked == {tool.package for _, tools in doctor.DOORS.values() for tool in tools}


@pytest.mark.parametrize(
    ("version", "bounds", "suits"),
    [
        ("2.6.0", ">=2.6,<2.14", True),
        ("2.13.0+cpu", ">=2.6,<2.14", True),
        ("2.14", ">=2.6,<2.14", False),
        ("2.5.9", "<2.14,>=2.6", False),
        ("0.70.0.0.post1259", ">=0.70", True),
        ("3.14.0rc1", ">=3.11,<3.14", False),
        ("1.0", "", True),
    ],
)
def test_a_version_lies_within_its_bounds_or_not(version, bounds, suits):
    assert packages.within(version, bounds) is suits


READS = (
    *("run --workload", "run --trace", "run --arch", "sweep", "search", "sensitivity", "best", "pareto"),
    *("diff x", "dram --trace", "replay", "store info"),
)
WRITES = ("run --out", "dram --commands", "schema arch --out", "emit zero-eliminator -o")
PATHS = {"long": "x" * 5000, "no folder": "file/x", "loop": "loop/x"}


@pytest.mark.parametrize(
    ("command", "path"), [*product(READS + WRITES, PATHS.values()), *((one, "\udcff") for one in READS)]
)
def test_a_path_that_cannot_be_looked_for_is_a_mistake(command, path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")

    assert app.call([*command.split(), path]) == 2
    assert "error: " in capsys.readouterr().err
