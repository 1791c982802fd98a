"""``tokensieve emit``: the Verilog of one unit."""

from pathlib import Path
from typing import Annotated

import typer

from tokensieve.cli.options import ArchOption, SetOption, say

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def emit(
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="Unit (`tokensieve cosim --list`).")],
    arch: ArchOption = "spatten",
    sets: SetOption = None,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="E", help="Engine of the unit; topk.engine unless given.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="File to write; standard output unless given.")
    ] = None,
) -> None:
    """Write the Verilog of a unit. The same architecture gives the same bytes."""
    from tokensieve.arch import load_arch
    from tokensieve.study.units import find_engine, find_unit

    found = find_unit(unit)
    whole = load_arch(arch, sets or ())
    machine = found.arch(whole, find_engine(found, engine, whole))
    from tokensieve.study.machine import emitted

    text = emitted(found, machine)
    if out is None:
        say(text.rstrip("\n"))
        return
    from tokensieve.report.files import write_file

    write_file(out, text.encode())
