"""``tokensieve validate``: what others published beside what this project models, row by row."""

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokensieve.cli.options import JsonOption, QuietOption, say, width
from tokensieve.cli.work import compiling

if TYPE_CHECKING:
    from tokensieve.validate.section import Outcome

app = typer.Typer(add_completion=False, rich_markup_mode=None)

DATA, REFERENCE = "../shared/data", "docs/reference"
FAILED = 1
WIDTH = 120
"""Columns of text that the tables need not to be cut."""


@app.command()
def validate(
    sections: Annotated[
        list[str] | None,
        typer.Option("--section", metavar="NAME", help="Only this section. Repeatable; default: all."),
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="DIR", help=f"Folder of the reference data (default: {DATA}).")
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="Write accuracy.md, accuracy.json and pictures there.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help=f"Short for --out {REFERENCE}.")] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Print expected, modelled, deviation and band of every row that can be computed.

    Leaves with 1 if a row that rests on no assumption is out of its band. A section whose reference data or packages
    are missing is left out, and the reason is printed.
    """
    if write and sections:
        raise typer.BadParameter("--write writes the whole page; for the page of a --section use --out")
    folder, reference = _folder(out, write), _data(data)
    from tokensieve.validate.catalogue import validate as outcomes_of
    from tokensieve.validate.record import to_json
    from tokensieve.validate.section import passed
    from tokensieve.validate.texts import summary

    with compiling(quiet, "cycle", "analytic", "replay"):
        outcomes = list(_shown(outcomes_of(sections or (), reference), tables=not json and not quiet, clock=not quiet))
    if folder:
        _write(folder, outcomes)
    if json:
        sys.stdout.write(to_json(outcomes))
    elif not quiet:
        say(summary(outcomes))
    if not passed(outcomes):
        raise typer.Exit(FAILED)


def _folder(out: str | None, write: bool) -> Path | None:
    """Return the folder to write to, after making sure that files could be written there."""
    if write and out is not None:
        raise typer.BadParameter("--write and --out exclude each other")
    if out == "":
        raise typer.BadParameter("--out must name a folder, got ''")
    if out is None and not write:
        return None
    from tokensieve.report.files import check_folder

    folder = Path(REFERENCE if out is None else out)
    check_folder(folder)
    return folder


def _data(given: str | None) -> Path:
    folder = Path(DATA if given is None else given)
    if given is not None and not folder.is_dir():
        raise typer.BadParameter(f"--data must be a folder, got {given!r}")
    return folder


def _shown(outcomes: "Iterable[Outcome]", tables: bool, clock: bool) -> "Iterator[Outcome]":
    """Pass the outcomes on, and print what each says and took."""
    from tokensieve.report.accuracy import text
    from tokensieve.validate.texts import part

    began = time.process_time()
    for outcome in outcomes:
        if tables:
            say(text(part(outcome), max(width(), WIDTH)))
        if clock:
            now = time.process_time()
            print(f"{outcome.name}: {now - began:.1f} CPU s", file=sys.stderr, flush=True)
            began = now
        yield outcome


def _write(folder: Path, outcomes: "list[Outcome]") -> None:
    from tokensieve.report.accuracy import IMAGES
    from tokensieve.report.files import write_folder
    from tokensieve.validate.page import files

    told, drawn = files(outcomes)
    write_folder(folder, told)
    write_folder(folder / IMAGES, drawn)
