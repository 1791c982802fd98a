"""``tokensieve search``: look for the best designs of a space, at several levels of fidelity."""

import json as json_text
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.cli.options import JsonOption, QuietOption, examples, say, width
from tokensieve.cli.sweep import (
    ArchOption,
    LevelOption,
    RoughOption,
    SetOption,
    StoreOption,
    TraceOption,
    WorkloadOption,
    bar,
    evaluator_of,
    spec_of,
    title_of,
)
from tokensieve.cli.work import compiling

if TYPE_CHECKING:
    from tokensieve.explore.promote import Confirmed, Promotion
    from tokensieve.explore.search import Found, Options
    from tokensieve.explore.spec import SweepFile
    from tokensieve.explore.store import Store

app = typer.Typer(add_completion=False, rich_markup_mode=None)

FileArgument = Annotated[
    str | None,
    typer.Argument(metavar="[FILE]", help="Sweep file, of which the axes are searched, or a sweep that ships."),
]
EvaluationsOption = Annotated[
    int, typer.Option("--evaluations", metavar="N", help="Designs that are tried, each once; refused ones count.")
]
SeedOption = Annotated[
    int,
    typer.Option(
        "--seed", metavar="N", min=0, max=(1 << 32) - 1, help="Seed of the sampler; that of the work is in the file."
    ),
]
SamplerOption = Annotated[
    str,
    typer.Option(
        "--sampler",
        metavar="NAME",
        help="Sampler of Optuna: nsga2, nsga3, tpe, gp, random; with +steps it asks for the first quarter alone.",
    ),
]
BatchOption = Annotated[int, typer.Option("--batch", metavar="N", help="Designs that are asked for at a time.")]
PromoteOption = Annotated[
    int, typer.Option("--promote", metavar="N", min=0, help="Best designs that are priced again at level cycle.")
]
ConfirmOption = Annotated[
    bool,
    typer.Option(
        "--confirm", help="Also play the top-k engines of the front on their Verilog, a minute each (level rtl)."
    ),
]


@app.command(
    epilog=examples(
        "tokensieve search mine.yaml --store mine.db",
        "tokensieve search mine.yaml --evaluations 1000 --seed 3 --sampler nsga2",
        "tokensieve search mine.yaml --promote 10 --confirm",
    )
)
def search(
    file: FileArgument = None,
    sets: SetOption = None,
    arch: ArchOption = None,
    workload: WorkloadOption = None,
    trace: TraceOption = None,
    level: LevelOption = None,
    store: StoreOption = None,
    evaluations: EvaluationsOption = 400,
    seed: SeedOption = 0,
    sampler: SamplerOption = "nsga2+steps",
    batch: BatchOption = 10,
    promote: PromoteOption = 24,
    confirm: ConfirmOption = False,
    allow_rough: RoughOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Look for the designs of a space that no other one beats, and say which one to take."""
    if workload is not None and trace is not None:
        raise typer.BadParameter("--workload and --trace exclude each other")
    flags: dict[str, Any] = {"arch": arch, "workload": workload, "trace": trace, "level": level and level.value}
    flags["allow_rough"] = allow_rough
    spec = spec_of(file, sets or (), {name: value for name, value in flags.items() if value is not None})
    from tokensieve.explore.search import Options
    from tokensieve.explore.store import Store

    options = Options(evaluations=evaluations, seed=seed, method=sampler, batch=batch)
    with Store.open(store) if store is not None else nullcontext() as opened:
        found = _found(spec, options, opened, quiet)
        _check(found)
        promotion = _promoted(found, spec, promote, opened, quiet)
    confirmed = _confirmed(found, promotion, spec) if confirm else None
    from tokensieve.report.search import search_object, search_page

    title = title_of(spec)
    if json:
        sys.stdout.write(json_text.dumps(search_object(found, promotion, confirmed, title), indent=2) + "\n")
    elif not quiet:
        say(search_page(found, promotion, confirmed, title, width()))


def _found(spec: "SweepFile", options: "Options", store: "Store | None", quiet: bool) -> "Found":
    """Run the search; stopped by Ctrl-C, it says how to go on."""
    from tokensieve.explore.search import run_search

    done = [0, 0]
    with compiling(quiet, spec.level), bar(quiet) as show:

        def tell(*now: int) -> None:
            done[:] = now
            show(*now)

        try:
            return run_search(spec, evaluator_of(spec), options, store=store, progress=tell)
        except KeyboardInterrupt:
            kept = f"they are in {store.path}, and the same command goes on from there" if store else "nothing is kept"
            print(f"stopped after {done[0]:,} of {done[1]:,} designs; {kept}", file=sys.stderr)
            raise


def _check(found: "Found") -> None:
    from tokensieve.arch.errors import SweepError
    from tokensieve.report.sweep import nothing_valid

    if found.outcome.best is None:
        raise SweepError(nothing_valid(found.outcome))


def _promoted(found: "Found", spec: "SweepFile", most: int, store: "Store | None", quiet: bool) -> "Promotion | None":
    """Return what the best designs come to at level `cycle`, unless that was the level of the search."""
    if not most or spec.level == "cycle":
        return None
    from tokensieve.explore.promote import promote

    closer = spec.model_copy(update={"level": "cycle"})
    with compiling(quiet, "cycle"), bar(quiet) as show:
        return promote(found, closer, evaluator_of(closer), most, store=store, progress=show)


def _confirmed(found: "Found", promotion: "Promotion | None", spec: "SweepFile") -> "list[Confirmed]":
    """Return what came of the top-k engines of the front, that of the closest level that there is."""
    from tokensieve.run.confirm import confirm

    if promotion is not None and promotion.best:
        places = {int(number): i for i, number in enumerate(promotion.numbers)}
        rows, archive = promotion.outcome.rows, promotion.archive
    else:
        places, rows, archive = (
            {row.number: row.number for row in found.outcome.rows},
            found.outcome.rows,
            found.archive,
        )
    machines = [(row.number, *archive.machine(places[row.number])) for row in rows]
    return confirm([(number, machine, case) for number, machine, cases in machines for case in cases], spec.seed)
