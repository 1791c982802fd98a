"""``tokensieve sweep``: price many designs, and say which one to take."""

import json as json_text
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.cli.options import JsonOption, QuietOption, ReferenceKind, examples, say, width
from tokensieve.cli.work import compiling

if TYPE_CHECKING:
    from tokensieve.explore.evaluate import Evaluator
    from tokensieve.explore.spec import SweepFile
    from tokensieve.explore.tally import Outcome
    from tokensieve.explore.tasks import Executor

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Level(StrEnum):
    """How closely the machines are simulated."""

    ANALYTIC = "analytic"
    CYCLE = "cycle"


FileArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[FILE]",
        help="Sweep file (docs/reference/sweep-file.md), or a sweep that ships: best-under-spatten, "
        "bits-threshold, design-space, memories, topk.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUES",
        help="An axis, for example topk.lanes=8,16,32; with one value, a field that all designs share. Repeatable.",
    ),
]
ArchOption = Annotated[
    str | None, typer.Option("--arch", metavar="PRESET|FILE", help="Machine to start from. [default: spatten]")
]
WorkloadOption = Annotated[
    str | None, typer.Option("--workload", metavar="NAME|FILE", help="Named workload, or a YAML file of one.")
]
TraceOption = Annotated[
    str | None, typer.Option("--trace", metavar="FILE", help="Pruning decisions: an .npz or a .csv file.")
]
LevelOption = Annotated[
    Level | None,
    typer.Option("--level", help="analytic: in closed form; cycle: every query and DRAM command. [default: analytic]"),
]
ReferenceOption = Annotated[
    ReferenceKind | None,
    typer.Option(
        "--reference",
        help="Un-pruned run that each design is compared with, as in `tokensieve run`: speedup, DRAM reduction and "
        "energy saving become figures. [default: none]",
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option("--store", metavar="FILE", help="Store: what it holds is not priced again, what is new goes there."),
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", min=1, max=1024, help="Processes. [default: one for each processor]"),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler", metavar="ADDRESS|FILE", help="Dask scheduler whose workers price the designs (extra explore)."
    ),
]
LocalClusterOption = Annotated[
    bool, typer.Option("--local-cluster", help="Have Dask start the processes (extra explore).")
]
DryOption = Annotated[
    bool, typer.Option("--dry-run", help="Say how many designs there are, how many are refused, and how long it takes.")
]
RoughOption = Annotated[
    bool | None,
    typer.Option(
        "--allow-rough", help="Also price designs of which level analytic takes something for something else."
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", min=0, help="Seed of what is completed where only counts are known."),
]


@app.command(
    epilog=examples(
        "tokensieve sweep --set topk.lanes=8,16,32 --set topk.engine=quickselect,radix --workload bert-base-squad1",
        "tokensieve sweep mine.yaml --store mine.db --workers 4",
        "tokensieve sweep mine.yaml --store mine.db --scheduler tcp://10.0.0.1:8786",
        "tokensieve sweep mine.yaml --dry-run",
    )
)
def sweep(
    file: FileArgument = None,
    sets: SetOption = None,
    arch: ArchOption = None,
    workload: WorkloadOption = None,
    trace: TraceOption = None,
    level: LevelOption = None,
    reference: ReferenceOption = None,
    store: StoreOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    local_cluster: LocalClusterOption = False,
    dry_run: DryOption = False,
    seed: SeedOption = None,
    allow_rough: RoughOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Price every design of a sweep, and say which is the best, which is the knee, and what to take."""
    if workload is not None and trace is not None:
        raise typer.BadParameter("--workload and --trace exclude each other")
    if scheduler is not None and (workers is not None or local_cluster or dry_run):
        other = "--workers" if workers is not None else "--local-cluster" if local_cluster else "--dry-run"
        raise typer.BadParameter(f"--scheduler and {other} exclude each other")
    flags = {"arch": arch, "workload": workload, "trace": trace, "level": level and level.value, "seed": seed}
    flags |= {"allow_rough": allow_rough, "reference": reference and reference.value}
    spec = spec_of(file, sets or (), {name: value for name, value in flags.items() if value is not None})
    evaluator, count = evaluator_of(spec), _workers(workers)
    if dry_run:
        with compiling(quiet, spec.level):
            return _dry_run(spec, evaluator, count, json, quiet)
    with (
        compiling(quiet, spec.level),
        _executor(spec, evaluator, scheduler, count if local_cluster else None, quiet) as executor,
    ):
        outcome = _outcome(spec, evaluator, store, count, executor, quiet)
    _show(outcome, title_of(spec), json, quiet)


def spec_of(file: str | None, sets: Any, flags: dict[str, Any]) -> "SweepFile":
    """Return the sweep of a file and of flags, which replace what it says."""
    from tokensieve.explore.flags import with_flags

    return with_flags(file, sets, flags)


def _workers(asked: int | None) -> int:
    import os

    return asked or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))


def evaluator_of(spec: "SweepFile") -> "Evaluator":
    """Return what prices designs at the level of the sweep."""
    from tokensieve.run import sweeps

    return sweeps.evaluator_of(spec.level)


@contextmanager
def _executor(
    spec: "SweepFile", evaluator: "Evaluator", scheduler: str | None, local: int | None, quiet: bool
) -> Iterator["Executor | None"]:
    """Give the workers of a Dask scheduler, or of a cluster of `local` processes; None for those of our own."""
    if scheduler is None and local is None:
        yield None
        return
    from tokensieve.explore.cluster import Cluster
    from tokensieve.explore.schedulers import connected, local_cluster

    def tell(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr)

    if scheduler is not None:
        with connected(scheduler, tell) as client:
            yield Cluster(client, spec, evaluator, tell)
    else:
        with local_cluster(local or 1) as (client, again):
            yield Cluster(client, spec, evaluator, again=again)


def _outcome(
    spec: "SweepFile", evaluator: "Evaluator", path: str | None, workers: int, executor: "Executor | None", quiet: bool
) -> "Outcome":
    """Run the sweep; stopped by Ctrl-C, it says how to go on."""
    from tokensieve.explore.store import Store
    from tokensieve.explore.sweep import run_sweep

    done = [0, 0]
    with Store.open(path) if path is not None else nullcontext() as store, bar(quiet) as show:

        def tell(*now: int) -> None:
            done[:] = now
            show(*now)

        try:
            return run_sweep(spec, evaluator, store=store, workers=workers, executor=executor, progress=tell)
        except KeyboardInterrupt:
            told = f"after {done[0]:,} of {done[1]:,} designs" if done[0] else "before the first designs were counted"
            kept = f"what is done is in {path}, and the same command goes on from there" if path else "nothing is kept"
            print(f"stopped {told}; {kept}", file=sys.stderr)
            raise


def _dry_run(spec: "SweepFile", evaluator: "Evaluator", workers: int, json: bool, quiet: bool) -> None:
    from tokensieve.explore.dry import dry_run
    from tokensieve.report.sweep import dry_page

    told = dry_run(spec, evaluator, workers)
    if json:
        sys.stdout.write(json_text.dumps(told.to_dict(), indent=2) + "\n")
    elif not quiet:
        say(dry_page(told, width()))


def title_of(spec: "SweepFile") -> str:
    """Return what stands above tables."""
    from tokensieve.explore.cases import SHIPPED

    suite = ", ".join(spec.workloads) if spec.workloads else spec.workload or spec.trace or SHIPPED
    beside = f", reference {spec.reference}" if spec.un_pruned else ""
    return f"{spec.name}: {spec.arch} on {suite}, level {spec.level}{beside}"


def _show(outcome: "Outcome", title: str, json: bool, quiet: bool) -> None:
    from tokensieve.arch.errors import SweepError
    from tokensieve.report.sweep import nothing_valid, outcome_object, sweep_page

    if json:
        sys.stdout.write(json_text.dumps(outcome_object(outcome, title), indent=2) + "\n")
    if outcome.best is None:
        raise SweepError(nothing_valid(outcome))
    if not json and not quiet:
        say(sweep_page(outcome, title, width()))


@contextmanager
def bar(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows how many designs are done on a bar, with the rate and the time that is left."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as drawn:
        task, began = drawn.add_task("designs", total=None, rate=""), time.monotonic()

        def show(done: int, total: int) -> None:
            rate = done / max(time.monotonic() - began, 1e-9)
            drawn.update(task, completed=done, total=total, rate=f"{rate:,.0f} a second")

        yield show
