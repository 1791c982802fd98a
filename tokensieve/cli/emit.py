"""``tokensieve emit``: the Verilog of a unit, or of all."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokensieve.arch.errors import CheckError
from tokensieve.cli.options import ArchOption, SeedOption, SetOption, arch_file, say
from tokensieve.cli.reduced import own_arch

if TYPE_CHECKING:
    from tokensieve.arch import Arch
    from tokensieve.arch.primitives import Primitives
    from tokensieve.verify.units import Unit

app = typer.Typer(add_completion=False, rich_markup_mode=None)

ALL = "all"
"""Stands for every unit with every engine."""


VECTORS = 20
"""Vectors of a test bench, unless told otherwise."""


class Wrapper(StrEnum):
    """What is put around a unit."""

    AXI = "axi"
    AXI_LITE = "axi-lite"


@app.command()
def emit(
    unit: Annotated[str, typer.Argument(metavar="UNIT|all", help="Unit (`tokensieve cosim --list`), or all of them.")],
    arch: ArchOption = "spatten",
    sets: SetOption = None,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="E", help="Engine of the unit; topk.engine unless given.")
    ] = None,
    wrapper: Annotated[
        Wrapper | None, typer.Option("--wrapper", help="AXI4-Stream ports; axi-lite: and registers for the command.")
    ] = None,
    axi: Annotated[bool, typer.Option("--axi", help="Short for --wrapper axi.")] = False,
    prefix: Annotated[
        str, typer.Option("--prefix", metavar="NAME", help="What the names of all its modules begin with.")
    ] = "",
    lint: Annotated[bool, typer.Option("--lint", help="Refuse what Verilator warns of unless it is waived.")] = False,
    bench: Annotated[
        bool, typer.Option("--bench", help="Also write a self-checking Verilog test bench and its vectors; -o: folder.")
    ] = False,
    core: Annotated[
        bool, typer.Option("--core", help="Also write a core file for FuseSoC; --bench writes it too. -o: folder.")
    ] = False,
    vectors: Annotated[
        int | None,
        typer.Option(
            "--vectors", metavar="N", min=1, max=10_000, help=f"Vectors of the test bench; {VECTORS} unless given."
        ),
    ] = None,
    seed: SeedOption = 1,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="File to write; standard output unless given. all: folder."),
    ] = None,
) -> None:
    """Write the Verilog of a unit. The same architecture gives the same bytes."""
    from tokensieve.arch import load_arch

    machine = load_arch(arch, sets or ())
    if axi and wrapper is Wrapper.AXI_LITE:
        raise typer.BadParameter("--axi and --wrapper axi-lite exclude each other")
    if vectors is not None and not bench:
        raise typer.BadParameter("--vectors are those of --bench, which is not given")
    if unit == ALL:
        for flag, given in (("--axi", axi), ("--wrapper", wrapper), ("--bench", bench), ("--core", core)):
            if given:
                raise typer.BadParameter(f"emit all writes Verilog alone, of wrapped units too: {flag} takes one unit")
        _emit_all(machine, sets or (), prefix, lint, out, arch)
        return
    from tokensieve.verify.units import find_engine, find_unit

    found = find_unit(unit)
    if bench and wrapper is Wrapper.AXI_LITE:
        raise typer.BadParameter("--bench drives streams: it takes --wrapper axi, not axi-lite")
    if axi or wrapper:
        from tokensieve.verify.units.axi import on_axi, with_registers

        found = with_registers(found) if wrapper is Wrapper.AXI_LITE else on_axi(found)
    own, note = own_arch(found, machine, find_engine(found, engine, machine), sets or ())
    if bench or core:
        _write_folder(_handout(found, own, (vectors or VECTORS) if bench else 0, seed, prefix, lint, note), out, arch)
        return
    from tokensieve.report.files import check_apart, write_file

    check_apart([] if out is None else [out], "--out", {"--arch": arch_file(arch)})
    text = _text(found, own, note, prefix, lint)
    if out is None:
        say(text.rstrip("\n"))
        return
    write_file(out, text.encode())


def _handout(
    unit: "Unit", own: "Arch", vectors: int, seed: int, prefix: str, lint: bool, note: str
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a unit, with a test bench if it is to have vectors."""
    from tokensieve.verify.handout import handout
    from tokensieve.verify.verilog import module_name

    files, name = handout(unit, own, vectors, seed, prefix, note), module_name(unit, prefix)
    if lint:
        _check(name, files[f"{name}.v"], own.primitives)
    yield from ((file, text.encode()) for file, text in files.items())


def _write_folder(files: Iterable[tuple[str, bytes]], out: Path | None, arch: str) -> None:
    """Make `files` and write them to the folder `out`."""
    from tokensieve.report.files import check_apart, check_folder, write_folder

    if out is None:
        raise typer.BadParameter("needs -o FOLDER, since it writes several files")
    check_folder(out)
    made = dict(files)
    check_apart([out / name for name in made], "--out", {"--arch": arch_file(arch)})
    for path in write_folder(out, made):
        say(str(path))


def _emit_all(machine: "Arch", sets: Sequence[str], prefix: str, lint: bool, out: Path | None, arch: str) -> None:
    """Write every unit with every engine to a folder."""
    if out is None:
        raise typer.BadParameter("emit all needs -o FOLDER")
    _write_folder(_files(machine, sets, prefix, lint), out, arch)


def _files(machine: "Arch", sets: Sequence[str], prefix: str, lint: bool) -> Iterator[tuple[str, bytes]]:
    from tokensieve.verify.units import UNITS, every_engine, find_unit

    every = [(unit, engine) for unit in map(find_unit, UNITS) for engine in every_engine(unit)]
    for number, (unit, engine) in enumerate(every, 1):
        name = "-".join(filter(None, [unit.name, engine]))
        print(f"{number} of {len(every)}: {name}", file=sys.stderr, flush=True)
        yield f"{name}.v", _text(unit, *own_arch(unit, machine, engine, sets, every=True), prefix, lint).encode()


def _text(unit: "Unit", own: "Arch", note: str, prefix: str, lint: bool) -> str:
    """Return the Verilog of a unit; with `lint`, only if it is clean."""
    from tokensieve.verify.verilog import emitted, module_name

    text = emitted(unit, own, prefix, note)
    if lint:
        _check(module_name(unit, prefix), text, own.primitives)
    return text


def _check(name: str, text: str, primitives: "Primitives" = "generic") -> None:
    """Raise `CheckError` for a module of which Verilator warns."""
    from tokensieve.verify.verilog import lint_warnings

    warnings = lint_warnings(name, text, primitives)
    if warnings:
        raise CheckError(f"lint of {name}:" + "".join(f"\n{one}" for one in warnings))
