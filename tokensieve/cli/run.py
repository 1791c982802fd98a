"""``tokensieve run``: simulate an accelerator on a workload or a trace."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokensieve.cli.options import (
    ArchOption,
    JsonOption,
    Level,
    QuietOption,
    ReferenceKind,
    SeedOption,
    SetOption,
    say,
    width,
)

if TYPE_CHECKING:
    from tokensieve.arch import Arch
    from tokensieve.sim.result import Result
    from tokensieve.workloads.decisions import Decisions

app = typer.Typer(add_completion=False, rich_markup_mode=None)

LONG_WORK = 1.0
"""Seconds after which a progress bar appears."""

SHIPPED = "the shipped trace"


@app.command()
def run(
    arch: ArchOption = "spatten",
    workload: Annotated[
        str | None,
        typer.Option("--workload", metavar="NAME|FILE", help="Named workload, or a YAML file that describes one."),
    ] = None,
    trace: Annotated[
        str | None, typer.Option("--trace", metavar="FILE", help="Decisions: the authors' .csv, or a captured .npz.")
    ] = None,
    sets: SetOption = None,
    level: Annotated[Level, typer.Option("--level", help="Level of fidelity.")] = Level.CYCLE,
    reference: Annotated[
        ReferenceKind, typer.Option("--reference", help="Un-pruned run to compare with.")
    ] = ReferenceKind.DENSE,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Also run at another level and tell how far apart the two are.")
    ] = False,
    seed: SeedOption = 0,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="DIR", help="Folder for result.json and cycles.png; made if need be."),
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Simulate an accelerator on a workload or a trace; without either, on the trace that ships with the package."""
    if workload is not None and trace is not None:
        raise typer.BadParameter("--workload and --trace exclude each other")
    folder = _folder(out)
    from tokensieve.arch import load_arch
    from tokensieve.report.summary import header

    machine = load_arch(arch, sets or ())
    decisions = _decisions(machine, workload, trace, seed)
    kind = None if reference is ReferenceKind.NONE else reference.value
    result = _simulated(machine, decisions, level.value, kind, confirm, seed, quiet)
    head = header(machine.name, decisions.meta, workload or trace or SHIPPED)
    written = _written(folder, result, head) if folder else []
    _show(result, head, written, json, quiet)


def _folder(out: str | None) -> Path | None:
    """Return the folder of --out, after making sure that files could be written to it."""
    if out is None:
        return None
    if not out:
        raise typer.BadParameter("--out must name a folder, got ''")
    from tokensieve.report.files import check_folder

    check_folder(Path(out))
    return Path(out)


def _decisions(machine: "Arch", workload: str | None, trace: str | None, seed: int) -> "Decisions":
    from tokensieve.workloads.benchmarks import default_trace, load_trace, load_workload

    if workload is not None:
        return load_workload(workload, machine, seed)
    return load_trace(default_trace() if trace is None else trace, machine, seed)


def _simulated(
    machine: "Arch", decisions: "Decisions", level: str, reference: str | None, confirm: bool, seed: int, quiet: bool
) -> "Result":
    _say_if_cold(quiet)
    from tokensieve.study.run import run as simulate

    with _progress(quiet) as report:
        return simulate(
            machine, decisions, level=level, reference=reference, confirm=confirm, seed=seed, progress=report
        )


def _written(folder: Path, result: "Result", head: str) -> list[Path]:
    """Write the result and its picture to `folder` and return their paths."""
    from tokensieve.report.figure import cycles_png
    from tokensieve.report.files import write_folder

    picture = cycles_png(result, head.partition("\n")[0])
    return write_folder(folder, {"result.json": result.to_json().encode(), "cycles.png": picture})


def _show(result: "Result", head: str, written: list[Path], json: bool, quiet: bool) -> None:
    from tokensieve.report.summary import page

    if json:
        sys.stdout.write(result.to_json())
    elif not quiet:
        say(page(result, head, width()))
    if written and not quiet:
        told = f"wrote {' and '.join(map(str, written))}"
        print(told, file=sys.stderr) if json else say(told)


def _say_if_cold(quiet: bool) -> None:
    """Say that the kernels are about to be compiled, where they are not in numba's cache."""
    from tokensieve.sim.kernels import compiled

    if not quiet and not compiled():
        print("compiling the kernels once ...", file=sys.stderr, flush=True)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[float], None] | None]:
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
