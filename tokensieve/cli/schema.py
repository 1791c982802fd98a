"""``tokensieve schema``: print the JSON Schema of an architecture, a workload, a sweep or a result."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Kind(StrEnum):
    """What the schema describes."""

    ARCH = "arch"
    WORKLOAD = "workload"
    SWEEP = "sweep"
    RESULT = "result"


@app.command()
def schema(
    kind: Annotated[Kind, typer.Argument(help="What the schema describes.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="File to write instead of stdout.")] = None,
) -> None:
    """Print the JSON Schema (draft 2020-12) of an architecture file, a workload file, a sweep file or a result."""
    text = json.dumps(schema_of(kind), indent=2) + "\n"
    if out is None:
        print(text, end="")
        return
    from tokensieve.report.files import write_file

    write_file(out, text.encode())


def schema_of(kind: Kind) -> dict[str, Any]:
    """Return one schema; only what it needs is imported."""
    if kind is Kind.ARCH:
        from tokensieve.arch.presets import arch_schema

        return arch_schema()
    if kind is Kind.WORKLOAD:
        from tokensieve.workloads.workload import workload_schema

        return workload_schema()
    if kind is Kind.SWEEP:
        from tokensieve.explore.spec import sweep_schema

        return sweep_schema()
    from tokensieve.report.schema import result_schema

    return result_schema()
