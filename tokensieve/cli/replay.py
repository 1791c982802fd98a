"""``tokensieve replay``: the authors' released RTL on any rows of a 17-column CSV trace."""

import json as json_text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokensieve.cli.options import JsonOption, QuietOption, SetOption, arch_file, examples, say

if TYPE_CHECKING:
    from tokensieve.arch import Arch
    from tokensieve.run.released import ReleasedRun

app = typer.Typer(add_completion=False, rich_markup_mode=None)

ITERATION = typer.Option("--iteration", metavar="I", min=0, help="Play only the rows of this iteration_id.")
COUNT_ROUNDING = typer.Option(
    "--count-rounding",
    metavar="N",
    min=1,
    max=1024,
    help="Round the counts of keys and values up to multiples of this, for example 8 or 32. "
    "[default: released.count_rounding of --arch]",
)
TOPK_LATENCY = typer.Option(
    "--topk-latency",
    metavar="FILE",
    help="Cycles of each row's top-k, one whole number a line. [default: drawn as the release draws them]",
)
ROWS = typer.Option(
    "--rows", metavar="FILE", help="Write request, accept cycle and response cycle of each row to this CSV file."
)


@app.command(
    epilog=examples(
        "tokensieve replay trace.csv",
        "tokensieve replay trace.csv --arch released-64x2 --iteration 31 --rows cycles.csv",
    )
)
def replay(
    trace: Annotated[str, typer.Argument(metavar="TRACE", help="CSV file with the authors' 17 columns.")],
    arch: Annotated[
        str,
        typer.Option(
            "--arch",
            metavar="PRESET|FILE",
            help="Size of the design: released-64x2, released-128x8 or released-512x16 (multipliers x DRAM channels), "
            "or a YAML file.",
        ),
    ] = "released-512x16",
    sets: SetOption = None,
    iteration: Annotated[int | None, ITERATION] = None,
    count_rounding: Annotated[int | None, COUNT_ROUNDING] = None,
    topk_latency: Annotated[str | None, TOPK_LATENCY] = None,
    rows: Annotated[str | None, ROWS] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Play a CSV trace on a model of the RTL that SpAtten's authors released, and print its cycles.

    The model steps the design cycle by cycle, as the authors' test bench does. Each row of the trace is one attention
    head. Exit code 1 if the design hangs on a row, as the released RTL does on some.
    """
    show(play(arch, sets, trace, iteration, count_rounding, topk_latency, rows, quiet), json, quiet)


def _refuse_npz(trace: str) -> None:
    """Raise `WorkloadError` where a trace of `tokensieve capture` is given, which only `tokensieve run` takes."""
    from tokensieve.arch import WorkloadError

    if Path(trace).suffix == ".npz":
        raise WorkloadError(f"{trace}: a CSV file of 17 columns is expected; `tokensieve run --trace` takes an .npz")


def _design(arch: str, sets: list[str] | None) -> "Arch":
    """Return the design of --arch; a preset that the release could not make is refused with those that it could."""
    from tokensieve.arch import ArchError, load_arch
    from tokensieve.arch.presets import preset_names
    from tokensieve.sim.released.replay import check_released

    def is_made(name: str) -> bool:
        try:
            check_released(load_arch(name))
        except ArchError:
            return False
        return True

    machine = load_arch(arch, sets or ())
    try:
        check_released(machine)
    except ArchError as problem:
        if arch not in preset_names() or is_made(arch):
            raise
        made = ", ".join(filter(is_made, preset_names()))
        raise ArchError(
            f"arch must be one of {made} or a YAML file of such a design, got {arch!r}: {problem}"
        ) from None
    return machine


def play(
    arch: str,
    sets: list[str] | None,
    trace: str,
    iteration: int | None,
    count_rounding: int | None,
    topk_latency: str | None,
    rows: str | None,
    quiet: bool,
) -> "ReleasedRun":
    """Return the run of a trace on the released design; write the cycles of its rows to `rows`."""
    from tokensieve.cli.work import compiling
    from tokensieve.report.files import check_apart, check_file, write_file
    from tokensieve.run.released import run_released

    _refuse_npz(trace)
    machine = _design(arch, sets)
    if rows is not None:
        check_file(rows, "--rows")
        check_apart([rows], "--rows", {"TRACE": trace, "--topk-latency": topk_latency, "--arch": arch_file(arch)})
    with compiling(quiet, "replay"):
        run = run_released(machine, trace, iteration, count_rounding, topk_latency)
    if rows is not None:
        write_file(Path(rows), run.rows_csv().encode(), "--rows")
    return run


def show(run: "ReleasedRun", json: bool, quiet: bool) -> None:
    """Print what happened; raise `CheckError` where the design hung."""
    from tokensieve.arch import CheckError

    if json:
        sys.stdout.write(json_text.dumps(run.to_dict(), indent=2) + "\n")
    elif not quiet:
        say(_page(run))
    if run.hang is not None:
        raise CheckError(f"{run.trace}: {run.hang_message}")


def _page(run: "ReleasedRun") -> str:
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
