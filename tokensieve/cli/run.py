"""``tokensieve run``: simulate an accelerator on a workload or a trace."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.cli.options import (
    ArchOption,
    JsonOption,
    Level,
    NoCacheOption,
    QuietOption,
    ReferenceKind,
    SeedOption,
    SetOption,
    arch_file,
    examples,
    progress,
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
from tokensieve.cli.work import (
    SHIPPED,
    ForceOption,
    ScoresOption,
    TraceOption,
    WorkloadOption,
    compiling,
    decisions_of,
    say_if_played,
    store_of,
)

if TYPE_CHECKING:
    from tokensieve.arch import Arch
    from tokensieve.sim.result import Result
    from tokensieve.workloads.decisions import Decisions
    from tokensieve.workloads.models import ModelShape

app = typer.Typer(add_completion=False, rich_markup_mode=None)

FC_BITS = 8
"""Width of a weight where --fc-bits does not tell."""

RESULT, PICTURE = "result.json", "cycles.png"
"""Files that --out writes."""

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
    scores: ScoresOption = None,
    no_cache: NoCacheOption = False,
    advice: AdviceOption = True,
    seed: SeedOption = 0,
    force: ForceOption = False,
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
    read = {"--workload": workload, "--trace": trace, "--model": model, "--arch": arch_file(arch)}
    folder = _folder(out, read)
    from tokensieve.arch import load_arch
    from tokensieve.report.summary import header

    machine = load_arch(arch, sets or ())
    decisions = decisions_of(machine, workload, trace, seed, scores, force)
    shape = _shape(machine, decisions, workload, model, fc_bits) if end_to_end else None
    kind = None if reference is ReferenceKind.NONE else reference.value
    result = _simulated(
        machine, decisions, quiet, level=level.value, reference=kind, confirm=confirm, advice=advice, seed=seed,
        sets=sets or (), store=store_of(no_cache),
    )  # fmt: skip
    if shape is not None:
        result = _with_fc(machine, result, decisions, shape, fc_bits)
    head = header(machine.name, decisions.meta, workload or trace or SHIPPED, level.value, sets or ())
    there = folder is not None and any((folder / name).exists() for name in (RESULT, PICTURE))
    written = _written(folder, result, head) if folder else []
    _show(result, head, written, json, quiet, sets or (), there)


def _folder(out: str | None, read: dict[str, str | None]) -> Path | None:
    """Return the folder of --out, after making sure that files could be written to it, and over none that is read."""
    if out is None:
        return None
    if not out:
        raise typer.BadParameter("--out must name a folder, got ''")
    from tokensieve.report.files import check_apart, check_folder

    folder = Path(out)
    check_folder(folder, (RESULT, PICTURE))
    check_apart([folder / RESULT, folder / PICTURE], "--out", read)
    return folder


def _simulated(machine: "Arch", decisions: "Decisions", quiet: bool, **options: Any) -> "Result":
    """Return the result; `options` are those of `tokensieve.run.simulate.run`."""
    say_if_played(options["level"], quiet)
    from tokensieve.run.simulate import run as simulate

    with compiling(quiet, *_compiled(options)), progress(quiet) as report:
        return simulate(machine, decisions, **options, progress=report)


def _compiled(options: dict[str, Any]) -> set[str]:
    """Return the levels whose kernels a run may compile."""
    asked = {"analytic" if options["level"] == "analytic" else "cycle"}
    return asked | ({"cycle", "analytic"} if options["confirm"] or options["advice"] else set())


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
    return write_folder(folder, {RESULT: result.to_json().encode(), PICTURE: picture})


def _show(
    result: "Result",
    head: str,
    written: list[Path],
    json: bool,
    quiet: bool,
    sets: Iterable[str] = (),
    there: bool = False,
) -> None:
    from tokensieve.report.summary import page
    from tokensieve.run.inert import inert_sentence

    if json:
        sys.stdout.write(result.to_json())
    elif not quiet:
        say(page(result, head, width()))
        if told := inert_sentence(dict(result.inert), sets):
            say(told)
    if written and not quiet:
        told = f"wrote {' and '.join(map(str, written))}{', in the place of the results that were there' * there}"
        print(told, file=sys.stderr) if json else say(told)
