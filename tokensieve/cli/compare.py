"""``tokensieve compare``: one machine beside A3, MNNFast, its dense self and CPUs and GPUs, on the same work."""

import json as json_text
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.cli.options import (
    ArchOption,
    JsonOption,
    NoCacheOption,
    SeedOption,
    SetOption,
    given_options,
    say,
    width,
)
from tokensieve.cli.work import (
    SHIPPED,
    ForceOption,
    ScoresOption,
    TraceOption,
    WorkloadOption,
    compiling,
    decisions_of,
    store_of,
)

if TYPE_CHECKING:
    from tokensieve.arch import Arch
    from tokensieve.sim.comparators.base import Cost
    from tokensieve.workloads.decisions import Decisions

TABLE3_MACHINE = "spatten-eighth"
"""Machine of --table3, whose multipliers and bandwidth are those of the paper's Table III."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)

AgainstOption = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="NAME[,NAME...]",
        help="Accelerators: a3, a3-aggressive, mnnfast, dense, dense-int8, fp32; or none. [default: all but "
        "a3-aggressive]",
    ),
]
RooflineOption = Annotated[
    list[str] | None,
    typer.Option(
        "--roofline",
        metavar="NAME|GFLOPS,GB_PER_S",
        help="CPU or GPU by its peaks: titan-xp, xeon-e5-2640v4, jetson-nano, raspberry-pi-4, or two numbers. "
        "Repeatable.",
    ),
]
BaselineOption = Annotated[
    list[str] | None,
    typer.Option("--baseline", metavar="FILE", help="What `tokensieve baseline --out` measured. Repeatable."),
]
PairsOption = Annotated[
    str | None,
    typer.Option("--pairs", metavar="FILE.npz", help="Counts of A3 and MNNFast. [default: those of MiniLM]"),
]
Table3Option = Annotated[
    bool,
    typer.Option(
        "--table3",
        help="Redraw the paper's Table III instead, on the named workloads and an --arch of 128 multipliers and "
        "64 GB/s.",
    ),
]


@app.command()
def compare(
    context: typer.Context,
    arch: ArchOption = "spatten",
    workload: WorkloadOption = None,
    trace: TraceOption = None,
    sets: SetOption = None,
    against: AgainstOption = None,
    roofline: RooflineOption = None,
    baseline: BaselineOption = None,
    pairs: PairsOption = None,
    table3: Table3Option = False,
    scores: ScoresOption = None,
    seed: SeedOption = 0,
    force: ForceOption = False,
    no_cache: NoCacheOption = False,
    json: JsonOption = False,
) -> None:
    """Compare a machine with others that have its multipliers and DRAM; without a workload, on the shipped trace."""
    from tokensieve.arch import load_arch

    if table3:
        given = given_options(context)
        _refuse_beside_table3(given)
        arch = arch if "arch" in given else TABLE3_MACHINE
    machine = load_arch(arch, sets or ())
    if table3:
        _show_table3(machine, json)
        return
    names, devices, counted = _names(against), _devices(roofline or ()), _pairs(pairs)
    decisions = decisions_of(machine, workload, trace, seed, scores, force)
    measured = _measured(baseline or (), decisions)
    from tokensieve.compare.machines import compare as compared
    from tokensieve.report.comparison import comparison_page
    from tokensieve.report.summary import header

    with compiling(False, "cycle"):
        told = compared(machine, decisions, names, devices, counted, measured, store_of(no_cache)).to_dict()
    if json:
        _print_json(told)
    else:
        head = header(machine.name, decisions.meta, workload or trace or SHIPPED, sets=sets or ())
        say(comparison_page(told, head, width()))


def _refuse_beside_table3(given: set[str]) -> None:
    """Refuse options that mean nothing beside --table3, whatever their values."""
    meaningless = ("workload", "trace", "pairs", "against", "roofline", "baseline", "scores", "seed", "no_cache")
    if named := [f"--{name.replace('_', '-')}" for name in meaningless if name in given]:
        raise typer.BadParameter(f"--table3 runs the named workloads and excludes {', '.join(named)}")


def _names(against: str | None) -> tuple[str, ...]:
    from tokensieve.compare.machines import DEFAULT

    if against is None:
        return DEFAULT
    return () if against == "none" else tuple(name.strip() for name in against.split(","))


def _devices(roofline: "list[str] | tuple[()]") -> list[Any]:
    from tokensieve.arch.device import find_device

    return [find_device(given) for given in roofline]


def _pairs(file: str | None) -> Any:
    from tokensieve.workloads.pairs import read_pairs

    return None if file is None else read_pairs(file)


def _measured(files: "list[str] | tuple[()]", decisions: "Decisions") -> "list[Cost]":
    from tokensieve.compare.measured import read_baseline

    return [read_baseline(file).cost(decisions) for file in files]


def _show_table3(machine: "Arch", json: bool) -> None:
    from tokensieve.report.comparison import table3_page
    from tokensieve.validate.record import table3_object
    from tokensieve.validate.table3 import table3_rows

    with compiling(False, "cycle"):
        rows = [table3_object(row) for row in table3_rows(machine)]
    if json:
        _print_json({"arch": machine.name, "arch_digest": machine.digest, "rows": rows})
    else:
        say(table3_page(rows, width()))


def _print_json(told: dict[str, Any]) -> None:
    sys.stdout.write(json_text.dumps(told, indent=2, allow_nan=False) + "\n")
