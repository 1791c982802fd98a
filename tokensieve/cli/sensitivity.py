"""``tokensieve sensitivity``: which fields of a sweep matter, one at a time or by Sobol indices."""

import json as json_text
from typing import Annotated

import typer

from tokensieve.cli.options import JsonOption, examples, say, width

app = typer.Typer(add_completion=False, rich_markup_mode=None)

SourceArgument = Annotated[
    str, typer.Argument(metavar="STORE|FILE", help="Store of a sweep, a sweep file, or a sweep that ships.")
]
SobolOption = Annotated[
    bool, typer.Option("--sobol", help="Sobol indices: shares of the variance, interactions included (needs SALib).")
]
AtOption = Annotated[
    list[str] | None,
    typer.Option("--at", metavar="NAME=VALUE", help="Move the base design, that of the sweep's machine. Repeatable."),
]
ObjectiveOption = Annotated[
    list[str] | None,
    typer.Option(
        "--objective", metavar="FIGURE", help="Figure or formula, or `max ...`. [default: those of the sweep]"
    ),
]
SamplesOption = Annotated[
    int | None, typer.Option("--samples", metavar="N", help="With --sobol: blocks, a power of two. [default: 512]")
]
SeedOption = Annotated[int | None, typer.Option("--seed", metavar="N", min=0, help="With --sobol: seed of the sample.")]
SweepOption = Annotated[
    int | None, typer.Option("--sweep", metavar="N", help="Which sweep of a store. [default: the only one]")
]


@app.command(
    epilog=examples(
        "tokensieve sensitivity mine.yaml",
        "tokensieve sensitivity designs.store --at topk.lanes=8",
        "tokensieve sensitivity mine.yaml --sobol --objective energy_j.total",
    )
)
def sensitivity(
    source: SourceArgument,
    sobol: SobolOption = False,
    at: AtOption = None,
    objective: ObjectiveOption = None,
    samples: SamplesOption = None,
    seed: SeedOption = None,
    sweep: SweepOption = None,
    json: JsonOption = False,
) -> None:
    """Price the axes of a sweep anew at level analytic, and say which of them matter."""
    if sobol and at:
        raise typer.BadParameter("--at has no meaning with --sobol, which has no base design")
    if not sobol and (samples is not None or seed is not None):
        raise typer.BadParameter("--samples and --seed have no meaning without --sobol")
    from tokensieve.cli.work import compiling
    from tokensieve.explore.sensitivity import Sampled, one_at_a_time, spec_of
    from tokensieve.explore.sobol import sobol_indices
    from tokensieve.report.sensitivity import sensitivity_object, sensitivity_page, sobol_object, sobol_page

    spec = spec_of(source, sweep)
    title = f"{spec.name}, level analytic"
    if sobol:
        with compiling(False, "analytic"):
            indices = sobol_indices(Sampled(spec, objective or ()), 512 if samples is None else samples, seed or 0)
        told, page = sobol_object(indices), sobol_page(indices, title, width())
    else:
        with compiling(False, "analytic"):
            found = one_at_a_time(spec, objective or (), at or ())
        told, page = sensitivity_object(found), sensitivity_page(found, title, width())
    if json:
        print(json_text.dumps(told, indent=2))
    else:
        say(page)
