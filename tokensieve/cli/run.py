"""``tokensieve run``: simulate an accelerator on a workload or a trace."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.cli.options import (
    ArchOption,
    JsonOption,
    Level,
    QuietOption,
    ReferenceKind,
    SeedOption,
    SetOption,
    examples,
    say,
    width,
)
from tokensieve.cli.rules import (
    IterationOption,
    LatencyOption,
    RoundingOption,
    RowsOption,
    RulesOption,
    check_flags,
    replay_by_rules,
)
from tokensieve.cli.work import SHIPPED, TraceOption, WorkloadOption, decisions_of, say_if_cold

if TYPE_CHECKING:
    from tokensieve.arch import Arch
    from tokensieve.sim.result import Result
    from tokensieve.workloads.decisions import Decisions
    from tokensieve.workloads.models import ModelShape

app = typer.Typer(add_completion=False, rich_markup_mode=None)

LONG_WORK = 1.0
"""Seconds after which a progress bar appears."""

FC_BITS = 8
"""Width of a weight where --fc-bits does not tell."""

LevelOption = Annotated[
    Level,
    typer.Option(
        "--level",
        help="analytic: estimate in closed form; cycle: every query and DRAM command; rtl: cycle, and some of its "
        "top-k commands on the generated Verilog.",
    ),
]
ReferenceOption = Annotated[
    ReferenceKind,
    typer.Option(
        "--reference",
        help="Un-pruned run to compare with. Its numbers in DRAM have the on-chip width (dense), 8 bits "
        "(dense-int8) or 32 bits (fp32).",
    ),
]
EndToEndOption = Annotated[
    bool, typer.Option("--end-to-end", help="Also run the model's fully connected layers, with weights from DRAM.")
]
FcBitsOption = Annotated[
    int | None,
    typer.Option("--fc-bits", metavar="8|12", help="With --end-to-end: bits of a weight in DRAM. [default: 8]"),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME|FILE",
        help="With --end-to-end: the model, for example gpt2-small, or a YAML file of its shape. [default: the one "
        "that the workload or the trace names]",
    ),
]
ConfirmOption = Annotated[
    bool, typer.Option("--confirm", help="Run at another level, too, and print how far apart the two are.")
]
AdviceOption = Annotated[
    bool,
    typer.Option(
        "--advice/--no-advice", help="Say which single field of the machine gains most, for up to three runs."
    ),
]
OutOption = Annotated[
    str | None,
    typer.Option("--out", metavar="DIR", help="Write result.json and cycles.png to this folder."),
]


@app.command(
    epilog=examples(
        "tokensieve run",
        "tokensieve run --workload bert-base-squad1 --set topk.lanes=64",
        "tokensieve run --arch sieve --trace mine.npz --out results",
    )
)
def run(
    context: typer.Context,
    arch: ArchOption = "spatten",
    workload: WorkloadOption = None,
    trace: TraceOption = None,
    sets: SetOption = None,
    level: LevelOption = Level.CYCLE,
    reference: ReferenceOption = ReferenceKind.DENSE,
    end_to_end: EndToEndOption = False,
    fc_bits: FcBitsOption = None,
    model: ModelOption = None,
    confirm: ConfirmOption = False,
    advice: AdviceOption = True,
    seed: SeedOption = 0,
    out: OutOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    # Hidden: the alias of `tokensieve replay`, whose options `replay_by_rules` reads from the context.
    rules: RulesOption = None,
    iteration: IterationOption = None,
    count_rounding: RoundingOption = None,
    topk_latency: LatencyOption = None,
    rows: RowsOption = None,
) -> None:
    """Simulate an accelerator on a workload or a trace; without either, on the trace that ships with the package."""
    check_flags(context, rules, trace)
    if rules is not None:
        return replay_by_rules(context)
    if workload is not None and trace is not None:
        raise typer.BadParameter("--workload and --trace exclude each other")
    if not end_to_end and (fc_bits is not None or model is not None):
        raise typer.BadParameter(f"{'--model' if fc_bits is None else '--fc-bits'} needs --end-to-end")
    folder = _folder(out)
    from tokensieve.arch import load_arch
    from tokensieve.report.summary import header

    machine = load_arch(arch, sets or ())
    decisions = decisions_of(machine, workload, trace, seed)
    shape = _shape(machine, decisions, workload, model, fc_bits) if end_to_end else None
    kind = None if reference is ReferenceKind.NONE else reference.value
    options = {"level": level.value, "reference": kind, "confirm": confirm, "advice": advice, "seed": seed}
    result = _simulated(machine, decisions, quiet, options)
    if shape is not None:
        result = _with_fc(machine, result, decisions, shape, fc_bits)
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


def _simulated(machine: "Arch", decisions: "Decisions", quiet: bool, options: dict[str, Any]) -> "Result":
    say_if_cold(quiet)
    from tokensieve.run.simulate import run as simulate

    with _progress(quiet) as report:
        return simulate(machine, decisions, **options, progress=report)


def _shape(
    machine: "Arch", decisions: "Decisions", workload: str | None, model: str | None, fc_bits: int | None
) -> "ModelShape":
    """Return the shape of the model, after making sure of what --end-to-end needs."""
    from tokensieve.run.end_to_end import check, shape_of

    shape = shape_of(decisions, workload, model)
    check(machine, decisions, shape, FC_BITS if fc_bits is None else fc_bits)
    return shape


def _with_fc(
    machine: "Arch", result: "Result", decisions: "Decisions", shape: "ModelShape", fc_bits: int | None
) -> "Result":
    from tokensieve.run.end_to_end import with_end_to_end

    return with_end_to_end(machine, result, decisions, shape, FC_BITS if fc_bits is None else fc_bits)


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
