"""``tokensieve emit``: the Verilog of a unit, or of all."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokensieve.arch.errors import CheckError
from tokensieve.cli.options import ArchOption, SetOption, arch_file, say

if TYPE_CHECKING:
    from tokensieve.arch import Arch
    from tokensieve.verify.units import Unit

app = typer.Typer(add_completion=False, rich_markup_mode=None)

ALL = "all"
"""Stands for every unit with every engine."""


@app.command()
def emit(
    unit: Annotated[str, typer.Argument(metavar="UNIT|all", help="Unit (`tokensieve cosim --list`), or all of them.")],
    arch: ArchOption = "spatten",
    sets: SetOption = None,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="E", help="Engine of the unit; topk.engine unless given.")
    ] = None,
    axi: Annotated[bool, typer.Option("--axi", help="Give the unit AXI4-Stream ports.")] = False,
    lint: Annotated[bool, typer.Option("--lint", help="Refuse what Verilator warns of unless it is waived.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="File to write; standard output unless given. all: folder."),
    ] = None,
) -> None:
    """Write the Verilog of a unit. The same architecture gives the same bytes."""
    from tokensieve.arch import load_arch

    machine = load_arch(arch, sets or ())
    if unit == ALL:
        if axi:
            raise typer.BadParameter("emit all has the wrapped units too: --axi takes one unit")
        _emit_all(machine, lint, out, arch)
        return
    from tokensieve.report.files import check_apart, write_file
    from tokensieve.verify.units import find_engine, find_unit

    check_apart([] if out is None else [out], "--out", {"--arch": arch_file(arch)})
    found = find_unit(unit)
    if axi:
        from tokensieve.verify.units.axi import on_axi

        found = on_axi(found)
    text = _text(found, find_engine(found, engine, machine), machine, lint)
    if out is None:
        say(text.rstrip("\n"))
        return
    write_file(out, text.encode())


def _emit_all(machine: "Arch", lint: bool, out: Path | None, arch: str) -> None:
    """Write every unit with every engine to a folder."""
    if out is None:
        raise typer.BadParameter("emit all needs -o FOLDER")
    from tokensieve.report.files import check_apart, check_folder, write_folder

    check_folder(out)
    files = dict(_files(machine, lint))
    check_apart([out / name for name in files], "--out", {"--arch": arch_file(arch)})
    for path in write_folder(out, files):
        say(str(path))


def _files(machine: "Arch", lint: bool) -> Iterator[tuple[str, bytes]]:
    from tokensieve.verify.units import UNITS, find_unit

    for unit in map(find_unit, UNITS):
        for engine in unit.engines():
            name = "-".join(filter(None, [unit.name, engine]))
            yield f"{name}.v", _text(unit, engine, machine, lint).encode()


def _text(unit: "Unit", engine: str, machine: "Arch", lint: bool) -> str:
    """Return the Verilog of a unit with an engine; with `lint`, only if it is clean."""
    from tokensieve.verify.verilog import emitted, lint_warnings

    text = emitted(unit, unit.arch(machine, engine))
    warnings = lint_warnings(unit, text) if lint else []
    if warnings:
        raise CheckError(f"lint of {unit.name} {engine}:".replace(" :", ":") + "".join(f"\n{one}" for one in warnings))
    return text
