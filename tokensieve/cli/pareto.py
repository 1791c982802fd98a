"""``tokensieve pareto``: the designs of a store that no other one beats."""

import json as json_text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.cli.choice import (
    LevelOption,
    ModelOption,
    StoreArgument,
    SweepOption,
    WhereOption,
    WorkOption,
    choice,
    marked_or_why,
    not_applied,
    tell,
)
from tokensieve.cli.options import JsonOption, QuietOption, examples, say, width

if TYPE_CHECKING:
    from tokensieve.explore.answers import Front

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_NONE = "none"

XOption = Annotated[
    str,
    typer.Option("--x", metavar="FIGURE", help="Objective on the x axis: a figure or a formula, small, or `max ...`."),
]
YOption = Annotated[str, typer.Option("--y", metavar="FIGURE", help="Objective on the y axis.")]
MoreOption = Annotated[
    list[str] | None, typer.Option("--objective", metavar="FIGURE", help="One more objective. Repeatable.")
]
PlotOption = Annotated[str | None, typer.Option("--plot", metavar="FILE", help="Draw it: a .png or an .svg file.")]
MarkOption = Annotated[
    str,
    typer.Option(
        "--mark", metavar="PRESET", help="Machine that is shown beside the front, priced on the same work; none."
    ),
]


@app.command(
    epilog=examples(
        "tokensieve pareto designs.store --x energy_j.total --y seconds --plot front.png",
        'tokensieve pareto designs.store --x area_mm2.total --y "max tokens_per_second" --where "dram.channels <= 8"',
    )
)
def pareto(
    path: StoreArgument,
    x: XOption = "energy_j.total",
    y: YOption = "seconds",
    more: MoreOption = None,
    where: WhereOption = None,
    workload: WorkOption = None,
    sweep: SweepOption = None,
    level: LevelOption = None,
    model: ModelOption = None,
    mark: MarkOption = "spatten",
    plot: PlotOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Print the designs of a store that no other one beats in all objectives, and draw them."""
    from tokensieve.explore import open_store
    from tokensieve.explore.answers import rows

    if plot is not None:
        _check_plot(plot, path)
    with open_store(path) as opened:
        found = opened.pareto(x, y, *(more or ()), **choice(where, sweep, workload, level, model))
        left = not_applied(opened, sweep, where, "--where")
        beside, why = (None, "") if mark == _NONE else marked_or_why(opened, found.designs, mark)
    wanted = None if beside is None else _wanted(found, beside)
    row = None if beside is None or wanted is None else rows(beside, found.objectives, wanted)[0]
    if plot is not None:
        _draw(plot, found, None if wanted is None else (float(wanted[0, 0]), float(wanted[1, 0])), mark)
    tell(left, quiet)
    if why:
        print(f"{mark} is not marked: {why}", file=sys.stderr)
    if json:
        print(json_text.dumps(_object(found, row, mark), indent=2))
    elif not quiet:
        from tokensieve.report.answers import front_page

        say(front_page(found, row, mark, width()))
        if plot is not None:
            say(f"Drawn in {plot}.")


def _wanted(found: "Front", beside: Any) -> Any:
    """Return the objectives of the marked machine, shape (objectives, 1)."""
    import numpy as np

    from tokensieve.explore.expression import Formula

    return np.stack([beside.value(Formula(one.text)).astype(float) for one in found.objectives])


def _check_plot(plot: str, path: str) -> None:
    from tokensieve.report.files import check_apart, check_file

    if Path(plot).suffix.lower() not in (".png", ".svg"):
        raise typer.BadParameter(f"--plot must end in .png or .svg, got {plot!r}")
    check_apart([plot], "--plot", {"STORE": path})
    check_file(plot, "--plot")


def _draw(plot: str, found: "Front", mark: tuple[float, float] | None, name: str) -> None:
    from tokensieve.report.answers import about
    from tokensieve.report.files import write_file
    from tokensieve.report.frontfigure import front_picture

    kind: Any = Path(plot).suffix.lower()[1:]
    write_file(Path(plot), front_picture(found, about(found.designs), mark, name, kind), "--plot")


def _object(found: "Front", row: Any, mark: str) -> dict[str, Any]:
    return {
        "objectives": [f"max {one.text}" if one.largest else one.text for one in found.objectives],
        "workloads": list(found.designs.workloads),
        "level": found.designs.level,
        "compared": found.others.shape[1],
        "partial": found.designs.partial,
        "front": found.rows(),
        "marked": None if row is None else {"name": mark, **row},
    }
