"""``tokensieve best``: the best design of a store under constraints, and the knee."""

import json as json_text
from typing import Annotated

import typer

from tokensieve.cli.choice import (
    LevelOption,
    ModelOption,
    StoreArgument,
    SweepOption,
    WhereOption,
    WorkOption,
    choice,
    not_applied,
    tell,
)
from tokensieve.cli.options import JsonOption, QuietOption, examples, say, width

app = typer.Typer(add_completion=False, rich_markup_mode=None)

ObjectiveOption = Annotated[
    list[str] | None,
    typer.Option(
        "--objective",
        metavar="FIGURE",
        help="What is wanted small, or `max ...`: a figure or a formula. A second one is the price of the knee. "
        "[default: seconds, area_mm2.total]",
    ),
]
ConstraintOption = Annotated[
    list[str] | None,
    typer.Option("--constraint", metavar="CONDITION", help="What has to hold: area_mm2.total < 5. Repeatable."),
]


@app.command(
    epilog=examples(
        "tokensieve best designs.store",
        'tokensieve best designs.store --objective "max gops_per_watt" --constraint "area_mm2.total < 13"',
    )
)
def best(
    path: StoreArgument,
    objective: ObjectiveOption = None,
    constraint: ConstraintOption = None,
    where: WhereOption = None,
    workload: WorkOption = None,
    sweep: SweepOption = None,
    level: LevelOption = None,
    model: ModelOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Print the design of a store that is best under constraints, and the cheapest one that is nearly as good."""
    from tokensieve.explore import open_store
    from tokensieve.report.answers import best_line, best_page

    with open_store(path) as opened:
        chosen = choice(where, sweep, workload, level, model)
        found = opened.best(*(objective or ()), constraints=constraint or (), **chosen)
        left = not_applied(opened, sweep, (*(constraint or ()), *(where or ())), "--constraint")
    tell(left, quiet)
    if json:
        told = {
            "objectives": [f"max {one.text}" if one.largest else one.text for one in found.objectives],
            "workloads": list(found.designs.workloads),
            "level": found.designs.level,
            "compared": found.compared,
            "fitting": found.fitting,
            "held": dict(found.held),
            "best": found.best,
            "knee": found.knee,
            "answer": best_line(found),
        }
        print(json_text.dumps(told, indent=2))
    elif not quiet:
        say(best_page(found, width()))
