"""Options that several commands share, written once so that they read and behave alike."""

import sys
from enum import StrEnum
from shutil import get_terminal_size
from typing import Annotated

import typer

WIDTH = 100
"""Columns of text where the output is no terminal."""


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
SeedOption = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of all random choices.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors, and the object of --json.")]


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
    """Print `text`; letters that the output's encoding lacks are written as escapes."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))
