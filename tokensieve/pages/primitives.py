"""What the ECP5's own block memories do for two top-k engines: cells and clock with them and without, as recorded.

``python -m tokensieve.pages.primitives FILE`` measures what the file lacks, one placement after another, and writes the
file after each (hours of CPU at 1,024 scores), so that a run that is stopped goes on later: a row counts as long as the
engine's netlist is the same. With ``--show`` it prints the file as a table and measures nothing.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokensieve.arch.datapath import Topk
from tokensieve.pages.recorded import Row, command, markdown, save

if TYPE_CHECKING:
    from tokensieve.arch.primitives import Primitives

SIZES = ((4, 256), (16, 1024))
"""Lanes, and longest packet."""

ENGINES = ("radix", "bitserial")
SEEDS = (1, 2, 3)

_COLUMNS = {"engine": "engine", "P": "lanes", "N": "max_tokens", "block memories": "primitives", "LUT4": "lut4",
            "FF": "ff", "CCU2C": "carry", "DP16KD": "bram"}  # fmt: skip
_CLOCKS = f"MHz, seeds {', '.join(map(str, SEEDS))}"


def configurations() -> "Iterator[tuple[Topk, Primitives]]":
    """Yield the engines of the table, the smallest first."""
    for lanes, length in SIZES:
        for engine in ENGINES:
            told = {"engine": engine, "lanes": lanes, "max_tokens": length, "score_bits": 16, "compactor": "balanced"}
            yield Topk.model_validate(told), "ecp5"
            yield Topk.model_validate(told), "generic"


def write(file: Path) -> None:
    """Place every engine with every seed that `file` lacks, and write it after each; what is not placed has no row."""
    from tokensieve.rtl.flow.fpga import measure

    rows: list[Row] = json.loads(file.read_text()) if file.exists() else []
    wanted = list(configurations())
    for seed in SEEDS:
        for topk, cells in wanted:
            same = [row for row in rows if _key(row) == (topk.engine, topk.lanes, topk.max_tokens, cells)]
            bare = measure(topk, (), cells)
            clocks = _clocks_of(same[0]) if same and same[0]["netlist"] == bare["netlist"] else {}
            if str(seed) not in clocks:
                row = {**bare, "fmax_mhz": {**clocks, **_clocks_of(measure(topk, (seed,), cells))}}
                rows = _in_order([row, *(one for one in rows if one not in same)])
                save(file, rows)
                print(json.dumps(row), file=sys.stderr, flush=True)


def _key(row: Row) -> tuple[Any, ...]:
    return row["engine"], row["lanes"], row["max_tokens"], row["primitives"]


def _in_order(rows: Sequence[Row]) -> list[Row]:
    order = [(topk.engine, topk.lanes, topk.max_tokens, cells) for topk, cells in configurations()]
    return sorted(rows, key=lambda row: order.index(_key(row)))


def _clocks_of(row: Row) -> Mapping[str, Any]:
    clocks: Mapping[str, Any] = row["fmax_mhz"]
    return clocks


def show(rows: Sequence[Row]) -> str:
    """Return the recorded rows as a table."""
    names = {"ecp5": "DP16KD with OUTREG", "generic": "inferred"}
    told = [
        {**{title: row[name] for title, name in _COLUMNS.items()}, "block memories": names[row["primitives"]],
         _CLOCKS: _clocks(row)}
        for row in rows
    ]  # fmt: skip
    return markdown([*_COLUMNS, _CLOCKS], told)


def _clocks(row: Row) -> str:
    clocks = _clocks_of(row)
    return " / ".join(f"{clocks[str(seed)]:.1f}" if str(seed) in clocks else "not placed" for seed in SEEDS)


def main() -> None:
    """Measure two top-k engines on an ECP5 with its own block memories and without, or print what is recorded."""
    command("tokensieve.pages.primitives", main.__doc__, write, show)


if __name__ == "__main__":
    main()
