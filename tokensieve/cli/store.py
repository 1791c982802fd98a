"""``tokensieve store``: what a store of design points holds, one of them in full, and ways out of it."""

import json as json_text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.cli.options import JsonOption, QuietOption, examples, progress, say, width

if TYPE_CHECKING:
    from tokensieve.explore import Store, Where
    from tokensieve.explore.stored import Point
    from tokensieve.report.table import Table

app = typer.Typer(add_completion=False, rich_markup_mode=None)

StoreArgument = Annotated[str, typer.Argument(metavar="STORE", help="File of `tokensieve sweep --store`.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="VERSION|all",
        help="Version of the cycle model, by its first digits (`store info`). [default: the only one]",
    ),
]


@app.callback()
def store() -> None:
    """Show, export and merge stores of design points."""


@app.command(epilog=examples("tokensieve store info designs.store"))
def info(path: StoreArgument, json: JsonOption = False) -> None:
    """Print how many points a store holds, of which sweeps, workloads and versions of the cycle model."""
    from tokensieve.explore import open_store

    with open_store(path) as opened:
        told = opened.info()
    if json:
        print(json_text.dumps(told, indent=2))
    else:
        say(_info_table(told).text(width()))


@app.command(epilog=examples("tokensieve store show designs.store 17", "tokensieve store show designs.store 17 --full"))
def show(
    path: StoreArgument,
    point: Annotated[str, typer.Argument(metavar="ID", help="Number of a point, or 8 or more digits of its key.")],
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="Print the whole result as `run --json` does; at level analytic it is computed anew."
        ),
    ] = False,
    trace: Annotated[
        str | None,
        typer.Option("--trace", metavar="FILE", help="With --full: the trace of the point. [default: where it was]"),
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Print a point: what was set, what it cost, and which version of the cycle model says so."""
    from tokensieve.explore import open_store

    if trace is not None and not full:
        raise typer.BadParameter("--trace is read with --full alone")
    with open_store(path) as opened:
        found = opened.find(point)
        if full:
            sys.stdout.write(_full(opened, found, trace, quiet))
            return
        told = _point(opened, found)
    if json:
        print(json_text.dumps(told, indent=2))
    else:
        say(_point_table(told).text(width()))


@app.command(
    epilog=examples(
        "tokensieve store export designs.store --csv designs.csv",
        "tokensieve store export designs.store --parquet designs.parquet --sweep 2",
    )
)
def export(
    path: StoreArgument,
    csv: Annotated[str | None, typer.Option("--csv", metavar="FILE", help="Write a CSV file.")] = None,
    parquet: Annotated[str | None, typer.Option("--parquet", metavar="FILE", help="Write a Parquet file.")] = None,
    sweep: Annotated[
        int | None, typer.Option("--sweep", metavar="N", help="Points of one sweep (`store info`).")
    ] = None,
    model: ModelOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write the points of a store to a file, one row each: what was set, what it cost, and what follows from both."""
    if (csv is None) == (parquet is None):
        raise typer.BadParameter("one of --csv and --parquet must be given")
    from tokensieve.arch import StoreError
    from tokensieve.explore import Where, open_store
    from tokensieve.explore.frame import write_csv, write_parquet
    from tokensieve.report.files import check_apart, check_file, replaced

    option, named = ("--csv", csv) if csv is not None else ("--parquet", parquet)
    assert named is not None
    check_apart([named], option, {"STORE": path})
    check_file(named, option)
    with open_store(path) as opened:
        frame = _frame(opened, Where(sweep=sweep, model=model))
        with replaced(Path(named), option) as part:
            rows = (write_csv if csv is not None else write_parquet)(frame, part)
            if not rows:
                raise StoreError(f"store {path}: has no point that is asked for; {named} is left as it was")
    if not quiet:
        say(f"wrote {rows} points to {named}")


@app.command(epilog=examples("tokensieve store merge all.store one.store two.store"))
def merge(
    path: StoreArgument,
    others: Annotated[
        list[str], typer.Argument(metavar="OTHER...", help="Stores whose points are added; left as they are.")
    ],
    quiet: QuietOption = False,
) -> None:
    """Add the points of other stores to a store, which is made where there is none."""
    from tokensieve.explore import Store, open_store

    for other in others:
        with open_store(other) as opened:
            opened.check()
    with Store.open(path) as opened:
        for other in others:
            new = opened.merge(other)
            if not quiet:
                say(f"{new} points from {other}")


def _frame(opened: "Store", where: "Where") -> Any:
    from tokensieve.arch import StoreError

    known = [one["id"] for one in opened.info()["sweeps"]]
    if where.sweep is not None and where.sweep not in known:
        raise StoreError(f"--sweep must be one of {', '.join(map(str, known)) or 'none'}, got {where.sweep}")
    return opened.frame(where)


def _info_table(told: dict[str, Any]) -> "Table":
    from tokensieve.report.table import Column, Table

    size = f"{told['bytes_per_point']:.0f}" if told["points"] else ""
    rows = [("points", str(told["points"])), ("bytes", str(told["bytes"])), ("bytes a point", size)]
    for group in ("status", "level"):
        rows += [(f"points, {name}", str(count)) for name, count in told[group].items()]
    rows += [(f"points of model {name[:12]}", str(count)) for name, count in told["model"].items()]
    rows += [(f"points on {one['name']}", str(one["points"])) for one in told["workloads"]]
    rows += [(f"points of sweep {one['id']} ({one['digest'][:12]})", str(one["points"])) for one in told["sweeps"]]
    columns = (Column(title="what", left=True), Column(title="count"))
    return Table(title=f"Store {told['path']}", columns=columns, rows=tuple(rows))


def _point(opened: "Store", point: "Point") -> dict[str, Any]:
    """Return what is known of a point without computing it anew."""
    base, work = opened.base_of(point), opened.work_of(point)
    return {
        "id": point.id,
        "key": point.key.hex(),
        "status": point.status,
        "message": point.message,
        "level": point.level,
        "workload": work.name,
        "base": base.text,
        "set": dict(point.overrides),
        "totals": None if point.totals is None else opened.figures(point),
        "provenance": opened.origin_of(point),
    }


def _point_table(told: dict[str, Any]) -> "Table":
    from tokensieve.report.table import Column, Table

    rows = [(name, str(told[name])) for name in ("key", "status", "message", "level", "workload", "base")]
    rows += [(f"--set {name}", str(value)) for name, value in told["set"].items()]
    rows += [(name, f"{value}") for name, value in (told["totals"] or {}).items()]
    rows += [(f"made by: {name}", str(value)) for name, value in told["provenance"].items()]
    columns = (Column(title="name", left=True), Column(title="value", left=True))
    shown = tuple((name, value) for name, value in rows if value != "None")
    return Table(title=f"Point {told['id']}", columns=columns, rows=shown)


def _full(opened: "Store", point: "Point", trace: str | None, quiet: bool) -> str:
    """Return the text of a point's result, from the store or computed anew."""
    from tokensieve.arch import StoreError
    from tokensieve.explore.again import check_trace

    if point.totals is None:
        raise StoreError(f"point {point.id} has no result: it was {point.status}: {point.message}")
    if trace is not None:
        check_trace(opened.work_of(point), Path(trace))
    if point.full is not None:
        return opened.full_of(point)
    return _again(opened, point, trace, quiet)


def _again(opened: "Store", point: "Point", trace: str | None, quiet: bool) -> str:
    """Run a point of level `analytic` again, with the code that made it."""
    from tokensieve.explore.again import check_same, check_version, decisions_of, machine_of
    from tokensieve.run.simulate import run

    check_version(opened, point)
    machine, sets = machine_of(opened.base_of(point), point)
    work = opened.work_of(point)
    decisions = decisions_of(work, machine, None if trace is None else Path(trace))
    reference = (point.totals or {}).get("reference.kind")
    kind, seed = None if reference is None else str(reference), work.data.get("seed", 0)
    with progress(quiet) as report:
        result = run(machine, decisions, level=point.level, reference=kind, seed=seed, sets=sets, progress=report)
    check_same(point, result)
    return result.to_json()
