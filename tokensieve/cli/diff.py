"""``tokensieve diff``: what makes two results, or two designs of a store, differ."""

import json as json_text
from typing import Annotated

import typer

from tokensieve.cli.options import JsonOption, examples, say, width

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_HELP = "A folder of `run --out`, a result.json, or STORE#ID: a point of a store."


@app.command(
    epilog=examples("tokensieve diff results-8 results-16", "tokensieve diff designs.store#3 designs.store#17")
)
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help=_HELP)],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one, in the same words.")],
    json: JsonOption = False,
) -> None:
    """Print how B differs from A, by cause, unit, tensor and field of the machine, and what made the difference."""
    from tokensieve.explore.diff import diff as difference
    from tokensieve.report.difference import difference_object, difference_page

    found = difference(a, b)
    if json:
        print(json_text.dumps(difference_object(found), indent=2))
    else:
        say(difference_page(found, width()))
