"""Compiled kernels lie in one folder, wherever it can be written, and a temporary one is gone afterwards."""

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest
from numba.core.dispatcher import Dispatcher

from tokensieve.sim import kernels

ROOT = Path(__file__).resolve().parents[2]
MODULES = [module.name for module in pkgutil.iter_modules(kernels.__path__)]
STUB = """
import os, tempfile

make = tempfile.TemporaryFile

def only_there(*given, dir=None, **named):
    if not str(dir).startswith(os.environ["TMPDIR"]):
        raise OSError(30, "Read-only file system", dir)
    return make(*given, dir=dir, **named)

tempfile.TemporaryFile = only_there  # which is asked before a folder is taken
"""
FOLDER = """
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

def folder():
    from tokensieve.sim import kernels
    from tokensieve.sim.dram.run import pattern
    pattern("gather", 10, 64, 50)
    assert any(kernels.CACHE.rglob("*.nbc"))
    return str(kernels.CACHE)

if sys.argv[1] == "worker":
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        print(pool.submit(folder).result())
else:
    print(folder())
"""


@pytest.mark.parametrize("name", MODULES)
def test_every_kernel_is_kept_in_the_one_folder(name):
    module = importlib.import_module(f"tokensieve.sim.kernels.{name}")
    places = {function._cache.cache_path for function in vars(module).values() if isinstance(function, Dispatcher)}

    assert all(Path(place).is_relative_to(kernels.CACHE) for place in places)


def test_nothing_outside_of_the_folder_of_kernels_is_compiled():
    rooms = ("explore", "golden", "rtl", "sim", "tokensieve", "workloads")
    sources = [path for room in rooms for path in (ROOT / room).rglob("*.py")]

    assert [path for path in sources if path.parent.name != "kernels" and "njit" in path.read_text()] == []


def test_whoever_watches_is_told_of_the_first_compilation_and_of_each_that_is_done():
    told = []
    compiled = numba.njit(lambda x: -x)
    with kernels.watched(told.append):
        results = [compiled(1), compiled(2), compiled(0.5)]
    results.append(compiled(1j))

    assert results == [-1, -2, -0.5, -1j]
    assert told == [0, 1, 2]


def test_what_is_refused_is_not_said_to_be_compiled(tmp_path):
    """With nothing in the cache."""
    command = [sys.executable, "-m", "tokensieve", "replay", "absent.csv"]
    given = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    told = subprocess.run(command, env=given, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (told.returncode, told.stderr) == (2, "error: absent.csv: no such file\n")


@pytest.mark.parametrize("where", ["alone", "worker"])
def test_where_no_folder_can_be_written_kernels_lie_in_one_that_goes(where, tmp_path):
    given = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", STUB + FOLDER, where]
    told = subprocess.run(command, env=given, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert Path(told.stdout.strip()).parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_file_system_without_a_home_is_enough(tmp_path):
    """The whole file system is read only, except a folder for temporary files."""
    mounts = 'mount --bind "$TMPDIR" "$TMPDIR" && mount --bind "$0" "$0" && for place in "$0" /; do '
    mounts += 'mount -o remount,bind,ro "$place" || exit 1; done'
    private = ["unshare", "--mount", "sh", "-c"]
    given = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "HOME": "/nowhere/at/all"}
    try:
        subprocess.run([*private, mounts, str(ROOT)], env=given, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root may mount a file system read only")
    command = [*private, f'{mounts} && cd "$TMPDIR" && exec "$@"', str(ROOT), sys.executable, "-c", FOLDER, "alone"]
    told = subprocess.run(command, env=given, capture_output=True, text=True, check=False)

    assert (told.returncode, told.stderr) == (0, "")
    assert Path(told.stdout.strip()).parent == tmp_path
    assert list(tmp_path.iterdir()) == []
