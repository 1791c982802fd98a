"""Options of the commands that ask a store: which of its points are meant."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tokensieve.explore import Store
    from tokensieve.explore.selection import Selection

StoreArgument = Annotated[str, typer.Argument(metavar="STORE", help="File of `tokensieve sweep --store`.")]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where", metavar="CONDITION", help="Designs alone of which this holds: topk.lanes <= 16. Repeatable."
    ),
]
SweepOption = Annotated[
    int | None, typer.Option("--sweep", metavar="N", help="Points of one sweep alone (`tokensieve store info`).")
]
WorkOption = Annotated[
    str | None,
    typer.Option("--workload", metavar="NAME", help="Points on one workload alone. [default: means over all]"),
]
LevelOption = Annotated[
    str | None,
    typer.Option("--level", metavar="LEVEL", help="Points of one level of fidelity. [default: the only one]"),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="VERSION", help="Version of the cycle model, by its first digits. [default: the only one]"
    ),
]


def choice(
    where: Sequence[str] | None, sweep: int | None, workload: str | None, level: str | None, model: str | None
) -> dict[str, Any]:
    """Return what was asked for, as `tokensieve.explore.selection.Choice` takes it."""
    return {"where": tuple(where or ()), "sweep": sweep, "workload": workload, "level": level, "model": model}


def not_applied(opened: "Store", sweep: int | None, given: Sequence[str] | None, option: str) -> str:
    """Return that constraints of the store's sweeps, or of one, are not among those `given` with `option`; or ''."""
    texts = opened.sweep_texts()
    chosen = texts.values() if sweep is None else [texts[sweep]]
    told = [json.loads(text) for text in chosen]
    held = {name: None for one in told if isinstance(one, dict) for name in one.get("constraints") or ()}
    again = {"".join(text.split()) for text in given or ()}
    left = [name for name in held if "".join(name.split()) not in again]
    return f"the sweep's constraints ({'; '.join(left)}) are not applied here; {option} adds them" if left else ""


def tell(line: str, quiet: bool) -> None:
    """Print a line on stderr, unless there is none to print."""
    if line and not quiet:
        print(line, file=sys.stderr)


def marked_or_why(opened: "Store", designs: "Selection", preset: str) -> "tuple[Selection | None, str]":
    """Return the machine `preset` on the work of `designs`, or None and why it cannot be priced."""
    from tokensieve.arch import TokensieveError
    from tokensieve.arch.presets import load_arch
    from tokensieve.explore.marked import marked

    load_arch(preset)
    evaluator = None
    if designs.level == "cycle":
        from tokensieve.run.points import Cycle

        evaluator = Cycle()
    try:
        return marked(opened, designs, preset, evaluator), ""
    except TokensieveError as problem:
        return None, str(problem)
