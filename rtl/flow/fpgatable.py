"""The table of what the top-k engines take on an ECP5, as recorded in a data file with the versions of the tools.

``python -m tokensieve.rtl.flow.fpgatable FILE`` measures every engine and writes the file (`make fpga-table`; hours
of CPU, less what is cached). It is written anew after each engine, so that a run that is stopped has lost nothing.
With ``--show`` it prints the file as a table and measures nothing.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.flow.fpga import measure

ENGINES = ("quickselect", "radix", "bitserial", "bitonic")
LANES = (4, 16)
LENGTHS = (256, 1024)
SCORE_BITS = 16

_LONGEST_SORTER = 256
"""Longest row of the bitonic sorter in the table: longer ones are generated, and too large to be useful."""

_SEEDS = {("quickselect", 16, 1024): (1, 2, 3), ("radix", 16, 1024): (1, 2, 3)}
"""Seeds of place and route, where it is more than one."""

_COLUMNS = {
    "engine": "engine", "lanes": "P", "max_tokens": "N", "lut4": "LUT4", "ff": "FF", "carry": "CCU2C",
    "dpr": "DPR16X4", "bram": "DP16KD", "dsp": "MULT18X18D",
}  # fmt: skip


def configurations() -> Iterator[tuple[Topk, Sequence[int]]]:
    """Yield the engines of the table, the smallest first, and the seeds to place each with."""
    for length in LENGTHS:
        for lanes in LANES:
            for engine in ENGINES:
                if engine != "bitonic" or length <= _LONGEST_SORTER:
                    topk = Topk.model_validate(
                        {
                            "engine": engine,
                            "lanes": lanes,
                            "max_tokens": length,
                            "score_bits": SCORE_BITS,
                            "compactor": "balanced",
                        }
                    )
                    yield topk, _SEEDS.get((engine, lanes, length), (1,))


def write(file: Path) -> None:
    """Synthesise all engines, then place them one by one, and write `file` each time."""
    wanted = list(configurations())
    rows = [measure(topk, ()) for topk, _ in wanted]
    for number in sorted(range(len(wanted)), key=lambda n: (-len(wanted[n][1]), str(rows[n]["lut4"]).zfill(9))):
        _save(file, rows)
        rows[number] = measure(*wanted[number])
        print(json.dumps(rows[number]), file=sys.stderr, flush=True)
    _save(file, rows)


def _save(file: Path, rows: Sequence[Mapping[str, object]]) -> None:
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(json.dumps(rows, indent=1) + "\n")
    os.replace(draft, file)


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the recorded rows as a table."""
    lines = [f"| {' | '.join(_COLUMNS.values())} | MHz |", "|---" * (len(_COLUMNS) + 1) + "|"]
    for row in rows:
        clocks = " / ".join(f"{clock:.1f}" for clock in row["fmax_mhz"].values()) or "not placed"
        cells = [f"{row[name]:,}" if isinstance(row[name], int) else row[name] for name in _COLUMNS]
        lines.append(f"| {' | '.join([*cells, clocks])} |")
    return "\n".join(lines)


def main() -> None:
    """Measure all top-k engines on an ECP5 and record the figures, or print what is recorded."""
    parser = argparse.ArgumentParser(prog="python -m tokensieve.rtl.flow.fpgatable", description=main.__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--show", action="store_true", help="print the file as a table")
    told = parser.parse_args()
    if not told.show:
        write(told.file)
    print(markdown(json.loads(told.file.read_text())))


if __name__ == "__main__":
    main()
