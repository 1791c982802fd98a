"""Tables of what tools measured over hours: recorded in a data file, and shown from it."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tokensieve.report.files import write_file
from tokensieve.report.markdown import table

Row = Mapping[str, Any]

BROKEN_PIPE = 141
"""Exit code where nobody reads on, as of `tokensieve`."""


def save(file: Path, rows: Sequence[Row] | Row) -> None:
    """Write `rows`, or one object, to `file`, whole or not at all."""
    write_file(file, (json.dumps(rows, indent=1) + "\n").encode())


def markdown(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Return the `columns` of `rows` as a Markdown table; whole numbers are written with commas.

    >>> print(markdown(["unit", "LUT4"], [{"unit": "topk", "LUT4": 6207}]))
    | unit | LUT4 |
    |---|---|
    | topk | 6,207 |
    """
    cells = [[f"{row[name]:,}" if isinstance(row[name], int) else str(row[name]) for name in columns] for row in rows]
    return table(columns, cells)


def command(
    module: str, about: str | None, write: Callable[[Path], None], show: Callable[[Sequence[Row]], str]
) -> None:
    """Obey the command line of `module`: have a file written anew unless told to show it only, and print it.

    Ends quietly, as the command line of the package does, where nobody reads on.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=about)
    parser.add_argument("file", type=Path)
    parser.add_argument("--show", action="store_true", help="print the file as a table")
    told = parser.parse_args()
    if not told.show:
        write(told.file)
    try:
        print(show(json.loads(told.file.read_text())), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python's own flush at its end stays quiet
        sys.exit(BROKEN_PIPE)
