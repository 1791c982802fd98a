"""What a command is asked to work on: a named workload, a trace, or the trace that ships with the package."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tokensieve.arch import Arch
    from tokensieve.sim.reference.store import Store
    from tokensieve.workloads.decisions import Decisions

SHIPPED = "the shipped trace"

WorkloadOption = Annotated[
    str | None,
    typer.Option(
        "--workload",
        metavar="NAME|FILE",
        help="Named workload (`tokensieve workloads`), or a YAML file that describes one.",
    ),
]
TraceOption = Annotated[
    str | None,
    typer.Option(
        "--trace",
        metavar="FILE",
        help="Pruning decisions: an .npz of `tokensieve capture`, or a .csv of SpAtten's authors.",
    ),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Run work of any size, which may take hours and all of the memory.")
]
ScoresOption = Annotated[
    str | None,
    typer.Option(
        "--scores",
        metavar="NAME",
        help="Where only counts are known: distribution of the scores that the top-k searches, for example uniform. "
        "[default: the nearest to captured traces]",
    ),
]


def decisions_of(
    machine: "Arch",
    workload: str | None,
    trace: str | None,
    seed: int,
    scores: str | None = None,
    force: bool = False,
) -> "Decisions":
    """Return the decisions of what was asked for; of the shipped trace where neither was.

    `scores` names the distribution of the scores where only counts are known; it is refused where records are captured.
    """
    if workload is not None and trace is not None:
        raise typer.BadParameter("--workload and --trace exclude each other")
    from tokensieve.workloads.benchmarks import load_workload
    from tokensieve.workloads.traces import default_trace, load_trace

    if workload is not None:
        return load_workload(workload, machine, seed, scores, force)
    return load_trace(default_trace() if trace is None else trace, machine, seed, scores, force)


COMPILED = {"cycle": 80, "analytic": 85, "dram": 70, "replay": 100}
"""Most functions, about, that a level or a model beside them compiles where nothing is in the cache."""

COMPILED_S = 0.4
"""About how many CPU seconds one takes."""


@contextmanager
def compiling(quiet: bool, *parts: str) -> Iterator[None]:
    """Say so when a first kernel is compiled meanwhile, and how many there may be; `parts` are those of `COMPILED`."""
    if quiet:
        yield
        return
    from tokensieve.sim.kernels import watched

    most = sum(COMPILED[part] for part in dict.fromkeys(parts))
    shown = sys.stderr.isatty()

    def tell(count: int) -> None:
        if count == 0:
            told = f"compiling kernels, once: up to about {most} functions, {most * COMPILED_S:.0f} s of CPU ..."
            print(told, file=sys.stderr, flush=True)
        elif shown:
            print(f"\r{count} of up to {most} ", end="", file=sys.stderr, flush=True)

    with watched(tell):
        yield


def say_if_played(level: str, quiet: bool) -> None:
    """Say that selections are about to be played on Verilator, whose first build of a machine takes minutes."""
    if level == "rtl" and not quiet:
        told = "playing selections on the generated Verilog (building it takes minutes, once for each machine) ..."
        print(told, file=sys.stderr, flush=True)


def store_of(no_cache: bool) -> "Store | None":
    """Return where references are kept, or None with --no-cache."""
    from tokensieve.sim.reference.store import Store

    return None if no_cache else Store()
