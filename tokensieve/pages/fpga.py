"""The table of what the top-k engines take on an ECP5, as recorded in a data file with the versions of the tools.

``python -m tokensieve.pages.fpga FILE`` measures every engine and writes the file (`make fpga-table`; hours
of CPU, less what is cached). It is written anew after each engine, so that a run that is stopped has lost nothing.
With ``--show`` it prints the file as a table and measures nothing.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tokensieve.arch.datapath import ENGINES, Topk
from tokensieve.pages.recorded import Row, command, markdown, save

LANES = (4, 16)
LENGTHS = (256, 1024)
SCORE_BITS = 16

_LONGEST_SORTER = 256
"""Longest packet of the bitonic sorter in the table: longer ones are generated, and too large to be useful."""

_SEEDS = {("quickselect", 16, 1024): (1, 2, 3), ("radix", 16, 1024): (1, 2, 3)}
"""Seeds of place and route, where it is more than one."""

_COLUMNS = {
    "engine": "engine", "P": "lanes", "N": "max_tokens", "LUT4": "lut4", "FF": "ff", "CCU2C": "carry",
    "DPR16X4": "dpr", "DP16KD": "bram", "MULT18X18D": "dsp",
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
    from tokensieve.rtl.flow.fpga import measure

    wanted = list(configurations())
    rows = [measure(topk, ()) for topk, _ in wanted]
    for number in sorted(range(len(wanted)), key=lambda n: (-len(wanted[n][1]), str(rows[n]["lut4"]).zfill(9))):
        save(file, rows)
        rows[number] = measure(*wanted[number])
        print(json.dumps(rows[number]), file=sys.stderr, flush=True)
    save(file, rows)


def show(rows: Sequence[Row]) -> str:
    """Return the recorded rows as a table."""
    told = [{**{title: row[name] for title, name in _COLUMNS.items()}, "MHz": _clocks(row)} for row in rows]
    return markdown([*_COLUMNS, "MHz"], told)


def _clocks(row: Row) -> str:
    return " / ".join(f"{clock:.1f}" for clock in row["fmax_mhz"].values()) or "not placed"


def main() -> None:
    """Measure all top-k engines on an ECP5 and record the figures, or print what is recorded."""
    command("tokensieve.pages.fpga", main.__doc__, write, show)


if __name__ == "__main__":
    main()
