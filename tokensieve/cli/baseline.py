"""``tokensieve baseline``: measure PyTorch's attention on this host, for a speedup against something measured."""

import json as json_text
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.cli.options import ArchOption, JsonOption, SeedOption, SetOption, arch_file, say
from tokensieve.cli.work import (
    SHIPPED,
    ForceOption,
    ScoresOption,
    TraceOption,
    WorkloadOption,
    compiling,
    decisions_of,
)

if TYPE_CHECKING:
    from tokensieve.arch import Arch
    from tokensieve.compare.measured import Baseline
    from tokensieve.sim.comparators.base import Cost
    from tokensieve.workloads.decisions import Decisions

REPETITIONS = 1_000_000
"""Most repetitions that can be asked for: the times of all of them are held."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class DeviceName(StrEnum):
    """Where PyTorch runs."""

    CPU = "cpu"
    CUDA = "cuda"


@app.command()
def baseline(
    workload: WorkloadOption = None,
    trace: TraceOption = None,
    device: Annotated[DeviceName, typer.Option("--device", help="Where PyTorch runs.")] = DeviceName.CPU,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            metavar="T",
            min=1,
            help="Threads, at most one for each processor of this host. [default: PyTorch's own choice]",
        ),
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", min=1, max=REPETITIONS, help="Repetitions that are timed.")
    ] = 20,
    warmup: Annotated[
        int, typer.Option("--warmup", metavar="N", min=0, max=REPETITIONS, help="Repetitions before those.")
    ] = 3,
    whole: Annotated[
        bool, typer.Option("--whole", help="Run all steps and layers in each repetition, however long it takes.")
    ] = False,
    arch: ArchOption = "spatten",
    sets: SetOption = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE.json", help="Where the measurement goes, for `compare`.")
    ] = None,
    scores: ScoresOption = None,
    seed: SeedOption = 0,
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Measure PyTorch's attention for a workload on this host, and print a machine's modelled speedup over it."""
    from tokensieve.arch import load_arch
    from tokensieve.compare.baseline import Settings, measure, require_torch

    _check_threads(threads)
    machine = load_arch(arch, sets or ())
    read = {"--workload": workload, "--trace": trace, "--arch": arch_file(arch)}
    target = None if out is None else _target(out, read)
    require_torch(device.value)
    decisions = decisions_of(machine, workload, trace, seed, scores, force)
    settings = Settings(device=device.value, threads=threads, warmup=warmup, repeats=repeats, whole=whole, seed=seed)
    ours = _modelled(machine, decisions)
    measured = measure(decisions, settings)
    told = {**measured.model_dump(mode="json"), "modelled": beside(machine, ours, measured)}
    text = json_text.dumps(told, indent=2, allow_nan=False) + "\n"
    if target is not None:
        from tokensieve.report.files import write_file

        write_file(target, text.encode())
    if json:
        sys.stdout.write(text)
    else:
        say(page(told, measured, workload or trace or SHIPPED))


def _check_threads(threads: int | None) -> None:
    """Refuse more threads than processors: they would time the scheduler, and thousands of them end the process."""
    processors = os.cpu_count() or 1
    if threads is not None and threads > processors:
        raise typer.BadParameter(f"--threads must be in 1..{processors}, the processors of this host, got {threads}")


def _target(out: str, read: dict[str, str | None]) -> Path:
    """Return the file of --out, after making sure that it can be made and is none that is read."""
    from tokensieve.arch.errors import WorkloadError
    from tokensieve.report.files import check_apart, check_file

    path = Path(out)
    if path.suffix != ".json" or path.is_dir():
        raise WorkloadError(f"--out must be a file that ends in .json, got {out!r}")
    if not path.parent.is_dir():
        raise WorkloadError(f"--out {out}: there is no folder {str(path.parent)!r}")
    check_file(path, "--out")
    check_apart([path], "--out", read)
    return path


def _modelled(machine: "Arch", decisions: "Decisions") -> "Cost":
    """Return what the work costs on the machine, which is also what refuses work that does not fit."""
    from tokensieve.compare.machines import compare

    with compiling(False, "cycle"):
        return compare(machine, decisions, ()).ours


def beside(machine: "Arch", ours: "Cost", measured: "Baseline") -> dict[str, Any]:
    """Return the machine's own time for the work, and how many times as fast that is as what was measured."""
    seconds = measured.seconds
    return {
        "arch": machine.name,
        "arch_digest": machine.digest,
        "seconds": ours.seconds,
        "label": ours.label,
        "speedup": seconds.median / ours.seconds,
        "speedup_quartiles": [seconds.first_quartile / ours.seconds, seconds.third_quartile / ours.seconds],
    }


def page(told: dict[str, Any], measured: "Baseline", source: str) -> str:
    """Return what is printed for people."""
    from tokensieve.report.quantity import quantity, times

    modelled = told["modelled"]
    rows = [(f"PyTorch, {name}", one, name == measured.kernel) for name, one in measured.kernels.items()]
    low, high = (times(one) for one in modelled["speedup_quartiles"])
    return "\n".join(
        (
            f"attention of {source}, un-pruned: {quantity(measured.operations, 'op')}",
            *(
                f"{name:<18}{quantity(one.median, 's'):>12}  measured, quartiles {quantity(one.first_quartile, 's')} "
                f"to {quantity(one.third_quartile, 's')}{', the baseline' if best else ''}"
                for name, one, best in rows
            ),
            f"{modelled['arch']:<18}{quantity(modelled['seconds'], 's'):>12}  {modelled['label']}, pruned",
            f"{'speedup':<18}{times(modelled['speedup']):>12}  modelled over measured, quartiles {low} to {high}",
            measured.note,
        )
    )
