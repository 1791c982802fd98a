"""``tokensieve ladder``: one text on a row of machines and prunings."""

import json as json_text
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokensieve.cli.options import (
    JsonOption,
    NoCacheOption,
    QuietOption,
    SeedOption,
    SetOption,
    examples,
    progress,
    say,
    width,
)
from tokensieve.cli.work import ForceOption, TraceOption, WorkloadOption, compiling, store_of

if TYPE_CHECKING:
    from tokensieve.sim.result_ladder import Ladder

app = typer.Typer(add_completion=False, rich_markup_mode=None)

WriteOption = Annotated[
    str | None,
    typer.Option(
        "--write",
        metavar="FILE",
        help="Also write what is printed to this file; in a .md that is there, below the command in its console block.",
    ),
]


@app.command(
    epilog=examples(
        "tokensieve ladder", "tokensieve ladder --workload bert-base-squad1", "tokensieve ladder --set dram.channels=8"
    )
)
def ladder(
    workload: WorkloadOption = None,
    trace: TraceOption = None,
    sets: SetOption = None,
    write: WriteOption = None,
    seed: SeedOption = 0,
    force: ForceOption = False,
    no_cache: NoCacheOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Price the same text with nothing, with tokens and heads, and with local values pruned, on two machines.

    Without a trace or a workload: the text that ships with the package, and the first steps of a GPT-2. --set overrides
    a field of both machines.
    """
    if workload is not None and trace is not None:
        raise typer.BadParameter("--workload and --trace exclude each other")
    if write is not None:
        from tokensieve.report.files import check_file

        check_file(write, "--write")
    climbed = _climbed(trace, workload, sets or (), seed, no_cache, quiet, force)
    told = _told(climbed, json)
    if json or not quiet:
        sys.stdout.write(told) if json else say(told.rstrip("\n"))
    if write is not None:
        _write(Path(write), told)


def _climbed(
    trace: str | None, workload: str | None, sets: Sequence[str], seed: int, no_cache: bool, quiet: bool, force: bool
) -> "Ladder":
    from tokensieve.run.ladder import climb, machines_of, texts_of

    machines = machines_of(sets)
    with compiling(quiet, "cycle"), progress(quiet) as report:
        texts = texts_of(machines[0], trace, workload, seed, force)
        return climb(texts, machines, sets, seed, store_of(no_cache), report)


def _told(climbed: "Ladder", json: bool) -> str:
    from tokensieve.report.ladder import ladder_page, lesson

    if json:
        return json_text.dumps({**climbed.to_dict(), "lesson": lesson(climbed)}, indent=2, allow_nan=False) + "\n"
    return ladder_page(climbed, width()) + "\n"


def _write(path: Path, told: str) -> None:
    from tokensieve.arch.errors import TokensieveError
    from tokensieve.arch.reading import read_text
    from tokensieve.report.files import write_file
    from tokensieve.report.markdown import with_block

    if path.suffix == ".md" and path.exists():
        told = with_block(read_text(path, TokensieveError), ("make run", "tokensieve ladder"), told, str(path))
    write_file(path, told.encode(), "--write")
