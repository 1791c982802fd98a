"""Options that several commands share, written once so that they read and behave alike."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from shutil import get_terminal_size
from typing import Annotated

import typer

WIDTH = 100
"""Columns of text where the output is no terminal."""


LONG_WORK = 1.0
"""Seconds after which a progress bar appears."""


class Level(StrEnum):
    """How closely the machine is simulated."""

    ANALYTIC = "analytic"
    CYCLE = "cycle"
    RTL = "rtl"


class ReferenceKind(StrEnum):
    """Un-pruned run that a run is compared with."""

    DENSE = "dense"
    INT8 = "dense-int8"
    FP32 = "fp32"
    NONE = "none"


ArchOption = Annotated[
    str,
    typer.Option("--arch", metavar="PRESET|FILE", help="Architecture: a preset (`tokensieve presets`) or a YAML file."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Override a field, for example topk.lanes=8. Repeatable."),
]
SeedOption = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, max=(1 << 32) - 1, help="Seed of all random choices.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors, and the object of --json.")]
NoCacheOption = Annotated[
    bool,
    typer.Option("--no-cache", help="Price the un-pruned reference anew, and do not keep it for the next run."),
]


def examples(*commands: str) -> str:
    """Return the end of a help text, which shows one command a line."""
    return "\n".join(["\b", "Examples:", *(f"  $ {command}" for command in commands)])


def given_options(context: typer.Context) -> set[str]:
    """Return the names of the parameters that stand on the command line, whatever their values."""
    return {name for name in context.params if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"}


def arch_file(arch: str) -> str | None:
    """Return the file that --arch names; None where it names a preset."""
    from tokensieve.arch.presets import preset_names

    return None if arch in preset_names() else arch


def width() -> int:
    """Return how many columns of text the output has: those of the terminal, or of COLUMNS where it is set."""
    return get_terminal_size((WIDTH, 24)).columns


def say(text: str) -> None:
    """Print `text`; letters that the output's encoding lacks, or a terminal acts upon, are written as escapes."""
    from tokensieve.arch.letters import escaped

    encoding = sys.stdout.encoding or "utf-8"
    print(escaped(text).encode(encoding, "backslashreplace").decode(encoding))


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[float], None] | None]:
    """Give a function that shows a fraction on a bar, once the work has taken `LONG_WORK` seconds."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task, began = bar.add_task("simulating", total=1.0), time.monotonic()

    def show(fraction: float) -> None:
        if not bar.live.is_started and time.monotonic() - began > LONG_WORK:
            bar.start()
        bar.update(task, completed=fraction)

    try:
        yield show
    finally:
        if bar.live.is_started:
            bar.stop()
