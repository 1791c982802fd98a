"""What a command is asked to work on: a named workload, a trace, or the trace that ships with the package."""

import sys
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


def say_if_cold(quiet: bool = False, level: str = "cycle") -> None:
    """Say that the kernels of a level, or of `replay`, are about to be compiled, where they are not in the cache."""
    from tokensieve.sim.kernels import FUNCTIONS, LONGEST, compiled, watch

    kernels = "cycle" if level == "rtl" else level
    if quiet or compiled(LONGEST[kernels]):
        return
    total = FUNCTIONS[kernels]
    told = f"compiling the kernels once: about {total} functions, half a minute of CPU or so ..."
    print(told, file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        watch(lambda count: print(f"\r{count} of about {total} ", end="", file=sys.stderr, flush=True))


def say_if_played(level: str, quiet: bool) -> None:
    """Say that selections are about to be played on Verilator, whose first build of a machine takes minutes."""
    if level == "rtl" and not quiet:
        told = "playing selections on the generated Verilog (building it takes minutes, once for each machine) ..."
        print(told, file=sys.stderr, flush=True)


def store_of(no_cache: bool) -> "Store | None":
    """Return where references are kept, or None with --no-cache."""
    from tokensieve.sim.reference.store import Store

    return None if no_cache else Store()
