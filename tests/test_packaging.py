"""The package as it is installed: what is in it, and that it works away from the repository."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

import tokensieve

ROOMS = ("explore", "golden", "rtl", "sim", "workloads")


@pytest.fixture(scope="session")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def sources(root, needs_tool):
    """Paths, from the root, of the files that git tracks or would track."""
    needs_tool("git", "git")
    listed = output("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=root)
    return [Path(name) for name in listed.split("\0") if name and (root / name).is_file()]


@pytest.fixture(scope="session")
def wheel(root, sources, tmp_path_factory):
    """A wheel built from a copy, so that no stale build folder gets into it."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for file in sources:
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / file, copy / file)
    output(sys.executable, "-m", "build", "--wheel", "--outdir", out, copy)
    return next(out.glob("tokensieve-*.whl"))


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """The executables' folder of a clean venv that holds the wheel and its core dependencies."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    output(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-compile", wheel)
    return folder / "bin"


def output(*command, cwd=None):
    """Return what a command prints, run without what this process sets for itself."""
    env = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "PYTHONPATH")}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def in_tree(root):
    """Return the import names of all folders with an ``__init__.py``."""
    tops = [root / "tokensieve", *(root / room for room in ROOMS)]
    folders = [init.parent.relative_to(root) for top in tops for init in top.rglob("__init__.py")]
    names = [".".join(folder.parts) for folder in folders]
    return {name if name.startswith("tokensieve") else f"tokensieve.{name}" for name in names}


def test_the_package_list_is_the_tree(project, root):
    listed = project["tool"]["setuptools"]["packages"]

    assert len(listed) == len(set(listed))
    assert set(listed) == in_tree(root)


def test_every_top_level_room_is_mapped_to_its_folder(project):
    assert project["tool"]["setuptools"]["package-dir"] == {f"tokensieve.{room}": room for room in ROOMS}


def test_the_version_has_one_home(project, root):
    assert re.fullmatch(r"\d+\.\d+\.\d+", tokensieve.__version__)
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "tokensieve.__version__"}


def test_the_extra_named_all_names_all_extras(project):
    extras = project["project"]["optional-dependencies"]
    named = re.fullmatch(r"tokensieve\[(.*)\]", extras["all"][0])[1].split(",")

    assert set(named) == extras.keys() - {"all"}


def test_the_scripts_and_the_metadata_agree_on_the_pythons(project, root):
    script = (root / "scripts" / "pick-python.sh").read_text()
    low, high = re.search(r"\((\d+, \d+)\) <= sys.version_info\[:2\] < \((\d+, \d+)\)", script).groups()

    assert project["project"]["requires-python"] == f">={low.replace(', ', '.')},<{high.replace(', ', '.')}"


def test_an_installed_wheel_runs_the_main_command_from_another_folder(installed, tmp_path):
    told = json.loads(output(installed / "tokensieve", "run", "--json", cwd=tmp_path))

    assert told["cycles"]["total"] > 0
    assert list(tmp_path.iterdir()) == []


def test_an_installed_wheel_needs_no_torch(installed, tmp_path):
    code = "import importlib.util as u; print(u.find_spec('torch'))"

    assert output(installed / "python", "-c", code, cwd=tmp_path).strip() == "None"


def test_an_installed_wheel_holds_every_file_of_the_rooms(installed, sources, tmp_path):
    code = "import tokensieve, pathlib; print(pathlib.Path(tokensieve.__file__).parents[1])"
    place = Path(output(installed / "python", "-c", code, cwd=tmp_path).strip())
    rooms = [file if file.parts[0] == "tokensieve" else Path("tokensieve", file) for file in sources if in_a_room(file)]

    assert [str(file) for file in rooms if not (place / file).exists()] == []


def in_a_room(file):
    return file.parts[0] in ("tokensieve", *ROOMS)
