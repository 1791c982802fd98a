"""``tokensieve run --rules test-bench``: an alias of ``tokensieve replay`` that ``run --help`` does not list."""

import sys
from copy import copy
from enum import StrEnum
from typing import Annotated, Any

import typer

from tokensieve.cli import replay
from tokensieve.cli.options import given_options

NOTE = "note: `run --rules test-bench` is now a command of its own, with the same options: `tokensieve replay TRACE`"

OWN = ("iteration", "count_rounding", "topk_latency", "rows")
"""Parameters that go only with --rules."""

SHARED = ("arch", "trace", "sets", "json", "quiet", "rules")
"""Those that go with it as well; all others would have no effect."""


class Rules(StrEnum):
    """By which rules the rows of a trace are played."""

    TEST_BENCH = "test-bench"


def _hidden(option: Any) -> Any:
    """Return a copy of an option that no help text lists."""
    found = copy(option)
    found.hidden = True
    return found


RulesOption = Annotated[Rules | None, typer.Option("--rules", hidden=True)]
IterationOption = Annotated[int | None, _hidden(replay.ITERATION)]
RoundingOption = Annotated[int | None, _hidden(replay.COUNT_ROUNDING)]
LatencyOption = Annotated[str | None, _hidden(replay.TOPK_LATENCY)]
RowsOption = Annotated[str | None, _hidden(replay.ROWS)]


def check_flags(context: typer.Context, rules: Rules | None, trace: str | None) -> None:
    """Raise `typer.BadParameter` where a flag is given that goes only with, or not with, --rules."""
    given = given_options(context)
    for param in context.command.params:
        fits = param.name in OWN + SHARED if rules else param.name not in OWN
        if param.name in given and not fits:
            how = "does not go" if rules else "goes only"
            raise typer.BadParameter(f"{param.opts[0]} {how} with --rules test-bench")
    if rules and trace is None:
        raise typer.BadParameter("--rules test-bench needs --trace FILE, a CSV file of 17 columns")


def replay_by_rules(context: typer.Context) -> None:
    """Do what `tokensieve replay` does, with the options of `run`; point to that command unless --quiet."""
    asked = context.params
    run = replay.play(**{name: asked[name] for name in ("arch", "sets", "trace", *OWN, "quiet")})
    if not asked["quiet"]:
        print(NOTE, file=sys.stderr, flush=True)
    replay.show(run, asked["json"], asked["quiet"])
