"""``tokensieve run --rules test-bench``: the authors' released RTL on any rows of a 17-column CSV trace."""

import json as json_text
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokensieve.cli.options import given_options, say

if TYPE_CHECKING:
    from tokensieve.arch import Arch
    from tokensieve.run.released import TestBenchRun


class Rules(StrEnum):
    """By which rules the rows of a trace are played."""

    TEST_BENCH = "test-bench"


RulesOption = Annotated[
    Rules | None,
    typer.Option("--rules", help="Play the CSV file of --trace as the authors' test bench does, on a released-* arch."),
]
IterationOption = Annotated[
    int | None, typer.Option("--iteration", metavar="I", min=0, help="--rules: only the rows of this iteration_id.")
]
RoundingOption = Annotated[
    int | None,
    typer.Option(
        "--count-rounding",
        metavar="8|32",
        min=1,
        max=1024,
        help="--rules: round counts of keys and values up to multiples of this, instead of released.count_rounding.",
    ),
]
LatencyOption = Annotated[
    str | None,
    typer.Option(
        "--topk-latency",
        metavar="FILE",
        help="--rules: top-k latencies, one integer a line for each CSV row, instead of the drawn ones.",
    ),
]
RowsOption = Annotated[
    str | None,
    typer.Option(
        "--rows", metavar="FILE", help="--rules: write request, accept and response cycle of each row as CSV."
    ),
]


OWN = ("iteration", "count_rounding", "topk_latency", "rows")
"""Parameters that go only with --rules."""

SHARED = ("arch", "trace", "sets", "json", "quiet", "rules")
"""Those that go with it as well; all others would have no effect."""


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


def run_rules(
    arch: "Arch",
    trace: str,
    iteration: int | None,
    rounding: int | None,
    latency: str | None,
    rows: str | None,
    json: bool,
    quiet: bool,
) -> None:
    """Run the released design and print what happened; raise `CheckError` where it hung."""
    from tokensieve.arch import CheckError
    from tokensieve.report.files import check_file, write_file
    from tokensieve.run.released import run_testbench
    from tokensieve.sim.kernels import compiled

    if rows is not None:
        check_file(rows, "--rows")
    if not quiet and not compiled("released"):
        print("compiling the kernels once ...", file=sys.stderr, flush=True)
    run = run_testbench(arch, trace, iteration, rounding, latency)
    if rows is not None:
        write_file(Path(rows), run.rows_csv().encode(), "--rows")
    if json:
        sys.stdout.write(json_text.dumps(run.to_dict(), indent=2) + "\n")
    elif not quiet:
        say(_page(run))
    if run.hang is not None:
        raise CheckError(f"{trace}: {run.hang_message}")


def _page(run: "TestBenchRun") -> str:
    first = f", the first in cycle {run.first_response:,}" if run.responses else ""
    figures = {
        "cycles": "none, as it hung" if run.hang else f"{run.total_cycles:,} (modelled, reset included)",
        "responses": f"{run.responses:,} of {len(run.response):,}{first}",
        "second passes": f"{int(run.requests.second_pass.sum()):,}",
        "DRAM": f"{run.dram_reads:,} reads, {run.dram_bytes:,} bytes",
        "counts": f"rounded up to multiples of {run.count_rounding}",
        "top-k": run.latencies,
    }
    head = f"{run.arch}, {run.trace}, by the rules of the authors' test bench"
    return "\n".join([head, "", *(f"{name:<14} {text}" for name, text in figures.items())])
